package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;

/** Twice as many threads as cache frames: each counts in a word of its own on every page, and no count is lost. */
@Tag("stress")
final class HighCacheStressTest {
    private static final int THREADS = 8;
    private static final int FRAMES = 4;
    private static final int PAGES = 24;
    private static final long MILLIS = 2_000;

    @TempDir
    Path directory;

    private final HighWorld world = new HighWorld(FRAMES);
    private final long[][] counted = new long[THREADS][PAGES];
    private final AtomicLong hits = new AtomicLong();
    private final AtomicLong interrupts = new AtomicLong();
    private final AtomicInteger running = new AtomicInteger(THREADS);
    private final AtomicReferenceArray<Thread> threads = new AtomicReferenceArray<>(THREADS);

    @Test
    void noCountIsLost() throws Exception {
        final Path path = directory.resolve("counters");
        try (HighMemory high = world.cache.open(path, (long)PAGES * PAGE)) {
            final StressClock clock = new StressClock(MILLIS, () -> missing().isEmpty());
            SmallMemory.inThreads(THREADS + 2, thread -> {
                if (thread == THREADS) {
                    forceOften(high);
                } else if (thread == THREADS + 1) {
                    interruptOften();
                } else {
                    try {
                        threads.set(thread, Thread.currentThread());
                        count(high, thread, clock);
                    } catch (final Throwable e) {
                        clock.stop();
                        throw e;
                    } finally {
                        threads.set(thread, null);
                        running.decrementAndGet();
                    }
                }
            });
            world.cache.verify();
            clock.assertCovered(() -> "never happened: " + missing());
        }
        for (int page = 0; page < PAGES; page++) {
            for (int thread = 0; thread < THREADS; thread++) {
                assertEquals(counted[thread][page], HighWorld.plainLong(path, (long)page * PAGE + thread * Long.BYTES),
                    "page=" + page + " thread=" + thread);
            }
        }
        world.requireClosed();
    }

    private List<String> missing() {
        final List<String> missing = new ArrayList<>();
        for (final CacheEvent event : CacheEvent.values()) {
            if (event != CacheEvent.FAILURE && world.count(event) == 0) {
                missing.add(event.name());
            }
        }
        if (hits.get() == 0) {
            missing.add("hits");
        }
        if (interrupts.get() == 0) {
            missing.add("interrupts");
        }
        return missing;
    }

    private void count(final HighMemory high, final int thread, final StressClock clock) {
        final SplittableRandom random = new SplittableRandom(thread);
        final long[][] seen = new long[THREADS][PAGES];
        while (clock.running()) {
            final int page = random.nextInt(PAGES);
            if (random.nextInt(8) == 0) {
                high.prefetch(high.frame(page), high.frame((page + 1) % PAGES));
            }
            final int index = pin(high.frame(page));
            if (index < 0) {
                continue;
            }
            final long address = world.cache.nativePage(index);
            increment(address, thread);
            counted[thread][page]++;
            nested(high, (page + 1 + random.nextInt(PAGES - 1)) % PAGES, thread);
            for (int other = 0; other < THREADS; other++) {
                final long value = UnsafeApi.getLongOpaque(null, address + other * Long.BYTES);
                assertTrue(value >= seen[other][page], "page=" + page + " thread=" + other + " went back to " + value);
                seen[other][page] = value;
            }
            assertEquals(high.frame(page), world.cache.frameOf(index));
            world.cache.unpin(index);
        }
    }

    /** Another page besides, inside a section: only if it is there. */
    private void nested(final HighMemory high, final int page, final int thread) {
        try (Cpu cpu = world.cpus.enter()) {
            assertTrue(world.cpus.isOccupant(cpu));
            final int index = world.cache.tryPin(high.frame(page), true);
            if (index >= 0) {
                increment(world.cache.nativePage(index), thread);
                counted[thread][page]++;
                world.cache.unpin(index);
                hits.incrementAndGet();
            }
        }
    }

    private static void increment(final long page, final int thread) {
        final long address = page + thread * Long.BYTES;
        UnsafeApi.putLongOpaque(null, address, UnsafeApi.getLongOpaque(null, address) + 1);
    }

    private int pin(final long frame) {
        try {
            return world.cache.pin(frame, true, System.nanoTime() + HighWorld.PATIENT_NANOS);
        } catch (final InterruptedException e) {
            interrupts.incrementAndGet();
            return -1;
        }
    }

    private void forceOften(final HighMemory high) {
        while (running.get() > 0) {
            high.force();
        }
    }

    /** Interrupts half of them, wherever they are: in a wait, in the middle of a read, or between. */
    private void interruptOften() {
        final SplittableRandom random = new SplittableRandom(99);
        while (running.get() > 0) {
            final Thread thread = threads.get(2 * random.nextInt(THREADS / 2));
            if (thread != null) {
                thread.interrupt();
            }
            Thread.yield();
        }
    }
}
