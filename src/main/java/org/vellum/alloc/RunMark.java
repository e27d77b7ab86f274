package org.vellum.alloc;

/**
 * The mark that the allocator's runs bear in the table of frames.
 *
 * <pre>
 *    15       8 7      0
 *   +----------+--------+
 *   | owner    | state  |
 *   +----------+--------+
 *
 *   LOOSE     live, and nobody's: whoever frees it gives it back to the frames
 *   HELD      live, and a slot remembers it: whoever frees it makes it SPARE, and that is all
 *   SPARE     free, the slot's that remembers it
 *   DEFERRED  freed, waits in limbo for the frames
 *   PARTING   freed, waits in limbo for the slot that remembers it
 * </pre>
 */
final class RunMark {
    static final int LOOSE = 1;
    static final int HELD = 2;
    static final int SPARE = 3;
    static final int DEFERRED = 4;
    static final int PARTING = 5;

    private static final int STATE_MASK = 0xFF;
    private static final int OWNER_SHIFT = 8;

    private RunMark() {
    }

    static int of(final int state, final int owner) {
        return state | owner << OWNER_SHIFT;
    }

    static int state(final int mark) {
        return mark & STATE_MASK;
    }

    static int owner(final int mark) {
        return mark >>> OWNER_SHIFT;
    }

    /** Whether somebody has it. No mark at all, -1 or 0, is none of these. */
    static boolean isLive(final int mark) {
        final int state = mark & STATE_MASK;
        return mark > 0 && (state == LOOSE || state == HELD);
    }
}
