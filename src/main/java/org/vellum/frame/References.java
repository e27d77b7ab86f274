package org.vellum.frame;

/**
 * Blocks with several owners: the count in a block's word, and blocks that fall apart into frames with an owner each.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits.
 */
final class References {
    private final PhysicalMemory memory;
    private final FrameTable table;

    References(final PhysicalMemory memory, final FrameTable table) {
        this.memory = memory;
        this.table = table;
    }

    /** One reference more. Throws as {@link FrameAllocator#get} does. */
    void get(final long frame) {
        long word;
        do {
            word = allocatedWord(frame);
            if (FrameWord.count(word) == FrameWord.COUNT_MAX) {
                throw new IllegalStateException("frame=" + frame + " count=" + FrameWord.COUNT_MAX);
            }
            // CAS: partner of the ones in drop() and FrameTable.claim(): a block that falls free is not revived.
        } while (!table.compareAndSetWord(frame, word, word + FrameWord.COUNT_ONE));
    }

    /** One reference more, if it can be had. */
    boolean tryGet(final long frame) {
        if (!memory.isPresent(frame)) {
            return false;
        }
        long word;
        do {
            word = table.word(frame);
            if (FrameWord.state(word) != FrameTable.ALLOCATED || FrameWord.mark(word) != 0
                || FrameWord.count(word) == FrameWord.COUNT_MAX) {
                return false;
            }
            // CAS: as in get(); a full fence, too, for whoever looks afterwards whether what led here still does.
        } while (!table.compareAndSetWord(frame, word, word + FrameWord.COUNT_ONE));
        return true;
    }

    /**
     * One reference less. Throws as {@link FrameAllocator#put} does.
     *
     * @return -1, or if it was the last the order of the block, which is claimed now and the caller's to give back.
     */
    int drop(final long frame) {
        while (true) {
            final long word = allocatedWord(frame);
            if (FrameWord.count(word) > 1) {
                // CAS: what this owner did precedes the free by the last one; partner: FrameTable.claim().
                if (table.compareAndSetWord(frame, word, word - FrameWord.COUNT_ONE)) {
                    return -1;
                }
            } else if (table.claim(frame, FrameWord.order(word))) {
                table.forgetMapper(frame);
                return FrameWord.order(word);
            }
        }
    }

    private long allocatedWord(final long frame) {
        final long word = memory.isPresent(frame) ? table.word(frame) : FrameWord.ABSENT;
        if (FrameWord.state(word) != FrameTable.ALLOCATED || FrameWord.mark(word) != 0) {
            throw table.misuse(frame, table.order(frame));
        }
        return word;
    }

    /** One block becomes many of order 0. Throws as {@link FrameAllocator#free} does. */
    void split(final long frame, final int order) {
        // Claimed as a free would, so that a concurrent free of the whole block wins or fails as a whole.
        if (!table.claim(frame, order)) {
            throw table.misuse(frame, order);
        }
        for (long i = (1L << order) - 1; i >= 0; i--) {
            table.putWord(frame + i, FrameWord.allocated(0));
        }
    }
}
