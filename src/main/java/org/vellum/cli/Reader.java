package org.vellum.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.HdrHistogram.Histogram;
import org.vellum.Vellum;
import org.vellum.vmap.VmapBuffer;

/** One loading thread: takes piece after piece, and keeps its own figures until it is joined. */
final class Reader {
    private static final int CHUNK = 256 << 10;
    private static final long HIGHEST_NANOS = 60_000_000_000L;

    final Histogram vmallocNanos = new Histogram(HIGHEST_NANOS, 2);
    final Histogram vfreeNanos = new Histogram(HIGHEST_NANOS, 2);
    long crcErrors;

    private final Vellum memory;
    private final VmapBuffer view;
    private final Consumer<VmapBuffer> afterRead;
    private final byte[] chunk = new byte[CHUNK];
    private final CRC32C crc = new CRC32C();

    Reader(final Vellum memory, final Consumer<VmapBuffer> afterRead) {
        this.memory = memory;
        this.afterRead = afterRead;
        view = memory.view();
    }

    /** Loads a piece into an area of its own, verifies it there, and frees the area. */
    void load(final FilePiece piece) {
        final long begun = System.nanoTime();
        final long address = memory.vmalloc(piece.length());
        record(vmallocNanos, begun);
        try (FileChannel channel = FileChannel.open(piece.file(), StandardOpenOption.READ)) {
            view.wrap(address, piece.length());
            for (int at = 0; at < piece.length(); at += CHUNK) {
                view.putBytes(at, chunk, 0, read(channel, piece, at));
            }
            afterRead.accept(view);
            if (checksumOfView(piece) != checksumOfFile(channel, piece)) {
                crcErrors++;
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(piece.file() + ": " + e.getMessage(), e);
        } finally {
            final long freeing = System.nanoTime();
            memory.vfree(address);
            record(vfreeNanos, freeing);
        }
    }

    private static void record(final Histogram histogram, final long begun) {
        histogram.recordValue(Math.min(HIGHEST_NANOS, System.nanoTime() - begun));
    }

    private long checksumOfView(final FilePiece piece) {
        crc.reset();
        for (int at = 0; at < piece.length(); at += CHUNK) {
            final int length = Math.min(CHUNK, piece.length() - at);
            view.getBytes(at, chunk, 0, length);
            crc.update(chunk, 0, length);
        }
        return crc.getValue();
    }

    /** Reads the file again, into the heap: nothing of what is to be verified takes part. */
    private long checksumOfFile(final FileChannel channel, final FilePiece piece) throws IOException {
        crc.reset();
        for (int at = 0; at < piece.length(); at += CHUNK) {
            crc.update(chunk, 0, read(channel, piece, at));
        }
        return crc.getValue();
    }

    /** Fills the chunk from a place in the piece. Returns its bytes. */
    private int read(final FileChannel channel, final FilePiece piece, final int at) throws IOException {
        final ByteBuffer target = ByteBuffer.wrap(chunk, 0, Math.min(CHUNK, piece.length() - at));
        while (target.hasRemaining()) {
            if (channel.read(target, piece.offset() + at + target.position()) < 0) {
                throw new IOException("the file became shorter while it was read");
            }
        }
        return target.limit();
    }
}
