package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

class FrameMarkTest {
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final int MARK = 0x8001;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(4 * BANK, BANK));
    private final FrameTable table = frames.table();
    private final Cpu cpu = cpus.enter();

    @AfterEach
    void nothingIsBroken() {
        frames.verify();
        assertEquals(frames.configuredFrames(), frames.freeFrames() + frames.allocatedFrames());
        cpu.exit();
    }

    private void refused(final Class<? extends RuntimeException> type, final String text, final Runnable misuse) {
        final RuntimeException e = assertThrows(type, misuse::run);
        assertTrue(e.getMessage().contains(text), e.getMessage());
        frames.verify();
    }

    @Test
    void shouldMarkEveryOrderAndTakeTheMarkAway() {
        for (int order = 0; order <= 4; order++) {
            final long block = frames.allocate(cpu, order);
            assertEquals(0, table.mark(block));
            assertTrue(table.compareAndSetMark(block, order, 0, MARK));
            assertEquals(MARK, table.mark(block));
            assertEquals(FrameTable.ALLOCATED, table.state(block));
            assertEquals(order, table.order(block));
            assertEquals(1, table.count(block));
            assertTrue(table.compareAndSetMark(block, order, MARK, FrameTable.MAX_MARK));
            assertEquals(FrameTable.MAX_MARK, table.mark(block));
            assertTrue(table.changeMark(block, FrameTable.MAX_MARK, 1));
            assertTrue(table.changeMark(block, 1, 0));
            assertEquals(0, table.mark(block));
            frames.free(cpu, block, order);
            assertEquals(-1, table.mark(block));
        }
    }

    @Test
    void shouldRefuseToFreeReferenceOrSplitWhatIsMarked() {
        final long block = frames.allocate(cpu, 2);
        final long single = frames.allocate(cpu, 0);
        final long free = frames.allocate(cpu, 0);
        final String text = "is held by another room: mark=" + MARK;
        assertTrue(table.compareAndSetMark(block, 2, 0, MARK));
        assertTrue(table.compareAndSetMark(single, 0, 0, MARK));
        refused(IllegalStateException.class, text, () -> frames.free(cpu, block, 2));
        refused(IllegalStateException.class, text, () -> frames.free(cpu, block, 1));
        refused(IllegalStateException.class, text, () -> frames.put(cpu, block));
        refused(IllegalStateException.class, text, () -> frames.get(block));
        refused(IllegalStateException.class, text, () -> frames.split(block, 2));
        refused(IllegalStateException.class, text, () -> frames.freeBulk(cpu, new long[] {free, single}, 0, 2));
        assertEquals(6, frames.allocatedFrames());
        assertEquals(MARK, table.mark(block));
        frames.free(cpu, free, 0);
    }

    @Test
    void shouldChangeNothingIfAnythingDiffers() {
        final long block = frames.allocate(cpu, 2);
        assertTrue(table.changeMark(block, 0, MARK));
        assertFalse(table.compareAndSetMark(block, 2, 0, 5), "another mark");
        assertFalse(table.compareAndSetMark(block, 1, MARK, 5), "another order");
        assertFalse(table.compareAndSetMark(block + 1, 0, MARK, 5), "inside");
        assertFalse(table.changeMark(block + 1, 0, 5), "inside");
        assertFalse(table.changeMark(block, MARK - 1, 5));
        for (final int order : new int[] {-1, 5, 31, 32, 34, Integer.MIN_VALUE}) {
            assertFalse(table.compareAndSetMark(block, order, MARK, 5), "order=" + order);
        }
        for (final int expected : new int[] {-1, FrameTable.RUN_PIECE, FrameTable.RUN_CHANGING, 1 << 16 | MARK,
            Integer.MIN_VALUE | MARK}) {
            assertFalse(table.compareAndSetMark(block, 2, expected, 5), "expected=" + expected);
            assertFalse(table.changeMark(block, expected, 5), "expected=" + expected);
        }
        for (final int mark : new int[] {-1, FrameTable.RUN_PIECE, FrameTable.RUN_CHANGING, 1 << 16, Integer.MIN_VALUE}) {
            refused(IllegalArgumentException.class, "mark=" + mark, () -> table.compareAndSetMark(block, 2, MARK, mark));
            refused(IllegalArgumentException.class, "mark=" + mark, () -> table.changeMark(block, MARK, mark));
        }
        assertEquals(MARK, table.mark(block));
    }

    @Test
    void shouldNotMarkWhatIsSharedOrFree() {
        final long block = frames.allocate(cpu, 1);
        frames.get(block);
        assertFalse(table.compareAndSetMark(block, 1, 0, MARK), "two owners");
        assertFalse(table.changeMark(block, 0, MARK), "two owners");
        frames.put(cpu, block);
        frames.free(cpu, block, 1);
        assertFalse(table.compareAndSetMark(block, 1, 0, MARK), "cached");
        frames.drain(cpu);
        assertFalse(table.compareAndSetMark(block, 1, 0, MARK), "in the buddy");
        assertFalse(table.changeMark(block, 0, MARK), "in the buddy");
    }

    @Test
    void shouldAnswerForAnyNumber() {
        final long block = frames.allocate(cpu, 4);
        final long bankEnd = 5L << 4;
        for (final long frame : new long[] {
            NO_FRAME, Long.MIN_VALUE, Long.MAX_VALUE, 0, 15, block + 1, block + 16, bankEnd - 1, bankEnd, 1L << 40}) {
            assertEquals(-1, table.mark(frame), "frame=" + frame);
            assertFalse(table.compareAndSetMark(frame, 0, 0, MARK), "frame=" + frame);
            assertFalse(table.compareAndSetMark(frame, 0, MARK, 0), "frame=" + frame);
            assertFalse(table.changeMark(frame, 0, MARK), "frame=" + frame);
            assertEquals(0, table.runFrames(frame), "frame=" + frame);
        }
        frames.free(cpu, block, 4);
        final long bank = frames.detachFreeBank();
        assertEquals(-1, table.mark(block), "detached");
        assertFalse(table.changeMark(block, 0, MARK), "detached");
        frames.releaseBank(bank);
        assertEquals(-1, table.mark(block), "released");
    }
}
