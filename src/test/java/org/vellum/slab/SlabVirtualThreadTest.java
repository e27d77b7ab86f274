package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.CpuOptions;

@Tag("stress")
final class SlabVirtualThreadTest {
    private static final int THREADS = 100_000;
    private static final int BOARD = 256;
    private static final int[] CLASSES = {SizeClasses.of(64), SizeClasses.of(256), SizeClasses.of(1024)};
    /** Twice what is live if every thread yields with its object in hand before the first goes on. */
    private static final int SLABS = 2_816;

    private final SlabWorld world =
        new SlabWorld(SlabWorld.SLOTS.withMaxSlots(CpuOptions.MAX_SLOTS).withSlotWaitNanos(60_000_000_000L), SLABS);
    private final AtomicLongArray board = new AtomicLongArray(BOARD);
    private final AtomicLong freedOthers = new AtomicLong();

    @Test
    void aHundredThousandVirtualThreads() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        final Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        final AtomicReference<Throwable> failed = new AtomicReference<>();
        final CountDownLatch done = new CountDownLatch(THREADS);
        for (int i = 0; i < THREADS; i++) {
            final int index = i;
            final Runnable body = () -> {
                try {
                    allocateAndFree(index);
                } catch (final RuntimeException | Error e) {
                    failed.set(e);
                } finally {
                    done.countDown();
                }
            };
            start.invoke(null, body);
        }
        assertTrue(done.await(300, TimeUnit.SECONDS), "left=" + done.getCount());
        if (failed.get() != null) {
            throw new AssertionError(failed.get());
        }
        for (int i = 0; i < BOARD; i++) {
            if (board.get(i) != 0) {
                free(board.get(i), i);
            }
        }
        assertTrue(freedOthers.get() > THREADS / 2, "freedOthers=" + freedOthers);
        world.requireEmpty();
    }

    private void allocateAndFree(final int index) {
        final int sizeClass = CLASSES[index % CLASSES.length];
        long own;
        long seen;
        do {
            seen = world.frames.banksAdded();
            own = world.allocate(sizeClass, sizeClass);
            // As the room above does: a bank that another thread is adding is waited for outside the section.
        } while (own == 0 && world.frames.awaitBank(SlabTable.FRAMES, seen));
        assertTrue(own != 0, "exhausted: thread " + index);
        world.write(own, SizeClasses.size(sizeClass));
        Thread.yield();
        final long others = board.getAndSet(index % BOARD, own);
        if (others != 0) {
            free(others, index);
            freedOthers.incrementAndGet();
        }
    }

    private void free(final long address, final int index) {
        world.requireContent(address, SizeClasses.size(SlabAllocator.ownerOf(world.slabs.look(address))));
        if (index % 16 == 0) {
            world.freeDeferred(address);
            world.slabs.poll();
        } else {
            world.slabs.free(address);
        }
    }
}
