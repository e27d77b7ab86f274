package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.cpu.Cpu;

/** What users reach for, in a memory of theirs: the first chunk and further ones, and CPU ids with holes. */
@Timeout(120)
class PerCpuMemoryTest {
    private static final int[] IDS = {0, 2, 5, 63};

    private static VellumBuilder builder(final FirstChunkKind kind, final int frames) {
        return SmallMemory.builder(frames, 1 << 16).percpu(PercpuOptions.DEFAULT.withCpuIds(IDS).withFirstChunk(kind));
    }

    @ParameterizedTest
    @EnumSource
    void aHundredThousandCounters(final FirstChunkKind kind) {
        final int count = 100_000;
        try (Vellum memory = builder(kind, 4096).open()) {
            final List<PerCpuCounter> counters = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                counters.add(new PerCpuCounter(memory.percpu()));
            }
            assertTrue(memory.percpu().stats().chunks() > 20);
            for (int i = 0; i < count; i++) {
                counters.get(i).add(i);
                counters.get(i).add(memory.cpus().cpu(i & 3), -2L * i);
            }
            for (int i = 0; i < count; i++) {
                assertEquals(-i, counters.get(i).sum(), "counter " + i);
                counters.get(i).close();
            }
            assertEquals(0, memory.percpu().stats().areas());
            memory.percpu().balance();
            assertTrue(memory.percpu().stats().chunks() <= 2, "they come back");
            memory.verify();
        }
    }

    /** Through every chunk: what an operation changes is what the memory's own access sees at the address of the copy, and nothing else. */
    @ParameterizedTest
    @EnumSource
    void operationsMeetTheCopiesThatAddressesShow(final FirstChunkKind kind) {
        try (Vellum memory = builder(kind, 2048).open()) {
            final PercpuAllocator percpu = memory.percpu();
            final OwnCopy copies = percpu.access();
            final List<Long> pointers = new ArrayList<>();
            while (percpu.stats().chunks() < 3) {
                pointers.add(percpu.allocate(1000, 8));
            }
            final Set<Long> met = new HashSet<>();
            for (final long p : pointers) {
                for (int slot = 0; slot < IDS.length; slot++) {
                    copies.addLong(memory.cpus().cpu(slot), p + 992, slot + 1);
                    copies.exchangeInt(memory.cpus().cpu(slot), p, ~slot);
                    final long address = copies.address(p, IDS[slot]);
                    assertTrue(met.add(address));
                    assertEquals(slot + 1, memory.access().getLong(address + 992));
                    assertEquals(~slot, memory.access().getInt(address));
                    for (int i = 4; i < 992; i += 4) {
                        assertEquals(0, memory.access().getInt(address + i));
                    }
                    memory.access().putLong(address + 992, 10L * slot);
                    assertEquals(10L * slot, copies.getLong(p + 992, IDS[slot]));
                }
                assertEquals(60, copies.sumLong(p + 992));
                try (Cpu cpu = memory.enter()) {
                    assertEquals(copies.address(p, IDS[cpu.index()]), copies.thisCpuAddress(p));
                }
            }
            pointers.forEach(percpu::free);
            memory.verify();
        }
    }

    @ParameterizedTest
    @EnumSource
    void allKindsAtOnceAndNothingIsLeft(final FirstChunkKind kind) throws Exception {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        final AtomicInteger released = new AtomicInteger();
        try (Vellum memory = builder(kind, 2048).listener(ear).open()) {
            final PercpuAllocator percpu = memory.percpu();
            final PerCpuCounter counter = new PerCpuCounter(percpu);
            final PerCpuBatchCounter batched = new PerCpuBatchCounter(percpu, 16);
            final PerCpuHistogram histogram = new PerCpuHistogram(percpu, 1_000_000, 4);
            final PerCpuRef ref = new PerCpuRef(percpu, released::incrementAndGet);
            SmallMemory.inThreads(6, thread -> {
                for (int i = 0; i < 1_000; i++) {
                    assertTrue(ref.tryGetLive());
                    counter.increment();
                    batched.add(2);
                    histogram.record(1000L * thread + i);
                    ref.put();
                }
            });
            assertEquals(6_000, counter.sum());
            assertEquals(12_000, batched.sum());
            assertTrue(Math.abs(12_000 - batched.estimate()) < 16 * IDS.length, "estimate=" + batched.estimate());
            assertEquals(6_000, histogram.count());
            ref.kill();
            assertEquals(1, released.get());
            ref.close();
            histogram.close();
            batched.close();
            counter.close();
            assertEquals(0, percpu.stats().areas());
            memory.verify();
        }
        assertFalse(ear.heard("leaked"), ear.heard.toString());
    }

    @Test
    void histogramLargerThanAUnitIsRefused() {
        try (Vellum memory = builder(FirstChunkKind.AUTO, 1024).open()) {
            final PercpuAllocator percpu = memory.percpu();
            final IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> new PerCpuHistogram(percpu, Long.MAX_VALUE, PerCpuHistogram.MAX_PRECISION_BITS));
            assertTrue(e.getMessage().contains("at most " + percpu.maxBytes() / 8), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> new PerCpuBatchCounter(percpu, 0));
            assertEquals(0, percpu.stats().areas());
        }
    }

    @Test
    void addingMakesNoGarbage() {
        assumeTrue(ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean);
        final com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean)ManagementFactory.getThreadMXBean();
        try (Vellum memory = builder(FirstChunkKind.AUTO, 1024).open()) {
            final PercpuAllocator percpu = memory.percpu();
            final PerCpuCounter counter = new PerCpuCounter(percpu);
            final PerCpuBatchCounter batched = new PerCpuBatchCounter(percpu, 16);
            final PerCpuHistogram histogram = new PerCpuHistogram(percpu, 1_000_000, 4);
            final PerCpuRef ref = new PerCpuRef(percpu, () -> { });
            final int rounds = 200_000;
            long bytes = 0;
            for (int warm = 0; warm < 2; warm++) {
                final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
                for (int i = 0; i < rounds; i++) {
                    counter.add(i);
                    batched.add(i);
                    histogram.record(i);
                    ref.get();
                    ref.put();
                }
                bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
            }
            assertTrue(bytes < rounds / 10, "bytes=" + bytes + " in rounds=" + rounds);
            assertEquals((long)rounds * (rounds - 1), counter.sum());
            counter.close();
            batched.close();
            histogram.close();
            ref.kill();
            ref.close();
        }
    }
}
