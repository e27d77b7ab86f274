package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory.Reader;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** The depot as the allocator uses it: who finds what is in it, and when it is passed by. */
class FrameDepotTest {
    private static final int BANK_ORDER = 8;
    private static final int BANK_FRAMES = 1 << BANK_ORDER;
    private static final long BANK = 4096L << BANK_ORDER;
    /** Of single frames, with two slots that carry lists and one bank of memory. */
    private static final int BATCH = 4;
    private static final int IN_DEPOT = Depot.ENTRIES * BATCH;
    private static final int STACK_ROUNDS = 240;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANK, BANK));
    private final long[] held = new long[2 * BANK_FRAMES];
    private int count;

    @AfterEach
    void nothingIsBroken() {
        frames.verify();
        assertEquals(frames.configuredFrames(), frames.freeFrames() + frames.allocatedFrames());
    }

    private interface Operation {
        void run(Cpu cpu);
    }

    private void on(final int slot, final Operation operation) {
        final Cpu cpu = cpus.tryVisit(slot);
        assertNotNull(cpu);
        try {
            operation.run(cpu);
        } finally {
            cpu.exit();
        }
    }

    private void take(final FrameAllocator from, final Cpu cpu, final int order, final int blocks) {
        for (int i = 0; i < blocks; i++) {
            held[count] = from.allocate(cpu, order);
            assertNotEquals(NO_FRAME, held[count]);
            count++;
        }
    }

    private void free(final FrameAllocator to, final Cpu cpu, final int order) {
        while (count > 0) {
            to.free(cpu, held[--count], order);
        }
    }

    /** Everything that is free in the first bank is in the buddy, but for a full depot of single frames. */
    private void fillDepot(final FrameAllocator of, final int inDepot) {
        on(0, cpu -> {
            take(of, cpu, 0, BANK_FRAMES);
            free(of, cpu, 0);
            assertTrue(of.buddy().tryLock());
            // The list goes to the overflow stack; the depot, which nobody needs to lock, has no such way.
            of.drain(cpu);
            of.buddy().unlock();
        });
        assertEquals(inDepot, of.cachedFrames());
        assertEquals(BANK_FRAMES, of.presentFrames());
        of.verify();
    }

    @Test
    void whatOneSlotFreesAnotherAllocatesPastTheBuddy() {
        // Once round: the first frames come from the buddy.
        on(0, cpu -> take(frames, cpu, 0, IN_DEPOT + 2 * BATCH));
        on(1, cpu -> free(frames, cpu, 0));
        assertEquals(Depot.ENTRIES, frames.events(FrameEvent.DEPOSIT));
        assertEquals(0, frames.events(FrameEvent.WITHDRAW));
        final int rounds = 100;
        assertTrue(frames.buddy().tryLock());
        try {
            for (int i = 0; i < rounds; i++) {
                on(0, cpu -> take(frames, cpu, 0, IN_DEPOT));
                on(1, cpu -> free(frames, cpu, 0));
            }
        } finally {
            frames.buddy().unlock();
        }
        assertEquals((rounds + 1) * Depot.ENTRIES, frames.events(FrameEvent.DEPOSIT));
        assertEquals(rounds * Depot.ENTRIES, frames.events(FrameEvent.WITHDRAW));
        assertEquals(0, frames.events(FrameEvent.OVERFLOW));
        frames.verify();
        frames.drainIdle();
        assertEquals(0, frames.cachedFrames());
        assertEquals(1, frames.detachFreeBank());
        assertTrue(frames.releaseBank(1));
    }

    @Test
    void allOrdersPassAndMarkedRunsToo() {
        final FrameAllocator larger = new FrameAllocator(cpus, new FrameOptions(8 * BANK, BANK));
        for (int order = 0; order < SlotLists.ORDERS; order++) {
            final int blocks = BANK_FRAMES >>> order;
            final int size = 1 << order;
            for (int round = 0; round < 2; round++) {
                on(0, cpu -> {
                    for (int i = 0; i < blocks; i++) {
                        held[count++] = larger.allocateRun(cpu, size, 7);
                    }
                });
                on(1, cpu -> {
                    while (count > 0) {
                        larger.freeRun(cpu, held[--count], 7);
                    }
                });
            }
            assertTrue(larger.events(FrameEvent.WITHDRAW) > order, "order=" + order);
            larger.verify();
            larger.drainIdle();
        }
        assertEquals(0, larger.cachedFrames());
    }

    @Test
    void aLargeBlockIsMadeOfWhatIsInTheDepot() {
        fillDepot(frames, IN_DEPOT);
        on(1, cpu -> {
            held[0] = frames.allocate(cpu, BANK_ORDER);
            assertEquals(BANK_FRAMES, held[0]);
            assertEquals(0, frames.cachedFrames());
            frames.free(cpu, held[0], BANK_ORDER);
        });
    }

    @Test
    void aLargeRunIsMadeOfWhatIsInTheDepot() {
        fillDepot(frames, IN_DEPOT);
        on(1, cpu -> {
            held[0] = frames.allocateRun(cpu, BANK_FRAMES - 1, 5);
            assertEquals(BANK_FRAMES, held[0]);
            frames.freeRun(cpu, held[0], 5);
        });
    }

    @Test
    void allInBulkIsAlsoWhatIsInTheDepot() {
        fillDepot(frames, IN_DEPOT);
        on(1, cpu -> {
            assertEquals(BANK_FRAMES, frames.allocateBulk(cpu, held, 0, held.length));
            frames.freeBulk(cpu, held, 0, BANK_FRAMES);
        });
    }

    @Test
    void noBankIsAddedForWhatTheDepotHolds() {
        final FrameAllocator two = new FrameAllocator(cpus, new FrameOptions(2 * BANK, BANK));
        fillDepot(two, 2 * IN_DEPOT);
        on(1, cpu -> {
            held[0] = two.allocate(cpu, BANK_ORDER);
            assertEquals(BANK_FRAMES, held[0]);
            assertEquals(BANK_FRAMES, two.presentFrames());
            two.free(cpu, held[0], BANK_ORDER);
        });
        two.verify();
    }

    @Test
    void aSlotWithoutListsFindsWhatIsInTheDepotAndEveryDrainEmptiesIt() throws Exception {
        fillDepot(frames, IN_DEPOT);
        try (Reader one = new Reader(cpus, "one"); Reader other = new Reader(cpus, "other")) {
            assertTrue(one.cpu.carriesCaches() && other.cpu.carriesCaches());
            final Cpu bare = cpus.enter();
            assertFalse(bare.carriesCaches());
            take(frames, bare, 0, BANK_FRAMES);
            assertEquals(NO_FRAME, frames.allocate(bare, 0));
            free(frames, bare, 0);
            bare.exit();
            assertEquals(0, frames.cachedFrames());
        }
        fillDepot(frames, IN_DEPOT);
        try (Reader one = new Reader(cpus, "one"); Reader other = new Reader(cpus, "other")) {
            assertTrue(one.cpu.carriesCaches() && other.cpu.carriesCaches());
            assertEquals(IN_DEPOT, frames.drainIdle(), "no slot is idle");
            assertEquals(0, frames.cachedFrames());
        }
        fillDepot(frames, IN_DEPOT);
        on(1, cpu -> assertEquals(IN_DEPOT, frames.drain(cpu)));
        assertEquals(0, frames.cachedFrames());
    }

    @Test
    void theDepotHoldsNoBankBack() {
        fillDepot(frames, IN_DEPOT);
        assertEquals(1, frames.detachFreeBank());
        assertEquals(0, frames.cachedFrames());
        assertTrue(frames.releaseBank(1));
    }

    @Test
    void theWatermarkHearsOfTheBuddyOnly() {
        final int[] calls = {0};
        fillDepot(frames, IN_DEPOT);
        frames.setLowWatermark(frames.configuredFrames(), () -> calls[0]++);
        on(1, cpu -> {
            take(frames, cpu, 0, IN_DEPOT);
            assertEquals(0, calls[0], "from the depot");
            take(frames, cpu, 0, 1);
            assertEquals(1, calls[0]);
            frames.setLowWatermark(0, () -> { });
            free(frames, cpu, 0);
        });
    }

    @Test
    void aMemoryTooSmallForBatchesHasNoDepot() {
        final long bank = FrameOptions.MIN_BANK_BYTES;
        final FrameAllocator tiny = new FrameAllocator(cpus, new FrameOptions(bank, bank));
        for (int round = 0; round < 3; round++) {
            for (int order = 0; order < SlotLists.ORDERS; order++) {
                final int all = order;
                on(0, cpu -> take(tiny, cpu, all, 16 >>> all));
                on(1, cpu -> assertEquals(NO_FRAME, tiny.allocate(cpu, all)));
                on(1, cpu -> free(tiny, cpu, all));
                assertEquals(0, tiny.cachedFrames());
            }
        }
        assertEquals(0, tiny.events(FrameEvent.DEPOSIT));
        tiny.verify();
    }

    /** Fills and empties at every depth: each fourth operation puts a batch into the depot, or takes one out of it. */
    private void descend(final Cpu cpu, final boolean filling, final int pad) {
        boolean fills = filling;
        if (filling) {
            // Two steps, of which the second needs no stack: what was not returned was not allocated.
            final long frame = frames.allocate(cpu, 0);
            held[count] = frame;
            count++;
            fills = count < IN_DEPOT + 2 * BATCH;
        } else {
            frames.free(cpu, held[count - 1], 0);
            count--;
            fills = count == 0;
        }
        if (pad > 0) {
            descend(cpu, fills, pad - 1);
        } else {
            descendWider(cpu, fills, count, count, count);
        }
    }

    private void descendWider(final Cpu cpu, final boolean filling, final long a, final long b, final long c) {
        descend(cpu, filling, (int)((a + b + c) & 7));
    }

    @Test
    void noBatchIsLostWhereTheStackEnds() throws Exception {
        for (int i = 0; i < STACK_ROUNDS; i++) {
            final int pad = i & 7;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                final Cpu cpu = cpus.enter();
                assertThrows(StackOverflowError.class, () -> descend(cpu, true, pad));
                assertEquals(count, frames.allocatedFrames());
                free(frames, cpu, 0);
                cpu.exit();
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 160_000 + (i % 60) * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
            frames.verify();
            assertEquals(0, frames.allocatedFrames());
        }
        assertTrue(frames.events(FrameEvent.DEPOSIT) > STACK_ROUNDS && frames.events(FrameEvent.WITHDRAW) > STACK_ROUNDS,
            "deposits=" + frames.events(FrameEvent.DEPOSIT) + " withdrawals=" + frames.events(FrameEvent.WITHDRAW));
    }
}
