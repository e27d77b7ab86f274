package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class MunmapCommandTest {
    private static final List<String> KEYS = List.of("bench", "policy", "mib", "threads", "gib_per_s", "other_p50_ns", "other_p99_ns",
        "other_p999_ns", "longest_hold_ns", "flushes");
    private static final List<String> POLICIES = List.of("idle", "preemptible", "atomic");

    private static long number(final Map<String, String> row, final String key) {
        return Long.parseLong(row.get(key));
    }

    /** Frames that fit a gather are known, and so is how often it must flush. */
    private static long flushes(final int mib) {
        return (mib * 256L + 9_697) / 9_698;
    }

    private static void assertRows(final Run run, final int mib, final int... counts) {
        final List<String> expected = new ArrayList<>();
        for (final int threads : counts) {
            POLICIES.forEach(policy -> expected.add("\"" + policy + "\" " + threads));
        }
        final List<String> met = new ArrayList<>();
        for (final Map<String, String> row : run.rows()) {
            assertEquals(KEYS, List.copyOf(row.keySet()));
            assertEquals("\"munmap\"", row.get("bench"));
            assertEquals(mib, number(row, "mib"));
            final boolean idle = row.get("policy").equals("\"idle\"");
            assertEquals(idle, Double.parseDouble(row.get("gib_per_s")) == 0, row.toString());
            assertEquals(idle ? 0 : flushes(mib), number(row, "flushes"), row.toString());
            assertTrue(number(row, "other_p50_ns") <= number(row, "other_p99_ns"), row.toString());
            assertTrue(number(row, "other_p99_ns") <= number(row, "other_p999_ns"), row.toString());
            assertTrue(number(row, "longest_hold_ns") > 0, row.toString());
            met.add(row.get("policy") + " " + row.get("threads"));
        }
        assertEquals(expected, met);
    }

    @Test
    void rows() {
        assertRows(Run.of("munmap", "--mib", "96", "--threads", "3,1", "--millis", "5", "--rounds", "1", "--json").held(), 96, 1, 3);
    }

    @Test
    void smallestRange() {
        assertRows(Run.of("--json", "--threads", "2", "munmap", "--mib", "1", "--millis", "5", "--rounds", "2", "--memory", "64m").held(), 1, 2);
    }

    @Test
    void tableForPeople() {
        final Run run = Run.of("munmap", "--mib", "4", "--millis", "5", "--rounds", "2", "--memory", "128m");
        assertEquals(Main.HELD, run.status(), () -> run.out() + " " + run.err());
        final String text = String.join("\n", run.out());
        for (final String words : List.of("munmap: 4 MiB", "p99.9/idle", "preemptible/atomic", "longest hold", "flushes", "verified")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
        assertTrue(run.out().stream().noneMatch(line -> line.startsWith("{")));
    }
}
