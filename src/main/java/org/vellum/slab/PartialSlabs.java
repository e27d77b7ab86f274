package org.vellum.slab;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * Which slabs are LISTED, as bits: for each class one bit a slab, and above them one bit a word that has any. The lowest is found first,
 * so that what is allocated gathers in low memory, and any one is removed without a list that would have to be walked.
 *
 * <h2>Bits are hints, words decide</h2>
 * A slab is claimed through its {@link SlabWord}. A bit that is set for a slab which is not LISTED costs whoever finds it a look, and is
 * cleared then; a LISTED slab without a bit would be lost. So a bit is set after the slab became LISTED, and whoever clears one looks
 * at the word again afterwards:
 * <pre>
 *   A (lists)                                 B (clears)
 *   a1: CAS word: ... → LISTED                b1: load word: not LISTED
 *   a2: set the bit                           b2: clear the bit
 *                                             b3: load word: LISTED → set the bit again
 * </pre>
 * All are volatile. If a2 comes before b2, so does a1 before b3, and B sets the bit again; otherwise it is set when both are done. The bit above
 * relates to the word of bits in the same way.
 */
final class PartialSlabs {
    static final int NONE = -1;

    private static final int SHIFT = 6;

    private final SlabTable table;
    private final int leafWords;
    private final int summaryWords;
    private final Words leaves;
    private final Words summaries;

    /** For each class the lowest word of its summary that may have a bit: a hint, corrected downwards by whoever sets a bit. */
    private final Words lowest = Words.zeroed((long)SizeClasses.COUNT * CacheLine.STRIDE_WORDS);

    PartialSlabs(final SlabTable table) {
        this.table = table;
        summaryWords = (table.slabs() + SlabTable.STEP - 1) / SlabTable.STEP;
        leafWords = summaryWords << SHIFT;
        leaves = Words.reserve((long)leafWords * SizeClasses.COUNT);
        summaries = Words.reserve((long)summaryWords * SizeClasses.COUNT);
    }

    /** Forgets the bits of slabs; whole words of the summaries, all but the last time. Before the slabs exist. */
    void zero(final int from, final int to) {
        assert from % SlabTable.STEP == 0 : "from=" + from;
        final int words = (to - from + SlabTable.STEP - 1) / SlabTable.STEP;
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            summaries.zero(summary(sizeClass, from / SlabTable.STEP), words);
            leaves.zero(leaf(sizeClass, from >>> SHIFT), (long)words << SHIFT);
        }
    }

    private long leaf(final int sizeClass, final int word) {
        return (long)sizeClass * leafWords + word;
    }

    private long summary(final int sizeClass, final int word) {
        return (long)sizeClass * summaryWords + word;
    }

    /** a2: after the slab's word became LISTED. */
    void add(final int sizeClass, final int slab) {
        final int word = slab >>> SHIFT;
        if (setBit(leaves, leaf(sizeClass, word), slab)) {
            setBit(summaries, summary(sizeClass, word >>> SHIFT), word);
        }
        lowerStart((long)sizeClass * CacheLine.STRIDE_WORDS, word >>> SHIFT);
    }

    /** b2 and b3: after the slab's word ceased to be LISTED, or was seen not to be. */
    void remove(final int sizeClass, final int slab) {
        final int word = slab >>> SHIFT;
        if (clearBit(leaves, leaf(sizeClass, word), slab) == 0) {
            clearBit(summaries, summary(sizeClass, word >>> SHIFT), word);
            if (leaves.getVolatile(leaf(sizeClass, word)) != 0) {
                setBit(summaries, summary(sizeClass, word >>> SHIFT), word);
                // Who set the bit below may have lowered the start while there was none above, for raiseStart to see.
                lowerStart((long)sizeClass * CacheLine.STRIDE_WORDS, word >>> SHIFT);
            }
        }
        final long now = table.wordVolatile(slab);
        if (SlabWord.state(now) == SlabWord.LISTED && SlabWord.sizeClass(now) == sizeClass) {
            add(sizeClass, slab);
        }
    }

    /** Whether the word of bits was empty before. */
    private static boolean setBit(final Words words, final long at, final int bit) {
        final long mask = 1L << bit;
        long seen;
        do {
            seen = words.getVolatile(at);
        } while ((seen & mask) == 0 && !words.compareAndSet(at, seen, seen | mask));
        return seen == 0;
    }

    /** What is left. */
    private static long clearBit(final Words words, final long at, final int bit) {
        final long mask = 1L << bit;
        long seen;
        do {
            seen = words.getVolatile(at);
        } while ((seen & mask) != 0 && !words.compareAndSet(at, seen, seen & ~mask));
        return seen & ~mask;
    }

    /**
     * A slab whose bit is set.
     *
     * @param from no lower one.
     * @return its number, or {@link #NONE}.
     */
    int next(final int sizeClass, final int from) {
        final int limit = table.limit();
        int word = from >>> SHIFT;
        if (from >= limit) {
            return NONE;
        }
        final long first = leaves.getVolatile(leaf(sizeClass, word)) & -1L << from;
        if (first != 0) {
            return (word << SHIFT) + Long.numberOfTrailingZeros(first);
        }
        word++;
        while (word << SHIFT < limit) {
            final long bits = summaries.getVolatile(summary(sizeClass, word >>> SHIFT)) & -1L << word;
            if (bits == 0) {
                word = (word >>> SHIFT) + 1 << SHIFT;
                continue;
            }
            word = (word & -1 << SHIFT) + Long.numberOfTrailingZeros(bits);
            final long leaf = leaves.getVolatile(leaf(sizeClass, word));
            if (leaf != 0) {
                return (word << SHIFT) + Long.numberOfTrailingZeros(leaf);
            }
            word++;
        }
        return NONE;
    }

    /** Where a search for the lowest begins: no slab of the class is listed below. */
    int start(final int sizeClass) {
        return (int)lowest.getVolatile((long)sizeClass * CacheLine.STRIDE_WORDS) << 2 * SHIFT;
    }

    /** Notes that a search from {@link #start} on has found nothing below. What is listed meanwhile corrects it. */
    void raiseStart(final int sizeClass, final int start, final int to) {
        final long hint = (long)sizeClass * CacheLine.STRIDE_WORDS;
        final int before = start >>> 2 * SHIFT;
        final int after = Math.min(to >>> 2 * SHIFT, summaryWords);
        if (after > before && lowest.compareAndSet(hint, before, after)) {
            // As b3: what was listed between the search and the store would be overlooked for ever.
            for (int word = before; word < after; word++) {
                if (summaries.getVolatile(summary(sizeClass, word)) != 0) {
                    lowerStart(hint, word);
                }
            }
        }
    }

    private void lowerStart(final long hint, final int word) {
        long low = lowest.getVolatile(hint);
        while (low > word && !lowest.compareAndSet(hint, low, word)) {
            low = lowest.getVolatile(hint);
        }
    }

    /** Whether the bit of a slab is set; for the walker. */
    boolean isListed(final int sizeClass, final int slab) {
        return (leaves.getVolatile(leaf(sizeClass, slab >>> SHIFT)) >>> slab & 1) != 0
            && (summaries.getVolatile(summary(sizeClass, slab >>> 2 * SHIFT)) >>> (slab >>> SHIFT) & 1) != 0;
    }
}
