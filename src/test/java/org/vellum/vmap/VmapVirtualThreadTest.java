package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.report.ExhaustedException;

@Tag("stress")
final class VmapVirtualThreadTest {
    private static final int THREADS = 10_000;
    private static final int ROUNDS = 4;

    @Test
    void tenThousandVirtualThreads() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        final var start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        final Vellum memory = Vellum.builder().memory(256 << 20).window(1L << 30).graceNanos(SmallMemory.PATIENT_NANOS).open();
        final long[] frames = SmallMemory.frames(memory, 8);
        final AtomicLongArray passed = new AtomicLongArray(128);
        final AtomicLong[] counts = {new AtomicLong(), new AtomicLong(), new AtomicLong()};
        final AtomicReference<Throwable> failed = new AtomicReference<>();
        final CountDownLatch done = new CountDownLatch(THREADS);
        final Runnable body = () -> {
            try {
                for (int i = 0; i < ROUNDS; i++) {
                    VmapStressTest.step(memory, passed, counts);
                    final long address = memory.vmMapRam(frames, 0, 8);
                    memory.access().putByte(address + 7 * PAGE, (byte)1);
                    Thread.yield();
                    memory.vmUnmapRam(address, 8);
                }
            } catch (final ExhaustedException e) {
                counts[1].incrementAndGet();
            } catch (final RuntimeException | Error e) {
                failed.set(e);
            } finally {
                done.countDown();
            }
        };
        for (int i = 0; i < THREADS; i++) {
            start.invoke(null, body);
        }
        assertTrue(done.await(300, TimeUnit.SECONDS), "left=" + done.getCount());
        if (failed.get() != null) {
            throw new AssertionError(failed.get());
        }
        for (int i = 0; i < passed.length(); i++) {
            memory.vfree(passed.get(i));
        }
        memory.unmapAliases();
        assertEquals(0, memory.mapRam().mappedPages());
        assertEquals(0, counts[1].get(), "exhausted");
        assertEquals((long)THREADS * ROUNDS, counts[0].get());
        SmallMemory.requireQuiet(memory, 8, 0);
        memory.close();
    }
}
