package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Nothing is lost, nothing comes twice, and what one producer sends stays in order. */
class LongRingTest {
    private static final int NUMBERS = 60_000;

    private static Stream<IntFunction<LongRing>> rings() {
        return Stream.of(SpscLongRing::new, MpscLongRing::new);
    }

    @ParameterizedTest
    @MethodSource("rings")
    void holdsItsCapacityAndNoMore(final IntFunction<LongRing> make) {
        final LongRing ring = make.apply(4);
        assertEquals(LongRing.EMPTY, ring.poll());
        for (int lap = 0; lap < 5; lap++) {
            for (int i = 0; i < 4; i++) {
                assertTrue(ring.offer(i));
            }
            assertFalse(ring.offer(4));
            for (int i = 0; i < 4; i++) {
                assertEquals(i, ring.poll());
            }
            assertEquals(LongRing.EMPTY, ring.poll());
            assertTrue(ring.offer(Long.MIN_VALUE + lap));
            assertEquals(Long.MIN_VALUE + lap, ring.poll());
        }
    }

    @Test
    void aCapacityIsAPowerOfTwo() {
        assertEquals("capacity=3", assertThrows(IllegalArgumentException.class, () -> new SpscLongRing(3)).getMessage());
    }

    @Test
    void oneProducer() {
        race(new SpscLongRing(16), 1);
    }

    @Test
    void threeProducers() {
        race(new MpscLongRing(16), 3);
    }

    private static void race(final LongRing ring, final int producers) {
        final List<CompletableFuture<Void>> running = new ArrayList<>();
        for (int producer = 0; producer < producers; producer++) {
            final long mark = (long)producer << Integer.SIZE;
            running.add(CompletableFuture.runAsync(() -> produce(ring, mark), work -> new Thread(work).start()));
        }
        final long[] expected = new long[producers];
        for (int received = 0; received < NUMBERS * producers;) {
            final long number = ring.poll();
            if (number == LongRing.EMPTY) {
                Thread.yield();
            } else {
                assertEquals(expected[(int)(number >>> Integer.SIZE)]++, number & 0xFFFF_FFFFL);
                received++;
            }
        }
        running.forEach(CompletableFuture::join);
        assertEquals(LongRing.EMPTY, ring.poll());
    }

    private static void produce(final LongRing ring, final long mark) {
        for (int i = 0; i < NUMBERS; i++) {
            while (!ring.offer(mark + i)) {
                Thread.yield();
            }
        }
    }
}
