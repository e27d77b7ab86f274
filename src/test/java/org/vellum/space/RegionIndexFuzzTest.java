package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;

/** Random operations on the regions of a small space, against a model that keeps what each page is. */
final class RegionIndexFuzzTest {
    private static final int OPERATIONS = 1_000_000;
    private static final int PAGES = 96;
    private static final int FLAGS = 4;
    private static final Backing[] FILES = {null, new NamedBacking("a"), new NamedBacking("b")};

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final SleepingLock lock =
        new SleepingLock(new Cpus(CpuOptions.forThisMachine().withCachedSlots(2)), LockRank.SPACE, "s");
    private final RegionIndex index = new RegionIndex(lock, PAGES);

    /** Per page: whether it is of a region, and then what of. A piece number tells reserved regions apart, which do not merge. */
    private final boolean[] mapped = new boolean[PAGES];
    private final int[] flags = new int[PAGES];
    private final Backing[] file = new Backing[PAGES];
    private final long[] filePage = new long[PAGES];
    private final int[] reservation = new int[PAGES];
    private int reservations;

    private int overlaps;
    private int merges;
    private int splits;
    private int holes;
    private int noGap;
    private int alignedGaps;
    private int reservedSplits;

    @Test
    void agreesWithPageByPage() {
        System.out.println("RegionIndexFuzzTest seed=" + seed);
        lock.lockExclusive();
        for (int i = 0; i < OPERATIONS; i++) {
            step();
            compareLookUp();
            if (i % 64 == 0) {
                compareAll();
            }
        }
        lock.unlockExclusive();
        final String coverage = "overlaps=" + overlaps + " merges=" + merges + " splits=" + splits + " holes=" + holes + " noGap=" + noGap
            + " alignedGaps=" + alignedGaps + " reservedSplits=" + reservedSplits;
        assertTrue(overlaps > 0 && merges > 0 && splits > 0 && holes > 0 && noGap > 0 && alignedGaps > 0 && reservedSplits > 0, coverage);
    }

    private String told() {
        final StringBuilder regions = new StringBuilder("seed=" + seed);
        index.forEach(region -> regions.append('\n').append(region));
        return regions.toString();
    }

    private void step() {
        final int dice = random.nextInt(100);
        final int start = random.nextInt(PAGES);
        final int end = start + 1 + random.nextInt(Math.min(PAGES - start, random.nextInt(8) == 0 ? PAGES : 12));
        if (dice < 50) {
            insert(start, end);
        } else if (dice < 75) {
            remove(start, end);
        } else {
            changeFlags(start, end);
        }
    }

    private boolean anyMapped(final int start, final int end) {
        for (int page = start; page < end; page++) {
            if (mapped[page]) {
                return true;
            }
        }
        return false;
    }

    private void insert(final int wantedStart, final int wantedEnd) {
        final int count = wantedEnd - wantedStart;
        final int start = random.nextBoolean() ? wantedStart : compareGap(count);
        if (start < 0) {
            return;
        }
        final int end = start + count;
        final boolean reserved = random.nextInt(8) == 0;
        final Backing of = FILES[random.nextInt(FILES.length)];
        // Mostly in step with the address, so that neighbours fit.
        final long first = of == null || random.nextInt(4) > 0 ? start : random.nextInt(PAGES);
        final int newFlags = random.nextInt(FLAGS) | (reserved ? Region.RESERVED : 0);
        final Region region = new Region(start, end, newFlags, of, first);
        if (anyMapped(start, end)) {
            overlaps++;
            assertThrows(IllegalArgumentException.class, () -> index.insert(region));
            return;
        }
        final int before = index.count();
        final Region now = index.insert(region);
        merges += index.count() <= before ? 1 : 0;
        assertTrue(now.startPage() <= start && now.endPage() >= end && now.isCurrent(), this::told);
        reservations++;
        for (int page = start; page < end; page++) {
            mapped[page] = true;
            flags[page] = newFlags;
            file[page] = of;
            filePage[page] = first + page - start;
            reservation[page] = reserved ? reservations : 0;
        }
    }

    /** The lowest gap, by the model too; -1 if there is none. */
    private int compareGap(final int count) {
        final int align = 1 << random.nextInt(4);
        final int from = random.nextInt(3) == 0 ? random.nextInt(PAGES) : 0;
        final int to = random.nextInt(3) == 0 ? random.nextInt(PAGES + 1) : PAGES;
        int expected = -1;
        for (int start = (from + align - 1) & -align; start + count <= to && expected < 0; start += align) {
            expected = anyMapped(start, start + count) ? -1 : start;
        }
        assertEquals(expected, index.lowestGap(count, align, from, to), this::told);
        noGap += expected < 0 ? 1 : 0;
        alignedGaps += expected >= 0 && align > 1 ? 1 : 0;
        return expected;
    }

    private void remove(final int start, final int end) {
        final int before = index.count();
        final List<Region> pieces = new ArrayList<>();
        index.remove(start, end, pieces::add);
        splits += index.count() > before ? 1 : 0;
        int at = start;
        for (final Region piece : pieces) {
            assertFalse(anyMapped(at, (int)piece.startPage()), this::told);
            comparePiece(piece);
            at = (int)piece.endPage();
        }
        assertFalse(anyMapped(at, end), this::told);
        Arrays.fill(mapped, start, end, false);
    }

    /** A piece is told as it was, page by page. */
    private void comparePiece(final Region piece) {
        for (int page = (int)piece.startPage(); page < piece.endPage(); page++) {
            comparePage(page, piece);
        }
    }

    private void comparePage(final int page, final Region region) {
        assertTrue(mapped[page], this::told);
        assertEquals(flags[page], region.flags(), this::told);
        assertSame(file[page], region.backing(), this::told);
        assertEquals(filePage[page], region.filePageOf(page), this::told);
    }

    private void changeFlags(final int start, final int end) {
        final int clear = random.nextInt(FLAGS);
        final int set = random.nextInt(FLAGS);
        int hole = -1;
        for (int page = end - 1; page >= start; page--) {
            hole = mapped[page] ? hole : page;
        }
        final List<Region> pieces = new ArrayList<>();
        final int before = index.count();
        assertEquals(hole, index.changeFlags(start, end, clear, set, pieces::add), this::told);
        if (hole >= 0) {
            holes++;
            assertEquals(List.of(), pieces);
            return;
        }
        pieces.forEach(this::comparePiece);
        for (int page = start; page < end; page++) {
            final int now = flags[page] & ~clear | set;
            final int at = page;
            assertEquals(now != flags[page], pieces.stream().anyMatch(piece -> piece.contains(at)), this::told);
            flags[page] = now;
        }
        splits += index.count() > before ? 1 : 0;
        merges += index.count() < before ? 1 : 0;
    }

    private void compareLookUp() {
        final int page = random.nextInt(PAGES);
        final Region region = index.find(page);
        if (mapped[page]) {
            comparePage(page, region);
            assertTrue(region.isCurrent(), this::told);
        } else {
            assertNull(region, this::told);
        }
        int next = page;
        while (next < PAGES && !mapped[next]) {
            next++;
        }
        final Region above = index.findAtOrAbove(page);
        assertSame(next == PAGES ? null : index.find(next), above, this::told);
    }

    /** Each page, and that there is a border exactly where neighbours differ. */
    private void compareAll() {
        index.verify();
        int borders = 0;
        for (int page = 0; page < PAGES; page++) {
            final Region region = index.find(page);
            if (!mapped[page]) {
                assertNull(region, this::told);
                continue;
            }
            comparePage(page, region);
            final boolean begins = page == 0 || !continues(page - 1);
            if (begins || region.startPage() == page) {
                borders++;
            }
            if (begins) {
                assertEquals(page, region.startPage(), this::told);
            } else if (region.startPage() == page) {
                // Pieces of a reserved region that was cut stay cut.
                reservedSplits++;
                assertTrue(region.has(Region.RESERVED), this::told);
            }
        }
        assertEquals(borders, index.count(), this::told);
    }

    private boolean continues(final int page) {
        return mapped[page] && flags[page] == flags[page + 1] && file[page] == file[page + 1]
            && filePage[page] + 1 == filePage[page + 1] && reservation[page] == reservation[page + 1];
    }
}
