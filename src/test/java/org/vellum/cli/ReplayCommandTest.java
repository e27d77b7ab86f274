package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.report.ExhaustedException;

final class ReplayCommandTest {
    private static final String HANDED_OVER = """
        # two threads, each frees what the other allocated
        t 0
        a 1 100
        a 2 5000
        t 1
        a 3 300000
        f 1
        t 0
        f 3
        t 1
        f 2
        """;

    @TempDir
    private Path dir;

    private String trace(final String text) throws IOException {
        return Files.writeString(dir.resolve("a \"trace\"\t"), text).toString();
    }

    private static Map<String, String> onlyRow(final Run run) {
        assertEquals(1, run.out().size(), () -> run.out() + " " + run.err());
        // The file's name is the only value with escapes; without it the row is as all rows are.
        final String line = run.out().get(0).replaceFirst("\"trace\":\"([^\"\\\\]|\\\\.)*\"", "\"trace\":\"\"");
        return new Run(run.status(), List.of(line), run.err()).rows().get(0);
    }

    @Test
    void row() throws IOException {
        final Run run = Run.of("replay", "--json", "--memory", "64m", trace(HANDED_OVER)).held();
        assertTrue(run.out().get(0).contains("/a \\\"trace\\\"\\u0009\","), run.out().get(0));
        final Map<String, String> row = onlyRow(run);
        assertEquals(List.of("bench", "trace", "threads", "operations", "ns_per_op", "peak_live", "peak_reserved",
            "fragmentation", "content_errors", "leaked_bytes", "left_live"), List.copyOf(row.keySet()));
        assertEquals(List.of("\"replay\"", "2", "6", "0", "0", "0"), List.of(row.get("bench"), row.get("threads"),
            row.get("operations"), row.get("content_errors"), row.get("leaked_bytes"), row.get("left_live")));
        assertTrue(Double.parseDouble(row.get("ns_per_op")) > 0);
        // The second thread may free the 100 bytes before the first one allocates the 5,000: only what is handed over is ordered.
        assertTrue(List.of("305100", "305000").contains(row.get("peak_live")), row.toString());
        assertTrue(Double.parseDouble(row.get("fragmentation")) >= 1, row.toString());
        assertTrue(Long.parseLong(row.get("peak_reserved")) >= 305_000, row.toString());
    }

    @Test
    void oneRowForEachThreadCount() throws IOException {
        final Run run = Run.of("--memory", "64m", "replay", "--json", "--threads", "1,2,8", trace(HANDED_OVER)).held();
        assertEquals(3, run.out().size());
        assertTrue(run.out().get(0).contains("\"threads\":1,"));
        assertTrue(run.out().get(1).contains("\"threads\":2,"));
        assertTrue(run.out().get(2).contains("\"threads\":2,"), "no more than the trace has");
    }

    @Test
    void whatIsLeftLiveIsFreedAndTold() throws IOException {
        final String trace = trace("a 1 70\na 2 30\na 3 5\nf 2\n");
        assertEquals("75", onlyRow(Run.of("replay", "--json", "--memory", "64m", trace).held()).get("left_live"));
        final Run table = Run.of("replay", "--memory", "64m", trace).held();
        final String text = String.join("\n", table.out());
        for (final String words : List.of("4 operations on 1 thread,", "content errors: 0", "leaked bytes: 0", "ns a call",
            "peak: 105 bytes live", "leaves 2 allocations of 75 bytes live", "verified")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
    }

    @Test
    void damageFailsTheReplay() throws IOException {
        final Run run = Run.allocating(memory -> new NativeAllocations(true) {
            @Override
            public void free(final long address) {
                super.free(address);
                live.keySet().forEach(other -> UnsafeApi.putByte(other, (byte)~UnsafeApi.getByte(other)));
            }
        }, "replay", "--json", trace("a 1 64\na 2 64\nf 1\nf 2\n"));
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals("1", onlyRow(run).get("content_errors"));
        assertEquals(List.of(
            "vellum: memory was not what was written: content_errors=1, one of them: id=2 size=64 offset=0"), run.err());
    }

    @Test
    void leakFailsTheReplay() throws IOException {
        final Run run = Run.allocating(memory -> new NativeAllocations(true) {
            @Override
            public long liveBytes() {
                return super.liveBytes() + 48;
            }
        }, "replay", "--json", trace("a 1 64\nf 1\n"));
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals("48", onlyRow(run).get("leaked_bytes"));
        assertEquals(List.of("vellum: leaked: allocated_bytes=48"), run.err());
    }

    @Test
    void leakThatOnlyTheMemoryKnowsFailsTheReplay() throws IOException {
        final Run run = Run.allocating(memory -> {
            memory.vmalloc(1);
            return new NativeAllocations(true);
        }, "replay", "--json", trace("a 1 64\nf 1\n"));
        assertEquals(Main.NOT_HELD, run.status());
        assertTrue(run.err().get(0).contains("leaked: memory=replay frames=1"), run.err().toString());
    }

    @Test
    void exhaustionIsOneLine() throws IOException {
        final Run run = Run.allocating(memory -> new NativeAllocations(true) {
            @Override
            public long allocate(final long size) {
                if (size == 2) {
                    throw new ExhaustedException(ExhaustedException.Resource.FRAMES, "asked=2 free=0");
                }
                return super.allocate(size);
            }
        }, "replay", "--json", trace("a 1 64\nt 1\na 2 2\nt 0\nf 2\n"));
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals(List.of("vellum: exhausted: asked=2 free=0"), run.err());
        assertEquals(List.of(), run.out());
    }

    @Test
    void traceLargerThanTheMemoryReplaysIfItsPeakIsNot() throws IOException {
        final StringBuilder text = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            text.append("a 1 1000000\nf 1\n");
        }
        assertFalse(Run.of("replay", "--memory", "16m", trace(text.toString())).held().out().isEmpty());
    }
}
