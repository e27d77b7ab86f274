package org.vellum;

import java.util.function.ToLongFunction;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.vellum.report.ExhaustedException;

/**
 * What an application does when addresses have run out: it leaves its section, waits, and tries again.
 *
 * <p>A thread that loses its processor inside a section holds up every reuse until it runs again, and a benchmark that
 * does nothing but map and unmap goes through the whole window meanwhile. With no more threads than processors, on a quiet
 * machine, that does not happen. When it does the wait is part of the figure, and {@link Count} tells.
 */
public final class Relief {
    /** A window that stays full through this many grace periods is a leak. */
    private static final int MOST_RETRIES = 100;

    /** A counter that JMH sums, resets and shows beside the row. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Count {
        /** Operations that had to be tried again. */
        public long relieved;
    }

    private Relief() {
    }

    /**
     * Runs an operation until it finds room.
     *
     * @param count of this thread.
     * @param vellum where.
     * @param caller what the operation works on.
     * @param operation that leaves nothing behind when it throws.
     * @param <T> of the caller.
     * @return what it returned.
     */
    public static <T> long run(
        final Count count, final Vellum vellum, final T caller, final ToLongFunction<T> operation) {
        for (int retry = 0;; retry++) {
            try {
                return operation.applyAsLong(caller);
            } catch (final ExhaustedException e) {
                if (retry == MOST_RETRIES) {
                    throw e;
                }
                count.relieved++;
                vellum.synchronize();
                vellum.poll();
            }
        }
    }
}
