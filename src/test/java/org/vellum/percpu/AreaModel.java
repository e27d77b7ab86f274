package org.vellum.percpu;

/** A chunk's map without any hint: an array of granules, searched from its beginning every time. */
final class AreaModel {
    static final int BLOCK = 1024;

    /** For each granule 0 = free, else the number of the allocation that it belongs to. */
    final int[] owner;

    private int numbers;

    AreaModel(final int bytes) {
        owner = new int[bytes / AreaMap.GRANULE];
    }

    boolean isFree(final int granule) {
        return granule >= 0 && granule < owner.length && owner[granule] == 0;
    }

    void allocate(final int from, final int length) {
        numbers++;
        for (int granule = from; granule < from + length; granule++) {
            owner[granule] = numbers;
        }
    }

    void free(final int from, final int length) {
        for (int granule = from; granule < from + length; granule++) {
            owner[granule] = 0;
        }
    }

    boolean isBegin(final int granule) {
        return owner[granule] != 0 && (granule == 0 || owner[granule - 1] != owner[granule]);
    }

    int lengthAt(final int from) {
        int to = from;
        while (to < owner.length && owner[to] == owner[from]) {
            to++;
        }
        return to - from;
    }

    /** How many granules from one on could be allocated at once. */
    int run(final int from, final long[] populated) {
        int to = from;
        while (isFree(to) && isPopulated(to, populated)) {
            to++;
        }
        return to - from;
    }

    private static boolean isPopulated(final int granule, final long[] populated) {
        final int page = granule / BLOCK;
        return populated == null || (populated[page / 64] & 1L << page % 64) != 0;
    }

    int largest(final long[] populated) {
        int largest = 0;
        for (int from = 0; from < owner.length; from += Math.max(1, run(from, populated))) {
            largest = Math.max(largest, run(from, populated));
        }
        return largest;
    }

    int lowestFit(final int length, final int align, final long[] populated) {
        int from = 0;
        while (from + length <= owner.length) {
            final int run = run(from, populated);
            if (run >= length) {
                return from;
            }
            from = (from + run) / align * align + align;
        }
        return AreaMap.NONE;
    }

    int freeGranules() {
        int free = 0;
        for (final int number : owner) {
            free += number == 0 ? 1 : 0;
        }
        return free;
    }

    int emptyPages() {
        int empty = 0;
        for (int page = 0; page < owner.length / BLOCK; page++) {
            empty += run(page * BLOCK, null) >= BLOCK ? 1 : 0;
        }
        return empty;
    }
}
