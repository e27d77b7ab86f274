package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KmapCommandTest {
    private static final List<String> POLICIES = List.of("touch", "local", "localCpu", "fixed", "shared", "high-local", "high-shared");

    private static void assertCells(final Run run, final int... depths) {
        final List<String> expected = new ArrayList<>();
        final List<String> met = new ArrayList<>();
        long all = 0;
        for (final int depth : depths) {
            for (final int threads : new int[] {1, 2}) {
                POLICIES.forEach(policy -> expected.add(depth + " " + threads + " \"" + policy + "\""));
            }
        }
        for (final Map<String, String> row : run.rows()) {
            assertEquals(List.of("bench", "policy", "depth", "threads", "ns_per_op", "flushes", "cpu_ns_per_op"),
                List.copyOf(row.keySet()));
            assertEquals("\"kmap\"", row.get("bench"));
            final double nanos = Double.parseDouble(row.get("ns_per_op"));
            assertTrue(nanos > 0.1 && nanos < 1e9, row.toString());
            final long flushes = Long.parseLong(row.get("flushes"));
            assertTrue(flushes == 0 || row.get("policy").equals("\"shared\""), "what is in the cache needs no flush: " + row);
            all += flushes;
            met.add(row.get("depth") + " " + row.get("threads") + " " + row.get("policy"));
        }
        assertEquals(expected, met);
        assertTrue(all > 0, "a window with more pages than slots wraps");
    }

    @Test
    void rowsOfTheUsualDepths() {
        assertCells(Run.of("kmap", "--threads", "2,1", "--millis", "40", "--rounds", "1", "--json", "--memory", "32m").held(), 1, 8);
    }

    @Test
    void rowsOfGivenDepths() {
        assertCells(Run.of("--json", "--threads", "1,2", "kmap", "--millis", "40", "--rounds", "1", "--memory", "16m",
            "--depths", "16,5,5").held(), 5, 16);
    }

    @Test
    void temporaryFileIsDeleted() {
        final List<Path> files = new ArrayList<>();
        assertTrue(KmapTable.withTemporaryFile(file -> files.add(file) && Files.exists(file)));
        assertThrows(BadInput.class, () -> KmapTable.withTemporaryFile(file -> {
            files.add(file);
            throw new BadInput("whatever");
        }));
        assertEquals(2, files.size());
        assertFalse(files.stream().anyMatch(Files::exists));
    }

    /** It is kept, and has the touches: each thread's pages, of both high rows. */
    @Test
    void fileThatIsGiven(@TempDir final Path dir) throws IOException {
        final Path file = dir.resolve("high");
        Run.of("kmap", "--threads", "2", "--millis", "20", "--rounds", "1", "--json", "--memory", "16m", "--depths", "1",
            "--file", file.toString()).held();
        assertEquals(2 * 2 * KmapHammer.FRAMES * 4096L, Files.size(file));
        final ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
        for (int page = 0; page < 4 * KmapHammer.FRAMES; page++) {
            final long touches = content.getLong((int)((page << 12) + KmapHammer.offset(page)));
            assertTrue(touches > 0, "page=" + page);
            final int first = page / KmapHammer.FRAMES * KmapHammer.FRAMES;
            assertTrue(content.getLong((int)((first << 12) + KmapHammer.offset(first))) - touches <= 1, "page=" + page);
        }
    }

    @Test
    void tableForPeople() {
        final Run run = Run.of("kmap", "--threads", "1", "--millis", "5", "--rounds", "2", "--memory", "16m", "--depths", "2");
        assertEquals(Main.HELD, run.status(), () -> run.out() + " " + run.err());
        final String text = String.join("\n", run.out());
        for (final String words : List.of("local/touch", "shared/local", "high/local", "ns, depth 2", "kmap 2 high ", "verified")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
        assertFalse(run.out().stream().anyMatch(line -> line.startsWith("{")));
        assertEquals(6, run.out().stream().filter(line -> line.contains("verified")).count(), "both high rows have one memory");
    }
}
