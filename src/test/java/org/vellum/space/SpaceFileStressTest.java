package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;
import org.vellum.file.FakeIo;
import org.vellum.gather.GatherMode;
import org.vellum.report.ExhaustedException;

/**
 * Threads store to shared mappings of one file, each to words of its own, each in a space of its own that it maps and unmaps; others sync, and
 * memory is short, so that pages are dropped and read again. No store is lost: what its thread reads back is what it has stored, what was
 * stored before a sync is in the file after it, and nobody ever sees a word go back.
 */
@Tag("stress")
final class SpaceFileStressTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 96;
    private static final int WRITERS = 3;
    private static final int FIRST = 16;

    private final long seed = System.nanoTime();
    private final FakeIo io = new FakeIo(PAGES * PAGE);
    private final AtomicLongArray stored = new AtomicLongArray(PAGES * WRITERS);
    private final AtomicLong stores = new AtomicLong();
    private final AtomicLong syncs = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong remaps = new AtomicLong();
    private BackingWorld world;
    private SpaceFile file;
    private StressClock clock;

    private void open(final int frames) {
        System.out.println("SpaceFileStressTest seed=" + seed);
        world = new BackingWorld(frames);
        file = world.files.open("fake", PAGES * PAGE, io);
    }

    /** Until there is memory: what others hold comes free when they unmap. */
    private void relieve(final BackingWorld.Space space) {
        world.gathers.settle();
        dropped.addAndGet(world.files.drop(8));
        world.frames.drainIdle();
        if (world.frames.freeFrames() < 4) {
            remap(space, GatherMode.WAIT);
        }
    }

    private void remap(final BackingWorld.Space space, final GatherMode mode) {
        space.unmap(FIRST, FIRST + PAGES, mode);
        space.mapShared(FIRST, FIRST + PAGES, file, 0);
        remaps.incrementAndGet();
    }

    private long access(final BackingWorld.Space space, final int page, final int word, final long value) {
        while (true) {
            try {
                if (value != 0) {
                    space.store(FIRST + page, word * 8, value);
                    return value;
                }
                return space.load(FIRST + page, word * 8);
            } catch (final ExhaustedException e) {
                relieve(space);
            }
        }
    }

    private void write(final int me) {
        final BackingWorld.Space space = world.new Space(256);
        final Random random = new Random(seed + me);
        final long[] mine = new long[PAGES];
        space.mapShared(FIRST, FIRST + PAGES, file, 0);
        while (clock.running()) {
            final int page = random.nextInt(PAGES);
            assertEquals(mine[page], access(space, page, me, 0), "page=" + page);
            mine[page]++;
            access(space, page, me, mine[page]);
            // Volatile: it is stored by now; partner: the look of the thread that syncs.
            stored.set(page * WRITERS + me, mine[page]);
            stores.incrementAndGet();
            if (random.nextInt(64) == 0) {
                remap(space, random.nextBoolean() ? GatherMode.WAIT : GatherMode.RETIRE);
            }
        }
        space.unmap(FIRST, FIRST + PAGES, GatherMode.WAIT);
        space.verify();
    }

    private void read() {
        final BackingWorld.Space space = world.new Space(256);
        final Random random = new Random(seed - 1);
        final long[] seen = new long[PAGES * WRITERS];
        space.mapShared(FIRST, FIRST + PAGES, file, 0);
        while (clock.running()) {
            final int at = random.nextInt(seen.length);
            final long now = access(space, at / WRITERS, at % WRITERS, 0);
            assertTrue(now >= seen[at], "page=" + at / WRITERS + " was " + seen[at] + " and is " + now);
            seen[at] = now;
            reads.incrementAndGet();
            if (random.nextInt(256) == 0) {
                remap(space, GatherMode.WAIT);
            }
        }
        space.unmap(FIRST, FIRST + PAGES, GatherMode.WAIT);
        space.verify();
    }

    private void sync() {
        final long[] before = new long[stored.length()];
        while (clock.running()) {
            for (int i = 0; i < before.length; i++) {
                before[i] = stored.get(i);
            }
            file.sync();
            for (int i = 0; i < before.length; i++) {
                final long written = io.getLong(i / WRITERS * PAGE + i % WRITERS * 8);
                assertTrue(written >= before[i], "page=" + i / WRITERS + " stored " + before[i] + " and written " + written);
            }
            syncs.incrementAndGet();
        }
    }

    private void run(final Method startVirtual, final boolean dropping) throws Exception {
        clock = new StressClock(1500, () -> stores.get() > 5_000 && syncs.get() > 50 && reads.get() > 1_000 && remaps.get() > 50
            && (!dropping || dropped.get() > 200));
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            final int me = i;
            tasks.add(task(() -> write(me)));
        }
        tasks.add(task(this::read));
        tasks.add(task(this::sync));
        for (final FutureTask<Void> task : tasks) {
            if (startVirtual == null) {
                new Thread(task, "stress").start();
            } else {
                startVirtual.invoke(null, task);
            }
        }
        for (final FutureTask<Void> task : tasks) {
            task.get(120, TimeUnit.SECONDS);
        }
        clock.assertCovered(() -> "stores=" + stores + " syncs=" + syncs + " reads=" + reads + " remaps=" + remaps + " dropped=" + dropped);
        file.close();
        for (int i = 0; i < stored.length(); i++) {
            assertEquals(stored.get(i), io.getLong(i / WRITERS * PAGE + i % WRITERS * 8), "page=" + i / WRITERS);
        }
        world.requireQuiet(0);
    }

    private FutureTask<Void> task(final Runnable body) {
        return new FutureTask<>(() -> {
            try {
                body.run();
            } finally {
                clock.stop();
            }
            return null;
        });
    }

    @Test
    void nothingIsLostWithMemoryEnough() throws Exception {
        open(512);
        run(null, false);
    }

    @Test
    void nothingIsLostWhenMemoryIsShort() throws Exception {
        open(64);
        run(null, true);
    }

    @Test
    void nothingIsLostInVirtualThreads() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        open(64);
        run(Thread.class.getMethod("startVirtualThread", Runnable.class), true);
    }
}
