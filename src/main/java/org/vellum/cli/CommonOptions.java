package org.vellum.cli;

import picocli.CommandLine.Option;

/** What every command takes. What was not given is null: commands have defaults of their own. */
final class CommonOptions {
    private static final long MEMORY = 1L << 30;

    @Option(names = "--threads", paramLabel = "N[,N...]", converter = Arguments.Threads.class,
        description = "Thread counts. Default: 1,2,4,8 for tables; 1 beside the one that unmaps for munmap; 8 for loading files; as many as "
            + "the trace names for replaying one: given, at most so many.")
    Arguments.ThreadCounts threads;

    @Option(names = "--millis", paramLabel = "MS", converter = Arguments.Millis.class,
        description = "Milliseconds of one cell of a table. Default: 500; 200 for alloc, kmap and percpu; 100 for munmap; shorter in the tour.")
    Integer millis;

    @Option(names = "--rounds", paramLabel = "N", converter = Arguments.Rounds.class,
        description = "How often each cell is measured; the median is shown. Default: 5.")
    Integer rounds;

    @Option(names = "--memory", paramLabel = "SIZE", converter = Arguments.Size.class,
        description = "The most memory of one manager, with suffix k, m or g; taken on demand. Default: 1g; for munmap what it needs.")
    private Long memory;

    @Option(names = "--json", description = "One JSON object per line on standard output, and nothing else.")
    boolean json;

    int[] threads(final int... otherwise) {
        return threads == null ? otherwise : threads.counts();
    }

    int millis(final int otherwise) {
        return millis == null ? otherwise : millis;
    }

    int rounds(final int otherwise) {
        return rounds == null ? otherwise : rounds;
    }

    long memory() {
        return memory(MEMORY);
    }

    long memory(final long otherwise) {
        return memory == null ? otherwise : memory;
    }
}
