package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.Vellum;
import org.vellum.cpu.CpuOptions;

/** Many threads that need the first bank while one of them adds it: they wait, and not in the slots that others need. */
final class BankWaitTest {
    private static final long BANK = 256L << 20;
    private static final int THREADS = 96;
    private static final int CACHED_SLOTS = 4;

    @ParameterizedTest
    @ValueSource(longs = {64, 20_000})
    void waitingForABankTakesNoSlots(final long size) throws Exception {
        try (Vellum memory = Vellum.builder().memory(2 * BANK).bank(BANK).worker(false)
            .cpus(CpuOptions.forThisMachine().withCachedSlots(CACHED_SLOTS)).open()) {
            final CyclicBarrier together = new CyclicBarrier(THREADS);
            final AtomicInteger allocated = new AtomicInteger();
            final List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                threads.add(new Thread(() -> {
                    try {
                        together.await();
                    } catch (final Exception e) {
                        throw new AssertionError(e);
                    }
                    memory.free(memory.allocate(size));
                    allocated.incrementAndGet();
                }));
            }
            final List<Integer> occupied = new ArrayList<>();
            threads.forEach(Thread::start);
            do {
                occupied.add(occupied(memory));
                LockSupport.parkNanos(100_000);
            } while (memory.frames().presentFrames() == 0);
            for (final Thread thread : threads) {
                thread.join();
            }
            assertEquals(THREADS, allocated.get(), "nobody gives up while a bank is on its way");
            // The JVM zeroes the bank for tens of milliseconds: one thread is in a section all the time, others come by now and then.
            Collections.sort(occupied);
            assertTrue(occupied.get(occupied.size() / 2) < THREADS / 4, "slots occupied: " + occupied);
        }
    }

    private static int occupied(final Vellum memory) {
        int occupied = 0;
        for (int slot = 0; slot < memory.cpus().limit(); slot++) {
            occupied += memory.cpus().occupancy(slot) != 0 ? 1 : 0;
        }
        return occupied;
    }
}
