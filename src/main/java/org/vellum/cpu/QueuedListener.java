package org.vellum.cpu;

import org.vellum.report.Listener;

/**
 * Delivers a user's reports on the worker's thread, so that the thread which meets a problem, perhaps inside a section, never
 * runs the user's code. If the worker's queue is full the report is dropped: a flood of reports must not stop the work.
 */
public final class QueuedListener implements Listener {
    private final Listener target;
    private final Worker worker;

    /**
     * @param target the user's.
     * @param worker whose thread calls it.
     */
    public QueuedListener(final Listener target, final Worker worker) {
        this.target = target;
        this.worker = worker;
    }

    @Override
    public void sectionStalled(final int slot, final String thread, final long openNanos, final String stack) {
        worker.request(() -> target.sectionStalled(slot, thread, openNanos, stack));
    }

    @Override
    public void sectionForceExited(final int slot, final String thread) {
        worker.request(() -> target.sectionForceExited(slot, thread));
    }

    @Override
    public void mapsLeftOpen(final int slot, final String thread, final int count) {
        worker.request(() -> target.mapsLeftOpen(slot, thread, count));
    }

    @Override
    public void releaseFailed(final String what, final long token, final Throwable error) {
        worker.request(() -> target.releaseFailed(what, token, error));
    }

    @Override
    public void percpuLayout(final String block) {
        worker.request(() -> target.percpuLayout(block));
    }

    @Override
    public void leakedAtClose(final String what, final long count, final long bytes, final String detail) {
        worker.request(() -> target.leakedAtClose(what, count, bytes, detail));
    }

    @Override
    public void memoryDamaged(final long address, final long offset, final String detail) {
        worker.request(() -> target.memoryDamaged(address, offset, detail));
    }

    @Override
    public void workerFailed(final String where, final Throwable error) {
        worker.request(() -> target.workerFailed(where, error));
    }
}
