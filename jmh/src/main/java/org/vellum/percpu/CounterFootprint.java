package org.vellum.percpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntFunction;
import org.vellum.Vellum;
import org.vellum.mem.Pages;

/**
 * How much memory so many counters take, to which all processors have added: bytes each, heap and off-heap.
 *
 * <pre>java --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED -cp jmh/target/benchmarks.jar org.vellum.percpu.CounterFootprint</pre>
 *
 * <p>Threads go through the counters in step and add to each as often as it takes for them to meet, so that a {@link LongAdder} has its
 * cells, as it has them in use. The heap is what is left after a collection; off-heap are the frames that are allocated.
 */
public final class CounterFootprint {
    private static final int COUNTERS = 100_000;
    private static final int ADDITIONS = 2_000;

    private CounterFootprint() {
    }

    /** Adds 1 to a counter. */
    private interface Adder {
        void add(Object counter);
    }

    /**
     * @param args none.
     * @throws Exception what threads threw.
     */
    public static void main(final String[] args) throws Exception {
        try (Vellum vellum = Vellum.open(1L << 30)) {
            final PercpuAllocator percpu = vellum.percpu();
            System.out.println("counters=" + COUNTERS + " slots=" + vellum.cpus().cachedSlots() + " processors="
                + Runtime.getRuntime().availableProcessors());
            System.out.printf("%-24s %10s %10s %10s%n", "bytes each", "heap", "off-heap", "all");
            final double adder = measure("LongAdder", vellum, i -> new LongAdder(), counter -> ((LongAdder)counter).add(1));
            measure("AtomicLong", vellum, i -> new AtomicLong(), counter -> ((AtomicLong)counter).getAndAdd(1));
            final double object =
                measure("PerCpuCounter", vellum, i -> new PerCpuCounter(percpu), counter -> ((PerCpuCounter)counter).add(1));
            final double bare = measurePointers(vellum);
            System.out.printf(Locale.ROOT, "PerCpuCounter / LongAdder %.2f, pointer / LongAdder %.2f%n", object / adder, bare / adder);
        }
    }

    private static double measure(
        final String name, final Vellum vellum, final IntFunction<Object> make, final Adder adder) throws Exception {
        final Object[] counters = new Object[COUNTERS];
        final long heap = heapUsed();
        final long frames = vellum.frames().allocatedFrames();
        for (int i = 0; i < COUNTERS; i++) {
            counters[i] = make.apply(i);
        }
        meet(i -> adder.add(counters[i]));
        final double bytes = print(name, heapUsed() - heap, vellum.frames().allocatedFrames() - frames);
        for (final Object counter : counters) {
            if (counter instanceof AutoCloseable closeable) {
                closeable.close();
            }
        }
        return bytes;
    }

    private static double measurePointers(final Vellum vellum) throws Exception {
        final PercpuAllocator percpu = vellum.percpu();
        final OwnCopy copies = percpu.access();
        vellum.percpu().balance();
        // The place in the array takes a reference's there, so of the eight bytes four are the pointer's own.
        final long[] pointers = new long[COUNTERS];
        final long heap = heapUsed() - 4L * COUNTERS;
        final long frames = vellum.frames().allocatedFrames();
        for (int i = 0; i < COUNTERS; i++) {
            pointers[i] = percpu.allocate(Long.BYTES, Long.BYTES);
        }
        meet(i -> copies.addLong(pointers[i], 1));
        final double bytes = print("pointer in a long[]", heapUsed() - heap, vellum.frames().allocatedFrames() - frames);
        for (final long pointer : pointers) {
            percpu.free(pointer);
        }
        return bytes;
    }

    private static double print(final String name, final long heap, final long frames) {
        final double onHeap = (double)heap / COUNTERS;
        final double offHeap = (double)(frames << Pages.SHIFT) / COUNTERS;
        System.out.printf(Locale.ROOT, "%-24s %10.1f %10.1f %10.1f%n", name, onHeap, offHeap, onHeap + offHeap);
        return onHeap + offHeap;
    }

    /** Adds to a numbered counter. */
    private interface Step {
        void add(int counter);
    }

    /** All threads at one counter at a time. */
    private static void meet(final Step step) throws InterruptedException {
        final int count = Math.max(2, Runtime.getRuntime().availableProcessors());
        final AtomicLong arrived = new AtomicLong();
        final List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < count; t++) {
            final Thread thread = new Thread(() -> {
                for (int i = 0; i < COUNTERS; i++) {
                    arrived.incrementAndGet();
                    // Nearly at once is enough, and on fewer processors than threads nobody is waited for.
                    for (int spins = 0; arrived.get() < (i + 1L) * count && spins < 1000; spins++) {
                        Thread.onSpinWait();
                    }
                    for (int n = 0; n < ADDITIONS; n++) {
                        step.add(i);
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (final Thread thread : threads) {
            thread.join();
        }
    }

    private static long heapUsed() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        final Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
