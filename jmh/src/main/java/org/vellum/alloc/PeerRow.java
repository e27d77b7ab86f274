package org.vellum.alloc;

import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The allocator of a row, one for all threads of the trial. */
@State(Scope.Benchmark)
public class PeerRow {
    @Param({"vellum", "vellumCpu", "vellumSection", "rpmalloc", "jemalloc", "malloc", "nettyAdaptive", "nettyPooled",
        "arrow", "confinedArena", "floor"})
    String peer;
    PeerAllocator allocator;

    /** Fails, and JMH says why, if this JDK has no such allocator. */
    @Setup(Level.Trial)
    public void open() {
        allocator = PeerAllocator.open(peer);
    }

    /** What threads hold was given back before. */
    @TearDown(Level.Trial)
    public void close() {
        allocator.close();
    }
}
