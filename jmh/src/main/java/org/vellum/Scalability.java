package org.vellum;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Every hot path at each of some thread counts: a table for people, and the same rows as JSON.
 *
 * <pre>java -cp jmh/target/benchmarks.jar org.vellum.Scalability --threads 1,2,4,8,16</pre>
 *
 * <p>The rows are the JMH benchmarks of {@link HotPaths}, each in a JVM of its own, with iterations shorter than JMH's usual;
 * those JVMs get the flag that Agrona needs, this one needs none. Columns: nanoseconds per operation of one thread; the same times
 * the share of a processor that each thread had ({@code min(threads, processors) / threads}), so that a path that scales
 * perfectly shows one number at every thread count; ÷ the floor of its family at the same thread count and pages; bytes
 * of garbage per operation, as the collector counts them; how many operations of the whole measurement found no room and
 * were run again, see {@link Relief}: a figure with many of those tells of waiting, not of the path.
 *
 * <p>Exit status 0 if everything ran, 1 if a benchmark failed, 2 for bad options.
 */
public final class Scalability {
    private static final int MILLIS = 200;
    private static final int MILLIS_QUICK = 50;
    private static final int FIRST_THAT_WARNS = 24;
    /** JMH names it so from 1.37 on; before that with a dot in front. */
    private static final String GARBAGE = "gc.alloc.rate.norm";
    private static final String RETRIES = "relieved";

    private final ScalabilityOptions options;
    private final PrintStream out;
    private final PrintStream progress;
    private final List<ScalabilityRow> rows = new ArrayList<>();

    private Scalability(final ScalabilityOptions options, final PrintStream out, final PrintStream progress) {
        this.options = options;
        this.out = out;
        this.progress = progress;
    }

    /**
     * @param args see {@code --help}.
     */
    public static void main(final String[] args) {
        System.exit(run(args));
    }

    private static int run(final String... args) {
        try {
            final ScalabilityOptions options = ScalabilityOptions.parse(args);
            if (options.help()) {
                System.out.print(ScalabilityOptions.USAGE);
            } else {
                new Scalability(options, System.out, System.err).measure();
            }
            return 0;
        } catch (final IllegalArgumentException e) {
            System.err.println("Scalability: " + e.getMessage() + " (--help tells the options)");
            return 2;
        } catch (final RunnerException | IOException e) {
            System.err.println("Scalability: " + e.getMessage() + reason(e));
            return 1;
        }
    }

    /** What a benchmark threw comes home as what its wrapper suppressed. */
    private static String reason(final Exception failure) {
        final Throwable cause = failure.getCause();
        final Throwable[] thrown = cause == null ? new Throwable[0] : cause.getSuppressed();
        return thrown.length > 0 ? ": " + thrown[0] : cause != null ? ": " + cause : "";
    }

    private void measure() throws RunnerException, IOException {
        final Map<HotPaths, Set<String>> selected = HotPaths.select(benchmarks(), options.include());
        if (selected.isEmpty()) {
            throw new IllegalArgumentException("--include: no hot path is called like " + options.include());
        }
        final Path json = options.json() != null ? options.json() : besideTheJar();
        final int steps = selected.size() * options.threads().size();
        int step = 0;
        out.println(ScalabilityRow.heading());
        for (final Map.Entry<HotPaths, Set<String>> entry : selected.entrySet()) {
            for (final int threads : options.threads()) {
                progress.println("[" + ++step + "/" + steps + "] " + entry.getKey().bench() + ", threads=" + threads
                    + ": " + entry.getValue().size() + " benchmarks");
                final Collection<RunResult> results =
                    new Runner(jmhOptions(entry.getKey(), entry.getValue(), threads)).run();
                report(entry.getKey(), results);
                // As far as it has come: a long run that is cut short leaves what it has.
                Files.write(json, toJson(rows).getBytes(StandardCharsets.UTF_8));
            }
        }
        progress.println("wrote " + json);
    }

    private static Set<String> benchmarks() {
        final Set<BenchmarkListEntry> entries = BenchmarkList.defaultList()
            .getAll(OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT), List.of());
        return entries.stream().map(BenchmarkListEntry::getUsername).collect(Collectors.toCollection(TreeSet::new));
    }

    private Options jmhOptions(final HotPaths family, final Set<String> wanted, final int threads) {
        final TimeValue time = TimeValue.milliseconds(options.quick() ? MILLIS_QUICK : MILLIS);
        final OptionsBuilder builder = new OptionsBuilder();
        for (final String row : wanted) {
            builder.include('^' + Pattern.quote(family.nameOf(row)) + '$');
        }
        return builder
            .param("pages", options.pages().stream().map(String::valueOf).toArray(String[]::new))
            .param("live", "1000")
            .param("bytes", "1048576")
            .threads(threads)
            .mode(Mode.AverageTime)
            .timeUnit(TimeUnit.NANOSECONDS)
            .forks(1)
            .jvmArgsPrepend(jvmArguments())
            .warmupIterations(options.quick() ? 1 : 4)
            .warmupTime(time)
            .measurementIterations(options.quick() ? 3 : 5)
            .measurementTime(time)
            .addProfiler(GCProfiler.class)
            .verbosity(VerboseMode.SILENT)
            .shouldFailOnError(true)
            .build();
    }

    private static String[] jvmArguments() {
        final List<String> arguments = new ArrayList<>();
        arguments.add("--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED");
        arguments.add("-XX:MaxDirectMemorySize=4g");
        if (Runtime.version().feature() >= FIRST_THAT_WARNS) {
            // Of what JMH itself does; four lines of warning for each benchmark.
            arguments.add("--sun-misc-unsafe-memory-access=allow");
        }
        return arguments.toArray(String[]::new);
    }

    private void report(final HotPaths family, final Collection<RunResult> results) {
        final int processors = Runtime.getRuntime().availableProcessors();
        final Map<String, Double> scores = new HashMap<>();
        for (final RunResult result : results) {
            scores.put(key(row(family, result), pages(result)), result.getPrimaryResult().getScore());
        }
        for (final RunResult result : results) {
            final String row = row(family, result);
            final int pages = pages(result);
            final double floor = scores.getOrDefault(key(family.floor().apply(row), pages), Double.NaN);
            final ScalabilityRow line = new ScalabilityRow(family.bench(), row, pages, result.getParams().getThreads(),
                processors, result.getPrimaryResult().getScore(), floor,
                garbage(result), retries(result));
            rows.add(line);
            out.println(line.toTable());
        }
    }

    private static String row(final HotPaths family, final RunResult result) {
        return family.rowOf(result.getParams().getBenchmark(), name -> parameter(result, name));
    }

    private static String key(final String row, final int pages) {
        return row + ' ' + pages;
    }

    private static int pages(final RunResult result) {
        final String pages = parameter(result, "pages");
        return pages == null ? 0 : Integer.parseInt(pages);
    }

    private static String parameter(final RunResult result, final String name) {
        return result.getParams().getParamsKeys().contains(name) ? result.getParams().getParam(name) : null;
    }

    /** The median, because the last iteration also counts what verifying the memory afterwards allocates. */
    private static double garbage(final RunResult result) {
        final String label = secondary(result, GARBAGE);
        return label == null ? Double.NaN : result.getSecondaryResults().get(label).getStatistics().getPercentile(50);
    }

    private static double retries(final RunResult result) {
        final String label = secondary(result, RETRIES);
        return label == null ? Double.NaN : result.getSecondaryResults().get(label).getScore();
    }

    /** The label of what a profiler or a counter saw beside the time, or null. */
    private static String secondary(final RunResult result, final String name) {
        for (final String label : result.getSecondaryResults().keySet()) {
            if (label.endsWith(name)) {
                return label;
            }
        }
        return null;
    }

    /** An array, one row to a line: valid as a whole, and for tools that read lines. */
    private static String toJson(final List<ScalabilityRow> rows) {
        return rows.stream().map(ScalabilityRow::toJson).collect(Collectors.joining(",\n", "[\n", "\n]\n"));
    }

    private static Path besideTheJar() {
        try {
            final Path jar = Path.of(Scalability.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            return jar.resolveSibling("scalability.json");
        } catch (final URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
