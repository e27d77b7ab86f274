package org.vellum.vmap;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Generations;
import org.vellum.mem.Words;
import org.vellum.mmu.Address;

/**
 * The records of areas, pooled; what is said of one area fits one cache line.
 *
 * <pre>
 *   word 0  state:  generation (48) | flags (8) | kind (4) | state (4)       CAS by whoever ends the area
 *        1  first page                      written under the lock, before the state is published
 *        2  pages mapped or mappable             "
 *        3  pages of the window, with guard      "
 *        4  link: of limbo, or of the pool
 *        5  stamp: of limbo
 *        6  bytes asked for
 *        7  owner (8) | alignment, pages (56)     the owner: of allocations, by whoever has just made or moved it
 * </pre>
 *
 * The generation comes from one counter, so that neighbours in time differ, and skips values whose low 16 bits are 0: those
 * bits are the tag, and 0 means untagged. Areas made by one call may share one, each in its own record: a state word never recurs,
 * so a CAS of it cannot mistake a recycled record for its former self.
 *
 * <p>Thread safety: taking and returning records under the lock of {@link Ranges}; state words by anyone.
 */
final class AreaRecords {
    static final int STRIDE_WORDS = 8;
    static final int LINK = 4;
    static final int STAMP = 5;
    static final long NONE = -1;

    static final int FREE = 0;
    static final int RESERVED = 1;
    static final int BUSY = 2;
    static final int RETIRING = 3;
    static final int LAZY = 4;
    static final int CACHED = 5;

    private static final int STATE = 0;
    private static final int START = 1;
    private static final int PAGES = 2;
    private static final int SPAN = 3;
    private static final int SIZE = 6;
    private static final int ALIGN = 7;

    private static final int KIND_SHIFT = 4;
    private static final int FLAGS_SHIFT = 8;
    private static final int GENERATION_SHIFT = 16;
    private static final long NIBBLE = 0xF;
    private static final long TAGS = 0xFFFF;
    private static final int OWNER_SHIFT = 56;
    private static final long ALIGN_MASK = (1L << OWNER_SHIFT) - 1;

    private final Words words;
    private final long capacity;
    private long used;
    private long pool;
    private final Words generations = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    AreaRecords(final long capacity) {
        this.capacity = capacity;
        words = Words.reserve(capacity * STRIDE_WORDS);
        generations.putPlain(0, Generations.first());
    }

    Words words() {
        return words;
    }

    /** Records ever used: those from 0 up may be looked at. */
    long used() {
        return used;
    }

    /** Takes a record, or {@link #NONE}. Under the lock. */
    long take(final AreaKind kind, final int flags, final long start, final long pages, final long span) {
        return take(nextGeneration(), kind, flags, start, pages, span);
    }

    /** {@link #take} of an area that shares its generation with others. */
    long take(
        final long generation, final AreaKind kind, final int flags, final long start, final long pages, final long span) {
        final long id;
        if (pool != 0) {
            id = pool - 1;
            pool = words.getPlain(id * STRIDE_WORDS + LINK);
        } else if (used < capacity) {
            id = used;
            words.zero(id * STRIDE_WORDS, STRIDE_WORDS);
            used++;
        } else {
            return NONE;
        }
        final long at = id * STRIDE_WORDS;
        words.putOpaque(at + START, start);
        words.putOpaque(at + PAGES, pages);
        words.putOpaque(at + SPAN, span);
        words.putOpaque(at + SIZE, 0);
        words.putOpaque(at + ALIGN, 1);
        words.putRelease(at + STATE, word(generation, flags, kind, RESERVED));
        return id;
    }

    /** Gives a cached area its next life. By whoever took it out of the cache, without the lock, with a generation dealt to him. */
    void renew(final long id, final long generation, final AreaKind kind, final int flags, final long pages) {
        final long at = id * STRIDE_WORDS;
        assert stateOf(words.getPlain(at + STATE)) == CACHED : "renewing state=" + stateOf(words.getPlain(at + STATE));
        words.putOpaque(at + PAGES, pages);
        words.putOpaque(at + ALIGN, 1);
        words.putRelease(at + STATE, word(generation, flags, kind, RESERVED));
    }

    /** Returns a record to the pool. Under the lock. */
    void give(final long id) {
        final long at = id * STRIDE_WORDS;
        words.putRelease(at + STATE, words.getPlain(at + STATE) & ~NIBBLE | FREE);
        words.putPlain(at + LINK, pool);
        pool = id + 1;
    }

    /** One that nobody has had. */
    long nextGeneration() {
        long next;
        do {
            next = dealGenerations(1);
        } while (!isGeneration(next));
        return next;
    }

    /** Some generations that nobody else gets: the first of so many. Not all of them {@linkplain #isGeneration are usable}. */
    long dealGenerations(final int count) {
        // One sequence for all, so that an address is good for nothing that lives within the next 65,535 lives or so, wherever it is.
        return generations.getAndAdd(0, count);
    }

    /** Whether a number is a generation: tag 0 means untagged. */
    static boolean isGeneration(final long number) {
        return (number & TAGS) != 0;
    }

    private static long word(final long generation, final int flags, final AreaKind kind, final int state) {
        return generation << GENERATION_SHIFT | (long)flags << FLAGS_SHIFT | (long)kind.ordinal() << KIND_SHIFT | state;
    }

    /** Acquire: the fields were written before; partner: the release in take() and publish(). */
    long state(final long id) {
        return words.getAcquire(id * STRIDE_WORDS + STATE);
    }

    static int stateOf(final long word) {
        return (int)(word & NIBBLE);
    }

    static AreaKind kindOf(final long word) {
        return AreaKind.of((int)(word >>> KIND_SHIFT & NIBBLE));
    }

    static int flagsOf(final long word) {
        return (int)(word >>> FLAGS_SHIFT & 0xFF);
    }

    /** The tag in the bits of {@link Address#TAG_MASK}. */
    static long tagOf(final long word) {
        return word >>> GENERATION_SHIFT << Address.TAG_SHIFT;
    }

    void publish(final long id) {
        final long at = id * STRIDE_WORDS;
        final long word = words.getPlain(at + STATE);
        assert stateOf(word) == RESERVED : "publishing state=" + stateOf(word);
        // Release (V36): fields and entries come first; partner: the acquire in state().
        words.putRelease(at + STATE, word & ~NIBBLE | BUSY);
    }

    /** Changes the state of an area that nobody else changes: of whoever reserved it, or whose limbo or cache it is in. */
    void become(final long id, final int to) {
        final long at = id * STRIDE_WORDS + STATE;
        // Release: what led to it comes first; partner: the acquire in state().
        words.putRelease(at, words.getPlain(at) & ~NIBBLE | to);
    }

    boolean move(final long id, final long word, final int to) {
        return words.compareAndSet(id * STRIDE_WORDS + STATE, word, word & ~NIBBLE | to);
    }

    long start(final long id) {
        return words.getOpaque(id * STRIDE_WORDS + START);
    }

    long pages(final long id) {
        return words.getOpaque(id * STRIDE_WORDS + PAGES);
    }

    /** Of a reserved area, or one that was ended and is not in limbo yet, by its owner. */
    void pages(final long id, final long pages) {
        words.putOpaque(id * STRIDE_WORDS + PAGES, pages);
    }

    long span(final long id) {
        return words.getOpaque(id * STRIDE_WORDS + SPAN);
    }

    /** Of a reserved area only, by its owner, under the lock: the tree gets back as many pages as are said here. */
    void span(final long id, final long pages) {
        words.putOpaque(id * STRIDE_WORDS + SPAN, pages);
    }

    long size(final long id) {
        return words.getOpaque(id * STRIDE_WORDS + SIZE);
    }

    void size(final long id, final long bytes) {
        words.putOpaque(id * STRIDE_WORDS + SIZE, bytes);
    }

    long align(final long id) {
        return words.getOpaque(id * STRIDE_WORDS + ALIGN) & ALIGN_MASK;
    }

    /** Of a reserved area, by its owner; nobody is charged for it yet. */
    void align(final long id, final long pages) {
        words.putOpaque(id * STRIDE_WORDS + ALIGN, pages);
    }

    int owner(final long id) {
        return (int)(words.getOpaque(id * STRIDE_WORDS + ALIGN) >>> OWNER_SHIFT);
    }

    /** Of an area whose address nobody else has been told. Opaque: whoever frees it learns of it with the address. */
    void owner(final long id, final int owner) {
        words.putOpaque(id * STRIDE_WORDS + ALIGN, align(id) | (long)owner << OWNER_SHIFT);
    }

    long link(final long id) {
        return words.getPlain(id * STRIDE_WORDS + LINK);
    }

    void link(final long id, final long value) {
        words.putPlain(id * STRIDE_WORDS + LINK, value);
    }
}
