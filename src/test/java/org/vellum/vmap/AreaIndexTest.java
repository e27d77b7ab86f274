package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AreaIndexTest {
    private static final long NONE = AreaIndex.NONE;
    private AreaIndex index = new AreaIndex(1000, 1000 + 100_000, DirtyWords::reserve);

    @AfterEach
    void verify() {
        index.verify();
    }

    @Test
    void anEmptyIndexFindsNothingAnywhere() {
        for (final long page : new long[] {Long.MIN_VALUE, 0, 999, 1000, 50_000, 100_999, 101_000, Long.MAX_VALUE}) {
            assertEquals(AreaIndex.NO_ID, index.idAt(page));
            assertEquals(NONE, index.floor(page));
            assertEquals(NONE, index.ceiling(page));
            assertEquals(NONE, index.next(page));
        }
        assertEquals(0, index.size());
    }

    @Test
    void idsOfNeighbouringPagesDoNotDisturbEachOther() {
        index.put(2000, -1);
        index.put(2001, 7);
        index.put(2002, Integer.MIN_VALUE);
        assertEquals(-1, index.idAt(2000));
        assertEquals(7, index.idAt(2001));
        assertEquals(Integer.MIN_VALUE, index.idAt(2002));
        assertEquals(AreaIndex.NO_ID, index.idAt(2003));
        assertEquals(-1, index.remove(2000));
        assertEquals(7, index.idAt(2001));
        assertEquals(AreaIndex.NO_ID, index.idAt(2000));
        assertEquals(2, index.size());
    }

    @Test
    void neighboursAreFoundAcrossWordsLevelsAndChunks() {
        final long[] pages = {1000, 1001, 1063, 1064, 5096, 5097, 9191, 9192, 9193, 60_000, 100_999};
        for (int i = 0; i < pages.length; i++) {
            index.put(pages[i], i + 1);
        }
        for (int i = 0; i < pages.length; i++) {
            assertEquals(pages[i], index.floor(pages[i]));
            assertEquals(pages[i], index.ceiling(pages[i]));
            assertEquals(i == 0 ? NONE : pages[i - 1], index.floor(pages[i] - 1));
            assertEquals(i == pages.length - 1 ? NONE : pages[i + 1], index.next(pages[i]));
        }
        assertEquals(100_999, index.floor(Long.MAX_VALUE));
        assertEquals(1000, index.ceiling(Long.MIN_VALUE));
        assertEquals(NONE, index.floor(999));
        assertEquals(NONE, index.next(Long.MAX_VALUE));
    }

    @Test
    void theLastPageOfAWindowThatEndsWithAWordIsFound() {
        for (final int pages : new int[] {1, 63, 64, 65, 4096, 8192, 8193, 262_144, 262_145}) {
            index = new AreaIndex(0, pages, DirtyWords::reserve);
            index.put(pages - 1, 5);
            assertEquals(pages - 1, index.ceiling(0));
            assertEquals(pages - 1, index.floor(Long.MAX_VALUE));
            assertEquals(NONE, index.next(pages - 1));
            index.verify();
            assertEquals(5, index.remove(pages - 1));
            assertEquals(NONE, index.ceiling(0));
        }
    }

    @Test
    void misuseNamesTheValueAndChangesNothing() {
        index.put(1500, 3);
        final Exception twice = assertThrows(IllegalStateException.class, () -> index.put(1500, 4));
        assertTrue(twice.getMessage().contains("page=1500") && twice.getMessage().contains("id=3"), twice.getMessage());
        assertThrows(IllegalArgumentException.class, () -> index.put(1501, 0));
        assertThrows(IllegalArgumentException.class, () -> index.put(999, 1));
        assertThrows(IllegalArgumentException.class, () -> index.put(101_000, 1));
        assertThrows(IllegalArgumentException.class, () -> index.remove(101_000));
        assertEquals(AreaIndex.NO_ID, index.remove(1501));
        assertEquals(AreaIndex.NO_ID, index.remove(90_000));
        assertThrows(IllegalArgumentException.class, () -> new AreaIndex(4, 4));
        assertThrows(IllegalArgumentException.class, () -> new AreaIndex(-1, 4));
        assertThrows(IllegalArgumentException.class, () -> new AreaIndex(0, AreaTree.MOST_PAGES + 1));
        assertEquals(3, index.idAt(1500));
        assertEquals(1, index.size());
    }

    /** The id table of this window has 1 GiB: only the chunks in use may be written, at whichever end they lie. */
    @Test
    void aWindowOfOneTerabyteCostsWhatIsUsed() throws IOException {
        final long pages = 1L << 28;
        final long before = residentPages();
        index = new AreaIndex(0, pages);
        for (final long page : new long[] {pages - 1, pages / 2, 0}) {
            index.put(page, 9);
            assertEquals(page, index.ceiling(0));
        }
        assertEquals(pages / 2, index.floor(pages - 2));
        assertEquals(9, index.idAt(pages / 2));
        final long grown = residentPages() - before;
        assertTrue(grown < 1L << 15, "resident pages grown=" + grown);
    }

    /** 0 where the system does not tell. */
    private static long residentPages() throws IOException {
        final Path statm = Path.of("/proc/self/statm");
        return Files.exists(statm) ? Long.parseLong(Files.readString(statm).split(" ")[1]) : 0;
    }
}
