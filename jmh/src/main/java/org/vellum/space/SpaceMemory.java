package org.vellum.space;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.vellum.LazyMemory;
import org.vellum.VellumBuilder;

/** One memory with one address space for all threads of a trial; both are verified afterwards. */
@State(Scope.Benchmark)
public class SpaceMemory extends LazyMemory {
    private static final long BYTES = 1L << 30;
    private static final long SPACE_BYTES = 64L << 30;

    /** The space, open while benchmarks run. */
    public AddressSpace space;
    private SpaceFile file;
    private Path path;

    /** @return how the space takes ranges away; subclasses change it. */
    protected UnmapPolicy policy() {
        return UnmapPolicy.PREEMPTIBLE;
    }

    /** @return bytes of memory. */
    protected long memoryBytes() {
        return BYTES;
    }

    @Override
    protected VellumBuilder builder() {
        return super.builder().memory(memoryBytes());
    }

    /** Makes the space. */
    @Setup(Level.Trial)
    public void create() {
        space = vellum.spaces().create(SpaceOptions.of(SPACE_BYTES).withPolicy(policy()));
    }

    /** Lets frames that were unmapped be free for those who fault next, as far as sections of others allow. */
    final void settle() {
        vellum.synchronize();
        vellum.spaces().poll();
    }

    /** A file whose pages are in memory, made by whoever asks first. */
    final synchronized SpaceFile file(final long bytes) {
        if (file == null) {
            try {
                path = Files.createTempFile("vellum-fault", ".data");
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
            file = vellum.spaces().openFile(path, bytes);
            file.readAhead(0, file.pages());
        }
        return file;
    }

    @Override
    protected void finish() {
        space.verify();
        space.close();
        closeFile();
    }

    private synchronized void closeFile() {
        if (file != null) {
            file.close();
            file = null;
            try {
                Files.delete(path);
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
