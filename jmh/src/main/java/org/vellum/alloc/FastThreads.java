package org.vellum.alloc;

import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * JMH's workers as the threads on which Netty's allocators are fastest, for all rows alike: {@code jmh.executor=CUSTOM}.
 *
 * <p>JMH takes such an executor's threads for interchangeable: a benchmark's thread state may be on another of them in the
 * next iteration, so what is bound to a thread is made and given up within the iteration.
 */
public final class FastThreads extends ThreadPoolExecutor {
    /**
     * JMH calls this.
     *
     * @param threads how many.
     * @param prefix  of their names.
     */
    public FastThreads(final int threads, final String prefix) {
        super(threads, threads, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), factory(prefix));
    }

    private static ThreadFactory factory(final String prefix) {
        final AtomicInteger next = new AtomicInteger();
        return work -> {
            final Thread thread = new FastThreadLocalThread(work, prefix + "-worker-" + next.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }
}
