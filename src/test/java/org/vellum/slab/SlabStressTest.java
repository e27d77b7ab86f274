package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;

/** Real threads: objects wander, threads die, and at the end every frame is where it belongs. */
@Tag("stress")
final class SlabStressTest {
    private static final long MILLIS = 1_000;
    private static final int[] CLASSES = {SizeClasses.of(64), SizeClasses.of(1024), SizeClasses.of(4096), SizeClasses.of(8192)};

    private final SlabWorld world = new SlabWorld(96);
    private final SlabAllocator slabs = world.slabs;
    private final AtomicLong exhausted = new AtomicLong();
    private final AtomicLong freedOthers = new AtomicLong();

    private long allocate(final ThreadLocalRandom random) {
        final int sizeClass = CLASSES[random.nextInt(CLASSES.length)];
        final long address = world.allocate(sizeClass, sizeClass);
        if (address == 0) {
            exhausted.incrementAndGet();
        } else {
            world.write(address, SizeClasses.size(sizeClass));
        }
        return address;
    }

    private void free(final ThreadLocalRandom random, final long address) {
        final int sizeClass = SlabAllocator.ownerOf(slabs.look(address));
        world.requireContent(address, SizeClasses.size(sizeClass));
        final long freed = random.nextInt(8) == 0 ? world.freeDeferred(address) : slabs.free(address);
        assertEquals(sizeClass, SlabAllocator.ownerOf(freed));
    }

    /** Threads that live for a moment and for long, all through one board of mailboxes: who frees is seldom who allocated. */
    @Test
    void objectsWanderBetweenThreadsThatDie() throws Exception {
        final AtomicLongArray mailboxes = new AtomicLongArray(512);
        final AtomicInteger dead = new AtomicInteger();
        final StressClock clock = new StressClock(MILLIS, () -> {
            final SlabCounts counts = slabs.count();
            return freedOthers.get() > 1000 && dead.get() > 10 && counts.adopted() > 0 && counts.released() > 0
                && counts.created() > 0;
        });
        SmallMemory.inThreads(6, thread -> {
            while (clock.running()) {
                if (thread < 3) {
                    wander(mailboxes, 500);
                } else {
                    SmallMemory.inThread(() -> {
                        wander(mailboxes, 100);
                        return null;
                    });
                    dead.incrementAndGet();
                }
                slabs.poll();
                if (thread == 0) {
                    slabs.drainIdle();
                }
            }
        });
        world.verify();
        for (int i = 0; i < mailboxes.length(); i++) {
            if (mailboxes.get(i) != 0) {
                free(ThreadLocalRandom.current(), mailboxes.get(i));
            }
        }
        clock.assertCovered(() -> "freedOthers=" + freedOthers + " dead=" + dead + " " + slabs.count());
        world.requireEmpty();
    }

    private void wander(final AtomicLongArray mailboxes, final int steps) {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        for (int i = 0; i < steps; i++) {
            final long mine = random.nextInt(3) == 0 ? 0 : allocate(random);
            final long others = mailboxes.getAndSet(random.nextInt(mailboxes.length()), mine);
            if (others != 0) {
                free(random, others);
                freedOthers.incrementAndGet();
            }
        }
    }

    /** One allocates and hands over, three free and never allocate; the pools fill and fall empty by turns. */
    @Test
    void oneProducerAndConsumersThatNeverAllocate() throws Exception {
        final ConcurrentLinkedQueue<Long> queue = new ConcurrentLinkedQueue<>();
        final AtomicInteger queued = new AtomicInteger();
        final AtomicInteger done = new AtomicInteger();
        final StressClock clock = new StressClock(MILLIS / 2, () -> {
            final SlabCounts counts = slabs.count();
            return queued.get() > 1000 && counts.released() > 0 && counts.adopted() > 0;
        });
        SmallMemory.inThreads(4, thread -> {
            final ThreadLocalRandom random = ThreadLocalRandom.current();
            if (thread == 0) {
                try {
                    while (clock.running()) {
                        final long address = allocate(random);
                        if (address != 0) {
                            queue.add(address);
                            queued.incrementAndGet();
                        } else {
                            Thread.yield();
                            slabs.poll();
                        }
                    }
                } finally {
                    done.set(1);
                }
                return;
            }
            while (true) {
                final boolean over = done.get() != 0;
                final Long address = queue.poll();
                if (address != null) {
                    free(random, address);
                } else if (over) {
                    return;
                } else {
                    Thread.yield();
                }
            }
        });
        assertEquals(0, slabs.count().liveBytes());
        // What was released, the frees of other threads have released.
        clock.assertCovered(() -> "queued=" + queued + " " + slabs.count());
        world.requireEmpty();
    }

    /** What one idle thread can keep from others is its current slabs; those the next drain takes, without it. */
    @Test
    void anIdleThreadWhoseMemoryOthersFree() throws Exception {
        final int sizeClass = SizeClasses.of(1024);
        final int perSlab = SizeClasses.objects(sizeClass);
        final long[] addresses = new long[perSlab * 20];
        final CyclicBarrier filled = new CyclicBarrier(4);
        final CyclicBarrier freed = new CyclicBarrier(5);
        final AtomicLong checked = new AtomicLong();
        SmallMemory.inThreads(5, thread -> {
            if (thread == 0) {
                for (int i = 0; i < addresses.length; i++) {
                    addresses[i] = world.allocate(sizeClass, 0);
                }
                filled.await();
                freed.await();
                freed.await();
                return;
            }
            if (thread < 4) {
                filled.await();
                for (int i = thread - 1; i < addresses.length; i += 3) {
                    slabs.free(addresses[i]);
                }
            }
            freed.await();
            if (thread == 4) {
                world.verify();
                assertEquals(2, slabs.count().slabs(), "the current one and the kept one");
                assertEquals(SlabTable.BYTES, slabs.count().strandedBytes());
                assertTrue(slabs.count().released() >= 18);
                slabs.drainIdle();
                assertEquals(0, slabs.count().slabs());
                checked.incrementAndGet();
            }
            freed.await();
        });
        assertEquals(1, checked.get());
        world.requireEmpty();
    }

    @Test
    void ofTwoFreesOneWins() throws Exception {
        final int rounds = 20_000;
        final int sizeClass = SizeClasses.of(8192);
        final AtomicLongArray addresses = new AtomicLongArray(rounds);
        final AtomicLongArray freed = new AtomicLongArray(rounds);
        final AtomicInteger told = new AtomicInteger();
        SmallMemory.inThreads(2, thread -> {
            for (int i = 0; i < rounds; i++) {
                if (thread == 0) {
                    // The round before is over on both sides: no address is good again while somebody may free it twice.
                    await(freed, i - 1);
                    addresses.set(i, world.allocate(sizeClass, 0));
                }
                await(addresses, i);
                try {
                    slabs.free(addresses.get(i));
                } catch (final IllegalStateException e) {
                    told.incrementAndGet();
                }
                if (thread == 1) {
                    freed.set(i, 1);
                }
            }
        });
        assertEquals(rounds, told.get());
        world.requireEmpty();
    }

    private static void await(final AtomicLongArray values, final int index) {
        for (int spins = 0; index >= 0 && values.get(index) == 0; spins++) {
            if (spins % 1000 == 999) {
                Thread.yield();
            }
        }
    }

    /** Readers follow a published address in sections, a writer replaces and defers: what they see is always one content. */
    @Test
    void readersSeeWhatWasDeferredUntilTheyLeave() throws Exception {
        final int sizeClass = SizeClasses.of(8192);
        final AtomicLong published = new AtomicLong(world.allocate(sizeClass, 0));
        world.write(published.get(), 8192);
        final AtomicLong reads = new AtomicLong();
        final AtomicLong replaced = new AtomicLong();
        final StressClock clock = new StressClock(MILLIS / 2, () -> reads.get() > 1000 && replaced.get() > 10);
        SmallMemory.inThreads(3, thread -> {
            while (clock.running()) {
                if (thread == 0) {
                    final long next = world.allocate(sizeClass, 0);
                    if (next != 0) {
                        world.write(next, 8192);
                        world.freeDeferred(published.getAndSet(next));
                        replaced.incrementAndGet();
                    }
                    slabs.poll();
                } else {
                    try (Cpu cpu = world.cpus.enter()) {
                        assertTrue(cpu.index() >= 0);
                        world.requireContent(published.get(), 8192);
                        reads.incrementAndGet();
                    }
                }
            }
        });
        slabs.free(published.get());
        clock.assertCovered(() -> "reads=" + reads + " replaced=" + replaced);
        world.requireEmpty();
    }
}
