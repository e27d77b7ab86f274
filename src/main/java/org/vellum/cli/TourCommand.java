package org.vellum.cli;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.vellum.vmap.VmapBuffer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tour}, and what runs without a command: everything once, in about half a minute. */
@Command(name = "vellum", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Off-heap memory for the JVM with the Linux kernel's virtual-memory machinery. Without a command: the tour, "
        + "about 30 seconds: loads the JDK's own files through mapped memory, then shows the tables.",
    footer = "Exit status: 0 if every check held, 1 if one did not, 2 for bad input.")
final class TourCommand implements Callable<Integer> {
    private static final long FILE_BYTES = 256L << 20;
    private static final int ROUNDS = 5;
    /** Of the tour's per-CPU allocations. */
    private static final long TOUR_COPY = 64;
    /** What the tour unmaps at a time, at most; of a small memory a quarter. */
    private static final int TOUR_MIB = 256;

    private final Streams streams;
    private final Consumer<VmapBuffer> afterRead;

    @Mixin
    private CommonOptions options;

    TourCommand(final Streams streams, final Consumer<VmapBuffer> afterRead) {
        this.streams = streams;
        this.afterRead = afterRead;
    }

    @Override
    public Integer call() {
        final Console console = streams.console(options.json);
        final int[] threads = options.threads(1, 2, 4, 8);
        final int most = threads[threads.length - 1];
        Loader.checkRoom(options.memory(), most);
        VmapWorkload.checkRoom(options.memory(), most);
        DirectoryWorkload.checkRoom(options.memory(), most);
        KmapWorkload.checkRoom(options.memory(), most);
        PercpuTable.checkRoom(options.memory(), most, TOUR_COPY);
        final int mib = (int)Math.min(TOUR_MIB, options.memory() >> 22);
        MunmapWorkload.checkRoom(options.memory(), mib, 1);
        final List<FilePiece.Source> files = TourFiles.find(Math.min(FILE_BYTES, options.memory()));
        boolean held = true;
        if (files.isEmpty()) {
            console.failure("found no file of the JDK to load: java.home=%s", System.getProperty("java.home"));
            held = false;
        }
        held &= new Loader(console, files, most, options.memory(), afterRead).run();
        final int rounds = options.rounds(ROUNDS);
        held &= new VmapTable(console, threads, options.millis(140), rounds, options.memory()).pages();
        held &= new VmapTable(console, threads, options.millis(80), rounds, options.memory()).directory();
        held &= new KmapTable(console, threads, options.millis(25), rounds, options.memory()).run(1);
        held &= new PercpuTable(console, threads, options.millis(25), rounds, options.memory()).run(TOUR_COPY);
        held &= new MunmapTable(console, new int[] {1}, options.millis(25), rounds, options.memory()).run(mib);
        console.line(held ? "every check held, nothing leaked" : "NOT every check held");
        return held ? Main.HELD : Main.NOT_HELD;
    }
}
