package org.vellum.alloc;

import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import org.vellum.cpu.Cpus;
import org.vellum.epoch.Retirements;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;

/**
 * The checked mode: what it costs is paid only by who has asked for it, and is safe to leave on in tests.
 *
 * <pre>
 *   | red zone ... | the caller's bytes | red zone |          live: fresh bytes are FRESH, unless zeroed
 *                                                             freed: untouched until its grace period ends,
 *                                                             then POISON, and kept in quarantine; looked at before it is used again
 * </pre>
 * An error says where the memory was allocated and where it was freed. Damage found by somebody else than its author goes to the
 * {@link Listener}.
 */
final class CheckedAllocator implements Detour {
    static final byte RED = (byte)0xFB;
    static final byte FRESH = (byte)0xCD;
    static final byte POISON = (byte)0xDD;
    static final int RED_BYTES = 16;
    private static final long INTACT = Long.MIN_VALUE;

    private final PlainAllocator plain;
    private final Budgets budgets;
    private final MappedAccess access;
    private final Cpus cpus;
    private final Retirements retirements;
    private final Listener listener;
    private final ConcurrentHashMap<Long, CheckedRecord> live = new ConcurrentHashMap<>();
    /** Freed, until their memory is used again. */
    private final ConcurrentHashMap<Long, CheckedRecord> dead = new ConcurrentHashMap<>();
    private final Quarantine quarantine;

    CheckedAllocator(
        final PlainAllocator plain, final Budgets budgets, final MappedAccess access, final Cpus cpus,
        final Retirements retirements, final Listener listener, final long quarantineBytes) {
        this.plain = plain;
        this.budgets = budgets;
        this.access = access;
        this.cpus = cpus;
        this.retirements = retirements;
        this.listener = listener;
        quarantine = new Quarantine(quarantineBytes);
    }

    @Override
    public long allocate(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        if (size <= 0) {
            throw new IllegalArgumentException("size=" + size);
        }
        retirements.poll();
        settleQuarantine(false);
        final long before = Math.max(alignment, RED_BYTES);
        // Where that overflows, the size alone is beyond all memory, or the alignment is refused.
        final long bytes = Math.max(size, before + size + RED_BYTES);
        final long block = allocateBlock(bytes, alignment, budget, zeroed);
        final long address = block + before;
        access.setMemory(block, before, RED);
        access.setMemory(address + size, RED_BYTES, RED);
        if (!zeroed) {
            access.setMemory(address, size, FRESH);
        }
        final CheckedRecord record =
            new CheckedRecord(this, block, plain.footprint(bytes, alignment), address, size, budget == null ? budgets.root() : budget);
        live.put(address, record);
        return address;
    }

    private long allocateBlock(final long bytes, final long alignment, final Budget budget, final boolean zeroed) {
        try {
            return plain.allocate(bytes, alignment, budget, zeroed);
        } catch (final ExhaustedException e) {
            // What is kept only to be looked at is given up first.
            if (cpus.inSection()) {
                settle();
            } else {
                settleAll();
            }
            return plain.allocate(bytes, alignment, budget, zeroed);
        }
    }

    @Override
    public void free(final long address, final boolean deferred) {
        if (address == 0) {
            return;
        }
        final CheckedRecord record = require(address);
        if (!record.noteFreed()) {
            throw alreadyFree(record);
        }
        // Found throughout in one of the two, so that a second free learns of the first.
        dead.put(address, record);
        live.remove(address, record);
        final long damaged = damagedRedZone(record);
        // Deferred or not: in this mode every free waits, and its memory is seen to be untouched.
        retirements.retire(record);
        if (damaged != INTACT) {
            throw redZoneDamaged(record, damaged);
        }
    }

    private static IllegalStateException alreadyFree(final CheckedRecord record) {
        return new IllegalStateException("already free: " + record.describe());
    }

    private static IllegalStateException redZoneDamaged(final CheckedRecord record, final long offset) {
        return new IllegalStateException("a red zone was written to: offset=" + offset + " of " + record.describe());
    }

    private RuntimeException misuse(final long address) {
        final CheckedRecord before = dead.get(address);
        if (before != null) {
            return alreadyFree(before);
        }
        for (final CheckedRecord record : live.values()) {
            if (address > record.address && address < record.address + record.size) {
                return new IllegalArgumentException("not where an allocation begins: address=0x" + Long.toHexString(address)
                    + " is inside " + record.describe());
            }
        }
        return new IllegalArgumentException("nothing of this allocator begins at address=0x" + Long.toHexString(address)
            + ": what vmalloc returned is freed by vfree, what an arena did by its close");
    }

    private long damagedRedZone(final CheckedRecord record) {
        final long before = firstOther(record.block, record.address - record.block, RED);
        if (before >= 0) {
            return before - (record.address - record.block);
        }
        final long behind = firstOther(record.address + record.size, RED_BYTES, RED);
        return behind >= 0 ? record.size + behind : INTACT;
    }

    private long firstOther(final long from, final long length, final byte value) {
        for (long i = 0; i < length; i++) {
            if (access.getByte(from + i) != value) {
                return i;
            }
        }
        return -1;
    }

    /** Only now may a byte of it change. */
    void graceEnded(final CheckedRecord record) {
        access.setMemory(record.address, record.size, POISON);
        quarantine.add(record);
        settleQuarantine(false);
    }

    private void settleQuarantine(final boolean all) {
        for (CheckedRecord record = quarantine.next(all); record != null; record = quarantine.next(all)) {
            final long damaged = firstOther(record.address, record.size, POISON);
            dead.remove(record.address, record);
            plain.free(record.block);
            if (damaged >= 0) {
                report(record, damaged);
            }
        }
    }

    private void report(final CheckedRecord record, final long offset) {
        try {
            listener.memoryDamaged(record.address, offset, "written to after its free: " + record.describe());
        } catch (final RuntimeException | Error ignored) {
            // A listener that throws must not fail somebody else's allocation.
        }
    }

    @Override
    public long reallocate(final long address, final long size) {
        final CheckedRecord record = require(address);
        final long damaged = damagedRedZone(record);
        if (damaged != INTACT) {
            // Before anything is done: the memory stays as it was.
            throw redZoneDamaged(record, damaged);
        }
        // Always elsewhere, so that whoever kept the old address is found out.
        final long moved = allocate(size, 1, record.budget, false);
        boolean done = false;
        try {
            if (record.isFreed()) {
                // By a budget's callback, in the allocation.
                throw alreadyFree(record);
            }
            access.copyMemory(address, moved, Math.min(size, record.size));
            free(address, false);
            done = true;
        } finally {
            if (!done) {
                free(moved, false);
            }
        }
        return moved;
    }

    @Override
    public long sizeOf(final long address) {
        return require(address).size;
    }

    private CheckedRecord require(final long address) {
        final CheckedRecord record = live.get(address);
        if (record == null) {
            throw misuse(address);
        }
        if (record.isFreed()) {
            throw alreadyFree(record);
        }
        return record;
    }

    /** What is live, for the report at close. */
    Collection<CheckedRecord> live() {
        return live.values();
    }

    /** Gives all that is kept back, as far as grace periods have ended; what is damaged is reported. */
    void settle() {
        retirements.poll();
        settleQuarantine(true);
    }

    /** {@link #settle}, after one bounded grace period. Outside sections only. */
    void settleAll() {
        plain.awaitGrace();
        settle();
    }

    long quarantinedBytes() {
        long bytes = 0;
        for (final CheckedRecord record : dead.values()) {
            bytes += record.blockBytes;
        }
        return bytes;
    }
}
