package org.vellum.alloc;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * Allocate, store one word into each page, free: by the same thread at once, which is what every allocator does best.
 *
 * <p>Peer {@code floor} is the stores alone. Run, here on two threads:
 * {@code java -jar jmh/target/benchmarks.jar '\.AllocatorBenchmark\.' -t 2 -prof gc -rf json -rff 2.json}; {@link AllocatorTable}
 * makes tables of such files.
 */
public class AllocatorBenchmark extends PeerBenchmark {
    /** A thread and how much it allocates. */
    public static class Caller extends PeerUser {
        @Param({"64", "1024", "16384", "262144", "1048576"})
        int size;
    }

    /**
     * @param caller of this thread.
     * @return something that depends on the allocation.
     */
    @Benchmark
    public long allocateTouchFree(final Caller caller) {
        return caller.peer.cycle(caller.size);
    }
}
