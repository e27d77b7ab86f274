package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class TourCommandTest {
    private static final String[] TINY = {"--threads", "1,2", "--millis", "5", "--rounds", "1", "--memory", "32m"};

    private static String[] with(final String... more) {
        final String[] all = java.util.Arrays.copyOf(more, more.length + TINY.length);
        System.arraycopy(TINY, 0, all, more.length, TINY.length);
        return all;
    }

    @Test
    void withoutCommandEverythingIsShown() {
        final Run run = Run.of(TINY);
        assertEquals(Main.HELD, run.status(), () -> run.out() + " " + run.err());
        final String text = String.join("\n", run.out());
        for (final String words : List.of("load: ", "eager/blocks", "kernel 2008", "directory", "batched", "local/touch", "percpu/longadder", "p99.9/idle",
            "every check held, nothing leaked")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
    }

    @Test
    void rows() {
        final List<Map<String, String>> rows = Run.of(with("tour", "--json")).held().rows();
        assertEquals("\"load\"", rows.get(0).get("bench"));
        assertTrue(Long.parseLong(rows.get(0).get("bytes")) > 1 << 20, "real files were loaded: " + rows.get(0));
        assertEquals(8, rows.stream().filter(row -> row.containsKey("map_share")).count());
        assertEquals(14, rows.stream().filter(row -> row.get("bench").equals("\"kmap\"")).count());
        assertEquals(10, rows.stream().filter(row -> row.get("bench").equals("\"percpu\"")).count());
        assertEquals(3, rows.stream().filter(row -> row.get("bench").equals("\"munmap\"")).count());
        assertEquals(44, rows.size());
    }

    @Test
    void spoiledLoadFailsTheTour() {
        final Run run = Run.spoiling(view -> view.putByte(0, (byte)~view.getByte(0)), with());
        assertEquals(Main.NOT_HELD, run.status());
        assertTrue(run.out().contains("NOT every check held"));
    }
}
