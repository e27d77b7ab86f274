package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.frame.PhysicalMemory;

/** Random changes of a table of three leaves, the last of them not whole, against arrays. */
class SpaceTableFuzzTest {
    private static final int PAGES = 2 * SpaceTable.LEAF_PAGES + 40;
    private static final int LEAVES = 3;
    private static final int STEPS = 200_000;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final SpaceWorld world = new SpaceWorld(PAGES, 2, hashed());
    private final SpaceTable table = world.table;
    private final long[] leaf = new long[LEAVES];
    private final long[] states = new long[PAGES];
    private final int[] versions = new int[PAGES];
    private final int[] used = new int[LEAVES];
    private final long[] pool = {world.newFrame(1), world.newFrame(2), world.newFrame(3)};
    private long detached;
    private long inUse;
    private long taken;
    private long stale;
    private long dirty;

    /** Whether translations are kept in a hash, too. Asked while this object is made. */
    boolean hashed() {
        return false;
    }

    private boolean covered() {
        return detached > 10 && inUse > 10 && taken > 10 && stale > 10 && dirty > 10;
    }

    private String figures() {
        return "seed=" + seed + " detached=" + detached + " inUse=" + inUse + " taken=" + taken + " stale=" + stale + " dirty=" + dirty;
    }

    @Test
    void agreesWithArrays() {
        System.out.println(getClass().getSimpleName() + " seed=" + seed);
        Arrays.fill(leaf, PhysicalMemory.NO_FRAME);
        final FuzzSteps steps = new FuzzSteps(STEPS, this::covered);
        while (steps.next()) {
            step();
            if (steps.every(1024)) {
                compareAll();
            }
        }
        steps.assertCovered(this::figures);
        compareAll();
        for (int page = 0; page < PAGES; page++) {
            world.replace(page, SpaceEntry.NONE);
        }
        for (int i = 0; i < LEAVES; i++) {
            final long frame = world.detach((long)i << SpaceTable.LEAF_SHIFT);
            assertEquals(leaf[i], frame, this::figures);
            if (frame != PhysicalMemory.NO_FRAME) {
                world.free(frame);
            }
        }
        for (final long frame : pool) {
            world.free(frame);
        }
        assertEquals(0, world.frames.allocatedFrames());
    }

    /** Few pages of each leaf, so that a leaf falls empty now and then. */
    private int randomPage() {
        return random.nextInt(LEAVES) * SpaceTable.LEAF_PAGES + random.nextInt(4) * 13;
    }

    private void step() {
        final int page = randomPage();
        final int number = (int)SpaceTable.leafOf(page);
        final int dice = random.nextInt(100);
        if (dice < 10) {
            attachOrDetach(page, number);
        } else if (dice < 40) {
            set(page, number);
        } else if (dice < 80) {
            replace(page, number, dice < 65 ? SpaceEntry.NONE : randomState());
        } else {
            mark(page, number);
        }
        compare(page);
    }

    private void attachOrDetach(final int page, final int number) {
        final long before = table.directoryWord(page);
        if (leaf[number] == PhysicalMemory.NO_FRAME) {
            assertEquals(PhysicalMemory.NO_FRAME, world.detach(page), this::figures);
            leaf[number] = world.newFrame(0);
            world.attach(page, leaf[number]);
            for (int i = number * SpaceTable.LEAF_PAGES; i < Math.min(PAGES, (number + 1) * SpaceTable.LEAF_PAGES); i++) {
                versions[i] = 0;
            }
        } else if (used[number] > 0) {
            assertEquals(PhysicalMemory.NO_FRAME, world.detach(page), this::figures);
            inUse++;
            return;
        } else {
            assertEquals(leaf[number], world.detach(page), this::figures);
            world.free(leaf[number]);
            leaf[number] = PhysicalMemory.NO_FRAME;
            detached++;
        }
        assertNotEquals(before, table.directoryWord(page), this::figures);
    }

    private long randomState() {
        if (random.nextInt(8) == 0) {
            return SpaceEntry.swapped(random.nextInt(1 << 20));
        }
        return world.present(pool[random.nextInt(pool.length)], random.nextLong() & (SpaceEntry.READABLE | SpaceEntry.WRITABLE
            | SpaceEntry.ACCESSED | SpaceEntry.EXCLUSIVE | SpaceEntry.SPECIAL));
    }

    private void set(final int page, final int number) {
        if (leaf[number] == PhysicalMemory.NO_FRAME) {
            return;
        }
        final long state = randomState();
        final boolean none = SpaceEntry.isNone(states[page]);
        taken += none ? 0 : 1;
        assertEquals(none, world.set(page, state), this::figures);
        if (none) {
            change(page, state);
            used[number]++;
        }
    }

    private void change(final int page, final long state) {
        states[page] = state;
        versions[page] = versions[page] + 1 & 0x7FFF;
    }

    private void replace(final int page, final int number, final long state) {
        final long old = world.replace(page, state);
        if (leaf[number] == PhysicalMemory.NO_FRAME || SpaceEntry.isNone(states[page])) {
            assertEquals(SpaceEntry.NONE, old, this::figures);
            return;
        }
        assertEquals(states[page], SpaceEntry.state(old), this::figures);
        dirty += SpaceEntry.has(old, SpaceEntry.DIRTY) ? 1 : 0;
        used[number] -= SpaceEntry.isNone(state) ? 1 : 0;
        change(page, state);
    }

    private void mark(final int page, final int number) {
        if (!SpaceEntry.isPresent(states[page]) || leaf[number] == PhysicalMemory.NO_FRAME) {
            return;
        }
        final long seen = table.get(page);
        if (random.nextInt(4) == 0) {
            world.replace(page, states[page]);
            change(page, states[page]);
            assertFalse(world.mark(page, seen, SpaceEntry.ACCESSED), this::figures);
            stale++;
        } else {
            assertTrue(world.mark(page, seen, SpaceEntry.ACCESSED | SpaceEntry.DIRTY), this::figures);
            states[page] |= SpaceEntry.ACCESSED | SpaceEntry.DIRTY;
        }
    }

    private void compare(final int page) {
        final long entry = table.get(page);
        final boolean there = leaf[(int)SpaceTable.leafOf(page)] != PhysicalMemory.NO_FRAME;
        assertEquals(there, table.hasLeafFor(page), this::figures);
        assertEquals(states[page], SpaceEntry.state(entry), this::figures);
        assertEquals(there ? versions[page] : 0, SpaceEntry.version(entry), this::figures);
        assertEquals(used[(int)SpaceTable.leafOf(page)], table.used(page), this::figures);
    }

    private void compareAll() {
        if (hashed()) {
            assertTrue(world.hash.verify(table) <= 16 * HashedTable.SLOTS, this::figures);
        }
        long counted = 0;
        long leaves = 0;
        for (int page = 0; page < PAGES; page++) {
            compare(page);
            counted += SpaceEntry.isCounted(states[page]) ? 1 : 0;
        }
        for (final long frame : leaf) {
            leaves += frame == PhysicalMemory.NO_FRAME ? 0 : 1;
        }
        assertEquals(leaves, table.attachedLeaves(), this::figures);
        assertEquals(counted, table.verify(world.frames.table()), this::figures);
    }
}
