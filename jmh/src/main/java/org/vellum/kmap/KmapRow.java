package org.vellum.kmap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.vellum.LazyMemory;
import org.vellum.OwnedFrames;
import org.vellum.VellumBuilder;
import org.vellum.mem.Pages;

/** One memory, and how frames are mapped in it. */
@State(Scope.Benchmark)
public abstract class KmapRow extends LazyMemory {
    /** Of a sparse file: far more than the window, and than memory. */
    private static final long HIGH_BYTES = 64L << 30;

    /** Of the high rows, else null. */
    HighMemory high;
    /** Of the baselines, else null. */
    AtomicKmap baseline;
    private Path file;
    private final List<KmapLoop> loops = new ArrayList<>();

    /** @return which row of {@link KmapBenchmark} this is. */
    abstract String policy();

    /** @return bytes of the shared window, of all rows that have one. */
    long windowBytes() {
        return KmapOptions.DEFAULT.windowBytes();
    }

    @Override
    protected VellumBuilder builder() {
        final KmapOptions options = KmapOptions.DEFAULT.withWindowBytes(windowBytes());
        return super.builder().kmap(switch (policy()) {
            case "shared", "forced-local" -> options.withForce(true);
            case "direct", "directCpu" -> options.withDirect(true);
            default -> options;
        });
    }

    /** @throws IOException if there is no place for a temporary file. */
    @Setup(Level.Trial)
    public void prepare() throws IOException {
        switch (policy()) {
            case "high-local", "high-shared" -> {
                file = Files.createTempFile("vellum-kmap", ".high");
                high = vellum.kmap().openHigh(file, HIGH_BYTES);
            }
            case "fixed" -> baseline = new TypedSlots(vellum);
            case "global-lock" -> baseline = new GlobalLockKmap(vellum, (int)(windowBytes() >>> Pages.SHIFT));
            default -> baseline = null;
        }
    }

    /** The work of a thread, to be verified at the end. */
    synchronized KmapLoop loop(final int thread, final int count, final int depth) {
        final KmapLoop loop = new KmapLoop(this, frames(thread, count), depth);
        loops.add(loop);
        return loop;
    }

    @Override
    protected synchronized void finish() throws IOException {
        loops.forEach(KmapLoop::verify);
        if (file != null) {
            high.close();
            Files.delete(file);
        }
    }

    /** Frames of a thread: high ones far apart, so that the file stays sparse. */
    private long[] frames(final int thread, final int count) {
        final long[] frames = high == null ? new OwnedFrames(vellum, count).numbers : new long[count];
        if (high != null) {
            final long stride = high.frames() / count;
            for (int i = 0; i < count; i++) {
                frames[i] = high.frame(i * stride + thread);
            }
            high.prefetch(frames);
        }
        return frames;
    }

    /** How often the window of the row was flushed. */
    long flushes() {
        return baseline instanceof GlobalLockKmap old ? old.flushes() : vellum.kmap().flushes();
    }
}
