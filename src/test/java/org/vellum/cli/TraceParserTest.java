package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TraceParserTest {
    @TempDir
    private Path dir;

    private Path file(final String content) throws IOException {
        return Files.write(dir.resolve("trace"), content.getBytes(StandardCharsets.UTF_8));
    }

    private Trace parse(final String content) throws IOException {
        return TraceParser.parse(file(content));
    }

    private static Arguments bad(final int line, final String reason, final String content) {
        return Arguments.of(content, line, reason);
    }

    static Stream<Arguments> badLines() {
        return Stream.of(
            bad(1, "unknown operation 'x': a, f, t or # begin a line", "x 1\n"),
            bad(2, "unknown operation 'A': a, f, t or # begin a line", "a 1 1\nA 2 1\n"),
            bad(1, "unknown operation 'a1': a, f, t or # begin a line", "a1 1\n"),
            bad(1, "missing ID", "a\n"),
            bad(1, "missing SIZE", "a 1\n"),
            bad(3, "missing ID", "a 1 1\n\nf\n"),
            bad(1, "missing THREAD", "t\n"),
            bad(1, "extra field '3'", "a 1 2 3\n"),
            bad(2, "extra field '1'", "a 1 2\nf 1 1\n"),
            bad(1, "extra field '#'", "t 1 # thread one\n"),
            bad(1, "ID='one' is not a decimal number", "a one 1\n"),
            bad(1, "ID='+1' is not a decimal number", "a +1 1\n"),
            bad(1, "SIZE='0x10' is not a decimal number", "a 1 0x10\n"),
            bad(1, "SIZE='1.5' is not a decimal number", "a 1 1.5\n"),
            bad(1, "SIZE='-' is not a decimal number", "a 1 -\n"),
            bad(2, "ID='1k' is not a decimal number", "a 1 1\nf 1k\n"),
            bad(1, "THREAD='main' is not a decimal number", "t main\n"),
            bad(1, "ID='9223372036854775808' is beyond 64 bits", "a 9223372036854775808 1\n"),
            bad(1, "ID='-9223372036854775809' is beyond 64 bits", "a -9223372036854775809 1\n"),
            bad(1, "SIZE='99999999999999999999' is beyond 64 bits", "a 1 99999999999999999999\n"),
            bad(1, "SIZE='0' is less than 1", "a 1 0\n"),
            bad(1, "SIZE='-64' is less than 1", "a 1 -64\n"),
            bad(1, "SIZE='140737488355329': more bytes are live than an address space holds", "a 1 140737488355329\n"),
            bad(2, "SIZE='1': more bytes are live than an address space holds", "a 1 140737488355328\na 2 1\n"),
            bad(2, "SIZE='9223372036854775807': more bytes are live than an address space holds",
                "a 1 1\na 2 9223372036854775807\n"),
            bad(3, "ID='1' is live already", "a 1 64\nt 1\na 1 64\n"),
            bad(1, "ID='1' is not live", "f 1\na 1 64\n"),
            bad(3, "ID='1' is not live", "a 1 64\nf 1\nf 1\n"),
            bad(2, "ID='-1' is not live", "a 1 64\nf -1\n"),
            bad(1, "THREAD='-1' is not from 0 to 2147483647", "t -1\n"),
            bad(1, "THREAD='2147483648' is not from 0 to 2147483647", "t 2147483648\n"),
            bad(2, "the file ends within this line: missing SIZE", "a 1 64\na 2"),
            bad(2, "the file ends within this line: missing ID", "a 1 64\nf"),
            bad(2, "the file ends within this line: missing ID", "a 1 64\nf "),
            bad(2, "the file ends within this line: ID='-' is not a decimal number", "a 1 64\nf -"),
            bad(2, "the file ends within this line: SIZE='0' is less than 1", "a 1 64\na 2 0"),
            bad(1, "not text: byte 0x00", "\0\1\2"),
            bad(2, "not text: byte 0x1b", "a 1 1\n# \033[0m\n"),
            bad(2, "not text: byte 0xc3", "a 1 1\nf é\n"),
            bad(2, "longer than 256 characters", "a 1 1\n" + "f 1".repeat(100)),
            bad(1, "longer than 256 characters", " ".repeat(300) + "\n"));
    }

    @ParameterizedTest
    @MethodSource("badLines")
    void isNamedByFileLineAndReason(final String content, final int line, final String reason) throws IOException {
        final Path file = file(content);
        final BadInput refusal = assertThrows(BadInput.class, () -> TraceParser.parse(file));
        assertEquals(file + ":" + line + ": " + reason, refusal.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "\n\n# nothing but\n# comments\n", "t 1\nt 2\n", "#"})
    void traceWithoutOperations(final String content) throws IOException {
        final Path file = file(content);
        final BadInput refusal = assertThrows(BadInput.class, () -> TraceParser.parse(file));
        assertEquals("no operation in the trace: " + file, refusal.getMessage());
    }

    @Test
    void noFile() {
        final Path missing = dir.resolve("missing");
        assertEquals("no such file: " + missing,
            assertThrows(BadInput.class, () -> TraceParser.parse(missing)).getMessage());
        assertEquals("not a regular file: " + dir,
            assertThrows(BadInput.class, () -> TraceParser.parse(dir)).getMessage());
    }

    @Test
    void unreadableFile() throws IOException {
        final Path file = file("a 1 1\n");
        assertTrue(file.toFile().setReadable(false));
        assumeFalse(Files.isReadable(file), "who may read everything cannot test this");
        assertEquals("cannot be read: " + file,
            assertThrows(BadInput.class, () -> TraceParser.parse(file)).getMessage());
    }

    @Test
    void linesInEveryGoodShape() throws IOException {
        final Trace trace = parse("# größer: " + "any length ".repeat(100) + "\n\r\n  # indented\n\ta\t-5   100  \r\nt 7\n"
            + "f -5\nt 2\na -5 200\na 9223372036854775807 1\nt 7\nt 2\nf -5");
        assertEquals(5, trace.operations());
        assertEquals(3, trace.allocations());
        assertArrayEquals(new int[] {0, ~0, 1, 2, ~1}, operations(trace));
        assertEquals(-5, trace.id(1));
        assertEquals(Long.MAX_VALUE, trace.id(2));
        assertEquals(200, trace.size(1));
        assertEquals(3, trace.threads());
        assertEquals(201, trace.peakLiveBytes());
        assertEquals(3, trace.peakOperation());
        assertEquals(1, trace.liveBytes());
    }

    private static int[] operations(final Trace trace) {
        final int[] operations = new int[trace.operations()];
        for (int i = 0; i < operations.length; i++) {
            operations[i] = trace.operation(i);
        }
        return operations;
    }

    @Test
    void operationsAreDealtByThread() throws IOException {
        final Trace trace = parse("a 1 1\nt 5\na 2 1\na 3 1\nt 1\nf 1\nt 5\nf 2\nt 0\nf 3\n");
        assertArrayEquals(new int[][] {{0, 5}, {1, 2, 4}, {3}}, trace.deal(3));
        assertArrayEquals(new int[][] {{0, 3, 5}, {1, 2, 4}}, trace.deal(2));
        assertArrayEquals(new int[][] {{0, 1, 2, 3, 4, 5}}, trace.deal(1));
    }

    @Test
    void manyOperations() throws IOException {
        final StringBuilder text = new StringBuilder();
        for (int i = 0; i < 50_000; i++) {
            text.append("t ").append(i % 100).append("\na ").append(i).append(' ').append(i + 1).append('\n');
        }
        for (int i = 0; i < 50_000; i++) {
            text.append("f ").append(i).append('\n');
        }
        final Trace trace = parse(text.toString());
        assertEquals(100_000, trace.operations());
        assertEquals(100, trace.threads());
        assertEquals(50_000L * 50_001 / 2, trace.peakLiveBytes());
        assertEquals(0, trace.liveBytes());
        assertEquals(49_999, trace.size(49_998));
        assertEquals(~49_999, trace.operation(99_999));
    }
}
