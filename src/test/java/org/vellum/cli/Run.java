package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vellum.Vellum;
import org.vellum.vmap.VmapBuffer;

/** One run of the tool in this process, and what it wrote. */
record Run(int status, List<String> out, List<String> err) {
    private static final Pattern ROW = Pattern.compile("\\{(\"[a-z0-9_]+\":(\"[^\"\\\\]*\"|-?[0-9]+(\\.[0-9]+)?)(,(?=\"))?)+\\}");
    private static final Pattern PAIR = Pattern.compile("\"([a-z0-9_]+)\":(\"[^\"]*\"|[-0-9.]+)");

    static Run of(final String... args) {
        return spoiling(Loader.NOTHING, args);
    }

    static Run spoiling(final Consumer<VmapBuffer> afterRead, final String... args) {
        return of(afterRead, VellumAllocations::new, args);
    }

    static Run allocating(final Function<Vellum, Allocations> allocator, final String... args) {
        return of(Loader.NOTHING, allocator, args);
    }

    private static Run of(
        final Consumer<VmapBuffer> afterRead, final Function<Vellum, Allocations> allocator, final String... args) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final int status = Main.run(stream(out), stream(err), afterRead, allocator, args);
        return new Run(status, lines(out), lines(err));
    }

    private static PrintStream stream(final ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    private static List<String> lines(final ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8).lines().toList();
    }

    /** The rows of a run with {@code --json}: each line must be one flat object. Values are as written. */
    List<Map<String, String>> rows() {
        return out.stream().map(Run::row).toList();
    }

    private static Map<String, String> row(final String line) {
        assertTrue(ROW.matcher(line).matches(), line);
        final Map<String, String> row = new LinkedHashMap<>();
        final Matcher pairs = PAIR.matcher(line);
        while (pairs.find()) {
            assertEquals(null, row.put(pairs.group(1), pairs.group(2)), "twice in " + line);
        }
        return row;
    }

    /** Asserts success, with no word beside the results. */
    Run held() {
        assertEquals(List.of(), err);
        assertEquals(Main.HELD, status, () -> String.join("\n", out));
        return this;
    }
}
