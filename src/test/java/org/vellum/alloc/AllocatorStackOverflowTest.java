package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StackDescent;
import org.vellum.Vellum;
import org.vellum.slab.SizeClasses;

/**
 * A stack that overflows in the middle of an allocation or a free, at any depth: what was not returned is not allocated, what was freed is
 * not charged, and no slab, run or area is lost.
 */
final class AllocatorStackOverflowTest {
    private static final long FRAMES = 8192;
    private static final int ROUNDS = 300;
    private static final int SLAB_ROUNDS = 120;
    private static final int SLABFULS = 12;
    private static final long[] SIZES = {1, 64, 1000, 8192, 9000, 20_000, 262_144, 300_000, 1_100_000};

    private final Vellum memory = SmallMemory.builder(FRAMES, 4 * FRAMES).open();
    private final OffHeapAllocator allocator = memory.allocator();
    private final Budget child = allocator.budget().child("child", FRAMES << 12);
    private final long[] held = new long[32];
    private int count;
    /** Given to a free that has not returned. */
    private long ending;
    private final StackDescent descent = new StackDescent(this::turn);
    private long operations;

    private void turn(final int what, final int depth) {
        final long size = SIZES[(what + depth) % SIZES.length];
        operations++;
        if (count < held.length && (depth & 3) != 3) {
            held[count] = allocator.allocate(size, 1, (depth & 4) == 0 ? child : null);
            count++;
        } else if (count > 0) {
            ending = held[--count];
            if ((depth & 8) == 0) {
                allocator.free(ending);
            } else {
                allocator.freeDeferred(ending);
            }
            ending = 0;
        }
    }

    private void round(final int what) {
        descent.run(what);
        freeTheRest();
        assertEquals(0, child.used(), "what=" + what);
    }

    private void freeTheRest() {
        if (ending != 0) {
            try {
                allocator.free(ending);
            } catch (final IllegalStateException | IllegalArgumentException e) {
                assertTrue(e.getMessage().contains("0x"), "freed before the overflow");
            }
            ending = 0;
        }
        while (count > 0) {
            allocator.free(held[--count]);
        }
    }

    @Test
    void nothingIsLost() throws Exception {
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
        assertTrue(operations > 10L * ROUNDS, "operations=" + operations);
        AllocatorMemory.requireEmpty(memory);
        child.close();
        memory.close();
    }

    /** Three slabs' worth and back at every depth: so that the stack ends within frees that give a slab back to the frames, too. */
    private void fillAndEmpty(final int depth) {
        while (count < SLABFULS) {
            held[count] = allocator.allocate(SizeClasses.MAX_SIZE);
            count++;
        }
        while (count > 0) {
            ending = held[--count];
            allocator.free(ending);
            ending = 0;
        }
        fillAndEmpty(depth + 1);
    }

    @Test
    void slabsThatFallEmptyAtTheEndOfAStackAreGivenBack() throws Exception {
        for (int i = 0; i < SLAB_ROUNDS; i++) {
            final FutureTask<Void> task = new FutureTask<>(() -> {
                assertThrows(StackOverflowError.class, () -> fillAndEmpty(0));
                freeTheRest();
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 160_000 + (i % 60) * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
            memory.verify();
        }
        AllocatorMemory.requireEmpty(memory);
        child.close();
        memory.close();
    }

    /** What the recorder's own calls take of the stack may be what does not fit: then an event is lost, and nothing else. */
    @Test
    void nothingIsLostWhileEventsAreRecorded() throws Exception {
        try (Recording recording = new Recording()) {
            recording.start();
            nothingIsLost();
        }
    }
}
