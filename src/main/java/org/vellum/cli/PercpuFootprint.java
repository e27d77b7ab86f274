package org.vellum.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.vellum.Vellum;
import org.vellum.mem.Pages;
import org.vellum.percpu.PerCpuCounter;
import org.vellum.percpu.PercpuAllocator;

/** How much memory many of a kind take, each, heap and off-heap together. */
final class PercpuFootprint {
    private static final int MOST_COLLECTIONS = 20;
    private static final int COUNTERS = 10_000;
    private static final int MEETINGS = 1_000;
    private static final int ALLOCATED_BYTES = 256 << 10;
    private static final int PATIENCE = 1000;
    private static final int FILLING_BYTES = 1024;

    private PercpuFootprint() {
    }

    /** Bytes of a counter to which two threads have added at the same time: a LongAdder has its cells by then. */
    static long ofCounter(final String impl, final long memoryBytes) {
        try (Vellum memory = Vellum.builder().memory(memoryBytes).open()) {
            final PercpuAllocator percpu = memory.percpu();
            // The first chunk is there in any case.
            final List<Long> filling = new ArrayList<>();
            while (percpu.stats().chunks() == 1) {
                filling.add(percpu.allocate(FILLING_BYTES, Integer.BYTES));
            }
            final Object[] counters = new Object[COUNTERS];
            final long heap = heapUsed();
            final long frames = percpu.stats().frames();
            addFromTwoThreads(impl, memory, counters);
            final long bytes = heapUsed() - heap + (percpu.stats().frames() - frames << Pages.SHIFT);
            for (final Object counter : counters) {
                if (counter instanceof PerCpuCounter ours) {
                    ours.close();
                }
            }
            filling.forEach(percpu::free);
            return Math.max(0, Math.round((double)bytes / COUNTERS));
        }
    }

    /** Makes the counters, and leaves no more of what has added to them. */
    private static void addFromTwoThreads(final String impl, final Vellum memory, final Object[] counters) {
        final CounterHammer.Counter[] wrapped = new CounterHammer.Counter[COUNTERS];
        for (int i = 0; i < COUNTERS; i++) {
            wrapped[i] = CounterHammer.of(impl, memory);
            counters[i] = wrapped[i].counter();
        }
        meet(i -> wrapped[i].increment());
    }

    /** Both threads at one counter at a time, as far as they can be had to. */
    private static void meet(final IntConsumer increment) {
        final AtomicInteger arrived = new AtomicInteger();
        final Crew crew = new Crew();
        for (int thread = 0; thread < 2; thread++) {
            crew.add("vellum-meeting", () -> {
                for (int i = 0; i < COUNTERS; i++) {
                    arrived.incrementAndGet();
                    for (int spins = 0; arrived.get() < 2 * (i + 1) && spins < PATIENCE; spins++) {
                        Thread.onSpinWait();
                    }
                    for (int n = 0; n < MEETINGS; n++) {
                        increment.accept(i);
                    }
                }
            });
        }
        crew.join();
    }

    /** Bytes of an allocation, on all CPUs together. */
    static long ofAllocation(final int size, final long memoryBytes) {
        try (Vellum memory = Vellum.builder().memory(memoryBytes).open()) {
            final PercpuAllocator percpu = memory.percpu();
            final List<Long> pointers = new ArrayList<>();
            // The first chunk is there in any case; what counts is what all others take for all that is in them.
            final long frames = percpu.stats().frames();
            while (percpu.stats().chunks() == 1) {
                pointers.add(percpu.allocate(size, Integer.BYTES));
            }
            final int count = Math.max(1, ALLOCATED_BYTES / size);
            for (int i = 1; i < count; i++) {
                pointers.add(percpu.allocate(size, Integer.BYTES));
            }
            final long bytes = percpu.stats().frames() - frames << Pages.SHIFT;
            pointers.forEach(percpu::free);
            return Math.round((double)bytes / count);
        }
    }

    /** After as many collections as find something: what others have left behind is not to vanish between two looks. */
    private static long heapUsed() {
        final Runtime runtime = Runtime.getRuntime();
        long least = Long.MAX_VALUE;
        for (int inVain = 0, rounds = 0; inVain < 2 && rounds < MOST_COLLECTIONS; rounds++) {
            System.gc();
            final long used = runtime.totalMemory() - runtime.freeMemory();
            inVain = used < least ? 0 : inVain + 1;
            least = Math.min(least, used);
        }
        return least;
    }
}
