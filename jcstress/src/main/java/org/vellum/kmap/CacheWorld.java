package org.vellum.kmap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.agrona.UnsafeApi;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.file.FileIo;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.Pages;

/**
 * One cache for the states of a race, each of which has pages of its own that no other state ever had: so nothing needs to be cleared away
 * behind them. The file is an array, which has one word a page, twice: that word, and the number of the page behind it.
 */
final class CacheWorld {
    /** More than the harness has states under way. */
    private static final int FRAMES = 1 << 15;
    private static final int FILE_WORDS = 1 << 22;
    private static final long PATIENT_NANOS = 60_000_000_000L;

    final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2));
    final HighCache cache;
    final HighFile file;
    private final AtomicLongArray content = new AtomicLongArray(FILE_WORDS);
    private final AtomicLongArray reads = new AtomicLongArray(FILE_WORDS);
    private final AtomicLong nextPage = new AtomicLong();

    CacheWorld() {
        cache = new HighCache(cpus, new FrameAllocator(cpus, FrameOptions.of(2L * FRAMES << Pages.SHIFT)), FRAMES);
        try {
            final HighMemory memory = cache.open(Path.of("array"), HighMemory.MAX_BYTES, new ArrayIo(), this);
            file = cache.files.require(memory.frame(0));
        } catch (final IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Only a cache without free frames evicts. */
    static CacheWorld filled() {
        final CacheWorld world = new CacheWorld();
        for (int i = 0; i < world.cache.directory.capacity(); i++) {
            world.cache.unpin(world.pin(world.newFrame(), false));
        }
        return world;
    }

    /** A page that nobody had: zero, and not in the cache. */
    long newFrame() {
        final long page = nextPage.getAndIncrement();
        content.set(at(page), 0);
        reads.set(at(page), 0);
        return file.frame(page);
    }

    private static int at(final long page) {
        return (int)page & FILE_WORDS - 1;
    }

    /** What the file has of it. */
    long written(final long frame) {
        return content.get(at(HighFrames.page(frame)));
    }

    /** How often it was read from the file. */
    long reads(final long frame) {
        return reads.get(at(HighFrames.page(frame)));
    }

    int pin(final long frame, final boolean writable) {
        try {
            return cache.pin(frame, writable, System.nanoTime() + PATIENT_NANOS);
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    void put(final int index, final long value) {
        UnsafeApi.putLong(cache.nativePage(index), value);
    }

    /** Whether a pinned page's bytes are those of that frame. */
    boolean shows(final int index, final long frame) {
        return UnsafeApi.getLong(cache.nativePage(index) + Long.BYTES) == HighFrames.page(frame);
    }

    private final class ArrayIo implements FileIo {
        @Override
        public int read(final ByteBuffer target, final long position) {
            final long page = position >>> Pages.SHIFT;
            reads.incrementAndGet(at(page));
            final int length = target.remaining();
            target.order(ByteOrder.nativeOrder());
            target.putLong(0, content.get(at(page)));
            target.putLong(Long.BYTES, page);
            return length;
        }

        @Override
        public int write(final ByteBuffer source, final long position) {
            source.order(ByteOrder.nativeOrder());
            content.set(at(position >>> Pages.SHIFT), source.getLong(0));
            return source.remaining();
        }

        @Override
        public long size() {
            return HighMemory.MAX_BYTES;
        }

        @Override
        public void force() {
            // An array is safe.
        }

        @Override
        public void close() {
            // Nor is there anything to close.
        }
    }
}
