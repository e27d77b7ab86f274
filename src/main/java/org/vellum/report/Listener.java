package org.vellum.report;

/**
 * Hears of problems that have no caller to be thrown to, and of a few decisions.
 *
 * <p>Called on the memory's worker thread, outside locks and sections, so an implementation may block or use the library.
 * Without a worker it is called by whichever thread meets the problem, perhaps inside a section of that thread: then it must
 * not wait. What an implementation throws is swallowed: a report must not undo the work it reports on.
 */
public interface Listener {
    /** Hears nothing. */
    Listener SILENT = new Listener() {
    };

    /**
     * A section has been open longer than the configured limit and holds up whatever was retired since; reported once
     * per section.
     *
     * @param slot the CPU slot that is occupied.
     * @param thread name of the occupant, or a note that it is unknown.
     * @param openNanos for at least how long the section was seen open, in nanoseconds: the configured limit.
     * @param stack the occupant's stack when it was reported, one frame a line; empty if it could not be had.
     */
    default void sectionStalled(final int slot, final String thread, final long openNanos, final String stack) {
    }

    /**
     * A slot that a dead thread had left occupied was freed.
     *
     * @param slot the CPU slot.
     * @param thread name of the dead thread.
     */
    default void sectionForceExited(final int slot, final String thread) {
    }

    /**
     * Local maps were left open: by a thread that has died, or one that left its section as often as it could without unmapping
     * them. They have been undone.
     *
     * @param slot the CPU slot whose they were.
     * @param thread name of the thread, or a note that it is unknown.
     * @param count how many.
     */
    default void mapsLeftOpen(final int slot, final String thread, final int count) {
    }

    /**
     * A release callback threw; the other callbacks went on.
     *
     * @param what which kind of thing was being released.
     * @param token what was being released, as its owner numbers it.
     * @param error what was thrown.
     */
    default void releaseFailed(final String what, final long token, final Throwable error) {
    }

    /**
     * Per-CPU memory was set up. Not a problem, but there is no caller who would look at it.
     *
     * @param block where whose memory lies, how its place was chosen and why: several lines for a person.
     */
    default void percpuLayout(final String block) {
    }

    /**
     * Memory was still allocated when the memory was closed.
     *
     * @param what kind of thing ("area", "block", "frame").
     * @param count how many.
     * @param bytes how many bytes they hold.
     * @param detail a line for a person.
     */
    default void leakedAtClose(final String what, final long count, final long bytes, final String detail) {
    }

    /**
     * In checked mode: memory was written to that nobody owned at the time, found when it was about to be used again.
     *
     * @param address Vellum address of the first byte of the allocation that had been there.
     * @param offset of the first byte that was changed; negative or at least its size if in a red zone.
     * @param detail where it was allocated and freed, several lines.
     */
    default void memoryDamaged(final long address, final long offset, final String detail) {
    }

    /**
     * A worker of Vellum's own met an error it could not hand to anybody and goes on.
     *
     * @param where which worker.
     * @param error what it met.
     */
    default void workerFailed(final String where, final Throwable error) {
    }
}
