package org.vellum.alloc;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirements;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.MemoryBank;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.vmap.Reclaimer;
import org.vellum.vmap.Vmalloc;

/**
 * The allocator: memory of any size for any thread, by Vellum address. Zero garbage.
 *
 * <p>Sizes and alignments are in bytes. Memory of up to 256 KiB is contiguous; longer memory is if it can be had so, else it is
 * contiguous to look at, over scattered frames ({@link #isContiguous}). Content is undefined unless it was asked to be zero. Every address is
 * aligned to 8 bytes at least, from 4 KiB on to 16.
 *
 * <p>Thread safety: every method may be called by any thread, and memory freed by another than allocated it. Allocation waits for at most one
 * bounded grace period when memory has run out, and never inside a section. Freeing never waits, and needs no section.
 * Under the eager policy, which is there to compare with, freeing memory that is not contiguous waits for a flush, and inside a section it
 * is refused by an {@link IllegalStateException} that changes nothing.
 *
 * <p>An address that is kept beyond its free is told, by {@code free} and its relatives, until the memory is allocated again; of slabs
 * (up to 8 KiB) that have been recycled, and of areas, in all but one of 65,536 cases even then. The same goes for addresses of another
 * manager; those of runs of frames (contiguous, above 8 KiB) have no tag, and are taken for a run that begins at the same place here.
 */
public final class OffHeapAllocator {
    private final PlainAllocator plain;
    private final RawAllocator raw;
    private final PhysicalMemory memory;
    private final MappedAccess access;
    private final Budgets budgets;
    private final Retirements retirements;
    private final CheckedAllocator checked;
    private final BudgetMemory rootMemory;
    private final RecordingAllocator recording;
    /** What stands between callers and {@link #plain}: checks, a trace; null for nothing. */
    private final Detour detour;
    /** The plain allocator, or null if every call takes a detour: one load and one test for the hottest calls instead of two loads. */
    private final PlainAllocator undetoured;
    private final Figures figures;

    /**
     * Takes no memory yet.
     *
     * @param epochs decides when deferred frees are through.
     * @param frames where contiguous memory comes from.
     * @param vmalloc where other memory comes from.
     * @param reclaimer what to do on exhaustion; asks this allocator, too, for what it keeps.
     * @param access for memory that is not contiguous; told the tags of slabs.
     * @param retirements for what waits for a grace period as a whole.
     * @param listener hears of problems.
     * @param options what else is wanted.
     * @param events hears of slabs that come and go, and of budgets that refuse.
     * @throws java.io.UncheckedIOException if a trace is wanted and its file cannot be written.
     */
    public OffHeapAllocator(
        final Epochs epochs, final FrameAllocator frames, final Vmalloc vmalloc, final Reclaimer reclaimer,
        final MappedAccess access, final Retirements retirements, final Listener listener, final AllocatorOptions options,
        final Events events) {
        this.retirements = retirements;
        this.access = access;
        memory = frames.memory();
        budgets = new Budgets(epochs.cpus(), listener);
        raw = new RawAllocator(epochs, frames, vmalloc, listener, events);
        budgets.countUncharged(() -> raw.liveBytes(0));
        plain = new PlainAllocator(epochs.cpus(), raw, budgets, reclaimer, retirements, access, memory, events);
        checked = options.checked() ? new CheckedAllocator(plain, budgets, access, epochs.cpus(), retirements, listener,
            options.quarantineBytes(frames.configuredFrames() << Pages.SHIFT)) : null;
        recording = options.trace() == null ? null
            : new RecordingAllocator(plain, checked, TraceWriter.open(options.trace(), listener));
        detour = recording == null ? checked : recording;
        undetoured = detour == null ? plain : null;
        figures = new Figures(raw, budgets, checked);
        rootMemory = new BudgetMemory(this, access, null);
        access.setLinearTags(raw.slabs()::isCurrent);
        reclaimer.add(new Caches(raw));
    }

    /**
     * Allocates for the root budget.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if memory has run out.
     */
    public long allocate(final long size) {
        final PlainAllocator straight = undetoured;
        return straight != null ? straight.allocate(size) : detour.allocate(size, 1, null, false);
    }

    /**
     * {@link #allocate(long)} with a guess at the slot: saves a look-up, and inside a section of the caller's on that slot the
     * entering.
     *
     * @param hint what {@code enter} returned to this thread, now or earlier, or null.
     * @param size in bytes, at least 1.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if memory has run out.
     */
    public long allocate(final Cpu hint, final long size) {
        final PlainAllocator straight = undetoured;
        return straight != null ? straight.allocate(hint, size) : detour.allocate(size, 1, null, false);
    }

    /**
     * Allocates with an alignment.
     *
     * @param size in bytes, at least 1.
     * @param alignment in bytes, a power of two up to a bank.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}, or the alignment is not a power of two or above a bank.
     * @throws ExhaustedException if memory has run out.
     */
    public long allocate(final long size, final long alignment) {
        return allocate(size, alignment, null);
    }

    /**
     * Allocates for a budget.
     *
     * @param size in bytes, at least 1.
     * @param alignment in bytes, a power of two up to a bank.
     * @param budget that is charged, with all above it; null for the root.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}, the alignment is not a power of two or above a bank, or the budget is another
     *                                  memory's.
     * @throws IllegalStateException if the budget is closed.
     * @throws ExhaustedException if memory or a budget has run out; the text names it.
     */
    public long allocate(final long size, final long alignment, final Budget budget) {
        return detour == null ? plain.allocate(size, alignment, budget, false)
            : detour.allocate(size, alignment, budget, false);
    }

    /**
     * Allocates zeroed memory.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws ExhaustedException if memory has run out.
     */
    public long allocateZeroed(final long size) {
        return allocateZeroed(size, 1, null);
    }

    /**
     * Allocates zeroed memory for a budget.
     *
     * @param size in bytes, at least 1.
     * @param alignment in bytes, a power of two up to a bank.
     * @param budget as for {@link #allocate(long, long, Budget)}.
     * @return the address of the first byte.
     * @throws IllegalArgumentException as {@link #allocate(long, long, Budget)}.
     * @throws ExhaustedException as {@link #allocate(long, long, Budget)}.
     */
    public long allocateZeroed(final long size, final long alignment, final Budget budget) {
        return detour == null ? plain.allocate(size, alignment, budget, true)
            : detour.allocate(size, alignment, budget, true);
    }

    /**
     * Frees memory: it may be allocated again at once. Never waits.
     *
     * @param address of the first byte, or 0 for nothing to do.
     * @throws IllegalArgumentException if nothing of this manager begins there; nothing is changed.
     * @throws IllegalStateException if it is free already: of two threads that free one address, one gets this, or the former if the memory
     *                               is not contiguous.
     */
    public void free(final long address) {
        final PlainAllocator straight = undetoured;
        if (straight != null) {
            straight.free(address);
        } else {
            detour.free(address, false);
        }
    }

    /**
     * {@link #free(long)}, for symmetry: freeing needs no slot.
     *
     * @param hint not used.
     * @param address of the first byte, or 0 for nothing to do.
     * @throws IllegalArgumentException as {@link #free(long)}.
     * @throws IllegalStateException as {@link #free(long)}.
     */
    public void free(final Cpu hint, final long address) {
        free(address);
    }

    /**
     * Frees memory after a grace period, for readers that may still look at it inside sections: no byte of it changes before
     * every section that is open now has ended. Never waits, allocates or fails.
     *
     * @param address of the first byte, or 0 for nothing to do. Unpublish it first.
     * @throws IllegalArgumentException as {@link #free(long)}.
     * @throws IllegalStateException as {@link #free(long)}.
     */
    public void freeDeferred(final long address) {
        if (detour == null) {
            plain.freeDeferred(address);
        } else {
            detour.free(address, true);
        }
    }

    /**
     * Changes the size: in place if its slack or the frames behind it allow, by moving frames if it is an area, else by allocating,
     * copying and freeing. An alignment that was asked for is lost if the memory moves. Not concurrently with anything else about the
     * same memory.
     *
     * @param address of the first byte, or 0 to allocate.
     * @param size the new size in bytes, at least 1.
     * @return the address, perhaps another; then the old one is free.
     * @throws IllegalArgumentException if {@code size <= 0}, or as {@link #free(long)}; the memory stays as it was.
     * @throws IllegalStateException as {@link #free(long)}.
     * @throws ExhaustedException if memory or its budget has run out; the memory stays as it was.
     */
    public long reallocate(final long address, final long size) {
        if (address == 0) {
            return allocate(size);
        }
        return detour == null ? plain.reallocate(address, size) : detour.reallocate(address, size);
    }

    /**
     * @param address of the first byte of live memory.
     * @return bytes that may be used from there: what was asked for, or a little more.
     * @throws IllegalArgumentException as {@link #free(long)}.
     * @throws IllegalStateException as {@link #free(long)}.
     */
    public long sizeOf(final long address) {
        return detour == null ? plain.sizeOf(address) : detour.sizeOf(address);
    }

    /**
     * Which kind of memory it is.
     *
     * @param address within live memory.
     * @return whether it is one piece of native memory; else it lies over scattered frames.
     */
    public boolean isContiguous(final long address) {
        return !raw.isArea(address);
    }

    /**
     * The native address of contiguous memory: valid while the caller owns it, unchecked.
     *
     * @param address within live, contiguous memory.
     * @return the native address.
     * @throws IllegalArgumentException if the address lies in no bank: of scattered memory, or none.
     */
    public long nativeAddress(final long address) {
        final long nativeAddress = memory.nativeAddressOrZero(address & Address.MASK);
        if (nativeAddress == 0) {
            throw new IllegalArgumentException("not in a bank: address=0x" + Long.toHexString(address));
        }
        return nativeAddress;
    }

    /**
     * Wraps the caller's buffer around contiguous memory. The buffer keeps the bank it is in alive; what it shows is valid while the
     * caller owns the memory.
     *
     * @param address within live memory.
     * @param length in bytes, not beyond it: only the end of the bank is checked.
     * @param buffer to be wrapped.
     * @throws IllegalArgumentException if the memory is not contiguous.
     */
    public void wrap(final long address, final int length, final UnsafeBuffer buffer) {
        final MemoryBank bank = bankOf(address, length);
        buffer.wrap(bank.buffer(), offsetIn(bank, address), length);
    }

    /**
     * Contiguous memory as a byte buffer: a slice of its bank, which it keeps alive; valid while the caller owns the memory.
     *
     * @param address within live memory.
     * @param length in bytes, not beyond it: only the end of the bank is checked.
     * @return a new buffer, big-endian as all new byte buffers are.
     * @throws IllegalArgumentException if the memory is not contiguous.
     */
    public ByteBuffer byteBuffer(final long address, final int length) {
        final MemoryBank bank = bankOf(address, length);
        return bank.slice(offsetIn(bank, address), length);
    }

    private MemoryBank bankOf(final long address, final int length) {
        final long linear = address & Address.MASK;
        final long number = linear >>> memory.bankShift() + Pages.SHIFT;
        final MemoryBank bank = number < memory.bankLimit() ? memory.bank((int)number) : null;
        if (bank == null || length < 0 || offsetIn(bank, address) + (long)length > bank.frames() << Pages.SHIFT) {
            throw new IllegalArgumentException("not contiguous memory: address=0x" + Long.toHexString(address)
                + " length=" + length);
        }
        return bank;
    }

    private static int offsetIn(final MemoryBank bank, final long address) {
        return (int)((address & Address.MASK) - (bank.firstFrame() << Pages.SHIFT));
    }

    /**
     * Allocates memory as a buffer that owns it: the friendly face.
     *
     * @param capacity in bytes, at least 1.
     * @return a new buffer over undefined content, to be closed.
     * @throws IllegalArgumentException if {@code capacity <= 0}.
     * @throws ExhaustedException if memory has run out.
     */
    public OffHeapBuffer allocateBuffer(final int capacity) {
        return allocateBuffer(capacity, 1, null, false);
    }

    /**
     * {@link #allocateBuffer(int)} with everything.
     *
     * @param capacity in bytes, at least 1.
     * @param alignment in bytes, a power of two up to a bank.
     * @param budget that is charged; null for the root.
     * @param zeroed whether the content is to be zero.
     * @return a new buffer, to be closed.
     * @throws IllegalArgumentException as {@link #allocate(long, long, Budget)}.
     * @throws ExhaustedException as {@link #allocate(long, long, Budget)}.
     */
    public OffHeapBuffer allocateBuffer(
        final int capacity, final long alignment, final Budget budget, final boolean zeroed) {
        return new OffHeapBuffer(budget == null ? rootMemory : new BudgetMemory(this, access, budget), capacity, alignment,
            zeroed);
    }

    /**
     * Figures, by walking the tables while others go on: exact when quiet. Costs a look at every frame and every object of a slab: for
     * reports, some milliseconds a GiB.
     *
     * @return the figures.
     */
    public AllocatorStats stats() {
        return figures.take();
    }

    /** @return the budget above all others: the memory itself, without a limit of its own. */
    public Budget budget() {
        return budgets.root();
    }

    /**
     * Opens a confined arena: see {@link Arena}.
     *
     * @param budget that is charged; null for the root.
     * @return the arena, the calling thread's, to be closed by it.
     */
    public Arena arena(final Budget budget) {
        return new ConfinedArena(this, budget);
    }

    /**
     * Opens a shared arena: see {@link Arena}.
     *
     * @param budget that is charged; null for the root.
     * @return the arena, to be closed by any one thread.
     */
    public Arena sharedArena(final Budget budget) {
        return new SharedArena(this, retirements, budget);
    }

    /**
     * Gives up what the caller's slot and idle ones keep for the next request. What threads keep that are in sections stays. Never
     * waits.
     */
    public void drainIdle() {
        raw.drainIdle();
    }

    /**
     * Gives up what the checked mode keeps only to be looked at, as far as grace periods have ended.
     */
    public void settle() {
        if (checked != null) {
            checked.settle();
        }
    }

    /**
     * Ends the recording of a trace, if there is one: what was done before is in the file when this returns. Waits for the file.
     */
    public void endTrace() {
        if (recording != null) {
            recording.close();
        }
    }

    /**
     * Reports to the listener what is live, and in checked mode what was written to after its free, for which it waits for at most one
     * bounded grace period. Outside sections only.
     *
     * @param listener hears of it.
     */
    public void reportLeaks(final Listener listener) {
        if (checked != null) {
            checked.settleAll();
        }
        LeakReport.of(raw, budgets, checked).tell(listener);
    }

    /** For tests that must prove their own coverage. */
    RawAllocator raw() {
        return raw;
    }

    /** For tests: null unless mistakes are looked for. */
    CheckedAllocator checked() {
        return checked;
    }

    /**
     * Walks every structure, of a memory that nobody uses meanwhile.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        raw.verify();
        budgets.verify();
    }
}
