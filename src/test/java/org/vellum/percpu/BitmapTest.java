package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class BitmapTest {
    private static final int BITS = 200;

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final long[] words = new long[Bitmap.words(BITS)];
    private final long[] others = new long[Bitmap.words(BITS)];

    @Test
    void aWordHolds64Bits() {
        assertEquals(0, Bitmap.words(0));
        assertEquals(1, Bitmap.words(64));
        assertEquals(2, Bitmap.words(65));
    }

    @Test
    void rangesThatEndWithAWord() {
        Bitmap.set(words, 64, 128);
        assertEquals(-1L, words[1]);
        assertEquals(64, Bitmap.count(words));
        assertFalse(Bitmap.get(words, 63));
        assertFalse(Bitmap.get(words, 128));
        assertEquals(128, Bitmap.nextClear(words, 64, BITS));
        assertEquals(100, Bitmap.nextClear(words, 64, 100));
        assertEquals(0, Bitmap.startOfClear(words, 0, 64));
        assertEquals(10, Bitmap.startOfClear(words, 10, 64));
        assertEquals(128, Bitmap.startOfClear(words, 0, 128));
        assertEquals(128, Bitmap.startOfClear(words, 0, 140));
        Bitmap.clear(words, 64, 128);
        assertEquals(BITS, Bitmap.nextSet(words, 0, BITS));
    }

    @Test
    void everySearchEqualsThatOfABitSet() {
        System.out.println("BitmapTest -Dvellum.seed=" + seed);
        final BitSet set = new BitSet(BITS);
        final BitSet other = new BitSet(BITS);
        boolean limitHit = false;
        for (int i = 0; i < 100_000; i++) {
            change(words, set);
            change(others, other);
            final int from = random.nextInt(BITS);
            final int limit = random.nextInt(from, BITS + 1);
            final int nextSet = set.nextSetBit(from);
            assertEquals(nextSet < 0 ? limit : Math.min(limit, nextSet), Bitmap.nextSet(words, from, limit), () -> "seed=" + seed);
            assertEquals(Math.min(limit, set.nextClearBit(from)), Bitmap.nextClear(words, from, limit), () -> "seed=" + seed);
            final int nextOther = other.nextSetBit(from) < 0 ? limit : other.nextSetBit(from);
            assertEquals(Math.min(Math.min(limit, nextOther), set.nextClearBit(from)),
                Bitmap.nextClearOrSet(words, others, from, limit), () -> "seed=" + seed);
            assertEquals(Math.max(from, set.previousSetBit(limit - 1) + 1), Bitmap.startOfClear(words, from, limit), () -> "seed=" + seed);
            assertEquals(set.get(from), Bitmap.get(words, from));
            assertEquals(set.cardinality(), Bitmap.count(words));
            limitHit |= nextSet > limit;
        }
        assertTrue(limitHit);
    }

    private void change(final long[] bits, final BitSet set) {
        final int from = random.nextInt(BITS);
        final int to = random.nextInt(from, Math.min(BITS, from + 1 + random.nextInt(100))) + 1;
        switch (random.nextInt(4)) {
            case 0 -> {
                Bitmap.set(bits, from, to);
                set.set(from, to);
            }
            case 1 -> {
                Bitmap.clear(bits, from, to);
                set.clear(from, to);
            }
            case 2 -> {
                Bitmap.set(bits, from);
                set.set(from);
            }
            default -> {
                Bitmap.clear(bits, from);
                set.clear(from);
            }
        }
    }
}
