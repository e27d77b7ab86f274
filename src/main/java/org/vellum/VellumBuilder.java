package org.vellum;

import java.nio.file.Path;
import java.util.Objects;
import org.vellum.alloc.AllocatorOptions;
import org.vellum.cpu.CpuOptions;
import org.vellum.frame.FrameOptions;
import org.vellum.kmap.KmapOptions;
import org.vellum.mem.NativeAccess;
import org.vellum.mem.Pages;
import org.vellum.observe.Management;
import org.vellum.percpu.PercpuOptions;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.Listener;
import org.vellum.vmap.FlushPolicy;
import org.vellum.vmap.VmapOptions;

/** Options of a {@link Vellum}; each has a default that suits this machine. Not for several threads at once. */
public final class VellumBuilder {
    private static final long WINDOW_STEP_BYTES = (long)VmapOptions.BLOCK_PAGES << Pages.SHIFT;
    private static final long MAX_WINDOW_BYTES = VmapOptions.MAX_WINDOW_PAGES << Pages.SHIFT;

    private long memoryBytes = 1L << 30;
    /** 0, here and below: not set. */
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
    /** Null: not wanted. */
    private String jmxName;
    private KmapOptions kmapOptions = KmapOptions.DEFAULT;
    private PercpuOptions percpuOptions = PercpuOptions.DEFAULT;
    private AllocatorOptions allocatorOptions = AllocatorOptions.DEFAULT;

    VellumBuilder() {
    }

    /**
     * @param bytes the most memory to use: a multiple of 4,096, at most 32 TiB, rounded up to whole banks, which are added on
     *              demand. Tables take up to 3.2 % of it in addresses at once, in memory as it comes into use. Default 1 GiB.
     * @return this.
     * @throws IllegalArgumentException if it is not.
     */
    public VellumBuilder memory(final long bytes) {
        if (bytes <= 0 || bytes > FrameOptions.MAX_MEMORY_BYTES || bytes % Pages.SIZE != 0) {
            throw refused("a multiple of " + Pages.SIZE + " up to " + FrameOptions.MAX_MEMORY_BYTES, "memory", bytes);
        }
        memoryBytes = bytes;
        return this;
    }

    /**
     * @param bytes of one bank, a power of two from 64 KiB to 1 GiB. Default 64 MiB; for a memory of up to 32 MiB the power of two that
     *              holds it.
     * @return this.
     * @throws IllegalArgumentException if it is not.
     */
    public VellumBuilder bank(final long bytes) {
        if (Long.bitCount(bytes) != 1 || bytes < FrameOptions.MIN_BANK_BYTES || bytes > FrameOptions.MAX_BANK_BYTES) {
            throw refused("a power of two from " + FrameOptions.MIN_BANK_BYTES + " to " + FrameOptions.MAX_BANK_BYTES, "bank", bytes);
        }
        bankBytes = bytes;
        return this;
    }

    /**
     * @param bytes of addresses of the vmap window, a multiple of 4 MiB, at most 128 TiB. Default four times the memory, at least 64 GiB.
     * @return this.
     * @throws IllegalArgumentException if it is not.
     */
    public VellumBuilder window(final long bytes) {
        if (bytes <= 0 || bytes > MAX_WINDOW_BYTES || bytes % WINDOW_STEP_BYTES != 0) {
            throw refused("a multiple of " + WINDOW_STEP_BYTES + " up to " + MAX_WINDOW_BYTES, "window", bytes);
        }
        windowBytes = bytes;
        return this;
    }

    /**
     * @param pages unmapped pages of the window above which a drain is asked for, at least 0. Default as the kernel's.
     * @return this.
     * @throws IllegalArgumentException if it is not.
     */
    public VellumBuilder lazyMaxPages(final long pages) {
        if (pages < 0) {
            throw refused("at least 0", "lazyMaxPages", pages);
        }
        lazyMaxPages = pages;
        return this;
    }

    /**
     * @param nanos the longest wait for a grace period when something has run out, in nanoseconds, at least 0. Default one second.
     * @return this.
     * @throws IllegalArgumentException if it is not.
     */
    public VellumBuilder graceNanos(final long nanos) {
        if (nanos < 0) {
            throw refused("at least 0", "graceNanos", nanos);
        }
        graceNanos = nanos;
        return this;
    }

    /**
     * @param nanos how long a section may hold up others before it is reported, in nanoseconds, at least 1. Default ten seconds.
     * @return this.
     * @throws IllegalArgumentException if it is not.
     */
    public VellumBuilder stallNanos(final long nanos) {
        if (nanos < 1) {
            throw refused("at least 1", "stallNanos", nanos);
        }
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
     * @param options how frames are mapped by {@link Vellum#kmap}.
     * @return this.
     */
    public VellumBuilder kmap(final KmapOptions options) {
        kmapOptions = Objects.requireNonNull(options, "kmap");
        return this;
    }

    /**
     * @param options the shape of {@link Vellum#percpu}.
     * @return this.
     */
    public VellumBuilder percpu(final PercpuOptions options) {
        percpuOptions = Objects.requireNonNull(options, "percpu");
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
     * Has the memory registered at the platform's MBean server, as {@code org.vellum:type=Memory,name=...}, until it is closed: see
     * {@link org.vellum.observe.VellumMXBean}. Default: it is not.
     *
     * @param name not blank, and of no other memory that is open then.
     * @return this.
     * @throws IllegalArgumentException if it is blank.
     */
    public VellumBuilder jmx(final String name) {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException("not a name: jmx=" + name);
        }
        jmxName = name;
        return this;
    }

    /**
     * Opens the memory. No bank exists yet: the first allocation adds it.
     *
     * @return the memory, to be closed.
     * @throws IllegalArgumentException if memory and bank make more than 1,048,576 banks.
     * @throws ExhaustedException if the tables for so much memory, or so large a window, cannot be had.
     * @throws IllegalStateException if the JVM lacks the flag that Agrona needs; the text contains it. If the name for JMX is in use, or
     *                               the JVM has no JMX.
     * @throws java.io.UncheckedIOException if a trace is to be recorded and its file cannot be written.
     */
    public Vellum open() {
        NativeAccess.require();
        FirstUse.ensure();
        final FrameOptions frameOptions =
            bankBytes == 0 ? FrameOptions.of(memoryBytes) : new FrameOptions(memoryBytes, bankBytes);
        final VmapOptions vmapOptions = vmapOptions(frameOptions);
        try {
            return opened(new Parts(cpuOptions, frameOptions, vmapOptions, allocatorOptions, kmapOptions, percpuOptions, listener,
                stallNanos, worker));
        } catch (final OutOfMemoryError e) {
            // Of the native tables, nearly always: what there is of them goes with the collector.
            final ExhaustedException refused = new ExhaustedException(Resource.METADATA, "no room for the tables of memory="
                + frameOptions.memoryBytes() + " window=" + (vmapOptions.windowPages() << Pages.SHIFT)
                + ", choose less of one of them: " + e.getMessage());
            refused.initCause(e);
            throw refused;
        }
    }

    private Vellum opened(final Parts parts) {
        final Vellum memory = new Vellum(parts);
        if (jmxName != null) {
            try {
                parts.beforeClose(Management.register(jmxName, memory::stats, memory::trim, memory::report));
            } catch (final RuntimeException e) {
                memory.close();
                throw e;
            }
        }
        return memory;
    }

    private static IllegalArgumentException refused(final String range, final String name, final long value) {
        return new IllegalArgumentException("not " + range + ": " + name + "=" + value);
    }

    private VmapOptions vmapOptions(final FrameOptions frameOptions) {
        VmapOptions options = VmapOptions.of(frameOptions.memoryBytes()).withPolicy(policy).withRangeCaches(rangeCaches);
        if (windowBytes != 0) {
            options = options.withWindowPages(windowBytes >>> Pages.SHIFT);
        }
        if (lazyMaxPages >= 0) {
            options = options.withLazyMaxPages(lazyMaxPages);
        }
        return graceNanos >= 0 ? options.withGraceNanos(graceNanos) : options;
    }
}
