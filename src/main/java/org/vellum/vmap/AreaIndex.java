package org.vellum.vmap;

import java.util.function.LongFunction;
import org.vellum.mem.Words;

/**
 * From the start page of an area to the id of its record, and from any page to the areas around it.
 *
 * <p>Two tables over all pages of the window, and nothing to balance:
 * <pre>
 *   ids     one 32-bit id per page, two per word; 0 = no area starts here        1/1024 of the window
 *   bits    level 0: one bit per page, set where an area starts                  1/32768
 *           level k: one bit per word of level k - 1, set while that is not 0    1/2097152 and less
 * </pre>
 * A predecessor or successor is found by climbing until a word has a bit on the wanted side and descending along it.
 *
 * <p><b>Memory in steps.</b> {@code ids} and level 0 are reserved, not zeroed: what native memory holds is undefined.
 * Both are zeroed chunk by chunk, the first time that an area starts there, and {@code ready} has a bit for each chunk
 * zeroed. A bound that only rises would not do: areas placed from the top of a large window down would zero all of it
 * at once.
 *
 * <p><b>Threads.</b> {@link #put}, {@link #remove} and {@link #verify} need the owner's lock. Look-ups need none and
 * never wait. Per word, one writer at a time (the lock), any number of readers:
 * <pre>
 *   put:     zero chunk; release ready | id; release id | release bit 0, then 1, 2 ..
 *   remove:  release bit 0 off, then 1, 2 .. while a word becomes 0 | release id 0
 *   reader:  acquire each word it looks at
 * </pre>
 * A reader that acquires a bit sees all that the writer released before it: below a set bit of level 1 the chunk is
 * zeroed, and behind a set bit of level 0 stands the id. It may meet a bit whose word below has become 0 in the
 * meantime; then it goes on beyond that word, always in the same direction, so a search ends after finitely many steps
 * whatever writers do.
 * <b>Guarantee:</b> the page that a search returns was a start at some moment during the call, and no page that was a
 * start during the whole call lies between it and the page asked for. By the time the caller looks, the area may be
 * gone: {@link #idAt} then says 0, or names a newer area.
 */
public final class AreaIndex {
    /** No such page. */
    public static final long NONE = -1;

    /** The id that stands for no area. */
    public static final int NO_ID = 0;

    /** Pages per chunk: zeroing one costs 33 KiB, and a lone area no more. */
    private static final int CHUNK_SHIFT = 13;
    private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT;
    private static final int WORD_SHIFT = 6;
    private static final int BIT_MASK = Long.SIZE - 1;
    private static final long ID_MASK = 0xFFFF_FFFFL;

    private final long startPage;
    private final long endPage;
    private final long pages;
    private final Words ids;
    private final Words ready;
    private final Words bits;
    /** First word of each level in {@code bits}; the last element is its length. */
    private final long[] levels;
    private long size;

    /**
     * An empty index.
     *
     * @param startPage first page of the window, at least 0.
     * @param endPage one past the last, above {@code startPage} and at most {@link AreaTree#MOST_PAGES}.
     */
    public AreaIndex(final long startPage, final long endPage) {
        this(startPage, endPage, Words::reserve);
    }

    /** As above; {@code reserve} gives so many words, whatever they hold: tests give dirty ones. */
    AreaIndex(final long startPage, final long endPage, final LongFunction<Words> reserve) {
        if (startPage < 0 || endPage <= startPage || endPage > AreaTree.MOST_PAGES) {
            throw new IllegalArgumentException("startPage=" + startPage + " endPage=" + endPage);
        }
        this.startPage = startPage;
        this.endPage = endPage;
        pages = endPage - startPage;
        final long chunks = (pages + CHUNK_PAGES - 1) >>> CHUNK_SHIFT;
        ids = reserve.apply(chunks << CHUNK_SHIFT - 1);
        ready = Words.zeroed((chunks >>> WORD_SHIFT) + 1);
        levels = layOut(chunks << CHUNK_SHIFT - WORD_SHIFT);
        bits = reserve.apply(levels[levels.length - 1]);
        bits.zero(levels[1], bits.length() - levels[1]);
    }

    private static long[] layOut(final long lowestWords) {
        int count = 1;
        for (long words = lowestWords; words > 1; words = words + BIT_MASK >>> WORD_SHIFT) {
            count++;
        }
        final long[] levels = new long[count + 1];
        long words = lowestWords;
        for (int level = 0; level < count; level++) {
            levels[level + 1] = levels[level] + words;
            words = words + BIT_MASK >>> WORD_SHIFT;
        }
        return levels;
    }

    /**
     * Enters an area. Under the owner's lock.
     *
     * @param page where it starts, in the window.
     * @param id of its record, not 0; what the record holds is visible to whoever finds the id.
     * @throws IllegalStateException if an area starts there already; nothing has changed then.
     */
    public void put(final long page, final int id) {
        final long at = requirePage(page);
        if (id == NO_ID) {
            throw new IllegalArgumentException("id=" + id);
        }
        prepare(at >>> CHUNK_SHIFT);
        final int before = id(at);
        if (before != NO_ID) {
            throw new IllegalStateException("page=" + page + " id=" + id + " starts already, id=" + before);
        }
        setId(at, id);
        long bit = at;
        for (int level = 0; level < levels.length - 1; level++) {
            final long index = levels[level] + (bit >>> WORD_SHIFT);
            final long word = bits.getPlain(index);
            // release: pairs with the acquire in word(); the id, and the levels below, are there first
            bits.putRelease(index, word | 1L << (bit & BIT_MASK));
            bit >>>= WORD_SHIFT;
        }
        size++;
    }

    /**
     * Takes an area out. Under the owner's lock.
     *
     * @param page where it starts, in the window.
     * @return its id; {@link #NO_ID}, with nothing changed, if none starts there.
     */
    public int remove(final long page) {
        final long at = requirePage(page);
        final int id = id(at);
        if (id == NO_ID) {
            return NO_ID;
        }
        long bit = at;
        long word = 0;
        for (int level = 0; level < levels.length - 1 && word == 0; level++) {
            final long index = levels[level] + (bit >>> WORD_SHIFT);
            word = bits.getPlain(index) & ~(1L << (bit & BIT_MASK));
            bits.putRelease(index, word);
            bit >>>= WORD_SHIFT;
        }
        setId(at, NO_ID);
        size--;
        return id;
    }

    /**
     * The area that starts at a page. Any thread, no lock, never waits.
     *
     * @param page any; outside the window nothing starts.
     * @return its id, or {@link #NO_ID}.
     */
    public int idAt(final long page) {
        return page < startPage || page >= endPage ? NO_ID : id(page - startPage);
    }

    /**
     * The nearest start at or below a page. Any thread, no lock, never waits; see the guarantee above.
     *
     * @param page any.
     * @return the start page, or {@link #NONE}.
     */
    public long floor(final long page) {
        if (page < startPage) {
            return NONE;
        }
        long bit = Math.min(page, endPage - 1) - startPage;
        int level = 0;
        while (bit >= 0 && level < levels.length - 1) {
            final long word = word(level, bit >>> WORD_SHIFT) & -1L >>> (BIT_MASK - (bit & BIT_MASK));
            if (word == 0) {
                bit = (bit >>> WORD_SHIFT) - 1;
                level++;
            } else {
                bit = (bit | BIT_MASK) - Long.numberOfLeadingZeros(word);
                if (level == 0) {
                    return startPage + bit;
                }
                bit = bit << WORD_SHIFT | BIT_MASK;
                level--;
            }
        }
        return NONE;
    }

    /**
     * The nearest start at or above a page. Any thread, no lock, never waits; see the guarantee above.
     *
     * @param page any.
     * @return the start page, or {@link #NONE}.
     */
    public long ceiling(final long page) {
        if (page >= endPage) {
            return NONE;
        }
        long bit = Math.max(page, startPage) - startPage;
        int level = 0;
        while (level < levels.length - 1 && bit >>> WORD_SHIFT < levels[level + 1] - levels[level]) {
            final long word = word(level, bit >>> WORD_SHIFT) & -1L << (bit & BIT_MASK);
            if (word == 0) {
                bit = (bit >>> WORD_SHIFT) + 1;
                level++;
            } else {
                bit = (bit & ~BIT_MASK) + Long.numberOfTrailingZeros(word);
                if (level == 0) {
                    return startPage + bit;
                }
                bit <<= WORD_SHIFT;
                level--;
            }
        }
        return NONE;
    }

    /**
     * The nearest start above a page: {@code for (p = ceiling(0); p != NONE; p = next(p))} visits all. Any thread, no
     * lock.
     *
     * @param page any.
     * @return the start page, or {@link #NONE}.
     */
    public long next(final long page) {
        return page >= endPage ? NONE : ceiling(page + 1);
    }

    /** @return how many areas there are; under the owner's lock. */
    public long size() {
        return size;
    }

    /**
     * Walks all tables. Under the owner's lock.
     *
     * @throws AssertionError if ids and bits disagree, a summary bit is wrong, or the count is.
     */
    public void verify() {
        long found = 0;
        for (long at = 0; at < pages; at = isReady(at) ? at + 1 : (at | CHUNK_PAGES - 1) + 1) {
            final boolean set = (word(0, at >>> WORD_SHIFT) >>> (at & BIT_MASK) & 1) != 0;
            require(set == (id(at) != NO_ID), "id and bit disagree", at);
            found += set ? 1 : 0;
        }
        require(found == size, "size=" + size + " found=" + found, 0);
        for (int level = 1; level < levels.length - 1; level++) {
            for (long below = 0; below < levels[level] - levels[level - 1]; below++) {
                final boolean set = (word(level, below >>> WORD_SHIFT) >>> (below & BIT_MASK) & 1) != 0;
                require(set == (word(level - 1, below) != 0), "summary bit of level " + level, below);
            }
        }
    }

    private void require(final boolean holds, final String what, final long at) {
        if (!holds) {
            throw new AssertionError(what + ": at=" + at + " startPage=" + startPage);
        }
    }

    private void prepare(final long chunk) {
        final long index = chunk >>> WORD_SHIFT;
        final long bit = 1L << (chunk & BIT_MASK);
        final long before = ready.getPlain(index);
        if ((before & bit) == 0) {
            ids.zero(chunk << CHUNK_SHIFT - 1, CHUNK_PAGES >>> 1);
            bits.zero(chunk << CHUNK_SHIFT - WORD_SHIFT, CHUNK_PAGES >>> WORD_SHIFT);
            // release: pairs with the acquire in isReady(); whoever sees the bit sees zeroes, not what the memory held
            ready.putRelease(index, before | bit);
        }
    }

    private boolean isReady(final long at) {
        final long chunk = at >>> CHUNK_SHIFT;
        return (ready.getAcquire(chunk >>> WORD_SHIFT) >>> (chunk & BIT_MASK) & 1) != 0;
    }

    private int id(final long at) {
        // acquire: pairs with the release in setId()
        return isReady(at) ? (int)(ids.getAcquire(at >>> 1) >>> ((at & 1) << 5)) : NO_ID;
    }

    /** The other half of the word belongs to the next page: only the lock keeps two writers from losing one. */
    private void setId(final long at, final int id) {
        final int shift = (int)(at & 1) << 5;
        final long others = ids.getPlain(at >>> 1) & ~(ID_MASK << shift);
        // release: pairs with the acquire in id(); the area's record is complete before its id appears
        ids.putRelease(at >>> 1, others | (id & ID_MASK) << shift);
    }

    private long word(final int level, final long index) {
        // acquire: pairs with the releases in put() and remove()
        return level > 0 || isReady(index << WORD_SHIFT) ? bits.getAcquire(levels[level] + index) : 0;
    }

    private long requirePage(final long page) {
        if (page < startPage || page >= endPage) {
            throw new IllegalArgumentException("page=" + page + " startPage=" + startPage + " endPage=" + endPage);
        }
        return page - startPage;
    }
}
