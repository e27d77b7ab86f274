package org.vellum.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.vellum.vmap.VmapBuffer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code load}: real files through vmapped memory. */
@Command(name = "load", mixinStandardHelpOptions = true, versionProvider = Version.class,
    description = "Reads files into vmalloc areas on several threads, verifies CRC32C through the mapped views against the "
        + "files, and frees them, while other threads map, unmap, allocate and free all the time.")
final class LoadCommand implements Callable<Integer> {
    private final Streams streams;
    private final Consumer<VmapBuffer> afterRead;

    @Mixin
    private CommonOptions options;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "Files to load.")
    private List<Path> files;

    LoadCommand(final Streams streams, final Consumer<VmapBuffer> afterRead) {
        this.streams = streams;
        this.afterRead = afterRead;
    }

    @Override
    public Integer call() {
        final Console console = streams.console(options.json);
        final List<FilePiece.Source> sources = FilePiece.sources(files);
        final int[] counts = options.threads(8);
        Loader.checkRoom(options.memory(), counts[counts.length - 1]);
        boolean held = true;
        for (final int threads : counts) {
            held &= new Loader(console, sources, threads, options.memory(), afterRead).run();
        }
        return held ? Main.HELD : Main.NOT_HELD;
    }
}
