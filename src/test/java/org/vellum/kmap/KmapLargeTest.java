package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.PAGE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;

/** The window as it is by default, and a file that is four thousand times as large. */
final class KmapLargeTest {
    private static final long FILE_BYTES = 64L << 30;
    private static final long WINDOW_BYTES = 16L << 20;
    private static final int SLOTS = (int)(WINDOW_BYTES / PAGE);
    private static final int ROUNDS = 3;

    @TempDir
    Path directory;

    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[PAGE]);

    private long fill(final long seed) {
        new SplittableRandom(seed).nextBytes(buffer.byteArray());
        return checksum(buffer.byteArray());
    }

    private static long checksum(final byte[] bytes) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }

    private static KmapOptions options() {
        final KmapOptions options = KmapOptions.DEFAULT;
        assertEquals(WINDOW_BYTES, options.windowBytes());
        return options.withWaitNanos(SmallMemory.PATIENT_NANOS);
    }

    /** Three windows full of pages from all over the file: two wraps, and a flush for each of them. */
    @Test
    void aSparseFileOf64GibThroughAWindowOf16Mib() throws Exception {
        final Path path = directory.resolve("large");
        final long[] pages = new SplittableRandom(16).longs(0, FILE_BYTES / PAGE).distinct().limit(ROUNDS * SLOTS).toArray();
        pages[0] = FILE_BYTES / PAGE - 1;
        final long[] checksums = new long[pages.length];
        try (KmapWorld world = new KmapWorld(options(), SmallMemory.builder(SLOTS + 512, 1024));
            HighMemory high = world.kmap.openHigh(path, FILE_BYTES)) {
            for (int i = 0; i < pages.length; i++) {
                checksums[i] = fill(pages[i]);
                final long address = world.kmap.kmap(high.frame(pages[i]));
                world.memory.access().putBytes(address, buffer, 0, PAGE);
                world.kmap.kunmap(address);
                assertEquals(i / SLOTS, world.kmap.flushes(), "i=" + i);
            }
            assertTrue(world.kmap.cacheCounts().of(CacheEvent.EVICTION) >= (ROUNDS - 1) * SLOTS);
            for (int i = 0; i < pages.length; i++) {
                Arrays.fill(buffer.byteArray(), (byte)0);
                world.kmap.copyOut(new long[] {high.frame(pages[i])}, 0, buffer, 0, PAGE);
                assertEquals(checksums[i], checksum(buffer.byteArray()), "page=" + pages[i]);
            }
            world.requireQuiet();
        }
        requireFile(path, pages, checksums);
    }

    private static void requireFile(final Path path, final long[] pages, final long[] checksums) throws IOException {
        assertEquals(FILE_BYTES, Files.size(path));
        for (int i = 0; i < pages.length; i++) {
            assertEquals(checksums[i], checksum(HighWorld.plainRead(path, pages[i] * PAGE, PAGE)), "page=" + pages[i]);
        }
    }
}
