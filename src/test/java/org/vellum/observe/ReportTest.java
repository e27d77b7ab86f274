package org.vellum.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.alloc.Budget;
import org.vellum.cpu.Cpu;

final class ReportTest {
    private static List<String> lines(final Vellum memory, final String start) {
        return memory.report().lines().filter(line -> line.startsWith(start)).toList();
    }

    private static String grouped(final long bytes) {
        return String.format(Locale.ROOT, "%,d", bytes);
    }

    @Test
    void totalsAndBanks() {
        try (Vellum memory = SmallMemory.open(1024, 4096)) {
            memory.allocate(300 * 4096);
            assertEquals(List.of("memory: 4,194,304 bytes at most; banks 2,097,152 bytes, most 2,097,152, resident 2,097,152"),
                lines(memory, "memory:"));
            assertEquals(List.of("allocator: live 1,228,800 bytes of 1,228,800 reserved (fragmentation 0.000); most seen 1,228,800"),
                lines(memory, "allocator:"));
            assertEquals(1, lines(memory, "window: 16,777,216 bytes").size());
            assertTrue(lines(memory, "frames: free 2,9").size() == 1, memory::report);
        }
    }

    @Test
    void budgetsAreATree() {
        try (Vellum memory = SmallMemory.open(1024, 4096)) {
            final Budget cache = memory.child("cache", 1 << 20);
            final Budget index = cache.child("index", 1 << 19);
            memory.child("queue", 1000);
            memory.allocator().allocate(3 * 4096, 1, index);
            assertEquals(List.of(
                "  budget    cache: 12,288 of 1,048,576 bytes, most " + grouped(cache.highWater()),
                "  budget      index: 12,288 of 524,288 bytes, most " + grouped(index.highWater()),
                "  budget    queue: 0 of 1,000 bytes, most 0"), lines(memory, "  budget"));
        }
    }

    @Test
    void classesThatMatter() {
        try (Vellum memory = SmallMemory.open(2048, 4096)) {
            for (int i = 0; i < 7; i++) {
                memory.allocate(5000);
            }
            memory.allocate(64);
            assertEquals(List.of("  class     5,312 bytes: 7 live in 2 slabs, 5 free, 0 in limbo, 1,792 bytes waste",
                "  class        64 bytes: 1 live in 1 slabs, 511 free, 0 in limbo, 0 bytes waste"), lines(memory, "  class"));
            for (int size = 64; size <= 8192; size *= 2) {
                memory.allocate(size);
            }
            memory.allocate(300);
            assertEquals(9, lines(memory, "  class").size());
            assertEquals(List.of("  class     and 2 smaller ones"), lines(memory, "  class     and"));
        }
    }

    @Test
    void limboAndWhoHoldsItUp() {
        try (Vellum memory = SmallMemory.open(1024, 4096)) {
            final long area = memory.vmalloc(4096);
            final Cpu cpu = memory.enter();
            memory.vfree(area);
            final String held = lines(memory, "limbo:").get(0);
            assertTrue(held.startsWith("limbo:  8,192 bytes, frames of areas 4,096 bytes;"), held);
            assertTrue(held.contains(Thread.currentThread().getName()), held);
            cpu.exit();
            memory.quiesce();
            final String empty = lines(memory, "limbo:").get(0);
            assertTrue(empty.startsWith("limbo:  0 bytes, frames of areas 0 bytes;"), empty);
            assertFalse(empty.contains(Thread.currentThread().getName()), empty);
        }
    }
}
