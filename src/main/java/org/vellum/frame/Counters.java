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
    private static final int SERVED_FRAMES = LOCKED + 1 + FrameEvent.values().length;
    private static final int MOST_USED_FRAMES = SERVED_FRAMES + 1;
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

    /**
     * Frames of the banks that the buddy serves from: counted after a bank was given to it, and uncounted before it is taken out, so that
     * a bank on its way never looks used.
     */
    void addServedFrames(final long delta) {
        // Atomic: under the growth lock, or under both; partner: the load in noteUse(), under the buddy's alone.
        words.getAndAdd(SERVED_FRAMES, delta);
    }

    /** Raises the high-water mark of frames that are neither the buddy's nor waiting for it. Under the buddy's lock. */
    void noteUse() {
        final long out = words.getVolatile(SERVED_FRAMES) - words.getPlain(BUDDY_FRAMES);
        // The overflow's word is on a line that others write: looked at only if it may matter.
        if (out > words.getPlain(MOST_USED_FRAMES)) {
            // Opaque: a statistic; partner of mostUsedFrames().
            words.putOpaque(MOST_USED_FRAMES, Math.max(words.getPlain(MOST_USED_FRAMES), out - overflowFrames()));
        }
    }

    long mostUsedFrames() {
        return words.getOpaque(MOST_USED_FRAMES);
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
