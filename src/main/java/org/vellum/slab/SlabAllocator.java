package org.vellum.slab;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Epochs;
import org.vellum.frame.FrameAllocator;
import org.vellum.report.Events;
import org.vellum.report.Listener;

/**
 * The room's face: objects of up to 8 KiB, by Vellum address. The protocol is in the package documentation.
 *
 * <p>An object carries one small number from allocation to free, its <em>owner</em>: 0 to {@link #MAX_OWNER}. The room above
 * knows what it means.
 *
 * <p>Thread safety: methods that take a {@link Cpu} are for its occupant; all others are for any thread, inside sections or out.
 * Nothing here waits.
 */
public final class SlabAllocator {
    /** The largest owner that an object can carry. */
    public static final int MAX_OWNER = SlabTable.MAX_LIVE - SlabTable.LIVE;

    /** Bytes of one slab. */
    public static final int SLAB_BYTES = SlabTable.BYTES;

    /** What {@link #free} and {@link #look} say of an address that lies in no slab. */
    public static final long NOT_HERE = -1;

    private static final int OWNER_BITS = 8;
    private static final long ADDRESS_MASK = -1L >>> Short.SIZE;

    private final Cpus cpus;
    private final Slabs slabs;
    private final SlabTable table;
    private final CurrentSlabs current;
    private final long currentBase;
    /** The table's, kept here too: a free loads whatever it needs right after an atomic instruction, one after the other. */
    private final long recordsBase;
    private final long statesBase;
    /** The table's as last seen here, perhaps less: who finds it too low asks the table. Volatile, as the table's is, and for its reason. */
    private volatile int limit;
    private final DeferredFrees deferred;
    private final SlabMisuse misuse;

    /**
     * @param epochs decides when deferred frees are through.
     * @param frames where slabs come from.
     * @param listener hears of releases that fail.
     */
    public SlabAllocator(final Epochs epochs, final FrameAllocator frames, final Listener listener) {
        this(epochs, frames, listener, Events.NONE);
    }

    /**
     * {@link #SlabAllocator(Epochs, FrameAllocator, Listener)} that tells of slabs.
     *
     * @param epochs decides when deferred frees are through.
     * @param frames where slabs come from.
     * @param listener hears of releases that fail.
     * @param events hears of slabs that come and go.
     */
    public SlabAllocator(final Epochs epochs, final FrameAllocator frames, final Listener listener, final Events events) {
        cpus = epochs.cpus();
        slabs = new Slabs(cpus, frames, events);
        table = slabs.table;
        current = new CurrentSlabs(cpus, slabs);
        currentBase = current.base();
        recordsBase = table.recordAddress(0);
        statesBase = table.stateAddress(0, 0);
        deferred = new DeferredFrees(epochs, slabs, listener);
        misuse = new SlabMisuse(table);
    }

    /**
     * Allocates an object with undefined content.
     *
     * @param cpu the slot that the caller occupies.
     * @param sizeClass of {@link SizeClasses}.
     * @param owner 0 to {@link #MAX_OWNER}.
     * @return its Vellum address, tag included; 0 if there are no frames for a slab, or another thread is adding a bank for them:
     *     leave the section, {@link FrameAllocator#awaitBank}, try again.
     */
    public long allocate(final Cpu cpu, final int sizeClass, final int owner) {
        assert owner >= 0 && owner <= MAX_OWNER : "owner=" + owner;
        final byte live = (byte)(SlabTable.LIVE + owner);
        if (cpu.carriesCaches()) {
            final long record = CurrentSlabs.record(currentBase, cpu.index(), sizeClass);
            final long free = CurrentSlabs.free(record);
            if (free != 0) {
                return CurrentSlabs.take(record, free, live);
            }
        }
        return current.takeSlowly(cpu, sizeClass, live);
    }

    /**
     * Frees an object: it may be handed out again at once.
     *
     * @param address any value.
     * @return {@link #NOT_HERE}, with nothing changed, if it lies in no slab and bears no tag; else what {@link #ownerOf} and
     *     {@link #bytesOf} take apart.
     * @throws IllegalArgumentException if it is not where an object begins.
     * @throws IllegalStateException if the object is free already, or the address is of an earlier slab.
     */
    public long free(final long address) {
        return end(null, address, SlabTable.FREE);
    }

    /**
     * Frees an object once every section that is open now has ended; until then no byte of it changes. Never waits, allocates or
     * fails.
     *
     * @param cpu the slot that the caller occupies, or null if it could get none.
     * @param address as for {@link #free}.
     * @return as {@link #free}.
     */
    public long freeDeferred(final Cpu cpu, final long address) {
        return end(cpu, address, SlabTable.DEFERRED);
    }

    private long end(final Cpu cpu, final long address, final byte as) {
        final long slab = numberOf(address);
        // For all of it: a free may give a slab back to the frames.
        if (StackReserve.ensureOperation(slab, limit) && isBeyondLimit(slab)) {
            return misuse.elsewhere(address);
        }
        final long record = SlabTable.recordAddress(recordsBase, slab);
        final long word = SlabTable.wordOpaqueAt(record);
        if (!SlabWord.isOf(word, address)) {
            return misuse.elsewhere(address);
        }
        final long divisor = SlabTable.divisorAt(record);
        final long at = locate(address, slab, divisor);
        final int live = take(at, as);
        if (live == SlabTable.FREE) {
            throw misuse.notLive(address, UnsafeApi.getByte(at));
        }
        if (as == SlabTable.DEFERRED) {
            deferred.add(cpu, (int)slab, word);
        } else if (SlabWord.isNobodys(SlabTable.wordVolatileAt(record))) {
            slabs.noteFreed(null, (int)slab, word, 1);
        }
        return found(divisor, live);
    }

    /**
     * Makes a live object {@code as}: f1 of the package documentation, and of two frees one wins; partner: the acquire in SlabTable.freeBits.
     *
     * @return what it was, FREE if it was not live or another thread won.
     */
    private static int take(final long at, final byte as) {
        final int live = UnsafeApi.getByte(at) & 0xFF;
        // The usual case apart, with a constant: the compare-and-set then need not wait for what the branch has foretold.
        if (live == SlabTable.LIVE) {
            return UnsafeApi.compareAndSetByte(null, at, SlabTable.LIVE, as) ? SlabTable.LIVE : SlabTable.FREE;
        }
        return isLive(live) && UnsafeApi.compareAndSetByte(null, at, (byte)live, as) ? live : SlabTable.FREE;
    }

    private boolean isBeyondLimit(final long slab) {
        limit = table.limit();
        return slab >= limit;
    }

    private static long numberOf(final long address) {
        return (address & ADDRESS_MASK) >>> SlabTable.SHIFT;
    }

    /** The word of the slab that an address lies in, or NO_SLAB if they are of different generations. */
    private long wordOf(final long address) {
        final long slab = numberOf(address);
        if (slab >= table.limit()) {
            return SlabWord.NO_SLAB;
        }
        final long word = table.wordOpaque((int)slab);
        return SlabWord.isOf(word, address) ? word : SlabWord.NO_SLAB;
    }

    /** The native address of the state byte of the object that begins there. */
    private long locate(final long address, final long slab, final long divisor) {
        final int offset = (int)address & SlabTable.OFFSET_MASK;
        final int object = SizeClasses.index(divisor, offset);
        final int size = SizeClasses.sizeOf(divisor);
        if (object * size != offset || object >= SlabTable.MAX_OBJECTS) {
            throw misuse.interior(address, (int)slab, object * size, size);
        }
        return SlabTable.stateAddress(statesBase, slab, object);
    }

    private static boolean isLive(final int state) {
        return state >= SlabTable.LIVE && state <= SlabTable.MAX_LIVE;
    }

    private static long found(final long divisor, final int live) {
        // A sum, not an or: the compiler then knows that it is not negative, and what its low bits are.
        return ((long)SizeClasses.sizeOf(divisor) << OWNER_BITS) + (live - SlabTable.LIVE);
    }

    /**
     * @param freed what {@link #free} returned, but for {@link #NOT_HERE}.
     * @return the owner that the object was allocated with.
     */
    public static int ownerOf(final long freed) {
        return (int)freed & (1 << OWNER_BITS) - 1;
    }

    /**
     * @param freed what {@link #free} returned, but for {@link #NOT_HERE}.
     * @return bytes of the object.
     */
    public static int bytesOf(final long freed) {
        return (int)(freed >>> OWNER_BITS);
    }

    /**
     * Looks at an object without changing it.
     *
     * @param address any value.
     * @return as {@link #free}.
     * @throws IllegalArgumentException as {@link #free}.
     * @throws IllegalStateException as {@link #free}.
     */
    public long look(final long address) {
        final long word = wordOf(address);
        if (word == SlabWord.NO_SLAB) {
            return misuse.elsewhere(address);
        }
        final long divisor = SlabTable.divisorAt(table.recordAddress(numberOf(address)));
        final int state = UnsafeApi.getByte(locate(address, numberOf(address), divisor)) & 0xFF;
        if (!isLive(state)) {
            throw misuse.notLive(address, (byte)state);
        }
        return found(divisor, state);
    }

    /**
     * Whether a tag is that of the slab which is there now: what checked access asks of a tagged address of the linear map.
     *
     * @param address any value.
     * @return whether the address lies in a slab of its generation.
     */
    public boolean isCurrent(final long address) {
        return wordOf(address) != SlabWord.NO_SLAB;
    }

    /**
     * Gives up the current slabs of a slot; those that are empty go back to the frames.
     *
     * @param cpu that slot, which the caller occupies.
     * @return how many slabs those were.
     */
    public int drain(final Cpu cpu) {
        StackReserve.ensure();
        return current.drain(cpu);
    }

    /**
     * Gives up the current slabs of the caller's own and of all idle slots, and every empty slab. What other threads own while they are in
     * sections stays.
     */
    public void drainIdle() {
        StackReserve.ensureOperation();
        for (int slot = 0; slot < cpus.usedCachedSlots(); slot++) {
            if (!current.isIdle(slot)) {
                drainVisited(slot);
            }
        }
        final Cpu cpu = cpus.tryEnter();
        if (cpu != null) {
            try {
                slabs.trim(cpu);
            } finally {
                cpu.exit();
            }
        }
    }

    private void drainVisited(final int slot) {
        final Cpu own = cpus.current();
        final Cpu cpu = own != null && own.index() == slot ? cpus.enter(own) : cpus.tryVisit(slot);
        if (cpu != null) {
            try {
                current.drain(cpu);
            } finally {
                cpu.exit();
            }
        }
    }

    /**
     * Releases deferred frees whose grace period has ended. Never waits.
     *
     * @return how many slabs were looked through.
     */
    public int poll() {
        return deferred.poll();
    }

    /** @return bytes of slabs that are in limbo because of deferred frees. */
    public long limboBytes() {
        return deferred.bytes();
    }

    /** @return the same for one load, off by less than a batch a slot. */
    public long limboBytesEstimate() {
        return deferred.bytesEstimate();
    }

    /**
     * Counts by walking the tables, while others go on: exact when quiet.
     *
     * @return the figures.
     */
    public SlabCounts count() {
        return SlabCounts.of(slabs);
    }

    /**
     * @param owner 0 to {@link #MAX_OWNER}.
     * @return bytes of its live objects, each as large as its class; by walking the tables, exact when quiet.
     */
    public long liveBytes(final int owner) {
        return SlabCounts.liveBytes(table, SlabTable.LIVE + owner);
    }

    /**
     * Walks every slab of a quiet system.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        new SlabVerifier(slabs, current).verify();
    }
}
