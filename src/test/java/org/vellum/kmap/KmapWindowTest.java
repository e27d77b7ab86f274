package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.SmallMemory.Reader;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Epochs;
import org.vellum.kmap.KmapWorld.Task;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/** The shared window of four slots, with all frames forced through it. */
final class KmapWindowTest {
    @TempDir
    Path directory;

    private final KmapWorld world = new KmapWorld(FORCED);
    private final Kmap kmap = world.kmap;
    private final long[] frames = world.frames(12);

    @AfterEach
    void isWhole() {
        world.requireQuiet();
        world.close();
    }

    private long map(final int frame) throws InterruptedException {
        return kmap.kmap(frames[frame]);
    }

    /** Maps and unmaps. */
    private long use(final int frame) throws InterruptedException {
        final long address = map(frame);
        kmap.kunmap(address);
        return address;
    }

    private long[] fill() throws InterruptedException {
        final long[] addresses = new long[WINDOW];
        for (int i = 0; i < WINDOW; i++) {
            addresses[i] = map(i);
        }
        return addresses;
    }

    private void unmapAll(final long... addresses) {
        for (final long address : addresses) {
            kmap.kunmap(address);
        }
    }

    @Test
    void allUsersOfAFrameHaveOneAddress() throws Exception {
        final long address = map(0);
        assertEquals(address, map(0));
        assertEquals(address, SmallMemory.inThread(() -> map(0)));
        assertEquals(address, kmap.kmapIfMapped(frames[0]));
        assertEquals(address, kmap.kmapReadOnly(frames[0]));
        assertEquals(1, kmap.sharedMaps());
        assertEquals(5, kmap.sharedUsers());
        world.put(address, 17);
        // It may be handed on: whoever unmaps.
        SmallMemory.inThread(() -> {
            unmapAll(address, address);
            return null;
        });
        assertEquals(17, world.get(address));
        unmapAll(address, address, address);
        assertEquals(0, kmap.sharedMaps());
        assertEquals(17, world.look(frames[0]));
        assertEquals(0, kmap.flushes());
    }

    @Test
    void anUnusedMapIsFoundAgainWithoutAFlush() throws Exception {
        final long address = use(0);
        // Count 1: mapped still, and translated, since nobody flushed.
        assertFalse(world.faults(address));
        assertEquals(address, kmap.kmapIfMapped(frames[0]));
        assertEquals(address, map(0));
        unmapAll(address, address);
        for (int i = 0; i < 100; i++) {
            assertEquals(address, use(0));
        }
        assertEquals(0, kmap.flushes());
    }

    @Test
    void oneFlushARoundThatHasSomethingToFlush() throws Exception {
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < WINDOW; i++) {
                use((round * WINDOW + i) % frames.length);
                assertEquals(round, kmap.flushes(), "round=" + round + " i=" + i);
            }
        }
        // Clearing and flushing is what makes the old address fault.
        assertEquals(4, kmap.flushes());
        final long before = use(0);
        for (int i = 1; i <= WINDOW; i++) {
            use(i);
        }
        assertTrue(world.faults(before));
        assertEquals(6, kmap.flushes());
    }

    @Test
    void aRoundThatFindsNothingUnusedIsNotFlushed() throws Exception {
        // The frees lie behind the hand: after an explicit flush the next round begins without one of its own.
        for (int i = 0; i < WINDOW; i++) {
            use(i);
        }
        assertEquals(WINDOW, kmap.flushUnused());
        assertEquals(1, kmap.flushes());
        final long[] addresses = fill();
        assertEquals(1, kmap.flushes());
        // Full: no round of those that wait in vain is a flush.
        assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[WINDOW], 0));
        assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[WINDOW], 1_000_000));
        assertEquals(1, kmap.flushes());
        kmap.kunmap(addresses[1]);
        final long address = map(WINDOW);
        assertEquals(KmapWorld.page(addresses[1]), KmapWorld.page(address));
        assertEquals(2, kmap.flushes());
        unmapAll(addresses[0], address, addresses[2], addresses[3]);
        assertEquals(2, kmap.flushes(), "an unmap never flushes");
    }

    @Test
    void oneFlushCoversAllThatIsUnusedAndLeavesWhatIsUsed() throws Exception {
        final long kept = map(0);
        world.put(kept, 3);
        final long[] stale = {use(1), use(2), use(3)};
        assertEquals(0, kmap.flushes());
        final long address = map(4);
        assertEquals(1, kmap.flushes());
        for (final long old : stale) {
            assertTrue(world.faults(old));
        }
        use(5);
        use(6);
        assertEquals(1, kmap.flushes());
        assertEquals(3, world.get(kept));
        assertEquals(kept, use(0));
        unmapAll(kept, address);
    }

    @Test
    void flushUnusedFreesWhatNobodyUses() throws Exception {
        assertEquals(0, kmap.flushUnused());
        assertEquals(0, kmap.flushes());
        final long kept = map(0);
        final long gone = use(1);
        assertEquals(1, kmap.flushUnused());
        assertTrue(world.faults(gone));
        assertFalse(world.faults(kept));
        assertEquals(0, kmap.flushUnused());
        assertEquals(1, kmap.flushes());
        assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(frames[1]));
        final long again = map(1);
        assertNotEquals(gone, again);
        unmapAll(again, kept);
    }

    @Test
    void kmapIfMappedNeverWaits() throws Exception {
        try (Cpu cpu = world.memory.enter()) {
            assertTrue(cpu.index() >= 0);
            assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(frames[0]));
        }
        final long address = map(0);
        try (Cpu cpu = world.memory.enter()) {
            assertTrue(cpu.index() >= 0);
            assertEquals(address, kmap.kmapIfMapped(frames[0]));
            kmap.kunmap(address);
        }
        kmap.kunmap(address);
        final long[] full = fill();
        assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(frames[5]));
        unmapAll(full);
    }

    @Test
    void aReadOnlyMapBecomesWritableAtTheSameAddress() throws Exception {
        world.fill(frames[0], 8);
        final long address = kmap.kmapReadOnly(frames[0]);
        assertEquals(8, world.get(address));
        assertTrue(world.faultsForStores(address));
        assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(frames[0]), "for stores it is not mapped");
        assertEquals(address, kmap.kmap(frames[0]));
        world.put(address, 9);
        assertEquals(address, kmap.kmapIfMapped(frames[0]));
        unmapAll(address, address, address);
        // It stays so until it is flushed.
        assertEquals(address, kmap.kmapReadOnly(frames[0]));
        assertFalse(world.faultsForStores(address));
        kmap.kunmap(address);
        kmap.flushUnused();
        final long anew = kmap.kmapReadOnly(frames[0]);
        assertTrue(world.faultsForStores(anew));
        kmap.kunmap(anew);
    }

    @Test
    void anUpgradeMakesThePageDirty() throws Exception {
        final Path path = directory.resolve("high");
        try (HighMemory high = kmap.openHigh(path, 2L * PAGE)) {
            final long address = kmap.kmapReadOnly(high.frame(1));
            high.force();
            assertEquals(0, KmapWorld.size(path));
            assertEquals(address, kmap.kmap(high.frame(1)));
            // Its own pin goes at once, the slot's stays: the page must not count as clean for that.
            world.put(address + 8, 5);
            high.force();
            assertEquals(5, KmapWorld.plain(path, PAGE + 8));
            world.put(address + 8, 6);
            high.force();
            assertEquals(6, KmapWorld.plain(path, PAGE + 8));
            world.put(address + 8, 7);
            unmapAll(address, address);
        }
        assertEquals(7, KmapWorld.plain(path, PAGE + 8));
    }

    @Test
    void wrongUnmapsAreToldAndChangeNothing() throws Exception {
        final long local = kmap.kmapLocal(frames[0]);
        final long address = SmallMemory.inThread(() -> map(1));
        final long users = kmap.sharedUsers();
        for (final long wrong : new long[] {
            0, -1, 1, Long.MIN_VALUE, Long.MAX_VALUE, frames[1] * PAGE, address + 8, address + (long)WINDOW * PAGE, address - PAGE, local, local + 1}) {
            assertThrows(IllegalArgumentException.class, () -> kmap.kunmap(wrong), "address=0x" + Long.toHexString(wrong));
        }
        // Of the window, but not mapped, or of another generation.
        for (final long wrong : new long[] {address + PAGE, address ^ 1L << 50}) {
            final String text = assertThrows(IllegalStateException.class, () -> kmap.kunmap(wrong)).getMessage();
            assertTrue(text.contains("address=0x" + Long.toHexString(wrong)), text);
        }
        assertEquals(users, kmap.sharedUsers());
        kmap.kunmap(address);
        assertThrows(IllegalStateException.class, () -> kmap.kunmap(address), "as often unmapped");
        assertThrows(IllegalStateException.class, () -> kmap.kunmapLocal(address));
        kmap.kunmapLocal(local);
        kmap.flushUnused();
        assertThrows(IllegalStateException.class, () -> kmap.kunmap(address), "flushed");
        // The slot is another's now: a stale address must not end that one's use.
        for (int i = 2; i < 2 + WINDOW; i++) {
            use(i);
        }
        final long other = map(6);
        assertThrows(IllegalStateException.class, () -> kmap.kunmap(address));
        kmap.kunmap(other);
        assertThrows(IllegalArgumentException.class, () -> kmap.kmap(frames[0], -1));
    }

    @Test
    void framesThatAreNotThereTakeNoSlot() throws Exception {
        final long[] full = fill();
        try (HighMemory high = kmap.openHigh(directory.resolve("high"), 3L * PAGE)) {
            final long end = world.memory.frames().memory().physEnd() / PAGE;
            final long far = high.frame(0) + (1L << 40);
            for (final long wrong : new long[] {0, end, -1, Long.MIN_VALUE, Long.MAX_VALUE, high.frame(2) + 1, far}) {
                assertThrows(IllegalArgumentException.class, () -> kmap.kmap(wrong), "frame=" + wrong);
                assertThrows(IllegalArgumentException.class, () -> kmap.kmap(wrong, 0), "frame=" + wrong);
                assertThrows(IllegalArgumentException.class, () -> kmap.kmapReadOnly(wrong), "frame=" + wrong);
                assertThrows(IllegalArgumentException.class, () -> kmap.kmapIfMapped(wrong), "frame=" + wrong);
                assertEquals(WINDOW, kmap.sharedUsers());
            }
        }
        unmapAll(full);
        assertEquals(0, kmap.flushes());
    }

    @Test
    void withoutForceALowFrameHasItsLinearAddress() throws Exception {
        try (KmapWorld plain = new KmapWorld(SMALL)) {
            final long frame = plain.frames(1)[0];
            for (int i = 0; i < 3 * WINDOW; i++) {
                assertEquals(frame * PAGE, plain.kmap.kmap(frame));
                assertEquals(frame * PAGE, plain.kmap.kmapIfMapped(frame));
            }
            plain.kmap.kunmap(frame * PAGE);
            for (final long wrong : new long[] {0, -1, frame * PAGE + 1, plain.memory.frames().memory().physEnd(), 1L << 47, Long.MIN_VALUE}) {
                assertThrows(IllegalArgumentException.class, () -> plain.kmap.kunmap(wrong), "address=0x" + Long.toHexString(wrong));
            }
            for (final long wrong : new long[] {0, -1, plain.memory.frames().memory().physEnd() / PAGE, HighFrames.of(0, 0)}) {
                assertThrows(IllegalArgumentException.class, () -> plain.kmap.kmap(wrong));
            }
            assertEquals(0, plain.kmap.sharedMaps());
        }
    }

    @Test
    void waitsAreRefusedInSectionsAlsoWhereThereWouldBeNone() throws Exception {
        final long address = map(0);
        final long local = kmap.kmapLocal(frames[1]);
        assertThrows(IllegalStateException.class, () -> kmap.kmap(frames[0]));
        assertThrows(IllegalStateException.class, () -> kmap.kmap(frames[0], 0));
        assertThrows(IllegalStateException.class, () -> kmap.kmapReadOnly(frames[0]));
        assertThrows(IllegalStateException.class, kmap::flushUnused);
        assertThrows(IllegalStateException.class, () -> kmap.openHigh(directory.resolve("high"), PAGE));
        // What never waits is allowed.
        kmap.kunmap(address);
        kmap.kunmapLocal(local);
        try (KmapWorld plain = new KmapWorld(SMALL); Cpu cpu = plain.memory.enter()) {
            assertTrue(cpu.index() >= 0);
            assertThrows(IllegalStateException.class, () -> plain.kmap.kmap(frames[0]));
            assertThrows(IllegalStateException.class, plain.kmap::flushUnused);
            cpu.exit();
            plain.memory.enter();
        }
    }

    @Test
    void aFullWindowWaitsAndIsWoken() throws Exception {
        final long[] full = fill();
        final Task<Long> waiter = new Task<>("waiter", () -> map(7));
        waiter.awaitParkedIn(Waiters.class);
        kmap.kunmap(full[2]);
        final long address = waiter.join();
        assertEquals(KmapWorld.page(full[2]), KmapWorld.page(address));
        unmapAll(full[0], full[1], full[3], address);
    }

    /** RK2: each unmap wakes one, however many there are, and nobody is left behind. */
    @Test
    void asManyWaitersAreServedAsSlotsAreGivenUp() throws Exception {
        final long[] full = fill();
        final List<Task<Long>> waiters = new ArrayList<>();
        for (int i = 0; i < WINDOW; i++) {
            final int frame = WINDOW + i;
            waiters.add(new Task<>("waiter-" + i, () -> map(frame)));
            waiters.get(i).awaitParkedIn(Waiters.class);
        }
        unmapAll(full);
        for (final Task<Long> waiter : waiters) {
            kmap.kunmap(waiter.join());
        }
    }

    /**
     * RK2: the one that is woken gets no slot, and the one behind it does: it is told by the one that failed, or by the end of the flush, which
     * wakes all.
     */
    @Test
    void aSlotThatWhoeverWasWokenDoesNotTakeIsTheNextOnes() throws Exception {
        final long[] full = fill();
        final HighMemory high = kmap.openHigh(directory.resolve("high"), 2L * PAGE);
        final long bad = high.frame(1);
        final CountDownLatch closed = new CountDownLatch(1);
        final Task<Long> failing = new Task<>("failing", () -> {
            assertThrows(IllegalStateException.class, () -> kmap.kmap(bad));
            closed.countDown();
            return 0L;
        });
        failing.awaitParkedIn(Waiters.class);
        final Task<Long> behind = new Task<>("behind", () -> map(7));
        behind.awaitParkedIn(Waiters.class);
        // It will fail when it is woken, since its file is closed by then.
        high.close();
        kmap.kunmap(full[0]);
        failing.join();
        final long address = behind.join();
        unmapAll(full[1], full[2], full[3], address);
    }

    /** RK3: both wait for a slot, and one of them finds what the other has mapped. */
    @Test
    void twoThatWaitForOneFrameConverge() throws Exception {
        final long[] full = fill();
        final List<Task<Long>> waiters = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiters.add(new Task<>("waiter-" + i, () -> map(9)));
            waiters.get(i).awaitParkedIn(Waiters.class);
        }
        kmap.kunmap(full[1]);
        final long address = waiters.get(0).join();
        assertEquals(address, waiters.get(1).join());
        assertEquals(address, waiters.get(2).join());
        assertEquals(3 + 3, kmap.sharedUsers());
        unmapAll(full[0], full[2], full[3], address, address, address);
    }

    /** RK3: without a wait. */
    @Test
    void twoThatMapOneFrameAtOnceConverge() throws Exception {
        final CyclicBarrier start = new CyclicBarrier(2);
        for (int round = 0; round < 2_000; round++) {
            final int frame = round % frames.length;
            final Task<Long> other = round % 100 == 0 ? null : new Task<>("other", () -> {
                start.await();
                return map(frame);
            });
            if (other != null) {
                start.await();
                final long address = map(frame);
                assertEquals(address, other.join());
                unmapAll(address, address);
            } else {
                use(frame);
            }
        }
    }

    /** RK4: a user that comes while the slot is being flushed gets a new address, and not before the flush. */
    @Test
    void aUserThatComesDuringTheFlushMapsAnew() throws Exception {
        final long stale = use(0);
        final Task<Integer> flusher;
        final Task<Long> user;
        try (Reader reader = new Reader(world.memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            flusher = new Task<>("flusher", kmap::flushUnused);
            flusher.awaitParkedIn(Epochs.class);
            assertTrue(world.faults(stale), "cleared before the flush");
            assertEquals(Kmap.NOT_MAPPED, kmap.kmapIfMapped(frames[0]));
            assertThrows(IllegalStateException.class, () -> kmap.kunmap(stale));
            // The other three slots are free: it need not wait for the flush.
            user = new Task<>("user", () -> map(0));
            final long address = user.join();
            assertNotEquals(KmapWorld.page(stale), KmapWorld.page(address));
            kmap.kunmap(address);
        }
        assertEquals(1, flusher.join());
    }

    /** RK4, the other way round: the flush passes over what has got a user, though it was unused just before. */
    @Test
    void theFlushPassesOverWhatIsUsedAgain() throws Exception {
        final long[] unused = {use(0), use(1)};
        final long again = kmap.kmapIfMapped(frames[0]);
        assertEquals(1, kmap.flushUnused());
        assertEquals(unused[0], again);
        assertFalse(world.faults(again));
        assertTrue(world.faults(unused[1]));
        kmap.kunmap(again);
    }

    @Test
    void aTimeOutNamesTheHolders() throws Exception {
        final List<Long> held = new ArrayList<>();
        for (int i = 0; i < WINDOW; i++) {
            final int frame = i;
            held.add(new Task<>("holder-" + i, () -> map(frame)).join());
        }
        kmap.kmap(frames[2]);
        for (final long nanos : new long[] {0, 2_000_000}) {
            final ExhaustedException e = assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[8], nanos));
            assertEquals(ExhaustedException.Resource.KMAP_WINDOW, e.resource());
            assertTrue(e.getMessage().contains("frame=" + frames[8] + " slots=4"), e.getMessage());
            for (int i = 0; i < WINDOW; i++) {
                assertTrue(e.getMessage().contains("slot=" + i + " frame=" + frames[i] + " users=" + (i == 2 ? 2 : 1) + " mapped by holder-" + i),
                    e.getMessage());
            }
        }
        assertEquals(WINDOW + 1, kmap.sharedUsers(), "something was changed");
        held.forEach(kmap::kunmap);
        kmap.kunmap(held.get(2));
    }

    /** K6: as many threads as slots hold one each, and each wants another. They are told, and do not hang. */
    @Test
    void threadsThatHoldOneEachAndWantAnotherAreTold() throws Exception {
        final CyclicBarrier allHold = new CyclicBarrier(WINDOW);
        SmallMemory.inThreads(WINDOW, thread -> {
            final long first = map(thread);
            allHold.await();
            final ExhaustedException e = assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[WINDOW + thread], 20_000_000));
            for (int i = 0; i < WINDOW; i++) {
                assertTrue(e.getMessage().contains("mapped by worker-" + i), e.getMessage());
            }
            allHold.await();
            kmap.kunmap(first);
        });
        // And with one that gives up its first: all are served.
        SmallMemory.inThreads(WINDOW, thread -> {
            final long first = map(thread);
            allHold.await();
            if (thread == 0) {
                kmap.kunmap(first);
            }
            final long second = map(WINDOW + thread);
            kmap.kunmap(second);
            if (thread != 0) {
                kmap.kunmap(first);
            }
        });
    }

    @Test
    void aWaitCanBeInterrupted() throws Exception {
        final long[] full = fill();
        final Task<Boolean> waiter = new Task<>("waiter", () -> {
            assertThrows(InterruptedException.class, () -> map(7));
            return Thread.currentThread().isInterrupted();
        });
        waiter.awaitParkedIn(Waiters.class);
        waiter.thread.interrupt();
        assertFalse(waiter.join());
        // Who need not wait does not mind.
        Thread.currentThread().interrupt();
        assertEquals(full[0], map(0));
        assertTrue(Thread.interrupted());
        kmap.kunmap(full[0]);
        unmapAll(full);
    }

    @Test
    void anInterruptedWaiterLeavesTheWakeUpToOthers() throws Exception {
        final long[] full = fill();
        for (int round = 0; round < 50; round++) {
            final Task<Void> first = new Task<>("first", () -> {
                try {
                    use(7);
                } catch (final InterruptedException e) {
                    // Either is right.
                }
                return null;
            });
            first.awaitParkedIn(Waiters.class);
            final Task<Long> second = new Task<>("second", () -> use(8));
            second.awaitParkedIn(Waiters.class);
            first.thread.interrupt();
            kmap.kunmap(full[0]);
            first.join();
            second.join();
            full[0] = map(0);
        }
        unmapAll(full);
    }

    /** A wait for the flush, which a section holds up, ends as well. */
    @Test
    void aWaitForAFlushThatIsHeldUpCanBeInterrupted() throws Exception {
        for (int i = 0; i < WINDOW; i++) {
            use(i);
        }
        try (Reader reader = new Reader(world.memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            final Task<Void> waiter = new Task<>("waiter", () -> {
                assertThrows(InterruptedException.class, () -> map(7));
                return null;
            });
            waiter.awaitParkedIn(Epochs.class);
            waiter.thread.interrupt();
            waiter.join();
        }
        use(7);
        assertEquals(1, kmap.flushes());
    }

    @Test
    void aFlushThatASectionHoldsUpTimesOutAndNamesIt() throws Exception {
        for (int i = 0; i < WINDOW; i++) {
            use(i);
        }
        try (Reader reader = new Reader(world.memory, "long reader")) {
            assertTrue(reader.cpu.index() >= 0);
            for (int i = 0; i < 2; i++) {
                final ExhaustedException e = assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[7], 5_000_000));
                assertTrue(e.getMessage().contains("flushing=4, held up by ") && e.getMessage().contains("long reader"), e.getMessage());
            }
            assertEquals(1, kmap.flushes(), "one is under way, and enough");
        }
        use(7);
        assertEquals(1, kmap.flushes());
    }

    /** Whoever began the flush gives up; the others that wait for a slot must not rely on it. */
    @Test
    void aFlushThatItsBeginnerHasGivenUpIsEndedByWhoeverWaits() throws Exception {
        final long[] full = fill();
        final Task<Long> waiter = new Task<>("waiter", () -> map(8));
        try (Reader reader = new Reader(world.memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            waiter.awaitParkedIn(Waiters.class);
            // Unmapped and cleared before the waiter has run, or after: it goes and waits for the flush.
            kmap.kunmap(full[3]);
            assertThrows(ExhaustedException.class, () -> kmap.kmap(frames[7], 0));
            waiter.awaitParkedIn(Epochs.class);
        }
        unmapAll(full[0], full[1], full[2], waiter.join());
    }

    /** RK2: the same, when the one who was woken for the slot gives up: the next is parked still, and must be told to go and wait for the flush. */
    @Test
    void aFlushThatAWaiterHasGivenUpIsEndedByTheNext() throws Exception {
        final long[] full = fill();
        final Task<Void> first = new Task<>("first", () -> {
            assertThrows(InterruptedException.class, () -> map(8));
            return null;
        });
        first.awaitParkedIn(Waiters.class);
        final Task<Long> next = new Task<>("next", () -> map(9));
        next.awaitParkedIn(Waiters.class);
        try (Reader reader = new Reader(world.memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            kmap.kunmap(full[0]);
            first.awaitParkedIn(Epochs.class);
            first.thread.interrupt();
            first.join();
            next.awaitParkedIn(Epochs.class);
        }
        unmapAll(full[1], full[2], full[3], next.join());
    }

    @Test
    void slotsThatAreFreeAlreadyNeedNoFlushThatIsHeldUp() throws Exception {
        final long[] full = fill();
        unmapAll(full[0], full[1]);
        assertEquals(2, kmap.flushUnused());
        kmap.kunmap(full[2]);
        final Task<Integer> flusher;
        try (Reader reader = new Reader(world.memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            flusher = new Task<>("flusher", kmap::flushUnused);
            flusher.awaitParkedIn(Epochs.class);
            // Behind the hand.
            unmapAll(kmap.kmap(frames[5], 0), kmap.kmap(frames[6], 0));
        }
        assertEquals(1, flusher.join());
        kmap.kunmap(full[3]);
    }

    /** What nobody uses is no reason not to close a file. */
    @Test
    void unusedMapsDoNotKeepAFileOpen() throws Exception {
        final HighMemory high = kmap.openHigh(directory.resolve("high"), 2L * PAGE);
        final long address = kmap.kmap(high.frame(1));
        final String text = assertThrows(IllegalStateException.class, high::close).getMessage();
        assertTrue(text.contains("count=1"), text);
        world.put(address, 4);
        kmap.kunmap(address);
        high.close();
        assertEquals(4, KmapWorld.plain(directory.resolve("high"), PAGE));
        assertTrue(world.faults(address));
        assertThrows(IllegalStateException.class, () -> kmap.kmap(high.frame(1)));
        assertThrows(IllegalStateException.class, () -> kmap.kmapIfMapped(high.frame(1)));
    }

    /** A hash chain may be of any length: a slot that the lock's holder overlooks would be mapped twice. */
    @Test
    void framesThatCollideInTheHashHaveOneAddressEach() throws Exception {
        final int slots = 128;
        final int colliding = 70;
        try (KmapWorld wide = new KmapWorld(SMALL.withWindowBytes((long)slots * PAGE));
            HighMemory high = wide.kmap.openHigh(directory.resolve("wide"), 1L << 32)) {
            final long[] addresses = new long[colliding];
            final long[] pages = new long[colliding];
            int found = 0;
            for (long page = 0; found < colliding; page++) {
                if (KmapHash.bucket(high.frame(page), 8) == 3) {
                    pages[found] = page;
                    addresses[found++] = wide.kmap.kmap(high.frame(page));
                }
            }
            for (int i = 0; i < colliding; i++) {
                final long address = wide.kmap.kmap(high.frame(pages[i]));
                assertEquals(addresses[i], address);
                wide.kmap.kunmap(address);
                wide.kmap.kunmap(address);
            }
            assertEquals(colliding, wide.kmap.flushUnused());
            wide.kmap.verify();
        }
    }

    @Test
    void mapsThatAreOpenAtTheEndAreReported() throws Exception {
        final KmapWorld other = new KmapWorld(FORCED);
        final long frame = other.frames(1)[0];
        other.kmap.kmap(frame);
        final long address = other.kmap.kmap(frame);
        final MappedAccess access = other.memory.access();
        other.close();
        assertTrue(other.ear.heard("leaked kmap count=1 bytes=4096"), other.ear.heard.toString());
        assertThrows(PageFaultException.class, () -> access.getLong(address));
        assertThrows(IllegalStateException.class, () -> other.kmap.kmap(frame));
        assertThrows(IllegalStateException.class, () -> other.kmap.kmapIfMapped(frame));
    }
}
