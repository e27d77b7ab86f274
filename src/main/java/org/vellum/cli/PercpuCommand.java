package org.vellum.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code percpu}: counters and allocations of which every CPU has a copy. */
@Command(name = "percpu", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Adds to one counter from all threads, per CPU and beside it the JDK's LongAdder and AtomicLong; allocates and frees "
        + "per-CPU memory of several sizes; and what of each takes how much memory.")
final class PercpuCommand implements Callable<Integer> {
    private static final long[] SIZES = {8, 64, 1024};

    private final Streams streams;

    @Mixin
    private CommonOptions options;

    @Option(names = "--sizes", paramLabel = "SIZE[,SIZE...]", converter = Arguments.CopySizes.class,
        description = "Sizes of allocations on each CPU, 1 to 32k. Default: 8,64,1024.")
    private Arguments.AllocationSizes sizes;

    PercpuCommand(final Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        final PercpuTable table = new PercpuTable(streams.console(options.json), options.threads(1, 2, 4, 8), options.millis(200),
            options.rounds(5), options.memory());
        return table.run(sizes == null ? SIZES : sizes.bytes()) ? Main.HELD : Main.NOT_HELD;
    }
}
