package org.vellum.space;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Worker;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirements;
import org.vellum.frame.FrameAllocator;
import org.vellum.gather.Gathers;
import org.vellum.gather.TableFrames;
import org.vellum.lock.AllLocks;
import org.vellum.mem.Pages;
import org.vellum.mmu.ZeroFrame;
import org.vellum.report.Listener;

/**
 * The address spaces of one memory, and what they share: gathers, the zero frame, what happens when memory is short.
 *
 * <p>Thread safety: any thread.
 */
public final class Spaces {
    /** What may be in limbo, and in tables that wait for their grace period, before somebody waits: one part in so many of the memory. */
    private static final int LIMBO_SHARE = 16;
    private static final int TABLE_SHARE = 256;
    private static final long LEAST_TABLES = 16;
    /** What files give up when memory is short, at a time. */
    private static final long FILE_PAGES = 512;

    final Epochs epochs;
    final Cpus cpus;
    final FrameAllocator frames;
    final TableFrames tables;
    final Gathers gathers;
    final ZeroFrame zeroFrame;
    final LazilyFreed lazilyFreed;
    final SpaceFiles files;
    final Listener listener;
    final long graceNanos;
    /** Unmaps whose rest was handed to the worker. */
    final LongAdder handedOver = new LongAdder();
    /** Pins of pages of all spaces, those that have ended too. */
    final LongAdder pins = new LongAdder();
    final AllLocks allLocks;

    private final Worker worker;
    private final Relief relief;
    private final AtomicLong numbers = new AtomicLong();
    private final ConcurrentHashMap<Long, AddressSpace> open = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * @param epochs decides when a grace period has ended.
     * @param frames where pages and tables come from.
     * @param retirements for what has to outlive sections, and has no other place.
     * @param worker finishes what interrupted threads leave; null leaves it to whoever needs it done.
     * @param relief what else there is to be done when memory runs out.
     * @param graceNanos the longest wait for a grace period on exhaustion and at the end of a space, in nanoseconds.
     * @param listener hears of releases that throw.
     */
    public Spaces(
        final Epochs epochs, final FrameAllocator frames, final Retirements retirements, final Worker worker, final Relief relief,
        final long graceNanos, final Listener listener) {
        this.epochs = epochs;
        this.frames = frames;
        this.worker = worker;
        this.relief = relief;
        this.graceNanos = graceNanos;
        cpus = epochs.cpus();
        tables = new TableFrames(epochs, frames, Math.max(LEAST_TABLES, frames.configuredFrames() / TABLE_SHARE), listener);
        gathers = new Gathers(epochs, frames, tables, retirements, limboBytes(frames), listener);
        zeroFrame = new ZeroFrame(frames);
        lazilyFreed = new LazilyFreed(epochs);
        files = new SpaceFiles(epochs, frames);
        allLocks = new AllLocks(cpus);
        this.listener = listener;
    }

    private static long limboBytes(final FrameAllocator frames) {
        return (frames.configuredFrames() << Pages.SHIFT) / LIMBO_SHARE;
    }

    /**
     * Makes a space without regions.
     *
     * @param options its shape.
     * @return the space; whoever made it closes it.
     * @throws IllegalStateException if the memory is closed.
     */
    public AddressSpace create(final SpaceOptions options) {
        if (closed) {
            throw new IllegalStateException("the memory is closed");
        }
        final AddressSpace space = new AddressSpace(new MemoryDescriptor(this, numbers.incrementAndGet(), options));
        open.put(space.number(), space);
        // Looked at again: who closes the memory meanwhile has seen it, or is seen here.
        if (closed) {
            space.close();
            throw new IllegalStateException("the memory is closed");
        }
        return space;
    }

    /** A frame of a file was stored to by way of a pin. */
    void dirtied(final long mapper, final long frame) {
        files.dirtied(mapper, frame);
    }

    void forget(final AddressSpace space) {
        open.remove(space.number());
    }

    /** Asks the worker; false if there is none that would. */
    boolean request(final Runnable request) {
        return worker != null && worker.request(request);
    }

    /** One step against exhaustion: first what nobody needs, then what files have that nobody shows, then what others know. */
    long relieve(final long fight, final boolean mayWait) {
        final boolean hope = !lazilyFreed.isEmpty();
        final long dropped = lazilyFreed.drop() + (fight == Relief.BEGIN ? files.drop(FILE_PAGES) : 0);
        gathers.poll();
        if (mayWait && (hope || tables.inLimbo() > tables.mostInLimbo())) {
            epochs.awaitPassed(epochs.stamp(), graceNanos);
            gathers.poll();
        }
        final long next = relief.relieve(fight);
        return next == Relief.LOST && dropped > 0 ? fight : next;
    }

    /**
     * Opens a file, and makes it if it is not there; to be mapped by {@link MapOptions#file}. May block.
     *
     * @param path of a regular file, or of none.
     * @param bytes how much of it there is to be shown, 1 to {@link SpaceFile#MAX_BYTES}; it may have fewer, or more.
     * @return the file; whoever opened it closes it, once it is unmapped everywhere.
     * @throws IllegalArgumentException if the size is out of range, it is no regular file, or it is open already.
     * @throws org.vellum.report.FileException if it cannot be opened for reading and writing.
     * @throws IllegalStateException inside a section, or if the memory is closed.
     */
    public SpaceFile openFile(final Path path, final long bytes) {
        if (closed) {
            throw new IllegalStateException("the memory is closed");
        }
        final SpaceFile file = files.open(path, bytes);
        // As in create().
        if (closed) {
            file.close();
            throw new IllegalStateException("the memory is closed");
        }
        return file;
    }

    /**
     * Frees what has passed. Never waits.
     *
     * @return how many things.
     */
    public int poll() {
        return gathers.poll();
    }

    /**
     * Takes away what nobody needs ({@link Advice#FREE}), some of it. Never waits.
     *
     * @return frames that went to limbo.
     */
    public int purge() {
        return (int)lazilyFreed.drop();
    }

    /** @return figures of all spaces. */
    public SpaceStats stats() {
        return SpaceStats.of(this);
    }

    /** @return bytes of frames and tables in limbo. */
    public long limboBytes() {
        return gathers.limboBytes() + (tables.inLimbo() << Pages.SHIFT);
    }

    /** @return the gathers that spaces share, for their counts. */
    public Gathers gathers() {
        return gathers;
    }

    /** @return those that are open, the oldest first. */
    public List<AddressSpace> all() {
        return open.values().stream().sorted(Comparator.comparingLong(AddressSpace::number)).toList();
    }

    /**
     * Checks quiet spaces.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        all().forEach(AddressSpace::verify);
        files.verify();
        if (gathers.underWay() != 0) {
            throw new AssertionError("gathers under way: " + gathers.underWay());
        }
    }

    /**
     * Reports spaces that were left open, and ends them. The zero frame is given back if no section stays open for too long; else it is left to
     * whoever drops the memory.
     *
     * @param listener hears of them.
     */
    public void close(final Listener listener) {
        closed = true;
        for (final AddressSpace space : all()) {
            final SpaceInfo info = space.meminfo();
            listener.leakedAtClose("address space", 1, info.residentBytes() + info.tableBytes(), space + "\n" + space.maps());
            try {
                space.end();
            } catch (final RuntimeException e) {
                // Of something that its pages came from; the other spaces are to end all the same.
                listener.releaseFailed("address space", space.number(), e);
            }
        }
        files.closeAll(listener);
        // Sections may still read the zero frame, which entries hold no reference to.
        if (epochs.awaitPassed(epochs.stamp(), graceNanos)) {
            releaseZeroFrame();
        }
    }

    private void releaseZeroFrame() {
        final Cpu cpu = cpus.tryEnter();
        if (cpu != null) {
            try {
                zeroFrame.release(cpu);
            } finally {
                cpu.exit();
            }
        }
    }
}
