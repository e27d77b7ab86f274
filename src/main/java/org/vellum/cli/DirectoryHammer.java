package org.vellum.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mapram.MapRam;
import org.vellum.mem.Pages;
import org.vellum.vmap.VmallocFlags;
import org.vellum.vmap.Vmap;

/**
 * One thread of the directory workload: visits blocks of its own, mapping each for the visit. The first visit of each batch
 * is timed in three parts: map, work, unmap.
 */
abstract class DirectoryHammer extends Hammer {
    static final int BLOCKS = 64;

    private static final int SAMPLES = 1 << 13;

    private final List<DirectoryBlock> blocks = new ArrayList<>();
    private final SplittableRandom random;
    private final CRC32C crc = new CRC32C();
    private final byte[] scratch = new byte[DirectoryBlock.MAX_PAGES << Pages.SHIFT];
    private final boolean mapsInSection;
    private final long[] workSamples = new long[SAMPLES];
    private long samples;
    private long mapNanos;
    private long batchNanos;
    private long notFound;

    DirectoryHammer(final Vellum memory, final long seed, final boolean mapsInSection) {
        super(memory);
        this.mapsInSection = mapsInSection;
        random = new SplittableRandom(seed);
        for (final int pages : sizes(seed)) {
            blocks.add(new DirectoryBlock(ScatteredFrames.take(memory, pages, random.nextLong()), blocks.size()));
        }
        blocks.forEach(block -> withView(block, () -> block.format(view, crc, scratch)));
    }

    /** Sizes of a thread's blocks in pages, the same under every policy. */
    static int[] sizes(final long seed) {
        final SplittableRandom sizes = new SplittableRandom(~seed);
        final int[] pages = new int[BLOCKS];
        Arrays.setAll(pages, i -> 1 + sizes.nextInt(DirectoryBlock.MAX_PAGES));
        return pages;
    }

    private void withView(final DirectoryBlock block, final Runnable work) {
        final long address = memory.vmap().vmap(block.frames, 0, block.pages(), VmallocFlags.NONE);
        try {
            view.wrap(address, block.bytes());
            work.run();
        } finally {
            memory.vmap().vunmap(address);
        }
    }

    abstract long map(Cpu cpu, DirectoryBlock block);

    abstract void unmap(Cpu cpu, long address, DirectoryBlock block);

    /** Outside sections, after each batch, even one that was cut short. */
    void afterBatch() {
    }

    @Override
    final void batch() {
        try {
            visit(blocks.get(random.nextInt(BLOCKS)), true);
            for (int i = 1; i < BATCH; i++) {
                visit(blocks.get(random.nextInt(BLOCKS)), false);
            }
        } finally {
            final long start = System.nanoTime();
            afterBatch();
            batchNanos += System.nanoTime() - start;
        }
    }

    private void visit(final DirectoryBlock block, final boolean sampled) {
        Cpu cpu = hint();
        if (mapsInSection) {
            cpu = cpus.enter(cpu);
        }
        try {
            final long start = sampled ? System.nanoTime() : 0;
            final long address = map(cpu, block);
            final long mapped = sampled ? System.nanoTime() : 0;
            work(block, address);
            final long worked = sampled ? System.nanoTime() : 0;
            unmap(hint(), address, block);
            if (sampled) {
                final long end = System.nanoTime();
                workSamples[(int)(samples++ & SAMPLES - 1)] = worked - mapped;
                mapNanos += mapped - start + (end - worked);
            }
        } finally {
            if (mapsInSection) {
                cpu.exit();
            }
        }
    }

    private void work(final DirectoryBlock block, final long address) {
        view.wrap(address, block.bytes());
        final Cpu cpu = cpus.enter(hint());
        try {
            if (!block.visit(view, random, crc, scratch)) {
                notFound++;
            }
        } finally {
            cpu.exit();
        }
        hint(cpu);
    }

    @Override
    void reset() {
        super.reset();
        samples = 0;
        mapNanos = 0;
        batchNanos = 0;
    }

    /** Nanoseconds an operation of this cell spent in mapping and unmapping, the clock's own cost left out. */
    final double mapNanosPerOperation(final double clockNanos) {
        final double sampled = samples == 0 ? 0 : (double)mapNanos / samples - 2 * clockNanos;
        final long batches = Math.max(1, operations() / BATCH);
        return Math.max(0, sampled) + Math.max(0, ((double)batchNanos / batches - clockNanos) / BATCH);
    }

    /**
     * Nanoseconds an operation of this cell spent between the two. A visit of more than eight times the median was cut
     * short by another thread on its core: it counts as the median. Waits in mapping count in full, so the share errs upwards.
     */
    final double workNanosPerOperation(final double clockNanos) {
        final int kept = (int)Math.min(samples, SAMPLES);
        if (kept == 0) {
            return 0;
        }
        final long[] sorted = Arrays.copyOf(workSamples, kept);
        Arrays.sort(sorted);
        final long median = sorted[kept / 2];
        return Math.max(0, Arrays.stream(sorted).map(nanos -> nanos > 8 * median ? median : nanos).average().orElse(0)
            - clockNanos);
    }

    /** Whether everything was found and every block is what its visits must have made of it; then gives the frames back. */
    final boolean finish() {
        final boolean[] intact = {notFound == 0};
        for (final DirectoryBlock block : blocks) {
            withView(block, () -> intact[0] &= block.isIntact(view, crc, scratch));
            ScatteredFrames.give(memory, block.frames);
        }
        return intact[0];
    }

    static DirectoryHammer of(final String policy, final Vellum memory, final long seed) {
        return switch (policy) {
            case "eager" -> new Ram(memory, seed, false);
            case "batched" -> new Batched(memory, seed);
            case "lazy" -> new Areas(memory, seed, true);
            case "blocks" -> new Ram(memory, seed, true);
            default -> throw new IllegalArgumentException("policy=" + policy);
        };
    }

    /** {@code vmMapRam}; under the eager policy outside sections, for it waits there. */
    private static final class Ram extends DirectoryHammer {
        private final MapRam mapRam;

        Ram(final Vellum memory, final long seed, final boolean mapsInSection) {
            super(memory, seed, mapsInSection);
            mapRam = memory.mapRam();
        }

        @Override
        long map(final Cpu cpu, final DirectoryBlock block) {
            return mapRam.vmMapRam(cpu, block.frames, 0, block.pages());
        }

        @Override
        void unmap(final Cpu cpu, final long address, final DirectoryBlock block) {
            mapRam.vmUnmapRam(cpu, address, block.pages());
        }
    }

    /** {@code vmap} areas. */
    private static class Areas extends DirectoryHammer {
        final Vmap vmap;

        Areas(final Vellum memory, final long seed, final boolean mapsInSection) {
            super(memory, seed, mapsInSection);
            vmap = memory.vmap();
        }

        @Override
        long map(final Cpu cpu, final DirectoryBlock block) {
            return vmap.vmap(block.frames, 0, block.pages(), VmallocFlags.NONE);
        }

        @Override
        void unmap(final Cpu cpu, final long address, final DirectoryBlock block) {
            vmap.vunmap(address);
        }
    }

    /**
     * What reference 1's user did for itself: keeps its mappings until there are 64, then unmaps them all and has them
     * flushed once. The flush waits, so it happens outside sections.
     */
    private static final class Batched extends Areas {
        private final long[] kept = new long[BATCH];
        private int count;

        Batched(final Vellum memory, final long seed) {
            super(memory, seed, false);
        }

        @Override
        void unmap(final Cpu cpu, final long address, final DirectoryBlock block) {
            kept[count++] = address;
        }

        @Override
        void afterBatch() {
            while (count > 0) {
                vmap.vunmap(kept[--count]);
            }
            memory.unmapAliases();
        }
    }
}
