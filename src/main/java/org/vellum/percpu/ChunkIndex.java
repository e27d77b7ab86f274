package org.vellum.percpu;

/**
 * From a pointer to its chunk, by a look or two: the first chunk by its range, all others by open addressing.
 *
 * <p>Pointers are cut into <em>cells</em> of a unit's length. A unit begins anywhere, so it lies in one cell or in two, and is entered
 * under each of them; a cell holds parts of two units at most.
 *
 * <p>Looked up under the allocator's lock; changed under lock and mutex, so that the holder of the mutex may make a larger table
 * beforehand without the lock.
 */
final class ChunkIndex {
    private static final int MIN_CAPACITY = 16;
    /** 2<sup>64</sup> divided by the golden ratio: spreads neighbouring cells. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final long unitBytes;
    private Table table = new Table(MIN_CAPACITY);
    /** Made by {@link #reserve}, used by the next {@link #add}; else null. */
    private Table larger;
    private int entries;

    /** Entries under the same cell lie between its home and the next empty place. */
    private static final class Table {
        private final long[] cells;
        private final Chunk[] chunks;
        private final int shift;

        Table(final int capacity) {
            cells = new long[capacity];
            chunks = new Chunk[capacity];
            shift = Long.SIZE - Integer.numberOfTrailingZeros(capacity);
        }

        int home(final long cell) {
            return (int)(cell * SPREAD >>> shift);
        }

        int after(final int place) {
            return place + 1 & chunks.length - 1;
        }

        void put(final long cell, final Chunk chunk) {
            int place = home(cell);
            while (chunks[place] != null) {
                place = after(place);
            }
            cells[place] = cell;
            chunks[place] = chunk;
        }

        void remove(final long cell, final Chunk chunk) {
            int hole = home(cell);
            while (chunks[hole] != chunk || cells[hole] != cell) {
                hole = after(hole);
            }
            // What follows moves up unless it would get before its home: no search may end at the hole.
            for (int place = after(hole); chunks[place] != null; place = after(place)) {
                final int mask = chunks.length - 1;
                if ((place - home(cells[place]) & mask) >= (place - hole & mask)) {
                    cells[hole] = cells[place];
                    chunks[hole] = chunks[place];
                    hole = place;
                }
            }
            chunks[hole] = null;
        }
    }

    ChunkIndex(final int unitBytes) {
        this.unitBytes = unitBytes;
    }

    private long cell(final long pointer) {
        return Long.divideUnsigned(pointer, unitBytes);
    }

    /** The chunk whose lowest unit holds the pointer, or null. */
    Chunk find(final long pointer) {
        final long cell = cell(pointer);
        for (int place = table.home(cell); table.chunks[place] != null; place = table.after(place)) {
            final Chunk chunk = table.chunks[place];
            if (table.cells[place] == cell && Long.compareUnsigned(pointer - chunk.base, unitBytes) < 0) {
                return chunk;
            }
        }
        return null;
    }

    /** Makes sure that one more chunk has room. Under the mutex, without the lock: it may have to allocate. */
    void reserve() {
        if (larger == null && 2 * (entries + 2) > table.chunks.length) {
            final Table copy = new Table(2 * table.chunks.length);
            for (int place = 0; place < table.chunks.length; place++) {
                if (table.chunks[place] != null) {
                    copy.put(table.cells[place], table.chunks[place]);
                }
            }
            larger = copy;
        }
    }

    /** After {@link #reserve}, under the same hold of the mutex. */
    void add(final Chunk chunk) {
        if (larger != null) {
            table = larger;
            larger = null;
        }
        final long first = cell(chunk.base);
        final long last = cell(chunk.base + unitBytes - 1);
        table.put(first, chunk);
        entries++;
        if (last != first) {
            table.put(last, chunk);
            entries++;
        }
    }

    void remove(final Chunk chunk) {
        final long first = cell(chunk.base);
        final long last = cell(chunk.base + unitBytes - 1);
        // Made before it, so it would still be there.
        larger = null;
        table.remove(first, chunk);
        entries--;
        if (last != first) {
            table.remove(last, chunk);
            entries--;
        }
    }
}
