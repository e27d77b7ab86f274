package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;

/** Who is waited for, and that nobody stays counted. */
final class ReleasesTest {
    private final Releases releases = new Releases();

    @Test
    void whereNothingIsUnderWayNobodyWaits() {
        assertTrue(releases.await(0));
        releases.end(releases.begin());
        assertTrue(releases.await(0));
        assertEquals(1, releases.ended());
        assertFalse(releases.areUnderWay());
    }

    @Test
    void waitsForTheEndOfEach() throws Exception {
        final int first = releases.begin();
        final int second = SmallMemory.inThread(releases::begin);
        final FutureTask<Boolean> wait = new FutureTask<>(() -> releases.await(SmallMemory.PATIENT_NANOS));
        final Thread waiter = new Thread(wait, "waiter");
        waiter.setDaemon(true);
        waiter.start();
        while (LockSupport.getBlocker(waiter) != releases) {
            LockSupport.parkNanos(100_000);
        }
        releases.end(first);
        assertTrue(releases.areUnderWay());
        assertFalse(wait.isDone());
        releases.end(second);
        assertTrue(SmallMemory.join(wait));
        assertEquals(2, releases.ended());
    }

    @Test
    void anInterruptIsKeptAndShortensNothing() {
        final int begun = releases.begin();
        Thread.currentThread().interrupt();
        final long start = System.nanoTime();
        assertFalse(releases.await(2_000_000));
        assertTrue(System.nanoTime() - start >= 2_000_000);
        assertTrue(Thread.interrupted());
        releases.end(begun);
    }

    /** In every way of releasing: counted in the middle of it, and no longer afterwards, whatever the owner does. */
    @Test
    void eachWayOutOfLimboIsCounted() {
        final TestLimbo world = new TestLimbo();
        final Releases counted = world.epochs.releases();
        world.inRelease = () -> assertTrue(counted.areUnderWay());
        for (int way = 0; way < 5; way++) {
            for (int outcome = 0; outcome < 3; outcome++) {
                world.refuse = outcome == 1;
                world.toThrow = outcome == 2 ? new IllegalStateException("refused") : null;
                if (way == 4) {
                    world.limbo.retire(null, 0);
                } else {
                    world.retire(0);
                }
                final long ended = counted.ended();
                final int before = world.released.size();
                world.epochs.advanceFrom(world.epochs.now());
                release(world, way);
                assertEquals(outcome == 0, world.released.size() > before, "way=" + way);
                assertTrue(counted.ended() > ended);
                assertFalse(counted.areUnderWay());
                world.refuse = false;
                world.toThrow = null;
                world.limbo.pollAll();
                assertEquals(0, world.limbo.bytes());
            }
        }
    }

    private static void release(final TestLimbo world, final int way) {
        switch (way) {
            case 0 -> world.limbo.poll();
            case 1 -> world.limbo.drain(0);
            case 2 -> {
                try (Cpu cpu = world.cpus.enter()) {
                    world.limbo.releaseOwn(cpu, 1, 1);
                }
            }
            default -> world.limbo.pollAll();
        }
    }
}
