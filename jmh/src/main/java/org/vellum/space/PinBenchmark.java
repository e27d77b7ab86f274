package org.vellum.space;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.UnsafeApi;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * Pinning 16 pages that are present: {@code fast} without a lock, {@code slow} page by page: a fault, which looks the region up and finds
 * the page there, and then a reference under the page-table lock. The pins are dropped between iterations; what that costs is {@code
 * fastAndUnpin} less {@code fast}. Floor: {@code baseline}, 16 references of frames whose numbers are known.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.PinBenchmark\.' -t 1}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PinBenchmark {
    private static final int PAGES = 16;

    /** A space of two leaves for each thread, mapped; the 16 pages lie in both. */
    @State(Scope.Thread)
    public static class Space {
        private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine());
        private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(64 << 20));
        private static final long FIRST = SpaceTable.LEAF_PAGES - PAGES / 2;

        private final SpaceTable table = new SpaceTable(CPUS, FRAMES.memory(), 2L * SpaceTable.LEAF_PAGES, 4);
        private final SleepingLock lock = new SleepingLock(CPUS, LockRank.SPACE, "bench");
        private final RegionIndex index = new RegionIndex(lock, table.pages());
        private final UserPages pages = new UserPages(CPUS, FRAMES, table, this::fault, (mapper, frame) -> { }, new LongAdder());
        private final long[] pinned = new long[PAGES];
        private int rounds;

        /** Maps. */
        @Setup(Level.Trial)
        public void map() {
            lock.lockExclusive();
            for (long page = 0; page < table.pages(); page += PAGES) {
                // Neighbours that are not alike.
                final int flags = Region.READ | Region.WRITE | ((page / PAGES & 1) == 0 ? Region.LOCKED : 0);
                index.insert(new Region(page, page + PAGES, flags, null, page));
            }
            lock.unlockExclusive();
            final Cpu cpu = CPUS.enter();
            for (long page = FIRST; page < FIRST + PAGES; page++) {
                final SpinLock tableLock = table.lockOf(page);
                tableLock.acquireSurely();
                if (!table.hasLeafFor(page)) {
                    final long leaf = FRAMES.allocate(cpu, 0);
                    UnsafeApi.setMemory(FRAMES.memory().nativeAddress(leaf), Pages.SIZE, (byte)0);
                    table.attach(page, leaf);
                }
                table.setIfNone(page, SpaceEntry.present(FRAMES.memory().nativeAddress(FRAMES.allocate(cpu, 0)),
                    SpaceEntry.READABLE | SpaceEntry.WRITABLE | SpaceEntry.ACCESSED | SpaceEntry.DIRTY));
                tableLock.unlock();
            }
            cpu.exit();
            pages.pinFast(FIRST, PAGES, true, pinned, 0);
            pages.unpin(pinned, 0, PAGES, false);
        }

        /** As the fault of a page that another has faulted in meanwhile. */
        private void fault(final long page, final boolean write) {
            final Region region = index.find(page);
            if (region == null || !region.has(write ? Region.WRITE : Region.READ)) {
                throw new IllegalStateException("page=" + page);
            }
            final SpinLock tableLock = table.lockOf(page);
            tableLock.acquireSurely();
            try {
                if (!region.isCurrent() || !SpaceEntry.has(table.get(page), SpaceEntry.WRITE_CHECK)) {
                    throw new IllegalStateException("region=" + region);
                }
            } finally {
                tableLock.unlock();
            }
        }

        /** Drops the pins of an iteration. */
        @TearDown(Level.Iteration)
        public void unpin() {
            for (; rounds > 0; rounds--) {
                pages.unpin(pinned, 0, PAGES, false);
            }
        }
    }

    /**
     * @param space of this thread.
     * @return how many are pinned.
     */
    @Benchmark
    public int fast(final Space space) {
        space.rounds++;
        return space.pages.pinFast(Space.FIRST, PAGES, true, space.pinned, 0);
    }

    /**
     * @param space of this thread.
     * @return how many are pinned.
     */
    @Benchmark
    public int slow(final Space space) {
        space.rounds++;
        return space.pages.pinSlow(Space.FIRST, 0, PAGES, true, space.pinned, 0);
    }

    /**
     * @param space of this thread.
     * @return how many were pinned.
     */
    @Benchmark
    public int fastAndUnpin(final Space space) {
        final int pinned = space.pages.pinFast(Space.FIRST, PAGES, true, space.pinned, 0);
        space.pages.unpin(space.pinned, 0, pinned, false);
        return pinned;
    }

    /** @param space of this thread. */
    @Benchmark
    public void baseline(final Space space) {
        space.rounds++;
        for (final long frame : space.pinned) {
            Space.FRAMES.get(frame);
        }
    }
}
