package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.frame.FrameEvent;

/** After a peak little stays out, what lives long pins little, and nothing of it is garbage for the collector. */
final class MemoryComesBackTest {
    private static final Path STATM = Path.of("/proc/self/statm");
    private static final long PEAK = 192L << 20;

    private static long residentBytes() throws IOException {
        return Long.parseLong(Files.readString(STATM).split(" ")[1]) << 12;
    }

    private static List<Long> fill(final Vellum memory, final Random random) {
        final List<Long> all = new ArrayList<>();
        for (long bytes = 0; bytes < PEAK;) {
            final long size = random.nextInt(50) == 0 ? 1 + random.nextInt(400_000) : 1 + random.nextInt(4_000);
            all.add(memory.allocate(size));
            bytes += size;
        }
        return all;
    }

    @Test
    void afterAPeakBanksGoBackToTheOperatingSystem() throws IOException {
        assumeTrue(Files.exists(STATM), "no /proc");
        // Banks as they are by default: the C library keeps pieces of up to 32 MiB to itself.
        try (Vellum memory = Vellum.builder().memory(512L << 20).open()) {
            final Random random = new Random(11);
            final List<Long> all = fill(memory, random);
            final long used = memory.frames().allocatedFrames();
            final long present = memory.frames().presentFrames();
            final long resident = residentBytes();
            all.forEach(memory::free);
            // Has the worker rest: what a slot keeps that it is looking into, a trim leaves alone.
            memory.verify();
            memory.trim();
            final long out = memory.frames().allocatedFrames();
            assertTrue(out <= used / 20, "out=" + out + " used=" + used);
            assertEquals(0, memory.frames().presentFrames(), "wholly free banks are released: there were " + present);
            final long fallen = resident - residentBytes();
            assertTrue(fallen > PEAK / 2, "resident size fell by " + fallen);
        }
    }

    @Test
    void whatLivesLongPinsItsSlabAndNoMore() {
        try (Vellum memory = Vellum.builder().memory(512L << 20).bank(16L << 20).open()) {
            final List<Long> all = fill(memory, new Random(12));
            final List<Long> kept = new ArrayList<>();
            for (int i = 0; i < all.size(); i++) {
                if (i % 5_000 == 0) {
                    kept.add(all.get(i));
                } else {
                    memory.free(all.get(i));
                }
            }
            memory.trim();
            long most = 0;
            for (final long address : kept) {
                final long bytes = memory.allocator().sizeOf(address);
                most += bytes <= 8192 ? 8 : bytes >>> 12;
            }
            final long out = memory.frames().allocatedFrames();
            assertTrue(out <= most, "out=" + out + " most=" + most);
            kept.forEach(memory::free);
            AllocatorMemory.requireEmpty(memory);
        }
    }

    @Test
    void whatPassesBetweenThreadsComesBack() throws Exception {
        final int rounds = 20_000;
        try (Vellum memory = Vellum.builder().memory(256L << 20).bank(16L << 20).open()) {
            final BlockingQueue<Long> way = new ArrayBlockingQueue<>(512);
            SmallMemory.inThreads(2, thread -> {
                for (int i = 0; i < rounds; i++) {
                    if (thread == 0) {
                        way.put(memory.allocate(16_384));
                    } else {
                        memory.free(way.take());
                    }
                }
            });
            assertTrue(memory.frames().events(FrameEvent.DEPOSIT) > 0 && memory.frames().events(FrameEvent.WITHDRAW) > 0,
                "some by way of the depot");
            memory.verify();
            AllocatorMemory.requireEmpty(memory);
            assertEquals(0, memory.frames().cachedFrames());
            assertEquals(0, memory.frames().presentFrames());
        }
    }

    @Test
    void noGarbage() {
        try (Vellum memory = Vellum.builder().memory(64L << 20).worker(false).open()) {
            operate(memory, 30_000);
            final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
            final long id = Thread.currentThread().getId();
            long least = Long.MAX_VALUE;
            for (int i = 0; i < 5 && least > 0; i++) {
                final long before = threads.getThreadAllocatedBytes(id);
                operate(memory, 2_000);
                least = Math.min(least, threads.getThreadAllocatedBytes(id) - before);
            }
            // Asking itself may cost something once; an object an operation would be 30,000 and more.
            assertTrue(least < 2_000, "bytes of garbage in 10,000 operations: " + least);
        }
    }

    private static void operate(final Vellum memory, final int rounds) {
        final OffHeapAllocator allocator = memory.allocator();
        for (int i = 0; i < rounds; i++) {
            final long small = allocator.allocate(1 + i % 3_000);
            final long run = allocator.allocate(16_384);
            allocator.free(allocator.reallocate(small, allocator.sizeOf(small)));
            allocator.free(run);
            allocator.freeDeferred(allocator.allocate(100));
            if (i % 100 == 0) {
                memory.poll();
            }
        }
    }
}
