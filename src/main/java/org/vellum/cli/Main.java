package org.vellum.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.vellum.Vellum;
import org.vellum.mem.NativeAccess;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.VmapBuffer;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line tool: {@code java -jar vellum.jar [COMMAND] [OPTIONS]}. */
public final class Main {
    /** Exit status: every check held. */
    static final int HELD = 0;
    /** Exit status: a check did not hold, or memory ran out on the way. */
    static final int NOT_HELD = 1;
    /** Exit status: the input was bad, and nothing was done. */
    static final int BAD_INPUT = 2;

    private Main() {
    }

    /**
     * Runs a command and ends the process with its exit status.
     *
     * @param args as typed; {@code --help} lists what there is.
     */
    public static void main(final String[] args) {
        System.exit(run(System.out, System.err, args));
    }

    static int run(final PrintStream out, final PrintStream err, final String... args) {
        return run(out, err, Loader.NOTHING, args);
    }

    /** Runs a command with something done to each area between loading and verifying it: tests spoil one. */
    static int run(
        final PrintStream out, final PrintStream err, final Consumer<VmapBuffer> afterRead, final String... args) {
        return run(out, err, afterRead, VellumAllocations::new, args);
    }

    /** Runs a command with an allocator made for each memory: tests give one that makes mistakes. */
    static int run(
        final PrintStream out, final PrintStream err, final Consumer<VmapBuffer> afterRead,
        final Function<Vellum, Allocations> allocator, final String... args) {
        final Streams streams = new Streams(out, err);
        final CommandLine line = new CommandLine(new TourCommand(streams, afterRead))
            .addSubcommand("tour", new TourCommand(streams, afterRead))
            .addSubcommand("load", new LoadCommand(streams, afterRead))
            .addSubcommand("vmap", new VmapCommand(streams))
            .addSubcommand("alloc", new AllocCommand(streams, allocator))
            .addSubcommand("kmap", new KmapCommand(streams))
            .addSubcommand("percpu", new PercpuCommand(streams))
            .addSubcommand("munmap", new MunmapCommand(streams))
            .addSubcommand("replay", new ReplayCommand(streams, allocator));
        line.getSubcommands().get("tour").getCommandSpec().usageMessage()
            .description("About 30 seconds: loads the JDK's own files through mapped memory, then shows the tables.");
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true))
            .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
            .setExpandAtFiles(false)
            .setExecutionStrategy(Main::execute)
            .setParameterExceptionHandler((e, all) -> complain(err, BAD_INPUT, explain(e)))
            .setExecutionExceptionHandler((e, command, parsed) -> failed(err, e));
        try {
            return line.execute(args);
        } catch (final AssertionError | OutOfMemoryError e) {
            // From verify(), or no memory for what was asked: picocli hands on exceptions only.
            return complain(err, NOT_HELD, e.toString());
        } finally {
            out.flush();
        }
    }

    private static int execute(final ParseResult parsed) {
        if (parsed.hasSubcommand() && !parsed.isUsageHelpRequested() && !parsed.isVersionHelpRequested()) {
            handDown(parsed, parsed.subcommand());
        }
        try {
            NativeAccess.require();
        } catch (final IllegalStateException e) {
            throw new ParameterException(parsed.commandSpec().commandLine(), e.getMessage(), e);
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    /** Options before the command are the command's: all commands have what the tool itself has, and more. */
    private static void handDown(final ParseResult tool, final ParseResult command) {
        for (final OptionSpec given : tool.matchedOptions()) {
            final String name = given.longestName();
            if (command.hasMatchedOption(name)) {
                throw new ParameterException(command.commandSpec().commandLine(),
                    "option '" + name + "' is there twice: before and behind the command");
            }
            command.commandSpec().findOption(name).setValue(given.getValue());
        }
    }

    private static String explain(final ParameterException e) {
        return e instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()
            ? "unknown command or argument: '" + unmatched.getUnmatched().get(0) + "'" : e.getMessage();
    }

    private static int failed(final PrintStream err, final Exception e) {
        if (e instanceof BadInput) {
            return complain(err, BAD_INPUT, e.getMessage());
        }
        if (e instanceof ExhaustedException) {
            return complain(err, NOT_HELD, "exhausted: " + e.getMessage());
        }
        if (e instanceof UncheckedIOException) {
            return complain(err, NOT_HELD, e.getMessage());
        }
        // Nothing that a user could have done: whoever repairs it needs the trace.
        e.printStackTrace(err);
        return NOT_HELD;
    }

    private static int complain(final PrintStream err, final int status, final String message) {
        err.println("vellum: " + String.valueOf(message).replaceAll("\\s*\\R\\s*", " "));
        return status;
    }
}
