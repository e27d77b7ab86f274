package org.vellum.percpu;

import java.util.concurrent.atomic.AtomicBoolean;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.cpu.Worker;
import org.vellum.epoch.Epochs;
import org.vellum.frame.FrameAllocator;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.Listener;
import org.vellum.vmap.Fight;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapSpace;

/**
 * Memory of which every CPU has a copy of its own. An allocation returns a <em>percpu pointer</em>: the address of the lowest copy, from which
 * every other CPU's lies at the same distance in all allocations. {@link #access()} leads from a pointer to the copies.
 *
 * <p>The CPUs are the slots that carry caches. Sizes are those of one copy; in memory there are as many as slots. Pointers are multiples of
 * the alignment, and so are all copies.
 *
 * <p>Whoever allocates owns all copies until it frees the pointer, and may use them outside sections as well. Nothing is reused while it is
 * allocated; once freed it may be at once, as with any {@code free}.
 *
 * <p>Thread safety: all methods may be called by any thread. See the package documentation for the protocols.
 */
public final class PercpuAllocator implements Pointers {
    private final Foundation below;
    private final Cpus cpus;
    private final FirstChunk firstChunk;
    private final Layout layout;
    private final ChunkSupply supply;
    private final Balancer balancer;
    private final Placement placement;
    private final OwnCopy access;
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Sets up the first chunk, and tells the listener how. May block.
     *
     * @param epochs decides when a frame that was mapped may be freed.
     * @param frames where memory comes from.
     * @param access translates what a source of units hands out.
     * @param space the window.
     * @param reclaimer what to do on exhaustion.
     * @param vmap makes and maps areas.
     * @param worker looks after chunks and pages; null: the next allocation that may wait does.
     * @param options the shape of it.
     * @param listener hears of the layout.
     * @throws IllegalArgumentException if the options do not suit these slots, or a source that was forced does not do what it is asked for.
     * @throws ExhaustedException if there is no memory, or no room in the window.
     * @throws IllegalStateException inside a section.
     */
    public PercpuAllocator(
        final Epochs epochs, final FrameAllocator frames, final MappedAccess access, final VmapSpace space, final Reclaimer reclaimer,
        final Vmap vmap, final Worker worker, final PercpuOptions options, final Listener listener) {
        below = new Foundation(epochs, frames, access, space, reclaimer, vmap, listener);
        cpus = epochs.cpus();
        firstChunk = FirstChunk.setUp(options, below);
        boolean whole = false;
        try {
            layout = firstChunk.layout();
            supply = new ChunkSupply(below, firstChunk);
            balancer = new Balancer(below, worker, supply);
            placement = new Placement(supply, balancer);
            this.access = OwnCopy.of(firstChunk, below, this);
            reclaimer.add(supply.pending);
            whole = true;
        } finally {
            if (!whole) {
                // Of the Java heap, or of the C library's: the first chunk would be lost, and so at each new attempt.
                firstChunk.close();
            }
        }
    }

    /** @return the way from a pointer to the copies. */
    @Override
    public OwnCopy access() {
        return access;
    }

    /** @return the largest allocation there can be, in bytes: a unit. */
    public int maxBytes() {
        return layout.unitBytes();
    }

    /**
     * Allocates, zeroed on every CPU. May wait for others that allocate, and for memory; inside a section it does not, and takes only what is
     * ready, as {@link #allocateAtomic} does.
     *
     * @param bytes of one copy, 1 to {@link #maxBytes()}; rounds up to 4.
     * @param align of each copy, a power of two up to a page, in bytes; less than 4 means 4.
     * @return the pointer.
     * @throws IllegalArgumentException if an argument is out of range.
     * @throws ExhaustedException if frames or addresses have run out, or inside a section nothing is ready; nothing has changed.
     */
    @Override
    public long allocate(final long bytes, final long align) {
        requireArguments(bytes, align);
        StackReserve.ensureOperation();
        requireOpen();
        if (cpus.inSection()) {
            final long pointer = placement.allocateReady((int)bytes, (int)align);
            if (pointer == 0) {
                throw new ExhaustedException(Resource.FRAMES, "percpu allocate of " + bytes + " bytes on each of " + layout.slots()
                    + " CPUs: nothing is populated that has room; called inside a section, so it did not wait: try again outside; " + figures());
            }
            return pointer;
        }
        balancer.beforeAllocation();
        long fight = Fight.BEGIN;
        while (true) {
            final long pointer = placement.allocatePopulating((int)bytes, (int)align);
            if (pointer != 0) {
                return pointer;
            }
            // No lock is held here: who fights for memory may have to wait, and what he frees may be of this very room.
            fight = below.reclaimer().reclaim(fight);
            if (fight == Fight.LOST) {
                throw below.reclaimer().exhausted("percpu allocate", Pages.of(bytes) * layout.slots(), true);
            }
        }
    }

    /**
     * Allocates what is ready, zeroed on every CPU: waits for nobody, inside a section or out, and takes no memory. If there is nothing, a
     * balance is asked for, which makes some pages ready; what needs several side by side may fail again and again.
     *
     * @param bytes as for {@link #allocate}.
     * @param align as for {@link #allocate}.
     * @return the pointer, or 0.
     * @throws IllegalArgumentException if an argument is out of range.
     */
    public long allocateAtomic(final long bytes, final long align) {
        requireArguments(bytes, align);
        StackReserve.ensureOperation();
        requireOpen();
        return placement.allocateReady((int)bytes, (int)align);
    }

    /**
     * Allocates from the reserved bytes of the first chunk, zeroed on every CPU: at pointers near the static ones. Waits for nobody.
     *
     * @param bytes as for {@link #allocate}.
     * @param align as for {@link #allocate}.
     * @return the pointer, which {@link #free} frees.
     * @throws IllegalArgumentException if an argument is out of range.
     * @throws ExhaustedException if there is no room; nothing has changed.
     */
    public long allocateReserved(final long bytes, final long align) {
        requireArguments(bytes, align);
        StackReserve.ensureOperation();
        requireOpen();
        final long pointer = placement.allocateReserved((int)bytes, (int)align);
        if (pointer == 0) {
            throw new ExhaustedException(Resource.PERCPU_RESERVED, "percpu allocateReserved of " + bytes + " bytes, align=" + align
                + ": no room in reservedBytes=" + layout.info().reservedBytes());
        }
        return pointer;
    }

    /**
     * The pointer to a place in the static bytes: there from the beginning, never freed.
     *
     * @param offset 0 up to the static bytes.
     * @return the pointer.
     * @throws IllegalArgumentException if it is outside.
     */
    public long staticPointer(final long offset) {
        if (offset < 0 || offset >= layout.info().staticBytes()) {
            throw new IllegalArgumentException("offset=" + offset + " staticBytes=" + layout.info().staticBytes());
        }
        return firstChunk.base() + offset;
    }

    /**
     * Frees an allocation on all CPUs. Never waits for a grace period, allocates or fails; inside a section or out.
     *
     * @param pointer as {@link #allocate} or one of its relatives returned it; 0 for nothing to do.
     * @throws IllegalArgumentException if it is none, is inside an allocation, or static; nothing has changed.
     * @throws IllegalStateException if nothing is allocated there, as after it was freed; nothing has changed.
     */
    @Override
    public void free(final long pointer) {
        if (pointer == 0) {
            return;
        }
        StackReserve.ensureOperation();
        requireOpen();
        final int freed = placement.free(pointer);
        if (freed < 0) {
            throw misuse(pointer, freed);
        }
    }

    private RuntimeException misuse(final long pointer, final int code) {
        final String text = ": pointer=0x" + Long.toHexString(pointer);
        return switch (code) {
            case AreaMap.NOT_ALLOCATED -> new IllegalStateException("percpu free: nothing is allocated there" + text);
            case AreaMap.INTERIOR -> new IllegalArgumentException("percpu free: inside an allocation, not its beginning" + text);
            case AreaMap.FIXED -> new IllegalArgumentException("percpu free: static, never freed" + text);
            default -> new IllegalArgumentException("percpu free: not a percpu pointer" + text);
        };
    }

    private void requireArguments(final long bytes, final long align) {
        if (bytes <= 0 || bytes > layout.unitBytes()) {
            throw new IllegalArgumentException("not 1 to " + layout.unitBytes() + ": bytes=" + bytes);
        }
        if (align <= 0 || align > Pages.SIZE || Long.bitCount(align) != 1) {
            throw new IllegalArgumentException("not a power of two up to " + Pages.SIZE + ": align=" + align);
        }
    }

    private void requireOpen() {
        if (closed.get()) {
            throw new IllegalStateException("the memory is closed");
        }
    }

    /**
     * Ends chunks that nobody uses, but one, gives back pages of those that few use, and makes some ready for those that cannot wait. Frames
     * are free after a grace period, for which this waits, parked, for a bounded time. What the memory's worker does whenever it is asked.
     *
     * @return how many frames were unmapped; what a section holds up is freed later.
     * @throws IllegalStateException inside a section.
     */
    public int balance() {
        below.epochs().mightSleep("balance");
        StackReserve.ensureOperations();
        requireOpen();
        final int frames = balancer.balance();
        awaitPending();
        return frames;
    }

    /** @return figures, taken without stopping anybody for more than a moment. */
    public PercpuStats stats() {
        return placement.stats(layout, firstChunk.bytes(), balancer.balances());
    }

    private String figures() {
        final PercpuStats stats = stats();
        return "chunks=" + stats.chunks() + " bytes=" + stats.bytes() + " populatedPages=" + stats.populatedPages() + " emptyPages="
            + stats.emptyPages();
    }

    /** @return where whose memory lies, and why: several lines for a person. */
    public String describe() {
        return firstChunk.describe();
    }

    /**
     * Walks the structures of a quiet memory.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        new PercpuVerifier(below, supply, layout).verify();
    }

    /**
     * Tells of what is still allocated, and gives all memory back, the first chunk's too. By the memory, when it is closed, or by tests; whoever
     * still changes copies meanwhile writes where others may be. Again: nothing to do.
     *
     * @param listener hears of what is left, and of what could not be given back, as when a section is not ended in time.
     * @throws IllegalStateException inside a section.
     */
    public void close(final Listener listener) {
        below.epochs().mightSleep("closing per-CPU memory");
        StackReserve.ensureOperations();
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        final PercpuStats stats = stats();
        if (stats.areas() > 0) {
            listener.leakedAtClose("percpu area", stats.areas(), stats.bytes() * stats.slots(), stats.areas() + " areas of "
                + stats.bytes() + " bytes are still allocated on each of " + stats.slots() + " CPUs");
        }
        // The memory is closed, whatever fails here: for want of a slot, or in a source that is not ours.
        final Attempts chunks = new Attempts();
        chunks.run(balancer::endAll);
        chunks.run(this::awaitPending);
        tell(listener, "percpu chunks", chunks);
        final Attempts first = new Attempts();
        first.run(() -> {
            if (!firstChunk.close()) {
                throw new IllegalStateException("not given back: its grace period did not end in time; " + below.epochs().describeHolders());
            }
        });
        tell(listener, "percpu first chunk", first);
    }

    private void awaitPending() {
        if (supply.pending.frames() > 0) {
            below.reclaimer().awaitGrace();
            supply.pending.poll(true);
        }
    }

    private void tell(final Listener listener, final String what, final Attempts attempts) {
        if (attempts.first() != null) {
            listener.releaseFailed(what, firstChunk.base(), attempts.first());
        }
    }

    /** For tests that look at what nobody else should. */
    ChunkSupply supply() {
        return supply;
    }

    /** For tests that must prove their own coverage. */
    Balancer balancer() {
        return balancer;
    }

    /** For tests. */
    Layout layout() {
        return layout;
    }
}
