package org.vellum.cli;

import java.util.concurrent.Callable;
import java.util.function.Function;
import org.vellum.Vellum;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code alloc}: the allocator beside the C library's. */
@Command(name = "alloc", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Allocates, touches and frees memory of several sizes with several numbers of threads: Vellum's allocator, malloc "
        + "as Agrona calls it, and the touch alone.")
final class AllocCommand implements Callable<Integer> {
    private static final long[] SIZES = {64, 1024, 16_384, 262_144};

    private final Streams streams;
    private final Function<Vellum, Allocations> allocator;

    @Mixin
    private CommonOptions options;

    @Option(names = "--sizes", paramLabel = "SIZE[,SIZE...]", converter = Arguments.Sizes.class,
        description = "Bytes of an allocation, with suffix k or m. Default: 64,1024,16384,262144.")
    private Arguments.AllocationSizes sizes;

    AllocCommand(final Streams streams, final Function<Vellum, Allocations> allocator) {
        this.streams = streams;
        this.allocator = allocator;
    }

    @Override
    public Integer call() {
        final AllocTable table = new AllocTable(streams.console(options.json), options.threads(1, 2, 4, 8),
            options.millis(200), options.rounds(5), options.memory(), allocator);
        return table.run(sizes == null ? SIZES : sizes.bytes()) ? Main.HELD : Main.NOT_HELD;
    }
}
