package org.vellum.gather;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirement;
import org.vellum.epoch.Retirements;
import org.vellum.frame.FrameAllocator;
import org.vellum.report.Listener;

/**
 * Where the gathers of one memory come from, and what they share: tables and batches in limbo, the open batches of slots, counts.
 *
 * <p>A gather that has ended is used again, so beginning one makes no garbage but while more are under way than ever before.
 *
 * <p>Thread safety: any thread; only {@link #settle} waits.
 */
public final class Gathers {
    private static final int SPARES = 16;
    private static final long PARK_NANOS = 20_000;

    final Epochs epochs;
    final Cpus cpus;
    final FrameAllocator frames;
    final TableFrames tables;
    final FrameBatches batches;
    final OpenBatches open;
    final long mostLimboBytes;

    private final Retirements retirements;
    private final AtomicLongArray events = new AtomicLongArray(GatherEvent.values().length);
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicReferenceArray<MmuGather> spares = new AtomicReferenceArray<>(SPARES);

    /**
     * @param epochs decides when a grace period has ended.
     * @param frames whose references are given up.
     * @param tables where tables go to.
     * @param retirements for what nothing else has room for.
     * @param mostLimboBytes bytes of frames in limbo above which a flush that may wait does, in bytes.
     * @param listener hears of releases that throw.
     */
    public Gathers(
        final Epochs epochs, final FrameAllocator frames, final TableFrames tables, final Retirements retirements,
        final long mostLimboBytes, final Listener listener) {
        this.epochs = epochs;
        this.frames = frames;
        this.tables = tables;
        this.retirements = retirements;
        this.mostLimboBytes = mostLimboBytes;
        cpus = epochs.cpus();
        batches = new FrameBatches(epochs, frames, listener);
        // All slots' open batches together hold at most a sixteenth of the memory.
        final long share = frames.configuredFrames() / (16L * cpus.cachedSlots());
        open = new OpenBatches(cpus, batches, (int)Math.max(MmuGather.INLINE, Math.min(FrameBatches.ENTRIES, share)));
    }

    /**
     * Begins a gather. It is the calling thread's until {@link MmuGather#close}, which must be called whatever happens.
     *
     * @param space the count of the space whose entries are cleared.
     * @param mode whether its flushes wait.
     * @return the gather.
     */
    public MmuGather begin(final SpaceFlushes space, final GatherMode mode) {
        final MmuGather spare = spares.getAndSet(spareIndex(), null);
        final MmuGather gather = spare == null ? new MmuGather(this) : spare;
        gather.begin(space, mode);
        underWay.incrementAndGet();
        return gather;
    }

    private static int spareIndex() {
        return System.identityHashCode(Thread.currentThread()) & SPARES - 1;
    }

    /** Called by a gather at its end. One that could not free what it had, because something was thrown, is not used again. */
    void ended(final MmuGather gather, final boolean empty) {
        underWay.decrementAndGet();
        if (empty) {
            spares.set(spareIndex(), gather);
        }
    }

    void count(final GatherEvent event) {
        events.incrementAndGet(event.ordinal());
    }

    /** Has something done once every section that is open now has ended. Never waits. */
    void retire(final Retirement retirement) {
        retirements.retire(retirement);
    }

    /** A slot, however long it takes: what is to be freed must not be lost. Outside sections; parks. */
    Cpu enterSurely(final Object blocker) {
        Cpu cpu = cpus.tryEnter();
        boolean interrupted = false;
        while (cpu == null) {
            LockSupport.parkNanos(blocker, PARK_NANOS);
            // With an interrupt pending no park would park: taken off, and put back at the end.
            interrupted |= Thread.interrupted();
            cpu = cpus.tryEnter();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return cpu;
    }

    /** Remembers frames in the Java heap, for lack of any other. Never waits. */
    void retireOnHeap(final long[] listed, final int count) {
        count(GatherEvent.HEAP);
        retire(new HeapBatch(Arrays.copyOf(listed, count)));
    }

    /** Freed by whoever polls the retirements, outside sections. */
    private final class HeapBatch extends Retirement {
        private final long[] listed;
        private int left;

        HeapBatch(final long[] listed) {
            this.listed = listed;
            left = listed.length;
        }

        @Override
        protected void released() {
            final Cpu cpu = cpus.enter();
            try {
                for (; left > 0; left--) {
                    frames.put(cpu, listed[left - 1]);
                }
            } finally {
                cpu.exit();
            }
        }
    }

    /**
     * Frees what has passed; what open batches hold is asked for, and comes with a later poll. Never waits.
     *
     * @return how many batches and tables were released, or put on their way.
     */
    public int poll() {
        return open.retireAll() + batches.poll() + tables.poll() + retirements.poll();
    }

    /**
     * Waits until all that gathers have let go of by now is free, as far as open sections allow.
     *
     * @throws IllegalStateException inside a section.
     */
    public void settle() {
        epochs.mightSleep("settling gathers");
        do {
            epochs.synchronize();
        } while (poll() > 0);
    }

    /**
     * @param event what to count.
     * @return how often it has happened.
     */
    public long events(final GatherEvent event) {
        return events.get(event.ordinal());
    }

    /** @return how often there was no memory for a batch. */
    public long refusals() {
        return batches.refusals();
    }

    /** @return gathers begun and not ended: those of threads that have died, too (RG14). */
    public int underWay() {
        return underWay.get();
    }

    /** @return bytes of batches in limbo, and of the frames they list. */
    public long limboBytes() {
        return batches.limboBytes();
    }

    /** @return batches that exist: filled by a gather, open in a slot, or in limbo. */
    public long liveBatches() {
        return batches.live();
    }

    /**
     * Checks a quiet memory that has settled.
     *
     * @throws AssertionError naming what is left.
     */
    public void verify() {
        if (underWay() != 0 || liveBatches() != 0 || limboBytes() != 0 || open.count() != 0 || tables.inLimbo() != 0) {
            throw new AssertionError("gathers under way=" + underWay() + " batches=" + liveBatches() + " limboBytes=" + limboBytes()
                + " open=" + open.count() + " tables in limbo=" + tables.inLimbo());
        }
    }
}
