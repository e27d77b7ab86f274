package org.vellum.vmap;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.vellum.LazyMemory;
import org.vellum.OwnedFrames;
import org.vellum.Relief;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.HeadRing;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.ExhaustedException;

/**
 * The scenarios of the kernel's public vmalloc test module, by their names there; one call is one turn of the module's loop.
 * {@code touch} is the floor: a checked store of one byte to memory that was there before.
 *
 * <p>The module's {@code nr_pages} is {@code -p nrPages=…}. A scenario that is to succeed throws if it does not, which fails
 * the benchmark; {@code alignShift} is expected to fail beyond some alignment, and fails the benchmark if it fails before,
 * or never. Not here: {@code pcpu_alloc_test}, which needs the per-CPU allocator.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.VmallocModuleBenchmark\.' -t 1}, and with twice the processors.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class VmallocModuleBenchmark {
    private static final int MAX_RANDOM_PAGES = 100;
    private static final int LONG_LIST = 15_000;
    private static final int LONG_LIST_PAGES = 100;
    private static final int ALIGNED_PAGES = 5;
    /** The kernel's {@code THREAD_ALIGN << 1} on x86-64, in bytes. */
    private static final long THREAD_ALIGN_TWICE = 32L << 10;
    private static final int ALIGN_SHIFTS = 23;
    /** Alignments up to this have hundreds of places in the window, more than threads can take away: they must be served. */
    private static final int SURE_SHIFT = 24;

    /** The module's junk: as many holes of exactly one page and its guard as areas between them. */
    public static class Holes extends LazyMemory {
        private static final int PAIRS_PER_BIT = 8192;

        /** Allocates pairs of areas, then frees the second of each. */
        @Setup(Level.Trial)
        public void fill() {
            final int bits = Integer.SIZE - Integer.numberOfLeadingZeros(Runtime.getRuntime().availableProcessors());
            // The module's number, as far as half the memory goes.
            final int pairs = (int)Math.min(bits * PAIRS_PER_BIT, vellum.frames().configuredFrames() / 4);
            final long[] junk = new long[pairs];
            for (int i = 0; i < pairs; i++) {
                vellum.vmalloc(Pages.SIZE);
                junk[i] = vellum.vmalloc(Pages.SIZE);
            }
            for (final long address : junk) {
                vellum.vfree(address);
            }
        }
    }

    /** The module's long list of busy areas. */
    public static class LongList extends LazyMemory {
        /** Allocates them. */
        @Setup(Level.Trial)
        public void fill() {
            for (int i = 0; i < LONG_LIST; i++) {
                vellum.vmalloc(Pages.SIZE);
            }
        }
    }

    /** What a thread of the module keeps. */
    @State(Scope.Thread)
    public abstract static class Worker {
        @Param("1")
        int nrPages;
        Vellum vellum;
        Vmalloc vmalloc;
        private MappedAccess access;
        private long random = System.nanoTime() | 1;

        void take(final Vellum from) {
            vellum = from;
            vmalloc = from.vmalloc();
            access = from.access();
        }

        final void touch(final long address) {
            access.putByte(address, (byte)1);
        }

        /** A xorshift: {@code ThreadLocalRandom} would be part of the figure. */
        final int random(final int bound) {
            random ^= random << 13;
            random ^= random >>> 7;
            random ^= random << 17;
            return (int)((random >>> 1) % bound);
        }

        final long cycle(final long pages) {
            return cycle(pages, Pages.SIZE, VmallocFlags.NONE);
        }

        final long cycle(final long pages, final long align, final int flags) {
            final long address = vmalloc.vmalloc(pages * Pages.SIZE, align, flags);
            if ((address & Address.MASK & align - 1) != 0) {
                throw new IllegalStateException("misaligned: address=" + address + " align=" + align);
            }
            touch(address);
            vmalloc.vfree(address);
            return address;
        }
    }

    /** A worker in an empty window. */
    public static class Fresh extends Worker {
        private OwnedFrames frames;
        private HeadRing heads;
        private long kept;

        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LazyMemory memory) {
            take(memory.vellum);
            frames = new OwnedFrames(vellum, nrPages);
            heads = new HeadRing(vellum);
            kept = vmalloc.vmalloc(Pages.SIZE);
        }
    }

    /** A worker in a window full of holes. */
    public static class InHoles extends Worker {
        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final Holes memory) {
            take(memory.vellum);
        }
    }

    /** A worker in a window with many areas. */
    public static class InLongList extends Worker {
        /** @param memory where. */
        @Setup(Level.Trial)
        public void prepare(final LongList memory) {
            take(memory.vellum);
        }
    }

    /** @param worker of this thread. */
    @Benchmark
    public void touch(final Fresh worker) {
        worker.touch(worker.kept);
    }

    /**
     * 1, {@code fix_size_alloc_test}.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long fixSize(final Fresh worker) {
        return worker.cycle(worker.nrPages);
    }

    /**
     * 2, {@code full_fit_alloc_test}.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long fullFit(final InHoles worker) {
        return worker.cycle(1);
    }

    /**
     * 4, {@code long_busy_list_alloc_test}.
     *
     * @param worker of this thread.
     * @return something of both addresses.
     */
    @Benchmark
    public long longBusyList(final InLongList worker) {
        final long many = worker.vmalloc.vmalloc((long)LONG_LIST_PAGES * Pages.SIZE);
        final long one = worker.vmalloc.vmalloc(Pages.SIZE);
        worker.touch(many);
        worker.touch(one);
        worker.vmalloc.vfree(many);
        worker.vmalloc.vfree(one);
        return many ^ one;
    }

    /**
     * 8, {@code random_size_alloc_test}.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long randomSize(final Fresh worker) {
        return worker.cycle(1 + worker.random(MAX_RANDOM_PAGES));
    }

    /**
     * 16, {@code fix_align_alloc_test}.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long fixAlign(final Fresh worker) {
        return worker.cycle(ALIGNED_PAGES, THREAD_ALIGN_TWICE, VmallocFlags.ZERO);
    }

    /**
     * 32, {@code random_size_align_alloc_test}.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long randomSizeAlign(final Fresh worker) {
        final int random = worker.random(256);
        return worker.cycle(random % 10 + 1, 1L << random % ALIGN_SHIFTS, VmallocFlags.ZERO);
    }

    /**
     * 64, {@code align_shift_alloc_test}: all alignments up to the first that fails, as it must.
     *
     * @param worker of this thread.
     * @return the shift that failed.
     */
    @Benchmark
    public int alignShift(final Fresh worker) {
        for (int shift = 0; shift < Long.SIZE; shift++) {
            try {
                worker.cycle(1, 1L << shift, VmallocFlags.NONE);
            } catch (final ExhaustedException e) {
                if (shift <= SURE_SHIFT) {
                    throw e;
                }
                return shift;
            }
        }
        throw new IllegalStateException("every alignment was served");
    }

    /**
     * 256, {@code kvfree_rcu_1_arg_vmalloc_test}: freed after a grace period, without anything of the caller's to queue by.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long retireWithoutHead(final Fresh worker) {
        final long address = worker.vmalloc.vmalloc(Pages.SIZE);
        worker.touch(address);
        worker.vmalloc.retire(address);
        return address;
    }

    /**
     * 512, {@code kvfree_rcu_2_arg_vmalloc_test}: the same by a head of the caller's, polled for when the caller's heads run out.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long retireByHead(final Fresh worker) {
        final long address = worker.vmalloc.vmalloc(Pages.SIZE);
        worker.touch(address);
        worker.heads.retire(address);
        return address;
    }

    /**
     * 1024, {@code vm_map_ram_test}.
     *
     * @param worker of this thread.
     * @return the address.
     */
    @Benchmark
    public long vmMapRam(final Fresh worker) {
        final long address = worker.vellum.vmMapRam(worker.frames.numbers, 0, worker.nrPages);
        worker.touch(address);
        worker.vellum.vmUnmapRam(address, worker.nrPages);
        return address;
    }

    /**
     * 2048, {@code no_block_alloc_test}: inside a section, where an allocation does not wait.
     *
     * @param worker of this thread.
     * @param count of this thread.
     * @return the address.
     */
    @Benchmark
    public long noBlock(final Fresh worker, final Relief.Count count) {
        return Relief.run(count, worker.vellum, worker, VmallocModuleBenchmark::cycleInSection);
    }

    private static long cycleInSection(final Worker worker) {
        final Cpu cpu = worker.vellum.enter();
        try {
            return worker.cycle(worker.nrPages);
        } finally {
            cpu.exit();
        }
    }
}
