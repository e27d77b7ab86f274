package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.LayoutWorld.PAGE;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.CpuOptions;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;

/** A first chunk page by page that fails in the middle: nothing of it is left. */
final class PagedUnitsTest {
    private static final int UNIT_PAGES = (32 << 10) / PAGE;
    private static final int SLOTS = 4;
    private static final PercpuOptions OPTIONS = PercpuOptions.DEFAULT.withFirstChunk(FirstChunkKind.PAGE);

    private static final class Injected extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** The frames of a slice, the area, and each unit: whatever fails, nothing of what was done before is left. */
    @Test
    void anErrorAtEveryStepOfAPagedChunk() throws Exception {
        for (int failing = 0; failing < 2 + SLOTS; failing++) {
            for (final boolean isRead : new boolean[] {false, true}) {
                final LayoutWorld world = new LayoutWorld(SLOTS, 2 * MIB, 2 * MIB, 8 * MIB, 1_000_000);
                final int[] left = {failing};
                final Runnable injects = () -> {
                    if (left[0]-- == 0) {
                        throw new Injected();
                    }
                };
                try (SmallMemory.Reader reader = isRead ? new SmallMemory.Reader(world.cpus, "reader") : null) {
                    final Injected thrown = assertThrows(Injected.class, () -> new PagedUnits(OPTIONS, world.below, injects));
                    assertEquals(0, thrown.getSuppressed().length);
                    // What may have been mapped, if for a moment only, a section may have translated.
                    assertEquals(failing > 1 && reader != null ? SLOTS * UNIT_PAGES : 0, world.frames.allocatedFrames(), "step=" + failing);
                }
                world.requireQuiet(0, 0);
            }
        }
        final LayoutWorld world = new LayoutWorld(SLOTS, 2 * MIB, 8 * MIB);
        final int[] steps = {0};
        new PagedUnits(OPTIONS, world.below, () -> steps[0]++);
        assertEquals(2 + SLOTS, steps[0]);
    }

    /** In the middle of it nobody gets a slot any more, nor does who undoes it. */
    @Test
    void slotsRunOutAtEveryStepOfAPagedChunk() throws Exception {
        final CpuOptions slots = CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(SLOTS).withSlotWaitNanos(1_000_000);
        for (int step = 0; step < 2 + SLOTS; step++) {
            final LayoutWorld world = new LayoutWorld(slots, 2 * MIB, 2 * MIB, 8 * MIB, 1_000_000);
            final List<SmallMemory.Reader> readers = new ArrayList<>();
            final int[] left = {step};
            final Runnable occupies = () -> {
                if (left[0]-- == 0) {
                    occupyAll(world, readers);
                }
            };
            final ExhaustedException thrown = assertThrows(ExhaustedException.class, () -> new PagedUnits(OPTIONS, world.below, occupies));
            assertEquals(Resource.SLOTS, thrown.resource());
            assertEquals(0, thrown.getSuppressed().length);
            assertEquals(SLOTS, readers.size());
            for (final SmallMemory.Reader reader : readers) {
                reader.close();
            }
            world.requireQuiet(0, 0);
        }
    }

    private static void occupyAll(final LayoutWorld world, final List<SmallMemory.Reader> readers) {
        try {
            while (readers.size() < SLOTS) {
                readers.add(new SmallMemory.Reader(world.cpus, "reader"));
            }
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
