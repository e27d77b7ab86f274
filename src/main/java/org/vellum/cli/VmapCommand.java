package org.vellum.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vmap}: the table of reference 1. */
@Command(name = "vmap", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Maps, touches and unmaps scattered frames under each policy, with several numbers of threads.")
final class VmapCommand implements Callable<Integer> {
    /** What is done with what is mapped. */
    enum Kind { pages, directory }

    private final Streams streams;

    @Mixin
    private CommonOptions options;

    @Option(names = "--workload", paramLabel = "KIND", defaultValue = "pages",
        description = "pages: 4 pages, one word of each touched. directory: blocks of 1 to 16 pages, searched, modified and "
            + "checksummed. Default: ${DEFAULT-VALUE}.")
    private Kind workload;

    VmapCommand(final Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        final VmapTable table = new VmapTable(streams.console(options.json), options.threads(1, 2, 4, 8),
            options.millis(500), options.rounds(5), options.memory());
        return (workload == Kind.directory ? table.directory() : table.pages()) ? Main.HELD : Main.NOT_HELD;
    }
}
