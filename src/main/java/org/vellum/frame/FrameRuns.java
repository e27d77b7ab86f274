package org.vellum.frame;

import org.vellum.cpu.Cpu;

/**
 * Runs: contiguous frames of any number, owned as a whole.
 *
 * <p>A run is cut into as few naturally aligned blocks as cover it exactly; which ones follows from where it begins and ends
 * ({@link #pieceOrder}). The first block's head bears the owner's mark and, if there are more, the length; the others bear
 * {@link FrameTable#RUN_PIECE}, and belong to whoever holds the first.
 *
 * <pre>
 *   11 frames from 16, of which the buddy keeps 5
 *   +---------------------------+-------+---+ - - - - - - - - - +
 *   | order 3, mark, run=11     | 1,  P | 0,P|  free: 0 and 2    |
 *   +---------------------------+-------+---+ - - - - - - - - - +
 * </pre>
 * The whole protocol is in the first head's word: freeing makes it CACHED, resizing marks it {@link
 * FrameTable#RUN_CHANGING}, each by a compare-and-set from the owner's mark. Only who has done so looks at the length or
 * changes the pieces, and the owner's mark comes back last, by a release. So of a free and anything else one wins, and even a
 * free that comes too late and hits another run frees that one whole.
 *
 * <p>Thread safety: methods that take a {@link Cpu} are for its occupant, who has reserved stack.
 */
final class FrameRuns {
    private static final long NO_FRAME = PhysicalMemory.NO_FRAME;

    private final PhysicalMemory memory;
    private final FrameTable table;
    private final Buddy buddy;
    private final SlotLists lists;
    private final Supply supply;

    FrameRuns(
        final PhysicalMemory memory,
        final FrameTable table,
        final Buddy buddy,
        final SlotLists lists,
        final Supply supply) {
        this.memory = memory;
        this.table = table;
        this.buddy = buddy;
        this.lists = lists;
        this.supply = supply;
    }

    /** The order of the first block of the frames from {@code at} to {@code end}: the largest that is aligned and fits. */
    static int pieceOrder(final long at, final long end) {
        return Math.min(Long.numberOfTrailingZeros(at), floorOrder(end - at));
    }

    private static int floorOrder(final long frames) {
        return Long.SIZE - 1 - Long.numberOfLeadingZeros(frames);
    }

    /** Throws as {@link FrameAllocator#allocateRun} does. */
    long allocate(final Cpu cpu, final long frames, final int mark) {
        requireMark(mark);
        if (frames <= 0) {
            throw new IllegalArgumentException("frames=" + frames);
        }
        final int order = floorOrder(frames);
        if (frames != 1L << order) {
            return allocatePieces(cpu, frames, order + 1, mark);
        }
        long frame = lists.take(cpu, order);
        if (frame == NO_FRAME) {
            frame = supply.take(cpu, order, frames, false);
            if (frame == NO_FRAME) {
                return NO_FRAME;
            }
        }
        table.putWordRelease(frame, FrameWord.marked(order, mark));
        return frame;
    }

    private long allocatePieces(final Cpu cpu, final long frames, final int order, final int mark) {
        final long frame = supply.take(cpu, order, frames, false);
        if (frame != NO_FRAME) {
            compose(frame, frame + frames, mark);
        }
        return frame;
    }

    /** Makes frames of which the caller owns every block, whatever they were, one run. Its head's word comes last. */
    private void compose(final long frame, final long end, final int mark) {
        final int first = pieceOrder(frame, end);
        final long rest = frame + (1L << first);
        int order;
        for (long at = rest; at < end; at += 1L << order) {
            order = pieceOrder(at, end);
            table.putWord(at, FrameWord.marked(order, FrameTable.RUN_PIECE));
        }
        table.putRun(frame, rest == end ? 0 : end - frame);
        table.putWordRelease(frame, FrameWord.marked(first, mark));
    }

    /** Throws as {@link FrameAllocator#freeRun} does. */
    void free(final Cpu cpu, final long frame, final int mark) {
        requireMark(mark);
        final int order = table.claimMarked(frame, mark, false);
        // Read after the claim: by now it is of the life that ends here.
        final long frames = table.run(frame);
        if (frames == 0) {
            supply.giveBack(cpu, frame, order);
        } else {
            table.putRun(frame, 0);
            giveBack(frame, frame + frames);
        }
    }

    /** Makes frames that the caller owns free blocks, and gives those back in one go: past the lists, so that they join. */
    private void giveBack(final long from, final long end) {
        long last = from;
        int order;
        for (long at = from; at < end; at += 1L << order) {
            order = pieceOrder(at, end);
            table.putWord(at, FrameWord.cached(order));
            if (at != from) {
                table.putNext(last, at);
                last = at;
            }
        }
        supply.giveBackChain(from, last, end - from);
    }

    /** Throws as {@link FrameAllocator#growRun} does. */
    boolean grow(final long frame, final long newFrames) {
        final int mark = requireRun(frame);
        final long frames = table.runFrames(frame);
        if (newFrames < frames) {
            throw new IllegalArgumentException("newFrames=" + newFrames + " is less than frames=" + frames + " at frame=" + frame);
        }
        final long bankFrames = 1L << memory.bankShift();
        if (newFrames == frames || newFrames > bankFrames - (frame & bankFrames - 1)) {
            return newFrames == frames;
        }
        // Before anything is claimed: the watermark's callback may throw.
        supply.announce(newFrames - frames);
        final int order = table.claimMarked(frame, mark, true);
        final long end = frame + claimedFrames(frame, order);
        final long newEnd = Math.max(end, frame + newFrames);
        if (!takeFree(end, newEnd)) {
            table.putWordRelease(frame, FrameWord.marked(order, mark));
            return false;
        }
        dropHeads(frame + (1L << order), newEnd);
        compose(frame, newEnd, mark);
        return true;
    }

    private boolean takeFree(final long from, final long end) {
        if (!buddy.lock()) {
            return false;
        }
        try {
            return buddy.takeRange(from, end);
        } finally {
            buddy.unlock();
        }
    }

    /** Throws as {@link FrameAllocator#shrinkRun} does. */
    void shrink(final long frame, final long newFrames) {
        final int mark = requireRun(frame);
        final long frames = table.runFrames(frame);
        if (newFrames <= 0 || newFrames > frames) {
            throw new IllegalArgumentException("newFrames=" + newFrames + " is not in 1.." + frames + " at frame=" + frame);
        }
        if (newFrames == frames) {
            return;
        }
        final int order = table.claimMarked(frame, mark, true);
        final long end = frame + claimedFrames(frame, order);
        final long newEnd = Math.min(end, frame + newFrames);
        dropHeads(frame + (1L << order), end);
        compose(frame, newEnd, mark);
        if (newEnd < end) {
            giveBack(newEnd, end);
        }
    }

    private long claimedFrames(final long frame, final int order) {
        final long frames = table.run(frame);
        return frames == 0 ? 1L << order : frames;
    }

    /** Makes tails of the heads of all blocks in a range that the caller owns: their frames are about to be cut otherwise. */
    private void dropHeads(final long from, final long end) {
        int order;
        for (long at = from; at < end; at += 1L << order) {
            order = FrameWord.order(table.word(at));
            table.putWord(at, FrameWord.TAIL);
        }
    }

    /** @return the mark of the run that begins at a frame. */
    private int requireRun(final long frame) {
        final int mark = table.mark(frame);
        if (mark <= 0 || mark > FrameTable.MAX_MARK) {
            throw table.misuseOfRun(frame, "frame=" + frame);
        }
        return mark;
    }

    private static void requireMark(final int mark) {
        if (mark <= 0 || mark > FrameTable.MAX_MARK) {
            throw new IllegalArgumentException("mark=" + mark);
        }
    }
}
