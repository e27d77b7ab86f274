package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.gather.GatherFailures;
import org.vellum.gather.GatherMode;
import org.vellum.lock.LockThreads;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;
import org.vellum.report.WouldWaitException;

/**
 * The storm: threads map, touch, protect, discard and unmap, each in a range of its own and all in a shared one, and are interrupted all the time;
 * readers look without sections, and dwell in sections; one takes whatever is free and fills it with poison. A page holds zeroes or its own
 * address, whoever looks: never poison, never another page's.
 */
@Tag("stress")
class AddressSpaceStressTest {
    private static final int FRAMES = 2048;
    private static final long POISON = -1;
    /** Pages that each thread has to itself. */
    private static final int OWN = 3 * SpaceTable.LEAF_PAGES / 2;
    private static final int SHARED = 2 * SpaceTable.LEAF_PAGES;
    private static final long SHARED_START = 100;

    private final SpaceWorld world = new SpaceWorld(FRAMES, true).hashed(hashGroups());
    private final AtomicLong unmaps = new AtomicLong();
    private final AtomicLong discards = new AtomicLong();
    private final AtomicLong protections = new AtomicLong();
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong walks = new AtomicLong();
    private final AtomicLong outlived = new AtomicLong();
    private final AtomicLong faults = new AtomicLong();
    private final AtomicLong exhausted = new AtomicLong();
    private final AtomicLong poisoned = new AtomicLong();
    private final AtomicLong closes = new AtomicLong();
    private final AtomicLong refusedWhenClosed = new AtomicLong();
    private final AtomicReferenceArray<Thread> threads = new AtomicReferenceArray<>(256);
    private volatile boolean failingAtRandom;
    private volatile boolean closing;
    /** Where there is probably something to be seen. */
    private volatile long lastMapped = SHARED_START;
    private volatile AddressSpace space;
    private StressClock clock;

    @AfterEach
    void closes() {
        world.close();
    }

    private String figures() {
        return "unmaps=" + unmaps + " discards=" + discards + " protections=" + protections + " reads=" + reads + " walks=" + walks + " outlived=" + outlived + " faults="
            + faults + " exhausted=" + exhausted + " poisoned=" + poisoned + " closes=" + closes + " refused=" + refusedWhenClosed + " "
            + world.spaces.stats();
    }

    private boolean covered() {
        return unmaps.get() > 300 && discards.get() > 100 && protections.get() > 100 && reads.get() > 1000 && walks.get() > 100 && outlived.get() > 10
            && faults.get() > 100 && poisoned.get() > 1000
            && (world.spaces.stats().handedOver() > 0 || space.options().policy() == UnmapPolicy.ATOMIC || space.options().mode() == GatherMode.WAIT)
            && (!closing || closes.get() > 10 && refusedWhenClosed.get() > 10) && (!failingAtRandom || world.spaces.stats().batchRefusals() > 100);
    }

    private static void rest() {
        LockSupport.parkNanos(1);
    }

    /** In one word of each page its address, or nothing yet. */
    private static void check(final long page, final long value, final String who) {
        if (value != 0 && value != page * PAGE) {
            throw new AssertionError(who + " saw 0x" + Long.toHexString(value) + " in page=" + page);
        }
    }

    private interface Step {
        void run(ThreadLocalRandom random);
    }

    /** What others may do to one at any time is no failure; anything else is. */
    private void attempt(final Step step) {
        try {
            step.run(ThreadLocalRandom.current());
        } catch (final PageFaultException e) {
            faults.incrementAndGet();
        } catch (final ExhaustedException e) {
            exhausted.incrementAndGet();
        } catch (final WouldWaitException e) {
            faults.incrementAndGet();
        }
    }

    private long slot(final long page) {
        return page * PAGE + (page & 511) * 8;
    }

    private void store(final AddressSpace in, final long page) {
        in.access().putLong(slot(page), page * PAGE);
    }

    private void load(final AddressSpace in, final long page, final String who) {
        check(page, in.access().getLong(slot(page)), who);
        reads.incrementAndGet();
    }

    /** Maps some of its own pages and is sure of them, until it takes them away. */
    private void own(final AddressSpace in, final long first, final ThreadLocalRandom random) {
        final long count = 1 + random.nextInt(random.nextInt(8) == 0 ? OWN : 40);
        final long start = first + random.nextLong(OWN - count + 1);
        in.mapFixed(start * PAGE, count * PAGE, MapOptions.DEFAULT);
        try {
            for (long page = start; page < start + count; page += 1 + random.nextInt(3)) {
                store(in, page);
                assertEquals(page * PAGE, in.access().getLong(slot(page)), "lost a store of my own");
            }
            lastMapped = start;
            rest();
            change(in, start, count, random);
        } finally {
            if (random.nextInt(4) == 0) {
                Thread.currentThread().interrupt();
            }
            in.unmap(start * PAGE, count * PAGE);
            Thread.interrupted();
            unmaps.incrementAndGet();
        }
    }

    private void change(final AddressSpace in, final long start, final long count, final ThreadLocalRandom random) {
        final long at = start + random.nextLong(count);
        final long bytes = (start + count - at) * PAGE;
        switch (random.nextInt(4)) {
            case 0 -> {
                in.advise(at * PAGE, bytes, Advice.DONTNEED);
                assertEquals(0, in.access().getLong(slot(at)), "not taken away");
                discards.incrementAndGet();
            }
            case 1 -> {
                in.protect(at * PAGE, bytes, Region.READ);
                try {
                    store(in, at);
                    throw new AssertionError("stored to what is read-only");
                } catch (final PageFaultException e) {
                    protections.incrementAndGet();
                }
            }
            case 2 -> in.advise(at * PAGE, bytes, Advice.FREE);
            default -> store(in, at);
        }
    }

    /** Where everybody does what he likes: only contents are certain. */
    private void shared(final AddressSpace in, final ThreadLocalRandom random) {
        final long count = 1 + random.nextInt(random.nextInt(8) == 0 ? SHARED : 20);
        final long start = SHARED_START + random.nextLong(SHARED - count + 1);
        try {
            switch (random.nextInt(6)) {
                case 0 -> in.mapFixed(start * PAGE, count * PAGE, MapOptions.DEFAULT);
                case 1 -> unmapShared(in, start, count, random);
                case 2 -> in.protect(start * PAGE, count * PAGE, random.nextInt(4));
                case 3 -> in.advise(start * PAGE, count * PAGE, Advice.values()[random.nextInt(4)]);
                default -> {
                    for (long page = start; page < start + count; page++) {
                        store(in, page);
                    }
                }
            }
        } catch (final IllegalArgumentException e) {
            // Mapped, or not, by another.
            faults.incrementAndGet();
        }
    }

    private void unmapShared(final AddressSpace in, final long start, final long count, final ThreadLocalRandom random) {
        if (random.nextBoolean()) {
            Thread.currentThread().interrupt();
        }
        in.unmap(start * PAGE, count * PAGE);
        Thread.interrupted();
        unmaps.incrementAndGet();
    }

    private void read(final AddressSpace in, final long pages, final ThreadLocalRandom random) {
        final long page = random.nextInt(4) > 0 ? lastMapped
            : random.nextBoolean() ? SHARED_START + random.nextInt(SHARED) : SHARED_START + random.nextLong(pages);
        if (random.nextInt(4) > 0) {
            load(in, page, "a reader");
            return;
        }
        final Cpu cpu = world.cpus.enter();
        try {
            final long at = in.access().readable(cpu, slot(page));
            final long entry = in.descriptor().table.get(page);
            final int dwell = random.nextInt(16) == 0 ? 20_000 : 50;
            if (dwell > 1000) {
                rest();
            }
            for (int i = 0; i < dwell; i++) {
                check(page, UnsafeApi.getLongOpaque(null, at), "a walker");
            }
            outlived.addAndGet(SpaceEntry.isSame(in.descriptor().table.get(page), entry) ? 0 : 1);
            walks.incrementAndGet();
        } finally {
            cpu.exit();
        }
    }

    /** Takes some of what is free, fills it, and gives it back. */
    private void poison(final ThreadLocalRandom random) {
        final long[] frames = new long[1 + random.nextInt(64)];
        int taken = 0;
        while (taken < frames.length) {
            final long frame = world.allocate();
            if (frame == PhysicalMemory.NO_FRAME) {
                break;
            }
            UnsafeApi.setMemory(world.frames.memory().nativeAddress(frame), PAGE, (byte)POISON);
            frames[taken++] = frame;
        }
        poisoned.addAndGet(taken);
        rest();
        while (taken > 0) {
            world.free(frames[--taken]);
        }
        if (random.nextInt(8) == 0) {
            world.spaces.poll();
        }
        interruptOne(random);
        if (closing && random.nextInt(16) == 0) {
            closeAndReplace();
        }
    }

    private void interruptOne(final ThreadLocalRandom random) {
        final Thread other = threads.get(random.nextInt(threads.length()));
        if (other != null) {
            other.interrupt();
        }
    }

    private void closeAndReplace() {
        final AddressSpace old = space;
        space = world.spaces.create(old.options());
        old.close();
        closes.incrementAndGet();
    }

    private void work(final int thread, final int owners, final int readers) {
        final long pages = SHARED + (long)owners * OWN;
        threads.set(thread, Thread.currentThread());
        while (clock.running()) {
            final AddressSpace in = space;
            try {
                attempt(random -> {
                    if (thread >= owners + readers) {
                        poison(random);
                    } else if (thread >= owners) {
                        // Where there are fewer carriers than readers: no park while an interrupt is pending.
                        Thread.interrupted();
                        rest();
                        read(in, pages, random);
                    } else if (random.nextInt(3) == 0) {
                        shared(in, random);
                    } else {
                        own(in, SHARED_START + SHARED + (long)thread * OWN, random);
                    }
                });
            } catch (final IllegalStateException e) {
                if (!in.descriptor().closed) {
                    throw e;
                }
                refusedWhenClosed.incrementAndGet();
            }
        }
    }

    private void storm(final GatherMode mode, final UnmapPolicy policy, final int owners, final int readers) throws Exception {
        prepare(mode, policy, owners);
        clock = new StressClock(1000, this::covered);
        SmallMemory.inThreads(owners + readers + 1, thread -> {
            try {
                work(thread, owners, readers);
            } finally {
                clock.stop();
            }
        });
        finish();
    }

    private void prepare(final GatherMode mode, final UnmapPolicy policy, final int owners) {
        space = world.space(SHARED_START + SHARED + (long)owners * OWN, mode, policy);
        if (failingAtRandom) {
            GatherFailures.failBatches(world.spaces.gathers(), () -> ThreadLocalRandom.current().nextInt(3) > 0);
        }
    }

    /** Conservation: with the space all its frames go, by a walk of the frame table. */
    private void finish() {
        Thread.interrupted();
        clock.assertCovered(this::figures);
        world.settledFrames();
        world.spaces.verify();
        assertEquals(0, space.unfinished());
        space.close();
        assertTrue(world.settledFrames() <= 1, () -> "frames in use=" + world.frames.allocatedFrames() + " " + figures());
        world.spaces.gathers().verify();
        world.cpus.verifyQuiet();
    }

    @Test
    void leavingFramesToLimbo() throws Exception {
        storm(GatherMode.RETIRE, UnmapPolicy.PREEMPTIBLE, 3, 2);
    }

    @Test
    void withoutMemoryForBatchesAtRandom() throws Exception {
        failingAtRandom = true;
        storm(GatherMode.RETIRE, UnmapPolicy.PREEMPTIBLE, 3, 2);
    }

    @Test
    void waitingForSections() throws Exception {
        storm(GatherMode.WAIT, UnmapPolicy.PREEMPTIBLE, 3, 2);
    }

    @Test
    void underTheLockOfTheSpace() throws Exception {
        storm(GatherMode.RETIRE, UnmapPolicy.ATOMIC, 3, 2);
    }

    @Test
    void underTheLockOfTheSpaceAndWaiting() throws Exception {
        storm(GatherMode.WAIT, UnmapPolicy.ATOMIC, 3, 2);
    }

    @Test
    void spacesAreClosedWhileOthersUseThem() throws Exception {
        closing = true;
        storm(GatherMode.RETIRE, UnmapPolicy.PREEMPTIBLE, 3, 2);
    }

    @Test
    void oneHundredAndTwentyEightThreads() throws Exception {
        storm(GatherMode.RETIRE, UnmapPolicy.PREEMPTIBLE, 96, 31);
    }

    @Test
    void virtualThreads() throws Exception {
        final Method start = LockThreads.startVirtual();
        assumeTrue(start != null, "this JDK has no virtual threads");
        prepare(GatherMode.RETIRE, UnmapPolicy.PREEMPTIBLE, 24);
        clock = new StressClock(1000, this::covered);
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            final int thread = i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                try {
                    work(thread, 24, 7);
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
        finish();
    }

    /** Whether translations are kept in a hash, too. */
    int hashGroups() {
        return 0;
    }
}
