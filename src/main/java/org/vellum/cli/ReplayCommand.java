package org.vellum.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.vellum.Vellum;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code replay}: an allocation trace, with every byte verified. */
@Command(name = "replay", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Replays an allocation trace on as many threads as it names, fills every allocation and verifies all of it "
        + "when it is freed. The comment at the top of each recorded trace documents the format: lines 'a ID SIZE', 'f ID', "
        + "'t THREAD'.")
final class ReplayCommand implements Callable<Integer> {
    private final Streams streams;
    private final Function<Vellum, Allocations> allocator;

    @Mixin
    private CommonOptions options;

    @Parameters(paramLabel = "TRACE", description = "File to replay.")
    private Path file;

    ReplayCommand(final Streams streams, final Function<Vellum, Allocations> allocator) {
        this.streams = streams;
        this.allocator = allocator;
    }

    @Override
    public Integer call() {
        final Console console = streams.console(options.json);
        final Trace trace = TraceParser.parse(file);
        if (trace.peakLiveBytes() > options.memory()) {
            throw new BadInput("--memory is too small for the trace: " + trace.peakLiveBytes() + " bytes are live at its peak");
        }
        boolean held = true;
        for (final int threads : options.threads(Arguments.MAX_THREADS)) {
            held &= replay(console, trace, threads);
        }
        return held ? Main.HELD : Main.NOT_HELD;
    }

    private boolean replay(final Console console, final Trace trace, final int mostThreads) {
        try (Vellum memory = Vellum.open(options.memory())) {
            final Allocations allocations = allocator.apply(memory);
            // The first bank comes with the first allocation, whatever is replayed.
            allocations.free(allocations.allocate(1));
            final TraceReplayer.Result result = new TraceReplayer(trace, mostThreads, allocations).run(console);
            final long leaked = allocations.liveBytes();
            print(console, result, leaked);
            if (result.contentErrors() != 0) {
                console.failure("memory was not what was written: content_errors=%d, one of them: %s",
                    result.contentErrors(), result.firstError());
            }
            final boolean nothingLeft = LeakReport.of("replay", memory).print(console);
            if (nothingLeft && leaked != 0) {
                console.failure("leaked: allocated_bytes=%d", leaked);
            }
            console.line("");
            return nothingLeft && leaked == 0 && result.contentErrors() == 0;
        }
    }

    private void print(final Console console, final TraceReplayer.Result result, final long leaked) {
        console.row(new JsonRow("replay").put("trace", file.toString()).put("threads", result.threads())
            .put("operations", result.operations()).put("ns_per_op", result.nanos(), 2).put("peak_live", result.peakLive())
            .put("peak_reserved", result.peakReserved()).put("fragmentation", result.fragmentation(), 4)
            .put("content_errors", result.contentErrors()).put("leaked_bytes", leaked)
            .put("left_live", result.leftBytes()));
        console.line("replay: %s, %s on %s, every allocation verified at its free", file,
            Console.count(result.operations(), "operation"), Console.count(result.threads(), "thread"));
        console.line("  %.1f ns a call of the allocator, content errors: %d, leaked bytes: %d", result.nanos(),
            result.contentErrors(), leaked);
        console.line("  peak: %d bytes live, %d reserved; reserved / live at the trace's peak: %.3f", result.peakLive(),
            result.peakReserved(), result.fragmentation());
        if (result.leftAllocations() > 0) {
            console.line("  the trace leaves %s of %s live: verified and freed at its end",
                Console.count(result.leftAllocations(), "allocation"), Console.count(result.leftBytes(), "byte"));
        }
    }
}
