package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.gather.GatherMode;
import org.vellum.lock.LockThreads;
import org.vellum.lock.LockThreads.Other;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** Unmaps that are stopped somewhere in the middle, step by step. */
class UnmapRacesTest {
    private static final int LEAF = SpaceTable.LEAF_PAGES;
    private static final RuntimeException THROWN = new IllegalStateException("thrown by a test");

    private SpaceWorld world = new SpaceWorld(4096).hashed(hashGroups());
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);

    @AfterEach
    void closes() {
        world.close();
    }

    private void withWorker() {
        world.close();
        world = new SpaceWorld(4096, true).hashed(hashGroups());
    }

    /** The thread that comes to this page first stops there. */
    private HookedBacking.Hook stopAt(final long stop) {
        return page -> {
            if (page == stop) {
                reached.countDown();
                await(goOn);
            }
        };
    }

    private static void await(final CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Three leaves and a bit from page 1 on, all there. */
    private static void fill(final AddressSpace space, final MapOptions options) {
        space.mapFixed(PAGE, 3 * LEAF * PAGE, options);
        space.advise(PAGE, 3 * LEAF * PAGE, Advice.POPULATE);
    }

    private static void unmapInterrupted(final AddressSpace space) throws Exception {
        assertTrue(SmallMemory.<Boolean>inThread(() -> {
            Thread.currentThread().interrupt();
            space.unmap(PAGE, 3 * LEAF * PAGE);
            return Thread.interrupted();
        }), "still interrupted");
    }

    @Test
    void whoIsInterruptedLeavesTheRestToTheWorker() throws Exception {
        withWorker();
        final AddressSpace space = world.space(1 << 14);
        fill(space, MapOptions.DEFAULT);
        assertTrue(world.worker.request(() -> await(goOn)));
        unmapInterrupted(space);
        assertEquals(1, world.spaces.stats().handedOver());
        assertEquals(1, space.unfinished());
        assertEquals(3 * LEAF * PAGE, space.meminfo().goingBytes());
        assertNull(space.region(PAGE));
        goOn.countDown();
        world.worker.quiesce();
        assertEquals(0, space.unfinished());
        assertEquals(0, space.meminfo().goingBytes());
        world.requireFramesInUse(0);
    }

    @Test
    void whoWaitsForTheRestDoesItAndNotTheBusyWorker() throws Exception {
        withWorker();
        final AddressSpace space = world.space(1 << 14);
        fill(space, MapOptions.DEFAULT);
        assertTrue(world.worker.request(() -> await(goOn)));
        unmapInterrupted(space);
        assertEquals(1, space.unfinished());
        space.mapFixed(2 * LEAF * PAGE, PAGE, MapOptions.DEFAULT);
        assertEquals(0, space.unfinished());
        assertEquals(0, space.access().getLong(2 * LEAF * PAGE));
        goOn.countDown();
        world.worker.quiesce();
        assertEquals(1, space.meminfo().regions(), "the worker comes late, and leaves what is there now alone");
        space.verify();
    }

    @Test
    void withoutAWorkerTheInterruptedThreadDoesItAll() throws Exception {
        final AddressSpace space = world.space(1 << 14);
        fill(space, MapOptions.DEFAULT);
        unmapInterrupted(space);
        assertEquals(0, world.spaces.stats().handedOver());
        assertEquals(0, space.meminfo().goingBytes());
        world.requireFramesInUse(0);
    }

    @Test
    void whoHasPromisedToWaitDoesItAll() throws Exception {
        withWorker();
        final AddressSpace space = world.space(1 << 14, GatherMode.WAIT, UnmapPolicy.PREEMPTIBLE);
        fill(space, MapOptions.DEFAULT);
        unmapInterrupted(space);
        assertEquals(0, world.spaces.stats().handedOver());
        assertEquals(0, space.meminfo().goingBytes());
        world.requireFramesInUse(0);
    }

    private void thrownInTheMiddle(final UnmapPolicy policy) {
        final AddressSpace space = world.space(1 << 14, GatherMode.RETIRE, policy);
        final HookedBacking backing = new HookedBacking(world);
        fill(space, backing.options());
        backing.inCleared = page -> {
            if (page == LEAF + 5) {
                backing.inCleared = HookedBacking.Hook.NONE;
                throw THROWN;
            }
        };
        assertSame(THROWN, assertThrows(IllegalStateException.class, () -> space.unmap(PAGE, 3 * LEAF * PAGE)));
        assertEquals(1, space.unfinished());
        assertNull(space.region(PAGE));
        assertThrows(PageFaultException.class, () -> space.access().getLong(PAGE), "what is cleared is cleared");
        space.mapFixed(2 * LEAF * PAGE, PAGE, MapOptions.DEFAULT);
        assertEquals(0, space.unfinished());
        assertEquals(3 * LEAF, backing.clearedPages.get());
        assertEquals(0, space.access().getLong(2 * LEAF * PAGE));
        space.verify();
        space.unmap(2 * LEAF * PAGE, PAGE);
        world.requireFramesInUse(1);
    }

    @Test
    void theNextFinishesWhatWasThrownOutOf() {
        thrownInTheMiddle(UnmapPolicy.PREEMPTIBLE);
    }

    @Test
    void theNextFinishesWhatWasThrownOutOfUnderTheLock() {
        thrownInTheMiddle(UnmapPolicy.ATOMIC);
    }

    @Test
    void whoMapsWaitsForTheTombstone() throws Exception {
        final AddressSpace space = world.space(1 << 14);
        final HookedBacking backing = new HookedBacking(world);
        fill(space, backing.options());
        backing.inCleared = stopAt(LEAF + 5);
        final Other<Void> unmaps = new Other<Void>(() -> {
            space.unmap(PAGE, 3 * LEAF * PAGE);
            return null;
        });
        reached.await();
        // Others do not notice.
        final long beside = space.map(PAGE);
        space.access().putLong(beside, 1);
        final Other<Void> maps = new Other<Void>(() -> {
            space.mapFixed(PAGE, PAGE, MapOptions.DEFAULT);
            space.access().putLong(PAGE, 2);
            return null;
        }).awaitParked();
        final Other<Void> unmapsToo = new Other<Void>(() -> {
            space.unmap(2 * LEAF * PAGE, PAGE);
            return null;
        }).awaitParked();
        final Other<Void> protects = new Other<Void>(() -> {
            assertThrows(IllegalArgumentException.class, () -> space.protect(3 * LEAF * PAGE, PAGE, Region.READ));
            return null;
        }).awaitParked();
        assertFalse(maps.task.isDone() || unmapsToo.task.isDone() || protects.task.isDone() || unmaps.task.isDone());
        goOn.countDown();
        maps.join();
        unmapsToo.join();
        protects.join();
        unmaps.join();
        assertEquals(2, space.access().getLong(PAGE));
        assertEquals(3 * LEAF, backing.clearedPages.get());
        space.verify();
    }

    @Test
    void whoFindsNoRoomWaitsForThatWhichIsBeingMade() throws Exception {
        final AddressSpace space = world.space(3 * LEAF + 1);
        final HookedBacking backing = new HookedBacking(world);
        fill(space, backing.options());
        assertThrows(ExhaustedException.class, () -> space.map(PAGE));
        backing.inCleared = stopAt(LEAF + 5);
        final Other<Void> unmaps = new Other<Void>(() -> {
            space.unmap(PAGE, 3 * LEAF * PAGE);
            return null;
        });
        reached.await();
        final Other<Long> maps = new Other<Long>(() -> space.map(PAGE)).awaitParked();
        goOn.countDown();
        assertEquals(PAGE, maps.join());
        unmaps.join();
        space.verify();
    }

    @Test
    void aCloseWaitsForUnmapsAndASecondCloseForTheFirst() throws Exception {
        final AddressSpace space = world.space(1 << 14);
        final HookedBacking backing = new HookedBacking(world);
        fill(space, backing.options());
        backing.inCleared = stopAt(LEAF + 5);
        final Other<Void> unmaps = new Other<Void>(() -> {
            space.unmap(PAGE, 2 * LEAF * PAGE);
            return null;
        });
        reached.await();
        final Other<Void> closes = new Other<Void>(() -> {
            space.close();
            return null;
        }).awaitParked();
        final Other<Void> closesToo = new Other<Void>(() -> {
            space.close();
            return null;
        }).awaitParked();
        assertThrows(IllegalStateException.class, () -> space.map(PAGE));
        goOn.countDown();
        unmaps.join();
        closes.join();
        closesToo.join();
        assertEquals(3 * LEAF, backing.clearedPages.get());
        world.requireFramesInUse(0);
    }

    @Test
    void aCloseThatWasThrownOutOfGoesOn() {
        final AddressSpace space = world.space(1 << 14);
        final HookedBacking backing = new HookedBacking(world);
        fill(space, backing.options());
        backing.inCleared = page -> {
            if (page == LEAF + 5) {
                backing.inCleared = HookedBacking.Hook.NONE;
                throw THROWN;
            }
        };
        assertSame(THROWN, assertThrows(IllegalStateException.class, space::close));
        assertThrows(IllegalStateException.class, () -> space.map(PAGE));
        assertThrows(PageFaultException.class, () -> space.access().getLong(3 * LEAF * PAGE));
        space.close();
        // The one that threw is told of twice.
        assertEquals(3 * LEAF + 1, backing.clearedPages.get());
        world.requireFramesInUse(0);
    }

    @Test
    void underTheLockOneWaitsForSectionsToo() throws Exception {
        final AddressSpace space = world.space(1 << 14, GatherMode.WAIT, UnmapPolicy.ATOMIC);
        final long at = space.map(10 * PAGE, MapOptions.DEFAULT.populated());
        final Other<Void> first;
        final Other<Void> second;
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            first = new Other<Void>(() -> {
                space.unmap(at, 10 * PAGE);
                return null;
            }).awaitParked();
            while (space.region(at) != null) {
                Thread.onSpinWait();
            }
            second = new Other<Void>(() -> {
                space.unmap(at, 10 * PAGE);
                return null;
            }).awaitParked();
            // The space itself is nobody's meanwhile.
            assertEquals(at, space.map(PAGE));
        }
        first.join();
        second.join();
        space.unmap(at, PAGE);
        world.requireFramesInUse(0);
    }

    @Test
    void whatIsUnmappedDuringItsFaultIsGivenBack() {
        final AddressSpace space = world.space(1 << 14);
        final HookedBacking backing = new HookedBacking(world);
        final long at = space.map(10 * PAGE, backing.options());
        backing.inFrame = page -> {
            backing.inFrame = HookedBacking.Hook.NONE;
            space.unmap(at, 10 * PAGE);
        };
        assertThrows(PageFaultException.class, () -> space.access().putLong(at + 3 * PAGE, 1));
        assertEquals(1, backing.givenBack.get());
        assertEquals(0, backing.clearedPages.get());
        // And when something else is there by then, it is that which is touched.
        space.mapFixed(at, 10 * PAGE, backing.options());
        backing.inFrame = page -> {
            backing.inFrame = HookedBacking.Hook.NONE;
            space.unmap(at, 10 * PAGE);
            space.mapFixed(at + 3 * PAGE, PAGE, MapOptions.DEFAULT);
        };
        space.access().putLong(at + 3 * PAGE, 7);
        assertEquals(7, space.access().getLong(at + 3 * PAGE));
        assertEquals(2, backing.givenBack.get());
        space.unmap(at, 10 * PAGE);
        world.requireFramesInUse(0);
    }

    @Test
    void aMemoryThatIsClosedMakesNoSpacesAndKeepsTheZeroFrameForReaders() throws Exception {
        final AddressSpace space = world.space(1 << 14);
        assertEquals(0, space.access().getLong(space.map(PAGE)));
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            space.close();
            world.spaces.close(Listener.SILENT);
            assertThrows(IllegalStateException.class, () -> world.space(100));
            // The table, and the frame that the reader may be looking at.
            assertEquals(2, world.frames.allocatedFrames());
        }
        world.settledFrames();
        world = new SpaceWorld(64).hashed(hashGroups());
    }

    @Test
    void aVirtualThreadIsUnmountedInTheMiddle() throws Exception {
        if (LockThreads.startVirtual() == null) {
            return;
        }
        final AddressSpace space = world.space(1 << 14, GatherMode.WAIT, UnmapPolicy.PREEMPTIBLE);
        fill(space, MapOptions.DEFAULT);
        final FutureTask<Void> task = new FutureTask<>(() -> {
            space.unmap(PAGE, 3 * LEAF * PAGE);
            return null;
        });
        try (SmallMemory.Reader reader = new SmallMemory.Reader(world.cpus, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            LockThreads.startVirtual().invoke(null, task);
            while (space.meminfo().goingBytes() == 0) {
                Thread.onSpinWait();
            }
            assertFalse(task.isDone());
        }
        SmallMemory.join(task);
        world.requireFramesInUse(0);
    }

    /** Whether translations are kept in a hash, too. */
    int hashGroups() {
        return 0;
    }
}
