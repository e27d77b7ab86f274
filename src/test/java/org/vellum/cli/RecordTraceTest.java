package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.Vellum;
import org.vellum.alloc.OffHeapAllocator;
import org.vellum.alloc.OffHeapBuffer;
import org.vellum.report.ExhaustedException;

/** A running manager records, and the tool replays what it recorded. */
@Timeout(120)
final class RecordTraceTest {
    private static final int THREADS = 4;
    private static final int ALLOCATIONS = 10_000;

    @TempDir
    private Path dir;
    private Path file;

    @BeforeEach
    void file() {
        file = dir.resolve("trace");
    }

    private Vellum open(final boolean checked) {
        return Vellum.builder().memory(64L << 20).checked(checked).recordTrace(file).open();
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(file).stream().filter(line -> !line.startsWith("#")).toList();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyFaceIsRecorded(final boolean checked) throws IOException {
        try (Vellum memory = open(checked)) {
            final OffHeapAllocator allocator = memory.allocator();
            final long one = allocator.allocate(100);
            final long two = allocator.allocateZeroed(5000);
            final long three = allocator.allocate(null, 300_000);
            allocator.free(one);
            allocator.freeDeferred(two);
            final long moved = allocator.reallocate(three, 400_000);
            try (OffHeapBuffer buffer = allocator.allocateBuffer(70)) {
                buffer.putByte(69, (byte)1);
            }
            allocator.free(null, moved);
            allocator.free(0);
        }
        assertEquals(List.of("t 0", "a 1 100", "a 2 5000", "a 3 300000", "f 1", "f 2", "f 3", "a 4 400000", "a 5 70", "f 5",
            "f 4"), lines());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mistakesAreNotRecorded(final boolean checked) throws IOException {
        try (Vellum memory = open(checked)) {
            final OffHeapAllocator allocator = memory.allocator();
            final long address = allocator.allocate(100);
            assertThrows(IllegalArgumentException.class, () -> allocator.allocate(0));
            assertThrows(IllegalArgumentException.class, () -> allocator.free(address + 8));
            assertThrows(IllegalArgumentException.class, () -> allocator.reallocate(address, -1));
            assertThrows(ExhaustedException.class, () -> allocator.allocate(1L << 30));
            allocator.free(address);
            assertThrows(RuntimeException.class, () -> allocator.free(address));
            assertThrows(RuntimeException.class, () -> allocator.reallocate(address, 200));
            allocator.verify();
        }
        assertEquals(List.of("t 0", "a 1 100", "f 1"), lines());
    }

    @Test
    void reallocationThatFailsLeavesTheMemoryLive() {
        try (Vellum memory = open(false)) {
            final OffHeapAllocator allocator = memory.allocator();
            final long address = allocator.allocate(1000);
            assertThrows(ExhaustedException.class, () -> allocator.reallocate(address, 1L << 30));
            memory.verify();
        }
        final Trace trace = TraceParser.parse(file);
        assertEquals(3, trace.operations());
        assertTrue(trace.liveBytes() >= 1000 && trace.liveBytes() <= 1125, "bytes=" + trace.liveBytes());
    }

    private static void work(final OffHeapAllocator allocator, final BlockingQueue<Long> handedOver, final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < ALLOCATIONS; i++) {
            final long address = allocator.allocate(1 + random.nextInt(random.nextInt(50) == 0 ? 50_000 : 1000));
            if (random.nextBoolean() || !handedOver.offer(address)) {
                allocator.free(address);
            }
            final Long other = random.nextBoolean() ? handedOver.poll() : null;
            if (other != null) {
                allocator.free(other);
            }
        }
    }

    @Test
    void whatManyThreadsDidReplays() {
        final BlockingQueue<Long> handedOver = new ArrayBlockingQueue<>(200);
        try (Vellum memory = open(false)) {
            final OffHeapAllocator allocator = memory.allocator();
            final Crew crew = new Crew();
            for (int i = 0; i < THREADS; i++) {
                final long seed = i;
                crew.add("recorded", () -> work(allocator, handedOver, seed));
            }
            crew.join();
            memory.quiesce();
            memory.verify();
        }
        final Trace trace = TraceParser.parse(file);
        assertEquals(THREADS, trace.threads());
        assertEquals(THREADS * ALLOCATIONS, trace.allocations());
        assertEquals(2 * trace.allocations() - handedOver.size(), trace.operations(), "no event was lost or mended");
        final Run run = Run.of("replay", "--json", "--memory", "64m", "--threads", "1,4", file.toString()).held();
        assertEquals(2, run.rows().size());
        run.rows().forEach(row -> assertEquals(trace.operations(), Long.parseLong(row.get("operations"))));
    }

    @Test
    void fileThatCannotBeWrittenIsNamedWhenTheMemoryOpens() {
        final UncheckedIOException error = assertThrows(UncheckedIOException.class,
            () -> Vellum.builder().memory(16L << 20).recordTrace(dir).open());
        assertTrue(error.getMessage().contains(dir.toString()), error.getMessage());
        assertThrows(NullPointerException.class, () -> Vellum.builder().recordTrace(null));
    }

    @Test
    void withoutTheOptionNothingIsWritten() {
        try (Vellum memory = Vellum.open(16L << 20)) {
            memory.free(memory.allocate(1));
        }
        assertFalse(Files.exists(file));
    }
}
