package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;

/** What a reader finds inside a section keeps its content until the section ends, while a writer reuses all it can. */
@Tag("stress")
class EpochStressTest {
    private static final int TOKENS = 64;
    private static final int READERS = 3;

    private final TestLimbo system = new TestLimbo();
    private final AtomicInteger published = new AtomicInteger();
    /** Written only while nobody may hold the token: when it is taken from the free ones. */
    private final AtomicIntegerArray content = new AtomicIntegerArray(TOKENS);
    private final AtomicInteger reuses = new AtomicInteger();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicInteger changed = new AtomicInteger();
    private final AtomicInteger sections = new AtomicInteger();

    private void read() {
        while (!stop.get()) {
            final Cpu cpu = system.cpus.enter();
            final int token = published.get();
            final int found = content.get(token);
            for (int i = 0; i < 100; i++) {
                if (content.get(token) != found) {
                    changed.incrementAndGet();
                }
            }
            cpu.exit();
            sections.incrementAndGet();
        }
    }

    @Test
    @Timeout(120)
    void nothingIsReusedUnderAReader() throws InterruptedException {
        final List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            readers.add(new Thread(this::read));
        }
        readers.forEach(Thread::start);
        final StressClock clock = new StressClock(1_500, () -> reuses.get() > 1_000 && sections.get() > 1_000);
        write(clock);
        stop.set(true);
        for (final Thread reader : readers) {
            reader.join();
        }
        assertEquals(0, changed.get());
        clock.assertCovered(() -> "reuses=" + reuses + " sections=" + sections);
        system.limbo.pollAll();
        assertEquals(0, system.limbo.bytes());
        system.cpus.verifyQuiet();
    }

    private void write(final StressClock clock) {
        final ArrayDeque<Integer> free = new ArrayDeque<>();
        for (int token = 1; token < TOKENS; token++) {
            free.add(token);
        }
        while (clock.running()) {
            if (free.isEmpty()) {
                system.limbo.pollAll();
            } else {
                final int token = free.remove();
                content.incrementAndGet(token);
                system.retire(published.getAndSet(token));
                reuses.incrementAndGet();
            }
            system.released.forEach(token -> free.add(token.intValue()));
            system.released.clear();
        }
    }
}
