package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.observe.Stats;
import org.vellum.slab.SizeClasses;
import org.vellum.slab.SlabCounts.ClassCounts;

final class AllocatorStatsTest {
    @Test
    void figuresAreExactWhenQuiet() {
        try (Vellum memory = Vellum.builder().memory(64L << 20).bank(1 << 20).worker(false).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            final Budget cache = memory.child("cache", 1 << 20);
            final Budget index = cache.child("index", 1 << 19);
            final long small = allocator.allocate(100, 1, index);
            final long run = allocator.allocate(3 * 4096, 1, cache);
            final long area = allocator.allocate(3 << 20);
            final AllocatorStats stats = allocator.stats();
            assertEquals(1, stats.liveObjects());
            assertEquals(1, stats.liveRuns());
            assertEquals(3 * 4096, stats.liveRunBytes());
            assertEquals(1, stats.liveAreas());
            assertEquals(3 << 20, stats.liveAreaBytes());
            assertEquals(104 + 3 * 4096 + (3 << 20), stats.liveBytes());
            assertEquals((32 << 10) + 3 * 4096 + (3 << 20), stats.reservedBytes());
            assertEquals((32 << 10) - 104, stats.cachedBytes());
            assertEquals(stats.reservedBytes(), memory.frames().allocatedFrames() << 12);
            assertEquals(1 - (double)stats.liveBytes() / stats.reservedBytes(), stats.fragmentation());
            assertEquals(2, stats.budgets().size());
            assertEquals("memory/cache", stats.budgets().get(0).path());
            assertEquals(104 + 3 * 4096, stats.budgets().get(0).usedBytes());
            assertEquals(104, stats.budgets().get(1).usedBytes());
            allocator.free(run);
            assertEquals(3 * 4096, allocator.stats().strandedBytes() - stats.strandedBytes());
            allocator.free(small);
            allocator.freeDeferred(area);
            final String report = memory.report();
            assertTrue(report.contains("  budget      index: 0 of 524,288") && report.contains("live 0 bytes"), report);
            AllocatorMemory.requireEmpty(memory);
            assertEquals(0, allocator.stats().reservedBytes());
        }
    }

    private static void requireSum(final AllocatorStats stats) {
        assertEquals(stats.reservedBytes(), stats.liveBytes() + stats.cachedBytes() + stats.limboBytes() + stats.quarantinedBytes(),
            stats.toString());
    }

    private static long framesOut(final Vellum memory) {
        return memory.frames().allocatedFrames() << 12;
    }

    @Test
    void sumsAgreeWithWhatIsReserved() {
        try (Vellum memory = SmallMemory.builder(1024, 4096).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            final long object = allocator.allocate(5000);
            final long other = allocator.allocate(5000);
            final long run = allocator.allocate(5 * 4096);
            final long spare = allocator.allocate(4 * 4096);
            allocator.free(spare);
            requireSum(allocator.stats());
            assertEquals(framesOut(memory), allocator.stats().reservedBytes());
            assertEquals(2 * 5312 + 5 * 4096, allocator.stats().liveBytes());
            final Cpu reader = memory.enter();
            allocator.freeDeferred(object);
            allocator.freeDeferred(run);
            final AllocatorStats waiting = allocator.stats();
            assertEquals(5312 + 5 * 4096, waiting.limboBytes());
            assertEquals(5312, waiting.liveBytes());
            requireSum(waiting);
            assertEquals(framesOut(memory), waiting.reservedBytes());
            reader.exit();
            allocator.free(other);
            memory.quiesce();
            requireSum(allocator.stats());
            assertEquals(0, allocator.stats().limboBytes());
            AllocatorMemory.requireEmpty(memory);
        }
    }

    @Test
    void whatIsInQuarantineIsNotLive() {
        try (Vellum memory = SmallMemory.builder(1024, 4096).checked(true).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            // With two red zones of 16 bytes each.
            final long kept = allocator.allocate(100);
            final long run = allocator.allocate(3 * 4096);
            assertEquals(144 + 4 * 4096, allocator.stats().liveBytes());
            allocator.free(run);
            final AllocatorStats stats = allocator.stats();
            assertEquals(4 * 4096, stats.quarantinedBytes());
            assertEquals(144, stats.liveBytes());
            requireSum(stats);
            allocator.free(kept);
            memory.synchronize();
            allocator.settle();
            assertEquals(0, allocator.stats().quarantinedBytes());
            requireSum(allocator.stats());
        }
    }

    @Test
    void sizeClassesAreCountedEach() {
        try (Vellum memory = SmallMemory.builder(1024, 4096).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            for (int i = 0; i < 10; i++) {
                allocator.allocate(5000);
            }
            allocator.allocate(64);
            final List<ClassCounts> classes = allocator.stats().slabs().classes();
            assertEquals(SizeClasses.COUNT, classes.size());
            final ClassCounts large = classes.get(SizeClasses.of(5000));
            // Six of them fit a slab, which leaves 896 bytes over.
            assertEquals(new ClassCounts(5312, 2, 10, 0, 2), large);
            assertEquals(10 * 5312, large.liveBytes());
            assertEquals(2 * (32768 - 6 * 5312), large.wasteBytes());
            assertEquals(65536, large.bytes());
            assertEquals(1, classes.get(SizeClasses.of(64)).liveObjects());
            assertEquals(0, classes.get(SizeClasses.of(64)).wasteBytes());
            assertEquals(11, allocator.stats().liveObjects());
            assertEquals(2, classes.stream().filter(ofClass -> ofClass.slabs() > 0).count());
            assertFalse(allocator.stats().toString().contains("[J@"), allocator.stats()::toString);
        }
    }

    @Test
    void whatIdleSlotsStrandIsBounded() {
        try (Vellum memory = SmallMemory.builder(4096, 8192).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
                allocator.free(AllocatorMemory.allocateAt(memory, 1, SizeClasses.size(sizeClass)));
            }
            final AllocatorStats stats = allocator.stats();
            assertEquals(0, stats.liveBytes());
            assertEquals(SizeClasses.COUNT, stats.slabs().current(), "a slab a class");
            final long waste = stats.slabs().classes().stream().mapToLong(ClassCounts::wasteBytes).sum();
            assertEquals((long)SizeClasses.COUNT * 32768 - waste, stats.strandedBytes());
            requireSum(stats);
            allocator.drainIdle();
            assertEquals(0, allocator.stats().strandedBytes());
        }
    }

    @Test
    void highWaterMarksStay() {
        try (Vellum memory = SmallMemory.builder(1024, 4096).open()) {
            final OffHeapAllocator allocator = memory.allocator();
            assertEquals(0, memory.stats().usedHighWaterBytes());
            final long bank = 1 << 20;
            final long[] large = new long[20];
            for (int i = 0; i < large.length; i++) {
                large[i] = allocator.allocate(100_000);
            }
            final Stats peak = memory.stats();
            assertEquals(20 * 28 * 4096, peak.allocator().liveBytes());
            assertEquals(peak.allocator().liveBytes(), peak.allocator().liveHighWaterBytes());
            assertEquals(framesOut(memory) + peak.cachedFrameBytes(), peak.usedHighWaterBytes());
            assertEquals(peak.presentBytes(), peak.presentHighWaterBytes());
            assertEquals(3 * bank, peak.residentBytes());
            for (final long address : large) {
                allocator.free(address);
            }
            memory.quiesce();
            assertTrue(memory.trim() > 0);
            final Stats after = memory.stats();
            assertEquals(0, after.allocator().liveBytes());
            assertEquals(peak.allocator().liveBytes(), after.allocator().liveHighWaterBytes());
            assertEquals(peak.usedHighWaterBytes(), after.usedHighWaterBytes(), "taking banks out is no use of them");
            assertEquals(peak.presentHighWaterBytes(), after.presentHighWaterBytes());
            assertEquals(0, after.presentBytes());
            assertEquals(0, after.residentBytes());
        }
    }

    @Test
    void aPeakThatNobodyAskedAboutIsInTheFrames() {
        try (Vellum memory = SmallMemory.builder(1024, 4096).open()) {
            final long address = memory.allocate(300 * 4096);
            memory.free(address);
            memory.quiesce();
            final Stats stats = memory.stats();
            assertEquals(0, stats.allocator().liveHighWaterBytes(), "not seen");
            assertTrue(stats.usedHighWaterBytes() >= 300 * 4096, stats::toString);
        }
    }

    @Test
    void banksThatWaitForTheirReleaseAreResident() {
        try (Vellum memory = SmallMemory.builder(1024, 4096).open()) {
            memory.free(memory.allocate(3 * 4096));
            memory.allocator().drainIdle();
            memory.frames().drainIdle();
            assertEquals(1, memory.frames().detachFreeBank());
            assertEquals(0, memory.stats().presentBytes());
            assertEquals(1 << 20, memory.stats().residentBytes());
            assertTrue(memory.frames().releaseBank(1));
            assertEquals(0, memory.stats().residentBytes());
        }
    }

    private static void requireSane(final AllocatorStats stats) {
        assertTrue(stats.liveBytes() >= 0 && stats.cachedBytes() >= 0 && stats.limboBytes() >= 0, stats::toString);
        assertTrue(stats.fragmentation() >= 0 && stats.fragmentation() <= 1, stats::toString);
        for (final ClassCounts ofClass : stats.slabs().classes()) {
            assertTrue(ofClass.liveObjects() >= 0 && ofClass.deferredObjects() >= 0 && ofClass.freeObjects() >= 0, stats::toString);
        }
    }

    @Test
    void askingStopsNobodyAndNeverFails() throws Exception {
        try (Vellum memory = Vellum.open(64L << 20)) {
            final FutureTask<Void> other = new FutureTask<>(() -> {
                final Random random = new Random(1);
                for (int i = 0; i < 100_000; i++) {
                    final long address = memory.allocate(1 + random.nextInt(i % 50 == 0 ? 400_000 : 9_000));
                    if (i % 3 == 0) {
                        memory.allocator().freeDeferred(address);
                    } else {
                        memory.free(address);
                    }
                    if (i % 5000 == 0) {
                        // Banks and budgets come and go as well.
                        memory.trim();
                        memory.child("child", 1000).close();
                    }
                }
            }, null);
            new Thread(other).start();
            long asked = 0;
            long most = 0;
            while (!other.isDone()) {
                // In a section nothing could wait.
                final Cpu cpu = memory.enter();
                final Stats stats = memory.stats();
                cpu.exit();
                requireSane(stats.allocator());
                assertTrue(stats.usedHighWaterBytes() >= most && stats.usedHighWaterBytes() <= 64L << 20, stats::toString);
                most = stats.usedHighWaterBytes();
                assertTrue(memory.report().contains("allocator"));
                asked++;
            }
            other.get();
            assertTrue(asked > 10, "asked=" + asked);
            AllocatorMemory.requireEmpty(memory);
        }
    }
}
