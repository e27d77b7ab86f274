package org.vellum.gather;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.report.Listener;

/**
 * Lists of frames whose references are to be given up, each in a frame of its own.
 *
 * <pre>
 *   word 0      how many frames are listed
 *   word 1      how many there were when the batch was retired
 *   word 2 ...  their numbers: 510
 * </pre>
 *
 * A batch is its owner's to fill; retired, it goes to limbo as one, with one stamp for all, linked in the words of the frame table. What is
 * in it was cleared before, so its stamp covers each.
 */
final class FrameBatches implements Release {
    /** Frames that one batch lists: 4,096 bytes less the two words. */
    static final int ENTRIES = Pages.SIZE / Long.BYTES - 2;
    /** What their frames are marked with; tables, the allocator's runs and the slabs have other marks. */
    static final int MARK = 0x91;

    /** Batches that a slot takes back when it retires one: more than one, so that a backlog goes. */
    private static final int OWN_AT_ONCE = 2;
    private static final int COUNT = 0;
    private static final int RETIRED = Long.BYTES;
    private static final int FRAMES = 2 * Long.BYTES;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final Limbo limbo;
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong refusals = new AtomicLong();

    /** Null but in tests: whether an allocation shall fail. */
    volatile BooleanSupplier failing;

    FrameBatches(final Epochs epochs, final FrameAllocator frames, final Listener listener) {
        this.frames = frames;
        cpus = epochs.cpus();
        table = frames.table();
        limbo = new Limbo(epochs, table.records(), FrameTable.RECORD_WORDS, FrameTable.LINK, FrameTable.STAMP, 1, this, listener);
    }

    private long at(final long batch) {
        return frames.memory().nativeAddress(batch);
    }

    /** An empty batch, or {@link PhysicalMemory#NO_FRAME}. By the slot's occupant; null has no slot, and gets none. */
    long allocate(final Cpu cpu) {
        final BooleanSupplier fails = failing;
        final long batch = cpu == null || fails != null && fails.getAsBoolean() ? PhysicalMemory.NO_FRAME : frames.allocate(cpu, 0);
        if (batch == PhysicalMemory.NO_FRAME) {
            refusals.incrementAndGet();
            return batch;
        }
        final boolean marked = table.compareAndSetMark(batch, 0, 0, MARK);
        assert marked : "just allocated, frame=" + batch;
        UnsafeApi.putLong(at(batch) + COUNT, 0);
        live.incrementAndGet();
        return batch;
    }

    int count(final long batch) {
        return (int)UnsafeApi.getLong(at(batch) + COUNT);
    }

    /** By the owner of a batch that has room. */
    void add(final long batch, final long frame) {
        final long base = at(batch);
        final long count = UnsafeApi.getLong(base + COUNT);
        assert count < ENTRIES : "batch=" + batch + " is full";
        UnsafeApi.putLong(base + FRAMES + (count << 3), frame);
        UnsafeApi.putLong(base + COUNT, count + 1);
    }

    /** Gives the listed references up, after the grace period. By the owner, who keeps the empty batch. */
    void freeListed(final Cpu cpu, final long batch) {
        final long base = at(batch);
        for (long count = UnsafeApi.getLong(base + COUNT); count > 0; count--) {
            frames.put(cpu, UnsafeApi.getLong(base + FRAMES + (count - 1 << 3)));
            // Afterwards: a put that throws has changed nothing, and is tried again from here.
            UnsafeApi.putLong(base + COUNT, count - 1);
        }
    }

    /** An empty one. By its owner. */
    void free(final Cpu cpu, final long batch) {
        assert count(batch) == 0 : "batch=" + batch + " lists frames";
        final boolean unmarked = table.compareAndSetMark(batch, 0, MARK, 0);
        assert unmarked : "not a batch, frame=" + batch;
        live.decrementAndGet();
        frames.free(cpu, batch, 0);
    }

    /** Lets limbo have it, with all that it lists. Never waits, allocates or fails; without a slot, too. */
    void retire(final Cpu cpu, final long batch) {
        UnsafeApi.putLong(at(batch) + RETIRED, count(batch));
        limbo.retire(cpu, batch);
    }

    /** Frees what has passed of a few batches of the slot that the caller occupies. Never waits. */
    void releaseOwn(final Cpu cpu) {
        limbo.releaseOwn(cpu, OWN_AT_ONCE, 1);
    }

    int poll() {
        return limbo.pollAll();
    }

    long limboBytes() {
        return limbo.bytesEstimate();
    }

    long live() {
        return live.get();
    }

    long refusals() {
        return refusals.get();
    }

    @Override
    public String kind() {
        return "batch of frames";
    }

    @Override
    public long bytes(final long batch) {
        return UnsafeApi.getLong(at(batch) + RETIRED) + 1 << Pages.SHIFT;
    }

    @Override
    public boolean release(final Cpu own, final long batch) {
        final Cpu cpu = own == null ? cpus.tryEnter() : own;
        if (cpu == null) {
            return false;
        }
        try {
            freeListed(cpu, batch);
            free(cpu, batch);
            return true;
        } finally {
            if (own == null) {
                cpu.exit();
            }
        }
    }
}
