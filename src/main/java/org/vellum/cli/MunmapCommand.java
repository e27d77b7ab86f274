package org.vellum.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code munmap}: what a large unmap costs, and what it costs the others. */
@Command(name = "munmap", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Unmaps a large populated range of an address space again and again, slice by slice or all of it under the space's "
        + "lock, while other threads map, fault and unmap 1 to 4 pages of the same space; and those without it.")
final class MunmapCommand implements Callable<Integer> {
    private final Streams streams;

    @Mixin
    private CommonOptions options;

    @Option(names = "--mib", paramLabel = "N", converter = Arguments.Mebibytes.class,
        description = "Mebibytes that are unmapped at a time. Default: 1024.")
    private int mib = 1024;

    MunmapCommand(final Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        final int[] threads = options.threads(1);
        final long memory = options.memory(MunmapWorkload.ampleMemory(mib));
        final MunmapTable table =
            new MunmapTable(streams.console(options.json), threads, options.millis(100), options.rounds(5), memory);
        return table.run(mib) ? Main.HELD : Main.NOT_HELD;
    }
}
