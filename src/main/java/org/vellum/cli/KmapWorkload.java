package org.vellum.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.kmap.HighMemory;
import org.vellum.kmap.KmapOptions;
import org.vellum.mem.Pages;

/**
 * Map, touch and unmap of single pages, so many of them nested; see {@link KmapHammer}.
 *
 * <p>{@code shared} maps the pages of memory by the window, as the kernel maps those it has no addresses for: with more pages than slots,
 * so that the window wraps. Both high policies use one memory and one file, each thread pages of its own, all of which the cache holds.
 */
final class KmapWorkload extends Workload<KmapHammer> {
    private static final String HIGH = "high";
    private static final int WINDOW_PAGES = 128;
    private static final long MOST_PAGES = KmapOptions.MAX_WINDOW_BYTES >>> Pages.SHIFT;

    private final int depth;
    private final int maxThreads;
    private final Path file;
    private HighMemory high;
    private KmapHammer.FixedPlaces places;

    /** The file is new, or was used by such a workload before. */
    KmapWorkload(final int depth, final int maxThreads, final Path file) {
        super("kmap " + depth, List.of("touch", "local", "localCpu", "fixed", "shared", "high-local", "high-shared"));
        this.depth = depth;
        this.maxThreads = maxThreads;
        this.file = file;
    }

    /** Pages of the high policies. */
    private static long highPages(final int threads) {
        return 2L * threads * KmapHammer.FRAMES;
    }

    /** Refuses a memory that the pages of so many threads would fill by more than half, and more threads than there are windows for. */
    static void checkRoom(final long memoryBytes, final int threads) {
        if (highPages(threads) > MOST_PAGES) {
            throw new BadInput("--threads is too much for the kmap window: at most " + MOST_PAGES / highPages(1));
        }
        if (highPages(threads) << Pages.SHIFT > memoryBytes / 2) {
            throw new BadInput("--memory is too small for the pages of " + threads + " threads: at least "
                + (highPages(threads) << Pages.SHIFT + 1 >> 20) + "m are needed");
        }
    }

    @Override
    VellumBuilder builder(final String policy) {
        final KmapOptions options = KmapOptions.DEFAULT;
        return super.builder(policy).kmap(switch (policy) {
            // Twice what all threads hold at a time: nobody waits for a slot.
            case "shared" -> options.withForce(true).withWindowBytes(Math.max(WINDOW_PAGES, 2L * maxThreads * depth) << Pages.SHIFT);
            case "high-local", "high-shared" -> options.withWindowBytes(highPages(maxThreads) << Pages.SHIFT);
            default -> options;
        });
    }

    @Override
    String memoryName(final String policy) {
        return policy.startsWith(HIGH) ? HIGH : policy;
    }

    @Override
    KmapHammer hammer(final String policy, final Vellum memory, final int thread) {
        if (policy.startsWith(HIGH)) {
            return highHammer(policy, memory, thread);
        }
        if (policy.equals("fixed") && places == null) {
            places = new KmapHammer.FixedPlaces(memory);
        }
        return KmapHammer.of(policy, memory, ScatteredFrames.take(memory, KmapHammer.FRAMES, thread), depth, places);
    }

    private KmapHammer highHammer(final String policy, final Vellum memory, final int thread) {
        if (high == null) {
            high = memory.kmap().openHigh(file, highPages(maxThreads) << Pages.SHIFT);
        }
        final int place = 2 * thread + (policy.equals("high-local") ? 0 : 1);
        final long[] frames = new long[KmapHammer.FRAMES];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = high.frame((long)place * frames.length + i);
        }
        high.prefetch(frames);
        return KmapHammer.of(policy, memory, frames, depth, null);
    }

    @Override
    boolean finish(final KmapHammer hammer) {
        return hammer.finish();
    }

    /** What was touched in high memory must be in the file, for whoever reads it without us. */
    @Override
    boolean finishMemory(final String memory) {
        if (!memory.equals(HIGH)) {
            return true;
        }
        high.close();
        boolean held = true;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (final String policy : policies()) {
                for (final KmapHammer hammer : crew(policy, maxThreads)) {
                    held &= !memoryName(policy).equals(HIGH) || hammer.isIn(channel, high.frame(0));
                }
            }
        } catch (final IOException e) {
            throw new UncheckedIOException("cannot be read: " + file, e);
        }
        return held;
    }

    @Override
    String complaint() {
        return "a page does not hold the number of its touches";
    }

    /** Flushes of the window. */
    @Override
    double figure(final List<KmapHammer> crew) {
        return crew.get(0).flushes();
    }
}
