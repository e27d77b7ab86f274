package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vellum.Vellum;
import org.vellum.vmap.VmapBuffer;

final class DirectoryBlockTest {
    private final CRC32C crc = new CRC32C();
    private final byte[] scratch = new byte[16 << 12];
    private Vellum memory;
    private DirectoryBlock block;
    private VmapBuffer view;

    @BeforeEach
    void open() {
        memory = Vellum.open(16L << 20);
        block = new DirectoryBlock(ScatteredFrames.take(memory, 3, 1), 7);
        view = memory.buffer(memory.vmMapRam(block.frames, 0, 3), block.bytes());
        block.format(view, crc, scratch);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void everyNameIsFoundAndEachVisitLeavesItIntact() {
        final SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 1000; i++) {
            assertTrue(block.visit(view, random, crc, scratch));
        }
        assertTrue(block.isIntact(view, crc, scratch));
    }

    @Test
    void oneWrongByteShows() {
        assertTrue(block.visit(view, new SplittableRandom(3), crc, scratch));
        final int last = block.bytes() - 1;
        view.putByte(last, (byte)(view.getByte(last) ^ 1));
        assertFalse(block.isIntact(view, crc, scratch));
    }

    @Test
    void wrongInodesShow() {
        for (int index = 32; index < block.bytes(); index += 32) {
            view.putLong(index + 8, 0);
        }
        assertFalse(block.visit(view, new SplittableRandom(3), crc, scratch));
    }

    @Test
    void lostVisitsShow() {
        final byte[] before = new byte[block.bytes()];
        view.getBytes(0, before);
        assertTrue(block.visit(view, new SplittableRandom(3), crc, scratch));
        view.putBytes(0, before);
        assertFalse(block.isIntact(view, crc, scratch));
    }

    @Test
    void sizesAreTheSameEveryTimeAndOfEveryKind() {
        assertEquals(Arrays.toString(DirectoryHammer.sizes(5)), Arrays.toString(DirectoryHammer.sizes(5)));
        assertFalse(Arrays.equals(DirectoryHammer.sizes(5), DirectoryHammer.sizes(6)));
        final int[] kinds = java.util.stream.LongStream.range(0, 8).mapToObj(DirectoryHammer::sizes)
            .flatMapToInt(Arrays::stream).sorted().distinct().toArray();
        assertEquals(16, kinds.length);
        assertEquals(1, kinds[0]);
        assertEquals(16, kinds[15]);
    }
}
