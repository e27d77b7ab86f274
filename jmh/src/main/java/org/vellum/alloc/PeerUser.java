package org.vellum.alloc;

import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A thread with its peer. What it keeps allocated it allocates and frees within an iteration, because only there it is sure to
 * stay on one thread, see {@link FastThreads}.
 */
@State(Scope.Thread)
public abstract class PeerUser {
    Peer peer;

    /** @return how many allocations it has at most at a time. */
    int slots() {
        return 1;
    }

    /** Allocates what the iteration starts with. */
    void fill() {
    }

    /** Frees what is left. */
    void drain() {
    }

    /** @param row of the trial. */
    @Setup(Level.Trial)
    public final void open(final PeerRow row) {
        peer = row.allocator.peer(slots());
    }

    /** On the thread that will call. */
    @Setup(Level.Iteration)
    public final void begin() {
        peer.begin();
        fill();
    }

    /** On the thread that called. */
    @TearDown(Level.Iteration)
    public final void end() {
        drain();
        peer.end();
    }

    /** Nothing is allocated now. */
    @TearDown(Level.Trial)
    public final void close() {
        peer.close();
    }
}
