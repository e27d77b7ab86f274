package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
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
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/**
 * Some map and unmap, some walk in sections and dwell, some take whatever is free and fill it with poison. Nobody who walks ever sees poison,
 * nor another page than the one it looked for.
 */
@Tag("stress")
class UnmapStormStressTest {
    private static final int LEAVES = 8;
    private static final int PAGES = LEAVES * SpaceTable.LEAF_PAGES;
    private static final long POISON = -1;

    private final GatherWorld world = new GatherWorld(4096, PAGES, 4 << 20, 64, hashed());
    private final AtomicLong unmaps = new AtomicLong();
    private final AtomicLong walks = new AtomicLong();
    private final AtomicLong outlived = new AtomicLong();
    private final AtomicLong poisoned = new AtomicLong();
    private final AtomicLong tableFrees = new AtomicLong();
    private volatile boolean failingAtRandom;
    /** Where there is probably something to be seen. */
    private volatile long lastMapped;

    /** Whether translations are kept in a hash, too. Asked while this object is made. */
    boolean hashed() {
        return false;
    }

    private StressClock clock() {
        return new StressClock(1000, () -> unmaps.get() > 300 && walks.get() > 1000 && outlived.get() > 0 && poisoned.get() > 1000
            && tableFrees.get() > 10 && (!failingAtRandom || world.gathers.refusals() > 100));
    }

    /** Each mapper has a stripe of each leaf to itself; the leaves are everybody's. */
    private void map(final int mapper, final int mappers) {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        final int stripe = SpaceTable.LEAF_PAGES / mappers;
        final long first = (long)random.nextInt(LEAVES) * SpaceTable.LEAF_PAGES + (long)mapper * stripe;
        final long count = 1 + random.nextInt(stripe);
        for (long page = first; page < first + count; page++) {
            final long frame = world.allocate();
            if (frame == PhysicalMemory.NO_FRAME) {
                world.gathers.poll();
                break;
            }
            fill(frame, page);
            if (!mapOrFree(page, frame)) {
                break;
            }
        }
        lastMapped = first;
        rest();
        final long tablesBefore = world.tables.inLimbo();
        world.unmap(random.nextInt(4) == 0 ? GatherMode.WAIT : GatherMode.RETIRE, first, first + count, random.nextBoolean());
        if (world.tables.inLimbo() > tablesBefore) {
            tableFrees.incrementAndGet();
        }
        unmaps.incrementAndGet();
    }

    /** Lets others have a look, where there are fewer processors, or carriers, than threads. */
    private static void rest() {
        LockSupport.parkNanos(1);
    }

    private boolean mapOrFree(final long page, final long frame) {
        try {
            assertTrue(world.map(page, frame));
            return true;
        } catch (final AssertionError e) {
            if (!"no frame for a table".equals(e.getMessage())) {
                throw e;
            }
            world.free(frame);
            world.tables.awaitRoom(1_000_000);
            return false;
        }
    }

    private void fill(final long frame, final long word) {
        for (int i = 0; i < 16; i++) {
            UnsafeApi.putLongOpaque(null, world.frames.memory().nativeAddress(frame) + 256L * i, word);
        }
    }

    private void walk() {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        final long page = random.nextBoolean() ? lastMapped : random.nextInt(PAGES);
        final Cpu cpu = world.cpus.enter();
        try {
            final long entry = world.walk.get(page, SpaceEntry.PRESENT);
            if (!SpaceEntry.isPresent(entry)) {
                return;
            }
            final int dwell = random.nextInt(64) == 0 ? 20_000 : 50;
            for (int i = 0; i < dwell; i++) {
                assertEquals(page, UnsafeApi.getLongOpaque(null, SpaceEntry.nativePage(entry) + 256L * (i & 15)),
                    "a walker saw what a frame has become");
            }
            outlived.addAndGet(world.table.get(page) == entry ? 0 : 1);
            walks.incrementAndGet();
        } finally {
            cpu.exit();
        }
    }

    private void poison() {
        final long[] taken = new long[32];
        int count = 0;
        while (count < taken.length) {
            taken[count] = world.allocate();
            if (taken[count] == PhysicalMemory.NO_FRAME) {
                break;
            }
            fill(taken[count++], POISON);
        }
        for (int i = 0; i < count; i++) {
            world.free(taken[i]);
        }
        poisoned.addAndGet(count);
        checkHash();
    }

    /** Among the poisoners: whatever others do meanwhile, no page has two translations. */
    private void checkHash() {
        if (hashed()) {
            world.hash.verifyNoDuplicates();
        }
    }

    private void work(final int thread, final int mappers, final int poisoners, final StressClock clock) {
        try {
            while (clock.running()) {
                if (thread < mappers) {
                    map(thread, mappers);
                } else if (thread < mappers + poisoners) {
                    poison();
                } else {
                    walk();
                }
            }
        } finally {
            clock.stop();
        }
    }

    private void atTheEnd(final StressClock clock) {
        clock.assertCovered(() -> "unmaps=" + unmaps + " walks=" + walks + " outlived=" + outlived + " poisoned=" + poisoned
            + " tableFrees=" + tableFrees + " refusals=" + world.gathers.refusals());
        world.gathers.batches.failing = null;
        world.unmap(GatherMode.WAIT, 0, PAGES, true);
        assertEquals(0, world.table.attachedLeaves());
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    @Test
    void noWalkerSeesPoison() throws Exception {
        final StressClock clock = clock();
        SmallMemory.inThreads(6, thread -> work(thread, 2, 1, clock));
        atTheEnd(clock);
    }

    @Test
    void noWalkerSeesPoisonWithBatchesFailingAtRandom() throws Exception {
        failingAtRandom = true;
        world.gathers.batches.failing = () -> ThreadLocalRandom.current().nextInt(3) > 0;
        final StressClock clock = clock();
        SmallMemory.inThreads(6, thread -> work(thread, 2, 1, clock));
        atTheEnd(clock);
    }

    @Test
    void noWalkerSeesPoisonAmong128Threads() throws Exception {
        final StressClock clock = clock();
        SmallMemory.inThreads(128, thread -> work(thread, 32, 16, clock));
        atTheEnd(clock);
    }

    /** Virtual threads that park in their flushes, and are unmounted between slices. */
    @Test
    void noWalkerSeesPoisonAmongVirtualThreads() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        final Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        final StressClock clock = clock();
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            final int thread = i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                // One that never parked would keep its carrier to itself, and those that only yielded would keep it among themselves.
                try {
                    while (clock.running()) {
                        if (thread < 16) {
                            map(thread, 16);
                        } else if (thread < 24) {
                            poison();
                        } else {
                            walk();
                        }
                        rest();
                    }
                } finally {
                    clock.stop();
                }
                return null;
            });
            tasks.add(task);
            start.invoke(null, task);
        }
        for (final FutureTask<Void> task : tasks) {
            SmallMemory.join(task);
        }
        atTheEnd(clock);
    }
}
