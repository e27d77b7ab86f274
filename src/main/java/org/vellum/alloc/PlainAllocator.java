package org.vellum.alloc;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Retirements;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;
import org.vellum.slab.SizeClasses;
import org.vellum.slab.SlabAllocator;
import org.vellum.vmap.Fight;
import org.vellum.vmap.Reclaimer;

/**
 * Allocation with budgets and the fight against exhaustion, as every caller gets it who has not asked for checks or a trace.
 *
 * <p>Thread safety: all methods may be called by any thread. What allocates may wait for one bounded grace period when memory has
 * run out, never inside a section. What frees never waits. Arenas that were closed are asked for last: their end is a retirement, and others'
 * callbacks run with it.
 */
final class PlainAllocator {
    private final Cpus cpus;
    private final RawAllocator raw;
    private final SlabAllocator slabs;
    private final ContiguousRuns contiguous;
    private final Charges charges;
    private final Reclaimer reclaimer;
    private final Retirements retirements;
    private final MappedAccess access;
    private final PhysicalMemory memory;

    PlainAllocator(
        final Cpus cpus, final RawAllocator raw, final Budgets budgets, final Reclaimer reclaimer,
        final Retirements retirements, final MappedAccess access, final PhysicalMemory memory,
        final Events events) {
        this.cpus = cpus;
        this.raw = raw;
        slabs = raw.slabs();
        contiguous = raw.contiguous();
        this.reclaimer = reclaimer;
        this.retirements = retirements;
        charges = new Charges(cpus, budgets, events);
        this.access = access;
        this.memory = memory;
    }

    /** The hot path: one section around a bit and a byte, or a place and a mark. */
    long allocate(final long size) {
        final long address = isObject(size) ? allocateObject(null, size)
            : raw.isSmall(size) ? allocateRun(null, size) : RawAllocator.NOTHING;
        return address != RawAllocator.NOTHING ? address : allocate(size, 1, null, false);
    }

    /** {@link #allocate(long)} with a guess at the slot; inside a section of the caller's at that slot without another. */
    long allocate(final Cpu hint, final long size) {
        final long address = !isObject(size) ? raw.isSmall(size) ? allocateRun(hint, size) : RawAllocator.NOTHING
            : hint != null && cpus.isOccupant(hint) ? slabs.allocate(hint, SizeClasses.of((int)size), 0)
            : allocateObject(hint, size);
        return address != RawAllocator.NOTHING ? address : allocate(size, 1, null, false);
    }

    private static boolean isObject(final long size) {
        return size > 0 && size <= SizeClasses.MAX_SIZE;
    }

    private long allocateObject(final Cpu hint, final long size) {
        final Cpu cpu = cpus.enter(hint);
        try {
            return slabs.allocate(cpu, SizeClasses.of((int)size), 0);
        } finally {
            cpu.exit();
        }
    }

    private long allocateRun(final Cpu hint, final long size) {
        if (hint != null && cpus.isOccupant(hint)) {
            return raw.allocateRun(hint, size);
        }
        final Cpu cpu = cpus.enter(hint);
        try {
            return raw.allocateRun(cpu, size);
        } finally {
            cpu.exit();
        }
    }

    /**
     * Allocates anything for any budget.
     *
     * @param budget null for the root.
     * @throws IllegalArgumentException if the size is not positive or the alignment not a power of two.
     * @throws org.vellum.report.ExhaustedException if memory or the budget has run out.
     */
    long allocate(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        if (size <= 0) {
            throw new IllegalArgumentException("size=" + size);
        }
        if (alignment <= 0 || Long.bitCount(alignment) != 1 || alignment > 1L << memory.bankShift() + Pages.SHIFT) {
            throw new IllegalArgumentException("not a power of two up to a bank: alignment=" + alignment
                + " bank=" + (1L << memory.bankShift() + Pages.SHIFT));
        }
        if (size > memory.physEnd()) {
            throw reclaimer.exhausted("allocate", Pages.of(size), true);
        }
        final Budget charged = charges.require(budget);
        final long address = raw.isSmall(size, alignment) ? allocateSmall(size, alignment, charged)
            : allocateLarge(size, alignment, charged, zeroed);
        if (zeroed && !raw.isArea(address)) {
            UnsafeApi.setMemory(linear(address), size, (byte)0);
        }
        return address;
    }

    private long allocateSmall(final long size, final long alignment, final Budget budget) {
        final long bytes = raw.footprint(size, alignment);
        charges.charge(budget, bytes);
        long address = RawAllocator.NOTHING;
        try {
            address = trySmall(size, alignment, budget.id());
            if (address == RawAllocator.NOTHING) {
                address = reclaimSmall(size, alignment, budget.id());
            }
            return address;
        } finally {
            if (address == RawAllocator.NOTHING) {
                charges.uncharge(budget, bytes);
            }
        }
    }

    /** Has given up what is kept, and waited for what is in limbo; throws if that was not enough. */
    private long reclaimSmall(final long size, final long alignment, final int owner) {
        long address = RawAllocator.NOTHING;
        boolean arenas = false;
        long fight = Fight.BEGIN;
        while (address == RawAllocator.NOTHING) {
            fight = reclaimer.reclaim(fight);
            if (fight == Fight.LOST) {
                if (arenas || retirements.poll() == 0) {
                    // There may be more frames free than it asked for, but not side by side.
                    throw reclaimer.exhausted(size > Pages.SIZE ? "contiguous allocate" : "allocate", Pages.of(size), true);
                }
                // What closed arenas held is kept by slots now, as if it had been freed: once more from the start.
                arenas = true;
                fight = Fight.BEGIN;
            }
            address = trySmall(size, alignment, owner);
        }
        return address;
    }

    /** As often as a bank comes that was waited for: outside the section in which it is tried, so that waiting takes no slot. */
    private long trySmall(final long size, final long alignment, final int owner) {
        long address;
        long seen;
        do {
            seen = raw.banksAdded();
            final Cpu cpu = cpus.enter();
            try {
                address = raw.allocateSmall(cpu, size, alignment, owner);
            } finally {
                cpu.exit();
            }
        } while (address == RawAllocator.NOTHING && raw.awaitBank(size, alignment, seen));
        return address;
    }

    /** Contiguous if it can be had without a fight, else scattered. */
    private long allocateLarge(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        final long bytes = raw.footprint(size, alignment);
        charges.charge(budget, bytes);
        long address = RawAllocator.NOTHING;
        try {
            address = tryContiguous(size, alignment, budget.id());
            if (address == RawAllocator.NOTHING) {
                address = allocateArea(size, alignment, budget.id(), zeroed);
            }
            return address;
        } finally {
            if (address == RawAllocator.NOTHING) {
                charges.uncharge(budget, bytes);
            }
        }
    }

    private long allocateArea(final long size, final long alignment, final int owner, final boolean zeroed) {
        try {
            return raw.allocateArea(size, alignment, owner, zeroed);
        } catch (final ExhaustedException e) {
            // The grace periods that were waited for have ended for closed arenas, too.
            if (retirements.poll() == 0) {
                throw e;
            }
            return raw.allocateArea(size, alignment, owner, zeroed);
        }
    }

    private long tryContiguous(final long size, final long alignment, final int owner) {
        raw.growFor(size, alignment);
        final Cpu cpu = cpus.enter();
        try {
            return contiguous.allocate(cpu, size, alignment, owner);
        } finally {
            cpu.exit();
        }
    }

    void free(final long address) {
        if (Address.tag(address) != 0) {
            final long freed = slabs.free(address);
            settle(freed == SlabAllocator.NOT_HERE ? raw.freeArea(address) : freed);
        } else if (address != 0) {
            settle(contiguous.free(address));
        }
    }

    private void settle(final long freed) {
        if (RawAllocator.ownerOf(freed) != 0) {
            charges.settle(freed);
        }
    }

    void freeDeferred(final long address) {
        if (address != 0) {
            settle(raw.freeDeferred(address));
        }
    }

    /** Bytes that memory of that size takes. */
    long footprint(final long size, final long alignment) {
        return raw.footprint(size, alignment);
    }

    /** Bytes that may be used from the address on. */
    long sizeOf(final long address) {
        return RawAllocator.bytesOf(raw.look(address));
    }

    /**
     * Changes the size in place if the memory or what lies behind it allows, else moves the content.
     *
     * @return the address, perhaps another.
     */
    long reallocate(final long address, final long size) {
        if (size <= 0) {
            throw new IllegalArgumentException("size=" + size);
        }
        final long found = raw.look(address);
        final Budget budget = charges.ownerOf(found);
        final long before = RawAllocator.bytesOf(found);
        final boolean area = raw.isArea(address);
        if (area && !raw.isSmall(size, 1)) {
            return reallocateArea(address, size, before, budget);
        }
        final long after = raw.footprintAt(address, size);
        if (!area && after == before
            || raw.isRun(address) && after >= Pages.SIZE && resizeRun(address, before, after, budget)) {
            return address;
        }
        return move(address, size, Math.min(before, size), budget);
    }

    private boolean resizeRun(final long address, final long before, final long after, final Budget budget) {
        if (after > before) {
            charges.charge(budget, after - before);
        }
        boolean resized = false;
        try {
            requireLive(address);
            resized = contiguous.resize(address, after >>> Pages.SHIFT);
        } finally {
            if (resized == after < before) {
                charges.uncharge(budget, Math.abs(after - before));
            }
        }
        return resized;
    }

    /** What an area has afterwards is asked of the area: how many frames it keeps is not decided here. */
    private long reallocateArea(final long address, final long size, final long before, final Budget budget) {
        final long charged = Math.max(before, Pages.of(size) << Pages.SHIFT);
        if (charged > before) {
            charges.charge(budget, charged - before);
        }
        long after = before;
        try {
            final long moved = raw.reallocateArea(address, size);
            after = RawAllocator.bytesOf(raw.look(moved));
            return moved;
        } finally {
            if (charged > after) {
                charges.uncharge(budget, charged - after);
            }
        }
    }

    private long move(final long address, final long size, final long content, final Budget budget) {
        final long moved = allocate(size, 1, budget, false);
        boolean done = false;
        try {
            requireLive(address);
            copy(address, moved, content);
            free(address);
            done = true;
        } finally {
            if (!done) {
                free(moved);
            }
        }
        return moved;
    }

    /** A budget's callback may have freed what its caller was about to move: it throws then, before anything of it is touched. */
    private void requireLive(final long address) {
        raw.look(address);
    }

    private void copy(final long from, final long to, final long bytes) {
        if (raw.isArea(from) || raw.isArea(to)) {
            access.copyMemory(from, to, bytes);
        } else {
            UnsafeApi.copyMemory(linear(from), linear(to), bytes);
        }
    }

    /** Waits for one grace period, outside sections, for no longer than an allocation may. */
    void awaitGrace() {
        reclaimer.awaitGrace();
    }

    /** The native address of memory that is contiguous. */
    long linear(final long address) {
        final long linear = address & Address.MASK;
        return memory.nativeAddress(linear >>> Pages.SHIFT) + (linear & Pages.OFFSET_MASK);
    }
}
