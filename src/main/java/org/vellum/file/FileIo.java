package org.vellum.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What the rooms above need of a file, so that tests can have one that is full, broken or slow. Positional throughout: any number of threads
 * at once. May block, so never inside a section, and never under a lock that somebody in a section might want.
 */
public interface FileIo extends Closeable {
    /**
     * As {@link java.nio.channels.FileChannel#read(ByteBuffer, long)}.
     *
     * @param target what is read goes from its position to its limit.
     * @param position of the file, in bytes.
     * @return how many bytes, perhaps fewer than there is room for, or -1 at the end.
     * @throws IOException if the device or the file system says so.
     */
    int read(ByteBuffer target, long position) throws IOException;

    /**
     * As {@link java.nio.channels.FileChannel#write(ByteBuffer, long)}.
     *
     * @param source what is to be written, from its position to its limit.
     * @param position of the file, in bytes.
     * @return how many bytes, perhaps fewer than there are.
     * @throws IOException if the device or the file system says so.
     */
    int write(ByteBuffer source, long position) throws IOException;

    /**
     * @return bytes of the file now.
     * @throws IOException if the file system cannot tell.
     */
    long size() throws IOException;

    /**
     * Returns when what was written is on the device.
     *
     * @throws IOException if it is not, of whatever was written since this last returned.
     */
    void force() throws IOException;
}
