package org.vellum.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of a file that is loaded into one area.
 *
 * @param file which.
 * @param offset of its first byte in the file.
 * @param length in bytes, at least 1.
 */
record FilePiece(Path file, long offset, int length) {
    /**
     * A file that could be opened, as long as it was then.
     *
     * @param file where it is.
     * @param bytes its length.
     */
    record Source(Path file, long bytes) {
    }

    /**
     * Opens each file once, so that what cannot be read is known before any work is done.
     *
     * @throws BadInput naming the first that is missing, no regular file, or unreadable.
     */
    static List<Source> sources(final List<Path> files) {
        final List<Source> sources = new ArrayList<>();
        for (final Path file : files) {
            check(file);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                sources.add(new Source(file, channel.size()));
            } catch (final IOException e) {
                throw new BadInput("cannot be read: " + file);
            }
        }
        return sources;
    }

    /**
     * Refuses what is no regular file.
     *
     * @throws BadInput naming it.
     */
    static void check(final Path file) {
        if (!Files.exists(file)) {
            throw new BadInput("no such file: " + file);
        }
        if (!Files.isRegularFile(file)) {
            throw new BadInput("not a regular file: " + file);
        }
    }

    /** Cuts files into pieces of at most so many bytes; an empty file has none. */
    static List<FilePiece> cut(final List<Source> sources, final int most) {
        final List<FilePiece> pieces = new ArrayList<>();
        for (final Source source : sources) {
            for (long offset = 0; offset < source.bytes; offset += most) {
                pieces.add(new FilePiece(source.file, offset, (int)Math.min(most, source.bytes - offset)));
            }
        }
        return pieces;
    }
}
