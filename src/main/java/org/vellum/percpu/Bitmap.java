package org.vellum.percpu;

/**
 * Searches and marks in bitmaps of 64-bit words. Ranges are half-open; a search looks at no word beyond its limit, so that
 * what is asked of one page costs at most the sixteen words of that page.
 */
final class Bitmap {
    private static final int WORD_SHIFT = 6;
    private static final long ALL = -1L;

    private Bitmap() {
    }

    /** How many words hold {@code bits} bits. */
    static int words(final int bits) {
        return bits + Long.SIZE - 1 >>> WORD_SHIFT;
    }

    static int count(final long[] words) {
        int count = 0;
        for (final long word : words) {
            count += Long.bitCount(word);
        }
        return count;
    }

    static boolean get(final long[] words, final int bit) {
        return (words[bit >>> WORD_SHIFT] >>> bit & 1) != 0;
    }

    static void set(final long[] words, final int bit) {
        words[bit >>> WORD_SHIFT] |= 1L << bit;
    }

    static void clear(final long[] words, final int bit) {
        words[bit >>> WORD_SHIFT] &= ~(1L << bit);
    }

    /** Sets a range that is not empty. */
    static void set(final long[] words, final int from, final int to) {
        final int last = to - 1 >>> WORD_SHIFT;
        for (int word = from >>> WORD_SHIFT; word <= last; word++) {
            words[word] |= mask(word, from, to);
        }
    }

    /** Clears a range that is not empty. */
    static void clear(final long[] words, final int from, final int to) {
        final int last = to - 1 >>> WORD_SHIFT;
        for (int word = from >>> WORD_SHIFT; word <= last; word++) {
            words[word] &= ~mask(word, from, to);
        }
    }

    /** Which bits of a word the range covers; the word and the range have some in common. */
    private static long mask(final int word, final int from, final int to) {
        final int base = word << WORD_SHIFT;
        final long low = from > base ? ALL << from : ALL;
        final long high = to < base + Long.SIZE ? ALL >>> -to : ALL;
        return low & high;
    }

    /** The lowest set bit at or above {@code from}; {@code limit} if there is none below it. */
    static int nextSet(final long[] words, final int from, final int limit) {
        return next(words, 0, from, limit);
    }

    /** The lowest clear bit at or above {@code from}; {@code limit} if there is none below it. */
    static int nextClear(final long[] words, final int from, final int limit) {
        return next(words, ALL, from, limit);
    }

    private static int next(final long[] words, final long flip, final int from, final int limit) {
        if (from >= limit) {
            return limit;
        }
        int word = from >>> WORD_SHIFT;
        final int last = limit - 1 >>> WORD_SHIFT;
        long bits = (words[word] ^ flip) & ALL << from;
        while (bits == 0 && word < last) {
            bits = words[++word] ^ flip;
        }
        return bits == 0 ? limit : Math.min(limit, (word << WORD_SHIFT) + Long.numberOfTrailingZeros(bits));
    }

    /** The lowest bit at or above {@code from} that is clear in one map or set in the other; {@code limit} if there is none. */
    static int nextClearOrSet(final long[] clear, final long[] set, final int from, final int limit) {
        if (from >= limit) {
            return limit;
        }
        int word = from >>> WORD_SHIFT;
        final int last = limit - 1 >>> WORD_SHIFT;
        long bits = (~clear[word] | set[word]) & ALL << from;
        while (bits == 0 && word < last) {
            word++;
            bits = ~clear[word] | set[word];
        }
        return bits == 0 ? limit : Math.min(limit, (word << WORD_SHIFT) + Long.numberOfTrailingZeros(bits));
    }

    /** The first bit of the clear run that ends before {@code to}, at least {@code low}; {@code to} if the bit below it is set. */
    static int startOfClear(final long[] words, final int low, final int to) {
        if (to <= low) {
            return to;
        }
        int word = to - 1 >>> WORD_SHIFT;
        final int first = low >>> WORD_SHIFT;
        long bits = words[word] & ALL >>> -to;
        while (bits == 0 && word > first) {
            bits = words[--word];
        }
        return bits == 0 ? low : Math.max(low, (word << WORD_SHIFT) + Long.SIZE - Long.numberOfLeadingZeros(bits));
    }
}
