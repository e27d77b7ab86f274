package org.vellum.alloc;

import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;

/**
 * Memory for a scope: allocated by moving a pointer, freed all at once by {@link #close()}.
 *
 * <p>Two kinds. A <em>confined</em> arena is one thread's: nothing is atomic, and closing frees at once, so no address of it may
 * be used by anybody afterwards. A <em>shared</em> one may be used by any threads; closing it is one retirement, never a handshake:
 * the memory goes back once every section that was open has ended, so a thread that found something in the arena inside a
 * section may use it until its section ends, whoever closes the arena meanwhile. Unlike the JDK's arenas neither stops or slows down
 * anybody else.
 *
 * <p>Memory comes in chunks, each twice as long as the one before, up to 256 KiB; what does not fit gets a chunk of its own. Content
 * is undefined. Addresses are Vellum addresses.
 */
public abstract sealed class Arena implements AutoCloseable permits ConfinedArena, SharedArena {
    /** Bytes of the first chunk. */
    static final int FIRST_CHUNK = 4096;
    /** Bytes of the longest chunks that are not made for one request. */
    static final int LONGEST_CHUNK = 256 << 10;
    /** What addresses are aligned to unless more is asked for, in bytes. */
    public static final int ALIGNMENT = 8;

    Arena() {
    }

    /**
     * Allocates; the address is aligned to {@link #ALIGNMENT} bytes.
     *
     * @param size in bytes, at least 1.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}.
     * @throws IllegalStateException if the arena is closed, or is confined to another thread.
     * @throws ExhaustedException if memory or the budget has run out; the arena stays usable.
     */
    public final long allocate(final long size) {
        return allocate(size, ALIGNMENT);
    }

    /**
     * Allocates with an alignment.
     *
     * @param size in bytes, at least 1.
     * @param alignment in bytes, a power of two up to a page.
     * @return the address of the first byte.
     * @throws IllegalArgumentException if {@code size <= 0}, or the alignment is not a power of two or above a page.
     * @throws IllegalStateException as {@link #allocate(long)}.
     * @throws ExhaustedException as {@link #allocate(long)}.
     */
    public abstract long allocate(long size, long alignment);

    /** @return bytes that the arena has taken from the manager; from any thread, exact when quiet. */
    public abstract long reservedBytes();

    /**
     * Ends the scope. Never waits.
     *
     * @throws IllegalStateException if it is closed already, or is confined to another thread; in checked mode also if the arena is confined and was
     *                               written beyond: it is closed all the same.
     */
    @Override
    public abstract void close();

    static void check(final long size, final long alignment) {
        if (size <= 0) {
            throw new IllegalArgumentException("size=" + size);
        }
        if (alignment <= 0 || Long.bitCount(alignment) != 1 || alignment > Pages.SIZE) {
            throw new IllegalArgumentException("not a power of two up to a page: alignment=" + alignment);
        }
    }

    /** Whether a request gets a chunk of its own. */
    static boolean isAlone(final long size, final long alignment) {
        return size > LONGEST_CHUNK / 4 - alignment;
    }

    /**
     * Frees a chunk; in checked mode that may tell of damage, which must not keep the other chunks.
     *
     * @param before what earlier chunks threw, or null.
     * @return what the first chunk threw that did, or null.
     */
    static RuntimeException free(final OffHeapAllocator allocator, final long chunk, final RuntimeException before) {
        try {
            allocator.free(chunk);
        } catch (final RuntimeException e) {
            if (before == null) {
                return e;
            }
            before.addSuppressed(e);
        }
        return before;
    }

    static IllegalStateException closed() {
        return new IllegalStateException("the arena is closed");
    }
}
