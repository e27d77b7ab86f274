package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

class FrameAllocatorTest {
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_FRAMES = (int)(BANK / Pages.SIZE);
    private static final int BANK_ORDER = 4;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(16 * BANK, BANK));
    private final Cpu cpu = cpus.enter();

    @AfterEach
    void nothingIsBroken() {
        frames.verify();
        assertEquals(frames.configuredFrames(), frames.freeFrames() + frames.allocatedFrames());
        cpu.exit();
    }

    private List<Long> allocateAll(final int order) {
        final List<Long> all = new ArrayList<>();
        for (long frame; (frame = frames.allocate(cpu, order)) != NO_FRAME;) {
            all.add(frame);
        }
        return all;
    }

    @Test
    void shouldTakeNoMemoryBeforeItIsAskedTo() {
        assertEquals(0, frames.presentFrames());
        assertEquals(16 * BANK_FRAMES, frames.freeFrames());
        assertEquals(0, frames.memory().presentBytes());
        assertEquals(17 * BANK, frames.memory().physEnd());
    }

    @Test
    void shouldAllocateAndFreeEveryOrder() {
        for (int order = 0; order <= BANK_ORDER; order++) {
            final long frame = frames.allocate(cpu, order);
            assertEquals(0, frame & (1L << order) - 1, "alignment");
            assertEquals(FrameTable.ALLOCATED, frames.table().state(frame));
            assertEquals(order, frames.table().order(frame));
            assertEquals(1, frames.table().count(frame));
            assertEquals(1L << order, frames.allocatedFrames());
            frames.zero(frame, order);
            frames.free(cpu, frame, order);
            assertNotEquals(FrameTable.ALLOCATED, frames.table().state(frame));
            frames.verify();
        }
        assertEquals(NO_FRAME, frames.allocate(cpu, BANK_ORDER + 1));
        assertEquals(NO_FRAME, frames.allocate(cpu, 40));
    }

    @Test
    void shouldHandOutEveryFrameOnceThenSayExhausted() {
        for (int order = 0; order <= BANK_ORDER; order++) {
            final List<Long> all = allocateAll(order);
            assertEquals(16 * BANK_FRAMES >> order, all.size());
            assertEquals(all.size(), new HashSet<>(all).size());
            assertEquals(0, frames.freeFrames());
            assertNull(frames.exhaustionReason());
            frames.verify();
            all.forEach(frame -> frames.free(cpu, frame, FrameAllocatorTest.this.frames.table().order(frame)));
            frames.verify();
        }
    }

    @Test
    void shouldFindWhatItsOwnListsHoldBeforeItSaysExhausted() {
        final List<Long> all = allocateAll(BANK_ORDER);
        frames.free(cpu, all.get(0), BANK_ORDER);
        final long small = frames.allocate(cpu, 0);
        assertTrue(frames.cachedFrames() > 0);
        frames.free(cpu, small, 0);
        assertEquals(all.get(0), frames.allocate(cpu, BANK_ORDER));
    }

    @Test
    void shouldJoinABankAgainOnceDrained() {
        allocateAll(0).forEach(frame -> frames.free(cpu, frame, 0));
        assertTrue(frames.drain(cpu) > 0);
        assertEquals(0, frames.drain(cpu));
        assertEquals(0, frames.cachedFrames());
        assertEquals(16, allocateAll(BANK_ORDER).size());
    }

    @Test
    void shouldPreferLowerBanks() {
        final List<Long> all = allocateAll(0);
        all.forEach(frame -> frames.free(cpu, frame, 0));
        frames.drain(cpu);
        final long frame = frames.allocate(cpu, 0);
        assertEquals(BANK_FRAMES, frame, "the first frame of bank 1");
    }

    @Test
    void shouldMoveFramesInBulk() {
        final long[] array = new long[400];
        assertEquals(256, frames.allocateBulk(cpu, array, 10, 300));
        final Set<Long> distinct = new HashSet<>();
        for (int i = 10; i < 266; i++) {
            assertEquals(FrameTable.ALLOCATED, frames.table().state(array[i]));
            distinct.add(array[i]);
        }
        assertEquals(256, distinct.size());
        assertEquals(0, frames.allocateBulk(cpu, array, 300, 5));
        frames.freeBulk(cpu, array, 10, 256);
        assertEquals(0, frames.allocatedFrames());
        assertThrows(IndexOutOfBoundsException.class, () -> frames.allocateBulk(cpu, array, 390, 11));
        assertThrows(IndexOutOfBoundsException.class, () -> frames.freeBulk(cpu, array, 390, 11));
    }

    @Test
    void shouldChangeNothingWhenABulkFreeContainsABadFrame() {
        final long[] array = new long[20];
        assertEquals(20, frames.allocateBulk(cpu, array, 0, 20));
        array[19] = array[3];
        assertThrows(IllegalStateException.class, () -> frames.freeBulk(cpu, array, 0, 20));
        assertEquals(20, frames.allocatedFrames());
        array[19] = -5;
        assertThrows(IllegalArgumentException.class, () -> frames.freeBulk(cpu, array, 0, 20));
        assertEquals(20, frames.allocatedFrames());
        frames.freeBulk(cpu, array, 0, 19);
        assertEquals(1, frames.allocatedFrames());
    }

    @Test
    void shouldRefuseMisuseAndChangeNothing() {
        final long block = frames.allocate(cpu, 2);
        refused(IllegalArgumentException.class, "order=1", () -> frames.free(cpu, block, 1));
        refused(IllegalArgumentException.class, "order=-1", () -> frames.free(cpu, block, -1));
        refused(IllegalArgumentException.class, "order=33", () -> frames.free(cpu, block, 33));
        refused(IllegalArgumentException.class, "head=" + block, () -> frames.free(cpu, block + 1, 0));
        refused(IllegalArgumentException.class, "frame=0", () -> frames.free(cpu, 0, 0));
        refused(IllegalArgumentException.class, "frame=-1", () -> frames.free(cpu, NO_FRAME, 0));
        refused(IllegalArgumentException.class, "frame=99999", () -> frames.free(cpu, 99999, 0));
        refused(IllegalArgumentException.class, "present", () -> frames.free(cpu, 17 * BANK_FRAMES - 1, 0));
        refused(IllegalArgumentException.class, "order=-1", () -> frames.allocate(cpu, -1));
        refused(IllegalArgumentException.class, "inside", () -> frames.get(block + 3));
        refused(IllegalArgumentException.class, "frame=-1", () -> frames.get(NO_FRAME));
        refused(IllegalArgumentException.class, "inside", () -> frames.put(cpu, block + 3));
        refused(IllegalArgumentException.class, "order=3", () -> frames.split(block, 3));
        assertEquals(4, frames.allocatedFrames());
        frames.free(cpu, block, 2);
        refused(IllegalStateException.class, "already free", () -> frames.free(cpu, block, 2));
        refused(IllegalStateException.class, "already free", () -> frames.get(block));
        refused(IllegalStateException.class, "already free", () -> frames.put(cpu, block));
        refused(IllegalStateException.class, "already free", () -> frames.split(block, 2));
        frames.drain(cpu);
        assertThrows(RuntimeException.class, () -> frames.free(cpu, block, 2), "joined meanwhile");
        refused(IllegalArgumentException.class, "frames=-1", () -> frames.setLowWatermark(-1, () -> { }));
        assertThrows(NullPointerException.class, () -> frames.setLowWatermark(1, null));
        assertThrows(IllegalStateException.class, frames::drainIdle, "inside a section");
    }

    @Test
    void shouldRefuseASlotThatTheCallerDoesNotOccupy() {
        final long[] array = new long[64];
        final long frame = frames.allocate(cpu, 0);
        final Cpu left = cpus.tryVisit(cpu.index() + 1 & 3);
        left.exit();
        refused(IllegalArgumentException.class, "occupies", () -> frames.allocate(left, 0));
        refused(IllegalArgumentException.class, "occupies", () -> frames.allocateBulk(left, array, 0, 1));
        refused(IllegalArgumentException.class, "occupies", () -> frames.allocateBulk(left, array, 0, 64));
        refused(IllegalArgumentException.class, "occupies", () -> frames.free(left, frame, 0));
        refused(IllegalArgumentException.class, "occupies", () -> frames.freeBulk(left, new long[] {frame}, 0, 1));
        refused(IllegalArgumentException.class, "occupies", () -> frames.put(left, frame));
        refused(IllegalArgumentException.class, "occupies", () -> frames.drain(left));
        refused(IllegalArgumentException.class, "occupies", () -> frames.allocate(null, 0));
        refused(IllegalArgumentException.class, "occupies", () -> frames.free(null, frame, 0));
        assertEquals(1, frames.allocatedFrames());
        frames.free(cpu, frame, 0);
    }

    private void refused(final Class<? extends RuntimeException> type, final String text, final Runnable misuse) {
        final RuntimeException e = assertThrows(type, misuse::run);
        assertTrue(e.getMessage().contains(text), e.getMessage());
        frames.verify();
    }

    @Test
    void shouldCountReferences() {
        final long frame = frames.allocate(cpu, 1);
        frames.get(frame);
        frames.get(frame);
        assertEquals(3, frames.table().count(frame));
        refused(IllegalStateException.class, "count=3", () -> frames.free(cpu, frame, 1));
        refused(IllegalStateException.class, "count=3", () -> frames.split(frame, 1));
        assertFalse(frames.put(cpu, frame));
        assertFalse(frames.put(cpu, frame));
        assertTrue(frames.put(cpu, frame));
        assertEquals(0, frames.allocatedFrames());
    }

    /** For who has only found the number: told, not thrown at, and nothing changes. */
    @Test
    void shouldTryToReference() {
        final long frame = frames.allocate(cpu, 1);
        assertTrue(frames.tryGet(frame));
        assertEquals(2, frames.table().count(frame));
        for (final long wrong : new long[] {frame + 1, NO_FRAME, 0, Long.MAX_VALUE}) {
            assertFalse(frames.tryGet(wrong), "frame=" + wrong);
        }
        frames.put(cpu, frame);
        assertTrue(frames.table().compareAndSetMark(frame, 1, 0, 7));
        assertFalse(frames.tryGet(frame), "another room's");
        assertTrue(frames.table().compareAndSetMark(frame, 1, 7, 0));
        frames.put(cpu, frame);
        assertFalse(frames.tryGet(frame), "free");
        assertEquals(0, frames.allocatedFrames());
        frames.verify();
    }

    @Test
    void shouldSplitABlockIntoSingleFrames() {
        final long block = frames.allocate(cpu, 3);
        frames.split(block, 3);
        for (long frame = block; frame < block + 8; frame++) {
            assertEquals(0, frames.table().order(frame));
            frames.free(cpu, frame, 0);
            frames.verify();
        }
    }

    @Test
    void shouldFindTheHeadOfABlock() {
        final long block = frames.allocate(cpu, 3);
        for (long frame = block; frame < block + 8; frame++) {
            assertEquals(block, frames.table().head(frame));
        }
        assertEquals(FrameTable.TAIL, frames.table().state(block + 5));
        assertEquals(NO_FRAME, frames.table().head(1));
        assertEquals(FrameTable.ABSENT, frames.table().state(1));
    }

    @Test
    void shouldFreeWhileTheBuddyIsBusy() {
        final List<Long> all = allocateAll(0);
        final long large = all.remove(all.size() - 1);
        assertTrue(frames.buddy().tryLock());
        try {
            all.forEach(frame -> frames.free(cpu, frame, 0));
            frames.drain(cpu);
        } finally {
            frames.buddy().unlock();
        }
        assertTrue(frames.events(FrameEvent.OVERFLOW) > 0);
        assertEquals(255, frames.freeFrames(), "counted while on the stack");
        frames.free(cpu, large, 0);
        frames.drain(cpu);
        assertEquals(16, allocateAll(BANK_ORDER).size(), "found by the next holder");
    }

    @Test
    void shouldServeSlotsWithoutCachesFromTheBuddy() throws InterruptedException {
        final Cpus two = new Cpus(CpuOptions.forThisMachine().withCachedSlots(1).withMaxSlots(2));
        final FrameAllocator shared = new FrameAllocator(two, new FrameOptions(4 * BANK, BANK));
        final Cpu first = two.enter();
        final Thread thread = new Thread(() -> {
            final Cpu second = two.enter();
            assertFalse(second.carriesCaches());
            final long frame = shared.allocate(second, 0);
            shared.free(second, frame, 0);
            assertEquals(FrameTable.FREE, shared.table().state(shared.table().head(frame)));
            second.exit();
        });
        final Throwable[] thrown = new Throwable[1];
        thread.setUncaughtExceptionHandler((t, e) -> thrown[0] = e);
        thread.start();
        thread.join();
        first.exit();
        assertNull(thrown[0]);
        assertEquals(0, shared.cachedFrames());
        shared.verify();
    }

    @Test
    void shouldDetachReleaseAndAddABankAgain() {
        final List<Long> all = allocateAll(0);
        assertEquals(-1, frames.detachFreeBank());
        all.forEach(frame -> frames.free(cpu, frame, 0));
        frames.drain(cpu);
        final long ticket = frames.detachFreeBank();
        assertEquals(16, ticket, "the highest");
        final int bank = (int)ticket;
        assertNull(frames.memory().bank(bank));
        assertEquals(0, frames.memory().nativeAddressOrZero(bank * BANK));
        assertEquals(FrameTable.ABSENT, frames.table().state(bank * (long)BANK_FRAMES));
        refused(IllegalArgumentException.class, "present", () -> frames.free(cpu, bank * (long)BANK_FRAMES, 0));
        assertTrue(frames.releaseBank(bank));
        assertFalse(frames.releaseBank(bank), "released already");
        assertFalse(frames.releaseBank(0));
        assertFalse(frames.releaseBank(17));
        assertEquals(16 * BANK_FRAMES, allocateAll(0).size(), "added again");
    }

    @Test
    void shouldTakeADetachedBankBackRatherThanRefuse() {
        final List<Long> all = allocateAll(0);
        all.forEach(frame -> frames.free(cpu, frame, 0));
        frames.drain(cpu);
        final long bank = frames.detachFreeBank();
        assertEquals(16 * BANK_FRAMES, allocateAll(0).size());
        assertFalse(frames.releaseBank(bank), "in use again");
        frames.verify();
    }

    /** Two trims at once: what one has detached comes back, is used, and is detached by the other, whose grace period is not over. */
    @Test
    void shouldNotReleaseABankByTheTicketOfAnEarlierDetachment() {
        frames.free(cpu, frames.allocate(cpu, BANK_ORDER), BANK_ORDER);
        final long first = frames.detachFreeBank();
        frames.free(cpu, frames.allocate(cpu, BANK_ORDER), BANK_ORDER);
        assertEquals(1, frames.events(FrameEvent.BANK_TAKEN_BACK));
        final long second = frames.detachFreeBank();
        assertEquals((int)first, (int)second, "the same bank");
        assertFalse(frames.releaseBank(first), "of a grace period that began too early");
        assertTrue(frames.releaseBank(second));
        assertFalse(frames.releaseBank(second));
    }

    @Test
    void shouldKeepViewsOfAReleasedBankAlive() {
        final long frame = frames.allocate(cpu, BANK_ORDER);
        final MemoryBank bank = frames.memory().bank(1);
        final var view = bank.slice(100, 8);
        assertTrue(bank.exported());
        frames.free(cpu, frame, BANK_ORDER);
        frames.releaseBank(frames.detachFreeBank());
        view.putLong(0, 42);
        assertEquals(42, view.getLong(0));
        refused(IllegalStateException.class, "bank=1", bank::buffer);
        refused(IllegalStateException.class, "bank=1", () -> bank.slice(0, 1));
    }

    @Test
    void shouldRefuseViewsOfABankThatIsGone() {
        frames.free(cpu, frames.allocate(cpu, BANK_ORDER), BANK_ORDER);
        final MemoryBank bank = frames.memory().bank(1);
        assertFalse(bank.exported());
        frames.releaseBank(frames.detachFreeBank());
        refused(IllegalStateException.class, "bank=1", bank::buffer);
        assertThrows(IndexOutOfBoundsException.class, () -> bank.slice(0, 1 << 30));
    }

    @Test
    void shouldTranslateBothWays() {
        final PhysicalMemory memory = frames.memory();
        for (final long frame : allocateAll(0)) {
            final long address = memory.nativeAddress(frame);
            assertEquals(0, address & Pages.OFFSET_MASK);
            assertEquals(address + 5, memory.nativeAddressOrZero((frame << Pages.SHIFT) + 5));
            assertEquals(frame, memory.frameOf(address));
            assertEquals(frame, memory.frameOf(address + Pages.SIZE - 1));
            UnsafeApi.putLong(address, frame);
        }
        for (int number = 1; number < memory.bankLimit(); number++) {
            final MemoryBank bank = memory.bank(number);
            assertEquals(BANK_FRAMES, bank.frames());
            assertEquals(number, bank.number());
            for (int page = 0; page < BANK_FRAMES; page++) {
                final int offset = page << Pages.SHIFT;
                assertEquals(bank.firstFrame() + page, bank.buffer().getLong(offset), "one buffer over the frames");
            }
        }
        assertEquals(0, memory.nativeAddressOrZero(0));
        assertEquals(0, memory.nativeAddressOrZero(BANK - 1));
        assertNotEquals(0, memory.nativeAddressOrZero(BANK));
        assertNotEquals(0, memory.nativeAddressOrZero(memory.physEnd() - 1));
        assertEquals(0, memory.nativeAddressOrZero(memory.physEnd()));
        assertEquals(0, memory.nativeAddressOrZero(-1));
        assertEquals(0, memory.nativeAddressOrZero(Long.MIN_VALUE));
        assertEquals(NO_FRAME, memory.frameOf(0));
        assertEquals(NO_FRAME, memory.frameOf(-4096));
        assertNull(memory.bank(0));
        assertNull(memory.bank(17));
        assertNull(memory.bank(-1));
    }

    @Test
    void shouldCallBackOnceBelowTheWatermarkAndAgainAfterRising() {
        final int[] calls = new int[1];
        frames.setLowWatermark(128, () -> calls[0]++);
        final List<Long> some = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            some.add(frames.allocate(cpu, BANK_ORDER));
        }
        assertEquals(0, calls[0], "128 left");
        some.add(frames.allocate(cpu, BANK_ORDER));
        some.add(frames.allocate(cpu, BANK_ORDER));
        assertEquals(1, calls[0]);
        some.forEach(frame -> frames.free(cpu, frame, BANK_ORDER));
        assertEquals(16, allocateAll(BANK_ORDER).size());
        assertEquals(2, calls[0]);
    }

    @Test
    void shouldLoseNothingWhenTheWatermarkCallbackThrows() {
        frames.setLowWatermark(1000, () -> {
            throw new UnsupportedOperationException();
        });
        assertThrows(UnsupportedOperationException.class, () -> frames.allocate(cpu, 0));
        assertEquals(0, frames.allocatedFrames());
        assertNotEquals(NO_FRAME, frames.allocate(cpu, 0));
    }

    @Test
    void shouldCheckAndRoundOptions() {
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(0, BANK));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(-4096, BANK));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(4097, BANK));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(1L << 47, BANK));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(BANK, BANK / 2));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(BANK, BANK + 4096));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(BANK, 2L << 30));
        assertThrows(IllegalArgumentException.class, () -> new FrameOptions(1L << 40, BANK));
        assertThrows(IllegalArgumentException.class, () -> FrameOptions.of(0));
        assertThrows(IllegalArgumentException.class, () -> FrameOptions.of(Long.MAX_VALUE));
        assertEquals(new FrameOptions(2 * BANK, BANK), new FrameOptions(BANK + 4096, BANK));
        assertArrayEquals(new long[] {64L << 10, 64L << 10, 8L << 20, 64L << 20, 64L << 20}, new long[] {
            FrameOptions.of(4096).bankBytes(), FrameOptions.of(64L << 10).bankBytes(),
            FrameOptions.of(5L << 20).bankBytes(), FrameOptions.of(33L << 20).bankBytes(),
            FrameOptions.of(1L << 30).bankBytes()});
    }

    @Test
    void aBulkAllocationWhoseCallbackThrowsLeavesNothingBehind() {
        final long[] array = new long[130];
        final int[] calls = {0};
        frames.free(cpu, frames.allocate(cpu, 0), 0);
        frames.setLowWatermark(frames.configuredFrames() - 70, () -> {
            calls[0]++;
            throw new IllegalStateException("callback");
        });
        assertThrows(IllegalStateException.class, () -> frames.allocateBulk(cpu, array, 0, array.length));
        assertEquals(1, calls[0]);
        assertEquals(0, frames.allocatedFrames());
        frames.setLowWatermark(0, () -> { });
    }

    @Test
    void aCallbackThatFreesIntoTheListWhichIsBeingFilledDoesNotOverfillIt() {
        final long[] array = new long[200];
        final int got = frames.allocateBulk(cpu, array, 0, array.length);
        frames.drain(cpu);
        final boolean[] freed = {false};
        frames.setLowWatermark(frames.configuredFrames(), () -> {
            freed[0] = true;
            frames.freeBulk(cpu, array, 0, got);
        });
        final long frame = frames.allocate(cpu, 0);
        frames.setLowWatermark(0, () -> { });
        assertTrue(freed[0]);
        frames.verify();
        frames.free(cpu, frame, 0);
        assertEquals(0, frames.allocatedFrames());
    }
}
