package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.GatherMode;
import org.vellum.mmu.SpaceTable;

/**
 * Some map and unmap, some pin whatever they find and keep it for a while outside sections, some take what is free and fill it with poison.
 * What is pinned stays what it was; and nobody's free ever meets a count that is not its own.
 */
@Tag("stress")
final class UserPagesStressTest {
    private static final int LEAVES = 2;
    private static final int PAGES = LEAVES * SpaceTable.LEAF_PAGES;
    private static final int RANGE = 16;
    private static final long POISON = -1;

    private final PinWorld world = new PinWorld(4096, PAGES);
    private final AtomicLong fast = new AtomicLong();
    private final AtomicLong slow = new AtomicLong();
    private final AtomicLong outlived = new AtomicLong();
    private final AtomicLong poisoned = new AtomicLong();
    private volatile long lastMapped;

    /** Each of the two has every other range to itself. */
    private void map(final int mapper) {
        final long first = (2L * ThreadLocalRandom.current().nextInt(PAGES / RANGE / 2) + mapper) * RANGE;
        for (long page = first; page < first + RANGE; page++) {
            // Another may have faulted it in meanwhile.
            world.fault(page, true);
        }
        lastMapped = first;
        LockSupport.parkNanos(1);
        world.unmap(ThreadLocalRandom.current().nextBoolean() ? GatherMode.WAIT : GatherMode.RETIRE, first, first + RANGE);
    }

    private void pin(final long[] pinned) {
        final long first = ThreadLocalRandom.current().nextBoolean() ? lastMapped : ThreadLocalRandom.current().nextInt(PAGES - RANGE);
        final boolean write = ThreadLocalRandom.current().nextBoolean();
        final boolean faulting = ThreadLocalRandom.current().nextInt(8) == 0;
        final int count = faulting ? pinAll(first, write, pinned) : world.userPages.pinFast(first, RANGE, write, pinned, 0);
        (faulting ? slow : fast).addAndGet(count);
        final int looks = ThreadLocalRandom.current().nextInt(64) == 0 ? 2000 : 20;
        for (int look = 0; look < looks; look++) {
            for (int i = 0; i < count; i++) {
                assertEquals(first + i, world.content(pinned[i]), "a pinned frame became another's");
            }
        }
        for (int i = 0; i < count; i++) {
            outlived.addAndGet(world.count(pinned[i]) == 1 ? 1 : 0);
        }
        world.userPages.unpin(pinned, 0, count, write);
    }

    private int pinAll(final long first, final boolean write, final long[] pinned) {
        final int count = world.userPages.pin(first, RANGE, write, pinned, 0);
        assertTrue(count > 0);
        return count;
    }

    private void poison() {
        final long[] taken = new long[64];
        final Cpu cpu = world.cpus.enter();
        try {
            int count = 0;
            while (count < taken.length) {
                taken[count] = world.frames.allocate(cpu, 0);
                if (taken[count] == PhysicalMemory.NO_FRAME) {
                    break;
                }
                UnsafeApi.putLongOpaque(null, world.frames.memory().nativeAddress(taken[count++]), POISON);
            }
            for (int i = 0; i < count; i++) {
                // Throws if anybody has counted it.
                world.frames.free(cpu, taken[i], 0);
            }
            poisoned.addAndGet(count);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void whatIsPinnedStaysWhatItWas() throws Exception {
        world.readable.set(0, PAGES);
        world.writable.set(0, PAGES);
        final StressClock clock =
            new StressClock(1500, () -> fast.get() > 5000 && slow.get() > 500 && outlived.get() > 100 && poisoned.get() > 5000);
        SmallMemory.inThreads(6, thread -> {
            final long[] pinned = new long[RANGE];
            try {
                while (clock.running()) {
                    if (thread < 2) {
                        map(thread);
                    } else if (thread < 3) {
                        poison();
                    } else {
                        pin(pinned);
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "fast=" + fast + " slow=" + slow + " outlived=" + outlived + " poisoned=" + poisoned);
        world.requireNothingLeft();
    }
}
