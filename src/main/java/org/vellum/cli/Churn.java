package org.vellum.cli;

import java.util.SplittableRandom;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.VmapBuffer;

/**
 * What happens beside the loading: frames mapped and unmapped, areas allocated and freed, without end. Each page is stamped when it
 * is mapped and looked at again before it goes, so that memory which is given to two owners shows.
 */
final class Churn {
    /** Frames that one thread may hold at a time, limbo left out. */
    static final int MAX_PAGES = 256;

    private static final int AREAS = 8;
    private static final int AREA_PAGES = 16;
    private static final int FRAMES = 64;

    long operations;
    long errors;
    final long[] areas = new long[AREAS];

    private final Vellum memory;
    private final VmapBuffer view;
    private final SplittableRandom random;
    private final long[] frames;
    private final int[] pages = new int[AREAS];
    private final long[] stamps = new long[AREAS];

    Churn(final Vellum memory, final long seed) {
        this.memory = memory;
        view = memory.view();
        random = new SplittableRandom(seed);
        frames = ScatteredFrames.take(memory, FRAMES, seed);
    }

    /** Goes on until it is told to stop; {@code underWay} is called once it has done something. */
    void run(final Stop stop, final Runnable underWay) {
        try {
            step();
            operations++;
            underWay.run();
            while (!stop.requested()) {
                step();
                operations++;
            }
        } finally {
            freeAll();
        }
    }

    /** Looks at each area a last time and frees it. */
    void freeAll() {
        for (int i = 0; i < AREAS; i++) {
            free(i);
        }
    }

    /** Gives the frames back: by anyone, after the thread has ended. */
    void finish() {
        ScatteredFrames.give(memory, frames);
    }

    void step() {
        if (random.nextInt(4) != 0) {
            mapFrames();
            return;
        }
        final int i = random.nextInt(AREAS);
        free(i);
        pages[i] = 1 + random.nextInt(AREA_PAGES);
        try {
            areas[i] = memory.vmalloc((long)pages[i] << Pages.SHIFT);
        } catch (final ExhaustedException e) {
            // The loaders have it all just now: theirs goes first.
            return;
        }
        stamps[i] = random.nextLong();
        view.wrap(areas[i], pages[i] << Pages.SHIFT);
        stamp(stamps[i]);
    }

    private void mapFrames() {
        final int count = 1 + random.nextInt(FRAMES);
        final int offset = random.nextInt(FRAMES - count + 1);
        final long stamp = random.nextLong();
        final Cpu cpu = memory.enter();
        try {
            final long address = memory.vmMapRam(frames, offset, count);
            view.wrap(address, count << Pages.SHIFT);
            stamp(stamp);
            expect(stamp);
            memory.vmUnmapRam(address, count);
        } catch (final ExhaustedException e) {
            // No addresses inside this section; the next one may find some.
            operations--;
        } finally {
            cpu.exit();
        }
    }

    private void free(final int i) {
        if (areas[i] != 0) {
            view.wrap(areas[i], pages[i] << Pages.SHIFT);
            expect(stamps[i]);
            memory.vfree(areas[i]);
            areas[i] = 0;
        }
    }

    private void stamp(final long stamp) {
        for (int index = 0; index < view.capacity(); index += Pages.SIZE) {
            view.putLong(index, stamp + index);
            view.putLong(index + Pages.SIZE - Long.BYTES, stamp - index);
        }
    }

    private void expect(final long stamp) {
        for (int index = 0; index < view.capacity(); index += Pages.SIZE) {
            if (view.getLong(index) != stamp + index
                || view.getLong(index + Pages.SIZE - Long.BYTES) != stamp - index) {
                errors++;
            }
        }
    }
}
