package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.Region.READ;
import static org.vellum.space.Region.RESERVED;
import static org.vellum.space.Region.WRITE;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;

final class RegionIndexTest {
    private static final long PAGES = 1000;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final SleepingLock lock = new SleepingLock(cpus, LockRank.SPACE, "s");
    private final RegionIndex index = new RegionIndex(lock, PAGES);
    private final List<String> told = new ArrayList<>();

    @BeforeEach
    void take() {
        lock.lockExclusive();
    }

    @AfterEach
    void check() {
        index.verify();
        lock.unlockExclusive();
    }

    private static Region anonymous(final long start, final long end, final int flags) {
        return new Region(start, end, flags, null, start);
    }

    private Region insert(final long start, final long end, final int flags) {
        return index.insert(anonymous(start, end, flags));
    }

    private void tell(final Region piece) {
        told.add(piece.toString());
    }

    private String listing() {
        final StringBuilder text = new StringBuilder();
        index.forEach(region -> text.append(region.startPage()).append('-').append(region.endPage()).append(':').append(region.flags())
            .append(' '));
        return text.toString().trim();
    }

    @Test
    void whatIsInsertedIsFound() {
        final Region region = insert(10, 20, READ);
        assertSame(region, index.find(10));
        assertSame(region, index.find(19));
        assertNull(index.find(9));
        assertNull(index.find(20));
        assertNull(index.find(-1));
        assertNull(index.find(Long.MAX_VALUE));
        assertSame(region, index.findAtOrAbove(0));
        assertNull(index.findAtOrAbove(20));
        assertTrue(region.isCurrent());
        assertEquals(1, index.count());
        assertTrue(index.isFree(20, 30));
        assertTrue(index.isFree(0, 10));
        assertFalse(index.isFree(0, 11));
        assertFalse(index.isFree(19, 30));
        assertEquals(PAGES, index.pages());
    }

    @Test
    void neighboursThatAreAlikeBecomeOne() {
        final Region left = insert(10, 20, READ);
        final Region right = insert(30, 40, READ);
        assertTrue(left.isCurrent() && right.isCurrent());
        final Region all = insert(20, 30, READ);
        assertEquals("10-40:1", listing());
        assertFalse(left.isCurrent());
        assertFalse(right.isCurrent());
        assertTrue(all.isCurrent());
        assertSame(all, index.find(39));
    }

    @Test
    void neighboursThatDifferStayTwo() {
        final Backing file = new NamedBacking("file");
        final Backing other = new NamedBacking("other");
        insert(10, 20, READ);
        insert(20, 30, READ | WRITE);
        index.insert(new Region(30, 40, READ | WRITE, file, 5));
        index.insert(new Region(40, 50, READ | WRITE, other, 15));
        // The file's own next page, and then not.
        index.insert(new Region(50, 60, READ | WRITE, other, 25));
        index.insert(new Region(60, 70, READ | WRITE, other, 36));
        // Anonymous pages that came from elsewhere: their contents bear other numbers.
        index.insert(new Region(70, 80, READ | WRITE, null, 200));
        index.insert(new Region(80, 90, READ | WRITE, null, 80));
        assertEquals("10-20:1 20-30:3 30-40:3 40-60:3 60-70:3 70-80:3 80-90:3", listing());
        assertEquals(17, index.find(42).filePageOf(42));
    }

    @Test
    void reservedRegionsAreNeverMerged() {
        final Region first = insert(10, 20, READ | RESERVED);
        insert(20, 30, READ | RESERVED);
        assertEquals(2, index.count());
        assertTrue(first.isCurrent());
        index.remove(12, 15, this::tell);
        assertEquals("10-12:33 15-20:33 20-30:33", listing());
    }

    @Test
    void aHoleSplitsTheRegion() {
        final Region region = insert(10, 20, READ);
        index.remove(13, 16, this::tell);
        assertEquals("10-13:1 16-20:1", listing());
        assertEquals(List.of("[13, 16) r----- page 13"), told);
        assertFalse(region.isCurrent());
        assertEquals(16, index.find(17).filePage());
    }

    @Test
    void removalTellsEachPieceOnceItIsGone() {
        insert(10, 20, READ);
        insert(30, 40, WRITE);
        insert(50, 60, READ);
        final List<Region> pieces = new ArrayList<>();
        index.remove(15, 55, piece -> {
            assertNull(index.find(piece.startPage()));
            assertEquals("10-15:1 55-60:1", listing());
            pieces.add(piece);
        });
        assertEquals(3, pieces.size());
        assertEquals(15, pieces.get(0).startPage());
        assertEquals(40, pieces.get(1).endPage());
        assertEquals(55, pieces.get(2).endPage());
        index.remove(0, PAGES, this::tell);
        index.remove(0, PAGES, this::tell);
        assertEquals(2, told.size());
        assertEquals(0, index.count());
    }

    @Test
    void aListenerThatThrowsDoesNotUndoTheRemoval() {
        insert(10, 20, READ);
        assertThrows(IllegalStateException.class, () -> index.remove(10, 20, piece -> {
            throw new IllegalStateException("thrown on purpose");
        }));
        assertEquals(0, index.count());
        index.remove(0, 5, this::tell);
        assertEquals(List.of(), told);
    }

    @Test
    void flagsChangeWithinARegionAndBack() {
        final Region region = insert(10, 20, READ | WRITE);
        assertEquals(RegionIndex.NONE, index.changeFlags(13, 16, WRITE, 0, this::tell));
        assertEquals("10-13:3 13-16:1 16-20:3", listing());
        assertEquals(List.of("[13, 16) rw---- page 13"), told);
        assertFalse(region.isCurrent());
        assertEquals(RegionIndex.NONE, index.changeFlags(12, 17, 0, WRITE, this::tell));
        assertEquals("10-20:3", listing());
        assertEquals(2, told.size());
        assertNotSame(region, index.find(10));
    }

    @Test
    void whatHasTheFlagsAlreadyStaysWhoItIs() {
        final Region region = insert(10, 20, READ);
        assertEquals(RegionIndex.NONE, index.changeFlags(12, 15, WRITE, READ, this::tell));
        assertSame(region, index.find(13));
        assertTrue(region.isCurrent());
        assertEquals(List.of(), told);
    }

    @Test
    void acrossAHoleNothingChanges() {
        insert(10, 20, READ);
        insert(25, 30, READ);
        assertEquals(20, index.changeFlags(15, 28, 0, WRITE, this::tell));
        assertEquals(8, index.changeFlags(8, 28, 0, WRITE, this::tell));
        assertEquals(30, index.changeFlags(26, 31, 0, WRITE, this::tell));
        assertEquals("10-20:1 25-30:1", listing());
        assertEquals(List.of(), told);
        assertEquals(20, index.firstHole(10, 21));
        assertEquals(RegionIndex.NONE, index.firstHole(10, 20));
    }

    @Test
    void gapsAreFoundLowestFirst() {
        assertEquals(0, index.lowestGap(PAGES, 1, 0, PAGES));
        assertEquals(RegionIndex.NONE, index.lowestGap(PAGES + 1, 1, 0, PAGES));
        insert(0, 10, READ);
        insert(13, 20, READ);
        insert(28, 40, READ);
        insert(100, 1000, READ);
        assertEquals(10, index.lowestGap(3, 1, 0, PAGES));
        assertEquals(20, index.lowestGap(4, 1, 0, PAGES));
        assertEquals(24, index.lowestGap(4, 8, 0, PAGES));
        assertEquals(40, index.lowestGap(5, 8, 0, PAGES));
        assertEquals(64, index.lowestGap(30, 64, 0, PAGES));
        assertEquals(RegionIndex.NONE, index.lowestGap(37, 64, 0, PAGES));
        assertEquals(11, index.lowestGap(2, 1, 11, PAGES));
        assertEquals(20, index.lowestGap(2, 1, 12, PAGES));
        assertEquals(RegionIndex.NONE, index.lowestGap(4, 1, 0, 22));
        assertEquals(RegionIndex.NONE, index.lowestGap(1, 1L << 62, 1, PAGES));
        assertEquals(40, index.lowestGap(60, 1, 0, PAGES));
        assertEquals(RegionIndex.NONE, index.lowestGap(61, 1, 0, PAGES));
    }

    @Test
    void badInputIsRefusedAndChangesNothing() throws Exception {
        insert(10, 20, READ);
        assertThrows(IllegalArgumentException.class, () -> insert(15, 25, READ));
        assertThrows(IllegalArgumentException.class, () -> insert(5, 11, READ));
        assertThrows(IllegalArgumentException.class, () -> insert(990, 1001, READ));
        assertThrows(IllegalArgumentException.class, () -> insert(5, 5, READ));
        assertThrows(IllegalArgumentException.class, () -> insert(-1, 5, READ));
        assertThrows(IllegalArgumentException.class, () -> insert(30, 40, 128));
        assertThrows(IllegalArgumentException.class, () -> new Region(0, 2, READ, null, Long.MAX_VALUE - 1));
        assertThrows(IllegalArgumentException.class, () -> new Region(0, 2, READ, null, -1));
        assertThrows(IllegalArgumentException.class, () -> index.remove(20, 20, this::tell));
        assertThrows(IllegalArgumentException.class, () -> index.remove(-1, 20, this::tell));
        assertThrows(IllegalArgumentException.class, () -> index.remove(0, PAGES + 1, this::tell));
        assertThrows(IllegalArgumentException.class, () -> index.changeFlags(3, 2, 0, WRITE, this::tell));
        assertThrows(IllegalArgumentException.class, () -> index.lowestGap(0, 1, 0, PAGES));
        assertThrows(IllegalArgumentException.class, () -> index.lowestGap(1, 3, 0, PAGES));
        assertThrows(IllegalArgumentException.class, () -> index.lowestGap(1, Long.MIN_VALUE, 0, PAGES));
        assertThrows(IllegalArgumentException.class, () -> index.lowestGap(1, 1, 0, PAGES + 1));
        assertThrows(IllegalArgumentException.class, () -> new RegionIndex(lock, 0));
        assertEquals("10-20:1", listing());
        SmallMemory.inThread(() -> {
            assertThrows(AssertionError.class, () -> insert(30, 40, READ));
            assertThrows(AssertionError.class, () -> index.remove(10, 20, this::tell));
            return assertThrows(AssertionError.class, () -> index.changeFlags(10, 20, 0, WRITE, this::tell));
        });
    }

    @Test
    void manyRegionsStayInBalance() {
        final RegionIndex large = new RegionIndex(lock, 1 << 20);
        for (int i = 0; i < 20_000; i++) {
            large.insert(anonymous(2L * i, 2L * i + 1, READ));
        }
        large.verify();
        assertEquals(20_000, large.count());
        assertEquals(1, large.lowestGap(1, 1, 0, large.pages()));
        assertEquals(39_999, large.lowestGap(2, 1, 0, large.pages()));
        large.remove(10, 30_000, piece -> { });
        large.verify();
        assertEquals(5 + 5_000, large.count());
    }

    @Test
    void lookingUpMakesNoGarbage() {
        for (int i = 0; i < 100; i++) {
            insert(2L * i, 2L * i + 1, READ);
        }
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        long found = 0;
        long before = 0;
        for (int i = 0; i < 40_000; i++) {
            if (i == 20_000) {
                before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            }
            found += index.find(i % 200) == null ? 0 : 1;
        }
        final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertEquals(20_000, found);
        assertTrue(bytes < 20_000, "bytes=" + bytes);
    }
}
