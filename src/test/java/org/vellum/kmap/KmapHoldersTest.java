package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.kmap.KmapWorld.Task;
import org.vellum.report.ExhaustedException;

/** More threads that hold one each than there are to be had (K6): those that get none are told in time who has them. */
final class KmapHoldersTest {
    private static final long NANOS = 20_000_000;
    private static final int THREADS = WINDOW + 3;

    @TempDir
    Path directory;

    /** What a thread does with its number: maps, and undoes that later. */
    private interface Step {
        void with(int thread) throws Exception;
    }

    /** Each of more threads than there are slots maps, and keeps what it has until all have got one, or been refused. */
    private static void crowd(final Step map, final Step unmap) throws Exception {
        final CyclicBarrier all = new CyclicBarrier(THREADS);
        final Set<Integer> holders = ConcurrentHashMap.newKeySet();
        final Map<Integer, String> refused = new ConcurrentHashMap<>();
        SmallMemory.inThreads(THREADS, thread -> {
            try {
                map.with(thread);
                holders.add(thread);
            } catch (final ExhaustedException e) {
                refused.put(thread, e.getMessage());
            }
            all.await();
            if (holders.contains(thread)) {
                unmap.with(thread);
            }
        });
        assertEquals(WINDOW, holders.size());
        assertEquals(THREADS - WINDOW, refused.size());
        for (final String text : refused.values()) {
            for (final int holder : holders) {
                assertTrue(text.contains("worker-" + holder), "holders=" + holders + " text=" + text);
            }
            assertFalse(refused.keySet().stream().anyMatch(thread -> text.contains("worker-" + thread)), text);
        }
    }

    @Test
    void slotsOfTheWindow() throws Exception {
        try (KmapWorld world = new KmapWorld(FORCED.withWaitNanos(NANOS))) {
            final long[] frames = world.frames(THREADS);
            final long[] mapped = new long[THREADS];
            crowd(thread -> mapped[thread] = world.kmap.kmap(frames[thread]), thread -> world.kmap.kunmap(mapped[thread]));
            world.requireQuiet();
        }
    }

    @Test
    void slotsOfTheWindowForPagesOfAFile() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL.withWaitNanos(NANOS));
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), (long)THREADS * PAGE)) {
            final long[] mapped = new long[THREADS];
            crowd(thread -> mapped[thread] = world.kmap.kmap(high.frame(thread)), thread -> world.kmap.kunmap(mapped[thread]));
            world.requireQuiet();
        }
    }

    /** As many slots as anybody wants, but the pages have no more than four places to be in. */
    @Test
    void cacheFramesByLocalMaps() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL.withWaitNanos(NANOS));
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), (long)THREADS * PAGE)) {
            final long[] mapped = new long[THREADS];
            crowd(thread -> mapped[thread] = world.kmap.kmapLocal(high.frame(thread)), thread -> world.kmap.kunmapLocal(mapped[thread]));
            world.requireQuiet();
        }
    }

    /** By turns: who wants one hears of both kinds of holders, whichever kind it wants. */
    @Test
    void cacheFramesByMapsOfBothKinds() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL.withWaitNanos(NANOS));
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), (long)THREADS * PAGE)) {
            final long[] mapped = new long[THREADS];
            crowd(thread -> {
                    final long frame = high.frame(thread);
                    mapped[thread] = thread % 2 == 0 ? world.kmap.kmapLocal(frame) : world.kmap.kmap(frame);
                },
                thread -> {
                    if (thread % 2 == 0) {
                        world.kmap.kunmapLocal(mapped[thread]);
                    } else {
                        world.kmap.kunmap(mapped[thread]);
                    }
                });
            world.requireQuiet();
        }
    }

    @Test
    void whoeverIsNotNamedIsCounted() throws Exception {
        final int slots = 11;
        try (KmapWorld world = new KmapWorld(FORCED.withWindowBytes((long)slots * PAGE))) {
            final long[] frames = world.frames(slots + 1);
            final long[] mapped = new long[slots];
            for (int i = 0; i < slots; i++) {
                mapped[i] = world.kmap.kmap(frames[i]);
            }
            final String text = assertThrows(ExhaustedException.class, () -> world.kmap.kmap(frames[slots], 0)).getMessage();
            assertEquals(8, text.split("mapped by " + Thread.currentThread().getName(), -1).length - 1, text);
            assertTrue(text.endsWith("; and 3 more"), text);
            for (final long address : mapped) {
                world.kmap.kunmap(address);
            }
            world.requireQuiet();
        }
    }

    /** A shared map says that it may be interrupted: that goes for the wait for a cache frame, too. */
    @Test
    void aWaitForACacheFrameCanBeInterrupted() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL);
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), 8L * PAGE)) {
            high.prefetch(high.frame(0), high.frame(1), high.frame(2), high.frame(3));
            final CountDownLatch mapped = new CountDownLatch(1);
            final CountDownLatch interrupted = new CountDownLatch(1);
            final Task<Void> holder = new Task<>("holder", () -> {
                final long[] addresses = new long[WINDOW];
                for (int i = 0; i < WINDOW; i++) {
                    addresses[i] = world.kmap.kmapLocal(high.frame(i));
                }
                mapped.countDown();
                interrupted.await();
                for (int i = WINDOW - 1; i >= 0; i--) {
                    world.kmap.kunmapLocal(addresses[i]);
                }
                return null;
            });
            mapped.await();
            final Task<Void> waiter = new Task<>("waiter", () -> {
                assertThrows(InterruptedException.class, () -> world.kmap.kmap(high.frame(7)));
                return null;
            });
            waiter.awaitParkedIn(Waiters.class);
            waiter.thread.interrupt();
            waiter.join();
            assertEquals(0, world.kmap.sharedUsers());
            interrupted.countDown();
            holder.join();
            world.kmap.kunmap(world.kmap.kmap(high.frame(7)));
            world.requireQuiet();
        }
    }
}
