package org.vellum.gather;

import java.util.concurrent.atomic.AtomicLong;
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
 * The frames of page tables: zeroed, marked so that nobody else frees them, and freed only a grace period after they were detached,
 * whoever uses the space (G7, G13: there is no shortcut for a space with one user, since a walker need not be a user).
 *
 * <p>Limbo links and stamps them in the words of the frame table, so retiring one needs no memory, and cannot fail for want of a batch
 * (RG7). Their number in limbo is bounded: with more than that nobody gets a new one, until some have passed.
 *
 * <p>Thread safety: any thread; only {@link #awaitRoom} waits.
 */
public final class TableFrames implements Release {
    /** What their frames are marked with; the allocator's runs and the slabs have other marks. */
    static final int MARK = 0x90;
    /** Tables that a slot takes back when it needs one: more than one, so that a backlog goes. */
    private static final int OWN_AT_ONCE = 2;
    /** What a slot gathers before it asks for a flush. */
    private static final long OWN_FLUSH_BYTES = 16L * Pages.SIZE;

    private final Epochs epochs;
    private final Cpus cpus;
    private final FrameAllocator frames;
    private final FrameTable table;
    private final Limbo limbo;
    private final long mostInLimbo;
    private final AtomicLong live = new AtomicLong();

    /**
     * @param epochs decides when a grace period has ended.
     * @param frames where they come from.
     * @param mostInLimbo how many may wait for their grace period before new ones are refused, at least 1.
     * @param listener hears of releases that throw.
     */
    public TableFrames(final Epochs epochs, final FrameAllocator frames, final long mostInLimbo, final Listener listener) {
        if (mostInLimbo < 1) {
            throw new IllegalArgumentException("mostInLimbo=" + mostInLimbo);
        }
        this.epochs = epochs;
        this.frames = frames;
        this.mostInLimbo = mostInLimbo;
        cpus = epochs.cpus();
        table = frames.table();
        limbo = new Limbo(epochs, table.records(), FrameTable.RECORD_WORDS, FrameTable.LINK, FrameTable.STAMP, 1, this, listener);
    }

    /**
     * A frame for a table, all zero. Never waits.
     *
     * @param cpu the slot that the caller occupies.
     * @return the frame; {@link PhysicalMemory#NO_FRAME} if memory is exhausted, or too many wait for their grace period: then {@link
     * #awaitRoom}, outside sections, and once more.
     */
    public long allocate(final Cpu cpu) {
        // A few at a time, while the caches have them: or they all come back at once, and one fault takes the time of a thousand.
        limbo.releaseOwn(cpu, OWN_AT_ONCE, OWN_FLUSH_BYTES);
        if (inLimbo() > mostInLimbo) {
            limbo.pollAll();
            if (inLimbo() > mostInLimbo) {
                return PhysicalMemory.NO_FRAME;
            }
        }
        final long frame = frames.allocate(cpu, 0);
        if (frame == PhysicalMemory.NO_FRAME) {
            return frame;
        }
        frames.zero(frame, 0);
        final boolean marked = table.compareAndSetMark(frame, 0, 0, MARK);
        assert marked : "just allocated, frame=" + frame;
        live.incrementAndGet();
        return frame;
    }

    /**
     * Waits, parked, until fewer wait for their grace period.
     *
     * @param nanos how long at most.
     * @return whether there is room.
     * @throws IllegalStateException inside a section.
     */
    public boolean awaitRoom(final long nanos) {
        epochs.mightSleep("waiting for page tables");
        if (inLimbo() > mostInLimbo) {
            epochs.awaitPassed(epochs.stamp(), nanos);
            limbo.pollAll();
        }
        return inLimbo() <= mostInLimbo;
    }

    /**
     * Frees one that was never attached.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame from {@link #allocate}.
     */
    public void free(final Cpu cpu, final long frame) {
        final boolean unmarked = table.compareAndSetMark(frame, 0, MARK, 0);
        assert unmarked : "not a table's, frame=" + frame;
        live.decrementAndGet();
        frames.free(cpu, frame, 0);
    }

    /**
     * Frees one once every section that is open now has ended. Never waits, allocates or fails.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param frame detached: no walker that enters its section later finds it.
     */
    void retire(final Cpu cpu, final long frame) {
        assert table.isMarked(frame, 0, MARK) : "not a table's, frame=" + frame;
        limbo.retire(cpu, frame);
    }

    /**
     * Frees those whose grace period has ended. Never waits.
     *
     * @return how many.
     */
    public int poll() {
        return limbo.pollAll();
    }

    /** @return how many there are, those in limbo included. */
    public long live() {
        return live.get();
    }

    /** @return how many wait for their grace period. */
    public long inLimbo() {
        return limbo.bytesEstimate() >>> Pages.SHIFT;
    }

    /** @return how many may. */
    public long mostInLimbo() {
        return mostInLimbo;
    }

    @Override
    public String kind() {
        return "page table";
    }

    @Override
    public long bytes(final long frame) {
        return Pages.SIZE;
    }

    @Override
    public boolean release(final Cpu own, final long frame) {
        final Cpu cpu = own == null ? cpus.tryEnter() : own;
        if (cpu == null) {
            return false;
        }
        try {
            free(cpu, frame);
            return true;
        } finally {
            if (own == null) {
                cpu.exit();
            }
        }
    }
}
