package org.vellum.frame;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * Totals of the room, written on slow paths only. Two groups, each on lines of its own: under the buddy's lock, and by
 * anyone.
 */
final class Counters {
    private static final int LOCKED = CacheLine.STRIDE_WORDS;
    private static final int SHARED = 3 * CacheLine.STRIDE_WORDS;
    private static final int BUDDY_FRAMES = LOCKED;
    private static final int OVERFLOW_FRAMES = SHARED;
    private static final int EVENTS = SHARED + 1;

    private final Words words = Words.zeroed(5L * CacheLine.STRIDE_WORDS);

    /** Under the buddy's lock. */
    void addBuddyFrames(final long delta) {
        words.putOpaque(BUDDY_FRAMES, words.getPlain(BUDDY_FRAMES) + delta);
    }

    long buddyFrames() {
        return words.getOpaque(BUDDY_FRAMES);
    }

    void addOverflowFrames(final long delta) {
        words.getAndAdd(OVERFLOW_FRAMES, delta);
    }

    long overflowFrames() {
        return words.getVolatile(OVERFLOW_FRAMES);
    }

    /** Splits and joins: under the buddy's lock, so a plain increment counts right. */
    void countLocked(final FrameEvent event) {
        final int at = LOCKED + 1 + event.ordinal();
        words.putOpaque(at, words.getPlain(at) + 1);
    }

    void count(final FrameEvent event) {
        words.getAndAdd(EVENTS + event.ordinal(), 1);
    }

    long events(final FrameEvent event) {
        return words.getOpaque(LOCKED + 1 + event.ordinal()) + words.getVolatile(EVENTS + event.ordinal());
    }
}
