package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.CpuOptions;

final class PercpuCommandTest {
    private static final List<String> KEYS = List.of("bench", "op", "impl", "threads", "size", "ns_per_op", "bytes");
    private static final List<String> COUNTERS = List.of("percpu", "percpuCpu", "longadder", "atomiclong");

    private static void assertCells(final Run run, final int... sizes) {
        final List<String> expected = new ArrayList<>();
        for (final int threads : new int[] {1, 2}) {
            COUNTERS.forEach(impl -> expected.add("\"counter\" \"" + impl + "\" " + threads + " 8"));
        }
        for (final int size : sizes) {
            for (final int threads : new int[] {1, 2}) {
                expected.add("\"alloc\" \"percpu\" " + threads + " " + size);
            }
        }
        final List<String> met = new ArrayList<>();
        for (final Map<String, String> row : run.rows()) {
            assertEquals(KEYS, List.copyOf(row.keySet()));
            assertEquals("\"percpu\"", row.get("bench"));
            final double nanos = Double.parseDouble(row.get("ns_per_op"));
            assertTrue(nanos > 0.1 && nanos < 1e9, row.toString());
            met.add(row.get("op") + " " + row.get("impl") + " " + row.get("threads") + " " + row.get("size"));
        }
        assertEquals(expected, met);
    }

    @Test
    void rowsOfTheUsualSizes() {
        assertCells(Run.of("percpu", "--threads", "2,1", "--millis", "5", "--rounds", "1", "--json", "--memory", "64m").held(), 8, 64, 1024);
    }

    @Test
    void rowsOfGivenSizes() {
        assertCells(Run.of("--json", "--threads", "1,2", "percpu", "--millis", "5", "--rounds", "1", "--memory", "512m",
            "--sizes", "32k,1,100,1").held(), 1, 100, 32 << 10);
    }

    /** Of counters off-heap the bytes are known; the JDK's are as the JVM has them. */
    @Test
    void bytesAreThoseOfAllCopies() {
        final int slots = CpuOptions.forThisMachine().cachedSlots();
        for (final Map<String, String> row : Run.of("percpu", "--threads", "1", "--millis", "5", "--rounds", "1", "--json", "--memory", "64m",
            "--sizes", "64").held().rows()) {
            final long bytes = Long.parseLong(row.get("bytes"));
            switch (row.get("impl")) {
                case "\"longadder\"" -> assertTrue(bytes >= 32, row.toString());
                case "\"atomiclong\"" -> assertTrue(bytes >= 8 && bytes < 200, row.toString());
                default -> {
                    final long copies = slots * Long.parseLong(row.get("size"));
                    assertTrue(bytes > copies * 9 / 10 && bytes < copies * 3 / 2 + 100, row.toString());
                }
            }
        }
    }

    @Test
    void tableForPeople() {
        final Run run = Run.of("percpu", "--threads", "1", "--millis", "5", "--rounds", "2", "--memory", "32m", "--sizes", "100");
        assertEquals(Main.HELD, run.status(), () -> run.out() + " " + run.err());
        final String text = String.join("\n", run.out());
        for (final String words : List.of("percpu/longadder", "after two threads have met", "allocate of 100 bytes",
            "percpu counter atomiclong", "percpu alloc 100 percpu", "verified")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
        assertTrue(run.out().stream().noneMatch(line -> line.startsWith("{")));
    }
}
