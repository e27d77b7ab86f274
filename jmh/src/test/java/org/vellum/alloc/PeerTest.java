package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.annotations.Param;

/** Every row does what a benchmark asks of it, and what this JDK lacks says so. */
class PeerTest {
    private static final int SLOTS = 64;
    private static final int FIRST_WITH_ARENAS = 22;
    private static final String ARENAS = "confinedArena";

    /** The rows themselves, as JMH reads them. */
    private static Stream<String> rows() throws ReflectiveOperationException {
        return Arrays.stream(PeerRow.class.getDeclaredField("peer").getAnnotation(Param.class).value());
    }

    private static boolean missing(final String row) {
        return row.equals(ARENAS) && Runtime.version().feature() < FIRST_WITH_ARENAS;
    }

    @ParameterizedTest
    @MethodSource("rows")
    void allocatesTouchesAndFrees(final String row) {
        if (missing(row)) {
            assertTrue(assertThrows(UnsupportedOperationException.class, () -> PeerAllocator.open(row)).getMessage()
                .startsWith("not available on JDK "));
            return;
        }
        try (PeerAllocator allocator = PeerAllocator.open(row)) {
            final Peer peer = allocator.peer(SLOTS);
            peer.begin();
            for (final int size : new int[] {15, 64, 16_384, 1 << 20}) {
                assertTrue(peer.cycle(size) != 0);
                for (int slot = 0; slot < SLOTS; slot++) {
                    peer.allocate(slot, size);
                }
                for (int slot = SLOTS - 1; slot >= 0; slot--) {
                    peer.free(slot);
                }
            }
            assertTrue(allocator.reservedBytes() >= 0);
            peer.end();
            peer.close();
        }
    }

    @ParameterizedTest
    @MethodSource("rows")
    void handsOver(final String row) {
        if (missing(row)) {
            return;
        }
        try (PeerAllocator allocator = PeerAllocator.open(row)) {
            if (row.equals(ARENAS)) {
                assertThrows(UnsupportedOperationException.class, () -> allocator.channel(1));
                return;
            }
            handsOver(allocator, 1);
            handsOver(allocator, 3);
        }
    }

    private static void handsOver(final PeerAllocator allocator, final int senders) {
        final Channel channel = allocator.channel(senders);
        final Peer sender = allocator.peer(Channel.CAPACITY + 1);
        sender.begin();
        for (int slot = 0; slot < Channel.CAPACITY; slot++) {
            sender.allocate(slot, 1024);
            assertTrue(sender.send(channel, slot));
        }
        sender.allocate(Channel.CAPACITY, 1024);
        assertFalse(sender.send(channel, Channel.CAPACITY));
        sender.free(Channel.CAPACITY);
        final int received = CompletableFuture.supplyAsync(() -> receiveAll(allocator, channel)).join();
        assertEquals(Channel.CAPACITY, received);
        assertTrue(channel.received != 0, "the words that were stored are addresses");
        sender.end();
        sender.close();
    }

    private static int receiveAll(final PeerAllocator allocator, final Channel channel) {
        final Peer receiver = allocator.peer(0);
        receiver.begin();
        int received = 0;
        while (receiver.receive(channel)) {
            received++;
        }
        receiver.end();
        receiver.close();
        return received;
    }

    @Test
    void aRowThatIsNoneIsNamed() {
        assertEquals("peer=nosuch",
            assertThrows(IllegalArgumentException.class, () -> PeerAllocator.open("nosuch")).getMessage());
    }

    @Test
    void sizesPeakWhereTheySay() {
        final int[] sizes = SizeHistogram.draw(new SplittableRandom(1), 100_000);
        assertArrayEquals(sizes, SizeHistogram.draw(new SplittableRandom(1), 100_000));
        final long peaks = Arrays.stream(sizes)
            .filter(size -> Arrays.binarySearch(new int[] {15, 256, 636, 1_024, 2_048, 16_639}, size) >= 0).count();
        assertTrue(peaks > 79_000 && peaks < 83_000, "peaks=" + peaks);
        assertEquals(15, Arrays.stream(sizes).min().orElseThrow());
        assertEquals(16_639, Arrays.stream(sizes).max().orElseThrow());
        final double mean = Arrays.stream(sizes).average().orElseThrow();
        assertTrue(mean > 1_500 && mean < 1_800, "mean=" + mean);
    }
}
