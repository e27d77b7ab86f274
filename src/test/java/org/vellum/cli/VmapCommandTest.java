package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class VmapCommandTest {
    private static void assertCells(final List<Map<String, String>> rows, final List<String> policies) {
        final List<String> expected = new ArrayList<>();
        final List<String> met = new ArrayList<>();
        for (final int threads : new int[] {1, 2}) {
            policies.forEach(policy -> expected.add(threads + " \"" + policy + "\""));
        }
        rows.forEach(row -> met.add(row.get("threads") + " " + row.get("policy")));
        assertEquals(expected, met);
    }

    private static void assertTimes(final Map<String, String> row) {
        final double nanos = Double.parseDouble(row.get("ns_per_op"));
        assertTrue(nanos > 0.1 && nanos < 1e9, row.toString());
        final int threads = Integer.parseInt(row.get("threads"));
        final double cpu = nanos * Math.min(threads, Runtime.getRuntime().availableProcessors()) / threads;
        assertEquals(cpu, Double.parseDouble(row.get("cpu_ns_per_op")), 0.02, row.toString());
    }

    @Test
    void rowsOfThePages() {
        final Run run = Run.of("vmap", "--threads", "2,1,2", "--millis", "20", "--rounds", "1", "--json").held();
        assertCells(run.rows(), List.of("touch", "blocks", "lazy", "eager"));
        for (final Map<String, String> row : run.rows()) {
            assertEquals(List.of("bench", "policy", "threads", "ns_per_op", "cpu_ns_per_op"), List.copyOf(row.keySet()));
            assertEquals("\"vmap\"", row.get("bench"));
            assertTimes(row);
        }
    }

    @Test
    void rowsOfTheDirectory() {
        final Run run = Run.of("vmap", "--workload", "directory", "--threads", "1,2", "--millis", "20", "--rounds", "1",
            "--json", "--memory", "64m").held();
        assertCells(run.rows(), List.of("blocks", "lazy", "batched", "eager"));
        for (final Map<String, String> row : run.rows()) {
            assertEquals(List.of("bench", "policy", "threads", "ns_per_op", "cpu_ns_per_op", "workload", "map_share"),
                List.copyOf(row.keySet()));
            assertEquals("\"directory\"", row.get("workload"));
            final double share = Double.parseDouble(row.get("map_share"));
            assertTrue(share >= 0 && share <= 1, row.toString());
            assertTimes(row);
        }
    }

    @Test
    void tableForPeople() {
        final Run run = Run.of("vmap", "--threads", "1", "--millis", "5", "--rounds", "2", "--memory", "16m");
        assertEquals(Main.HELD, run.status());
        final String row = run.out().stream().filter(line -> line.startsWith("        1 ")).findFirst().orElseThrow();
        assertTrue(row.contains(" 5.1 "), "the reference's ratio stands beside ours: " + row);
        assertEquals(4, run.out().stream().filter(line -> line.contains("verified")).count());
        assertTrue(run.out().stream().noneMatch(line -> line.startsWith("{")));
    }

    @Test
    void medians() {
        assertEquals(2, Grid.median(new double[] {9, 1, 2}));
        assertEquals(3, Grid.median(new double[] {9, 1, 2, 4}));
        assertEquals(7, Grid.median(new double[] {7}));
    }
}
