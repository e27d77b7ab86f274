package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bad input gets one line that names what is wrong, and status 2. */
final class BadInputTest {
    private static void refused(final String named, final String... args) {
        final Run run = Run.of(args);
        assertEquals(1, run.err().size(), () -> String.join("\n", run.err()));
        assertTrue(run.err().get(0).startsWith("vellum: "), run.err().get(0));
        assertTrue(run.err().get(0).contains(named), run.err().get(0));
        assertEquals(List.of(), run.out());
        assertEquals(Main.BAD_INPUT, run.status());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
        --bogus                     | --bogus
        -x                          | -x
        tour --bogus                | --bogus
        vmap --bogus                | --bogus
        load --bogus f              | --bogus
        frobnicate                  | frobnicate
        vmap extra                  | extra
        tour extra                  | extra
        load                        | FILE
        --json vmap --json          | --json
        --threads 2 load --threads 2 f | --threads
        --threads 0 vmap            | '0'
        --sizes 64 alloc            | --sizes
        alloc extra                 | extra
        alloc --sizes               | --sizes
        alloc --sizes 0             | '0'
        alloc --sizes -64           | '-64'
        alloc --sizes 64,,1k        | ''
        alloc --sizes 65m           | '65m'
        alloc --sizes 1g            | '1g'
        alloc --sizes 64b           | '64b'
        alloc --sizes 99999999999999999999 | '99999999999999999999'
        alloc --sizes 64 --sizes 64 | --sizes
        alloc --sizes 1m --threads 8 --memory 16m | at least 32m
        --depths 1 kmap             | --depths
        kmap extra                  | extra
        kmap --depths               | --depths
        kmap --depths 0             | '0'
        kmap --depths 17            | '17'
        kmap --depths -1            | '-1'
        kmap --depths 1,,8          | ''
        kmap --depths eight         | 'eight'
        kmap --depths 1 --depths 8  | --depths
        kmap --file                 | --file
        kmap --file a --file b      | --file
        kmap --threads 8 --memory 16m | at least 32m
        kmap --threads 1024 --memory 256g | at most 512
        percpu extra                | extra
        percpu --sizes              | --sizes
        percpu --sizes 0            | '0'
        percpu --sizes 32769        | '32769'
        percpu --sizes 33k          | '33k'
        percpu --sizes 8,,64        | ''
        percpu --sizes -8           | '-8'
        percpu --sizes 8 --sizes 8  | --sizes
        percpu --threads 1024 --memory 16m | at least
        --mib 4 kmap                | --mib
        munmap extra                | extra
        munmap --mib                | --mib
        munmap --mib 0              | '0'
        munmap --mib -1             | '-1'
        munmap --mib 65537          | '65537'
        munmap --mib 1g             | '1g'
        munmap --mib 1 --mib 2      | --mib
        munmap --mib 64 --memory 64m | at least 81m
        munmap --threads 0          | '0'
        replay                      | TRACE
        replay one two              | two
        replay --sizes 64 trace     | --sizes
        replay --threads 0 trace    | '0'
        vmap --threads 0            | '0'
        vmap --threads -1           | '-1'
        vmap --threads 1,,2         | ''
        vmap --threads ,            | ''
        vmap --threads 1,two        | 'two'
        vmap --threads 1025         | '1025'
        vmap --threads 99999999999  | '99999999999'
        vmap --threads 1.5          | '1.5'
        vmap --threads              | --threads
        vmap --threads 1 --threads 2 | --threads
        vmap --millis 0             | '0'
        vmap --millis -5            | '-5'
        vmap --millis soon          | 'soon'
        vmap --rounds 0             | '0'
        vmap --rounds x             | 'x'
        vmap --memory 0             | '0'
        vmap --memory -1g           | '-1g'
        vmap --memory 1t            | '1t'
        vmap --memory g             | 'g'
        vmap --memory 15m           | '15m'
        vmap --memory 257g          | '257g'
        vmap --memory 99999999999999999999g | --memory
        vmap --memory 999999999999999g      | --memory
        vmap --workload files       | files
        vmap --workload directory --threads 64 --memory 16m | --memory
        vmap --threads 1024 --memory 16m   | at least 32m
        tour --threads 16 --memory 16m     | at least
        --threads 64 --memory 64m          | at least
        """)
    void isNamed(final String line, final String named) {
        refused(named, line.split(" "));
    }

    @Test
    void missingFile() {
        refused("no such file: /no/such/file", "load", "/no/such/file");
        refused("no such file: /no/such/file", "load", "--json", "--threads", "1", "/no/such/file");
    }

    @Test
    void oneBadFileAmongGoodOnes(@TempDir final Path dir) throws IOException {
        final Path good = Files.writeString(dir.resolve("good"), "text");
        refused("no such file: " + dir.resolve("bad"), "load", good.toString(), dir.resolve("bad").toString());
    }

    @Test
    void directory(@TempDir final Path dir) {
        refused("not a regular file: " + dir, "load", dir.toString());
    }

    @Test
    void unreadableFile(@TempDir final Path dir) throws IOException {
        final Path file = Files.writeString(dir.resolve("secret"), "text");
        assertTrue(file.toFile().setReadable(false));
        assumeFalse(Files.isReadable(file), "who may read everything cannot test this");
        refused("cannot be read: " + file, "load", file.toString());
    }

    /** Who may read everything still cannot read an entry of a damaged archive: a file that exists and does not open. */
    @Test
    void fileThatDoesNotOpen(@TempDir final Path dir) throws IOException {
        final Path zip = dir.resolve("damaged.zip");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
            out.putNextEntry(new ZipEntry("entry"));
            out.write(new byte[1000]);
        }
        final byte[] bytes = Files.readAllBytes(zip);
        // Behind the local header and the name begins the deflated content: make its first block of no known kind.
        bytes[30 + "entry".length()] = (byte)0xFF;
        Files.write(zip, bytes);
        try (FileSystem archive = FileSystems.newFileSystem(zip)) {
            final List<Path> files = List.of(archive.getPath("/entry"));
            final BadInput refusal = assertThrows(BadInput.class, () -> FilePiece.sources(files));
            assertEquals("cannot be read: /entry", refusal.getMessage());
        }
    }

    @Test
    void traceFiles(@TempDir final Path dir) throws IOException {
        refused("no such file: /no/such/trace", "replay", "--json", "/no/such/trace");
        refused("not a regular file: " + dir, "replay", dir.toString());
        final Path file = Files.writeString(dir.resolve("trace"), "# text\na 1 64\nf 2\n");
        refused(file + ":3: ID='2' is not live", "replay", file.toString());
        refused(file + ":3: ID='2' is not live", "--json", "replay", file.toString());
        Files.writeString(file, "");
        refused("no operation in the trace: " + file, "replay", file.toString());
        Files.write(file, new byte[] {0x7F, 'E', 'L', 'F', 0, 0});
        refused(file + ":1: not text: byte 0x7f", "replay", file.toString());
        Files.writeString(file, "a 1 10000000\na 2 10000000\n");
        refused("--memory is too small for the trace: 20000000 bytes", "replay", "--memory", "16m", file.toString());
    }

    /** What is in a file would be overwritten. */
    @Test
    void filesOfHighMemory(@TempDir final Path dir) throws IOException {
        final Path file = Files.writeString(dir.resolve("file"), "text");
        refused("not empty: " + file, "kmap", "--json", "--file", file.toString());
        assertEquals("text", Files.readString(file));
        refused("not a regular file: " + dir, "kmap", "--file", dir.toString());
        refused("no such directory: " + dir.resolve("no"), "kmap", "--file", dir.resolve("no/such").toString());
        refused("no such directory: " + file, "kmap", "--file", file.resolve("such").toString());
        refused("--file", "kmap", "--file", "a\0b");
    }

    @Test
    void nameThatIsNone() {
        refused("FILE", "load", "a\0b");
    }

    @Test
    void atFilesAreNotExpanded() {
        refused("no such file: @nowhere", "load", "@nowhere");
    }

    @Test
    void tooManyThreadsForTheMemory(@TempDir final Path dir) throws IOException {
        final Path file = Files.writeString(dir.resolve("file"), "text");
        refused("--memory", "load", "--memory", "16m", "--threads", "1024", file.toString());
    }

    @Test
    void helpAndVersionAreNoErrors() {
        final Run help = Run.of("--help").held();
        final String text = String.join("\n", help.out());
        for (final String word : List.of("tour", "load", "vmap", "alloc", "kmap", "percpu", "munmap", "replay",
            "--threads", "--millis", "--rounds", "--memory", "--json")) {
            assertTrue(text.contains(word), word);
        }
        assertFalse(Run.of("vmap", "--help").held().out().isEmpty());
        assertTrue(Run.of("load", "--help").held().out().get(0).contains("load"));
        assertTrue(Run.of("--version").held().out().get(0).startsWith("vellum "));
    }
}
