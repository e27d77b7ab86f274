package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.vellum.StackDescent;

/**
 * A stack that overflows in the middle of what takes from one word and adds to another: what was added is somewhere, whatever the depth. Only of
 * the additions that threw themselves it is not known whether they took place.
 */
final class PerCpuStackOverflowTest {
    private static final int ROUNDS = 1_500;
    private static final int BATCH = 16;

    private final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
    private final PerCpuBatchCounter counter = new PerCpuBatchCounter(world, BATCH);
    private final long pointer = world.allocate(8, 8);
    private long added;
    private long taken;
    private long uncertain;
    private long moved;
    private final StackDescent descent = new StackDescent(this::turn);

    private void turn(final int what, final int depth) {
        final int step = (what + depth) % 20;
        if (step == 0) {
            taken += counter.sumThenReset();
        } else if (step < 3) {
            world.access().foldLong(pointer, CopyWorld.CPUS[step & 1], CopyWorld.CPUS[step & 1 ^ 1]);
            moved++;
        } else {
            // Back when it has happened, or not.
            uncertain++;
            counter.add(1);
            uncertain--;
            added++;
        }
    }

    private void round(final int what) {
        final long before = taken;
        descent.run(what);
        final long sum = counter.sum() + taken;
        assertTrue(sum >= added && sum <= added + uncertain,
            "what=" + what + " sum=" + sum + " added=" + added + " uncertain=" + uncertain + " taken=" + (taken - before));
        assertEquals(1000, world.access().sumLong(pointer), "what=" + what);
    }

    @Test
    void atAnyDepth() throws Exception {
        world.access().addLong(world.cpu(0), pointer, 1000);
        // Linked once: that takes more stack than there is.
        turn(0, 0);
        turn(0, 1);
        for (int i = 0; i < BATCH; i++) {
            turn(0, 3);
        }
        for (int i = 0; i < ROUNDS; i++) {
            final int what = i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                round(what);
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 200_000 + (what % 61) * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
        }
        assertEquals(ROUNDS, descent.overflows());
        assertTrue(added > 10L * ROUNDS && moved > ROUNDS && taken > 0, "added=" + added + " moved=" + moved + " taken=" + taken);
    }
}
