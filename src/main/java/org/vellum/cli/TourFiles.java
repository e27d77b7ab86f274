package org.vellum.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Real files that are on every machine which can run this: the running JDK's own, and the tool's. */
final class TourFiles {
    private TourFiles() {
    }

    /** Finds readable files of at most so many bytes together. */
    static List<FilePiece.Source> find(final long mostBytes) {
        final List<FilePiece.Source> found = new ArrayList<>();
        long left = mostBytes;
        for (final Path file : candidates()) {
            final long bytes = size(file);
            if (bytes >= 0 && bytes <= left) {
                found.add(new FilePiece.Source(file, bytes));
                left -= bytes;
            }
        }
        return found;
    }

    private static long size(final Path file) {
        try {
            return Files.isRegularFile(file) && Files.isReadable(file) ? Files.size(file) : -1;
        } catch (final IOException e) {
            return -1;
        }
    }

    /** The tool's own jar first, so that it is there whatever the bound. */
    private static List<Path> candidates() {
        final List<Path> files = new ArrayList<>();
        final CodeSource source = TourFiles.class.getProtectionDomain().getCodeSource();
        if (source != null && source.getLocation() != null) {
            try {
                files.add(Path.of(source.getLocation().toURI()));
            } catch (final URISyntaxException | IllegalArgumentException e) {
                // Loaded from no file: then the JDK's have to do.
                files.clear();
            }
        }
        try (Stream<Path> all = Files.walk(Path.of(System.getProperty("java.home")))) {
            all.filter(Files::isRegularFile).sorted().forEach(files::add);
        } catch (final IOException | UncheckedIOException e) {
            // A part of the JDK that may not be listed: what was listed before is enough.
            return files;
        }
        return files;
    }
}
