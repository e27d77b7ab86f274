package org.vellum.percpu;

import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.frame.FrameAllocator;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.Listener;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapSpace;

/**
 * The rooms below, as per-CPU memory stands on them.
 *
 * @param epochs decides when a frame that was mapped may be freed.
 * @param frames where memory comes from.
 * @param access translates what a source of units hands out.
 * @param space the window.
 * @param reclaimer what to do on exhaustion.
 * @param vmap makes and maps areas.
 * @param listener hears of the layout.
 */
record Foundation(
    Epochs epochs, FrameAllocator frames, MappedAccess access, VmapSpace space, Reclaimer reclaimer, Vmap vmap, Listener listener) {

    Cpus cpus() {
        return epochs.cpus();
    }

    long windowBytes() {
        return space.table().pages() << Pages.SHIFT;
    }

    /** The longest wait for a grace period. */
    long graceNanos() {
        return space.options().graceNanos();
    }
}
