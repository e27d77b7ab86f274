package org.vellum.alloc;

import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import org.vellum.epoch.Epochs;
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

    private final PlainAllocator plain;
    private final Budgets budgets;
    private final MappedAccess access;
    private final Epochs epochs;
    private final Retirements retirements;
    private final Listener listener;
    private final ConcurrentHashMap<Long, CheckedRecord> live = new ConcurrentHashMap<>();
    /** Freed, until their memory is used again. */
    private final ConcurrentHashMap<Long, CheckedRecord> dead = new ConcurrentHashMap<>();
    private final Quarantine quarantine;

    CheckedAllocator(
        final PlainAllocator plain, final Budgets budgets, final MappedAccess access, final Epochs epochs,
        final Retirements retirements, final Listener listener, final long quarantineBytes) {
        this.plain = plain;
        this.budgets = budgets;
        this.access = access;
        this.epochs = epochs;
        this.retirements = retirements;
        this.listener = listener;
        quarantine = new Quarantine(quarantineBytes);
    }

    @Override
    public long allocate(final long size, final long alignment, final Budget budget, final boolean zeroed) {
        if (size <= 0 || size > Long.MAX_VALUE / 4) {
            throw new IllegalArgumentException("size=" + size);
        }
        retirements.poll();
        settleQuarantine(false);
        final long before = Math.max(alignment, RED_BYTES);
        final long block = allocateBlock(before + size + RED_BYTES, alignment, budget, zeroed);
        final long address = block + before;
        access.setMemory(block, before, RED);
        access.setMemory(address + size, RED_BYTES, RED);
        if (!zeroed) {
            access.setMemory(address, size, FRESH);
        }
        final CheckedRecord record =
            new CheckedRecord(this, block, address, size, budget == null ? budgets.root() : budget);
        live.put(address, record);
        return address;
    }

    private long allocateBlock(final long bytes, final long alignment, final Budget budget, final boolean zeroed) {
        try {
            return plain.allocate(bytes, alignment, budget, zeroed);
        } catch (final ExhaustedException e) {
            // What is kept only to be looked at is given up first.
            if (!epochs.cpus().inSection()) {
                epochs.synchronize();
            }
            settle();
            return plain.allocate(bytes, alignment, budget, zeroed);
        }
    }

    @Override
    public void free(final long address, final boolean deferred) {
        if (address == 0) {
            return;
        }
        final CheckedRecord record = live.remove(address);
        if (record == null) {
            throw misuse(address);
        }
        record.noteFreed();
        dead.put(address, record);
        final long damaged = damagedRedZone(record);
        // Deferred or not: in this mode every free waits, and its memory is seen to be untouched.
        retirements.retire(record);
        if (damaged != Long.MIN_VALUE) {
            throw new IllegalStateException("a red zone was written to: offset=" + damaged + " of " + record.describe());
        }
    }

    private RuntimeException misuse(final long address) {
        final CheckedRecord before = dead.get(address);
        if (before != null) {
            return new IllegalStateException("already free: " + before.describe());
        }
        for (final CheckedRecord record : live.values()) {
            if (address > record.address && address < record.address + record.size) {
                return new IllegalArgumentException("not where an allocation begins: address=0x" + Long.toHexString(address)
                    + " is inside " + record.describe());
            }
        }
        return new IllegalArgumentException("nothing of this manager begins at address=0x" + Long.toHexString(address));
    }

    private long damagedRedZone(final CheckedRecord record) {
        final long before = firstOther(record.block, record.address - record.block, RED);
        if (before >= 0) {
            return before - (record.address - record.block);
        }
        final long behind = firstOther(record.address + record.size, RED_BYTES, RED);
        return behind >= 0 ? record.size + behind : Long.MIN_VALUE;
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
        // Always elsewhere, so that whoever kept the old address is found out.
        final long moved = allocate(size, 1, record.budget, false);
        access.copyMemory(address, moved, Math.min(size, record.size));
        free(address, false);
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

    long quarantinedBytes() {
        return quarantine.bytes();
    }
}
