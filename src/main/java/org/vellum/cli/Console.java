package org.vellum.cli;

import java.io.PrintStream;
import java.util.Locale;

/** Where a command writes: rows for machines or tables for people, never both, and problems beside them. */
final class Console {
    private static final long PROGRESS_NANOS = 900_000_000L;

    private final PrintStream out;
    private final PrintStream err;
    private final boolean json;
    private long lastProgress = System.nanoTime();

    Console(final PrintStream out, final PrintStream err, final boolean json) {
        this.out = out;
        this.err = err;
        this.json = json;
    }

    /** So many of something, which has a regular plural. */
    static String count(final long number, final String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    void row(final JsonRow row) {
        if (json) {
            out.println(row);
        }
    }

    /** A line of a table, or about one; machines do not get it. */
    void line(final String format, final Object... arguments) {
        if (!json) {
            out.println(String.format(Locale.ROOT, format, arguments));
        }
    }

    /** How far a long piece of work is, once a second at most; machines do not get it. */
    void progress(final String format, final Object... arguments) {
        final long now = System.nanoTime();
        if (!json && now - lastProgress >= PROGRESS_NANOS) {
            lastProgress = now;
            err.println(String.format(Locale.ROOT, format, arguments));
        }
    }

    /** A check that did not hold: said in every mode, beside the rows. */
    void failure(final String format, final Object... arguments) {
        err.println("vellum: " + String.format(Locale.ROOT, format, arguments));
    }
}
