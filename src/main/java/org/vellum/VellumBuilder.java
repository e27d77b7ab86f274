package org.vellum;

import java.nio.file.Path;
import java.util.Objects;
import org.vellum.alloc.AllocatorOptions;
import org.vellum.cpu.CpuOptions;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.NativeAccess;
import org.vellum.report.Listener;
import org.vellum.vmap.FlushPolicy;
import org.vellum.vmap.VmapOptions;

/** Options of a {@link Vellum}; each has a default that suits this machine. Not for several threads at once. */
public final class VellumBuilder {
    private long memoryBytes = 1L << 30;
    private long bankBytes;
    private long windowBytes;
    private long lazyMaxPages = -1;
    private long graceNanos = -1;
    private long stallNanos = 10_000_000_000L;
    private FlushPolicy policy = FlushPolicy.LAZY;
    private Listener listener = Listener.SILENT;
    private CpuOptions cpuOptions = CpuOptions.forThisMachine();
    private boolean worker = true;
    private boolean rangeCaches = true;
    private AllocatorOptions allocatorOptions = AllocatorOptions.DEFAULT;

    VellumBuilder() {
    }

    /**
     * @param bytes the most memory to use; banks are added on demand up to it. Default 1 GiB.
     * @return this.
     */
    public VellumBuilder memory(final long bytes) {
        memoryBytes = bytes;
        return this;
    }

    /**
     * @param bytes of one bank, a power of two from 64 KiB to 1 GiB. Default 64 MiB, less for a small memory.
     * @return this.
     */
    public VellumBuilder bank(final long bytes) {
        bankBytes = bytes;
        return this;
    }

    /**
     * @param bytes of addresses of the vmap window, a multiple of 4 MiB. Default four times the memory, at least 64 GiB.
     * @return this.
     */
    public VellumBuilder window(final long bytes) {
        windowBytes = bytes;
        return this;
    }

    /**
     * @param pages unmapped pages of the window above which a drain is asked for. Default as the kernel's.
     * @return this.
     */
    public VellumBuilder lazyMaxPages(final long pages) {
        lazyMaxPages = pages;
        return this;
    }

    /**
     * @param nanos the longest wait for a grace period when something has run out, in nanoseconds. Default one second.
     * @return this.
     */
    public VellumBuilder graceNanos(final long nanos) {
        graceNanos = nanos;
        return this;
    }

    /**
     * @param nanos how long a section may hold up others before it is reported, in nanoseconds. Default ten seconds.
     * @return this.
     */
    public VellumBuilder stallNanos(final long nanos) {
        stallNanos = nanos;
        return this;
    }

    /**
     * @param flushPolicy {@link FlushPolicy#LAZY} (default), or the eager baseline.
     * @return this.
     */
    public VellumBuilder flushPolicy(final FlushPolicy flushPolicy) {
        policy = Objects.requireNonNull(flushPolicy, "flushPolicy");
        return this;
    }

    /**
     * @param reports hears of problems, on the worker's thread if there is a worker. Default: nobody.
     * @return this.
     */
    public VellumBuilder listener(final Listener reports) {
        listener = Objects.requireNonNull(reports, "listener");
        return this;
    }

    /**
     * @param options slots and their limits.
     * @return this.
     */
    public VellumBuilder cpus(final CpuOptions options) {
        cpuOptions = Objects.requireNonNull(options, "cpus");
        return this;
    }

    /**
     * @param wanted whether a daemon thread drains limbo and delivers reports (default); else the next allocation drains, and
     *               whoever meets a problem reports it: deterministic, for tests.
     * @return this.
     */
    public VellumBuilder worker(final boolean wanted) {
        worker = wanted;
        return this;
    }

    /**
     * @param wanted whether slots keep ranges of addresses that came back from limbo, for the next request of the same size
     *               (default); else every request gets the lowest address that fits.
     * @return this.
     */
    public VellumBuilder rangeCaches(final boolean wanted) {
        rangeCaches = wanted;
        return this;
    }

    /**
     * @param wanted whether the allocator looks for mistakes that cost something to find: writes out of bounds, writes after the free, and
     *               where what was never freed was allocated. Default: only for those that cost nothing.
     * @return this.
     */
    public VellumBuilder checked(final boolean wanted) {
        allocatorOptions = allocatorOptions.withChecked(wanted);
        return this;
    }

    /**
     * Has every allocation and free of the allocator recorded, for {@code replay} of the command line tool. Each costs a little
     * more then, and waits if the file is slower. An I/O error ends the recording, not the allocations, and goes to the
     * listener.
     *
     * @param file is created, or emptied, when the memory is opened; complete once it is closed.
     * @return this.
     */
    public VellumBuilder recordTrace(final Path file) {
        allocatorOptions = allocatorOptions.withTrace(Objects.requireNonNull(file, "trace"));
        return this;
    }

    /**
     * Opens the memory. No bank exists yet: the first allocation adds it.
     *
     * @return the memory, to be closed.
     * @throws IllegalArgumentException if an option is out of range.
     * @throws IllegalStateException if the JVM lacks the flag that Agrona needs; the text contains it.
     * @throws java.io.UncheckedIOException if a trace is to be recorded and its file cannot be written.
     */
    public Vellum open() {
        NativeAccess.require();
        FirstUse.ensure();
        final FrameOptions frameOptions =
            bankBytes == 0 ? FrameOptions.of(memoryBytes) : new FrameOptions(memoryBytes, bankBytes);
        return new Vellum(new Parts(cpuOptions, frameOptions, vmapOptions(frameOptions), allocatorOptions,
            listener, stallNanos, worker));
    }

    private VmapOptions vmapOptions(final FrameOptions frameOptions) {
        VmapOptions options = VmapOptions.of(frameOptions.memoryBytes()).withPolicy(policy).withRangeCaches(rangeCaches);
        if (windowBytes != 0) {
            if (windowBytes % ((long)VmapOptions.BLOCK_PAGES << 12) != 0) {
                throw new IllegalArgumentException("window=" + windowBytes);
            }
            options = options.withWindowPages(windowBytes >>> 12);
        }
        if (lazyMaxPages >= 0) {
            options = options.withLazyMaxPages(lazyMaxPages);
        }
        return graceNanos >= 0 ? options.withGraceNanos(graceNanos) : options;
    }
}
