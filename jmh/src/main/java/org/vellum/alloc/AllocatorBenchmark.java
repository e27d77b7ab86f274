package org.vellum.alloc;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Allocate, store one word into each page, free: by the same thread at once, which is what every allocator does best.
 *
 * <p>Peer {@code floor} is the stores alone. Run, here on two threads:
 * {@code java -jar jmh/target/benchmarks.jar '\.AllocatorBenchmark\.' -t 2 -prof gc -rf json -rff 2.json}; {@link AllocatorTable}
 * makes tables of such files.
 */
public class AllocatorBenchmark extends PeerBenchmark {
    /** What a thread needs. */
    @State(Scope.Thread)
    public static class Caller {
        @Param({"64", "1024", "16384", "262144", "1048576"})
        int size;
        Peer peer;

        /** @param row of the trial. */
        @Setup(Level.Trial)
        public void open(final PeerRow row) {
            peer = row.allocator.peer(0);
        }

        /** On the thread that will call. */
        @Setup(Level.Iteration)
        public void begin() {
            peer.begin();
        }

        /** On the thread that called. */
        @TearDown(Level.Iteration)
        public void end() {
            peer.end();
        }

        /** Nothing is allocated now. */
        @TearDown(Level.Trial)
        public void close() {
            peer.close();
        }
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
