package org.vellum.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class WordsTest {
    @Test
    void wordsAreAlignedAndNeighboursDoNotOverlap() {
        for (final long length : new long[] {1, 2, 15, 16, 17, 1000}) {
            final Words words = Words.zeroed(length);
            assertEquals(length, words.length());
            assertEquals(0, words.address(0) & (CacheLine.STRIDE_BYTES - 1));
            assertEquals(words.address(0) + 8 * length, words.address(length));
            for (long i = 0; i < length; i++) {
                assertEquals(0, words.getPlain(i));
                words.putPlain(i, ~i);
            }
            for (long i = 0; i < length; i++) {
                assertEquals(~i, words.getPlain(i));
            }
        }
    }

    @Test
    void zeroClearsExactlyItsRange() {
        final Words words = Words.reserve(64);
        for (int i = 0; i < 64; i++) {
            words.putPlain(i, -1);
        }
        words.zero(3, 0);
        words.zero(10, 5);
        for (int i = 0; i < 64; i++) {
            assertEquals(i >= 10 && i < 15 ? 0 : -1, words.getPlain(i), "i=" + i);
        }
    }

    @Test
    void everyAccessorReachesTheSameWord() {
        final Words words = Words.zeroed(8);
        words.putPlain(3, 1);
        assertEquals(1, words.getOpaque(3));
        words.putOpaque(3, 2);
        assertEquals(2, words.getAcquire(3));
        words.putRelease(3, 3);
        assertEquals(3, words.getVolatile(3));
        words.putVolatile(3, Long.MIN_VALUE + 4);
        assertEquals(Long.MIN_VALUE + 4, words.getPlain(3));
        assertFalse(words.compareAndSet(3, 4, 5));
        assertTrue(words.compareAndSet(3, Long.MIN_VALUE + 4, 5));
        assertEquals(5, words.getAndAdd(3, -7));
        assertEquals(-2, words.getAndSet(3, 9));
        assertEquals(9, words.getPlain(3));
        for (int i = 0; i < 8; i++) {
            assertEquals(i == 3 ? 9 : 0, words.getPlain(i));
        }
    }

    @Test
    void indexesAreCheckedByAssertion() {
        final Words words = Words.zeroed(4);
        assertThrows(AssertionError.class, () -> words.getPlain(4));
        assertThrows(AssertionError.class, () -> words.putVolatile(-1, 0));
        assertThrows(AssertionError.class, () -> words.getAndAdd(Long.MIN_VALUE, 0));
        assertThrows(AssertionError.class, () -> words.address(5));
        assertThrows(AssertionError.class, () -> words.zero(2, 3));
        assertThrows(AssertionError.class, () -> words.zero(0, -1));
    }

    @Test
    void lengthsOutOfRangeAreNamed() {
        for (final long length : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE / 8}) {
            final IllegalArgumentException error =
                assertThrows(IllegalArgumentException.class, () -> Words.reserve(length));
            assertEquals("length=" + length, error.getMessage());
        }
    }

    @Test
    void pagesAreRoundedUpWithoutWrapping() {
        assertEquals(0, Pages.of(0));
        assertEquals(1, Pages.of(1));
        assertEquals(1, Pages.of(Pages.SIZE));
        assertEquals(2, Pages.of(Pages.SIZE + 1));
        assertEquals(1L << 51, Pages.of(Long.MAX_VALUE));
    }
}
