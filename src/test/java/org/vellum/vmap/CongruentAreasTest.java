package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CongruentAreasTest {
    private static final long NONE = AreaTree.NONE;
    private final AreaTree tree = new AreaTree(100, 200);

    @AfterEach
    void verify() {
        tree.verify();
    }

    private long allocate(final long align, final long... offsetsAndSizes) {
        final int count = offsetsAndSizes.length / 2;
        final long[] offsets = new long[count];
        final long[] sizes = new long[count];
        for (int i = 0; i < count; i++) {
            offsets[i] = offsetsAndSizes[2 * i];
            sizes[i] = offsetsAndSizes[2 * i + 1];
        }
        return CongruentAreas.allocate(tree, offsets, sizes, count, align);
    }

    private String ranges() {
        final StringBuilder text = new StringBuilder();
        tree.forEachFree((start, pages) -> text.append(start).append('+').append(pages).append(' '));
        return text.toString().trim();
    }

    @Test
    void areasLieAtTheTopAtTheirExactOffsets() {
        assertEquals(180, allocate(1, 0, 4, 16, 4));
        assertEquals("100+80 184+12", ranges());
    }

    @Test
    void aSecondSetInterlocksWithTheFirst() {
        assertEquals(180, allocate(1, 0, 4, 16, 4));
        assertEquals(176, allocate(1, 0, 4, 16, 4));
        assertEquals("100+76 184+8", ranges());
    }

    @Test
    void offsetsMayComeInAnyOrderAndTheLowestNeedNotBeZero() {
        assertEquals(170, allocate(1, 26, 4, 10, 4, 18, 2));
        assertEquals("100+80 184+4 190+6", ranges());
    }

    @Test
    void theBaseIsAligned() {
        assertEquals(176, allocate(8, 0, 8, 16, 8));
        assertEquals(168, allocate(8, 0, 8, 16, 8));
    }

    @Test
    void roundingDownMayLeaveTheRangeAndTheSearchGoesOn() {
        assertTrue(tree.allocateAt(188, 12));
        assertTrue(tree.allocateAt(176, 5));
        // 181+7 has room for four pages, but none at a multiple of 4 for eight: the next range takes them.
        assertEquals(168, allocate(4, 0, 8));
    }

    @Test
    void whatDoesNotFitChangesNothing() {
        assertTrue(tree.allocateAt(120, 60));
        assertEquals(NONE, allocate(1, 0, 21));
        assertEquals(NONE, allocate(1, 0, 10, 50, 10));
        assertEquals("100+20 180+20", ranges());
        assertEquals(110, allocate(1, 0, 10, 80, 10));
        assertEquals("100+10 180+10", ranges());
    }

    @Test
    void aSpanLargerThanTheWindowFails() {
        assertEquals(NONE, allocate(1, 0, 1, 100, 1));
        assertEquals(NONE, allocate(1, 0, 101));
        assertEquals(NONE, allocate(1, Long.MAX_VALUE, Long.MAX_VALUE));
        assertEquals(NONE, allocate(1L << 62, 1L << 62, 1L << 62));
        assertEquals("100+100", ranges());
        assertEquals(100, allocate(1, 0, 1, 99, 1));
    }

    @Test
    void misuseNamesTheValueAndChangesNothing() {
        refused("align=3", 3, 0, 3);
        refused("align=0", 0, 0, 1);
        refused("align=-9223372036854775808", Long.MIN_VALUE, 0, 1);
        refused("offsets[1]=6", 4, 0, 4, 6, 4);
        refused("offsets[0]=-4", 4, -4, 4);
        refused("sizes[1]=2", 4, 0, 4, 8, 2);
        refused("sizes[0]=0", 4, 0, 0);
        refused("sizes[0]=-4", 4, 0, -4);
        refused("overlaps", 4, 0, 8, 4, 4);
        refused("overlaps", 4, 4, 4, 0, 8);
        refused("overlaps", 4, 4, 4, 4, 4);
        refused("count=0", 4);
        final long[] one = {0};
        assertThrows(IllegalArgumentException.class, () -> CongruentAreas.allocate(tree, one, one, 2, 1));
        assertEquals("100+100", ranges());
    }

    private void refused(final String text, final long align, final long... offsetsAndSizes) {
        final Exception e = assertThrows(IllegalArgumentException.class, () -> allocate(align, offsetsAndSizes));
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }
}
