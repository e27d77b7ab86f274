package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.vellum.StackDescent;

/**
 * A stack that overflows in the middle of an allocation, a free or a balance, at any depth: what has not returned is not allocated, what was
 * allocated can be freed, and no lock is held and no page lost.
 */
final class PercpuStackOverflowTest {
    private static final int ROUNDS = 300;
    private static final int MOST = 40;

    private final PercpuWorld world = PercpuWorld.of(2048);
    private final PercpuAllocator percpu = world.percpu;
    private final long[] held = new long[MOST];
    private int count;
    /** Given to a free that has not returned. */
    private long ending;
    private long begun;
    private long ended;
    private long balanced;
    private final StackDescent descent = new StackDescent(this::turn);

    private void turn(final int what, final int depth) {
        final int step = (what + depth) % 23;
        if (step == 22) {
            percpu.balance();
            balanced++;
        } else if (step < 12 && count < MOST) {
            held[count] = percpu.allocate(step < 3 ? 5000 * (step + 1) : 64, step < 6 ? 4096 : 4);
            count++;
            begun++;
        } else if (count > 0) {
            ending = held[--count];
            percpu.free(ending);
            ending = 0;
            ended++;
        }
    }

    private void round(final int what) {
        descent.run(what);
        final long open = percpu.stats().areas();
        assertTrue(open == count || open == count + 1 && ending != 0, "what=" + what + " open=" + open + " count=" + count);
        if (open > count) {
            percpu.free(ending);
        }
        ending = 0;
        assertFalse(world.rooms.cpus.inSection(), "what=" + what);
        assertFalse(percpu.supply().mutex.isLocked(), "what=" + what);
        percpu.verify();
        while (count > 0) {
            percpu.free(held[--count]);
        }
    }

    @Test
    void atAnyDepth() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            final int what = i;
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
        assertTrue(begun > 10L * ROUNDS && ended > 10L * ROUNDS && balanced > ROUNDS, "begun=" + begun + " ended=" + ended + " balanced=" + balanced);
        percpu.balance();
        world.close();
    }
}
