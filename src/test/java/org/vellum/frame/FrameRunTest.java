package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.FrameTable.RUN_PIECE;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.ArrayList;
import java.util.List;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

class FrameRunTest {
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_FRAMES = (int)(BANK / Pages.SIZE);
    private static final int BANKS = 8;
    private static final int MARK = 7;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));
    private final FrameTable table = frames.table();
    private final Cpu cpu = cpus.enter();

    @AfterEach
    void nothingIsBroken() {
        frames.verify();
        assertEquals(frames.configuredFrames(), frames.freeFrames() + frames.allocatedFrames());
        cpu.exit();
    }

    private void refused(final Class<? extends RuntimeException> type, final String text, final Runnable misuse) {
        final long allocated = frames.allocatedFrames();
        final RuntimeException e = assertThrows(type, misuse::run);
        assertTrue(e.getMessage().contains(text), e.getMessage());
        frames.verify();
        assertEquals(allocated, frames.allocatedFrames());
    }

    private void assertBlocks(final long frame, final int... orders) {
        long at = frame;
        for (final int order : orders) {
            assertEquals(FrameTable.ALLOCATED, table.state(at));
            assertEquals(order, table.order(at), "order of the block at offset " + (at - frame));
            assertEquals(at == frame ? MARK : RUN_PIECE, table.mark(at));
            assertEquals(1, table.count(at));
            at += 1L << order;
        }
        assertEquals(at - frame, table.runFrames(frame));
        assertNotEquals(RUN_PIECE, table.mark(at));
    }

    @Test
    void shouldAllocateExactlySoManyFrames() {
        for (int n = 1; n <= BANK_FRAMES; n++) {
            final long run = frames.allocateRun(cpu, n, MARK);
            assertEquals(0, run % (Integer.highestOneBit(2 * n - 1)), "alignment of " + n);
            assertEquals(n, table.runFrames(run));
            assertEquals(MARK, table.mark(run));
            assertEquals(n, frames.allocatedFrames());
            frames.verify();
            for (long frame = run + 1; frame < run + n; frame++) {
                assertTrue(table.mark(frame) == -1 || table.mark(frame) == RUN_PIECE, "frame=" + frame);
                assertEquals(0, table.runFrames(frame));
            }
            frames.freeRun(cpu, run, MARK);
            assertEquals(0, table.runFrames(run));
            assertEquals(-1, table.mark(run));
            assertEquals(0, frames.allocatedFrames());
            frames.verify();
        }
    }

    @Test
    void shouldCutARunIntoBlocksOfFallingOrder() {
        assertBlocks(frames.allocateRun(cpu, 11, MARK), 3, 1, 0);
        assertBlocks(frames.allocateRun(cpu, 7, MARK), 2, 1, 0);
        assertBlocks(frames.allocateRun(cpu, 12, MARK), 3, 2);
        assertBlocks(frames.allocateRun(cpu, 8, MARK), 3);
        assertBlocks(frames.allocateRun(cpu, 16, MARK), 4);
    }

    @Test
    void shouldLeaveTheTailToOthers() {
        final long run = frames.allocateRun(cpu, 11, MARK);
        final long four = frames.allocateRun(cpu, 4, MARK);
        assertEquals(run + 12, four);
        assertEquals(BANK_FRAMES, frames.presentFrames());
    }

    @Test
    void shouldTakeAndGiveSmallPowersOfTwoWithoutTheBuddy() {
        // Enough for a slot to have lists of all four orders.
        final FrameAllocator larger = new FrameAllocator(cpus, new FrameOptions(64 * BANK, BANK));
        for (int n = 1; n <= 8; n *= 2) {
            larger.freeRun(cpu, larger.allocateRun(cpu, n, MARK), MARK);
        }
        assertTrue(larger.buddy().tryLock());
        try {
            for (int n = 1; n <= 8; n *= 2) {
                final long run = larger.allocateRun(cpu, n, MARK);
                assertEquals(n, larger.table().runFrames(run));
                larger.freeRun(cpu, run, MARK);
            }
            assertEquals(0, larger.events(FrameEvent.OVERFLOW));
        } finally {
            larger.buddy().unlock();
        }
        larger.verify();
    }

    @Test
    void shouldGiveAWholeBankAndNothingBeyond() {
        final List<Long> banks = new ArrayList<>();
        for (long run; (run = frames.allocateRun(cpu, BANK_FRAMES, MARK)) != NO_FRAME;) {
            banks.add(run);
        }
        assertEquals(BANKS, banks.size());
        assertEquals(NO_FRAME, frames.allocateRun(cpu, 1, MARK), "exhausted");
        banks.forEach(run -> frames.freeRun(cpu, run, MARK));
        for (final long tooMany : new long[] {BANK_FRAMES + 1, 2 * BANK_FRAMES, 1L << 40, (1L << 62) + 1, Long.MAX_VALUE}) {
            assertEquals(NO_FRAME, frames.allocateRun(cpu, tooMany, MARK), "frames=" + tooMany);
        }
    }

    @Test
    void shouldDrainItsOwnListsBeforeItSaysExhausted() {
        final List<Long> singles = new ArrayList<>();
        for (long run; (run = frames.allocateRun(cpu, 1, MARK)) != NO_FRAME;) {
            singles.add(run);
        }
        assertEquals(BANKS * BANK_FRAMES, singles.size());
        singles.subList(0, 16).forEach(run -> frames.freeRun(cpu, run, MARK));
        assertTrue(frames.cachedFrames() > 0);
        assertNotEquals(NO_FRAME, frames.allocateRun(cpu, 13, MARK));
    }

    @Test
    void shouldFreeAMarkedBlockAsARunOfItsSize() {
        final long block = frames.allocate(cpu, 4);
        assertEquals(0, table.runFrames(block), "not marked");
        assertTrue(table.compareAndSetMark(block, 4, 0, MARK));
        assertEquals(16, table.runFrames(block));
        frames.shrinkRun(cpu, block, 5);
        assertBlocks(block, 2, 0);
        frames.freeRun(cpu, block, MARK);
        assertEquals(0, frames.allocatedFrames());
    }

    @Test
    void shouldGiveUpAMarkOfARunThatIsOneBlockOnly() {
        final long one = frames.allocateRun(cpu, 4, MARK);
        assertTrue(table.changeMark(one, MARK, 0));
        frames.free(cpu, one, 2);
        final long several = frames.allocateRun(cpu, 5, MARK);
        refused(IllegalStateException.class, "frames=5", () -> table.changeMark(several, MARK, 0));
        refused(IllegalStateException.class, "frames=5", () -> table.compareAndSetMark(several, 2, MARK, 0));
        assertFalse(table.changeMark(several, MARK + 1, 0));
        assertTrue(table.changeMark(several, MARK, MARK + 1));
        assertEquals(5, table.runFrames(several));
        frames.freeRun(cpu, several, MARK + 1);
    }

    @Test
    void shouldGrowOverFreeFrames() {
        final long run = frames.allocateRun(cpu, 1, MARK);
        frames.drain(cpu);
        for (int n = 2; n <= BANK_FRAMES; n++) {
            assertTrue(frames.growRun(cpu, run, n), "frames=" + n);
            assertEquals(n, table.runFrames(run));
            assertEquals(n, frames.allocatedFrames());
            frames.verify();
        }
        assertBlocks(run, 4);
        assertTrue(frames.growRun(cpu, run, BANK_FRAMES), "as long as it is");
        assertFalse(frames.growRun(cpu, run, BANK_FRAMES + 1), "beyond the bank");
        assertFalse(frames.growRun(cpu, run, Long.MAX_VALUE), "beyond the bank");
        frames.freeRun(cpu, run, MARK);
    }

    @Test
    void shouldGrowWhereItIsWhateverItsAlignment() {
        final long first = frames.allocateRun(cpu, 5, MARK);
        final long run = frames.allocateRun(cpu, 2, MARK);
        frames.drain(cpu);
        assertEquals(first + 6, run);
        assertTrue(frames.growRun(cpu, run, 5));
        assertBlocks(run, 1, 1, 0);
        assertTrue(frames.growRun(cpu, run, 10));
        assertBlocks(run, 1, 3);
        frames.shrinkRun(cpu, run, 9);
        assertBlocks(run, 1, 2, 1, 0);
        assertFalse(frames.growRun(cpu, first, 7), "over a neighbour");
        assertTrue(frames.growRun(cpu, first, 6), "up to it");
        frames.freeRun(cpu, first, MARK);
        frames.freeRun(cpu, run, MARK);
        assertEquals(0, frames.allocatedFrames());
    }

    @Test
    void shouldNotGrowOverWhatIsTaken() {
        final long run = frames.allocateRun(cpu, 3, MARK);
        final long neighbour = frames.allocateRun(cpu, 9, MARK);
        assertNotEquals(run >>> 4, neighbour >>> 4);
        frames.freeRun(cpu, neighbour, MARK);
        final long single = frames.allocate(cpu, 0);
        assertEquals(run + 3, single);
        assertFalse(frames.growRun(cpu, run, 4), "allocated");
        assertBlocks(run, 1, 0);
        frames.free(cpu, single, 0);
        assertEquals(FrameTable.CACHED, table.state(single));
        assertFalse(frames.growRun(cpu, run, 4), "in the list of a slot");
        assertFalse(frames.growRun(cpu, run, 13), "in the list of a slot");
        assertBlocks(run, 1, 0);
        frames.drain(cpu);
        assertTrue(frames.growRun(cpu, run, 4), "in the buddy");
        assertBlocks(run, 2);
    }

    @Test
    void shouldNotGrowIntoTheNextBank() {
        final long low = frames.allocateRun(cpu, BANK_FRAMES, MARK);
        final long high = frames.allocateRun(cpu, BANK_FRAMES, MARK);
        assertEquals(low + BANK_FRAMES, high);
        frames.freeRun(cpu, high, MARK);
        assertFalse(frames.growRun(cpu, low, BANK_FRAMES + 1));
        frames.shrinkRun(cpu, low, 10);
        assertTrue(frames.growRun(cpu, low, BANK_FRAMES));
    }

    @Test
    void shouldNotGrowWhileTheBuddyIsBusy() {
        final long run = frames.allocateRun(cpu, 9, MARK);
        assertTrue(frames.buddy().tryLock());
        try {
            assertFalse(frames.growRun(cpu, run, 10));
        } finally {
            frames.buddy().unlock();
        }
        assertBlocks(run, 3, 0);
        assertTrue(frames.growRun(cpu, run, 10));
    }

    @Test
    void shouldShrinkToAnyLengthFromAny() {
        for (int from = 1; from <= BANK_FRAMES; from++) {
            for (int to = 1; to <= from; to++) {
                final long run = frames.allocateRun(cpu, from, MARK);
                frames.shrinkRun(cpu, run, to);
                assertEquals(to, table.runFrames(run));
                assertEquals(MARK, table.mark(run));
                assertEquals(to, frames.allocatedFrames());
                frames.verify();
                frames.freeRun(cpu, run, MARK);
                frames.drain(cpu);
                assertEquals(FrameTable.FREE, table.state(table.head(run)));
                assertEquals(4, table.order(table.head(run)), "joined again");
            }
        }
    }

    @Test
    void shouldFreeAndShrinkWhileTheBuddyIsBusy() {
        final long freed = frames.allocateRun(cpu, 11, MARK);
        final long shrunk = frames.allocateRun(cpu, 15, MARK);
        assertTrue(frames.buddy().tryLock());
        try {
            frames.freeRun(cpu, freed, MARK);
            assertEquals(1, frames.events(FrameEvent.OVERFLOW), "one chain");
            frames.shrinkRun(cpu, shrunk, 6);
            assertEquals(2, frames.events(FrameEvent.OVERFLOW), "one chain");
            assertEquals(6, frames.allocatedFrames());
            assertEquals(frames.configuredFrames() - 6, frames.freeFrames(), "counted while on the stack");
        } finally {
            frames.buddy().unlock();
        }
        assertTrue(frames.growRun(cpu, shrunk, 16), "found by the next holder");
        frames.verify();
    }

    @Test
    void shouldRefuseASecondFree() {
        final long run = frames.allocateRun(cpu, 11, MARK);
        frames.freeRun(cpu, run, MARK);
        refused(IllegalStateException.class, "already free", () -> frames.freeRun(cpu, run, MARK));
        final long small = frames.allocateRun(cpu, 2, MARK);
        frames.freeRun(cpu, small, MARK);
        refused(IllegalStateException.class, "already free", () -> frames.freeRun(cpu, small, MARK));
        refused(IllegalStateException.class, "already free", () -> frames.growRun(cpu, small, 3));
        refused(IllegalStateException.class, "already free", () -> frames.shrinkRun(cpu, small, 1));
    }

    @Test
    void shouldRefuseAnotherMark() {
        final long run = frames.allocateRun(cpu, 11, MARK);
        refused(IllegalStateException.class, "held by another room: mark=7", () -> frames.freeRun(cpu, run, MARK + 1));
        refused(IllegalStateException.class, "held by another room: mark=7", () -> frames.free(cpu, run, 3));
        refused(IllegalStateException.class, "held by another room: mark=65535", () -> frames.free(cpu, run + 8, 1));
        refused(IllegalStateException.class, "held by another room", () -> frames.get(run + 8));
        refused(IllegalStateException.class, "held by another room", () -> frames.put(cpu, run + 10));
        refused(IllegalStateException.class, "held by another room", () -> frames.split(run + 8, 1));
        for (final int bad : new int[] {0, -1, FrameTable.RUN_CHANGING, RUN_PIECE, 1 << 16 | MARK, Integer.MIN_VALUE | MARK}) {
            refused(IllegalArgumentException.class, "mark=" + bad, () -> frames.freeRun(cpu, run, bad));
            refused(IllegalArgumentException.class, "mark=" + bad, () -> frames.allocateRun(cpu, 3, bad));
        }
        assertFalse(table.compareAndSetMark(run + 8, 1, RUN_PIECE, MARK), "a piece is not to be had");
        final long plain = frames.allocate(cpu, 1);
        refused(IllegalStateException.class, "not marked", () -> frames.freeRun(cpu, plain, MARK));
        refused(IllegalStateException.class, "not marked", () -> frames.growRun(cpu, plain, 3));
        refused(IllegalStateException.class, "not marked", () -> frames.shrinkRun(cpu, plain, 1));
        assertBlocks(run, 3, 1, 0);
    }

    @Test
    void shouldRefuseInteriorAndForeignFrames() {
        final long run = frames.allocateRun(cpu, 11, MARK);
        for (long frame = run + 1; frame < run + 11; frame++) {
            final long inside = frame;
            refused(IllegalArgumentException.class, "is inside", () -> frames.freeRun(cpu, inside, MARK));
            refused(IllegalArgumentException.class, "is inside", () -> frames.growRun(cpu, inside, 20));
            refused(IllegalArgumentException.class, "is inside", () -> frames.shrinkRun(cpu, inside, 1));
        }
        for (final long foreign : new long[] {NO_FRAME, 0, 1, run + BANK_FRAMES, 1L << 40, Long.MIN_VALUE, Long.MAX_VALUE}) {
            refused(IllegalArgumentException.class, "present", () -> frames.freeRun(cpu, foreign, MARK));
            refused(IllegalArgumentException.class, "present", () -> frames.growRun(cpu, foreign, 20));
            refused(IllegalArgumentException.class, "present", () -> frames.shrinkRun(cpu, foreign, 1));
        }
        assertBlocks(run, 3, 1, 0);
    }

    @Test
    void shouldRefuseLengthsOutOfRange() {
        final long run = frames.allocateRun(cpu, 11, MARK);
        for (final long bad : new long[] {0, -1, Long.MIN_VALUE}) {
            refused(IllegalArgumentException.class, "frames=" + bad, () -> frames.allocateRun(cpu, bad, MARK));
            refused(IllegalArgumentException.class, "newFrames=" + bad, () -> frames.growRun(cpu, run, bad));
            refused(IllegalArgumentException.class, "newFrames=" + bad, () -> frames.shrinkRun(cpu, run, bad));
        }
        refused(IllegalArgumentException.class, "newFrames=10", () -> frames.growRun(cpu, run, 10));
        refused(IllegalArgumentException.class, "newFrames=12", () -> frames.shrinkRun(cpu, run, 12));
        frames.shrinkRun(cpu, run, 11);
        assertBlocks(run, 3, 1, 0);
    }

    @Test
    void shouldRefuseASlotThatTheCallerDoesNotOccupy() {
        final long run = frames.allocateRun(cpu, 3, MARK);
        final Cpu left = cpus.tryVisit(cpu.index() + 1 & 3);
        left.exit();
        refused(IllegalArgumentException.class, "occupies", () -> frames.allocateRun(left, 1, MARK));
        refused(IllegalArgumentException.class, "occupies", () -> frames.freeRun(left, run, MARK));
        refused(IllegalArgumentException.class, "occupies", () -> frames.growRun(left, run, 4));
        refused(IllegalArgumentException.class, "occupies", () -> frames.shrinkRun(null, run, 1));
    }

    /** What another thread would see in the middle of a resize: the head is claimed, and nobody else can have the run. */
    @Test
    void shouldRefuseARunThatIsBeingResized() {
        final long run = frames.allocateRun(cpu, 11, MARK);
        final int order = table.claimMarked(run, MARK, true);
        assertEquals(3, order);
        assertEquals(FrameTable.RUN_CHANGING, table.mark(run));
        assertEquals(0, table.runFrames(run));
        assertThrows(AssertionError.class, frames::verify, "not quiet");
        for (final Runnable misuse : List.<Runnable>of(
            () -> frames.freeRun(cpu, run, MARK),
            () -> frames.growRun(cpu, run, 12),
            () -> frames.shrinkRun(cpu, run, 2))) {
            assertTrue(assertThrows(IllegalStateException.class, misuse::run).getMessage().contains("being resized"));
        }
        assertFalse(table.changeMark(run, MARK, MARK + 1));
        table.putWordRelease(run, FrameWord.marked(order, MARK));
        assertBlocks(run, 3, 1, 0);
    }

    @Test
    void shouldHoldItsBankUntilItIsFreed() {
        final long run = frames.allocateRun(cpu, 3, MARK);
        frames.drain(cpu);
        assertEquals(-1, frames.detachFreeBank());
        frames.freeRun(cpu, run, MARK);
        final long bank = frames.detachFreeBank();
        assertEquals(1, bank);
        refused(IllegalArgumentException.class, "present", () -> frames.freeRun(cpu, run, MARK));
        assertEquals(run, frames.allocateRun(cpu, 3, MARK), "the bank is taken back");
        assertFalse(frames.releaseBank(bank));
    }

    @Test
    void shouldTellTheWatermark() {
        final int[] calls = new int[1];
        frames.setLowWatermark(100, () -> calls[0]++);
        final long first = frames.allocateRun(cpu, 14, MARK);
        final long second = frames.allocateRun(cpu, 13, MARK);
        assertEquals(0, calls[0], "101 left");
        assertTrue(frames.growRun(cpu, second, 15));
        assertEquals(1, calls[0]);
        frames.freeRun(cpu, first, MARK);
        frames.setLowWatermark(112, () -> {
            throw new UnsupportedOperationException();
        });
        assertThrows(UnsupportedOperationException.class, () -> frames.allocateRun(cpu, 3, MARK));
        assertEquals(15, frames.allocatedFrames());
        frames.freeRun(cpu, second, MARK);
        final long third = frames.allocateRun(cpu, 14, MARK);
        assertEquals(114, frames.freeFrames());
        final long small = frames.allocateRun(cpu, 1, MARK);
        frames.drain(cpu);
        assertThrows(UnsupportedOperationException.class, () -> frames.allocateRun(cpu, 3, MARK), "it had risen");
        frames.shrinkRun(cpu, third, 9);
        assertThrows(UnsupportedOperationException.class, () -> frames.growRun(cpu, third, 16), "it had risen again");
        assertEquals(9, table.runFrames(third));
        assertEquals(MARK, table.mark(third));
        frames.freeRun(cpu, small, MARK);
    }

    @Test
    void shouldZeroARunAndNoMore() {
        final long run = frames.allocateRun(cpu, 16, MARK);
        final long address = frames.memory().nativeAddress(run);
        UnsafeApi.setMemory(address, BANK, (byte)-1);
        frames.zeroRun(run + 1, 3);
        for (long offset = 0; offset < BANK; offset += Long.BYTES) {
            final boolean inside = offset >= Pages.SIZE && offset < 4L * Pages.SIZE;
            assertEquals(inside ? 0 : -1, UnsafeApi.getLong(address + offset), "offset=" + offset);
        }
    }
}
