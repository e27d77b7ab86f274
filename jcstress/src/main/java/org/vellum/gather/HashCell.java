package org.vellum.gather;

import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.Pages;
import org.vellum.mmu.HashedTable;
import org.vellum.mmu.HashedWalk;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/** One page of a space with a hash, for one state; mapped, and with a copy. */
final class HashCell {
    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(8 << 20));
    private static final int LEAVES = 256;
    private static final HashedTable HASH = new HashedTable(1 << 14);
    private static final SpaceTable TABLE =
        new SpaceTable(CPUS, FRAMES.memory(), (long)LEAVES * SpaceTable.LEAF_PAGES, LEAVES, new AddressBatches(HASH, LEAVES));
    private static final HashedWalk WALK = new HashedWalk(TABLE, HASH);
    private static final AtomicLong NEXT = new AtomicLong();
    private static final long OLD = newFrame();
    private static final long NEW = newFrame();

    private final long page;

    HashCell() {
        final long number = NEXT.getAndIncrement();
        page = number % LEAVES * SpaceTable.LEAF_PAGES + number / LEAVES % SpaceTable.LEAF_PAGES;
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        if (!TABLE.hasLeafFor(page)) {
            TABLE.attach(page, newFrame());
        }
        // Twice: a state in which two copies came to be leaves the other.
        for (int i = 0; i < 2; i++) {
            HASH.forget(page, HASH.lookup(page));
        }
        TABLE.replaceNoFlush(page, SpaceEntry.NONE);
        TABLE.setIfNone(page, state(OLD));
        lock.unlock();
        walk();
    }

    private static long newFrame() {
        final Cpu cpu = CPUS.enter();
        try {
            final long frame = FRAMES.allocate(cpu, 0);
            UnsafeApi.setMemory(FRAMES.memory().nativeAddress(frame), Pages.SIZE, (byte)0);
            return frame;
        } finally {
            cpu.exit();
        }
    }

    private static long state(final long frame) {
        return SpaceEntry.present(FRAMES.memory().nativeAddress(frame), SpaceEntry.READABLE | SpaceEntry.SPECIAL);
    }

    private static int nameOf(final long entry) {
        if (!SpaceEntry.isPresent(entry)) {
            return 0;
        }
        return SpaceEntry.nativePage(entry) == FRAMES.memory().nativeAddress(OLD) ? 1 : 2;
    }

    /** An access: 0 nothing there, 1 the old page, 2 the new one. */
    int walk() {
        final Cpu cpu = CPUS.enter();
        try {
            return nameOf(WALK.get(page, SpaceEntry.PRESENT));
        } finally {
            cpu.exit();
        }
    }

    /** An access that the old translation does not allow: finds the entry in the table, and enters it. */
    int miss() {
        final Cpu cpu = CPUS.enter();
        try {
            return nameOf(HASH.enter(TABLE, page));
        } finally {
            cpu.exit();
        }
    }

    /** Clears the entry and stores another in one hold of the lock. */
    void clearAndSet() {
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        TABLE.lazyEnter(page);
        TABLE.replaceNoFlush(page, SpaceEntry.NONE);
        TABLE.setIfNone(page, state(NEW));
        TABLE.lazyExit(page);
        lock.unlock();
    }

    /** Exchanges the entry for another. */
    void exchange() {
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        TABLE.replaceNoFlush(page, state(NEW));
        lock.unlock();
    }

    /** Clears the entry. */
    void clear() {
        final SpinLock lock = TABLE.lockOf(page);
        lock.acquireSurely();
        TABLE.lazyEnter(page);
        TABLE.replaceNoFlush(page, SpaceEntry.NONE);
        TABLE.lazyExit(page);
        lock.unlock();
    }

    /** Whether there are two translations of the page. */
    boolean hasTwoCopies() {
        return HASH.copiesOf(page) > 1;
    }

    /** What the hash says in the end: 0 nothing, 1 the old page, 2 the new one, 3 both. */
    int copies() {
        return hasTwoCopies() ? 3 : nameOf(HASH.lookup(page));
    }
}
