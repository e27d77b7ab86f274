package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;

/** One writer, readers without a lock: what was there all the time is always found, and nothing that never was. */
class AreaIndexStressTest {
    private static final long START = 4096;
    private static final int PAGES = 3 * 8192;

    /** Every page divisible by this is a start during the whole run; the writer flickers the others. */
    private static final int FIXED = 1021;

    private final AreaIndex index = new AreaIndex(START, START + PAGES, DirtyWords::reserve);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicLong lookups = new AtomicLong();
    private final AtomicLong flickersSeen = new AtomicLong();
    private final StressClock clock = new StressClock(1_500, () -> lookups.get() > 0 && flickersSeen.get() > 0);
    private volatile boolean done;

    @Test
    void readersNeverMissWhatStaysAndNeverSeeWhatNeverWas() throws InterruptedException {
        final long firstFixed = (START + FIXED - 1) / FIXED * FIXED;
        for (long page = firstFixed; page < START + PAGES; page += FIXED) {
            index.put(page, idOf(page));
        }
        final Thread[] readers = new Thread[2];
        for (int i = 0; i < readers.length; i++) {
            final int seed = i;
            readers[i] = new Thread(() -> guarded(() -> read(new SplittableRandom(seed))));
            readers[i].start();
        }
        guarded(this::write);
        done = true;
        for (final Thread reader : readers) {
            reader.join();
        }
        assertNull(failure.get(), () -> String.valueOf(failure.get()));
        clock.assertCovered(() -> "lookups=" + lookups + " flickersSeen=" + flickersSeen);
        index.verify();
    }

    private void write() {
        final SplittableRandom random = new SplittableRandom(99);
        while (clock.running() && failure.get() == null) {
            // Whole words and summary words become empty and fill again: a narrow place, wiped and refilled.
            final long from = START + random.nextInt(PAGES - 300);
            for (long page = from; page < from + 300; page += 1 + random.nextInt(40)) {
                if (page % FIXED != 0 && index.idAt(page) == AreaIndex.NO_ID) {
                    index.put(page, idOf(page));
                }
            }
            for (long page = index.ceiling(from); page >= 0 && page < from + 300; page = index.next(page)) {
                if (page % FIXED != 0) {
                    index.remove(page);
                }
            }
        }
    }

    private void read(final SplittableRandom random) {
        while (!done) {
            final long page = START + random.nextInt(PAGES);
            final long below = index.floor(page);
            final long above = index.ceiling(page);
            final long fixedBelow = page / FIXED * FIXED;
            final long fixedAbove = (page + FIXED - 1) / FIXED * FIXED;
            require(below <= page && (fixedBelow < START || below >= fixedBelow), "floor", page, below);
            require(above == AreaIndex.NONE ? fixedAbove >= START + PAGES : above >= page && above <= fixedAbove,
                "ceiling", page, above);
            check(below);
            check(above);
            lookups.incrementAndGet();
        }
    }

    private void check(final long page) {
        if (page == AreaIndex.NONE) {
            return;
        }
        require(page >= START && page < START + PAGES, "range", page, page);
        final int id = index.idAt(page);
        require(id == idOf(page) || id == AreaIndex.NO_ID && page % FIXED != 0, "id", page, id);
        if (page % FIXED != 0) {
            flickersSeen.incrementAndGet();
        }
    }

    private static int idOf(final long page) {
        return (int)page * 0x9E37_79B1 | 1;
    }

    private static void require(final boolean holds, final String what, final long page, final long got) {
        if (!holds) {
            throw new AssertionError(what + ": page=" + page + " got=" + got);
        }
    }

    private void guarded(final Runnable work) {
        try {
            work.run();
        } catch (final Throwable e) {
            failure.compareAndSet(null, e);
        }
    }
}
