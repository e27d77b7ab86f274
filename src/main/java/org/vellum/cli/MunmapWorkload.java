package org.vellum.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.vellum.Vellum;
import org.vellum.gather.GatherEvent;
import org.vellum.gather.Gathers;
import org.vellum.mem.Pages;
import org.vellum.space.AddressSpace;
import org.vellum.space.SpaceInfo;
import org.vellum.space.SpaceOptions;
import org.vellum.space.UnmapPolicy;

/**
 * A large unmap and many small ones in one address space: {@link LargeUnmap} beside {@link SmallUnmaps}. One memory with a space for each
 * policy; {@code idle}, the small ones alone, is measured in that of {@code preemptible}.
 */
final class MunmapWorkload implements AutoCloseable {
    static final String IDLE = "idle";
    static final String PREEMPTIBLE = "preemptible";
    static final String ATOMIC = "atomic";
    static final List<String> POLICIES = List.of(IDLE, PREEMPTIBLE, ATOMIC);

    /** The small ranges are below, where a map finds room first, the large one from here on. */
    private static final long LARGE_START = 64L << 20;
    private static final int MIB_SHIFT = 20;
    private static final int WARM_UP_MIB = 64;
    private static final int WARM_UP_MILLIS = 100;
    /** What slots keep, what waits in limbo and what the small ranges need, beside an eighth. */
    private static final long SPARE_MIB = 8;
    /** Beside a quarter: so much that what waits in limbo is never more than it may be. */
    private static final long AMPLE_SPARE_MIB = 64;

    private final Vellum memory;
    private final long largeBytes;
    private final Map<UnmapPolicy, AddressSpace> spaces = new LinkedHashMap<>();
    private final List<SmallUnmaps> others = new ArrayList<>();
    private boolean gone = true;

    /** Opens a memory and its spaces. */
    MunmapWorkload(final long memoryBytes, final int mib, final int maxThreads) {
        memory = Vellum.builder().memory(memoryBytes).open();
        largeBytes = (long)mib << MIB_SHIFT;
        for (final UnmapPolicy policy : UnmapPolicy.values()) {
            spaces.put(policy, memory.spaces().create(SpaceOptions.of(LARGE_START + largeBytes).withPolicy(policy)));
        }
        for (int i = 0; i < maxThreads; i++) {
            others.add(new SmallUnmaps(i));
        }
    }

    /** Bytes of a memory in which unmapping so much at a time has to wait for nobody. */
    static long ampleMemory(final int mib) {
        return mib + mib / 4 + AMPLE_SPARE_MIB << MIB_SHIFT;
    }

    /** Bytes that a memory needs for unmapping so much at a time with so many threads beside it. */
    private static long leastMemory(final int mib, final int threads) {
        return (mib + mib / 8 + SPARE_MIB << MIB_SHIFT) + ((long)threads * SmallUnmaps.MOST_PAGES << Pages.SHIFT);
    }

    /** Refuses a memory that is too small for it. */
    static void checkRoom(final long memoryBytes, final int mib, final int threads) {
        if (leastMemory(mib, threads) > memoryBytes) {
            throw new BadInput("--memory is too small for unmapping " + mib + " MiB: at least "
                + (leastMemory(mib, threads) + (1 << MIB_SHIFT) - 1 >> MIB_SHIFT) + "m are needed");
        }
    }

    AddressSpace space(final String policy) {
        return spaces.get(policy.equals(ATOMIC) ? UnmapPolicy.ATOMIC : UnmapPolicy.PREEMPTIBLE);
    }

    /** All policies before any is measured, so that the compiler has seen them all; alone first, then with company. */
    void warmUp(final int company) {
        for (int count = 1; count <= company; count++) {
            for (final String policy : POLICIES) {
                run(policy, count, WARM_UP_MILLIS, Math.min(largeBytes, (long)WARM_UP_MIB << MIB_SHIFT));
            }
        }
    }

    /** One cell: so many milliseconds of unmapping, and at least one unmap; populating in between takes as long as it takes. */
    MunmapFigures run(final String policy, final int threads, final int millis) {
        return run(policy, threads, millis, largeBytes);
    }

    private MunmapFigures run(final String policy, final int threads, final int millis, final long bytes) {
        final AddressSpace space = space(policy);
        final Gathers gathers = memory.spaces().gathers();
        final LargeUnmap large = new LargeUnmap(memory, space, LARGE_START, bytes, millis);
        final long flushesBefore = gathers.events(GatherEvent.FLUSH);
        space.takeLongestHoldNanos();
        final Crew crew = new Crew();
        for (final SmallUnmaps other : others.subList(0, threads)) {
            other.reset();
            crew.add("vellum-small", () -> other.run(space, large.phase(), crew.stop()));
        }
        crew.add("vellum-large", () -> {
            if (policy.equals(IDLE)) {
                large.idle(crew.stop());
            } else {
                large.run(crew.stop());
            }
        });
        crew.join();
        gone &= large.isGone();
        return figures(space, large, threads, gathers.events(GatherEvent.FLUSH) - flushesBefore);
    }

    /** Every small unmap flushes exactly once, and nothing else flushes: what is left is of the large ones, which are alike. */
    private MunmapFigures figures(final AddressSpace space, final LargeUnmap large, final int threads, final long flushes) {
        final Histogram all = SmallUnmaps.emptyHistogram();
        long small = 0;
        for (final SmallUnmaps other : others.subList(0, threads)) {
            all.add(other.nanos());
            small += other.unmaps();
        }
        return new MunmapFigures(large.gibPerSecond(), all.getValueAtPercentile(50), all.getValueAtPercentile(99),
            all.getValueAtPercentile(99.9), space.takeLongestHoldNanos(), (double)(flushes - small) / Math.max(1, large.unmaps()));
    }

    /** Checks what can be checked, and ends the spaces. Returns whether every check held. */
    boolean finish(final Console console) {
        boolean held = true;
        if (!gone) {
            console.failure("a range that was unmapped could still be touched");
            held = false;
        }
        if (others.stream().anyMatch(other -> !other.isIntact())) {
            console.failure("a new page was not zero, or not what was written");
            held = false;
        }
        for (final Map.Entry<UnmapPolicy, AddressSpace> one : spaces.entrySet()) {
            final AddressSpace space = one.getValue();
            space.verify();
            final SpaceInfo info = space.meminfo();
            if (info.regions() != 0 || info.residentBytes() != 0 || info.tableBytes() != 0) {
                console.failure("left in the space: policy=%s %s", one.getKey().name().toLowerCase(Locale.ROOT), info);
                held = false;
            }
            space.close();
        }
        return held & LeakReport.of("munmap", memory).print(console);
    }

    @Override
    public void close() {
        memory.close();
    }
}
