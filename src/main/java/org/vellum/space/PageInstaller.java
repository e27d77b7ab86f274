package org.vellum.space;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.SpinLock;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.TableFrames;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * f2 to f5 of the package documentation: what a fault does to an entry. Each method is called inside a section, only tries the page-table
 * lock, and changes nothing unless it says {@link Outcome#DONE}.
 */
final class PageInstaller {
    /** What became of it. */
    enum Outcome {
        /** The entry is as it should be. */
        DONE,
        /** Something has changed meanwhile: look again. */
        AGAIN,
        /** Somebody else has the lock. */
        LOCKED,
        /** There is no frame for a page, or a table. */
        NO_MEMORY
    }

    private final PhysicalMemory memory;
    private final SpaceTable table;
    private final TableFrames tables;

    PageInstaller(final MemoryDescriptor mm) {
        memory = mm.spaces.frames.memory();
        table = mm.table;
        tables = mm.spaces.tables;
    }

    /** Makes an entry of none. */
    Outcome install(final Cpu cpu, final Region region, final long page, final long state) {
        long leaf = PhysicalMemory.NO_FRAME;
        if (!table.hasLeafFor(page)) {
            leaf = tables.allocate(cpu);
            if (leaf == PhysicalMemory.NO_FRAME) {
                return Outcome.NO_MEMORY;
            }
            memory.keepBank(leaf);
        }
        final SpinLock lock = table.lockOf(page);
        Outcome outcome = Outcome.LOCKED;
        if (lock.tryLock()) {
            try {
                outcome = Outcome.AGAIN;
                // f3: under the lock, so that whoever ends the region clears what is stored here.
                if (region.isCurrent()) {
                    if (leaf != PhysicalMemory.NO_FRAME && !table.hasLeafFor(page)) {
                        table.attach(page, leaf);
                        leaf = PhysicalMemory.NO_FRAME;
                    }
                    outcome = table.hasLeafFor(page) && table.setIfNone(page, state) ? Outcome.DONE : Outcome.AGAIN;
                }
            } finally {
                lock.unlock();
            }
        }
        if (leaf != PhysicalMemory.NO_FRAME) {
            tables.free(cpu, leaf);
        }
        return outcome;
    }

    /** Adds permissions to an entry that was found as {@code seen}. */
    Outcome raise(final Region region, final long page, final long seen, final long bits) {
        final SpinLock lock = table.lockOf(page);
        if (!lock.tryLock()) {
            return Outcome.LOCKED;
        }
        try {
            if (!region.isCurrent() || !SpaceEntry.isSame(table.get(page), seen)) {
                return Outcome.AGAIN;
            }
            table.changeNoFlush(page, 0, bits);
            return Outcome.DONE;
        } finally {
            lock.unlock();
        }
    }

    /** Puts another frame in the place of an entry that was found as {@code seen}, whose reference the caller then gives up. */
    Outcome replace(final Region region, final long page, final long seen, final long state) {
        final SpinLock lock = table.lockOf(page);
        if (!lock.tryLock()) {
            return Outcome.LOCKED;
        }
        try {
            if (!region.isCurrent() || !SpaceEntry.isSame(table.get(page), seen)) {
                return Outcome.AGAIN;
            }
            table.replaceNoFlush(page, state);
            return Outcome.DONE;
        } finally {
            lock.unlock();
        }
    }
}
