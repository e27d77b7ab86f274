package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * The flat table of the vmap window: one entry a page.
 *
 * <p>The table is reserved whole and zeroed in steps behind {@link #limit}, which the present check compares with anyway,
 * so opening a large window costs nothing. The limit only grows, under the lock of whoever hands out addresses, and before
 * the address it makes valid is handed out.
 *
 * <p>Pages are numbered from 0 at the start of the window. Thread safety: translation from any thread; changes to an entry
 * by the owner of the range it is in.
 */
public final class PageTable {
    /** Pages zeroed at a time: 64 KiB of table. */
    private static final long STEP_PAGES = 8192;

    /**
     * Shifts the tag, and the borrow of an address below the window, out at the top. Two shifts need no constant of 64 bits, and
     * an addition in place of an or becomes part of the access's addressing mode: together a few percent of a random load.
     */
    private static final int UNTAG_SHIFT = Long.SIZE - Entry.TAG_SHIFT;

    private final Words entries;
    private final long base;
    private final long start;
    private final long pages;
    private long limit;
    private volatile boolean closed;
    private FaultHandler faults = (address, write) -> new IllegalStateException("no fault handler");

    /**
     * @param start first Vellum address of the window, page-aligned, in bytes.
     * @param pages how many pages it has, at least 1.
     */
    public PageTable(final long start, final long pages) {
        if (start < 0 || (start & Pages.OFFSET_MASK) != 0 || pages < 1
            || start > Entry.ADDRESS_MASK - (pages << Pages.SHIFT)) {
            throw new IllegalArgumentException("start=" + start + " pages=" + pages);
        }
        entries = Words.reserve(pages);
        base = entries.address(0);
        this.start = start;
        this.pages = pages;
    }

    /**
     * @param handler makes the exceptions for faults; to be set once, before the first translation.
     */
    public void onFault(final FaultHandler handler) {
        faults = handler;
    }

    /** @return first Vellum address of the window, in bytes. */
    public long start() {
        return start;
    }

    /** @return pages of the window. */
    public long pages() {
        return pages;
    }

    /** @return exclusive end of the window, in bytes. */
    public long end() {
        return start + (pages << Pages.SHIFT);
    }

    /**
     * Zeroes the table up to a page. Caller holds the lock of the address allocator.
     *
     * @param toPage exclusive.
     */
    public void extendTo(final long toPage) {
        if (toPage > limit && !closed) {
            final long next = Math.min(pages, (toPage + STEP_PAGES - 1) / STEP_PAGES * STEP_PAGES);
            entries.zero(limit, next - limit);
            // The zeroes come before the limit; a reader gets both with the address that it is handed.
            UnsafeApi.storeFence();
            limit = next;
        }
    }

    /**
     * Lets nothing translate any more. Threads that race with this may translate for a moment longer; the words live on as
     * long as somebody holds this object, so they meet no unmapped memory.
     *
     * @param handler makes the exceptions for the accesses that come later.
     */
    public void close(final FaultHandler handler) {
        faults = handler;
        closed = true;
        // Views look at the entries without the limit, so these must go too.
        entries.zero(0, limit);
        limit = 0;
    }

    /** @return whether {@link #close} was called. */
    public boolean isClosed() {
        return closed;
    }

    /**
     * @param address a Vellum address, tag included or not.
     * @return the page number, or a number outside {@code [0, pages())} if the address is outside the window.
     */
    public long pageOf(final long address) {
        return ((address & Entry.ADDRESS_MASK) - start) >> Pages.SHIFT;
    }

    /**
     * @param page number of the page.
     * @return its address, untagged.
     */
    public long addressOf(final long page) {
        return start + (page << Pages.SHIFT);
    }

    /**
     * Whether the window holds the address at all.
     *
     * @param address a Vellum address, tag included or not.
     * @return whether a page of the window has it.
     */
    public boolean contains(final long address) {
        final long page = pageOf(address);
        return page >= 0 && page < pages;
    }

    /**
     * Translates for a load. What is returned is valid until the caller's section ends, or while it owns the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped or the tag is of another generation.
     */
    public long readable(final long address) {
        final long translated = readableOrZero(address);
        if (translated != 0) {
            return translated;
        }
        throw fault(address, false);
    }

    /**
     * {@link #readable} for who has somewhere else to look.
     *
     * @param address a Vellum address, tag included, in the window or not.
     * @return the native address, 0 if it is not mapped here or the tag is of another generation.
     */
    public long readableOrZero(final long address) {
        final long page = (address - start) << UNTAG_SHIFT >>> UNTAG_SHIFT + Pages.SHIFT;
        if (page < limit) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + (page << 3)) ^ (address & Entry.TAG_MASK);
            if ((difference & (Entry.TAG_MASK | Entry.PRESENT)) == Entry.PRESENT) {
                return (difference & Entry.PAGE_MASK) + (address & Pages.OFFSET_MASK);
            }
        }
        return 0;
    }

    /**
     * Translates for a store. What is returned is valid until the caller's section ends, or while it owns the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, not writable, or of another generation.
     */
    public long writable(final long address) {
        final long translated = writableOrZero(address);
        if (translated != 0) {
            return translated;
        }
        throw fault(address, true);
    }

    /**
     * {@link #writable} for who has somewhere else to look.
     *
     * @param address a Vellum address, tag included, in the window or not.
     * @return the native address, 0 if it is not mapped here, not writable, or of another generation.
     */
    public long writableOrZero(final long address) {
        final long page = (address - start) << UNTAG_SHIFT >>> UNTAG_SHIFT + Pages.SHIFT;
        if (page < limit) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + (page << 3)) ^ (address & Entry.TAG_MASK);
            final long needed = Entry.PRESENT | Entry.WRITABLE;
            if ((difference & (Entry.TAG_MASK | needed)) == needed) {
                return (difference & Entry.PAGE_MASK) + (address & Pages.OFFSET_MASK);
            }
        }
        return 0;
    }

    /**
     * Makes the exception for an address that does not translate.
     *
     * @param address a Vellum address, tag included.
     * @param write whether the access was a store.
     * @return the exception, to be thrown.
     */
    public RuntimeException fault(final long address, final boolean write) {
        return faults.fault(address, write);
    }

    /**
     * Where the entries of a range are, for {@link MappedRange}, which saves itself the limit at each access: the limit only
     * grows, and below it the entries never move.
     *
     * @return native address of the entry of {@code page}, 0 if not all of the pages are below the limit.
     */
    long entriesOrZero(final long page, final long count) {
        return page >= 0 && count >= 0 && count <= limit - page ? base + (page << 3) : 0;
    }

    /**
     * @param page number of the page, 0 up to {@link #pages()}.
     * @return its entry, {@link Entry#NONE} beyond the limit.
     */
    public long get(final long page) {
        assert page >= 0 && page < pages : "page=" + page;
        // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
        return page < limit ? UnsafeApi.getLongVolatile(null, base + (page << 3)) : Entry.NONE;
    }

    /**
     * Installs or removes an entry. By the owner of the range only.
     *
     * @param page number of the page, below the limit.
     * @param entry the new entry. If it lowers permission, the caller owes a flush.
     */
    public void set(final long page, final long entry) {
        assert page >= 0 && page < limit : "page=" + page + " limit=" + limit;
        // Release: the frame's content and the entries before it come first; partner: the volatile load in readable().
        UnsafeApi.putLongRelease(null, base + (page << 3), entry);
    }

    /**
     * Installs entries for frames side by side, the first of which says how many they are. By the owner of the range only.
     *
     * @param page number of the first page; all are below the limit.
     * @param memory tells the native addresses.
     * @param frames numbers of frames.
     * @param offset index of the first in the array.
     * @param count how many, 1..64.
     * @param tag in the bits of {@link Entry#TAG_MASK}.
     * @return false, with nothing changed, if a frame is in no present bank: the caller's caller named it.
     */
    public boolean setMapping(
        final long page, final PhysicalMemory memory, final long[] frames, final int offset, final int count,
        final long tag) {
        assert page >= 0 && page + count <= limit : "page=" + page + " limit=" + limit;
        final long at = base + (page << 3);
        final long bits = tag | Entry.WRITABLE | Entry.PRESENT;
        long numbers = frames[offset];
        long addresses = memory.uncheckedAddress(numbers);
        // Release: one fence for all, then plain stores; partner: the volatile load in readable().
        UnsafeApi.storeFence();
        UnsafeApi.putLong(at, Entry.head(addresses | bits, count));
        // The first few without a loop: what the compiler builds around a short counted loop is longer than all the rest, and
        // keeps the caller from inlining it.
        if (count > 1) {
            numbers |= frames[offset + 1];
            addresses |= setUnchecked(at + 8, memory.uncheckedAddress(frames[offset + 1]), bits);
        }
        if (count > 2) {
            numbers |= frames[offset + 2];
            addresses |= setUnchecked(at + 16, memory.uncheckedAddress(frames[offset + 2]), bits);
        }
        if (count > 3) {
            numbers |= frames[offset + 3];
            addresses |= setUnchecked(at + 24, memory.uncheckedAddress(frames[offset + 3]), bits);
        }
        if (count > 4) {
            return setRest(at, memory, frames, offset, count, bits, numbers, addresses);
        }
        return addresses >= 0 && !memory.isTooLarge(numbers) || undoMapping(at, count);
    }

    private static void clearRest(final long at, final int count) {
        for (int i = 4; i < count; i++) {
            UnsafeApi.putLong(at + ((long)i << 3), Entry.NONE);
        }
    }

    private static boolean setRest(
        final long at, final PhysicalMemory memory, final long[] frames, final int offset, final int count,
        final long bits, final long firstNumbers, final long firstAddresses) {
        long numbers = firstNumbers;
        long addresses = firstAddresses;
        for (int i = 4; i < count; i++) {
            numbers |= frames[offset + i];
            addresses |= setUnchecked(at + ((long)i << 3), memory.uncheckedAddress(frames[offset + i]), bits);
        }
        return addresses >= 0 && !memory.isTooLarge(numbers) || undoMapping(at, count);
    }

    private static long setUnchecked(final long at, final long address, final long bits) {
        UnsafeApi.putLong(at, address | bits);
        return address;
    }

    /** Nobody was given these addresses, nor could guess their tag: no reader can have used them, and no flush is owed. */
    private static boolean undoMapping(final long at, final int count) {
        for (int i = 0; i < count; i++) {
            UnsafeApi.putLong(at + ((long)i << 3), Entry.NONE);
        }
        return false;
    }

    /**
     * Removes a mapping that {@link #setMapping} installed, if it is still there, whole. The caller owes a flush.
     *
     * @param page number of its first page, from 0.
     * @param tag its generation.
     * @param count its length, 1..64.
     * @return whether this caller removed it: of two, one does.
     */
    public boolean clearMappingNoFlush(final long page, final long tag, final int count) {
        if (page < 0 || page >= limit) {
            return false;
        }
        final long at = base + (page << 3);
        // Volatile, then CAS: whoever removes the head owns the rest; partner: the same in another thread.
        final long head = UnsafeApi.getLongVolatile(null, at);
        final long expected = tag | (long)count << Entry.COUNT_SHIFT | Entry.PRESENT;
        if (((head ^ expected) & (Entry.TAG_MASK | Entry.COUNT_MASK | Entry.PRESENT)) != 0
            || !UnsafeApi.compareAndSetLong(null, at, head, Entry.dead(head))) {
            return false;
        }
        // Plain: ordered after the CAS, and before the release with which the caller notes the clear.
        if (count > 1) {
            UnsafeApi.putLong(at + 8, Entry.NONE);
        }
        if (count > 2) {
            UnsafeApi.putLong(at + 16, Entry.NONE);
        }
        if (count > 3) {
            UnsafeApi.putLong(at + 24, Entry.NONE);
        }
        if (count > 4) {
            clearRest(at, count);
        }
        return true;
    }
}
