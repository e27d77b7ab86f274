package org.vellum.kmap;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What high memory needs of a file, so that tests can have one that is full, broken or slow. Positional throughout: any number of threads
 * at once. May block, so never inside a section, and never under a lock.
 */
interface FileIo extends Closeable {
    /** As {@link java.nio.channels.FileChannel#read(ByteBuffer, long)}: some bytes, or -1 at the end. */
    int read(ByteBuffer target, long position) throws IOException;

    /** As {@link java.nio.channels.FileChannel#write(ByteBuffer, long)}: some bytes. */
    int write(ByteBuffer source, long position) throws IOException;

    /** Bytes of the file now. */
    long size() throws IOException;

    /** Returns when what was written is on the device. */
    void force() throws IOException;
}
