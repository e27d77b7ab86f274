package org.vellum.percpu;

import org.vellum.mem.Pages;

/**
 * All chunks: where there is room, whose a pointer is, and how much is in reserve. Knows nothing of memory.
 *
 * <p>Every method runs under the allocator's lock, takes a bounded number of steps for each chunk that it looks at, and allocates nothing.
 *
 * <h2>The life of a chunk</h2>
 * <pre>
 *              add                    free leaves many empty pages
 *   (created) -----> in a slot by its -----------------------------> to depopulate
 *                    largest free run <-----------------------------  |    |   ^
 *                       |   ^         reintegrate: all of it is free, |    |   | free leaves
 *                       |   |         or the reserve is low           |    |   | an empty page
 *        claimSpare:    |   | allocation, for want of a better         v   |
 *        a second one   v   |                                         sidelined
 *        all of which  (gone)  --------------------------------------
 *        is free
 * </pre>
 * In the two states on the right a chunk is <em>isolated</em>: its empty pages do not count for the reserve. While it is to be depopulated
 * no allocation comes there at all, so whoever depopulates need not hold the lock; frees do come.
 */
final class Chunks {
    /** With fewer empty pages than this a balance is asked for. */
    static final int EMPTY_PAGES_LOW = 2;
    /** What a balance leaves for those that cannot wait. */
    static final int EMPTY_PAGES_HIGH = 4;

    /** What {@link #free} returns, besides what {@link AreaMap#free} does, for a pointer that is of no chunk. */
    static final int UNKNOWN = -4;

    /** One page in so many must be empty before it is worth depopulating. */
    private static final int EMPTY_SHARE = 4;

    final ChunkSlots<Chunk> slots;
    private final RoomSearch search;
    private final ChunkIndex index;
    private final Chunk first;
    private final int firstBytes;
    private final ReservedBytes reserved;

    private int count;
    private long made;
    private long areas;
    private long bytes;
    private long populatedPages;
    private long emptyPages;
    private boolean balanceWanted;
    private boolean closed;

    /**
     * Starts with the first chunk.
     *
     * @param layout of all of them.
     * @param base of the first.
     */
    Chunks(final Layout layout, final long base) {
        final int unitBytes = layout.unitBytes();
        slots = new ChunkSlots<>(unitBytes);
        search = new RoomSearch(slots);
        index = new ChunkIndex(unitBytes);
        firstBytes = layout.firstBytes();
        final int staticBytes = (int)layout.info().staticBytes();
        final int fixed = staticBytes + (int)layout.info().reservedBytes();
        first = new Chunk(base, null, unitBytes);
        first.map.take(0, fixed);
        if (firstBytes < unitBytes) {
            first.map.take(firstBytes, unitBytes - firstBytes);
        }
        reserved = new ReservedBytes(unitBytes, staticBytes, fixed);
        count = 1;
        populated(first, 0, firstBytes >>> Pages.SHIFT);
        relocate(first);
    }

    Chunk first() {
        return first;
    }

    /**
     * Takes room where it fits most tightly, wherever there is any.
     *
     * @param length in bytes.
     * @param align in bytes, a power of two up to a page.
     * @param onlyPopulated whether the pages must be there already.
     * @return a pointer, or 0.
     */
    long place(final int length, final int align, final boolean onlyPopulated) {
        return !closed && search.find(length, align, onlyPopulated) ? take(search.chunk(), search.offset(), length) : 0;
    }

    private long take(final Chunk chunk, final int offset, final int length) {
        final int before = chunk.map.emptyPages(offset, length, chunk.populated);
        chunk.map.allocate(offset, length);
        changeEmpty(chunk, -before);
        areas++;
        bytes += chunk.map.bytesAt(offset);
        if (chunk.isolated) {
            reintegrate(chunk);
        } else {
            relocate(chunk);
        }
        return chunk.base + offset;
    }

    /** Takes room in the reserved area; a pointer, or 0. */
    long placeReserved(final int length, final int align) {
        final int offset = closed ? AreaMap.NONE : reserved.place(length, align);
        if (offset == AreaMap.NONE) {
            return 0;
        }
        areas++;
        bytes += reserved.bytesAt(offset);
        return first.base + offset;
    }

    /**
     * Frees an allocation. May isolate its chunk, or find that a balance is due: {@link #takeBalanceWanted}.
     *
     * @param pointer any.
     * @return how many bytes; or {@link #UNKNOWN}, or a negative number of {@link AreaMap#free}, and nothing has changed.
     */
    int free(final long pointer) {
        final long inFirst = pointer - first.base;
        if (inFirst >= 0 && inFirst < firstBytes) {
            final int offset = (int)inFirst;
            return reserved.covers(offset) ? counted(reserved.free(offset)) : free(first, offset);
        }
        final Chunk chunk = index.find(pointer);
        return chunk == null ? UNKNOWN : free(chunk, (int)(pointer - chunk.base));
    }

    private int counted(final int freed) {
        if (freed > 0) {
            areas--;
            bytes -= freed;
        }
        return freed;
    }

    private int free(final Chunk chunk, final int offset) {
        final int freed = counted(chunk.map.free(offset));
        if (freed > 0) {
            changeEmpty(chunk, chunk.map.emptyPages(offset, freed, chunk.populated));
            if (!chunk.isolated) {
                relocate(chunk);
            }
            if (!chunk.isolated && chunk.map.isEmpty() && !chunk.isImmutable()) {
                // One may stay, for whoever comes next.
                balanceWanted |= slots.first(slots.free()) != chunk || chunk.next != null;
            } else if (isWorthDepopulating(chunk)) {
                isolate(chunk);
                balanceWanted = true;
            }
        }
        return freed;
    }

    private boolean isWorthDepopulating(final Chunk chunk) {
        if (chunk.isImmutable() || chunk.slot == ChunkLink.UNLISTED) {
            return false;
        }
        return chunk.isolated ? chunk.emptyPages > 0
            : emptyPages > EMPTY_PAGES_HIGH + chunk.emptyPages && chunk.emptyPages >= chunk.pages / EMPTY_SHARE;
    }

    private void isolate(final Chunk chunk) {
        if (!chunk.isolated) {
            chunk.isolated = true;
            emptyPages -= chunk.emptyPages;
        }
        slots.moveToFront(chunk, slots.toDepopulate());
    }

    /** Gives an isolated chunk back to the allocations. */
    void reintegrate(final Chunk chunk) {
        chunk.isolated = false;
        emptyPages += chunk.emptyPages;
        relocate(chunk);
    }

    /** Leaves a chunk that was depopulated for when all others have failed. */
    void sideline(final Chunk chunk) {
        slots.moveToBack(chunk, slots.sidelined());
    }

    private void relocate(final Chunk chunk) {
        slots.relocate(chunk, slots.slotOf(chunk.map.contiguous(), chunk.map.freeBytes()));
    }

    private void changeEmpty(final Chunk chunk, final int pages) {
        chunk.emptyPages += pages;
        emptyPages += chunk.isolated ? 0 : pages;
    }

    /** Notes that pages are there, in all units. By the holder of the mutex, after they were mapped. */
    void populated(final Chunk chunk, final int fromPage, final int toPage) {
        Bitmap.set(chunk.populated, fromPage, toPage);
        chunk.populatedPages += toPage - fromPage;
        populatedPages += toPage - fromPage;
        changeEmpty(chunk, chunk.emptyPages(fromPage, toPage));
        if (chunk.isolated && chunk.slot == slots.sidelined()) {
            // Else they would not count for the reserve that they may be for.
            reintegrate(chunk);
        }
    }

    /** Notes that empty pages of an isolated chunk are gone. By the holder of the mutex. */
    void depopulated(final Chunk chunk, final int fromPage, final int toPage) {
        assert chunk.isolated && chunk.emptyPages(fromPage, toPage) == toPage - fromPage : "not isolated, or in use";
        changeEmpty(chunk, fromPage - toPage);
        chunk.populatedPages -= toPage - fromPage;
        populatedPages -= toPage - fromPage;
        Bitmap.clear(chunk.populated, fromPage, toPage);
    }

    /** Prepares {@link #add}: by the holder of the mutex, without the lock. */
    void reserveAdd() {
        index.reserve();
    }

    void add(final Chunk chunk) {
        index.add(chunk);
        count++;
        made++;
        relocate(chunk);
    }

    /**
     * Takes a chunk all of which is free out of the lists, unless it is the only one. Of the two in front that with fewer pages: by and by all
     * are taken but the one with most.
     *
     * @return the chunk, isolated, or null.
     */
    Chunk claimSpare() {
        final Chunk front = slots.first(slots.free());
        if (front == null || front.next == null) {
            return null;
        }
        final Chunk poorer = front.populatedPages < front.next.populatedPages ? front : front.next;
        claim(poorer);
        return poorer;
    }

    /** Takes any chunk but the first out of the lists; null if there is none. */
    Chunk claimAny() {
        for (int slot = 0; slot < slots.count(); slot++) {
            for (Chunk chunk = slots.first(slot); chunk != null; chunk = chunk.next) {
                if (!chunk.isImmutable()) {
                    claim(chunk);
                    return chunk;
                }
            }
        }
        return null;
    }

    /** Gives no room any more: who has asked whether the memory is open may be late. */
    void close() {
        closed = true;
    }

    /** No allocation comes there any more. */
    private void claim(final Chunk chunk) {
        slots.remove(chunk);
        if (!chunk.isolated) {
            chunk.isolated = true;
            emptyPages -= chunk.emptyPages;
        }
    }

    /** Lets no pointer lead to a chunk any more that was claimed, and counts its pages as gone. By the holder of the mutex. */
    void remove(final Chunk chunk) {
        index.remove(chunk);
        count--;
        populatedPages -= chunk.populatedPages;
    }

    /** The fullest chunk that has room for a page, and one that is not populated; or null. */
    Chunk findUnpopulated() {
        for (int slot = slots.slotOfSize(Pages.SIZE); slot <= slots.free(); slot++) {
            for (Chunk chunk = slots.first(slot); chunk != null; chunk = chunk.next) {
                if (!chunk.isImmutable() && chunk.populatedPages < chunk.pages) {
                    return chunk;
                }
            }
        }
        return null;
    }

    /** Whether there is a chunk all of which is free. */
    boolean hasSpare() {
        return slots.first(slots.free()) != null;
    }

    /** Whether frees have left something to do since the last time. */
    boolean takeBalanceWanted() {
        final boolean wanted = balanceWanted;
        balanceWanted = false;
        return wanted;
    }

    /** Whether hardly anything is ready for those that cannot wait. */
    boolean isLow() {
        return emptyPages < EMPTY_PAGES_LOW;
    }

    Chunk find(final long pointer) {
        return pointer - first.base >= 0 && pointer - first.base < firstBytes ? first : index.find(pointer);
    }

    ReservedBytes reserved() {
        return reserved;
    }

    int count() {
        return count;
    }

    /** Chunks added so far. */
    long made() {
        return made;
    }

    long areas() {
        return areas;
    }

    long bytes() {
        return bytes;
    }

    long populatedPages() {
        return populatedPages;
    }

    long emptyPages() {
        return emptyPages;
    }
}
