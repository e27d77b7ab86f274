package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;

/** A source that fails at a chosen call, and that knows what it has handed out and not got back, whole. */
final class TestSource implements UnitSource {
    /** What goes wrong at the chosen call. */
    enum Failure { NONE, REFUSES, MISALIGNS, THROWS }

    final Map<Long, Long> out = new LinkedHashMap<>();
    int calls;
    int frees;
    /** Whether giving back throws, too; it is done nevertheless. */
    boolean throwsOnFree;

    private final UnitSource real;
    private final Failure failure;
    private final int failingCall;

    TestSource(final UnitSource real, final Failure failure, final int failingCall) {
        this.real = real;
        this.failure = failure;
        this.failingCall = failingCall;
    }

    @Override
    public long allocate(final int cpu, final long bytes, final long align) {
        final boolean fails = calls++ == failingCall;
        if (fails && failure == Failure.REFUSES) {
            return 0;
        }
        if (fails && failure == Failure.THROWS) {
            throw new UnsupportedOperationException("call=" + failingCall);
        }
        final long address = real.allocate(cpu, bytes, align) + (fails && failure == Failure.MISALIGNS ? 512 : 0);
        out.put(address, bytes);
        return address;
    }

    @Override
    public void free(final long address, final long bytes) {
        frees++;
        assertEquals(out.remove(address), bytes, "not what was handed out");
        real.free(address & -LayoutWorld.PAGE, bytes);
        if (throwsOnFree) {
            throw new IllegalCallerException("free=" + frees);
        }
    }
}
