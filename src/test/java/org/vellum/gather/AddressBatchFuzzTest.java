package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.cpu.SpinLock;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * Random changes of the entries of one leaf, by holders of its lock that are in lazy mode or not, with accesses in between: after each step
 * no page has two translations, and a copy of what is gone is one that was cleared in this hold.
 */
final class AddressBatchFuzzTest {
    private static final int PAGES = SpaceTable.LEAF_PAGES;
    private static final int STEPS = 40_000;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final GatherWorld world = new GatherWorld(64, PAGES, 1L << 30, 64, true);
    private final long[] frames = {world.frame(), world.frame(), world.frame()};
    /** Cleared in the present hold, in lazy mode, and not set since. */
    private final BitSet putOff = new BitSet();
    private SpinLock lock;
    private boolean lazy;
    private long stale;
    private long exchanged;

    private boolean covered() {
        return stale > 100 && exchanged > 100 && world.batches.earlyFlushes() > 100 && world.batches.fullFlushes() > 0;
    }

    private String figures() {
        return "seed=" + seed + " stale=" + stale + " exchanged=" + exchanged + " early=" + world.batches.earlyFlushes() + " full="
            + world.batches.fullFlushes();
    }

    @Test
    void twoTranslationsNeverExist() {
        System.out.println("AddressBatchFuzzTest seed=" + seed);
        assertTrue(world.set(0, state()));
        final FuzzSteps steps = new FuzzSteps(STEPS, this::covered);
        while (steps.next()) {
            if (random.nextInt(64) == 0) {
                toggle();
            } else if (lock == null || random.nextInt(3) == 0) {
                world.look(random.nextInt(PAGES));
            } else {
                change(random.nextInt(4) == 0 ? PAGES : 8);
            }
            if (steps.every(64)) {
                check();
            }
        }
        if (lock != null) {
            toggle();
        }
        check();
        steps.assertCovered(this::figures);
        world.unmap(GatherMode.WAIT, 0, PAGES, true);
        assertEquals(0, world.hash.verify(world.table), this::figures);
        for (final long frame : frames) {
            world.free(frame);
        }
        world.requireNothingLeft();
    }

    private long state() {
        return SpaceEntry.present(world.frames.memory().nativeAddress(frames[random.nextInt(frames.length)]),
            SpaceEntry.SPECIAL | SpaceEntry.READABLE);
    }

    private void toggle() {
        if (lock == null) {
            lock = world.table.lockOf(0);
            lock.lock();
            lazy = random.nextInt(4) > 0;
            if (lazy) {
                world.table.lazyEnter(0);
            }
        } else {
            if (lazy) {
                world.table.lazyExit(0);
            }
            lazy = false;
            putOff.clear();
            lock.unlock();
            lock = null;
        }
    }

    /** Of one page, or of all from there on. */
    private void change(final int most) {
        final int page = random.nextInt(PAGES);
        if (most == PAGES && random.nextInt(16) == 0) {
            for (int next = page; next < PAGES; next++) {
                setOrClear(next, true);
            }
        } else {
            setOrClear(page % most, random.nextBoolean());
        }
    }

    private void setOrClear(final int page, final boolean clear) {
        final long entry = world.table.get(page);
        if (SpaceEntry.isNone(entry)) {
            assertTrue(world.table.setIfNone(page, state()), this::figures);
            // With the rest of the batch, if it was in it; the others are none still.
            putOff.clear(page);
        } else if (clear) {
            world.table.replaceNoFlush(page, SpaceEntry.NONE);
            putOff.set(page, lazy);
        } else {
            world.table.replaceNoFlush(page, state());
            exchanged++;
        }
    }

    private void check() {
        world.hash.verifyNoDuplicates();
        for (int page = 0; page < PAGES; page++) {
            final long copy = world.hash.lookup(page);
            final long entry = world.table.get(page);
            if (SpaceEntry.isPresent(copy) && !SpaceEntry.isSame(copy, entry)) {
                assertTrue(putOff.get(page) && SpaceEntry.isNone(entry), this::figures);
                stale++;
            }
        }
        assertFalse(lock == null && !putOff.isEmpty(), this::figures);
    }
}
