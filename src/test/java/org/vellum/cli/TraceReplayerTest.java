package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.report.ExhaustedException;

@Timeout(120)
final class TraceReplayerTest {
    private static final int LARGEST = 20_000;

    private final Console console = new Console(
        new PrintStream(new ByteArrayOutputStream()), new PrintStream(new ByteArrayOutputStream()), true);

    private TraceReplayer.Result replay(final Trace trace, final int threads, final Allocations allocations) {
        return new TraceReplayer(trace, threads, allocations).run(console);
    }

    /** Threads at random, so that most frees are on another thread than the allocation, and mostly short lives. */
    private static Trace random(final long seed, final int threads, final int operations, final boolean freeAll) {
        final SplittableRandom random = new SplittableRandom(seed);
        final Trace trace = new Trace();
        final List<Integer> live = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            trace.thread(t);
            live.add(trace.allocate(t, 1 + t));
        }
        while (trace.operations() < operations || freeAll && !live.isEmpty()) {
            trace.thread(random.nextInt(threads));
            if (trace.operations() < operations && random.nextInt(live.size() + 10) < 10) {
                live.add(trace.allocate(trace.allocations(), 1 + random.nextInt(1 + random.nextInt(LARGEST))));
            } else {
                trace.free(live.remove(random.nextInt(live.size())));
            }
        }
        return trace;
    }

    @ParameterizedTest
    @CsvSource({"1, 1, true", "4, 4, true", "4, 4, false", "4, 3, false", "4, 1, true", "40, 16, false"})
    void everyByteIsThereAtItsFree(final int traceThreads, final int threads, final boolean contiguous) {
        final Trace trace = random(traceThreads, traceThreads, 20_000, true);
        final NativeAllocations allocations = new NativeAllocations(contiguous);
        final TraceReplayer.Result result = replay(trace, threads, allocations);
        assertEquals(threads, result.threads());
        assertEquals(trace.operations(), result.operations());
        assertEquals(0, result.contentErrors());
        assertNull(result.firstError());
        assertEquals(trace.allocations(), allocations.allocations.get());
        assertEquals(0, allocations.liveBytes());
        assertEquals(0, result.leftAllocations());
        assertTrue(result.nanos() > 0 && result.nanos() < 1e9, result.toString());
    }

    @Test
    void figuresOfOneThreadAreThoseOfTheTrace() {
        final Trace trace = random(3, 4, 10_000, true);
        final TraceReplayer.Result result = replay(trace, 1, new NativeAllocations(true));
        assertEquals(trace.peakLiveBytes(), result.peakLive());
        assertEquals(2 * trace.peakLiveBytes(), result.peakReserved());
        assertEquals(2, result.fragmentation());
    }

    @Test
    void whatTheTraceLeavesIsVerifiedAndFreed() {
        final Trace trace = random(4, 3, 5000, false);
        assertTrue(trace.liveBytes() > 0);
        final NativeAllocations allocations = new NativeAllocations(true);
        final TraceReplayer.Result result = replay(trace, 3, allocations);
        assertEquals(trace.operations(), result.operations());
        assertEquals(trace.liveBytes(), result.leftBytes());
        assertEquals(0, result.contentErrors());
        assertEquals(0, allocations.liveBytes());
    }

    /** The free comes first: the thread of the allocation goes on only when that of the free has parked. */
    @Test
    void freeWaitsForItsAllocation() {
        final Trace trace = new Trace();
        trace.thread(0);
        trace.allocate(1, 100);
        trace.thread(1);
        trace.free(0);
        final AtomicBoolean waited = new AtomicBoolean();
        final TraceReplayer.Result result = replay(trace, 2, new NativeAllocations(true) {
            @Override
            public long allocate(final long size) {
                while (!waited.get()) {
                    waited.set(Thread.getAllStackTraces().keySet().stream()
                        .anyMatch(thread -> LockSupport.getBlocker(thread) instanceof ReplayBoard));
                }
                return super.allocate(size);
            }
        });
        assertTrue(waited.get());
        assertEquals(0, result.contentErrors());
        assertEquals(2, result.operations());
    }

    /** A thread that only allocates does not get through before the one that frees: the peak is nearly the trace's own. */
    @Test
    void nobodyRunsAhead() {
        final Trace trace = new Trace();
        final int size = 512;
        for (int i = 0; i < 100_000; i++) {
            trace.thread(0);
            final int allocation = trace.allocate(i, size);
            trace.thread(1);
            trace.free(allocation);
        }
        final TraceReplayer.Result result = replay(trace, 2, new NativeAllocations(true));
        assertTrue(result.peakLive() >= size && result.peakLive() <= (ReplayBoard.WINDOW + 2L) * size, result.toString());
        assertEquals(0, result.contentErrors());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 7, 8, 4095, 4096, 9998, 9999})
    void wrongByteIsAnErrorWhereverItIs(final long offset) {
        final Trace trace = new Trace();
        trace.thread(0);
        trace.allocate(71, 10_000);
        trace.allocate(72, 10_000);
        trace.free(0);
        trace.free(1);
        for (final boolean contiguous : new boolean[] {true, false}) {
            // Damages what is still live when something else is freed: a write beyond an end, or after a free.
            final TraceReplayer.Result result = replay(trace, 1, new NativeAllocations(contiguous) {
                @Override
                public void free(final long address) {
                    super.free(address);
                    live.keySet().forEach(other -> UnsafeApi.putByte(other + offset, (byte)~UnsafeApi.getByte(other + offset)));
                }
            });
            assertEquals(1, result.contentErrors());
            assertTrue(result.firstError().startsWith("id=72 size=10000 offset="), result.firstError());
            final long found = Long.parseLong(result.firstError().substring("id=72 size=10000 offset=".length()));
            assertTrue(found <= offset && offset < found + 8, result.firstError());
        }
    }

    @Test
    void wrongByteOfWhatIsLeftIsAnError() {
        final Trace trace = new Trace();
        trace.thread(0);
        trace.allocate(5, 64);
        trace.allocate(6, 64);
        trace.free(0);
        final TraceReplayer.Result result = replay(trace, 1, new NativeAllocations(true) {
            @Override
            public void free(final long address) {
                super.free(address);
                live.keySet().forEach(other -> UnsafeApi.putByte(other, (byte)~UnsafeApi.getByte(other)));
            }
        });
        assertEquals(1, result.contentErrors());
        assertEquals("id=6 size=64 offset=0", result.firstError());
        assertEquals(1, result.leftAllocations());
    }

    /** Hands out memory that is somebody's, once in a while. */
    private static final class Overlapping extends NativeAllocations {
        private final long arena = UnsafeApi.allocateMemory(1 << 20);
        private long next;

        Overlapping() {
            super(true);
        }

        @Override
        public synchronized long allocate(final long size) {
            final long address = arena + next;
            next += allocations.incrementAndGet() % 10 == 0 ? size / 2 : size;
            return address;
        }

        @Override
        public void free(final long address) {
        }

        @Override
        public long nativeAddress(final long address) {
            return address;
        }
    }

    @Test
    void memoryOfTwoOwnersShows() {
        final Trace trace = new Trace();
        final int pairs = 100;
        for (int i = 0; i < pairs; i++) {
            trace.thread(i % 2);
            trace.allocate(i, 128);
        }
        // Each thread first frees what the other allocated last, so nothing is looked at before all of it is filled.
        for (int i = pairs - 1; i >= 0; i--) {
            trace.thread((i + 1) % 2);
            trace.free(i);
        }
        final Overlapping allocations = new Overlapping();
        assertEquals(9, replay(trace, 1, allocations).contentErrors());
        final Overlapping others = new Overlapping();
        // Of two that overlap one at least has been overwritten; two threads that fill at the same time may spoil both.
        final long errors = replay(trace, 2, others).contentErrors();
        assertTrue(errors >= 9 && errors <= 18, () -> "errors=" + errors);
        UnsafeApi.freeMemory(allocations.arena);
        UnsafeApi.freeMemory(others.arena);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void exhaustionEndsTheReplayAndFreesEverything(final int threads) {
        final Trace trace = random(9, 4, 20_000, true);
        final ExhaustedException thrown = new ExhaustedException(ExhaustedException.Resource.FRAMES, "asked=1 free=0");
        final NativeAllocations allocations = new NativeAllocations(true) {
            @Override
            public long allocate(final long size) {
                if (allocations.get() >= 3000) {
                    throw thrown;
                }
                return super.allocate(size);
            }
        };
        assertSame(thrown, assertThrows(ExhaustedException.class, () -> replay(trace, threads, allocations)));
        assertTrue(allocations.allocations.get() >= 3000);
        assertEquals(0, allocations.liveBytes());
    }
}
