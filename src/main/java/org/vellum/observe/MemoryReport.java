package org.vellum.observe;

import java.util.Locale;
import org.vellum.kmap.KmapStats;
import org.vellum.percpu.PercpuStats;
import org.vellum.space.SpaceStats;

/** Figures of one memory in words. */
final class MemoryReport {
    private MemoryReport() {
    }

    static String of(final Stats stats, final String holders) {
        return line("memory: %,d bytes at most; banks %,d bytes, most %,d, resident %,d", stats.configuredBytes(), stats.presentBytes(),
                stats.presentHighWaterBytes(), stats.residentBytes())
            + line("frames: free %,d bytes, of them cached by slots %,d; most in use %,d", stats.freeFrameBytes(),
                stats.cachedFrameBytes(), stats.usedHighWaterBytes())
            + line("window: %,d bytes, %,d free; %,d live areas", stats.windowBytes(), stats.freeWindowBytes(), stats.liveAreas())
            + line("limbo:  %,d bytes, frames of areas %,d bytes; %s", stats.limboBytes(), stats.limboFrameBytes(), holders)
            + line("epochs: %,d flushes, %,d drains, %,d exhaustions met; %,d slots", stats.flushes(), stats.drains(),
                stats.exhaustions(), stats.slots())
            + percpu(stats.percpu())
            + kmap(stats.kmap())
            + spaces(stats.spaces())
            + stats.allocator().report();
    }

    private static String percpu(final PercpuStats stats) {
        return stats.slots() == 0 ? "" : line("percpu: %,d areas of %,d bytes on each of %d CPUs; %,d chunks, %,d pages a CPU, %,d of them empty; "
            + "%,d frames, %,d in limbo", stats.areas(), stats.bytes(), stats.slots(), stats.chunks(), stats.populatedPages(),
            stats.emptyPages(), stats.frames(), stats.pendingFrames());
    }

    private static String kmap(final KmapStats stats) {
        return stats.windowSlots() == 0 && stats.localMaps() == 0 ? "" : line("kmap:   %,d local maps, %,d of them by entries; "
            + "window %,d slots, %,d used, %,d unused, %,d free; %,d flushes, %,d waits", stats.localMaps(), stats.localEntries(),
            stats.windowSlots(), stats.usedSlots(), stats.unusedSlots(), stats.freeSlots(), stats.flushes(), stats.slotWaits())
            + high(stats);
    }

    private static String high(final KmapStats stats) {
        return stats.files() == 0 && stats.pagesRead() == 0 ? "" : line("high:   %,d files, %,d cache frames; %,d hits, %,d misses, "
            + "%,d pages read, %,d written; %,d evictions, %,d waits, %,d failures", stats.files(), stats.cacheFrames(), stats.hits(),
            stats.misses(), stats.pagesRead(), stats.writeBacks(), stats.evictions(), stats.cacheWaits(), stats.failures());
    }

    private static String spaces(final SpaceStats stats) {
        return stats.spaces() == 0 && stats.flushes() == 0 ? "" : line("spaces: %,d open, %,d regions; %,d tables, %,d of them in limbo; "
            + "%,d gathers, %,d batches, %,d bytes in limbo; %,d flushes, %,d full, %,d nested, %,d waited", stats.spaces(), stats.regions(),
            stats.tables(), stats.tablesInLimbo(), stats.gathersUnderWay(), stats.batches(), stats.limboBytes(), stats.flushes(),
            stats.fullFlushes(), stats.nestedFlushes(), stats.waits());
    }

    private static String line(final String format, final Object... values) {
        return String.format(Locale.ROOT, format, values) + System.lineSeparator();
    }
}
