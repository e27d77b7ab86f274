package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;

/** The hash of the shared window while another thread changes it. */
final class KmapHashTest {
    private static final int LEAST_MILLIS = 200;
    private static final long MOVES = 1_000_000;
    /** Of four slots: twice as many buckets. */
    private static final int BITS = 3;

    private final KmapSlots slots = new KmapSlots(4);
    private final KmapHash hash = new KmapHash(slots);

    private static long frameOf(final int bucket, final long from) {
        long frame = from;
        while (KmapHash.bucket(frame, BITS) != bucket) {
            frame++;
        }
        return frame;
    }

    private void map(final int slot, final long frame) {
        slots.put(slot, KmapWord.of(frame, true, KmapWord.UNUSED + 1));
        hash.add(frame, slot);
    }

    private void flush(final int slot, final long frame) {
        slots.put(slot, KmapWord.FLUSHING);
        hash.remove(frame, slot);
    }

    /** A slot before it in its chain goes, and comes back in another chain: whoever holds a map finds it all the same (K5). */
    @Test
    void aFrameThatIsMappedAllTheWhileIsAlwaysFound() throws Exception {
        final long held = frameOf(5, 0);
        final long sameChain = frameOf(5, held + 1);
        final long otherChain = frameOf(6, 0);
        map(0, otherChain);
        flush(0, otherChain);
        map(0, held);
        final AtomicLong moves = new AtomicLong();
        final AtomicLong found = new AtomicLong();
        final StressClock clock = new StressClock(LEAST_MILLIS, () -> moves.get() > MOVES && found.get() > MOVES);
        SmallMemory.inThreads(2, thread -> {
            while (clock.running()) {
                if (thread == 0) {
                    map(1, sameChain);
                    flush(1, sameChain);
                    map(1, otherChain);
                    flush(1, otherChain);
                    moves.incrementAndGet();
                } else {
                    assertEquals(0, hash.find(held), () -> "moves=" + moves + " found=" + found);
                    found.incrementAndGet();
                }
            }
        });
        clock.assertCovered(() -> "moves=" + moves + " found=" + found);
    }
}
