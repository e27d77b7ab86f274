package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.report.ExhaustedException;
import org.vellum.report.WouldWaitException;

/** More threads than window slots and cache frames, some of which are interrupted, and others die with maps open. */
@Tag("stress")
final class KmapStressTest {
    @TempDir
    Path directory;

    @Test
    void nothingIsLost() throws Exception {
        new Run(KmapWorld.SMALL, directory.resolve("plain")).go(12, 800, KmapStressTest::startPlatform);
    }

    @Test
    void nothingIsLostWhenAllIsForcedThroughTheWindow() throws Exception {
        new Run(KmapWorld.FORCED, directory.resolve("forced")).go(12, 800, KmapStressTest::startPlatform);
    }

    private static Thread startPlatform(final Runnable body) {
        final Thread thread = new Thread(body, "crew");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /**
     * Each page has a word for each of the crew, to which only that one adds; how often is counted beside it. At the end both agree, by a look past the
     * maps for high pages, and nothing is mapped.
     */
    static final class Run {
        private static final int LOW = 6;
        private static final int HIGH = 16;
        private static final long TIMEOUT_NANOS = 3_000_000;

        private final KmapWorld world;
        private final Kmap kmap;
        private final HighMemory high;
        private final Path path;
        private final boolean force;
        private final long[] frames = new long[LOW + HIGH];
        private final AtomicLong locals = new AtomicLong();
        private final AtomicLong shareds = new AtomicLong();
        private final AtomicLong wouldWait = new AtomicLong();
        private final AtomicLong exhausted = new AtomicLong();
        private final AtomicLong interrupted = new AtomicLong();
        private final AtomicLong dead = new AtomicLong();
        private final AtomicLong flushed = new AtomicLong();
        private final ConcurrentLinkedQueue<FutureTask<Void>> last = new ConcurrentLinkedQueue<>();
        private AtomicLongArray added;
        private int crew;
        private StressClock clock;
        private Function<Runnable, Thread> starter;

        Run(final KmapOptions options, final Path path) {
            this.path = path;
            force = options.force();
            world = new KmapWorld(options.withWaitNanos(50_000_000));
            kmap = world.kmap;
            high = kmap.openHigh(path, (long)HIGH * PAGE);
            final long[] low = world.frames(LOW);
            for (int i = 0; i < frames.length; i++) {
                frames[i] = i < LOW ? low[i] : high.frame(i - LOW);
                kmap.zeroFrame(frames[i]);
            }
        }

        private boolean isCovered() {
            return locals.get() > 1000 && shareds.get() > 1000 && wouldWait.get() > 0 && exhausted.get() > 0 && interrupted.get() > 0
                && dead.get() > 5 && flushed.get() > 0 && kmap.flushes() > 10 && kmap.cacheCounts().of(CacheEvent.READ) > 10 * HIGH
                && kmap.cacheCounts().of(CacheEvent.FRAME_WAIT) > 0;
        }

        void go(final int threads, final long leastMillis, final Function<Runnable, Thread> how) throws Exception {
            crew = threads;
            starter = how;
            added = new AtomicLongArray(crew * frames.length);
            clock = new StressClock(leastMillis, this::isCovered);
            final List<FutureTask<Void>> tasks = new ArrayList<>();
            final List<Thread> started = new ArrayList<>();
            for (int i = 0; i < crew; i++) {
                final int index = i;
                final FutureTask<Void> task = new FutureTask<>(() -> work(index));
                tasks.add(task);
                started.add(starter.apply(task));
            }
            final Random random = new Random();
            while (clock.running()) {
                started.get(random.nextInt(crew)).interrupt();
                Thread.sleep(1);
            }
            for (final FutureTask<Void> task : tasks) {
                SmallMemory.join(task);
            }
            for (final FutureTask<Void> task : last) {
                SmallMemory.join(task);
            }
            finish();
        }

        private Void work(final int me) throws Exception {
            final Random random = new Random();
            try {
                while (clock.running()) {
                    final int what = random.nextInt(1000);
                    if (what < 3) {
                        dieWithMapsOpen(me, random);
                    } else if (what < 500) {
                        nest(me, random, 1 + random.nextInt(4));
                    } else if (what < 995) {
                        share(me, random, 1 + random.nextInt(2));
                    } else {
                        flushed.addAndGet(kmap.flushUnused());
                    }
                    if (Thread.interrupted()) {
                        interrupted.incrementAndGet();
                    }
                }
            } catch (final Exception | Error e) {
                clock.stop();
                throw e;
            }
            return null;
        }

        private void add(final int me, final int page, final long address) {
            world.memory.access().getAndAddLong(address + 8L * me, 1);
            added.incrementAndGet(page * crew + me);
        }

        private void nest(final int me, final Random random, final int depth) {
            if (depth == 0) {
                return;
            }
            final int page = random.nextInt(frames.length);
            final long address;
            try {
                address = kmap.kmapLocal(frames[page]);
            } catch (final WouldWaitException e) {
                wouldWait.incrementAndGet();
                return;
            } catch (final ExhaustedException e) {
                exhausted.incrementAndGet();
                return;
            }
            final long before = world.get(address + 8L * me);
            add(me, page, address);
            if (random.nextInt(200) == 0) {
                // Off the processor, or the carrier, with maps open.
                Thread.yield();
            }
            nest(me, random, depth - 1);
            assertTrue(world.get(address + 8L * me) > before, "another page is there");
            kmap.kunmapLocal(address);
            locals.incrementAndGet();
        }

        private void share(final int me, final Random random, final int depth) {
            if (depth == 0) {
                return;
            }
            final int page = random.nextInt(frames.length);
            final long address;
            try {
                final long there = random.nextInt(3) == 0 ? kmap.kmapIfMapped(frames[page]) : Kmap.NOT_MAPPED;
                address = there != Kmap.NOT_MAPPED ? there : kmap.kmap(frames[page], random.nextInt(4) == 0 ? 0 : TIMEOUT_NANOS);
            } catch (final ExhaustedException e) {
                exhausted.incrementAndGet();
                return;
            } catch (final InterruptedException e) {
                interrupted.incrementAndGet();
                return;
            }
            add(me, page, address);
            if (random.nextInt(200) == 0) {
                Thread.yield();
            }
            share(me, random, depth - 1);
            assertEquals(address, requireSame(page), "two addresses of one frame");
            add(me, page, address);
            kmap.kunmap(address);
            shareds.incrementAndGet();
        }

        /** Of a page that the caller has mapped for stores: without the lock it may be overlooked while others move slots. */
        private long requireSame(final int page) {
            long address = kmap.kmapIfMapped(frames[page]);
            while (address == Kmap.NOT_MAPPED) {
                address = kmap.kmapIfMapped(frames[page]);
            }
            kmap.kunmap(address);
            return address;
        }

        /** By a thread that takes this one's place meanwhile, so that the word still has one writer. */
        private void dieWithMapsOpen(final int me, final Random random) throws Exception {
            final FutureTask<Void> task = new FutureTask<>(() -> {
                int open = 0;
                try {
                    for (; open < 3; open++) {
                        final int page = random.nextInt(frames.length);
                        add(me, page, kmap.kmapLocal(frames[page]));
                    }
                } catch (final WouldWaitException | ExhaustedException e) {
                    // As many as there are.
                }
                if (open > 0) {
                    dead.incrementAndGet();
                }
                return null;
            });
            final Thread thread = starter.apply(task);
            last.add(task);
            boolean again = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (final InterruptedException e) {
                    again = true;
                }
            }
            if (again) {
                Thread.currentThread().interrupt();
            }
        }

        private void finish() {
            clock.assertCovered(() -> "locals=" + locals + " shareds=" + shareds + " wouldWait=" + wouldWait + " exhausted=" + exhausted + " interrupted="
                + interrupted + " dead=" + dead + " flushed=" + flushed + " flushes=" + kmap.flushes() + " reads="
                + kmap.cacheCounts().of(CacheEvent.READ) + " waits=" + kmap.cacheCounts().of(CacheEvent.FRAME_WAIT));
            world.requireQuiet();
            final long reported = world.ear.heard.stream().filter(line -> line.startsWith("mapsLeftOpen")).count();
            assertEquals(dead.get(), reported, "threads that died with maps open, and those reported");
            for (int page = 0; page < LOW; page++) {
                final long address = kmap.kmapLocalReadOnly(frames[page]);
                for (int me = 0; me < crew; me++) {
                    assertEquals(added.get(page * crew + me), world.get(address + 8L * me), "page=" + page);
                }
                kmap.kunmapLocal(address);
            }
            // Refuses if a pin were left.
            high.close();
            for (int page = LOW; page < frames.length; page++) {
                for (int me = 0; me < crew; me++) {
                    assertEquals(added.get(page * crew + me), KmapWorld.plain(path, (long)(page - LOW) * PAGE + 8L * me), "page=" + page);
                }
            }
            assertEquals(0, kmap.flushUnused() * (force ? 0 : 1), "unused slots of a closed file");
            world.requireQuiet();
            world.close();
        }
    }
}
