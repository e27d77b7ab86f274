package org.vellum.kmap;

/**
 * The state of one cache frame, packed in a {@code long}, so that one compare-and-set checks and changes all of it.
 *
 * <pre>
 *    63                                    24 23 22 21 20 19 18                    0
 *   +----------------------------------------+--+--+--+--+--+-----------------------+
 *   | high frame + 1                         |A |W |D |S |R | pins                  |
 *   +----------------------------------------+--+--+--+--+--+-----------------------+
 *   A reading: its content is on its way from the file     W writing: a copy is on its way to the file
 *   D dirty: the file lacks something of it                S storable: a writable pin was taken, and pins were held ever since
 *   R referenced since the clock last came by
 * </pre>
 *
 * <p>States: <b>free</b> (0), <b>reading</b> (A; no pins), <b>clean</b>, and <b>dirty</b> (D); W may stand beside the last two. S says
 * that somebody may be storing right now. A pin does not know of itself whether it is writable, so S stays until the last pin goes: a
 * page may count as being written to for too long, never too short. S implies D and a pin.
 */
final class CacheWord {
    /** No frame of a file. */
    static final long FREE = 0;

    static final int FRAME_SHIFT = 24;
    static final long READING = 1L << 23;
    static final long WRITING = 1L << 22;
    static final long DIRTY = 1L << 21;
    static final long STORABLE = 1L << 20;
    static final long REFERENCED = 1L << 19;
    /** Pins there can be of one frame, inclusive: more than all slots have places for maps. */
    static final long MAX_PINS = REFERENCED - 1;

    private CacheWord() {
    }

    /** @return the bits that name a high frame in its word. */
    static long of(final long frame) {
        return frame + 1 << FRAME_SHIFT;
    }

    /** @return the high frame, or -1 of {@link #FREE}. */
    static long frame(final long word) {
        return (word >>> FRAME_SHIFT) - 1;
    }

    static long pins(final long word) {
        return word & MAX_PINS;
    }

    static boolean is(final long word, final long bits) {
        return (word & bits) != 0;
    }

    /** Whether somebody uses it, be it the disk. */
    static boolean isBusy(final long word) {
        return (word & (READING | WRITING | MAX_PINS)) != 0;
    }

    /** Whether it may be given to another frame at once. */
    static boolean isIdleAndClean(final long word) {
        return (word & (READING | WRITING | DIRTY | MAX_PINS)) == 0;
    }

    /** One more pin. */
    static long pinned(final long word, final boolean writable) {
        return word + 1 | (writable ? REFERENCED | DIRTY | STORABLE : REFERENCED);
    }

    /** One pin less. */
    static long unpinned(final long word) {
        return pins(word) == 1 ? word - 1 & ~STORABLE : word - 1;
    }

    /** As it is while a copy is being written: whoever may be storing keeps it dirty. */
    static long writing(final long word) {
        return is(word, STORABLE) ? word | WRITING : word & ~DIRTY | WRITING;
    }

    static String describe(final long word) {
        return word == FREE ? "free" : "frame=" + frame(word) + " pins=" + pins(word) + (is(word, READING) ? " reading" : "")
            + (is(word, WRITING) ? " writing" : "") + (is(word, DIRTY) ? " dirty" : "") + (is(word, STORABLE) ? " storable" : "");
    }
}
