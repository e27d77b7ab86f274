package org.vellum.cli;

import java.io.PrintStream;

/**
 * The streams of one run.
 *
 * @param out for results.
 * @param err for problems and progress.
 */
record Streams(PrintStream out, PrintStream err) {
    Console console(final boolean json) {
        return new Console(out, err, json);
    }
}
