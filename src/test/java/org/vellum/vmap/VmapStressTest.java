package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

@Tag("stress")
final class VmapStressTest {
    private static final long MILLIS = 2_000;

    @Test
    void sixtyFourThreads() throws Exception {
        churn(64, SmallMemory.builder(64 * 128, 64 * 1024).cpus(CpuOptions.forThisMachine()).worker(true));
    }

    @Test
    void eightThreadsOnFourSlots() throws Exception {
        churn(8, SmallMemory.builder(1024, 8 * 1024));
    }

    /** Areas are passed around and ended in every way; at the end everything is back, and no content was ever another's. */
    private static void churn(final int threads, final VellumBuilder builder) throws Exception {
        final Vellum memory = builder.graceNanos(SmallMemory.PATIENT_NANOS).open();
        final AtomicLongArray passed = new AtomicLongArray(2 * threads);
        final AtomicLong[] counts = {new AtomicLong(), new AtomicLong(), new AtomicLong()};
        final StressClock clock = new StressClock(MILLIS, () -> counts[0].get() > 1000 && counts[2].get() > 0);
        SmallMemory.inThreads(threads, thread -> {
            while (clock.running()) {
                try {
                    step(memory, passed, counts);
                } catch (final ExhaustedException e) {
                    counts[1].incrementAndGet();
                }
            }
        });
        for (int i = 0; i < passed.length(); i++) {
            memory.vfree(passed.get(i));
        }
        System.out.println("VmapStressTest operations=" + counts[0] + " exhausted=" + counts[1] + " " + memory.stats());
        clock.assertCovered(() -> "operations=" + counts[0] + " ended=" + counts[2]);
        assertTrue(counts[1].get() < counts[0].get() / 10, "exhausted=" + counts[1] + " of " + counts[0]);
        SmallMemory.requireQuiet(memory, 0, 0);
        assertEquals(memory.stats().windowBytes(), memory.stats().freeWindowBytes());
        memory.close();
    }

    static void step(final Vellum memory, final AtomicLongArray passed, final AtomicLong[] counts) {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        final long pages = 1 + random.nextInt(12);
        final long mine = memory.vmalloc(pages * PAGE);
        for (long i = 0; i < pages; i++) {
            memory.access().putLong(mine + i * PAGE, mine + i);
        }
        counts[0].incrementAndGet();
        final long other = passed.getAndSet(random.nextInt(passed.length()), mine);
        if (other == 0) {
            return;
        }
        final AreaInfo info = memory.reader().findArea(other);
        assertEquals(other, info.address());
        for (long i = 0; i < info.pages(); i++) {
            assertEquals(other + i, memory.access().getLong(other + i * PAGE), "somebody else's content");
        }
        switch (random.nextInt(8)) {
            case 0 -> memory.retire(other);
            case 1 -> memory.vmalloc().vfreeAtomic(other);
            case 2 -> {
                try (Cpu cpu = memory.enter()) {
                    memory.vfree(other);
                    assertTrue(cpu.index() >= 0);
                }
            }
            default -> memory.vfree(other);
        }
        counts[2].incrementAndGet();
    }

    /** RV14, contract (a): what a section can reach is neither reused nor written while the section lasts. */
    @Test
    void aSectionSeesOldContentOrAFaultButNeverTheNextOwners() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 4096).graceNanos(SmallMemory.PATIENT_NANOS).open()) {
            final AtomicLong published = new AtomicLong();
            final AtomicLong reads = new AtomicLong();
            final AtomicLong faults = new AtomicLong();
            final StressClock clock = new StressClock(MILLIS, () -> reads.get() > 0 && faults.get() > 0);
            SmallMemory.inThreads(4, thread -> {
                while (clock.running()) {
                    if (thread < 2) {
                        final long address = memory.vmalloc(PAGE);
                        memory.access().putLong(address, address);
                        final long old = published.getAndSet(address);
                        if (old != 0) {
                            memory.vfree(old);
                        }
                        continue;
                    }
                    try (Cpu cpu = memory.enter()) {
                        final long address = published.get();
                        if (address == 0) {
                            continue;
                        }
                        final long translated = memory.access().readable(address);
                        for (int i = 0; i < 20; i++) {
                            assertEquals(address, org.agrona.UnsafeApi.getLongVolatile(null, translated), cpu.toString());
                        }
                        reads.incrementAndGet();
                    } catch (final PageFaultException e) {
                        faults.incrementAndGet();
                    }
                }
            });
            memory.vfree(published.get());
            clock.assertCovered(() -> "reads=" + reads + " faults=" + faults);
            SmallMemory.requireQuiet(memory, 0, 0);
        }
    }

    /** No address is handed out with a generation that it had before. */
    @Test
    void generationsOfOneAddressOnlyGrow() throws Exception {
        try (Vellum memory = SmallMemory.builder(256, 1024).lazyMaxPages(32).graceNanos(SmallMemory.PATIENT_NANOS).open()) {
            final AtomicLongArray last = new AtomicLongArray(1024);
            final AtomicInteger reused = new AtomicInteger();
            final long start = memory.vmalloc().space().table.start();
            SmallMemory.inThreads(2, thread -> {
                // Fewer than 65,536 areas in all: the tags do not wrap.
                for (int i = 0; i < 20_000; i++) {
                    final long address = memory.vmalloc(PAGE);
                    final int page = (int)((address & Address.MASK) - start >>> 12);
                    final long before = last.getAndSet(page, address >>> Address.TAG_SHIFT);
                    // Where they begin differs from memory to memory: modulo 65,536, and half of that is far away.
                    final long step = (address >>> Address.TAG_SHIFT) - before & 0xFFFF;
                    assertTrue(before == 0 || step > 0 && step < 0x8000, "an old generation again");
                    reused.addAndGet(before != 0 ? 1 : 0);
                    memory.vfree(address);
                }
            });
            assertTrue(reused.get() > 0);
            SmallMemory.requireQuiet(memory, 0, 0);
        }
    }

    /** Of two threads that free one address, one wins. */
    @Test
    void oneOfTwoFreesWins() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 4096).graceNanos(SmallMemory.PATIENT_NANOS).open()) {
            final int rounds = 20_000;
            final AtomicLongArray addresses = new AtomicLongArray(rounds);
            final AtomicInteger won = new AtomicInteger();
            SmallMemory.inThreads(2, thread -> {
                for (int i = 0; i < rounds; i++) {
                    if (thread == 0) {
                        addresses.set(i, memory.vmalloc(PAGE));
                    }
                    long address = addresses.get(i);
                    for (int spins = 0; address == 0; spins++) {
                        if (spins % 1000 == 999) {
                            Thread.yield();
                        }
                        address = addresses.get(i);
                    }
                    try {
                        memory.vfree(address);
                        won.incrementAndGet();
                    } catch (final IllegalArgumentException e) {
                        // The other one won.
                    }
                }
            });
            assertEquals(rounds, won.get());
            SmallMemory.requireQuiet(memory, 0, 0);
        }
    }
}
