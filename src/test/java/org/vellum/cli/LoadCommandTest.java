package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.VmapBuffer;

final class LoadCommandTest {
    @TempDir
    private Path dir;

    private String file(final String name, final int bytes) throws IOException {
        final byte[] content = new byte[bytes];
        new Random(bytes).nextBytes(content);
        return Files.write(dir.resolve(name), content).toString();
    }

    private static Map<String, String> onlyRow(final Run run) {
        assertEquals(1, run.rows().size());
        final Map<String, String> row = run.rows().get(0);
        assertEquals(List.of("bench", "files", "bytes", "threads", "crc_errors", "leaked_bytes"),
            List.copyOf(row.keySet()).subList(0, 6));
        assertEquals("\"load\"", row.get("bench"));
        return row;
    }

    private static void assertLoaded(final Run run, final int files, final long bytes, final int threads) {
        final Map<String, String> row = onlyRow(run.held());
        assertEquals(List.of("" + files, "" + bytes, "" + threads, "0", "0"), List.of(row.get("files"), row.get("bytes"),
            row.get("threads"), row.get("crc_errors"), row.get("leaked_bytes")));
        assertEquals("0", row.get("churn_errors"));
    }

    @Test
    void oneFileInManyPieces() throws IOException {
        final Run run = Run.of("load", "--json", "--threads", "4", "--memory", "64m", file("a", 9_999_999));
        assertLoaded(run, 1, 9_999_999, 4);
        assertTrue(Long.parseLong(onlyRow(run).get("churn_ops")) > 0, "nothing churned beside it");
    }

    @Test
    void largerThanTheMemory() throws IOException {
        assertLoaded(Run.of("load", "--json", "--threads", "3", "--memory", "16m", file("a", 40 << 20)), 1, 40 << 20, 3);
    }

    @Test
    void emptyAndTinyFiles() throws IOException {
        assertLoaded(Run.of("load", "--json", file("empty", 0)), 1, 0, 8);
        assertLoaded(Run.of("load", "--json", "--threads", "2", file("empty", 0), file("one", 1), file("page", 4096),
            file("page+1", 4097)), 4, 8194, 2);
    }

    @Test
    void oneRowForEachThreadCount() throws IOException {
        final Run run = Run.of("load", "--json", "--threads", "2,1", file("a", 100_000)).held();
        assertEquals(List.of("1", "2"), run.rows().stream().map(row -> row.get("threads")).toList());
    }

    @Test
    void wrongByteIsFoundThroughTheView() throws IOException {
        final AtomicBoolean spoiled = new AtomicBoolean();
        final Consumer<VmapBuffer> spoiler = view -> {
            if (spoiled.compareAndSet(false, true)) {
                view.putByte(view.capacity() - 1, (byte)~view.getByte(view.capacity() - 1));
            }
        };
        final Run run = Run.spoiling(spoiler, "load", "--json", "--threads", "2", file("a", 3 << 20), file("b", 10_000));
        assertEquals(Main.NOT_HELD, run.status());
        final Map<String, String> row = onlyRow(run);
        assertEquals("1", row.get("crc_errors"));
        assertEquals("0", row.get("leaked_bytes"));
        assertEquals(1, run.err().size());
        assertTrue(run.err().get(0).contains("crc_errors=1"), run.err().get(0));
    }

    @Test
    void fileThatBecomesShorterIsNamedOnOneLine() throws IOException {
        final String name = file("shrinking", 5 << 20);
        final Consumer<VmapBuffer> cutter = view -> {
            try {
                Files.write(Path.of(name), new byte[1]);
            } catch (final IOException e) {
                throw new AssertionError(e);
            }
        };
        final Run run = Run.spoiling(cutter, "load", "--json", "--threads", "2", name);
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals(1, run.err().size(), () -> String.join("\n", run.err()));
        assertTrue(run.err().get(0).contains(name) && run.err().get(0).contains("shorter"), run.err().get(0));
    }

    @Test
    void exhaustionIsOneLine() throws IOException {
        final Consumer<VmapBuffer> hog = view -> {
            throw new ExhaustedException(ExhaustedException.Resource.FRAMES, "asked=1 free=0");
        };
        final Run run = Run.spoiling(hog, "load", "--json", "--threads", "2", file("a", 1000));
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals(List.of("vellum: exhausted: asked=1 free=0"), run.err());
        assertEquals(List.of(), run.out());
    }

    @Test
    void brokenStructuresAreOneLine() throws IOException {
        final Consumer<VmapBuffer> broken = view -> {
            throw new AssertionError("frame=7 is free twice");
        };
        final Run run = Run.spoiling(broken, "load", "--json", "--threads", "1", file("a", 1000));
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals(List.of("vellum: java.lang.AssertionError: frame=7 is free twice"), run.err());
    }

    @Test
    void tableForPeople() throws IOException {
        final Run run = Run.of("load", "--threads", "2", file("a", 1 << 20));
        assertEquals(Main.HELD, run.status());
        final String text = String.join("\n", run.out());
        for (final String words : List.of("checksum errors: 0", "leaked bytes: 0", "vmalloc ", "vfree ", "p99", "verified")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
    }
}
