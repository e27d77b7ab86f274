package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AreaMapTest {
    private static final int PAGE = 4096;
    private static final int UNIT = 8 * PAGE;

    private final AreaMap map = new AreaMap(UNIT);
    private final AreaHints hints = map.runs.hints;

    @AfterEach
    void everyHintIsTrue() {
        map.verify();
    }

    private int allocate(final int bytes, final int align) {
        final int offset = map.find(bytes, align, null);
        assertTrue(offset >= 0, "bytes=" + bytes + " align=" + align);
        map.allocate(offset, bytes);
        return offset;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -PAGE, 2048, PAGE + 4, (16 << 20) + PAGE, Integer.MIN_VALUE})
    void refusesUnitsThatAreNotPages(final int bytes) {
        final var error = assertThrows(IllegalArgumentException.class, () -> new AreaMap(bytes));
        assertEquals("bytes=" + bytes, error.getMessage());
    }

    @Test
    void aNewMapIsFree() {
        assertEquals(UNIT, map.bytes());
        assertEquals(UNIT, map.contiguous());
        assertEquals(UNIT, map.freeBytes());
        assertEquals(8, map.emptyPages());
        assertTrue(map.isEmpty());
        assertTrue(map.isPageEmpty(7));
    }

    @Test
    void roundsSizeAndAlignmentUpToAGranule() {
        assertEquals(0, allocate(1, 1));
        assertEquals(4, allocate(5, 2));
        assertEquals(12, allocate(4, 1));
        assertEquals(4, map.bytesAt(0));
        assertEquals(8, map.bytesAt(4));
        assertEquals(UNIT - 16, map.freeBytes());
    }

    @Test
    void fillsTheLowestHoleThatFits() {
        final int[] offsets = new int[UNIT / 16];
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = allocate(16, 4);
            assertEquals(16 * i, offsets[i]);
        }
        assertEquals(AreaMap.NONE, map.find(4, 4, null));
        assertEquals(0, map.contiguous());
        map.free(1600);
        map.free(480);
        map.free(1616);
        assertEquals(480, map.find(16, 16, null));
        assertEquals(1600, map.find(20, 4, null));
        assertEquals(1600, map.find(32, 4, null));
        assertEquals(AreaMap.NONE, map.find(36, 4, null));
    }

    @Test
    void theWholeUnitIsOneAllocation() {
        assertEquals(0, allocate(UNIT, PAGE));
        assertEquals(0, map.freeBytes());
        assertEquals(0, map.emptyPages());
        assertEquals(UNIT, map.free(0));
        assertTrue(map.isEmpty());
        assertEquals(AreaMap.NONE, map.find(UNIT + 1, 4, null));
        assertEquals(AreaMap.NONE, map.find(Integer.MAX_VALUE, 4, null));
    }

    @Test
    void aSecondFreeIsNoticed() {
        final int offset = allocate(64, 4);
        allocate(64, 4);
        assertEquals(64, map.free(offset));
        assertEquals(AreaMap.NOT_ALLOCATED, map.free(offset));
        assertEquals(UNIT - 64, map.freeBytes());
    }

    @Test
    void aFreeInsideAnAllocationIsNoticed() {
        allocate(3 * PAGE, 4);
        for (final int offset : new int[] {4, 1, 3, PAGE, 2 * PAGE, 3 * PAGE - 4}) {
            assertEquals(AreaMap.INTERIOR, map.free(offset), "offset=" + offset);
        }
        assertEquals(3 * PAGE, map.free(0));
    }

    @Test
    void neighboursAreNotTakenForOneAllocation() {
        allocate(8, 4);
        allocate(PAGE, 4);
        allocate(8, 4);
        assertEquals(8, map.bytesAt(0));
        assertEquals(PAGE, map.bytesAt(8));
        assertEquals(8, map.bytesAt(PAGE + 8));
        assertEquals(PAGE, map.free(8));
        assertEquals(AreaMap.NOT_ALLOCATED, map.free(PAGE));
        assertEquals(8, map.bytesAt(0));
        assertEquals(8, map.bytesAt(PAGE + 8));
    }

    @Test
    void aFixedAreaIsNeitherFoundNorFreed() {
        map.take(0, PAGE + 10);
        map.take(UNIT - PAGE + 2, PAGE - 2);
        assertTrue(map.isEmpty());
        assertEquals(5, map.emptyPages());
        assertEquals(UNIT - 2 * PAGE - 12, map.contiguous());
        assertEquals(PAGE + 12, allocate(map.contiguous(), 4));
        assertEquals(AreaMap.FIXED, map.free(0));
        assertEquals(AreaMap.FIXED, map.free(PAGE + 10));
        assertEquals(AreaMap.FIXED, map.free(UNIT - PAGE));
        assertEquals(AreaMap.FIXED, map.free(UNIT - 4));
        assertEquals(UNIT - 2 * PAGE - 12, map.free(PAGE + 12));
        assertTrue(map.isEmpty());
    }

    @Test
    void fixedAreasGrowFromTheEnds() {
        map.take(0, 100);
        map.take(100, 28);
        assertEquals(128, allocate(4, 4));
        for (final int[] wrong : new int[][] {
            {0, 4}, {200, 4}, {128, 4}, {-4, 8}, {132, 0}, {132, -4}, {UNIT, 4}, {UNIT - 4, 8}, {128, Integer.MAX_VALUE}
        }) {
            final int free = map.freeBytes();
            assertThrows(IllegalArgumentException.class, () -> map.take(wrong[0], wrong[1]), () -> wrong[0] + " " + wrong[1]);
            assertEquals(free, map.freeBytes());
        }
        assertEquals(AreaMap.FIXED, map.free(124));
        assertEquals(4, map.free(128));
    }

    @Test
    void findsOnlyPopulatedPages() {
        final long[] populated = {0b0110_1010};
        assertEquals(PAGE, map.find(4, 4, populated));
        assertEquals(PAGE, map.find(PAGE, PAGE, populated));
        assertEquals(5 * PAGE, map.find(PAGE + 4, 4, populated));
        assertEquals(5 * PAGE, map.find(2 * PAGE, 4, populated));
        assertEquals(AreaMap.NONE, map.find(2 * PAGE + 4, 4, populated));
        assertEquals(AreaMap.NONE, map.find(4, 4, new long[1]));
        map.allocate(PAGE, PAGE);
        assertEquals(3 * PAGE, map.find(4, 4, populated));
        map.allocate(5 * PAGE + 4, 4);
        assertEquals(5 * PAGE + 8, map.find(PAGE + 4, 4, populated));
    }

    @Test
    void emptyPagesOfARangeAreThoseThatArePopulated() {
        final long[] populated = {0b0000_1110};
        assertEquals(3, map.emptyPages(PAGE - 4, 3 * PAGE + 8, populated));
        assertEquals(0, map.emptyPages(4 * PAGE, 4 * PAGE, populated));
        map.allocate(2 * PAGE - 4, 8);
        assertEquals(0, map.emptyPages(2 * PAGE - 4, 8, populated));
        assertEquals(1, map.emptyPages(0, UNIT, populated));
        assertEquals(6, map.emptyPages());
        assertFalse(map.isPageEmpty(1));
        assertTrue(map.isPageEmpty(3));
    }

    @Test
    void aRunThatCrossesBordersIsKnownAfterTheFreeThatMadeIt() {
        allocate(UNIT, 4);
        map.free(0);
        for (int offset = 0; offset < UNIT; offset += 1024) {
            map.allocate(offset, 1024);
        }
        map.free(PAGE);
        map.free(PAGE - 1024);
        assertEquals(2048, map.contiguous());
        assertEquals(PAGE - 1024, map.find(2048, 4, null));
        for (int offset = 2 * PAGE; offset < 5 * PAGE + 1024; offset += 1024) {
            map.free(offset);
        }
        assertEquals(3 * PAGE + 1024, map.contiguous());
        for (int offset = PAGE + 1024; offset < 2 * PAGE; offset += 1024) {
            map.free(offset);
        }
        assertEquals(4 * PAGE + 2048, map.contiguous());
        assertEquals(PAGE - 1024, map.find(4 * PAGE + 2048, 4, null));
        assertEquals(PAGE, map.find(4 * PAGE, PAGE, null));
    }

    @Test
    void missesAFitOnlyForAnAlignment() {
        map.allocate(0, UNIT);
        map.free(0);
        // Free: 100 bytes from 4 on, 64 bytes at 256. Only the shorter run holds 64 bytes at a multiple of 64.
        map.allocate(0, 4);
        map.allocate(104, 152);
        map.allocate(320, UNIT - 320);
        assertEquals(100, map.contiguous());
        assertEquals(AreaMap.NONE, map.find(64, 64, null));
        assertEquals(4, map.find(64, 4, null));
        assertEquals(32, map.find(64, 32, null));
    }

    @Test
    void aScanHintSkipsWhatIsTooShortAndThenReplacesTheContigHint() {
        // Runs of 8, 16, 8 bytes, then the rest of the page.
        map.allocate(8, 4);
        map.allocate(28, 4);
        map.allocate(40, 4);
        assertEquals(4, hints.scan(0));
        assertEquals(3, hints.scanStart(0));
        assertEquals(7, hints.searchStart(0, 5));
        assertEquals(0, hints.searchStart(0, 4));
        assertEquals(44, map.find(20, 4, null));
        map.allocate(44, PAGE - 44);
        assertEquals(4, hints.contig(0));
        assertEquals(3, hints.contigStart(0));
        assertEquals(0, hints.scan(0));
        assertEquals(2, hints.left(0));
        assertEquals(0, hints.right(0));
    }

    @Test
    void aScanHintThatIsUsedIsForgottenAndASearchLearnsTheNext() {
        map.allocate(8, 4);
        map.allocate(28, 4);
        assertEquals(4, hints.scan(0));
        assertEquals(12, map.find(12, 4, null));
        map.allocate(12, 12);
        assertEquals(0, hints.scan(0));
        assertEquals(0, map.find(8, 4, null));
        assertEquals(0, hints.scan(0), "nothing was skipped");
        assertEquals(32, map.find(12, 4, null));
        assertEquals(2, hints.scan(0), "of 8 and 4 bytes that were skipped");
        assertEquals(0, hints.scanStart(0));
        map.allocate(32, PAGE - 32);
        assertEquals(2, hints.contig(0));
        assertEquals(0, hints.contigStart(0));
    }

    @Test
    void ofEqualRunsTheOneAlignedBestIsTheContigHint() {
        map.allocate(0, PAGE);
        map.allocate(PAGE, UNIT - PAGE);
        map.free(0);
        map.allocate(0, 4);
        map.allocate(20, 12);
        map.allocate(48, PAGE - 48);
        assertEquals(8, hints.contigStart(0));
        assertEquals(0, hints.scan(0), "the other begins before");
        assertEquals(32, map.find(16, 16, null));
        assertEquals(0, hints.scan(0), "what failed for its alignment is as long as the contig hint, and before it");
        assertEquals(4, map.find(16, 4, null));
    }

    @Test
    void aScanHintBehindTheContigHintIsAsLong() {
        map.allocate(16, 16);
        map.allocate(48, PAGE - 48);
        assertEquals(0, hints.contigStart(0));
        assertEquals(4, hints.contig(0));
        assertEquals(8, hints.scanStart(0));
        assertEquals(4, hints.scan(0));
        map.allocate(0, 8);
        assertEquals(8, hints.contigStart(0), "the scan hint has taken the place");
        assertEquals(0, hints.scan(0));
    }

    @Test
    void theSmallestMap() {
        final AreaMap small = new AreaMap(PAGE);
        small.allocate(0, PAGE);
        small.verify();
        assertEquals(0, small.contiguous());
        assertEquals(PAGE, small.free(0));
        small.verify();
        assertEquals(PAGE, small.contiguous());
    }

    @Test
    void theLargestMap() {
        final AreaMap large = new AreaMap(AreaMap.MAX_BYTES);
        for (int offset = 0; offset < AreaMap.MAX_BYTES; offset += 32 << 10) {
            assertEquals(offset, large.find(32 << 10, PAGE, null));
            large.allocate(offset, 32 << 10);
        }
        assertEquals(AreaMap.NONE, large.find(1, 1, null));
        for (int offset = 32 << 10; offset < AreaMap.MAX_BYTES; offset += 64 << 10) {
            assertEquals(32 << 10, large.free(offset));
            assertEquals(32 << 10, large.contiguous());
        }
        large.verify();
        for (int offset = 0; offset < AreaMap.MAX_BYTES; offset += 64 << 10) {
            large.free(offset);
            assertEquals(offset + (64 << 10), large.contiguous());
        }
        large.verify();
        assertTrue(large.isEmpty());
    }

    @Test
    void verifySeesAHintThatIsWrong() {
        allocate(8, 4);
        allocate(8, 4);
        map.free(0);
        hints.setFirstFree(0, 1);
        assertThrows(AssertionError.class, map::verify);
        hints.setFirstFree(0, 0);
        Bitmap.set(map.runs.allocated, 5000, 5001);
        assertThrows(AssertionError.class, map::verify);
        Bitmap.clear(map.runs.allocated, 5000, 5001);
        Bitmap.clear(map.begins, 2);
        assertThrows(AssertionError.class, map::verify);
        Bitmap.set(map.begins, 2);
        hints.open(3, 1000);
        assertThrows(AssertionError.class, map::verify);
        hints.open(3, FreeRuns.BLOCK_BITS);
    }
}
