package org.vellum.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A file by {@link FileChannel}, made proof against interrupts.
 *
 * <p>A thread that is interrupted inside a channel closes it, for everybody. So the interrupt is put aside before each operation and
 * restored behind it; one that comes in the middle costs a channel, and whoever finds that out opens the file again, unless it is
 * another file by now, and repeats the operation, which is positional and therefore may be. Which thread it was does not matter: the
 * others see the same closed channel.
 */
public final class ChannelIo implements FileIo {
    private interface Operation {
        long on(FileChannel channel, ByteBuffer buffer, long position) throws IOException;
    }

    /**
     * Loaded, and with it what it extends, before anything here is compiled. Until the first subclass of {@link ClosedChannelException} is
     * there, HotSpot compiles the handler below for that class alone; when one is loaded, such code is given up, but a virtual thread that is
     * unmounted in the middle of an operation then goes on with it if the operation throws (JDK-8389310), and the exception, which is of the
     * new class, would pass the handler by: the first interrupt that ever closed a channel would fail the operations of others.
     */
    private static final Class<?> LOADED_EARLY = ClosedByInterruptException.class;

    /** For what transfers nothing. */
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Path path;
    private final Object key;
    /** Held to open and close the file, never to read or write. */
    private final ReentrantLock opening = new ReentrantLock();
    private volatile FileChannel channel;
    private volatile boolean closed;

    /**
     * Opens the file, and makes it if it is not there.
     *
     * @param path of a regular file, or of none.
     * @throws IOException if it cannot be opened for reading and writing.
     */
    public ChannelIo(final Path path) throws IOException {
        this.path = path;
        channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        key = keyOf(path, channel);
    }

    /** {@link #keyOf(Path)} of what has just been opened; closes it if nobody can tell. */
    private static Object keyOf(final Path path, final FileChannel open) throws IOException {
        boolean told = false;
        try {
            final Object key = keyOf(path);
            told = true;
            return key;
        } finally {
            if (!told) {
                open.close();
            }
        }
    }

    /** What tells two files apart, whatever their names: equal for the same file. */
    static Object keyOf(final Path path) throws IOException {
        final Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        return key == null ? path.toRealPath() : key;
    }

    /** @return what tells this file from others, whatever their names: equal for the same file. */
    public Object key() {
        return key;
    }

    @Override
    public int read(final ByteBuffer target, final long position) throws IOException {
        return (int)undisturbed(FileChannel::read, target, position);
    }

    @Override
    public int write(final ByteBuffer source, final long position) throws IOException {
        return (int)undisturbed(FileChannel::write, source, position);
    }

    @Override
    public long size() throws IOException {
        return undisturbed((open, nothing, nowhere) -> open.size(), NOTHING, 0);
    }

    @Override
    public void force() throws IOException {
        undisturbed((open, nothing, nowhere) -> {
            open.force(true);
            return 0;
        }, NOTHING, 0);
    }

    /** With what the operation needs as arguments: one that had caught them would be garbage of each miss. */
    private long undisturbed(final Operation operation, final ByteBuffer buffer, final long position) throws IOException {
        final int start = buffer.position();
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                final FileChannel open = channel;
                try {
                    return operation.on(open, buffer, position);
                } catch (final ClosedChannelException e) {
                    interrupted |= Thread.interrupted();
                    if (closed) {
                        throw e;
                    }
                    reopen(open);
                    buffer.position(start);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void reopen(final FileChannel dead) throws IOException {
        opening.lock();
        try {
            if (channel != dead || closed) {
                return;
            }
            final FileChannel again = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (!key.equals(keyOf(path, again))) {
                again.close();
                throw new IOException("an interrupt closed the file, and meanwhile another one has its name");
            }
            channel = again;
        } finally {
            opening.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        opening.lock();
        try {
            closed = true;
            channel.close();
        } finally {
            opening.unlock();
        }
    }
}
