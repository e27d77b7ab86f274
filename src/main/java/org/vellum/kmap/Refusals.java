package org.vellum.kmap;

import java.util.BitSet;

/**
 * Which dirty frames a miss need not try to write once more: those that could not be, and those of a file that has refused several. A
 * device that is full thus neither keeps out what has its place elsewhere, nor is asked as often as there are frames.
 */
final class Refusals {
    private static final int MOST_OF_FILE = 4;

    private final BitSet indexes = new BitSet();
    private final int[] files = new int[HighFiles.MAX];
    private final HighMemoryException first;

    Refusals(final HighMemoryException first) {
        this.first = first;
    }

    void note(final int index, final long frame) {
        indexes.set(index);
        files[HighFrames.file(frame)]++;
    }

    boolean has(final int index, final long frame) {
        return indexes.get(index) || files[HighFrames.file(frame)] >= MOST_OF_FILE;
    }

    HighMemoryException first() {
        return first;
    }
}
