package org.vellum.kmap;

/**
 * The link of an index in a chain of a hash that is changed under a lock and looked up without: frame and successor, packed into a word.
 *
 * <pre>
 *    63                                    24 23                      0
 *   +----------------------------------------+-------------------------+
 *   | frame + 1                              | next index + 1, 0 = end |
 *   +----------------------------------------+-------------------------+
 * </pre>
 *
 * <p><b>A look-up finds an entry that is there all the while it lasts</b>, whatever else comes and goes: that is what lets a thread that
 * holds a page, or a map, find it again, and never miss.
 * <pre>
 *   R (looks for x)                                W (an index that R stands on goes, and comes elsewhere)
 *   r1: load the link of the index: frame, next    w1: its predecessor's link: past it
 *   r2: x?  its bucket?  else begin anew           w2: its own link: another frame, the head of that frame's chain
 *   r3: go on to next                              w3: that head: the index
 * </pre>
 * Frame and next are one word. A chain grows at its head, and what is in it keeps its order; what is unlinked keeps its link until w2. So
 * as long as R stands on links that name frames of its bucket, x is on the way: behind the index when that was last in this chain, or, if
 * it has come back to it, behind the head, where it is now. After w2 R finds a frame of another bucket, and begins anew; who had it do so
 * was a writer, none of which it waits for. (Open addressing would move entries that stay, and a look-up that notices would have to wait
 * for the mover.)
 */
final class ChainLink {
    /** No next index. */
    static final int END = -1;

    private static final int FRAME_SHIFT = 24;
    private static final long NEXT_MASK = (1L << FRAME_SHIFT) - 1;

    private ChainLink() {
    }

    static long frame(final long link) {
        return (link >>> FRAME_SHIFT) - 1;
    }

    static int next(final long link) {
        return (int)(link & NEXT_MASK) - 1;
    }

    static long of(final long frame, final int next) {
        return frame + 1 << FRAME_SHIFT | next + 1;
    }
}
