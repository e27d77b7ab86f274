package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;

/** High memory on real files: what is in the file and when, and what is refused. */
final class HighMemoryTest {
    private static final long GIB = 1L << 30;

    @TempDir
    Path directory;

    private Path file(final String name) {
        return directory.resolve(name);
    }

    private static byte[] page(final long seed) {
        final byte[] bytes = new byte[PAGE];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static long checksum(final byte[] bytes) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }

    private static void fill(final HighWorld world, final long frame, final byte[] bytes) {
        final int index = world.pin(frame, true);
        final ByteBuffer source = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        for (int i = 0; i < PAGE; i += Long.BYTES) {
            UnsafeApi.putLong(world.cache.nativePage(index) + i, source.getLong(i));
        }
        world.cache.unpin(index);
    }

    private static byte[] content(final HighWorld world, final long frame) {
        final int index = world.pin(frame, false);
        final ByteBuffer target = ByteBuffer.allocate(PAGE).order(ByteOrder.nativeOrder());
        for (int i = 0; i < PAGE; i += Long.BYTES) {
            target.putLong(i, UnsafeApi.getLong(world.cache.nativePage(index) + i));
        }
        world.cache.unpin(index);
        return target.array();
    }

    /** 64 GiB, sparse, through 16 MiB: pages all over it, twice as many as the cache has frames. */
    @Test
    void aFileOf64GibThrough16Mib() throws IOException {
        final int cacheFrames = 4096;
        final HighWorld world = new HighWorld(cacheFrames);
        final Path path = file("large");
        final TreeMap<Long, Long> checksums = new TreeMap<>();
        final SplittableRandom random = new SplittableRandom(64);
        try (HighMemory high = world.cache.open(path, 64 * GIB)) {
            assertEquals(64 * GIB / PAGE, high.frames());
            checksums.put(0L, 0L);
            checksums.put(high.frames() - 1, 0L);
            while (checksums.size() < 2 * cacheFrames) {
                checksums.put(random.nextLong(high.frames()), 0L);
            }
            for (final long page : checksums.keySet()) {
                final byte[] bytes = page(page);
                checksums.put(page, checksum(bytes));
                fill(world, high.frame(page), bytes);
            }
            assertEquals(cacheFrames, world.cache.size());
            assertTrue(world.count(CacheEvent.EVICTION) >= cacheFrames, "evictions=" + world.count(CacheEvent.EVICTION));
            for (final var entry : checksums.entrySet()) {
                assertEquals(entry.getValue(), checksum(content(world, high.frame(entry.getKey()))), "page=" + entry.getKey());
            }
            world.cache.verify();
        }
        assertEquals(64 * GIB, Files.size(path));
        checksums.forEach((page, crc) -> assertEquals(crc, checksum(HighWorld.plainRead(path, page * PAGE, PAGE)), "page=" + page));
        world.requireClosed();
    }

    @Test
    void aDirtyPageIsInTheFileOnceItsFrameIsAnothers() {
        final HighWorld world = new HighWorld(1);
        final Path path = file("eviction");
        try (HighMemory high = world.cache.open(path, 4 * PAGE)) {
            world.put(high.frame(2), 8, 42);
            assertEquals(0, HighWorld.plainLong(path, 2 * PAGE + 8));
            assertEquals(0, world.get(high.frame(0), 8));
            assertEquals(42, HighWorld.plainLong(path, 2 * PAGE + 8));
            assertEquals(42, world.get(high.frame(2), 8));
            assertEquals(1, world.count(CacheEvent.WRITE_BACK));
            assertEquals(2, world.count(CacheEvent.EVICTION));
        }
        assertEquals(1, world.count(CacheEvent.WRITE_BACK), "clean pages are not written");
        world.requireClosed();
    }

    @Test
    void forceWritesWhatIsDirtyAndNothingElse() {
        final HighWorld world = new HighWorld(64);
        final Path path = file("force");
        try (HighMemory high = world.cache.open(path, 64 * PAGE)) {
            for (int i = 0; i < 64; i += 2) {
                world.put(high.frame(i), 0, i + 1);
                assertEquals(0, world.get(high.frame(i + 1), 0));
            }
            high.force();
            assertEquals(32, world.count(CacheEvent.WRITE_BACK));
            for (int i = 0; i < 64; i++) {
                assertEquals(i % 2 == 0 ? i + 1 : 0, HighWorld.plainLong(path, (long)i * PAGE));
            }
            high.force();
            assertEquals(32, world.count(CacheEvent.WRITE_BACK));
        }
        world.requireClosed();
    }

    /** Neighbours go by one system call, in both directions. */
    @Test
    void rowsOfPagesAreReadAndWrittenTogether() {
        final HighWorld world = new HighWorld(64);
        final Path path = file("rows");
        try (HighMemory high = world.cache.open(path, 64 * PAGE)) {
            final long[] row = new long[40];
            for (int i = 0; i < 40; i++) {
                row[i] = high.frame(63 - i);
                HighWorld.plainWrite(path, (63L - i) * PAGE, page(63 - i));
            }
            assertEquals(40, high.prefetch(row));
            assertEquals(3, world.count(CacheEvent.GATHERED_READ));
            assertEquals(40, high.prefetch(row));
            assertEquals(40, world.count(CacheEvent.READ));
            for (final long frame : row) {
                assertNotEquals(-1, world.cache.tryPin(frame, true), "prefetched pages are hits");
                assertArrayEquals(page(HighFrames.page(frame)), content(world, frame));
                world.cache.unpin(world.cache.directory.hash.get(frame));
            }
            high.force();
            assertEquals(3, world.count(CacheEvent.GATHERED_WRITE));
        }
        for (int i = 24; i < 64; i++) {
            assertArrayEquals(page(i), HighWorld.plainRead(path, (long)i * PAGE, PAGE));
        }
        world.requireClosed();
    }

    @Test
    void prefetchLeavesOutWhatFindsNoFrame() {
        final HighWorld world = new HighWorld(8);
        try (HighMemory high = world.cache.open(file("full"), 64 * PAGE)) {
            final int[] pins = new int[6];
            for (int i = 0; i < 6; i++) {
                pins[i] = world.pin(high.frame(i), false);
            }
            assertEquals(2, high.prefetch(high.frame(10), high.frame(11), high.frame(12), high.frame(13), high.frame(20)));
            for (final int pin : pins) {
                world.cache.unpin(pin);
            }
            final long[] all = new long[64];
            for (int i = 0; i < 64; i++) {
                all[i] = high.frame(i);
            }
            assertEquals(8, high.prefetch(all));
            assertTrue(world.count(CacheEvent.READ) <= 16, "it reads no more than there is room for");
            assertEquals(0, high.prefetch());
            world.cache.verify();
        }
        world.requireClosed();
    }

    /** Prefetch writes dirty victims while it holds others. */
    @Test
    void prefetchPushesDirtyPagesOut() {
        final HighWorld world = new HighWorld(8);
        final Path path = file("dirty");
        try (HighMemory high = world.cache.open(path, 64 * PAGE)) {
            for (int i = 0; i < 8; i++) {
                world.put(high.frame(i), 16, i + 100);
            }
            final long[] next = new long[8];
            for (int i = 0; i < 8; i++) {
                next[i] = high.frame(32 + i);
            }
            assertEquals(8, high.prefetch(next));
            for (int i = 0; i < 8; i++) {
                assertEquals(i + 100, HighWorld.plainLong(path, (long)i * PAGE + 16));
            }
        }
        world.requireClosed();
    }

    @Test
    void allUsersSeeTheSameBytes() {
        final HighWorld world = new HighWorld(4);
        try (HighMemory high = world.cache.open(file("same"), 4 * PAGE)) {
            final int first = world.pin(high.frame(3), true);
            final int second = world.pin(high.frame(3), false);
            assertEquals(first, second);
            assertEquals(high.frame(3), world.cache.frameOf(first));
            world.cache.unpin(second);
            assertEquals(first, world.cache.tryPin(high.frame(3), true));
            world.cache.unpin(first);
            world.cache.unpin(first);
            assertThrows(IllegalStateException.class, () -> world.cache.unpin(first));
        }
        world.requireClosed();
    }

    @Test
    void aPinnedPageIsNotEvicted() throws InterruptedException {
        final HighWorld world = new HighWorld(2);
        try (HighMemory high = world.cache.open(file("pinned"), 16 * PAGE)) {
            final int pinned = world.pin(high.frame(0), true);
            UnsafeApi.putLong(world.cache.nativePage(pinned), 7);
            for (int i = 1; i < 16; i++) {
                world.put(high.frame(i), 0, i);
            }
            assertEquals(7, UnsafeApi.getLong(world.cache.nativePage(pinned)));
            assertEquals(high.frame(0), world.cache.frameOf(pinned));
            final int other = world.pin(high.frame(1), false);
            final ExhaustedException full = assertThrows(ExhaustedException.class,
                () -> world.cache.pin(high.frame(2), false, System.nanoTime() + 1_000_000));
            assertTrue(full.getMessage().contains("2 of 2") && full.getMessage().contains("frame=" + high.frame(0) + " pins=1"),
                full.getMessage());
            world.cache.unpin(other);
            world.cache.unpin(pinned);
        }
        world.requireClosed();
    }

    /** Written by force while somebody may be storing: as it is then; and again when he is done. */
    @Test
    void aPageThatIsPinnedWritableStaysDirty() {
        final HighWorld world = new HighWorld(4);
        final Path path = file("storable");
        try (HighMemory high = world.cache.open(path, 4 * PAGE)) {
            final int pin = world.pin(high.frame(1), true);
            UnsafeApi.putLong(world.cache.nativePage(pin), 1);
            high.force();
            assertEquals(1, HighWorld.plainLong(path, PAGE));
            assertEquals(1, world.count(CacheEvent.SNAPSHOT));
            UnsafeApi.putLong(world.cache.nativePage(pin), 2);
            world.cache.unpin(pin);
            assertEquals(1, HighWorld.plainLong(path, PAGE));
            high.force();
            assertEquals(2, HighWorld.plainLong(path, PAGE));
            assertEquals(1, world.count(CacheEvent.SNAPSHOT));
            assertEquals(2, world.count(CacheEvent.WRITE_BACK));
            high.force();
            assertEquals(2, world.count(CacheEvent.WRITE_BACK));
        }
        world.requireClosed();
    }

    @Test
    void aShortFileReadsAsZerosAndGrowsToWhatIsWritten() throws IOException {
        final HighWorld world = new HighWorld(4);
        final Path path = file("short");
        HighWorld.plainWrite(path, 0, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
        try (HighMemory high = world.cache.open(path, 100 * PAGE)) {
            // The frames are not fresh: what is beyond the end must be zeroed, not left.
            for (int i = 10; i < 14; i++) {
                fill(world, high.frame(i), page(i));
            }
            high.force();
            assertEquals(9, world.get(high.frame(0), 8));
            assertEquals(0, world.get(high.frame(0), 16));
            assertArrayEquals(new byte[PAGE], content(world, high.frame(50)));
            assertEquals(14 * PAGE, Files.size(path), "reading makes no file longer");
            world.put(high.frame(20), 0, 1);
            high.force();
            assertEquals(21 * PAGE, Files.size(path));
        }
        assertEquals(21 * PAGE, Files.size(path));
        world.requireClosed();
    }

    /** A size that is no multiple of a page: nothing at or beyond it is read or written. */
    @Test
    void theRestOfALastPageIsLeftAlone() throws IOException {
        final HighWorld world = new HighWorld(4);
        final Path path = file("odd");
        HighWorld.plainWrite(path, 0, page(1));
        try (HighMemory high = world.cache.open(path, 1000)) {
            assertEquals(1, high.frames());
            assertEquals(1000, high.bytes());
            assertEquals(ByteBuffer.wrap(page(1)).order(ByteOrder.nativeOrder()).getLong(992), world.get(high.frame(0), 992));
            assertEquals(0, world.get(high.frame(0), 1000));
            world.put(high.frame(0), 1000, -1);
            world.put(high.frame(0), 0, 5);
        }
        final byte[] expected = page(1);
        ByteBuffer.wrap(expected).order(ByteOrder.nativeOrder()).putLong(0, 5);
        assertArrayEquals(expected, HighWorld.plainRead(path, 0, PAGE));
        assertEquals(PAGE, Files.size(path));
        world.requireClosed();
    }

    @Test
    void aFileTruncatedUnderUsIsToldAndNothingInTheCacheIsLost() throws IOException {
        final HighWorld world = new HighWorld(2);
        final Path path = file("truncated");
        final HighMemory high = world.cache.open(path, 16 * PAGE);
        for (int i = 0; i < 10; i++) {
            world.put(high.frame(i), 0, i + 1);
        }
        high.force();
        world.put(high.frame(1), 0, 77);
        HighWorld.truncate(path, 3 * PAGE + 100);
        final HighMemoryException read = assertThrows(HighMemoryException.class, () -> world.pin(high.frame(5), false));
        assertEquals(high.frame(5), read.frame());
        assertTrue(read.getMessage().contains("truncated") && read.getMessage().contains(path.toString()), read.getMessage());
        assertThrows(HighMemoryException.class, () -> world.pin(high.frame(3), false), "a page of which a part is left");
        assertEquals(3, world.get(high.frame(2), 0));
        assertEquals(0, world.get(high.frame(12), 0), "this one was never there");
        final HighMemoryException force = assertThrows(HighMemoryException.class, high::force);
        assertEquals(HighMemoryException.NO_FRAME, force.frame());
        assertEquals(77, HighWorld.plainLong(path, PAGE));
        world.cache.verify();
        // Closing tells, too, but closes: there is nothing left that another try could save.
        assertTrue(assertThrows(HighMemoryException.class, high::close).getMessage().contains("truncated"));
        high.close();
        world.requireClosed();
    }

    @Test
    void closeIsRefusedWhilePagesArePinned() {
        final HighWorld world = new HighWorld(4);
        final Path path = file("close");
        final HighMemory high = world.cache.open(path, 4 * PAGE);
        final int a = world.pin(high.frame(0), false);
        final int b = world.pin(high.frame(1), true);
        UnsafeApi.putLong(world.cache.nativePage(b), 3);
        final IllegalStateException refused = assertThrows(IllegalStateException.class, high::close);
        assertTrue(refused.getMessage().contains("count=2"), refused.getMessage());
        world.cache.unpin(a);
        world.put(high.frame(2), 0, 9);
        assertThrows(IllegalStateException.class, high::close);
        world.cache.unpin(b);
        high.close();
        assertEquals(3, HighWorld.plainLong(path, PAGE));
        assertEquals(9, HighWorld.plainLong(path, 2 * PAGE));
        high.close();
        world.requireClosed();
    }

    @Test
    void nothingWorksAfterClose() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = world.cache.open(file("closed"), 4 * PAGE);
        final long frame = high.frame(1);
        world.put(frame, 0, 1);
        high.close();
        assertThrows(IllegalStateException.class, () -> world.pin(frame, false));
        assertEquals(-1, world.cache.tryPin(frame, false));
        assertThrows(IllegalStateException.class, () -> high.prefetch(frame));
        assertThrows(IllegalStateException.class, high::force);
        world.requireClosed();
    }

    /** Numbers of files go round: a frame of a file that is closed does not soon mean a page of another. */
    @Test
    void aNewFileHasOtherFrames() {
        final HighWorld world = new HighWorld(4);
        final HighMemory first = world.cache.open(file("first"), PAGE);
        final long old = first.frame(0);
        first.close();
        try (HighMemory second = world.cache.open(file("second"), PAGE)) {
            assertNotEquals(old, second.frame(0));
            assertThrows(IllegalStateException.class, () -> world.pin(old, false));
        }
    }

    @Test
    void framesComeOnDemandAndGoWithTheLastFile() {
        final HighWorld world = new HighWorld(8);
        final HighMemory first = world.cache.open(file("first"), 64 * PAGE);
        final HighMemory second = world.cache.open(file("second"), 64 * PAGE);
        assertEquals(0, world.allocator.allocatedFrames());
        world.put(first.frame(0), 0, 1);
        world.put(second.frame(0), 0, 2);
        assertEquals(2, world.allocator.allocatedFrames());
        for (int i = 0; i < 64; i++) {
            world.put(first.frame(i), 0, i);
        }
        assertEquals(8, world.allocator.allocatedFrames());
        first.close();
        assertEquals(2, world.get(second.frame(0), 0));
        assertEquals(8, world.allocator.allocatedFrames());
        second.close();
        world.requireClosed();
    }

    /** Memory with fewer frames than the cache may have: it makes do; with none at all it says so. */
    @Test
    void fewerFramesThanTheCacheMayHave() {
        final HighWorld world = new HighWorld(1024, 64 << 10);
        final long[] taken = new long[16];
        final int have;
        try (Cpu cpu = world.cpus.enter()) {
            have = world.allocator.allocateBulk(cpu, taken, 0, 16);
        }
        assertEquals(16, have);
        try (HighMemory high = world.cache.open(file("few"), 256 * PAGE)) {
            final ExhaustedException none = assertThrows(ExhaustedException.class, () -> world.pin(high.frame(0), false));
            assertSame(ExhaustedException.Resource.FRAMES, none.resource());
            try (Cpu cpu = world.cpus.enter()) {
                world.allocator.freeBulk(cpu, taken, 0, 4);
            }
            for (int i = 0; i < 256; i++) {
                world.put(high.frame(i), 0, i);
            }
            assertEquals(4, world.cache.size());
            for (int i = 0; i < 256; i++) {
                assertEquals(i, world.get(high.frame(i), 0));
            }
            // Free again, they are found again.
            try (Cpu cpu = world.cpus.enter()) {
                world.allocator.freeBulk(cpu, taken, 4, 12);
            }
            for (int i = 0; i < 1024; i++) {
                assertEquals(i & 255, world.get(high.frame(i & 255), 0));
            }
            assertEquals(16, world.cache.size());
        }
        world.requireClosed();
    }

    @Test
    void sectionsNeverWaitForAFile() throws IOException {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = world.cache.open(file("section"), 4 * PAGE);
        high.prefetch(high.frame(0));
        try (Cpu cpu = world.cpus.enter()) {
            assertTrue(world.cpus.isOccupant(cpu));
            final int hit = world.cache.tryPin(high.frame(0), true);
            assertNotEquals(-1, hit);
            world.cache.unpin(hit);
            assertEquals(-1, world.cache.tryPin(high.frame(1), true));
            assertThrows(IllegalStateException.class, () -> world.pin(high.frame(0), false));
            assertThrows(IllegalStateException.class, () -> high.prefetch(high.frame(1)));
            assertThrows(IllegalStateException.class, high::force);
            assertThrows(IllegalStateException.class, high::close);
            assertThrows(IllegalStateException.class, () -> world.cache.open(file("other"), PAGE));
        }
        assertFalse(Files.exists(file("other")));
        high.close();
        world.requireClosed();
    }

    @Test
    void badSizes() {
        final HighWorld world = new HighWorld(4);
        for (final long bytes : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, HighMemory.MAX_BYTES + 1}) {
            final IllegalArgumentException bad =
                assertThrows(IllegalArgumentException.class, () -> world.cache.open(file("size"), bytes));
            assertTrue(bad.getMessage().contains("bytes=" + bytes), bad.getMessage());
        }
        assertFalse(Files.exists(file("size")));
        try (HighMemory high = world.cache.open(file("size"), HighMemory.MAX_BYTES)) {
            assertEquals(1L << 32, high.frames());
            assertEquals(0, world.get(high.frame(high.frames() - 1), 0));
        }
        world.requireClosed();
        assertThrows(IllegalArgumentException.class, () -> new HighCache(world.cpus, world.allocator, 0));
        assertThrows(IllegalArgumentException.class, () -> new HighCache(world.cpus, world.allocator, HighCache.MAX_CAPACITY + 1));
    }

    @Test
    void badPaths() throws IOException {
        final HighWorld world = new HighWorld(4);
        assertThrows(NullPointerException.class, () -> world.cache.open(null, PAGE));
        assertThrows(IllegalArgumentException.class, () -> world.cache.open(directory, PAGE));
        final HighMemoryException absent =
            assertThrows(HighMemoryException.class, () -> world.cache.open(file("absent").resolve("file"), PAGE));
        assertEquals(file("absent").resolve("file"), absent.path());
        assertTrue(absent.getMessage().contains("absent"), absent.getMessage());
        if (Files.exists(Path.of("/dev/full"))) {
            assertThrows(IllegalArgumentException.class, () -> world.cache.open(Path.of("/dev/full"), PAGE));
        }
        try (HighMemory high = world.cache.open(file("twice"), PAGE)) {
            assertEquals(file("twice"), high.path());
            final Path link = Files.createLink(file("link"), file("twice"));
            assertThrows(IllegalArgumentException.class, () -> world.cache.open(file("twice"), PAGE));
            assertThrows(IllegalArgumentException.class, () -> world.cache.open(link, PAGE));
        }
        world.cache.open(file("twice"), PAGE).close();
        world.requireClosed();
    }

    @Test
    void framesOutOfRange() {
        final HighWorld world = new HighWorld(4);
        try (HighMemory high = world.cache.open(file("range"), 4 * PAGE); HighMemory other = world.cache.open(file("other"), PAGE)) {
            for (final long page : new long[] {-1, 4, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32}) {
                assertThrows(IllegalArgumentException.class, () -> high.frame(page));
            }
            for (final long frame : new long[] {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40, high.frame(3) + 1}) {
                assertThrows(IllegalArgumentException.class, () -> world.pin(frame, false), "frame=" + frame);
                assertEquals(-1, world.cache.tryPin(frame, false), "frame=" + frame);
                assertThrows(IllegalArgumentException.class, () -> high.prefetch(high.frame(0), frame), "frame=" + frame);
            }
            assertThrows(IllegalArgumentException.class, () -> high.prefetch(other.frame(0)));
            assertThrows(IllegalStateException.class, () -> world.pin(HighFrames.of(100, 0), false), "no file has this number");
            assertEquals(0, world.count(CacheEvent.READ));
        }
        world.requireClosed();
    }

    /** An interrupt in a channel closes it: for this file it must not. */
    @Test
    void anInterruptedThreadReadsAndWrites() {
        final HighWorld world = new HighWorld(2);
        final Path path = file("interrupted");
        try (HighMemory high = world.cache.open(path, 8 * PAGE)) {
            Thread.currentThread().interrupt();
            for (int i = 0; i < 8; i++) {
                world.put(high.frame(i), 0, i + 1);
            }
            high.prefetch(high.frame(0), high.frame(1));
            high.force();
            assertTrue(Thread.interrupted(), "the interrupt is still there");
            for (int i = 0; i < 8; i++) {
                assertEquals(i + 1, world.get(high.frame(i), 0));
                assertEquals(i + 1, HighWorld.plainLong(path, (long)i * PAGE));
            }
        }
        world.requireClosed();
    }
}
