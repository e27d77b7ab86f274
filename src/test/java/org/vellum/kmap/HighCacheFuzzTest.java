package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.report.ExhaustedException;

/** Random pins, stores, unpins, forces, prefetches and closes on two files through eight frames, against arrays. */
final class HighCacheFuzzTest {
    private static final int FRAMES = 8;
    private static final int PAGES = 48;
    private static final int WORDS = 8;
    private static final int FILES = 2;
    private static final int STEPS = 20_000;

    private record Pin(int file, int page, int index, boolean writable) {
    }

    @TempDir
    Path directory;

    private HighWorld world;
    private SplittableRandom random;
    private final HighMemory[] high = new HighMemory[FILES];
    private final long[][] model = new long[FILES][PAGES * WORDS];
    private final List<Pin> pins = new ArrayList<>();
    private long hits;
    private long misses;
    private long refused;

    @Test
    void randomOperationsAgainstArrays() {
        final long seed = Long.getLong("vellum.seed", System.nanoTime());
        System.out.println("HighCacheFuzzTest seed=" + seed);
        random = new SplittableRandom(seed);
        world = new HighWorld(FRAMES);
        for (int i = 0; i < FILES; i++) {
            reopen(i);
        }
        for (int i = 0; i < STEPS; i++) {
            step();
            if (i % 64 == 0) {
                world.cache.verify();
            }
        }
        while (!pins.isEmpty()) {
            unpin();
        }
        for (int i = 0; i < FILES; i++) {
            high[i].close();
            requireFile(i);
        }
        world.requireClosed();
        assertTrue(hits > 100 && misses > 100 && refused > 10, "hits=" + hits + " misses=" + misses + " refused=" + refused);
        for (final CacheEvent event : CacheEvent.values()) {
            // A single thread meets nobody in the middle of a transfer, and these files are sound.
            if (event != CacheEvent.READ_WAIT && event != CacheEvent.WRITE_WAIT && event != CacheEvent.FAILURE) {
                assertTrue(world.count(event) > 0, "never happened: " + event);
            }
        }
    }

    private void step() {
        switch (random.nextInt(20)) {
            case 0 -> force(random.nextInt(FILES));
            case 1 -> prefetch(random.nextInt(FILES));
            case 2 -> close(random.nextInt(FILES));
            case 3, 4, 5, 6, 7, 8 -> unpin();
            case 9, 10, 11 -> use();
            default -> pin(random.nextInt(FILES), random.nextInt(PAGES), random.nextBoolean());
        }
    }

    private Pin held(final int file, final int page) {
        return pins.stream().filter(pin -> pin.file == file && pin.page == page).findAny().orElse(null);
    }

    private void pin(final int file, final int page, final boolean writable) {
        final long frame = high[file].frame(page);
        final Pin held = held(file, page);
        int index = world.cache.tryPin(frame, writable);
        assertTrue(held == null || index == held.index, "a page that is pinned is always found, in the same frame");
        if (index >= 0) {
            hits++;
        } else if (pins.stream().mapToInt(Pin::index).distinct().count() == FRAMES) {
            assertThrows(ExhaustedException.class, () -> world.cache.pin(frame, writable, System.nanoTime()));
            refused++;
            return;
        } else {
            index = world.pin(frame, writable);
            misses++;
        }
        assertEquals(frame, world.cache.frameOf(index));
        final Pin pin = new Pin(file, page, index, writable);
        pins.add(pin);
        requirePage(pin);
        store(pin);
    }

    /** All of a page as it should be; what is not in the model is zero, or the cache has shown another page. */
    private void requirePage(final Pin pin) {
        final long page = world.cache.nativePage(pin.index);
        for (int i = 0; i < WORDS; i++) {
            assertEquals(model[pin.file][pin.page * WORDS + i], UnsafeApi.getLong(page + offset(i)), "page=" + pin.page + " word=" + i);
        }
        assertEquals(0, UnsafeApi.getLong(page + 1024));
    }

    /** The words of the model, spread over the page. */
    private static int offset(final int word) {
        return word * (PAGE / WORDS);
    }

    private void store(final Pin pin) {
        if (pin.writable) {
            final int word = random.nextInt(WORDS);
            if (offset(word) == 1024) {
                return;
            }
            final long value = random.nextLong();
            model[pin.file][pin.page * WORDS + word] = value;
            UnsafeApi.putLong(world.cache.nativePage(pin.index) + offset(word), value);
        }
    }

    private void use() {
        if (!pins.isEmpty()) {
            final Pin pin = pins.get(random.nextInt(pins.size()));
            requirePage(pin);
            store(pin);
        }
    }

    private void unpin() {
        if (!pins.isEmpty()) {
            final Pin pin = pins.remove(random.nextInt(pins.size()));
            requirePage(pin);
            world.cache.unpin(pin.index);
        }
    }

    private void force(final int file) {
        high[file].force();
        requireFile(file);
    }

    private void prefetch(final int file) {
        final int from = random.nextInt(PAGES);
        final long[] frames = new long[1 + random.nextInt(Math.min(6, PAGES - from))];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = high[file].frame(random.nextInt(8) == 0 ? random.nextInt(PAGES) : from + i);
        }
        final int present = high[file].prefetch(frames);
        final long free = FRAMES - pins.stream().mapToInt(Pin::index).distinct().count();
        assertTrue(present >= Math.min(free, 1), "present=" + present + " free=" + free);
    }

    private void close(final int file) {
        if (pins.stream().anyMatch(pin -> pin.file == file)) {
            assertThrows(IllegalStateException.class, high[file]::close);
        } else if (random.nextInt(4) == 0) {
            high[file].close();
            requireFile(file);
            reopen(file);
        }
    }

    private Path path(final int file) {
        return directory.resolve("fuzz" + file);
    }

    private void reopen(final int file) {
        high[file] = world.cache.open(path(file), (long)PAGES * PAGE);
    }

    /** The whole file by a checksum, through a channel that knows nothing of the cache. */
    private void requireFile(final int file) {
        final ByteBuffer expected = ByteBuffer.allocate(PAGES * PAGE).order(ByteOrder.nativeOrder());
        for (int page = 0; page < PAGES; page++) {
            for (int i = 0; i < WORDS; i++) {
                expected.putLong(page * PAGE + offset(i), model[file][page * WORDS + i]);
            }
        }
        assertEquals(checksum(expected.array()), checksum(HighWorld.plainRead(path(file), 0, PAGES * PAGE)), "file=" + file);
    }

    private static long checksum(final byte[] bytes) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }
}
