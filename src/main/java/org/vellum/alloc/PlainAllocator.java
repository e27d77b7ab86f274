package org.vellum.alloc;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.MappedAccess;
import org.vellum.slab.SizeClasses;
import org.vellum.vmap.Reclaimer;

/**
 * Allocation with budgets and the fight against exhaustion, as every caller gets it who has not asked for checks or a trace.
 *
 * <p>Thread safety: all methods may be called by any thread. What allocates may wait for one bounded grace period when memory has
 * run out, never inside a section. What frees never waits.
 */
final class PlainAllocator {
    private final Cpus cpus;
    private final RawAllocator raw;
    private final Budgets budgets;
    private final Reclaimer reclaimer;
    private final MappedAccess access;
    private final PhysicalMemory memory;

    PlainAllocator(
        final Cpus cpus, final RawAllocator raw, final Budgets budgets, final Reclaimer reclaimer, final MappedAccess access,
        final PhysicalMemory memory) {
        this.cpus = cpus;
        this.raw = raw;
        this.budgets = budgets;
        this.reclaimer = reclaimer;
        this.access = access;
        this.memory = memory;
    }

    RawAllocator raw() {
        return raw;
    }

    /** The hot path: one section around a bit and a byte. */
    long allocate(final long size) {
        if (size - 1 >>> SizeClasses.MAX_SIZE_SHIFT == 0) {
            final Cpu cpu = cpus.enter();
            final long address;
            try {
                address = raw.allocateObject(cpu, (int)size, 0);
            } finally {
                cpu.exit();
            }
            if (address != RawAllocator.NOTHING) {
                return address;
            }
        }
        return allocate(size, 1, null, false);
    }

    /** {@link #allocate(long)} with a guess at the slot; inside a section of the caller's at that slot without another. */
    long allocate(final Cpu hint, final long size) {
        if (size - 1 >>> SizeClasses.MAX_SIZE_SHIFT == 0) {
            final long address = hint != null && cpus.isOccupant(hint) ? raw.allocateObject(hint, (int)size, 0)
                : allocateEntering(hint, (int)size);
            if (address != RawAllocator.NOTHING) {
                return address;
            }
        }
        return allocate(size, 1, null, false);
    }

    private long allocateEntering(final Cpu hint, final int size) {
        final Cpu cpu = cpus.enter(hint);
        try {
            return raw.allocateObject(cpu, size, 0);
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
            throw new IllegalArgumentException("alignment=" + alignment);
        }
        if (size > memory.physEnd()) {
            throw reclaimer.exhausted("allocate", Pages.of(size), true);
        }
        final Budget charged = require(budget);
        final long address = raw.isSmall(size, alignment) ? allocateSmall(size, alignment, charged)
            : allocateLarge(size, alignment, charged, zeroed);
        if (zeroed && !raw.isArea(address)) {
            UnsafeApi.setMemory(linear(address), size, (byte)0);
        }
        return address;
    }

    private Budget require(final Budget budget) {
        if (budget == null) {
            return budgets.root();
        }
        budget.requireOpen();
        if (budgets.byIdOrNull(budget.id()) != budget) {
            throw new IllegalArgumentException("budget=" + budget.path() + " is another memory's");
        }
        return budget;
    }

    private long allocateSmall(final long size, final long alignment, final Budget budget) {
        final long bytes = raw.footprint(size, alignment);
        charge(budget, bytes);
        long address = RawAllocator.NOTHING;
        try {
            for (int attempt = 0; address == RawAllocator.NOTHING; attempt++) {
                address = trySmall(size, alignment, budget.id());
                if (address == RawAllocator.NOTHING && !reclaimer.reclaim(attempt)) {
                    throw reclaimer.exhausted("allocate", Pages.of(size), true);
                }
            }
            return address;
        } finally {
            if (address == RawAllocator.NOTHING) {
                uncharge(budget, bytes);
            }
        }
    }

    private long trySmall(final long size, final long alignment, final int owner) {
        final Cpu cpu = cpus.enter();
        try {
            return raw.allocateSmall(cpu, size, alignment, owner);
        } finally {
            cpu.exit();
        }
    }

    /** Contiguous if it can be had without a fight, else scattered. */
    private long allocateLarge(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        final long bytes = raw.footprint(size, alignment);
        charge(budget, bytes);
        long address = RawAllocator.NOTHING;
        try {
            address = tryContiguous(size, alignment, budget.id());
            if (address == RawAllocator.NOTHING) {
                address = raw.allocateArea(size, alignment, budget.id(), zeroed);
            }
            return address;
        } finally {
            if (address == RawAllocator.NOTHING) {
                uncharge(budget, bytes);
            }
        }
    }

    private long tryContiguous(final long size, final long alignment, final int owner) {
        final Cpu cpu = cpus.enter();
        try {
            return raw.allocateContiguous(cpu, size, alignment, owner);
        } finally {
            cpu.exit();
        }
    }

    /** Throws if the budget refuses. */
    private void charge(final Budget budget, final long bytes) {
        if (budget.id() == 0) {
            return;
        }
        budget.reclaimIfOverSoft(bytes);
        final Cpu cpu = cpus.enter();
        final boolean charged;
        try {
            charged = budget.tryCharge(cpu, bytes);
        } finally {
            cpu.exit();
        }
        if (!charged) {
            throw budget.refusal(bytes);
        }
    }

    private void uncharge(final Budget budget, final long bytes) {
        if (budget.id() != 0) {
            budget.uncharge(bytes);
        }
    }

    private void settle(final long freed) {
        final int owner = RawAllocator.ownerOf(freed);
        if (owner != 0) {
            budgets.byId(owner).uncharge(RawAllocator.bytesOf(freed));
        }
    }

    void free(final long address) {
        if (address != 0) {
            settle(raw.free(address));
        }
    }

    void freeDeferred(final long address) {
        if (address != 0) {
            settle(raw.freeDeferred(address));
        }
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
        final Budget budget = budgets.byId(RawAllocator.ownerOf(found));
        final long before = RawAllocator.bytesOf(found);
        final long after = raw.footprint(size, 1);
        if (after == before) {
            return address;
        }
        if (raw.isArea(address)) {
            return reallocateArea(address, size, before, budget);
        }
        if (before >= Pages.SIZE && after >= Pages.SIZE && address >>> Address.TAG_SHIFT == 0
            && resizeRun(address, before, after, budget)) {
            return address;
        }
        return move(address, size, Math.min(before, size), budget);
    }

    private boolean resizeRun(final long address, final long before, final long after, final Budget budget) {
        if (after > before) {
            charge(budget, after - before);
        }
        boolean resized = false;
        try {
            resized = raw.resizeRun(address, after >>> Pages.SHIFT);
        } finally {
            if (resized == after < before) {
                uncharge(budget, Math.abs(after - before));
            }
        }
        return resized;
    }

    private long reallocateArea(final long address, final long size, final long before, final Budget budget) {
        final long after = Pages.of(size) << Pages.SHIFT;
        if (after > before) {
            charge(budget, after - before);
        }
        long moved = RawAllocator.NOTHING;
        try {
            moved = raw.reallocateArea(address, size);
            return moved;
        } finally {
            if (moved == RawAllocator.NOTHING == after > before) {
                uncharge(budget, Math.abs(after - before));
            }
        }
    }

    private long move(final long address, final long size, final long content, final Budget budget) {
        final long moved = allocate(size, 1, budget, false);
        boolean copied = false;
        try {
            copy(address, moved, content);
            copied = true;
        } finally {
            if (!copied) {
                free(moved);
            }
        }
        free(address);
        return moved;
    }

    private void copy(final long from, final long to, final long bytes) {
        if (raw.isArea(to)) {
            access.copyMemory(from & Address.MASK, to, bytes);
        } else {
            UnsafeApi.copyMemory(linear(from), linear(to), bytes);
        }
    }

    /** The native address of memory that is contiguous. */
    long linear(final long address) {
        final long linear = address & Address.MASK;
        return memory.nativeAddress(linear >>> Pages.SHIFT) + (linear & Pages.OFFSET_MASK);
    }
}
