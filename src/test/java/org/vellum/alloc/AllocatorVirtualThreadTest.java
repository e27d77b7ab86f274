package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.vellum.Vellum;

/** A hundred thousand virtual threads, which unmount while they own memory and free what others allocated. */
final class AllocatorVirtualThreadTest {
    private static final int THREADS = 100_000;

    @Test
    void eachFreesWhatAnotherAllocated() throws Exception {
        final Method start;
        try {
            start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        } catch (final NoSuchMethodException e) {
            assumeTrue(false, "this JDK has no virtual threads");
            return;
        }
        final AtomicLong hand = new AtomicLong();
        final AtomicLong wrong = new AtomicLong();
        final CountDownLatch done = new CountDownLatch(THREADS);
        try (Vellum memory = Vellum.open(256L << 20)) {
            for (int i = 0; i < THREADS; i++) {
                final long size = 16 + i % 9_000;
                start.invoke(null, (Runnable)() -> {
                    try {
                        final long address = memory.allocate(size);
                        memory.access().putLong(address, address);
                        if (size % 16 == 0) {
                            LockSupport.parkNanos(1_000);
                        }
                        final long other = hand.getAndSet(address);
                        if (other != 0) {
                            wrong.addAndGet(memory.access().getLong(other) == other ? 0 : 1);
                            memory.free(other);
                        }
                    } finally {
                        done.countDown();
                    }
                });
            }
            done.await();
            memory.free(hand.get());
            assertEquals(0, wrong.get());
            AllocatorMemory.requireEmpty(memory);
        }
    }
}
