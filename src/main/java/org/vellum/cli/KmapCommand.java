package org.vellum.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code kmap}: the stack, the shared window, and high memory behind both. */
@Command(name = "kmap", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Maps, touches and unmaps frames one by one and nested, of memory and of a file: on the stack of a slot, through "
        + "the window that all share, in fixed places, and the touch alone.")
final class KmapCommand implements Callable<Integer> {
    private static final int[] DEPTHS = {1, 8};

    private final Streams streams;

    @Mixin
    private CommonOptions options;

    @Option(names = "--depths", paramLabel = "N[,N...]", converter = Arguments.Depths.class,
        description = "How many maps are nested, 1 to 16. Default: 1,8.")
    private Arguments.MapDepths depths;

    @Option(names = "--file", paramLabel = "PATH",
        description = "Where the pages of the high rows are: a new or an empty file, which is kept. Default: a temporary one.")
    private Path file;

    KmapCommand(final Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        final KmapTable table = new KmapTable(streams.console(options.json), options.threads(1, 2, 4, 8), options.millis(200),
            options.rounds(5), options.memory());
        final int[] wanted = depths == null ? DEPTHS : depths.depths();
        return (file == null ? table.run(wanted) : table.run(wanted, file)) ? Main.HELD : Main.NOT_HELD;
    }
}
