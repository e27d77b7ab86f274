package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.vellum.StackDescent;
import org.vellum.mmu.SpaceTable;

/** A stack that overflows anywhere in an unmap, at any depth: no lock is held, no gather left behind, and no reference lost. */
final class GatherStackOverflowTest {
    private static final int ROUNDS = 300;
    private static final int PAGES = 2 * SpaceTable.LEAF_PAGES;

    private final GatherWorld world = new GatherWorld(256, PAGES, 16 << 12, 64);
    private final long frame = world.frame();
    private int next;
    private long unmaps;
    private final StackDescent descent = new StackDescent(this::turn);

    private void turn(final int what, final int depth) {
        final int start = next % PAGES;
        final int end = Math.min(PAGES, start + 1 + (what + depth) % 12);
        next = end;
        world.unmap(depth % 3 == 0 ? GatherMode.WAIT : GatherMode.RETIRE, start, end, (what + depth) % 5 == 0);
        unmaps++;
    }

    private void round(final int what) {
        descent.run(what);
        assertFalse(world.cpus.inSection(), "what=" + what);
        assertFalse(world.table.lockOf(0).isHeld() || world.table.lockOf(SpaceTable.LEAF_PAGES).isHeld(), "what=" + what);
        assertEquals(0, world.flushes.pending(), "what=" + what);
        assertEquals(0, world.gathers.underWay(), "what=" + what);
    }

    private void mapAll() {
        for (int page = 0; page < PAGES; page++) {
            world.frames.get(frame);
            if (!world.map(page, frame)) {
                world.drop(frame);
            }
        }
    }

    @Test
    void atAnyDepth() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            final int what = i;
            mapAll();
            final FutureTask<Void> task = new FutureTask<>(() -> {
                round(what);
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 200_000 + (what % 60) * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
        }
        assertEquals(ROUNDS, descent.overflows());
        assertTrue(unmaps > 10L * ROUNDS, "unmaps=" + unmaps);
        world.unmap(GatherMode.WAIT, 0, PAGES, true);
        world.gathers.settle();
        assertEquals(1, world.frames.table().count(frame));
        world.free(frame);
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }
}
