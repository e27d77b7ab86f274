package org.vellum.report;

/**
 * Hears of what a memory does that is rare and worth knowing: for recorders. Problems go to the {@link Listener}.
 *
 * <p>Called on the thread that does it, perhaps inside a section and in the middle of an operation: an implementation must not wait, must not
 * throw, whatever happens to it, and must not use the memory. Pages are of 4 KiB.
 */
public interface Events {
    /** Hears nothing. */
    Events NONE = new Events() {
    };

    /**
     * A bank was taken from the JVM.
     *
     * @param bank its number, from 1.
     * @param bytes its size.
     * @param presentBytes of all banks that are there now.
     */
    default void bankAdded(final int bank, final long bytes, final long presentBytes) {
    }

    /**
     * A bank was given back to the JVM.
     *
     * @param bank its number, from 1.
     * @param bytes its size.
     * @param presentBytes of all banks that are there now.
     */
    default void bankReleased(final int bank, final long bytes, final long presentBytes) {
    }

    /**
     * A slab was made.
     *
     * @param address of its first byte, without a tag.
     * @param objectBytes size of its objects.
     * @param objects how many it has.
     */
    default void slabCreated(final long address, final int objectBytes, final int objects) {
    }

    /**
     * An empty slab was given back to the frames.
     *
     * @param address of its first byte, without a tag.
     * @param objectBytes size that its objects had.
     */
    default void slabReleased(final long address, final int objectBytes) {
    }

    /**
     * Limbo was emptied as far as readers allowed, because a bound was exceeded.
     *
     * @param cause which bound: {@code lazy pages} or {@code frames in limbo}.
     * @param pagesBefore in limbo before: of addresses, or of frames for that bound; as far as slots had told.
     * @param pagesAfter the same, afterwards.
     */
    default void purged(final String cause, final long pagesBefore, final long pagesAfter) {
    }

    /** @return whether {@link #reclaimed} is heard, so that its figures are worth gathering. */
    default boolean hearsReclaim() {
        return false;
    }

    /**
     * One step against exhaustion was taken: caches were given up, or a grace period was waited for.
     *
     * @param attempt how many steps the allocation had taken before, from 0.
     * @param inSection whether it was inside a section, where it does not wait.
     * @param limboBytesBefore in limbo before the step.
     * @param limboBytesAfter in limbo after it.
     * @param nanos how long it took, in nanoseconds.
     */
    default void reclaimed(
        final int attempt, final boolean inSection, final long limboBytesBefore, final long limboBytesAfter, final long nanos) {
    }

    /**
     * An allocation of frames or addresses gives up: nothing was left, even after reclaim.
     *
     * @param resource what ran out, as {@link ExhaustedException.Resource} names it.
     * @param pages what was asked for.
     * @param text of the exception that is about to be thrown.
     */
    default void exhausted(final String resource, final long pages, final String text) {
    }

    /**
     * A section has been open for too long while somebody waited for its end; once per section.
     *
     * @param slot the CPU slot that is occupied.
     * @param thread name of the occupant, or {@code unknown}.
     * @param openNanos for at least how long, in nanoseconds.
     */
    default void stalled(final int slot, final String thread, final long openNanos) {
    }

    /**
     * A budget refused an allocation.
     *
     * @param path of the budget that was asked, names from the memory down.
     * @param wantedBytes of the allocation.
     * @param text of the exception that is about to be thrown; names the budget that had no room.
     */
    default void budgetRefused(final String path, final long wantedBytes, final String text) {
    }
}
