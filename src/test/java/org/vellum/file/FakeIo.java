package org.vellum.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A file in memory that fails, and waits, when told to. */
public final class FakeIo implements FileIo {
    /** What a test does in the middle of a read or write. */
    public interface Hook {
        void run(long position, int bytes) throws IOException;
    }

    public final AtomicInteger reads = new AtomicInteger();
    public final AtomicInteger writes = new AtomicInteger();
    public final AtomicInteger forces = new AtomicInteger();
    public final List<Long> written = Collections.synchronizedList(new ArrayList<>());
    public volatile Hook beforeRead = (position, bytes) -> { };
    public volatile Hook beforeWrite = (position, bytes) -> { };
    public volatile Hook beforeForce = (position, bytes) -> { };
    /** Bytes that the device has room for. */
    public volatile long limit = Long.MAX_VALUE;
    /** Bytes that one call moves at most. */
    public volatile int portion = Integer.MAX_VALUE;
    public volatile boolean closed;
    private final byte[] content;
    private int size;

    public FakeIo(final int capacity) {
        content = new byte[capacity];
    }

    @Override
    public int read(final ByteBuffer target, final long position) throws IOException {
        reads.incrementAndGet();
        beforeRead.run(position, target.remaining());
        synchronized (this) {
            if (position >= size) {
                return -1;
            }
            final int length = (int)Math.min(Math.min(target.remaining(), portion), size - position);
            target.put(content, (int)position, length);
            return length;
        }
    }

    @Override
    public int write(final ByteBuffer source, final long position) throws IOException {
        writes.incrementAndGet();
        written.add(position);
        beforeWrite.run(position, source.remaining());
        synchronized (this) {
            final int length = (int)Math.min(Math.min(source.remaining(), portion), limit - position);
            if (length <= 0) {
                throw new IOException("No space left on device");
            }
            source.get(content, (int)position, length);
            size = Math.max(size, (int)position + length);
            return length;
        }
    }

    public synchronized long getLong(final int position) {
        return ByteBuffer.wrap(content).order(java.nio.ByteOrder.nativeOrder()).getLong(position);
    }

    public synchronized void truncate(final int bytes) {
        size = bytes;
    }

    @Override
    public synchronized long size() {
        return size;
    }

    @Override
    public void force() throws IOException {
        forces.incrementAndGet();
        beforeForce.run(0, 0);
    }

    @Override
    public void close() {
        closed = true;
    }
}
