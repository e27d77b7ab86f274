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

    /** Shifts the tag out at the top: two shifts need no constant of 64 bits. */
    private static final int UNTAG_SHIFT = Long.SIZE - Address.TAG_SHIFT;

    /** An entry is 8 bytes, its page 4,096: addresses of pages lie so much further apart than those of entries. */
    public static final int ADDRESS_SHIFT = Pages.SHIFT - 3;

    private static final long WHOLE_ENTRIES = -Long.BYTES;
    private static final int FEW = 4;
    private static final long FRAMES_BASE = UnsafeApi.arrayBaseOffset(long[].class);

    private final Words entries;
    private final long base;
    /** {@link #entryDistance} of tag 0. */
    private final long distance;
    private final long start;
    private final long pages;
    private long limit;
    /** The same in bytes of the table: what an access compares with. */
    private long limitBytes;
    private volatile boolean closed;
    private final Elsewhere faulting = (address, write) -> {
        throw fault(address, write);
    };
    private FaultHandler faults = (address, write) -> new IllegalStateException("no fault handler");

    /**
     * @param start first Vellum address of the window, page-aligned, in bytes.
     * @param pages how many pages it has, at least 1.
     */
    public PageTable(final long start, final long pages) {
        if (start < 0 || (start & Pages.OFFSET_MASK) != 0 || pages < 1
            || start > Address.MASK - (pages << Pages.SHIFT)) {
            throw new IllegalArgumentException("start=" + start + " pages=" + pages);
        }
        entries = Words.reserve(pages);
        base = entries.address(0);
        distance = base - (start >>> ADDRESS_SHIFT);
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
            limitBytes = next << 3;
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
        limitBytes = 0;
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
        return ((address & Address.MASK) - start) >> Pages.SHIFT;
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

    /** Where an address may translate that is not mapped in the window: the linear map. */
    interface Elsewhere {
        /**
         * @param address a Vellum address that the window does not translate.
         * @param write whether for a store.
         * @return the native address.
         * @throws org.vellum.report.PageFaultException if it does not translate here either.
         */
        long translate(long address, boolean write);
    }

    /**
     * Translates for a load. What is returned is valid until the caller's section ends, or while it owns the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped or the tag is of another generation.
     */
    public long readable(final long address) {
        return readable(address, faulting);
    }

    long readable(final long address, final Elsewhere elsewhere) {
        final long offset = entryOffset(address);
        if (offset < limitBytes) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + offset) ^ Entry.key(address);
            if ((difference & Entry.READ_CHECK) == 0) {
                return Entry.nativePage(difference) + (address & Pages.OFFSET_MASK);
            }
        }
        return elsewhere.translate(address, false);
    }

    /**
     * Translates for a store. What is returned is valid until the caller's section ends, or while it owns the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, not writable, or of another generation.
     */
    public long writable(final long address) {
        return writable(address, faulting);
    }

    long writable(final long address, final Elsewhere elsewhere) {
        final long offset = entryOffset(address);
        if (offset < limitBytes) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + offset) ^ Entry.key(address);
            if ((difference & Entry.WRITE_CHECK) == 0) {
                return Entry.nativePage(difference) + (address & Pages.OFFSET_MASK);
            }
        }
        return elsewhere.translate(address, true);
    }

    /**
     * {@link #writable(long)} of an address so many pages on. The entry of the one is found while the distance to the other's is still being
     * computed: for callers whose distance is the last to be known.
     *
     * @param address a Vellum address of the window, tag included.
     * @param entryBytes 8 times the pages on, at least 0.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, not writable, or of another generation; or if the address itself is
     *     below the window.
     */
    public long writablePagesOn(final long address, final long entryBytes) {
        final long offset = entryOffset(address) + entryBytes;
        if (offset < limitBytes) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + offset) ^ Entry.key(address);
            if ((difference & Entry.WRITE_CHECK) == 0) {
                return Entry.nativePage(difference) + (address & Pages.OFFSET_MASK);
            }
        }
        throw fault(address + (entryBytes << ADDRESS_SHIFT), true);
    }

    /** Of the entry in the table; far beyond its end for an address below the window, whose borrow is shifted out with the tag. */
    private long entryOffset(final long address) {
        return (address - start) << UNTAG_SHIFT >>> UNTAG_SHIFT + ADDRESS_SHIFT & WHOLE_ENTRIES;
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
     * Whether all entries of a range may be looked at, for {@link MappedRange}, which saves itself the limit at each access: the
     * limit only grows, and below it the entries never move.
     *
     * @param page any number.
     * @param count of pages, 0 or more.
     * @return whether all pages are below the limit.
     */
    boolean isZeroed(final long page, final long count) {
        return (page | limit - page - count) >= 0;
    }

    /**
     * @param address a Vellum address, tag included.
     * @return from {@code a >>> ADDRESS_SHIFT}, a whole number of entries, to where the entry of {@code a} is, for addresses of the same
     *     tag, modulo 2<sup>64</sup>.
     */
    long entryDistance(final long address) {
        return distance - (address >>> Address.TAG_SHIFT << Address.TAG_SHIFT - ADDRESS_SHIFT);
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
     * @param page number of the page, below the limit; or what it was before the table was closed, which does no harm.
     * @param entry the new entry. If it lowers permission, the caller owes a flush.
     */
    public void set(final long page, final long entry) {
        assert page >= 0 && (page < limit || closed && page < pages) : "page=" + page + " limit=" + limit;
        // Release: the frame's content and the entries before it come first; partner: the volatile load in readable().
        UnsafeApi.putLongRelease(null, base + (page << 3), entry);
    }

    /**
     * Whether the table has an entry that may be looked at.
     *
     * @param page any number.
     * @return whether it is the number of a page below the limit.
     */
    public boolean isZeroed(final long page) {
        return page >= 0 && page < limit;
    }

    /**
     * Where the entry of a page is, for {@link #setMapping} and {@link #clearMappingNoFlush}, whose callers count in entries.
     *
     * @param page number of the page, up to and including {@link #pages()}.
     * @return native address of its entry; valid while this object is reachable.
     */
    public long entryAddress(final long page) {
        return base + (page << 3);
    }

    /**
     * @param page number of the page, from 0.
     * @param tag generation in the bits of {@link Address#TAG_MASK}.
     * @return what {@code entryAddress << ADDRESS_SHIFT} falls short of the address of the entry's page, modulo 2<sup>64</sup>.
     */
    public long addressDistance(final long page, final long tag) {
        return (addressOf(page) | tag) - (entryAddress(page) << ADDRESS_SHIFT);
    }

    /**
     * Installs entries for frames side by side, the first of which says how many they are. By the owner of the range only.
     *
     * <p>No number is stored before it is checked: the addresses of these pages follow from those of their neighbours, and a reader
     * that goes by addresses alone looks at whatever is present. The head comes last, so that whoever finds it finds the rest.
     *
     * @param at native address of the first entry; all are below the limit.
     * @param key their generation, from {@link Entry#key}.
     * @param memory tells the native addresses.
     * @param frames numbers of frames.
     * @param offset index of the first in the array; checked.
     * @param count how many, 1..64; checked.
     * @return false, with nothing changed, if a frame is in no present bank: the caller's caller named it.
     */
    public boolean setMapping(
        final long at, final long key, final PhysicalMemory memory, final long[] frames, final int offset, final int count) {
        assert isBelowLimit(at, count) : "entry=" + at + " base=" + base + " limit=" + limit;
        // The first few without a loop: what the compiler builds around a short counted loop is longer than all the rest, and
        // keeps the caller from inlining it; so do more than 325 bytes of code. Where there are fewer, the first stands in for the missing.
        final long source = FRAMES_BASE + ((long)offset << 3);
        final long frame0 = UnsafeApi.getLong(frames, source);
        final long frame1 = count > 1 ? UnsafeApi.getLong(frames, source + 8) : frame0;
        final long frame2 = count > 2 ? UnsafeApi.getLong(frames, source + 16) : frame0;
        final long frame3 = count > 3 ? UnsafeApi.getLong(frames, source + 24) : frame0;
        final long address0 = memory.uncheckedAddress(frame0);
        final long address1 = memory.uncheckedAddress(frame1);
        final long address2 = memory.uncheckedAddress(frame2);
        final long address3 = memory.uncheckedAddress(frame3);
        if (memory.isTooLarge(frame0 | frame1 | frame2 | frame3)
            || ((address0 | address1 | address2 | address3) & Pages.OFFSET_MASK) != 0
            || count > FEW && !setRest(at, key, memory, frames, source, count)) {
            return false;
        }
        if (count > 1) {
            put(at + 8, address1, key);
        }
        if (count > 2) {
            put(at + 16, address2, key);
        }
        if (count > 3) {
            put(at + 24, address3, key);
        }
        // Release: the others come first; partner: the volatile load in readable() and clearMappingNoFlush().
        UnsafeApi.putLongRelease(null, at, (address0 << Entry.PAGE_SHIFT) + key + ((long)count << Entry.COUNT_SHIFT));
        return true;
    }

    private boolean isBelowLimit(final long at, final int count) {
        return at >= base && at + ((long)count << 3) <= base + limitBytes;
    }

    private static void put(final long at, final long address, final long key) {
        UnsafeApi.putLong(at, (address << Entry.PAGE_SHIFT) + key);
    }

    /** What follows the first few, each checked before it is stored. Whoever looks before the head is there sees frames, if any. */
    private static boolean setRest(
        final long at, final long key, final PhysicalMemory memory, final long[] frames, final long source, final int count) {
        for (int i = FEW; i < count; i++) {
            final long frame = UnsafeApi.getLong(frames, source + ((long)i << 3));
            final long address = memory.uncheckedAddress(frame);
            if (memory.isTooLarge(frame) || (address & Pages.OFFSET_MASK) != 0) {
                clear(at, FEW, i);
                return false;
            }
            put(at + ((long)i << 3), address, key);
        }
        return true;
    }

    private static void clear(final long at, final int from, final int count) {
        for (int i = from; i < count; i++) {
            UnsafeApi.putLong(at + ((long)i << 3), Entry.NONE);
        }
    }

    /**
     * Removes a mapping that {@link #setMapping} installed, if it is still there, whole. The caller owes a flush.
     *
     * @param at native address of its first entry, below the limit.
     * @param key its generation, from {@link Entry#key}.
     * @param count its length, 1..64; checked.
     * @return whether this caller removed it: of two, one does.
     */
    public static boolean clearMappingNoFlush(final long at, final long key, final int count) {
        // Volatile, then CAS: whoever removes the head owns the rest; partner: the same in another thread.
        final long head = UnsafeApi.getLongVolatile(null, at);
        if (((head ^ key + ((long)count << Entry.COUNT_SHIFT)) & (Entry.READ_CHECK | Entry.COUNT_MASK)) != 0
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
        if (count > FEW) {
            clear(at, FEW, count);
        }
        return true;
    }
}
