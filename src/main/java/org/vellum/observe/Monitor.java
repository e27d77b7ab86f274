package org.vellum.observe;

import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.vellum.alloc.AllocatorStats;
import org.vellum.alloc.AllocatorStats.BudgetStats;
import org.vellum.percpu.PercpuStats;
import org.vellum.slab.SlabCounts.ClassCounts;

/** What is registered with JMX. Nothing is kept: each answer is of its moment. */
final class Monitor implements VellumMXBean {
    private final Supplier<Stats> stats;
    private final LongSupplier trim;
    private final Supplier<String> report;

    Monitor(final Supplier<Stats> stats, final LongSupplier trim, final Supplier<String> report) {
        this.stats = stats;
        this.trim = trim;
        this.report = report;
    }

    @Override
    public MemoryFigures getMemory() {
        return new Memory(stats.get());
    }

    @Override
    public AllocatorFigures getAllocator() {
        return new Allocator(stats.get().allocator());
    }

    @Override
    public PercpuFigures getPercpu() {
        return new Percpu(stats.get().percpu());
    }

    @Override
    public KmapFigures getKmap() {
        return new KmapMonitor(stats.get().kmap());
    }

    @Override
    public SpaceFigures getSpaces() {
        return new SpaceMonitor(stats.get().spaces());
    }

    @Override
    public SizeClassFigures[] getSizeClasses() {
        return stats.get().allocator().slabs().classes().stream().filter(ofClass -> ofClass.slabs() > 0)
            .map(SizeClass::new).toArray(SizeClassFigures[]::new);
    }

    @Override
    public BudgetFigures[] getBudgets() {
        return stats.get().allocator().budgets().stream().map(Budget::new).toArray(BudgetFigures[]::new);
    }

    @Override
    public long trim() {
        return trim.getAsLong();
    }

    @Override
    public String report() {
        return report.get();
    }

    private record Memory(Stats of) implements MemoryFigures {
        @Override
        public long getConfiguredBytes() {
            return of.configuredBytes();
        }

        @Override
        public long getPresentBytes() {
            return of.presentBytes();
        }

        @Override
        public long getPresentHighWaterBytes() {
            return of.presentHighWaterBytes();
        }

        @Override
        public long getResidentBytes() {
            return of.residentBytes();
        }

        @Override
        public long getUsedHighWaterBytes() {
            return of.usedHighWaterBytes();
        }

        @Override
        public long getFreeFrameBytes() {
            return of.freeFrameBytes();
        }

        @Override
        public long getCachedFrameBytes() {
            return of.cachedFrameBytes();
        }

        @Override
        public long getLiveAreas() {
            return of.liveAreas();
        }

        @Override
        public long getWindowBytes() {
            return of.windowBytes();
        }

        @Override
        public long getFreeWindowBytes() {
            return of.freeWindowBytes();
        }

        @Override
        public long getLimboBytes() {
            return of.limboBytes();
        }

        @Override
        public long getLimboFrameBytes() {
            return of.limboFrameBytes();
        }

        @Override
        public long getFlushes() {
            return of.flushes();
        }

        @Override
        public long getDrains() {
            return of.drains();
        }

        @Override
        public long getExhaustions() {
            return of.exhaustions();
        }

        @Override
        public int getSlots() {
            return of.slots();
        }
    }

    private record Allocator(AllocatorStats of) implements AllocatorFigures {
        @Override
        public long getLiveBytes() {
            return of.liveBytes();
        }

        @Override
        public long getLiveHighWaterBytes() {
            return of.liveHighWaterBytes();
        }

        @Override
        public long getLiveObjects() {
            return of.liveObjects();
        }

        @Override
        public long getLiveRuns() {
            return of.liveRuns();
        }

        @Override
        public long getLiveAreas() {
            return of.liveAreas();
        }

        @Override
        public long getCachedBytes() {
            return of.cachedBytes();
        }

        @Override
        public long getStrandedBytes() {
            return of.strandedBytes();
        }

        @Override
        public long getLimboBytes() {
            return of.limboBytes();
        }

        @Override
        public long getQuarantinedBytes() {
            return of.quarantinedBytes();
        }

        @Override
        public long getReservedBytes() {
            return of.reservedBytes();
        }

        @Override
        public double getFragmentation() {
            return of.fragmentation();
        }
    }

    private record Percpu(PercpuStats of) implements PercpuFigures {
        @Override
        public int getSlots() {
            return of.slots();
        }

        @Override
        public int getChunks() {
            return of.chunks();
        }

        @Override
        public long getAreas() {
            return of.areas();
        }

        @Override
        public long getBytes() {
            return of.bytes();
        }

        @Override
        public long getPopulatedPages() {
            return of.populatedPages();
        }

        @Override
        public long getEmptyPages() {
            return of.emptyPages();
        }

        @Override
        public long getFrames() {
            return of.frames();
        }

        @Override
        public long getPendingFrames() {
            return of.pendingFrames();
        }

        @Override
        public long getBalances() {
            return of.balances();
        }

        @Override
        public long getAtomicFailures() {
            return of.atomicFailures();
        }
    }

    private record SizeClass(ClassCounts of) implements SizeClassFigures {
        @Override
        public int getObjectBytes() {
            return of.objectBytes();
        }

        @Override
        public int getSlabs() {
            return of.slabs();
        }

        @Override
        public long getLiveObjects() {
            return of.liveObjects();
        }

        @Override
        public long getDeferredObjects() {
            return of.deferredObjects();
        }

        @Override
        public long getFreeObjects() {
            return of.freeObjects();
        }

        @Override
        public long getBytes() {
            return of.bytes();
        }

        @Override
        public long getWasteBytes() {
            return of.wasteBytes();
        }
    }

    private record Budget(BudgetStats of) implements BudgetFigures {
        @Override
        public String getPath() {
            return of.path();
        }

        @Override
        public long getUsedBytes() {
            return of.usedBytes();
        }

        @Override
        public long getLimitBytes() {
            return of.limitBytes();
        }

        @Override
        public long getHighWaterBytes() {
            return of.highWaterBytes();
        }
    }
}
