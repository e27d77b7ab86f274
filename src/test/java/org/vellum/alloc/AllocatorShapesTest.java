package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jctools.queues.varhandle.MpmcVarHandleArrayQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.slab.SizeClasses;
import org.vellum.slab.SlabCounts;

/** The shapes in which threads allocate and free that other allocators have had trouble with; contents verified, nothing left behind. */
final class AllocatorShapesTest {
    private static final int SLAB_BYTES = 32 << 10;
    private static final long SOAK_MILLIS = Long.getLong("soak.minutes", 0) == 0 ? TimeUnit.SECONDS.toMillis(8)
        : TimeUnit.MINUTES.toMillis(Long.getLong("soak.minutes"));

    private Vellum memory = builder().open();
    private final MpmcVarHandleArrayQueue<long[]> queue = new MpmcVarHandleArrayQueue<>(1024);

    private static VellumBuilder builder() {
        return Vellum.builder().memory(256L << 20).cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    }

    @AfterEach
    void nothingIsLeft() {
        AllocatorMemory.requireEmpty(memory);
        memory.close();
    }

    private long[] filled(final Random random) {
        final long size = random.nextInt(20) == 0 ? 1 + random.nextInt(200_000) : 1 + random.nextInt(6_000);
        final long[] block = {memory.allocate(size), size, random.nextLong()};
        memory.access().putLong(block[0] + (size > 16 ? size - 8 : 0), block[2]);
        return block;
    }

    private void end(final long[] block) {
        final long size = block[1];
        // Anything shorter than a word lies within the slack of its object.
        assertEquals(block[2], memory.access().getLong(block[0] + (size > 16 ? size - 8 : 0)));
        memory.free(block[0]);
    }

    private void produce(final int count, final long seed) {
        final Random random = new Random(seed);
        for (int i = 0; i < count; i++) {
            final long[] block = filled(random);
            while (!queue.offer(block)) {
                Thread.yield();
            }
        }
    }

    private void consume(final int count) {
        for (int i = 0; i < count; i++) {
            long[] block = queue.poll();
            while (block == null) {
                Thread.yield();
                block = queue.poll();
            }
            end(block);
        }
    }

    private static FutureTask<Void> start(final Runnable work) {
        final FutureTask<Void> task = new FutureTask<>(work, null);
        new Thread(task).start();
        return task;
    }

    @Test
    void oneProducerAndOneConsumer() throws Exception {
        final FutureTask<Void> producer = start(() -> produce(200_000, 1));
        final FutureTask<Void> consumer = start(() -> consume(200_000));
        producer.get();
        consumer.get();
        final SlabCounts counts = memory.allocator().raw().slabs().count();
        assertTrue(counts.adopted() > 0, "slabs that filled up were found again: " + counts);
    }

    @Test
    void producersToOneConsumerThatNeverAllocates() throws Exception {
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            final int seed = i;
            tasks.add(start(() -> produce(50_000, seed)));
        }
        tasks.add(start(() -> consume(200_000)));
        for (final FutureTask<Void> task : tasks) {
            task.get();
        }
        final SlabCounts counts = memory.allocator().raw().slabs().count();
        assertTrue(counts.released() > 0 && counts.adopted() > 0 && counts.slabs() <= counts.current() + counts.keptEmpty(),
            "what a stranger frees is found again, or goes back: " + counts);
    }

    /** It idles inside nothing, for ever: what its slot keeps is bounded, visible, and to be had. */
    @Test
    void whoAllocatedIdlesForEverWhileOthersFree() throws Exception {
        // Two slots and no more: a worker that looks into one of them would send its thread to a third.
        memory.close();
        memory = builder().worker(false).open();
        final List<long[]> blocks = new ArrayList<>();
        final CountDownLatch done = new CountDownLatch(1);
        final CountDownLatch end = new CountDownLatch(1);
        final Thread idle = new Thread(() -> {
            final Random random = new Random(7);
            for (int i = 0; i < 20_000; i++) {
                blocks.add(filled(random));
            }
            done.countDown();
            try {
                end.await();
            } catch (final InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        idle.start();
        done.await();
        final long peak = memory.frames().allocatedFrames();
        final FutureTask<Void> freer = start(() -> blocks.forEach(this::end));
        freer.get();
        final RawAllocator raw = memory.allocator().raw();
        final SlabCounts counts = raw.slabs().count();
        final long kept = memory.frames().allocatedFrames() << 12;
        final long bound = 2L * SizeClasses.COUNT * SLAB_BYTES + 2 * ((long)RunSizes.heldPages() << 12);
        assertTrue(kept <= bound, "kept=" + kept + " bound=" + bound + " peak=" + (peak << 12));
        assertTrue(counts.strandedBytes() > 0 && counts.strandedBytes() <= (long)SizeClasses.COUNT * 2 * SLAB_BYTES,
            counts.toString());
        assertEquals(0, counts.liveBytes());
        assertTrue(counts.released() > 0, "slabs that others emptied went back by themselves: " + counts);
        // Still idle, and nothing of it is out.
        AllocatorMemory.requireEmpty(memory);
        end.countDown();
        idle.join();
    }

    @Test
    void threadsThatAllocateHandOverAndDie() throws Exception {
        final AtomicInteger left = new AtomicInteger();
        for (int round = 0; round < 200; round++) {
            final int seed = round;
            final Thread thread = new Thread(() -> {
                final Random random = new Random(seed);
                for (int i = 0; i < 100; i++) {
                    if (queue.offer(filled(random))) {
                        left.incrementAndGet();
                    }
                    if (random.nextInt(3) == 0) {
                        consumeOne(left);
                    }
                }
                if (random.nextInt(4) == 0) {
                    // Dies inside a section: the sweep frees the slot.
                    memory.enter();
                }
            });
            // What could not be offered would be lost: the queue holds more than a thread offers, and is emptied here.
            thread.start();
            thread.join();
            while (left.get() > 500) {
                consumeOne(left);
            }
        }
        while (left.get() > 0) {
            consumeOne(left);
        }
    }

    private void consumeOne(final AtomicInteger left) {
        final long[] block = queue.poll();
        if (block != null) {
            left.decrementAndGet();
            end(block);
        }
    }

    /** Some seconds, or as long as {@code -Dsoak.minutes} says: threads die at random points, others take over. */
    @Test
    void soak() throws Exception {
        final AtomicInteger died = new AtomicInteger();
        final StressClock clock = new StressClock(SOAK_MILLIS, () -> died.get() > 0);
        while (clock.running()) {
            final List<FutureTask<Void>> crew = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                final long seed = System.nanoTime() + i;
                crew.add(start(() -> live(new Random(seed), died)));
            }
            for (final FutureTask<Void> task : crew) {
                task.get();
            }
            memory.poll();
        }
        for (long[] block = queue.poll(); block != null; block = queue.poll()) {
            end(block);
        }
        clock.assertCovered(() -> "died=" + died);
    }

    private void live(final Random random, final AtomicInteger died) {
        final List<long[]> own = new ArrayList<>();
        for (int i = 0, n = 2_000 + random.nextInt(5_000); i < n; i++) {
            final int what = random.nextInt(10);
            if (what < 5) {
                own.add(filled(random));
            } else if (!own.isEmpty() && what < 8) {
                end(own.remove(random.nextInt(own.size())));
            } else if (!own.isEmpty() && what == 8) {
                if (queue.offer(own.get(own.size() - 1))) {
                    own.remove(own.size() - 1);
                }
            } else {
                final long[] other = queue.poll();
                if (other != null) {
                    end(other);
                }
            }
        }
        for (final long[] block : own) {
            end(block);
        }
        if (random.nextInt(8) == 0) {
            died.incrementAndGet();
            final Cpu cpu = memory.enter();
            assertTrue(cpu.index() >= 0);
        }
    }
}
