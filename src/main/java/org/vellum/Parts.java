package org.vellum;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.alloc.AllocatorOptions;
import org.vellum.alloc.OffHeapAllocator;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.QueuedListener;
import org.vellum.cpu.Sweeper;
import org.vellum.cpu.Worker;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirements;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.frame.MemoryBank;
import org.vellum.frame.PhysicalMemory;
import org.vellum.kmap.Kmap;
import org.vellum.kmap.KmapOptions;
import org.vellum.mapram.MapRam;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.observe.Recorders;
import org.vellum.observe.Stats;
import org.vellum.percpu.PercpuAllocator;
import org.vellum.percpu.PercpuOptions;
import org.vellum.percpu.PercpuStats;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;
import org.vellum.space.Spaces;
import org.vellum.vmap.AtomicFrees;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmalloc;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapOptions;
import org.vellum.vmap.VmapReader;
import org.vellum.vmap.VmapSpace;

/** One of each system, put together from the bottom room up. */
final class Parts {
    private static final long WINDOW_ALIGN = 4L << 20;
    private static final int MOST_ROUNDS = 64;
    /** How long the worker waits for one grace period before it looks after other requests. */
    private static final long RETIREMENT_NANOS = 10_000_000L;

    final Worker worker;
    private final Runnable pollRetirements = this::pollRetirements;
    final Listener listener;
    final Cpus cpus;
    final Epochs epochs;
    final Retirements retirements;
    final FrameAllocator frames;
    final PageTable table;
    final MappedAccess access;
    final VmapSpace space;
    final Reclaimer reclaimer;
    final Vmalloc vmalloc;
    final Vmap vmap;
    final VmapReader reader;
    final MapRam mapRam;
    final OffHeapAllocator allocator;
    final Kmap kmap;
    final Spaces spaces;
    private final PercpuOptions percpuOptions;
    private final ReentrantLock percpuSetUp = new ReentrantLock();
    /** Null until somebody asks for it. */
    private volatile PercpuAllocator percpu;
    private boolean percpuClosed;
    private volatile Runnable beforeClose = () -> { };

    Parts(
        final CpuOptions cpuOptions, final FrameOptions frameOptions, final VmapOptions vmapOptions,
        final AllocatorOptions allocatorOptions, final KmapOptions kmapOptions, final PercpuOptions percpuOptions,
        final Listener userListener, final long stallNanos, final boolean withWorker) {
        worker = withWorker ? new Worker("vellum-worker", userListener) : null;
        listener = withWorker && userListener != Listener.SILENT ? new QueuedListener(userListener, worker) : userListener;
        final Events events = Recorders.find();
        cpus = new Cpus(cpuOptions);
        final Sweeper sweeper = new Sweeper(cpus, listener);
        cpus.onSlotsBusy(sweeper::sweep);
        epochs = new Epochs(cpus, sweeper, new StallDetector(cpus, listener, stallNanos, events));
        retirements = new Retirements(epochs, listener, this::askForRetirements);
        frames = new FrameAllocator(cpus, frameOptions, events);
        final long start = (frames.memory().physEnd() + WINDOW_ALIGN - 1) & -WINDOW_ALIGN;
        table = new PageTable(start, vmapOptions.windowPages());
        access = new MappedAccess(table, frames.memory(), cpus);
        space = new VmapSpace(epochs, frames, table, vmapOptions, listener);
        reclaimer = new Reclaimer(space, worker, events);
        final AtomicFrees atomicFrees = new AtomicFrees(space, worker);
        reclaimer.add(atomicFrees);
        vmalloc = new Vmalloc(space, reclaimer, access, atomicFrees);
        vmap = new Vmap(space, reclaimer, vmalloc);
        reader = new VmapReader(space);
        mapRam = new MapRam(space, epochs, frames.memory(), vmap, reclaimer, listener);
        allocator = new OffHeapAllocator(epochs, frames, vmalloc, reclaimer, access, retirements, listener, allocatorOptions,
            events);
        kmap = new Kmap(epochs, frames, access, table.end(), kmapOptions, listener);
        spaces = new Spaces(epochs, frames, retirements, worker, reclaimer::reclaim, vmapOptions.graceNanos(), listener);
        reclaimer.add(new SpaceSource(spaces));
        this.percpuOptions = percpuOptions;
    }

    PercpuAllocator percpu() {
        final PercpuAllocator there = percpu;
        return there != null ? there : setUpPercpu();
    }

    private PercpuAllocator setUpPercpu() {
        epochs.mightSleep("setting up per-CPU memory");
        percpuSetUp.lock();
        try {
            if (percpuClosed) {
                throw new IllegalStateException("the memory is closed");
            }
            if (percpu == null) {
                percpu = new PercpuAllocator(epochs, frames, access, space, reclaimer, vmap, worker, percpuOptions, listener);
            }
            return percpu;
        } finally {
            percpuSetUp.unlock();
        }
    }

    private void closePercpu() {
        percpuSetUp.lock();
        try {
            percpuClosed = true;
            if (percpu != null) {
                percpu.close(listener);
            }
        } finally {
            percpuSetUp.unlock();
        }
    }

    private void askForRetirements() {
        if (worker != null) {
            worker.request(pollRetirements);
        }
    }

    /** On the worker: one grace period, then the callbacks. What a reader holds back is asked for again. */
    private void pollRetirements() {
        epochs.awaitPassed(epochs.stamp(), RETIREMENT_NANOS);
        retirements.poll();
        if (!retirements.isEmpty()) {
            worker.request(pollRetirements);
        }
    }

    /** Has something done first when the memory is closed. */
    void beforeClose(final Runnable action) {
        beforeClose = action;
    }

    /** Wraps a buffer around memory that must prove physically contiguous; see {@link Vellum#wrap}. */
    void wrapContiguous(final long address, final int length, final UnsafeBuffer buffer) {
        if (length < 0) {
            throw new IllegalArgumentException("length=" + length);
        }
        final Cpu cpu = cpus.enter();
        try {
            final long base = access.writable(address);
            for (long page = (address | Pages.OFFSET_MASK) + 1; page < address + length; page += Pages.SIZE) {
                if (access.writable(page) - base != page - address) {
                    throw new IllegalArgumentException("not contiguous: address=0x" + Long.toHexString(address)
                        + " length=" + length + " breaks at offset=" + (page - address));
                }
            }
            final MemoryBank bank = frames.memory().bank(
                (int)(frames.memory().frameOf(base) >>> frames.memory().bankShift()));
            buffer.wrap(bank.buffer(), (int)(base - bank.nativeBase()), length);
        } finally {
            cpu.exit();
        }
    }

    UnsafeBuffer firstBank() {
        if (frames.memory().bank(1) == null) {
            final Cpu cpu = cpus.enter();
            try {
                final long frame = frames.allocate(cpu, 0);
                if (frame == PhysicalMemory.NO_FRAME) {
                    throw new ExhaustedException(ExhaustedException.Resource.DIRECT_MEMORY, frames.exhaustionReason());
                }
                frames.free(cpu, frame, 0);
            } finally {
                cpu.exit();
            }
        }
        return frames.memory().bank(1).buffer();
    }

    long trim() {
        epochs.mightSleep("trim");
        settle();
        return releaseFreeBanks();
    }

    /** What is owed to the allocators is done, and what they keep for later goes back to the frames. */
    private void settle() {
        final PercpuAllocator there = percpu;
        if (there != null) {
            there.balance();
        }
        // Twice: what was deferred among others waits for two grace periods.
        for (int i = 0; i < 2; i++) {
            epochs.synchronize();
            retirements.poll();
            allocator.settle();
            reclaimer.poll(true);
        }
        allocator.drainIdle();
        frames.drainIdle();
    }

    private long releaseFreeBanks() {
        final List<Long> detached = new ArrayList<>();
        for (long bank = frames.detachFreeBank(); bank >= 0; bank = frames.detachFreeBank()) {
            detached.add(bank);
        }
        if (detached.isEmpty()) {
            return 0;
        }
        // Since nobody can map a frame of theirs any more, none comes back into the window.
        kmap.forgetUnused();
        // A section may have translated a linear address of such a bank before it was detached. An allocation that runs out
        // meanwhile takes it back.
        epochs.synchronize();
        long bytes = 0;
        for (final long bank : detached) {
            if (frames.releaseBank(bank)) {
                bytes += 1L << frames.memory().bankShift() << Pages.SHIFT;
            }
        }
        return bytes;
    }

    Stats stats() {
        return new Stats(frames.configuredFrames() << Pages.SHIFT, frames.memory().presentBytes(), frames.mostPresentBytes(),
            frames.residentBytes(), frames.mostUsedFrames() << Pages.SHIFT, frames.freeFrames() << Pages.SHIFT,
            frames.cachedFrames() << Pages.SHIFT, space.liveAreas(), table.pages() << Pages.SHIFT, space.freePages() << Pages.SHIFT,
            reclaimer.limboBytes(), space.lazyFrames() << Pages.SHIFT, mapRam.blocksCreated(), mapRam.blocksRetired(),
            mapRam.blocksPooled(), epochs.flushes(), reclaimer.drains(), reclaimer.exhaustions(), cpus.limit(), allocator.stats(),
            percpu == null ? PercpuStats.NONE : percpu.stats(), kmap.stats(), spaces.stats());
    }

    String report() {
        return stats().report(epochs.describeHolders());
    }

    /** Nothing in limbo, nothing asked of the worker. Retirements that retire again are left alone after a while. */
    void quiesce() {
        epochs.mightSleep("quiesce");
        restWorker();
        int rounds = 0;
        do {
            epochs.synchronize();
            allocator.settle();
        } while (retirements.poll() + reclaimer.poll(true) > 0 && ++rounds < MOST_ROUNDS);
        reclaimer.giveBackRanges();
        restWorker();
    }

    private void restWorker() {
        if (worker != null) {
            worker.quiesce();
        }
    }

    void verify() {
        // What the worker still does on the memory's behalf is not quiet.
        restWorker();
        cpus.verifyQuiet();
        frames.verify();
        space.verify();
        mapRam.verify();
        allocator.verify();
        kmap.verify();
        spaces.verify();
        if (percpu != null) {
            percpu.verify();
        }
    }

    /** Refuses new work, says what is left, and lets the sections that are open end, for a bounded time. */
    void close() {
        try {
            beforeClose.run();
        } finally {
            end();
        }
    }

    private void end() {
        // Before the worker is closed: it delivers what the trace's writer has to report.
        allocator.endTrace();
        // Its chunks are areas, which are no leaks.
        closePercpu();
        reportLeaks();
        kmap.close(listener);
        spaces.close(listener);
        if (worker != null) {
            worker.close();
        }
        cpus.close();
        epochs.awaitPassed(epochs.stamp(), space.options().graceNanos());
        kmap.closeWindow();
        table.close((address, write) -> new PageFaultException(address,
            "page fault: the memory is closed, address=0x" + Long.toHexString(address)));
    }

    private void reportLeaks() {
        allocator.reportLeaks(listener);
        final long areas = space.liveAreas();
        if (areas > 0) {
            listener.leakedAtClose("area", areas, space.liveBytes(), reader.vmallocInfo());
        }
        final long pages = mapRam.mappedPages();
        if (pages > 0) {
            listener.leakedAtClose("vmMapRam mapping", pages, pages << Pages.SHIFT, pages + " pages are still mapped");
        }
    }
}
