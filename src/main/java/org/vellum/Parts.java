package org.vellum;

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
import org.vellum.mapram.MapRam;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
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

    final Worker worker;
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

    Parts(
        final CpuOptions cpuOptions, final FrameOptions frameOptions, final VmapOptions vmapOptions,
        final Listener userListener, final long stallNanos, final boolean withWorker) {
        worker = withWorker ? new Worker("vellum-worker", userListener) : null;
        listener = withWorker && userListener != Listener.SILENT ? new QueuedListener(userListener, worker) : userListener;
        cpus = new Cpus(cpuOptions);
        epochs = new Epochs(cpus, new Sweeper(cpus, listener), new StallDetector(cpus, listener, stallNanos));
        retirements = new Retirements(epochs, listener);
        frames = new FrameAllocator(cpus, frameOptions);
        final long start = (frames.memory().physEnd() + WINDOW_ALIGN - 1) & -WINDOW_ALIGN;
        table = new PageTable(start, vmapOptions.windowPages());
        access = new MappedAccess(table, frames.memory(), cpus);
        space = new VmapSpace(epochs, frames, table, vmapOptions, listener);
        reclaimer = new Reclaimer(space, worker);
        final AtomicFrees atomicFrees = new AtomicFrees(space, worker);
        reclaimer.add(atomicFrees);
        vmalloc = new Vmalloc(space, reclaimer, access, atomicFrees);
        vmap = new Vmap(space, reclaimer, vmalloc);
        reader = new VmapReader(space);
        mapRam = new MapRam(space, epochs, frames.memory(), vmap, reclaimer, listener);
    }
}
