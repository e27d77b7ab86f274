package org.vellum.vmap;

/**
 * Places several areas at fixed distances from one base, as far up as they fit: what the per-CPU allocator needs so
 * that one offset means the same object in every chunk (the kernel's {@code pcpu_get_vm_areas}).
 *
 * <p>The base starts at the top of the window and only falls. The areas are visited in a cycle, from the highest down.
 * One that does not fit pulls the base down to the highest at which it does fit, and a new cycle begins; when a whole
 * cycle fits, so does all. Each pull skips only bases at which that one area cannot lie: the result is the highest base
 * there is. From the top, while {@link AreaTree#allocate} works from the bottom, so that the wide spans are not broken
 * up by small areas.
 */
final class CongruentAreas {
    private CongruentAreas() {
    }

    /**
     * Takes all of the areas or none. Under the tree's lock; does not block.
     *
     * @param tree where from.
     * @param offsets in pages from the base, at least 0, multiples of {@code align}; in any order.
     * @param sizes in pages, at least 1, multiples of {@code align}.
     * @param count how many of the elements count, at least 1.
     * @param align pages, a power of two that divides the base.
     * @return the base page, not below the window; {@link AreaTree#NONE}, with nothing changed, if they do not fit.
     *     The areas are freed one by one.
     * @throws IllegalArgumentException if an offset or size is not as said, or if two areas overlap.
     */
    static long allocate(
        final AreaTree tree, final long[] offsets, final long[] sizes, final int count, final long align) {
        requireAreas(offsets, sizes, count, align);
        requireDisjoint(offsets, sizes, count);
        final int highest = highest(offsets, count);
        // Disjoint areas: the highest offset also has the highest end. By subtraction, since their sum may overflow.
        final long room = tree.endPage() - tree.startPage() - offsets[highest];
        if (room < sizes[highest] || !tree.ensureAreas(count)) {
            return AreaTree.NONE;
        }
        final long base = findBase(tree, offsets, sizes, count, align, highest);
        for (int i = 0; base != AreaTree.NONE && i < count; i++) {
            final boolean taken = tree.allocateAt(base + offsets[i], sizes[i]);
            assert taken : "base=" + base + " offset=" + offsets[i];
        }
        return base;
    }

    private static long findBase(
        final AreaTree tree, final long[] offsets, final long[] sizes, final int count, final long align,
        final int highest) {
        long base = tree.endPage() - offsets[highest] - sizes[highest] & -align;
        int area = highest;
        int fitting = 0;
        while (base >= tree.startPage()) {
            final long wanted = base + offsets[area];
            final long start = tree.freeStartAtOrBelow(wanted, sizes[area]);
            if (start == AreaTree.NONE) {
                return AreaTree.NONE;
            }
            final long highestFit = tree.freeEndOf(start) - sizes[area];
            if (highestFit < wanted) {
                // Rounding down may leave the range again: the same area is looked at once more.
                base = highestFit - offsets[area] & -align;
                fitting = 0;
            } else if (++fitting == count) {
                return base;
            } else {
                area = area == 0 ? count - 1 : area - 1;
            }
        }
        return AreaTree.NONE;
    }

    private static int highest(final long[] offsets, final int count) {
        int highest = 0;
        for (int i = 1; i < count; i++) {
            highest = offsets[i] > offsets[highest] ? i : highest;
        }
        return highest;
    }

    private static void requireAreas(final long[] offsets, final long[] sizes, final int count, final long align) {
        if (count < 1 || count > offsets.length || count > sizes.length) {
            throw new IllegalArgumentException("count=" + count + " offsets.length=" + offsets.length + " sizes.length="
                + sizes.length);
        }
        if (align < 1 || Long.bitCount(align) != 1) {
            throw new IllegalArgumentException("align=" + align);
        }
        for (int i = 0; i < count; i++) {
            if (offsets[i] < 0 || (offsets[i] & align - 1) != 0) {
                throw new IllegalArgumentException("offsets[" + i + "]=" + offsets[i] + " align=" + align);
            }
            if (sizes[i] < 1 || (sizes[i] & align - 1) != 0) {
                throw new IllegalArgumentException("sizes[" + i + "]=" + sizes[i] + " align=" + align);
            }
        }
    }

    /** Every pair: there are as many areas as memory groups, a handful. */
    private static void requireDisjoint(final long[] offsets, final long[] sizes, final int count) {
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                if (i != j && offsets[i] >= offsets[j] && offsets[i] - offsets[j] < sizes[j]) {
                    throw new IllegalArgumentException("offsets[" + i + "]=" + offsets[i] + " overlaps offsets[" + j
                        + "]=" + offsets[j] + " sizes[" + j + "]=" + sizes[j]);
                }
            }
        }
    }
}
