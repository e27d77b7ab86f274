package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AreaTreeTest {
    private static final long NONE = AreaTree.NONE;
    private AreaTree tree = new AreaTree(64, 128);

    @AfterEach
    void verify() {
        tree.verify();
    }

    private String ranges() {
        final StringBuilder text = new StringBuilder();
        tree.forEachFree((start, pages) -> text.append(start).append('+').append(pages).append(' '));
        return text.toString().trim();
    }

    @Test
    void aNewWindowIsOneFreeRange() {
        assertEquals("64+64", ranges());
        assertEquals(64, tree.freePages());
        assertEquals(64, tree.largestFree());
        assertEquals(1, tree.ranges());
        assertEquals(64, tree.startPage());
        assertEquals(128, tree.endPage());
    }

    @Test
    void fullSplitLeavesNoNode() {
        assertEquals(64, tree.allocate(64, 1));
        assertEquals("", ranges());
        assertEquals(0, tree.largestFree());
        assertEquals(NONE, tree.allocate(1, 1));
        tree.free(64, 64);
        assertEquals("64+64", ranges());
    }

    @Test
    void leftEdgeSplitMovesTheStart() {
        assertEquals(64, tree.allocate(10, 1));
        assertEquals("74+54", ranges());
        assertEquals(54, tree.largestFree());
    }

    @Test
    void rightEdgeSplitShortensTheRange() {
        assertTrue(tree.allocateAt(120, 8));
        assertEquals("64+56", ranges());
        assertEquals(56, tree.largestFree());
    }

    @Test
    void noEdgeSplitNeedsOneMoreNode() {
        assertTrue(tree.allocateAt(80, 8));
        assertEquals("64+16 88+40", ranges());
        assertEquals(40, tree.largestFree());
        assertEquals(2, tree.ranges());
    }

    @Test
    void theLowestFitIsTakenNotTheBest() {
        assertTrue(tree.allocateAt(80, 8));
        assertTrue(tree.allocateAt(92, 4));
        assertEquals("64+16 88+4 96+32", ranges());
        assertEquals(64, tree.allocate(4, 1));
        assertEquals(96, tree.allocate(16, 1));
        assertEquals(88, tree.allocate(4, 1, 81, 128));
        assertEquals("68+12 112+16", ranges());
    }

    @Test
    void boundsClipTheRangeThatLiesAcrossThem() {
        assertEquals(70, tree.allocate(4, 1, 70, 128));
        assertEquals("64+6 74+54", ranges());
        assertEquals(NONE, tree.allocate(7, 1, 64, 74));
        assertEquals(NONE, tree.allocate(7, 1, 0, 80));
        assertEquals(74, tree.allocate(6, 1, 66, 80));
        assertEquals(NONE, tree.allocate(1, 1, 128, 200));
        assertEquals(NONE, tree.allocate(1, 1, 0, 64));
        assertEquals(NONE, tree.allocate(1, 1, 100, 100));
        assertEquals(NONE, tree.allocate(1, 1, 101, 100));
    }

    @Test
    void anExactlySizedRangeWithABigAlignmentSucceeds() {
        assertEquals(64, tree.allocate(64, 64));
        tree.free(64, 64);
        assertEquals(96, tree.allocate(32, 32, 96, 128));
        assertEquals(NONE, tree.allocate(33, 32));
    }

    @Test
    void alignmentIsOfThePageNumberNotOfTheDistance() {
        tree = new AreaTree(3, 40);
        assertEquals(8, tree.allocate(1, 8));
        assertEquals(16, tree.allocate(8, 16));
        assertEquals(32, tree.allocate(8, 32));
        assertEquals("3+5 9+7 24+8", ranges());
    }

    @Test
    void aMisalignedRangeThatIsLargeEnoughIsPassedOverAndTheNextFits() {
        assertTrue(tree.allocateAt(64, 1));
        assertTrue(tree.allocateAt(72, 8));
        assertTrue(tree.allocateAt(88, 40));
        // 65+7 cannot hold 8 aligned pages, 80+8 can, and no range has 8 + 8 - 1.
        assertEquals("65+7 80+8", ranges());
        assertEquals(80, tree.allocate(8, 8));
        assertEquals(NONE, tree.allocate(7, 8));
        assertEquals(65, tree.allocate(7, 1));
    }

    @Test
    void theLowestFitWinsOverALargerRangeThatWouldSurelyFit() {
        assertTrue(tree.allocateAt(72, 1));
        // size + align - 1 = 15 fits only at 73; the lowest fit is 64+8.
        assertEquals(64, tree.allocate(8, 8));
    }

    @Test
    void numbersThatWouldOverflowFailAndChangeNothing() {
        assertEquals(NONE, tree.allocate(Long.MAX_VALUE, 1));
        assertEquals(NONE, tree.allocate(Long.MAX_VALUE, 1L << 62));
        assertEquals(NONE, tree.allocate(1, 1L << 62));
        assertEquals(NONE, tree.allocate(65, 1, Long.MIN_VALUE, Long.MAX_VALUE));
        assertEquals(NONE, tree.allocate(1, 1, Long.MAX_VALUE, Long.MIN_VALUE));
        assertEquals(NONE, tree.allocate(Long.MAX_VALUE, 1, 127, Long.MAX_VALUE));
        assertFalse(tree.allocateAt(65, Long.MAX_VALUE));
        assertFalse(tree.allocateAt(Long.MAX_VALUE, Long.MAX_VALUE));
        assertThrows(IllegalArgumentException.class, () -> tree.free(64, Long.MAX_VALUE));
        assertEquals("64+64", ranges());
        assertEquals(64, tree.allocate(64, 1, Long.MIN_VALUE, Long.MAX_VALUE));
    }

    @Test
    void theTopOfThePageNumbersWorks() {
        final long top = AreaTree.MOST_PAGES;
        tree = new AreaTree(0, top);
        assertEquals(0, tree.allocate(top, 1));
        tree.free(0, top);
        assertTrue(tree.allocateAt(top - 1, 1));
        assertEquals(1L << 35, tree.allocate(5, 1L << 35, 1, top));
        tree.verify();
        assertEquals("0+34359738368 34359738373+34359738361", ranges());
    }

    @Test
    void badArgumentsNameTheirValue() {
        for (final long pages : new long[] {0, -1, Long.MIN_VALUE}) {
            final Exception e = assertThrows(IllegalArgumentException.class, () -> tree.allocate(pages, 1));
            assertTrue(e.getMessage().contains("pages=" + pages), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> tree.allocateAt(64, pages));
            assertThrows(IllegalArgumentException.class, () -> tree.free(64, pages));
        }
        for (final long align : new long[] {0, -1, 3, 6, Long.MIN_VALUE}) {
            final Exception e = assertThrows(IllegalArgumentException.class, () -> tree.allocate(1, align));
            assertTrue(e.getMessage().contains("alignPages=" + align), e.getMessage());
        }
        assertThrows(IllegalArgumentException.class, () -> tree.free(63, 1));
        assertThrows(IllegalArgumentException.class, () -> tree.free(128, 1));
        assertThrows(IllegalArgumentException.class, () -> new AreaTree(5, 5));
        assertThrows(IllegalArgumentException.class, () -> new AreaTree(-1, 5));
        assertThrows(IllegalArgumentException.class, () -> new AreaTree(0, AreaTree.MOST_PAGES + 1));
        assertEquals("64+64", ranges());
    }

    @Test
    void freeJoinsBothNeighboursOneOrNone() {
        assertEquals(64, tree.allocate(64, 1));
        assertTrue(tree.splitArea(5));
        tree.free(70, 2);
        assertEquals("70+2", ranges());
        tree.free(80, 2);
        assertEquals("70+2 80+2", ranges());
        tree.free(72, 3);
        assertEquals("70+5 80+2", ranges());
        tree.free(78, 2);
        assertEquals("70+5 78+4", ranges());
        tree.free(75, 3);
        assertEquals("70+12", ranges());
        assertEquals(12, tree.largestFree());
    }

    @Test
    void anOverlappingFreeIsRefusedBeforeAnythingChanges() {
        assertEquals(64, tree.allocate(16, 1));
        tree.verify();
        for (final long[] range : new long[][] {{80, 1}, {79, 2}, {64, 64}, {127, 1}, {64, 17}, {100, 5}}) {
            assertThrows(AssertionError.class, () -> tree.free(range[0], range[1]));
            assertEquals("80+48", ranges());
            tree.verify();
        }
        tree.free(64, 16);
        assertThrows(AssertionError.class, () -> tree.free(64, 16));
        assertEquals("64+64", ranges());
    }

    @Test
    void allocateAtTakesAllOrNothing() {
        assertTrue(tree.allocateAt(80, 8));
        assertFalse(tree.allocateAt(79, 2));
        assertFalse(tree.allocateAt(80, 8));
        assertFalse(tree.allocateAt(87, 2));
        assertFalse(tree.allocateAt(63, 2));
        assertFalse(tree.allocateAt(127, 2));
        assertFalse(tree.allocateAt(200, 2));
        assertEquals("64+16 88+40", ranges());
        assertTrue(tree.allocateAt(64, 16));
        assertEquals("88+40", ranges());
    }

    @Test
    void searchesFromAPage() {
        assertTrue(tree.allocateAt(80, 8));
        assertTrue(tree.allocateAt(92, 4));
        assertEquals(64, tree.freeStartAtOrBelow(64, 1));
        assertEquals(64, tree.freeStartAtOrBelow(87, 1));
        assertEquals(88, tree.freeStartAtOrBelow(95, 1));
        assertEquals(64, tree.freeStartAtOrBelow(95, 5));
        assertEquals(NONE, tree.freeStartAtOrBelow(95, 17));
        assertEquals(NONE, tree.freeStartAtOrBelow(63, 1));
        assertEquals(96, tree.freeStartAtOrBelow(Long.MAX_VALUE, 1));
        assertEquals(64, tree.freeStartAtOrAbove(0));
        assertEquals(88, tree.freeStartAtOrAbove(65));
        assertEquals(NONE, tree.freeStartAtOrAbove(97));
        assertEquals(92, tree.freeEndOf(88));
        assertEquals(NONE, tree.freeEndOf(89));
    }

    @Test
    void aPartFreedWithoutAnnouncementIsRefusedOnlyWhenThereIsNoNodeForIt() {
        tree = new AreaTree(0, 4096);
        assertEquals(0, tree.allocate(4096, 1));
        final Exception e = assertThrows(IllegalStateException.class, () -> {
            for (int page = 0; page < 4096; page += 2) {
                tree.free(page, 1);
            }
        });
        assertTrue(e.getMessage().contains("areas="), e.getMessage());
        final long freed = tree.freePages();
        assertTrue(freed > 0);
        assertEquals(freed, tree.ranges());
        for (long page = 1; page < 2 * freed - 1; page += 2) {
            tree.free(page, 1);
        }
        tree.free(2 * freed - 1, 4096 - 2 * freed + 1);
        assertEquals("0+4096", ranges());
    }

    @Test
    void thePoolOfNodesGrowsWhileAllocatingAndFreeingEverySecondAreaNeedsNoMore() {
        final int areas = 100_000;
        tree = new AreaTree(0, areas);
        for (int page = 0; page < areas; page++) {
            assertEquals(page, tree.allocate(1, 1));
        }
        for (int page = 0; page < areas; page += 2) {
            tree.free(page, 1);
        }
        assertEquals(areas / 2, tree.ranges());
        assertEquals(1, tree.largestFree());
        tree.verify();
        for (int page = areas - 1; page > 0; page -= 2) {
            tree.free(page, 1);
        }
        assertEquals("0+" + areas, ranges());
    }

    @Test
    void steadyStateMakesNoGarbage() {
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        churn(20_000);
        final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        churn(20_000);
        final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        // The bean's own calls make a little; a single object per operation would make 320,000 bytes.
        assertTrue(bytes < 20_000, "bytes=" + bytes);
    }

    private void churn(final int operations) {
        for (int i = 0; i < operations; i++) {
            final long low = tree.allocate(3, 1);
            final long aligned = tree.allocate(2, 8);
            tree.free(low, 3);
            tree.free(aligned, 2);
        }
    }

    @Test
    void neighboursFreedInOneCallDoNotPileUpNodes() {
        assertEquals(64, tree.allocate(1, 1));
        for (int round = 0; round < 100_000; round++) {
            final long first = tree.allocate(1, 1);
            assertEquals(first + 1, tree.allocate(1, 1));
            tree.free(first, 2, 2);
        }
        tree.free(64, 1);
        assertThrows(IllegalArgumentException.class, () -> tree.free(64, 1, 0));
    }
}
