package org.vellum.vmap;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mapram.MapRam;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/**
 * A small memory that the states of one test share; no worker, so that only the actors act.
 *
 * <p>What a state needs for longer than its actors run, it takes by index from a ring: the harness also makes states that it
 * never runs and never settles, and what those took must serve the next.
 */
public final class VmapWorld {
    /** What a reader may find: the old content. */
    public static final int OLD = 1;
    /** What a reader may find: a page fault. */
    public static final int FAULT = 0;
    /** What no reader may find: anything else. */
    public static final int WRONG = 2;

    /** More than states live at a time: each has an index for itself. */
    private static final int RING = 1 << 14;
    private static final long BANK_BYTES = 16L << 20;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final int LOOKS = 16;
    /** Longer than what a reader waits for takes, a thread that is woken included, unless somebody is preempted. */
    private static final long MOST_NANOS = 200_000;
    private static final int MOST_COPIES = 16;

    /** The parts, bottom room first. */
    public final Cpus cpus;
    /** The epochs. */
    public final Epochs epochs;
    /** The frames. */
    public final FrameAllocator frames;
    /** The window's table. */
    public final PageTable table;
    /** Access by address. */
    public final MappedAccess access;
    /** The window. */
    public final VmapSpace space;
    /** What empties limbo. */
    public final Reclaimer reclaimer;
    /** Frees from callbacks. */
    public final AtomicFrees atomicFrees;
    /** Areas over the library's frames. */
    public final Vmalloc vmalloc;
    /** Areas over the caller's frames. */
    public final Vmap vmap;
    /** Short-lived mappings. */
    public final MapRam mapRam;

    private final AtomicLong next = new AtomicLong();
    private final long[] ringFrames = new long[RING];
    private final long[] ringAddresses = new long[RING];

    /**
     * @param cells of the affinity table: 1 makes all threads want one slot.
     * @param windowPages of the window, a multiple of 1,024.
     */
    public VmapWorld(final int cells, final long windowPages) {
        this(cells, VmapOptions.of(8 * BANK_BYTES).withWindowPages(windowPages));
    }

    VmapWorld(final int cells, final VmapOptions options) {
        cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(4).withCells(cells));
        epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
            new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
        frames = new FrameAllocator(cpus, new FrameOptions(8 * BANK_BYTES, BANK_BYTES));
        table = new PageTable(1L << 30, options.windowPages());
        access = new MappedAccess(table, frames.memory(), cpus);
        space = new VmapSpace(epochs, frames, table, options, Listener.SILENT);
        reclaimer = new Reclaimer(space, null);
        atomicFrees = new AtomicFrees(space, null);
        reclaimer.add(atomicFrees);
        vmalloc = new Vmalloc(space, reclaimer, access, atomicFrees);
        vmap = new Vmap(space, reclaimer, vmalloc);
        mapRam = new MapRam(space, epochs, frames.memory(), vmap, reclaimer, Listener.SILENT);
    }

    /** @return an index for a new state. */
    public int nextIndex() {
        return (int)next.getAndIncrement() & RING - 1;
    }

    /**
     * @param index of the state.
     * @return a frame of the caller's, the same for each state with this index; its first word says {@code ~frame}.
     */
    public long frame(final int index) {
        if (ringFrames[index] == 0) {
            ringFrames[index] = allocateFrame();
        }
        store(ringFrames[index], ~ringFrames[index]);
        return ringFrames[index];
    }

    /**
     * Maps one frame many times side by side.
     *
     * @param index of the state.
     * @param pages how often.
     * @return the address; {@link #settled} says that it is gone.
     */
    public long map(final int index, final int pages) {
        if (ringAddresses[index] != 0) {
            mapRam.vmUnmapRam(ringAddresses[index], pages);
        }
        ringAddresses[index] = mapAnew(frame(index), pages);
        return ringAddresses[index];
    }

    /**
     * @param frame to map.
     * @param pages how often.
     * @return the address.
     */
    public long mapAnew(final long frame, final int pages) {
        final long[] frames = new long[pages];
        Arrays.fill(frames, frame);
        return mapRam.vmMapRam(frames, 0, pages);
    }

    /**
     * Allocates a page and stores the complement of its address in it.
     *
     * @param index of the state.
     * @return the address; {@link #settled} says that it is gone.
     */
    public long allocate(final int index) {
        return allocate(index, 1);
    }

    /**
     * {@link #allocate(int)} of several pages, each of which gets the complement of the area's address.
     *
     * @param index of the state.
     * @param pages how many.
     * @return the address; {@link #settled} says that it is gone.
     */
    public long allocate(final int index, final int pages) {
        if (ringAddresses[index] != 0) {
            vmalloc.vfree(ringAddresses[index]);
        }
        ringAddresses[index] = vmalloc.vmalloc(pages * 4096L);
        write(ringAddresses[index], pages, ~ringAddresses[index]);
        return ringAddresses[index];
    }

    /**
     * Stores in the first word of each page.
     *
     * @param address of the first.
     * @param pages how many.
     * @param value to store.
     */
    public void write(final long address, final int pages, final long value) {
        for (int i = 0; i < pages; i++) {
            access.putLong(address + i * 4096L, value);
        }
    }

    /**
     * Reserves an area for a state to publish; an earlier one with this index is ended first.
     *
     * @param index of the state.
     * @return the number of the area, reserved.
     */
    long reserveAgain(final int index) {
        if (ringAddresses[index] != 0) {
            final long old = ringAddresses[index] - 1;
            table.set(space.records().start(old), Entry.NONE);
            space.giveBack(old);
        }
        final long id = space.reserve(AreaKind.SPARSE, VmallocFlags.NO_GUARD, 1, 1, 0, table.pages(), 1);
        ringAddresses[index] = id + 1;
        return id;
    }

    /**
     * Forgets what a state had, unless it is still there: the harness also settles states whose actors never ran.
     *
     * @param index of the state.
     */
    public void settled(final int index) {
        final long page = table.pageOf(ringAddresses[index]);
        if (!table.isZeroed(page) || !Entry.isPresent(table.get(page))
            || Entry.tag(table.get(page)) != Address.tag(ringAddresses[index])) {
            ringAddresses[index] = 0;
        }
    }

    /**
     * Forgets what a state had and ended: where ranges come back at once, the one there now may bear the same tag by chance.
     *
     * @param index of the state.
     */
    public void ended(final int index) {
        ringAddresses[index] = 0;
    }

    /** Both threads make states; a section does not wait for a bank that the other one adds for longer than it may. */
    private long allocateFrame() {
        long frame = PhysicalMemory.NO_FRAME;
        while (frame == PhysicalMemory.NO_FRAME) {
            if (!frames.grow(1)) {
                throw new OutOfMemoryError("frames=" + frames.freeFrames() + " " + frames.exhaustionReason());
            }
            final Cpu cpu = cpus.enter();
            try {
                frame = frames.allocate(cpu, 0);
            } finally {
                cpu.exit();
            }
        }
        return frame;
    }

    /**
     * Stores through the linear map, as the owner of a frame does.
     *
     * @param frame owned by the caller.
     * @param value for its first word.
     */
    public void store(final long frame, final long value) {
        UnsafeApi.putLongOpaque(null, frames.memory().nativeAddress(frame), value);
    }

    /**
     * In a section of its own: translates once, then uses what it found for a while, as a thread does that holds a translation.
     *
     * @param address in the window.
     * @param expected the old content.
     * @return {@link #OLD}, {@link #FAULT} or {@link #WRONG}.
     */
    public int use(final long address, final long expected) {
        return use(address, expected, LOOKS, () -> true);
    }

    /**
     * {@link #use(long, long)} by a thread that stays in its section until somebody else has done what it must not feel: a section
     * that is over before that proves nothing. Not for long, because that somebody may have to wait for it.
     *
     * @param address in the window.
     * @param expected the old content.
     * @param done says that it has happened; one more look follows.
     * @return {@link #OLD}, {@link #FAULT} or {@link #WRONG}.
     */
    public int useUntil(final long address, final long expected, final BooleanSupplier done) {
        final long start = System.nanoTime();
        return use(address, expected, 0, () -> done.getAsBoolean() || System.nanoTime() - start > MOST_NANOS);
    }

    private int use(final long address, final long expected, final int least, final BooleanSupplier done) {
        final Cpu cpu = cpus.enter();
        try {
            final long nativeAddress = access.readable(address);
            long differing = 0;
            boolean last = false;
            for (int i = 0; i < least || !last; i++) {
                last = done.getAsBoolean();
                differing |= UnsafeApi.getLongOpaque(null, nativeAddress) ^ expected;
            }
            return differing == 0 ? OLD : WRONG;
        } catch (final PageFaultException e) {
            return FAULT;
        } finally {
            cpu.exit();
        }
    }

    /**
     * As {@link #use(long, long)}, by a view: translates at each access.
     *
     * @param address in the window.
     * @param expected the old content.
     * @return {@link #OLD}, {@link #FAULT} or {@link #WRONG}.
     */
    public int useView(final long address, final long expected) {
        final Cpu cpu = cpus.enter();
        try {
            final VmapBuffer view = new VmapBuffer(access, address, 4096);
            long differing = 0;
            for (int i = 0; i < LOOKS / 2; i++) {
                differing |= view.getLong(0) ^ expected;
                differing |= view.getLongVolatile(0) ^ expected;
            }
            return differing == 0 ? OLD : WRONG;
        } catch (final PageFaultException e) {
            return FAULT;
        } finally {
            cpu.exit();
        }
    }

    /**
     * As {@link #useUntil}, by a view that is copied whole again and again: what it has translated it holds for as long as the
     * bytes take to move, some microseconds, where a single access holds it for an instruction.
     *
     * @param address in the window.
     * @param copy receives the bytes, whole pages.
     * @param expected the old content of the first word of each page.
     * @param done says that no more copies are needed.
     * @return {@link #OLD}, {@link #FAULT} or {@link #WRONG}.
     */
    public int copyUntil(final long address, final byte[] copy, final long expected, final BooleanSupplier done) {
        final Cpu cpu = cpus.enter();
        try {
            final VmapBuffer view = new VmapBuffer(access, address, copy.length);
            long differing = 0;
            boolean last = false;
            for (int i = 0; i < MOST_COPIES && differing == 0 && !last; i++) {
                last = done.getAsBoolean();
                view.getBytes(0, copy);
                for (int at = 0; at < copy.length; at += 4096) {
                    differing |= (long)LONGS.get(copy, at) ^ expected;
                }
            }
            return differing == 0 ? OLD : WRONG;
        } catch (final PageFaultException e) {
            return FAULT;
        } finally {
            cpu.exit();
        }
    }

    /**
     * @param address to unmap.
     * @param count pages.
     * @return 1 if this call did, 0 if it was told that somebody else had.
     */
    public int unmap(final long address, final int count) {
        try {
            mapRam.vmUnmapRam(address, count);
            return 1;
        } catch (final IllegalArgumentException e) {
            return 0;
        }
    }

    /**
     * @param address to free.
     * @return 1 if this call did, 0 if it was told that somebody else had.
     */
    public int free(final long address) {
        try {
            vmalloc.vfree(address);
            return 1;
        } catch (final IllegalArgumentException e) {
            return 0;
        }
    }
}
