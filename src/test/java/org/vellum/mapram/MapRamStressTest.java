package org.vellum.mapram;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

@Tag("stress")
final class MapRamStressTest {
    private static final long MILLIS = 2_000;

    private record Mapping(long address, int count) {
    }

    /** RV2, RV5, RV6, RV11, RV12: everybody maps, anybody unmaps, some unmap aliases; no page is lost or served twice. */
    @Test
    void mappingsPassedBetweenThreads() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 128 * 1024).graceNanos(SmallMemory.PATIENT_NANOS).open()) {
            final long[] frames = SmallMemory.frames(memory, 64);
            for (int i = 0; i < 64; i++) {
                memory.access().putLong(frames[i] * PAGE, 7000 + i);
            }
            final AtomicReferenceArray<Mapping> passed = new AtomicReferenceArray<>(64);
            final AtomicLong operations = new AtomicLong();
            final StressClock clock = new StressClock(MILLIS, () -> memory.mapRam().blocks.remoteRetired.get() > 0
                && memory.stats().blocksRetired() > 10 && operations.get() > 1000);
            SmallMemory.inThreads(8, thread -> {
                final ThreadLocalRandom random = ThreadLocalRandom.current();
                for (; clock.running(); operations.incrementAndGet()) {
                    if (thread == 0 && random.nextInt(16) == 0) {
                        memory.unmapAliases();
                    }
                    final int count = 1 + random.nextInt(random.nextInt(64) + 1);
                    final Mapping mine = new Mapping(memory.vmMapRam(frames, 0, count), count);
                    final Mapping other = passed.getAndSet(random.nextInt(64), mine);
                    if (other != null) {
                        for (int i = 0; i < other.count; i++) {
                            assertEquals(7000 + i, memory.access().getLong(other.address + (long)i * PAGE));
                        }
                        memory.vmUnmapRam(other.address, other.count);
                    }
                }
            });
            for (int i = 0; i < 64; i++) {
                if (passed.get(i) != null) {
                    memory.vmUnmapRam(passed.get(i).address, passed.get(i).count);
                }
            }
            memory.unmapAliases();
            assertEquals(0, memory.mapRam().mappedPages());
            clock.assertCovered(() -> "remoteRetired=" + memory.mapRam().blocks.remoteRetired + " retired="
                + memory.stats().blocksRetired() + " operations=" + operations);
            SmallMemory.requireQuiet(memory, 64, 0);
            memory.vmap().vunmap(memory.vmap().sparseArea((128 * 1024L - 1) * PAGE));
        }
    }

    /** Two threads unmap one address: exactly one wins. */
    @Test
    void oneOfTwoUnmapsWins() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 16 * 1024).graceNanos(SmallMemory.PATIENT_NANOS).open()) {
            final long[] frames = SmallMemory.frames(memory, 4);
            final int rounds = 30_000;
            final AtomicLongArray addresses = new AtomicLongArray(rounds);
            final AtomicInteger won = new AtomicInteger();
            SmallMemory.inThreads(2, thread -> {
                for (int i = 0; i < rounds; i++) {
                    if (thread == 0) {
                        addresses.set(i, memory.vmMapRam(frames, 0, 1 + i % 4));
                    }
                    long address = addresses.get(i);
                    for (int spins = 0; address == 0; spins++) {
                        if (spins % 1000 == 999) {
                            Thread.yield();
                        }
                        address = addresses.get(i);
                    }
                    try {
                        memory.vmUnmapRam(address, 1 + i % 4);
                        won.incrementAndGet();
                    } catch (final IllegalArgumentException e) {
                        // The other one won.
                    }
                }
            });
            assertEquals(rounds, won.get());
            SmallMemory.requireQuiet(memory, 4, 0);
        }
    }

    /**
     * RV1, RV14: after unmapAliases the caller changes its frame. Readers keep on reading by stale addresses, in sections that began
     * before, and must see the old content or a fault, never the new.
     */
    @Test
    void noThreadSeesAFrameByAnEarlierMappingAfterUnmapAliases() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 8 * 1024).graceNanos(SmallMemory.PATIENT_NANOS).open()) {
            final long[] frames = SmallMemory.frames(memory, 1);
            final AtomicLong published = new AtomicLong();
            final AtomicLong secret = new AtomicLong();
            final AtomicBoolean stop = new AtomicBoolean();
            final AtomicLong faults = new AtomicLong();
            final AtomicLong reads = new AtomicLong();
            final StressClock clock = new StressClock(MILLIS,
                () -> reads.get() > 0 && faults.get() > 0 && secret.get() > 20);
            SmallMemory.inThreads(4, thread -> {
                if (thread == 0) {
                    for (long value = 2; clock.running(); value += 2) {
                        // Even values are for those who have the mapping; odd ones are somebody else's.
                        memory.access().putLong(frames[0] * PAGE, value);
                        final long address = memory.vmMapRam(frames, 0, 1);
                        secret.set(value);
                        published.set(address);
                        for (int i = 0; i < 200; i++) {
                            Thread.onSpinWait();
                        }
                        memory.vmUnmapRam(address, 1);
                        memory.unmapAliases();
                        memory.access().putLong(frames[0] * PAGE, value | 1);
                    }
                    stop.set(true);
                    return;
                }
                while (!stop.get()) {
                    try (Cpu cpu = memory.enter()) {
                        final long address = published.get();
                        if (address == 0) {
                            continue;
                        }
                        final long translated = memory.access().readable(address);
                        reads.incrementAndGet();
                        for (int i = 0; i < 50; i++) {
                            final long value = org.agrona.UnsafeApi.getLongVolatile(null, translated);
                            if ((value & 1) != 0) {
                                throw new AssertionError("new content through an old mapping: " + value + " on " + cpu);
                            }
                        }
                    } catch (final PageFaultException e) {
                        faults.incrementAndGet();
                    }
                }
            });
            clock.assertCovered(() -> "reads=" + reads + " faults=" + faults + " secret=" + secret);
            SmallMemory.requireQuiet(memory, 1, 0);
        }
    }

    /**
     * RV13: threads that change their slot between two operations, and threads that die in sections. Inside its section a thread cannot wait for
     * what another's holds back, perhaps a dead one's, or one's that has lost its processor: so it may find the window exhausted, and goes.
     */
    @Test
    void threadsThatDieInSections() throws Exception {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        try (Vellum memory = SmallMemory.builder(8192, 64 * 1024).graceNanos(SmallMemory.PATIENT_NANOS).listener(ear).open()) {
            final long[] frames = SmallMemory.frames(memory, 16);
            final AtomicLong whole = new AtomicLong();
            final StressClock clock = new StressClock(MILLIS, () -> ear.heard("forceExited") && whole.get() > 100);
            SmallMemory.inThreads(3, thread -> {
                while (clock.running()) {
                    SmallMemory.inThread(() -> {
                        final ThreadLocalRandom random = ThreadLocalRandom.current();
                        memory.enter();
                        try {
                            for (int i = 0; i < 50; i++) {
                                final long address = memory.vmMapRam(frames, 0, 16);
                                memory.access().getLong(address);
                                memory.vmUnmapRam(address, 16);
                                memory.vfree(memory.vmalloc(PAGE));
                            }
                            whole.incrementAndGet();
                        } catch (final ExhaustedException e) {
                            assertTrue(e.getMessage().contains("called inside a section, so it did not wait"), e::getMessage);
                        }
                        if (random.nextBoolean()) {
                            memory.cpus().current().exit();
                        }
                        return null;
                    });
                    if (thread == 0) {
                        memory.unmapAliases();
                    }
                }
            });
            SmallMemory.requireQuiet(memory, 16, 0);
            clock.assertCovered(() -> "whole=" + whole + " forceExited, but " + ear.heard);
        }
    }

    @Test
    void warmOperationsMakeNoGarbage() {
        final var bean = (com.sun.management.ThreadMXBean)java.lang.management.ManagementFactory.getThreadMXBean();
        assumeTrue(bean.isThreadAllocatedMemorySupported());
        try (Vellum memory = Vellum.builder().memory(64 << 20).worker(false).open()) {
            final long[] frames = SmallMemory.frames(memory, 4);
            final long id = Thread.currentThread().getId();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                final long before = bean.getThreadAllocatedBytes(id);
                for (int i = 0; i < 100_000; i++) {
                    memory.vmUnmapRam(memory.vmMapRam(frames, 0, 4), 4);
                    memory.vfree(memory.vmalloc(4 * PAGE));
                }
                least = Math.min(least, bean.getThreadAllocatedBytes(id) - before);
            }
            assertTrue(least < 4096, "bytes for 10^5 pairs=" + least);
            SmallMemory.requireQuiet(memory, 4, 0);
        }
    }

    @Test
    void flushesPerMillionOperationsOfFourPagesAreFew() {
        // What is the default for two or three processors, whatever machine this is.
        try (Vellum memory = Vellum.builder().memory(64 << 20).worker(false).lazyMaxPages(2 * 8192).open()) {
            final long[] frames = SmallMemory.frames(memory, 4);
            memory.vmUnmapRam(memory.vmMapRam(frames, 0, 4), 4);
            final long before = memory.stats().flushes();
            for (int i = 0; i < 1_000_000; i++) {
                memory.vmUnmapRam(memory.vmMapRam(frames, 0, 4), 4);
            }
            final long flushes = memory.stats().flushes() - before;
            assertTrue(flushes <= 300, "flushes=" + flushes);
            assertThrows(IllegalArgumentException.class, () -> memory.vmUnmapRam(0, 4));
            SmallMemory.requireQuiet(memory, 4, 0);
        }
    }
}
