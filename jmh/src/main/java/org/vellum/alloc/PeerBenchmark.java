package org.vellum.alloc;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/** How all benchmarks of allocators are run: the annotations are inherited. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = {
    PeerFlags.AGRONA, PeerFlags.NATIVE_ACCESS, PeerFlags.OPENS, PeerFlags.NETTY_UNSAFE, PeerFlags.NETTY_NO_CLEANER,
    PeerFlags.NETTY_LEAKS, PeerFlags.NETTY_ACCESSIBLE, PeerFlags.NETTY_BOUNDS, PeerFlags.ARROW_BOUNDS, PeerFlags.ARROW_NULLS,
    PeerFlags.LWJGL_CHECKS, PeerFlags.EXECUTOR, PeerFlags.EXECUTOR_CLASS})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
abstract class PeerBenchmark {
}
