package org.vellum.alloc;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.GroupThreads;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.Control;

/**
 * Threads that allocate and touch, and one that reads and frees what they send it: one sender ({@code handOver}), or three
 * ({@code handOver3to1}).
 *
 * <p>A buffer's cost is the score of {@code receive}. Both sides wait for each other, spinning first, then giving up their
 * processor, so that a score includes whichever side is slower. Run: {@code java -jar jmh/target/benchmarks.jar
 * '\.CrossThreadBenchmark\.'}.
 */
public class CrossThreadBenchmark extends PeerBenchmark {
    /** A thread of a group. */
    public static class Caller extends PeerUser {
        private static final int SPINS = 200;

        @Param({"64", "1024", "16384"})
        int size;

        private void waitAfter(final int tries) {
            peer.pause();
            if (tries < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    /** From senders to receiver. */
    @State(Scope.Group)
    public static class Way {
        private Channel channel;
        private Peer sweeper;

        /**
         * @param row    of the trial.
         * @param params of the group: all its threads but one send.
         */
        @Setup(Level.Trial)
        public void open(final PeerRow row, final BenchmarkParams params) {
            int threads = 0;
            for (final int method : params.getThreadGroups()) {
                threads += method;
            }
            channel = row.allocator.channel(threads - 1);
            sweeper = row.allocator.peer(1);
        }

        /** Frees what is under way; on any thread of the group, when none of them sends or receives. */
        @TearDown(Level.Iteration)
        public void sweep() {
            sweeper.begin();
            boolean more = true;
            while (more) {
                more = sweeper.receive(channel);
            }
            sweeper.end();
        }

        /** Nothing is allocated now. */
        @TearDown(Level.Trial)
        public void close() {
            sweeper.close();
        }
    }

    private static void sendOne(final Caller caller, final Way way, final Control control) {
        caller.peer.allocate(0, caller.size);
        for (int tries = 0; !caller.peer.send(way.channel, 0); tries++) {
            if (control.stopMeasurement) {
                caller.peer.free(0);
                return;
            }
            caller.waitAfter(tries);
        }
    }

    private static long receiveOne(final Caller caller, final Way way, final Control control) {
        for (int tries = 0; !caller.peer.receive(way.channel); tries++) {
            if (control.stopMeasurement) {
                break;
            }
            caller.waitAfter(tries);
        }
        return way.channel.received;
    }

    /**
     * @param caller  of this thread.
     * @param way     of the group.
     * @param control says when to stop.
     */
    @Benchmark
    @Group("handOver")
    @GroupThreads(1)
    public void send(final Caller caller, final Way way, final Control control) {
        sendOne(caller, way, control);
    }

    /**
     * @param caller  of this thread.
     * @param way     of the group.
     * @param control says when to stop.
     * @return something that depends on what was received.
     */
    @Benchmark
    @Group("handOver")
    @GroupThreads(1)
    public long receive(final Caller caller, final Way way, final Control control) {
        return receiveOne(caller, way, control);
    }

    /**
     * @param caller  of this thread.
     * @param way     of the group.
     * @param control says when to stop.
     */
    @Benchmark
    @Group("handOver3to1")
    @GroupThreads(3)
    public void send3(final Caller caller, final Way way, final Control control) {
        sendOne(caller, way, control);
    }

    /**
     * @param caller  of this thread.
     * @param way     of the group.
     * @param control says when to stop.
     * @return something that depends on what was received.
     */
    @Benchmark
    @Group("handOver3to1")
    @GroupThreads(1)
    public long receive3(final Caller caller, final Way way, final Control control) {
        return receiveOne(caller, way, control);
    }
}
