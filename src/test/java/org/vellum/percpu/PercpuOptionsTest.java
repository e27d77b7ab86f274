package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.function.Function;
import org.junit.jupiter.api.Test;

final class PercpuOptionsTest {
    private static final PercpuOptions DEFAULT = PercpuOptions.DEFAULT;

    @Test
    void theDefaultIsAUnitOf32KiB() {
        final AllocInfo plan = DEFAULT.plan(16, DEFAULT.atomBytes(), DEFAULT.distance());
        assertEquals(32 << 10, plan.unitBytes());
        assertEquals(32 << 10, plan.usedBytes());
        assertEquals(32 << 10, DEFAULT.withReservedBytes(8 << 10).withStaticBytes(100).plan(16, 4096, null).usedBytes());
        assertEquals(36 << 10, DEFAULT.withReservedBytes(32 << 10).plan(16, 4096, null).usedBytes(), "more than that is more");
        assertEquals(4 << 10, DEFAULT.withDynamicBytes(0).plan(16, 4096, null).usedBytes());
    }

    @Test
    void eachChangesWhatItNames() {
        final UnitSource source = new UnitSource() {
            @Override
            public long allocate(final int cpu, final long bytes, final long align) {
                return 0;
            }

            @Override
            public void free(final long address, final long bytes) {
                // Never had any.
            }
        };
        final CpuDistance distance = (from, to) -> from == to ? CpuDistance.LOCAL : CpuDistance.REMOTE;
        final PercpuOptions all = DEFAULT.withStaticBytes(8).withStaticImage(new byte[] {1, 2}).withReservedBytes(12).withDynamicBytes(16)
            .withAtomBytes(8192).withCpuIds(0, 2).withDistance(distance).withSource(source).withFirstChunk(FirstChunkKind.PAGE);
        assertEquals(8, all.staticBytes());
        assertArrayEquals(new byte[] {1, 2}, all.staticImage());
        assertEquals(12, all.reservedBytes());
        assertEquals(16, all.dynamicBytes());
        assertEquals(8192, all.atomBytes());
        assertArrayEquals(new int[] {0, 2}, all.cpuIds());
        assertSame(distance, all.distance());
        assertSame(source, all.source());
        assertEquals(FirstChunkKind.PAGE, all.firstChunk());
        assertNull(all.withStaticImage(null).staticImage());
        assertNull(all.withCpuIds((int[])null).cpuIds());
        assertArrayEquals(new int[] {0, 1, 2}, all.withCpuIds((int[])null).idsOf(3));
    }

    @Test
    void arraysAreCopies() {
        final byte[] image = {1};
        final int[] ids = {0, 2};
        final PercpuOptions options = DEFAULT.withStaticImage(image).withCpuIds(ids);
        image[0] = 9;
        ids[0] = 9;
        options.staticImage()[0] = 9;
        options.cpuIds()[0] = 9;
        options.idsOf(2)[0] = 9;
        assertEquals(1, options.staticImage()[0]);
        assertEquals(0, options.cpuIds()[0]);
        assertEquals(0, options.idsOf(2)[0]);
    }

    @Test
    void rangesAreChecked() {
        final long tooMuch = (16 << 20) + 1;
        refused("staticBytes=0", o -> o.withStaticBytes(0));
        refused("staticBytes=" + tooMuch, o -> o.withStaticBytes(tooMuch));
        refused("staticBytes=64 staticImage.length=65", o -> o.withStaticImage(new byte[65]));
        refused("reservedBytes=-1", o -> o.withReservedBytes(-1));
        refused("reservedBytes=" + tooMuch, o -> o.withReservedBytes(tooMuch));
        refused("dynamicBytes=-2", o -> o.withDynamicBytes(-2));
        refused("dynamicBytes=" + tooMuch, o -> o.withDynamicBytes(tooMuch));
        refused("staticBytes + reservedBytes + dynamicBytes=" + (64 + (16 << 20)), o -> o.withDynamicBytes(16 << 20));
        refused("atomBytes=2048", o -> o.withAtomBytes(2048));
        refused("atomBytes=12288", o -> o.withAtomBytes(12_288));
        refused("atomBytes=0", o -> o.withAtomBytes(0));
        refused("cpuId=-1", o -> o.withCpuIds(0, -1));
        refused("cpuId=65536", o -> o.withCpuIds(0, 65_536));
        refused("twice: cpuId=7", o -> o.withCpuIds(7, 0, 7));
        refused("not one for each slot that carries caches: cachedSlots=3 cpuIds.length=2", o -> {
            o.withCpuIds(0, 1).idsOf(3);
            return o;
        });
        assertThrows(NullPointerException.class, () -> DEFAULT.withFirstChunk(null));
    }

    private static void refused(final String message, final Function<PercpuOptions, PercpuOptions> change) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> change.apply(DEFAULT)).getMessage());
    }
}
