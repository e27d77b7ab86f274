package org.vellum;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What a scalability run was asked to do.
 *
 * @param threads thread counts, in the order asked for.
 * @param pages sizes of mappings, in pages.
 * @param include which benchmarks, by a part of their full names.
 * @param json where to write, or null for the default.
 * @param quick whether short iterations will do.
 * @param help whether only the usage is wanted.
 */
record ScalabilityOptions(
    List<Integer> threads, List<Integer> pages, Pattern include, Path json, boolean quick, boolean help) {

    /** The usage, as printed. */
    static final String USAGE = """
        Usage: java -cp jmh/target/benchmarks.jar org.vellum.Scalability [OPTIONS]
        Runs every hot path at each thread count; prints a table and writes JSON. About four minutes a thread count.

          --threads LIST    thread counts (default 1,2,4,8,16)
          --pages LIST      sizes of mappings and areas, 1 to 64 pages (default 4)
          --include REGEX   only benchmarks whose full name contains this, and their floors
          --json FILE       where to write the rows (default scalability.json beside the jar)
          --quick           short iterations: does it run, not how fast
          --help            this text
        """;

    /** More threads than any machine has processors; beyond it an argument is a slip. */
    private static final int MOST_THREADS = 4096;
    /** What a block of {@code vmMapRam} serves. */
    private static final int MOST_PAGES = 64;

    /**
     * @param args of the command line.
     * @return what they say.
     * @throws IllegalArgumentException with a line for the user.
     */
    static ScalabilityOptions parse(final String... args) {
        List<Integer> threads = List.of(1, 2, 4, 8, 16);
        List<Integer> pages = List.of(4);
        Pattern include = Pattern.compile("");
        Path json = null;
        boolean quick = false;
        boolean help = false;
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--threads" -> threads = numbers(args, i++, MOST_THREADS);
                case "--pages" -> pages = numbers(args, i++, MOST_PAGES);
                case "--include" -> include = pattern(args, i++);
                case "--json" -> json = file(args, i++);
                case "--quick" -> quick = true;
                case "--help" -> help = true;
                default -> throw new IllegalArgumentException("unknown option: " + args[i]);
            }
        }
        return new ScalabilityOptions(threads, pages, include, json, quick, help);
    }

    private static String value(final String[] args, final int option) {
        if (option + 1 == args.length || args[option + 1].startsWith("--")) {
            throw new IllegalArgumentException(args[option] + " needs a value");
        }
        return args[option + 1];
    }

    private static List<Integer> numbers(final String[] args, final int option, final int most) {
        final List<Integer> numbers = new ArrayList<>();
        for (final String text : value(args, option).split(",", -1)) {
            // Nine digits fit an int.
            final int number = text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
            if (number < 1 || number > most) {
                throw new IllegalArgumentException(args[option] + ": not a number from 1 to " + most + ": '" + text + "'");
            }
            if (!numbers.contains(number)) {
                numbers.add(number);
            }
        }
        return List.copyOf(numbers);
    }

    private static Pattern pattern(final String[] args, final int option) {
        try {
            return Pattern.compile(value(args, option));
        } catch (final PatternSyntaxException e) {
            throw new IllegalArgumentException(args[option] + ": not a regular expression: " + e.getDescription(), e);
        }
    }

    /** Checked at once: minutes later would be too late. */
    private static Path file(final String[] args, final int option) {
        final Path file = Path.of(value(args, option)).toAbsolutePath();
        final boolean writable = Files.exists(file)
            ? Files.isRegularFile(file) && Files.isWritable(file)
            : file.getParent() != null && Files.isWritable(file.getParent());
        if (!writable) {
            throw new IllegalArgumentException(args[option] + ": cannot write " + file);
        }
        return file;
    }
}
