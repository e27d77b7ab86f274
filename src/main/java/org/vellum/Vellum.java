package org.vellum;

import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.alloc.Arena;
import org.vellum.alloc.Budget;
import org.vellum.alloc.OffHeapAllocator;
import org.vellum.alloc.OffHeapBuffer;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Retirement;
import org.vellum.frame.FrameAllocator;
import org.vellum.kmap.Kmap;
import org.vellum.mapram.MapRam;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.observe.Stats;
import org.vellum.percpu.PercpuAllocator;
import org.vellum.space.AddressSpace;
import org.vellum.space.SpaceOptions;
import org.vellum.space.Spaces;
import org.vellum.vmap.Vmalloc;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapBuffer;
import org.vellum.vmap.VmapReader;

/**
 * One off-heap memory: frames in banks, a window of virtual ranges over them, and the sections that keep both safe.
 *
 * <p>Addresses are {@code long}s in Vellum's own layout: never native pointers, always checked. The methods here are those
 * that most users need; the rooms behind them are offered by accessors, and live as long as they are held.
 *
 * <p>Thread safety: every method may be called by any thread, platform or virtual. After {@link #close()} every method but
 * {@link #close()} throws {@link IllegalStateException}.
 */
public final class Vellum implements AutoCloseable {
    private final AtomicBoolean closing = new AtomicBoolean();
    private volatile Parts parts;

    Vellum(final Parts parts) {
        this.parts = parts;
    }

    /** @return a builder with defaults for this machine. */
    public static VellumBuilder builder() {
        return new VellumBuilder();
    }

    /**
     * Opens a memory with default options.
     *
     * @param memoryBytes the most to use, in bytes: as for {@link VellumBuilder#memory}.
     * @return the memory, to be closed.
     * @throws IllegalArgumentException as {@link VellumBuilder#memory}.
     * @throws org.vellum.report.ExhaustedException as {@link VellumBuilder#open}.
     * @throws IllegalStateException if the JVM lacks the flag that Agrona needs; the text contains it.
     */
    public static Vellum open(final long memoryBytes) {
        return builder().memory(memoryBytes).open();
    }

    private Parts parts() {
        final Parts open = parts;
        if (open == null) {
            throw new IllegalStateException("the memory is closed");
        }
        return open;
    }

    /**
     * Opens a section: what is translated inside stays valid until {@link Cpu#exit()}, and nothing retired meanwhile is
     * reused. Sections nest. Keep them short: they hold up the reuse of memory.
     *
     * @return the slot that the caller occupies, to be exited by the same thread.
     * @throws org.vellum.report.ExhaustedException if all slots stay busy for the configured time.
     */
    public Cpu enter() {
        return parts().cpus.enter();
    }

    /**
     * {@link #enter()} with a guess at the slot, to save a look-up.
     *
     * @param hint what an earlier enter of this thread returned, or null.
     * @return the slot that the caller occupies.
     */
    public Cpu enter(final Cpu hint) {
        return parts().cpus.enter(hint);
    }

    /**
     * Allocates memory of any size, for any thread; its content is undefined. More of this kind: {@link #allocator()}.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public long allocate(final long size) {
        return parts().allocator.allocate(size);
    }

    /**
     * Frees what {@link #allocate} returned, to this thread or another. Never waits.
     *
     * @param address of the first byte, or 0 for nothing to do.
     * @throws IllegalArgumentException if nothing of this memory's begins there.
     * @throws IllegalStateException if it is free already.
     */
    public void free(final long address) {
        parts().allocator.free(address);
    }

    /**
     * Allocates memory of up to 2 GiB as an Agrona buffer that owns it.
     *
     * @param capacity in bytes, at least 1.
     * @return a new buffer over undefined content, to be closed.
     * @throws IllegalArgumentException if {@code capacity <= 0}.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public OffHeapBuffer allocateBuffer(final int capacity) {
        return parts().allocator.allocateBuffer(capacity);
    }

    /**
     * Opens an arena for the calling thread alone: memory by a moving pointer, freed all at once.
     *
     * @return the arena, to be closed by this thread.
     */
    public Arena arena() {
        return parts().allocator.arena(null);
    }

    /**
     * Opens an arena for any threads.
     *
     * @return the arena, to be closed by any one of them.
     */
    public Arena sharedArena() {
        return parts().allocator.sharedArena(null);
    }

    /**
     * Opens a budget: a part of the memory that cannot use more than its share.
     *
     * @param name not blank, of no other open child.
     * @param limitBytes the most it may use, at least 1.
     * @return the budget, to be closed when nothing is charged to it any more.
     */
    public Budget child(final String name, final long limitBytes) {
        return parts().allocator.budget().child(name, limitBytes);
    }

    /**
     * Allocates memory that is contiguous to look at, over scattered frames; its content is undefined.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws org.vellum.report.ExhaustedException if frames or addresses have run out.
     */
    public long vmalloc(final long size) {
        return parts().vmalloc.vmalloc(size);
    }

    /**
     * Frees what {@link #vmalloc(long)} and its relatives returned. Never waits.
     *
     * @param address of the first byte, or 0 for nothing to do.
     * @throws IllegalArgumentException if no live area starts there.
     */
    public void vfree(final long address) {
        parts().vmalloc.vfree(address);
    }

    /**
     * Maps up to a few dozen of the caller's frames side by side, for a short time, at nearly the cost of a bump pointer.
     *
     * @param frames numbers of allocated frames.
     * @param offset index of the first in the array.
     * @param count how many, at least 1.
     * @return the address of the first page.
     */
    public long vmMapRam(final long[] frames, final int offset, final int count) {
        return parts().mapRam.vmMapRam(frames, offset, count);
    }

    /**
     * Unmaps what {@link #vmMapRam} mapped. Never waits.
     *
     * @param address as returned.
     * @param count as mapped.
     */
    public void vmUnmapRam(final long address, final int count) {
        parts().mapRam.vmUnmapRam(address, count);
    }

    /**
     * Waits until no thread can reach any frame through a mapping that was removed before: after it a caller may free, hand
     * away or change its frames.
     *
     * @throws IllegalStateException inside a section.
     */
    public void unmapAliases() {
        parts().mapRam.unmapAliases();
    }

    /**
     * A view of mapped memory as an Agrona buffer. The view checks each access: after the memory is unmapped it faults.
     *
     * @param address of the first byte.
     * @param length in bytes.
     * @return a new view; reuse one by {@link VmapBuffer#wrap(long, int)} on hot paths.
     */
    public VmapBuffer buffer(final long address, final int length) {
        final VmapBuffer buffer = view();
        buffer.wrap(address, length);
        return buffer;
    }

    /** @return a view that is not over any memory yet, to be wrapped again and again. */
    public VmapBuffer view() {
        final Parts open = parts();
        return new VmapBuffer(open.access);
    }

    /**
     * Wraps the caller's buffer around physically contiguous memory: plain native speed, and no checks after this one. The
     * buffer keeps the bank it is in alive; what it shows is valid while the caller owns the memory.
     *
     * @param address of the first byte: of the window, or of the linear map ({@code frame × 4096}).
     * @param length in bytes.
     * @param buffer to be wrapped.
     * @throws IllegalArgumentException if the range is not contiguous; {@link #buffer} takes it.
     * @throws org.vellum.report.PageFaultException if it is not mapped writable.
     */
    public void wrap(final long address, final int length, final UnsafeBuffer buffer) {
        parts().wrapContiguous(address, length, buffer);
    }

    /**
     * Has an object's {@link Retirement#released()} called once every section that is open now has ended. Never waits.
     *
     * @param retirement unhooked, so that no later section can find it.
     */
    public void retire(final Retirement retirement) {
        parts().retirements.retire(retirement);
    }

    /**
     * Frees vmalloc'd memory after a grace period during which it stays readable. Never waits.
     *
     * @param address of the first byte, or 0 for nothing to do. Unpublish it first.
     */
    public void retire(final long address) {
        parts().vmalloc.retire(address);
    }

    /**
     * Waits, parked, until every section that is open now has ended.
     *
     * @throws IllegalStateException inside a section.
     */
    public void synchronize() {
        parts().epochs.synchronize();
    }

    /**
     * Releases what has waited long enough in limbo, on every idle slot. Never waits.
     *
     * @return how many things were released.
     */
    public int poll() {
        final Parts open = parts();
        return open.retirements.poll() + open.reclaimer.poll(true);
    }

    /**
     * Brings the memory to rest: releases all that is in limbo, and lets the worker finish what it was asked. For looking at a
     * memory that nobody uses meanwhile, {@link #verify()} above all.
     *
     * @throws IllegalStateException inside a section: it waits for grace periods.
     */
    public void quiesce() {
        parts().quiesce();
    }

    /**
     * Gives memory back: lists of idle slots to the buddy, and banks that are wholly free to the operating system, after a
     * grace period. Banks whose buffer was handed out go when the collector finds no view left.
     *
     * @return bytes of banks released.
     * @throws IllegalStateException inside a section: it waits for a grace period.
     */
    public long trim() {
        return parts().trim();
    }

    /** @return the allocator, with all it can do. */
    public OffHeapAllocator allocator() {
        return parts().allocator;
    }

    /** @return the {@code vmalloc} family. */
    public Vmalloc vmalloc() {
        return parts().vmalloc;
    }

    /** @return the {@code vmap} family: areas over the caller's frames. */
    public Vmap vmap() {
        return parts().vmap;
    }

    /** @return {@code vmMapRam} and its relatives, with hints. */
    public MapRam mapRam() {
        return parts().mapRam;
    }

    /**
     * Makes an address space: regions over a page table, whose pages come into being when they are touched.
     *
     * @param bytes of addresses, a multiple of 4,096, at most 256 TiB: they cost 4 bytes a MiB.
     * @return the space, without regions; the caller closes it.
     * @throws IllegalArgumentException if the length is out of range.
     */
    public AddressSpace addressSpace(final long bytes) {
        return spaces().create(SpaceOptions.of(bytes));
    }

    /** @return address spaces: with options, and what they share. */
    public Spaces spaces() {
        return parts().spaces;
    }

    /** @return maps of single frames, low and high. */
    public Kmap kmap() {
        return parts().kmap;
    }

    /**
     * The allocator of memory of which each CPU has a copy. Set up by the first call, which may block; a memory that never calls this pays
     * nothing for it.
     *
     * @return the allocator, always the same.
     * @throws IllegalArgumentException if the options do not suit the slots, or the source of units does not do what it is asked for.
     * @throws org.vellum.report.ExhaustedException if there is no memory for the first chunk, or no room in the window.
     * @throws IllegalStateException inside a section, if it is the first call.
     */
    public PercpuAllocator percpu() {
        return parts().percpu();
    }

    /** @return look-ups, dumps and the report of areas. */
    public VmapReader reader() {
        return parts().reader;
    }

    /** @return typed access by Vellum address, for ranges of any size. */
    public MappedAccess access() {
        return parts().access;
    }

    /** @return the frames. */
    public FrameAllocator frames() {
        return parts().frames;
    }

    /** @return the slots. */
    public Cpus cpus() {
        return parts().cpus;
    }

    /** @return the epochs. */
    public Epochs epochs() {
        return parts().epochs;
    }

    /**
     * The buffer of the first bank, adding it if no bank is there: with one bank that is as large as the memory, the one large
     * Agrona buffer behind everything.
     *
     * @return the buffer; its bank stays alive while it is held.
     */
    public UnsafeBuffer buffer() {
        return parts().firstBank();
    }

    /** @return figures of this memory, taken without stopping anybody. */
    public Stats stats() {
        return parts().stats();
    }

    /**
     * What there is to know of this memory, for a person: banks, frames, the window, limbo and who holds it up, and the allocator. Taken
     * without stopping anybody, by walking tables.
     *
     * @return some lines.
     */
    public String report() {
        return parts().report();
    }

    /**
     * Walks every structure, of a memory that nobody uses meanwhile.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        parts().verify();
    }

    /** @return bytes in one page. */
    public static int pageSize() {
        return Pages.SIZE;
    }

    /**
     * Refuses new work, reports what is still allocated to the listener, and lets go of the banks: the collector frees each
     * when no view reaches it. Checked accesses through views still held fault. Sections that are open may end. Again:
     * nothing to do.
     *
     * @throws IllegalStateException if the calling thread is inside a section.
     */
    @Override
    public void close() {
        final Parts open = parts;
        if (open != null) {
            open.epochs.mightSleep("close");
            if (closing.compareAndSet(false, true)) {
                parts = null;
                open.close();
            }
        }
    }
}
