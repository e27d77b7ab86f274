package org.vellum.kmap;

import org.vellum.epoch.Epochs;

/** What the shared window keeps, and what the dead have left pinned. */
final class WindowKeeper implements Keeper {
    private static final int HOLDERS_NAMED = 8;

    private final Epochs epochs;
    private final KmapWindow window;
    private final long waitNanos;

    WindowKeeper(final Epochs epochs, final KmapWindow window, final long waitNanos) {
        this.epochs = epochs;
        this.window = window;
        this.waitNanos = waitNanos;
    }

    @Override
    public boolean mayGiveUp() {
        return window.report.keepsUnused();
    }

    @Override
    public boolean giveUp(final long deadlineNanos) {
        // Sweeps: the local maps of a dead thread pin their pages until then.
        epochs.heldUp();
        return window.flush.flushUnused(Math.max(0, deadlineNanos - System.nanoTime())) > 0;
    }

    @Override
    public boolean giveUp() {
        return giveUp(System.nanoTime() + waitNanos);
    }

    @Override
    public String describeHolders() {
        // Who has local maps open is in a section.
        return window.report.describeHolders() + "; " + epochs.cpus().describeHolders(HOLDERS_NAMED);
    }
}
