package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/**
 * From an address of a space to native memory and one access there: the ground under {@link SpaceAccess}.
 *
 * <h2>Loads</h2>
 * Outside sections: r1 to r5 of {@link SpaceTable}. Nothing is announced, so nothing waits for a load; it looks twice, and starts anew if
 * something has changed meanwhile. Three of its five looks hit what the first two have brought into the cache, and cost less than asking
 * whether the caller has a section open, in which they would not be needed: so they are made there too.
 *
 * <h2>Stores</h2>
 * In a section: the caller's, or one that is opened here.
 * <pre>
 *   W (stores)                              P (protects or unmaps), then N (who gets the frame next)
 *   w1: section begins (CAS)                p1: entry := read-only or none (exchange)
 *   w2: e := entry, volatile                p2: full fence; stamp
 *   w3: e writable? store                   p3: every section that began at or before the stamp has ended
 *   w4: section ends (release)              n1: reads or writes the frame, relying on nobody else's stores
 * </pre>
 * If w2 has seen what was there before p1, then the section's announcement at w1 is seen by p3, as argued in {@code org.vellum.epoch}: so w3 and
 * w4 come before n1. Otherwise w2 sees p1, and nothing is stored. The entry's D is set before the store is made, so p1, which takes the old
 * entry out by an exchange, learns of every store that P has to wait for.
 *
 * <h2>Faults</h2>
 * What does not translate leaves its own section first, sets A and D if it is only those that are missing, asks {@link SpaceFaults}
 * otherwise, and then walks again from the start. So a fault may wait, unless the caller has a section open.
 *
 * <p>Of an address only that the directory has a word for it is compared, without its sign: what lies before the space is far behind it. Pages
 * of the last leaf that are behind the space are never mapped.
 */
abstract class SpaceWalk {
    /** No native address. */
    static final long NONE = 0;

    /** A load from native memory; whatever its width, the value is widened. */
    @FunctionalInterface
    interface Load {
        long from(long nativeAddress);
    }

    /** A store to native memory, or what is more than one. */
    @FunctionalInterface
    interface Update {
        long at(long nativeAddress, long first, long second);
    }

    private final SpaceTable table;
    private final SpaceFaults faults;
    private final Cpus cpus;
    private final long directory;
    private final long directoryBytes;
    private final long pages;

    /**
     * @param table of the space.
     * @param faults asked when a page does not translate.
     * @param cpus whose sections protect stores.
     */
    SpaceWalk(final SpaceTable table, final SpaceFaults faults, final Cpus cpus) {
        this.table = table;
        this.faults = faults;
        this.cpus = cpus;
        directory = table.directoryAddress();
        directoryBytes = table.directoryBytes();
        pages = table.pages();
    }

    final Cpus cpus() {
        return cpus;
    }

    final boolean isOfSameTable(final SpaceWalk other) {
        return table == other.table;
    }

    /** @return bytes of the space. */
    public final long bytes() {
        return pages << Pages.SHIFT;
    }

    static boolean crosses(final long address, final int width) {
        return (address & Pages.OFFSET_MASK) > Pages.SIZE - width;
    }

    /** One load, optimistic, of a value within one page. Overridden where translations are found elsewhere first, as the next two. */
    long load(final long address, final Load load) {
        while (true) {
            final long offset = SpaceTable.directoryOffset(address);
            if (offset < directoryBytes) {
                final long leaf = directory + offset;
                // r1; volatile: partner: the stores in SpaceTable.attach() and detachUnusedNoFlush().
                final long word = UnsafeApi.getLongVolatile(null, leaf);
                final long at = SpaceTable.entryAt(word, address);
                // r2; volatile: before r3, whose load fence that is.
                final long entry = UnsafeApi.getLongVolatile(null, at);
                // r3; volatile: as r1.
                if (UnsafeApi.getLongVolatile(null, leaf) == word && SpaceEntry.isLoadable(entry)) {
                    final long value = load.from(SpaceEntry.nativePage(entry) + (address & Pages.OFFSET_MASK));
                    // r4 before r5; partner: the exchange in SpaceTable.replaceNoFlush().
                    UnsafeApi.loadFence();
                    // r5; volatile: the entry before the directory. A or D set meanwhile is no change, but looking again costs less.
                    if (UnsafeApi.getLongVolatile(null, at) == entry && UnsafeApi.getLongVolatile(null, leaf) == word) {
                        return value;
                    }
                }
            }
            resolve(address, false);
        }
    }

    /** One update, in a section, of a value within one page. Nothing between enter and exit throws. */
    long update(final Cpu hint, final long address, final Update update, final long first, final long second) {
        while (true) {
            final Cpu own = enter(hint);
            final long offset = SpaceTable.directoryOffset(address);
            if (offset < directoryBytes) {
                // As walk(), once more: that has to hand out an address or none, and the compiler would ask which.
                final long word = UnsafeApi.getLongVolatile(null, directory + offset);
                final long entry = UnsafeApi.getLongVolatile(null, SpaceTable.entryAt(word, address));
                if ((entry & SpaceEntry.STORABLE) != 0) {
                    final long result = update.at(SpaceEntry.nativePage(entry) + (address & Pages.OFFSET_MASK), first, second);
                    leave(own);
                    return result;
                }
            }
            leave(own);
            resolve(address, true);
        }
    }

    /** A section of its own, or null if the caller has one open: what is done here ends before that one does. */
    final Cpu enter(final Cpu hint) {
        return cpus.enterUnlessInside(hint);
    }

    static void leave(final Cpu own) {
        if (own != null) {
            own.exit();
        }
    }

    /** Inside a section: where a load may go, to the end of the page, until the section ends. */
    final long readableOrNone(final long address) {
        return walk(address, SpaceEntry.LOADABLE);
    }

    /** Inside a section: where a store may go, to the end of the page, until the section ends. */
    final long writableOrNone(final long address) {
        return walk(address, SpaceEntry.STORABLE);
    }

    final long translateOrNone(final long address, final boolean write) {
        return walk(address, write ? SpaceEntry.STORABLE : SpaceEntry.LOADABLE);
    }

    /** Inside a section: where an access may go that needs one bit of the entry. */
    long walk(final long address, final long allowed) {
        final long offset = SpaceTable.directoryOffset(address);
        if (offset < directoryBytes) {
            // Volatile, as the next: w2, and as in org.vellum.epoch; partner: the stores in SpaceTable.attach() and detachUnusedNoFlush().
            final long word = UnsafeApi.getLongVolatile(null, directory + offset);
            // Partner: the exchange in SpaceTable.replaceNoFlush().
            final long entry = UnsafeApi.getLongVolatile(null, SpaceTable.entryAt(word, address));
            if ((entry & allowed) != 0) {
                return SpaceEntry.nativePage(entry) + (address & Pages.OFFSET_MASK);
            }
        }
        return NONE;
    }

    /** After a walk that came to nothing, outside its section: what can be done so that the next one arrives. */
    final void resolve(final long address, final boolean write) {
        final long page = address >>> Pages.SHIFT;
        if (page >= pages) {
            throw beyond(address, write);
        }
        if (!mark(page, write)) {
            faults.faultAt(address, write);
        }
    }

    /** Whether the entry allows the access: then it bears A, and D, or it has changed and is worth another look. */
    private boolean mark(final long page, final boolean write) {
        final long allowed = SpaceEntry.PRESENT | (write ? SpaceEntry.WRITABLE : SpaceEntry.READABLE);
        final long marks = write ? SpaceEntry.ACCESSED | SpaceEntry.DIRTY : SpaceEntry.ACCESSED;
        final Cpu own = cpus.enter();
        try {
            final long entry = table.get(page);
            if (!SpaceEntry.has(entry, allowed)) {
                return false;
            }
            if (!SpaceEntry.has(entry, marks)) {
                table.mark(page, entry, marks);
            }
            return true;
        } finally {
            own.exit();
        }
    }

    private PageFaultException beyond(final long address, final boolean write) {
        return new PageFaultException(address, "page fault: " + (write ? "store to" : "load from") + " address=0x"
            + Long.toHexString(address) + ", outside the space of 0x" + Long.toHexString(bytes()) + " bytes", write, null);
    }

    /**
     * Requires that a range lies in the space, mapped or not.
     *
     * @throws IllegalArgumentException if the length is negative.
     * @throws PageFaultException naming the first address that does not, or the start if the range wraps around.
     */
    final void requireInside(final long address, final long length, final boolean write) {
        if (length < 0) {
            throw new IllegalArgumentException("length=" + length);
        }
        final long bytes = bytes();
        if (length > 0 && (address < 0 || address >= bytes || length > bytes - address)) {
            throw beyond(address < 0 || address >= bytes ? address : bytes, write);
        }
    }

    /** A load that crosses a page: byte by byte, each optimistic by itself. */
    final long loadCrossing(final long address, final int width) {
        long value = 0;
        for (int i = 0; i < width; i++) {
            value |= (load(address + i, UnsafeApi::getByte) & 0xFF) << CrossPage.shift(i, width);
        }
        return value;
    }

    /** A store that crosses a page: both pages are writable in one section, or nothing is stored. */
    final void storeCrossing(final Cpu hint, final long address, final int width, final long value) {
        final int below = Pages.SIZE - (int)(address & Pages.OFFSET_MASK);
        while (true) {
            final Cpu own = enter(hint);
            final long first = writableOrNone(address);
            final long second = first == NONE ? NONE : writableOrNone(address + below);
            if (second != NONE) {
                CrossPage.store(first, second - below, below, width, value);
                leave(own);
                return;
            }
            leave(own);
            resolve(first == NONE ? address : address + below, true);
        }
    }

    /** The address, if its value does not cross a page. */
    static long whole(final long address, final int width) {
        if (crosses(address, width)) {
            throw CrossPage.refuse(address, width);
        }
        return address;
    }
}
