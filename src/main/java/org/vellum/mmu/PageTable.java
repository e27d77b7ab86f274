package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * The flat table of the vmap window: one entry a page.
 *
 * <p>The table is reserved whole and zeroed in steps, from both ends: upwards behind {@link #limit}, which the present check compares
 * with anyway, and downwards before {@link #floor}, for what is placed from the top. So opening a large window costs nothing, nor does an
 * area at its top. The limit only grows and the floor only falls, until they meet and all is below the limit; under the lock of whoever
 * hands out addresses, and before the address that they make valid is handed out. An access by address looks below the limit first.
 *
 * <p>Readers take no lock, and look at the limit, the floor, or both, one after the other, in any order. So neither ever takes back what it has
 * covered, not even when they meet, and where the zeroed part at the top begins is one word: a reader that sees any of its values finds what
 * was handed out before.
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
    /** Nothing is zeroed at the top: no whole entry begins a byte before the end. */
    private static final long NO_HIGH = -1;
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
    /** The first page of the zeroed part at the top, which is empty if this is {@link #pages}. */
    private long floor;
    /** The same in bytes of the table, counted from its end: below 0, {@link #NO_HIGH} if the part is empty. */
    private long highFrom;
    /** Of the table; an offset less this, compared without its sign, is at least {@link #highFrom} for the zeroed part at the top only. */
    private final long endBytes;
    private volatile boolean closed;
    private final Elsewhere faulting = this::high;
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
        endBytes = pages << 3;
        setFloor(pages);
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
            if (next >= floor) {
                meet();
            } else {
                entries.zero(limit, next - limit);
                setLimit(next);
            }
        }
    }

    /**
     * Zeroes the table of a range, and what lies between it and the end from which that is less. Caller holds the lock of the address
     * allocator.
     *
     * @param fromPage the first.
     * @param toPage exclusive.
     */
    public void extendOver(final long fromPage, final long toPage) {
        if (closed || isZeroed(fromPage, toPage - fromPage)) {
            return;
        }
        if (Math.min(toPage, floor) - limit <= floor - fromPage) {
            extendTo(Math.min(toPage, floor));
            return;
        }
        final long next = fromPage / STEP_PAGES * STEP_PAGES;
        if (next <= limit) {
            meet();
        } else {
            entries.zero(next, floor - next);
            // The zeroes come before the floor, as in setLimit().
            UnsafeApi.storeFence();
            setFloor(next);
        }
    }

    private void meet() {
        entries.zero(limit, floor - limit);
        // The floor stays where it is: a reader that has seen the old limit already must still find what lies above.
        setLimit(pages);
    }

    private void setLimit(final long next) {
        // The zeroes come before the limit; a reader gets both with the address that it is handed.
        UnsafeApi.storeFence();
        limit = next;
        limitBytes = next << 3;
    }

    private void setFloor(final long next) {
        floor = next;
        highFrom = next == pages ? NO_HIGH : (next << 3) - endBytes;
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
        entries.zero(Math.max(limit, floor), pages - Math.max(limit, floor));
        limit = 0;
        limitBytes = 0;
        setFloor(pages);
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
        // From the top, where such areas are, first.
        if (Long.compareUnsigned(offset - endBytes, highFrom) >= 0 || offset < limitBytes) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + offset) ^ Entry.key(address);
            if ((difference & Entry.WRITE_CHECK) == 0) {
                return Entry.nativePage(difference) + (address & Pages.OFFSET_MASK);
            }
        }
        throw fault(address + (entryBytes << ADDRESS_SHIFT), true);
    }

    /** An address that is not below the limit: translated in the zeroed part at the top, if it is there, or the fault. */
    long high(final long address, final boolean write) {
        final long offset = entryOffset(address);
        if (Long.compareUnsigned(offset - endBytes, highFrom) >= 0) {
            // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
            final long difference = UnsafeApi.getLongVolatile(null, base + offset) ^ Entry.key(address);
            if ((difference & (write ? Entry.WRITE_CHECK : Entry.READ_CHECK)) == 0) {
                return Entry.nativePage(difference) + (address & Pages.OFFSET_MASK);
            }
        }
        throw fault(address, write);
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
     * limit only grows, and below it the entries never move; so it is with those from the floor.
     *
     * @param page any number.
     * @param count of pages, 0 or more.
     * @return whether all pages are below the limit, or none below the floor.
     */
    boolean isZeroed(final long page, final long count) {
        return (page | limit - page - count) >= 0 || (page - floor | pages - page - count) >= 0;
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
     * @return its entry, {@link Entry#NONE} where nothing was ever handed out.
     */
    public long get(final long page) {
        assert page >= 0 && page < pages : "page=" + page;
        // Volatile: r3 of the argument in org.vellum.epoch; partner: the fence in Epochs.stamp.
        return page < limit || page >= floor ? UnsafeApi.getLongVolatile(null, base + (page << 3)) : Entry.NONE;
    }

    /**
     * Installs or removes an entry. By the owner of the range only.
     *
     * @param page number of the page, zeroed; or what it was before the table was closed, which does no harm.
     * @param entry the new entry. If it lowers permission, the caller owes a flush.
     */
    public void set(final long page, final long entry) {
        assert isZeroed(page) || closed && page >= 0 && page < pages : "page=" + page + " limit=" + limit + " floor=" + floor;
        // Release: the frame's content and the entries before it come first; partner: the volatile load in readable().
        UnsafeApi.putLongRelease(null, base + (page << 3), entry);
    }

    /**
     * Whether the table has an entry that may be looked at.
     *
     * @param page any number.
     * @return whether it is the number of a page below the limit or from the floor.
     */
    public boolean isZeroed(final long page) {
        return isZeroed(page, 1);
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
     * @param at native address of the first entry; all are zeroed.
     * @param key their generation, from {@link Entry#key}.
     * @param memory tells the native addresses.
     * @param frames numbers of frames.
     * @param offset index of the first in the array; checked.
     * @param count how many, 1..64; checked.
     * @return false, with nothing changed, if a frame is in no present bank: the caller's caller named it.
     */
    public boolean setMapping(
        final long at, final long key, final PhysicalMemory memory, final long[] frames, final int offset, final int count) {
        assert isZeroed(at - base >> 3, count) : "entry=" + at + " base=" + base + " limit=" + limit + " floor=" + floor;
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
     * @param at native address of its first entry, zeroed.
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
