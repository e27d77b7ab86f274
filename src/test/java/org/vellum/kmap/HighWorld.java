package org.vellum.kmap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.agrona.UnsafeApi;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;

/** A cache of high memory with what it stands on, and a plain channel to look at its files past it. */
final class HighWorld {
    static final int PAGE = 4096;
    /** What only a failure outlasts. */
    static final long PATIENT_NANOS = TimeUnit.SECONDS.toNanos(60);

    final Cpus cpus;
    final FrameAllocator allocator;
    final HighCache cache;

    /** Memory enough for the cache. */
    HighWorld(final int cacheFrames) {
        this(cacheFrames, 2L * cacheFrames * PAGE + FrameOptions.MIN_BANK_BYTES);
    }

    HighWorld(final int cacheFrames, final long memoryBytes) {
        this(cacheFrames, memoryBytes, CpuOptions.forThisMachine().withCachedSlots(4));
    }

    /** Memory enough, and so many slots. */
    HighWorld(final int cacheFrames, final CpuOptions slots) {
        this(cacheFrames, 2L * cacheFrames * PAGE + FrameOptions.MIN_BANK_BYTES, slots);
    }

    private HighWorld(final int cacheFrames, final long memoryBytes, final CpuOptions slots) {
        cpus = new Cpus(slots);
        allocator = new FrameAllocator(cpus, new FrameOptions(memoryBytes, FrameOptions.MIN_BANK_BYTES));
        cache = new HighCache(cpus, allocator, cacheFrames);
    }

    int pin(final long frame, final boolean writable) {
        try {
            return cache.pin(frame, writable, System.nanoTime() + PATIENT_NANOS);
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    long get(final long frame, final int offset) {
        final int index = pin(frame, false);
        final long value = UnsafeApi.getLong(cache.nativePage(index) + offset);
        cache.unpin(index);
        return value;
    }

    void put(final long frame, final int offset, final long value) {
        final int index = pin(frame, true);
        UnsafeApi.putLong(cache.nativePage(index) + offset, value);
        cache.unpin(index);
    }

    long count(final CacheEvent event) {
        return cache.counts.of(event);
    }

    /** Nothing pinned, structures whole, and no frame lost: by a walk of the frame table. */
    void requireClosed() {
        cache.verify();
        cpus.verifyQuiet();
        allocator.drainIdle();
        allocator.verify();
        if (allocator.allocatedFrames() != 0 || cache.size() != 0 || cache.files() != 0) {
            throw new AssertionError("allocated=" + allocator.allocatedFrames() + " cache=" + cache.size());
        }
    }

    /** What the file has at a place: zeros behind its end. */
    static byte[] plainRead(final Path path, final long position, final int length) {
        final ByteBuffer buffer = ByteBuffer.allocate(length);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) > 0) {
                // On.
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return buffer.array();
    }

    static long plainLong(final Path path, final long position) {
        return ByteBuffer.wrap(plainRead(path, position, Long.BYTES)).order(java.nio.ByteOrder.nativeOrder()).getLong();
    }

    static void plainWrite(final Path path, final long position, final byte[] bytes) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(bytes), position);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void truncate(final Path path, final long bytes) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(bytes);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
