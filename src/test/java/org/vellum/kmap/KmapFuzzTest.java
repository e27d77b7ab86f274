package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.FuzzSteps;
import org.vellum.SmallMemory.Reader;
import org.vellum.report.ExhaustedException;
import org.vellum.report.WouldWaitException;

/**
 * Local and shared maps of low and high frames, copies, flushes and forced writes, against arrays; what is in the file, by checksums through a
 * channel that knows nothing of all this. A reader stays in a section now and then, and holds the flushes up.
 */
@Tag("stress")
final class KmapFuzzTest {
    private static final int OPERATIONS = 60_000;
    private static final int LOW = 10;
    private static final int HIGH = 20;
    private static final int WORDS = PAGE / Long.BYTES;

    /** One map that is open. */
    private record Held(long address, int page, boolean writable) {
    }

    /** The window as its rules say, for runs in which nothing but maps and explicit flushes changes it. */
    private static final class Rounds {
        private final int[] pages = new int[WINDOW];
        private final int[] users = new int[WINDOW];
        private final boolean[] writable = new boolean[WINDOW];
        private final boolean[] mapped = new boolean[WINDOW];
        private int next;
        private long flushes;

        int find(final int page) {
            for (int slot = 0; slot < WINDOW; slot++) {
                if (mapped[slot] && pages[slot] == page) {
                    return slot;
                }
            }
            return -1;
        }

        /** Nobody is in a section, so what is flushed is free at once. */
        int flush() {
            int freed = 0;
            for (int slot = 0; slot < WINDOW; slot++) {
                if (mapped[slot] && users[slot] == 0) {
                    mapped[slot] = false;
                    freed++;
                }
            }
            flushes += freed > 0 ? 1 : 0;
            return freed;
        }

        private boolean findFree() {
            while (next < WINDOW && mapped[next]) {
                next++;
            }
            return next < WINDOW;
        }

        /** Whether there is a slot for a new page, at {@code next}. */
        private boolean makeRoom() {
            if (!findFree()) {
                next = 0;
                flush();
            }
            if (!findFree()) {
                next = 0;
                return false;
            }
            return true;
        }

        boolean map(final int page, final boolean store) {
            int slot = find(page);
            if (slot < 0) {
                if (!makeRoom()) {
                    return false;
                }
                slot = next++;
                mapped[slot] = true;
                pages[slot] = page;
                users[slot] = 0;
                writable[slot] = false;
            }
            writable[slot] |= store;
            users[slot]++;
            return true;
        }
    }

    @TempDir
    Path directory;

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final long[] frames = new long[LOW + HIGH];
    private final long[][] model = new long[LOW + HIGH][WORDS];
    private final List<Held> local = new ArrayList<>();
    private final List<Held> shared = new ArrayList<>();
    private KmapWorld world;
    private Kmap kmap;
    private HighMemory high;
    private Path path;
    private boolean force;
    private Reader reader;
    /** Null unless flushes are counted exactly. */
    private Rounds rounds;
    private boolean nesting;
    private long hits;
    private long misses;
    private long refused;
    private long wouldWait;
    private long exhausted;
    private long deepest;
    private long checksums;
    private long prefetched;

    @Test
    void agreesWithTheModel() throws Exception {
        run("plain", KmapWorld.SMALL, false);
    }

    @Test
    void agreesWithTheModelWhenAllIsForcedThroughTheWindow() throws Exception {
        run("forced", KmapWorld.FORCED, false);
    }

    @Test
    void flushesExactlyAsOftenAsTheModel() throws Exception {
        run("exact", KmapWorld.FORCED, true);
    }

    private void run(final String name, final KmapOptions options, final boolean exact) throws Exception {
        System.out.println("KmapFuzzTest " + name + " seed=" + seed);
        // Nobody else is there who might give anything up: whoever waits, waits in vain.
        world = new KmapWorld(options.withWaitNanos(0));
        kmap = world.kmap;
        force = options.force();
        path = directory.resolve(name);
        high = kmap.openHigh(path, (long)HIGH * PAGE);
        rounds = exact ? new Rounds() : null;
        final long[] low = world.frames(LOW);
        for (int i = 0; i < LOW + HIGH; i++) {
            frames[i] = i < LOW ? low[i] : high.frame(i - LOW);
            if (i < LOW) {
                kmap.zeroFrame(frames[i]);
            }
        }
        final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
        try {
            while (steps.next()) {
                step();
            }
            finish();
        } catch (final RuntimeException | Error e) {
            throw new AssertionError("seed=" + seed + " step=" + steps.step(), e);
        }
        steps.assertCovered(() -> "seed=" + seed + " flushes=" + kmap.flushes() + " hits=" + hits + " misses=" + misses + " refused=" + refused
            + " wouldWait=" + wouldWait + " exhausted=" + exhausted + " deepest=" + deepest + " checksums=" + checksums + " prefetched=" + prefetched
            + " reads=" + count(CacheEvent.READ) + " writes=" + count(CacheEvent.WRITE_BACK));
        world.close();
    }

    private long count(final CacheEvent event) {
        return kmap.cacheCounts().of(event);
    }

    private boolean isCovered() {
        final boolean both = kmap.flushes() > 100 && hits > 100 && misses > 100 && refused > 10 && exhausted > 10 && deepest == Kmap.MAX_DEPTH;
        return both && (rounds != null
            || wouldWait > 10 && checksums > 100 && prefetched > 10 && count(CacheEvent.READ) > HIGH && count(CacheEvent.WRITE_BACK) > HIGH);
    }

    private int anyPage() {
        // Without high frames, whose cache asks the window for what it keeps, only maps flush.
        return random.nextInt(rounds == null ? LOW + HIGH : LOW);
    }

    /** By turns steps that map locally, which is a section, and steps that may wait. */
    private void step() {
        if (random.nextInt(100) == 0) {
            nesting = !nesting;
            while (!nesting && !local.isEmpty()) {
                unmapLocal();
            }
        }
        final int what = random.nextInt(1000);
        if (what < 5 && rounds == null) {
            toggleReader();
        } else if (what < 300) {
            if (nesting || random.nextInt(20) == 0) {
                mapLocal();
            }
        } else if (what < 480) {
            unmapLocal();
        } else if (what < 620) {
            mapShared();
        } else if (what < 760) {
            unmapShared();
        } else if (what < 900) {
            touch();
        } else if (what < 940) {
            copy();
        } else if (what < 955) {
            misuse();
        } else {
            outsideSections(what);
        }
    }

    /** With a reader, no flush ends; most of the time there is none. */
    private void toggleReader() {
        try {
            if (reader != null) {
                reader.close();
                reader = null;
            } else if (random.nextInt(3) == 0) {
                reader = new Reader(world.memory, "reader");
            }
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void mapLocal() {
        final int page = anyPage();
        final boolean writable = random.nextInt(4) != 0;
        try {
            final long address = writable ? kmap.kmapLocal(frames[page]) : kmap.kmapLocalReadOnly(frames[page]);
            assertTrue(local.size() < Kmap.MAX_DEPTH, "a map too deep");
            local.add(new Held(address, page, writable || page < LOW && !force));
            deepest = Math.max(deepest, local.size());
            check(local.get(local.size() - 1));
        } catch (final WouldWaitException e) {
            assertTrue(page >= LOW && !local.isEmpty(), e.getMessage());
            wouldWait++;
        } catch (final ExhaustedException e) {
            requireShort(page, e);
        } catch (final IllegalStateException e) {
            assertEquals(Kmap.MAX_DEPTH, local.size(), e.getMessage());
            refused++;
        }
        assertEquals(local.size(), kmap.localMaps());
    }

    /** There was nothing to be had: all is in use, or kept until a flush that the reader holds up. */
    private void requireShort(final int page, final ExhaustedException e) {
        exhausted++;
        final long slots = shared.stream().map(Held::page).distinct().count();
        final long cached = shared.stream().map(Held::page).filter(other -> other >= LOW).distinct().count();
        assertTrue(reader != null || slots == WINDOW || page >= LOW && cached == WINDOW, "page=" + page + " slots=" + slots + " " + e.getMessage());
    }

    private void unmapLocal() {
        if (!local.isEmpty()) {
            final Held held = local.remove(local.size() - 1);
            check(held);
            kmap.kunmapLocal(held.address);
            assertEquals(held.address >>> 48 != 0, world.faults(held.address));
        }
    }

    private long addressOf(final int page) {
        return shared.stream().filter(held -> held.page == page).mapToLong(Held::address).findFirst().orElse(Kmap.NOT_MAPPED);
    }

    private boolean isWritable(final int page) {
        return shared.stream().anyMatch(held -> held.page == page && held.writable);
    }

    private void mapShared() {
        final int page = anyPage();
        final int how = random.nextInt(6);
        final boolean entry = force || page >= LOW;
        final long before = addressOf(page);
        final boolean writable = how != 0;
        try {
            final long address = how == 0 ? kmap.kmapReadOnly(frames[page])
                : how == 1 ? kmap.kmapIfMapped(frames[page]) : kmap.kmap(frames[page], 0);
            if (address == Kmap.NOT_MAPPED) {
                assertTrue(how == 1 && entry && !isWritable(page), "page=" + page);
                if (rounds != null && rounds.find(page) >= 0) {
                    // Mapped for loads only, or since the last flush.
                    refused++;
                }
                return;
            }
            assertTrue(how == 1 || local.isEmpty(), "waited in a section");
            if (entry) {
                assertTrue(before == Kmap.NOT_MAPPED || before == address, "two addresses for page=" + page);
                note(page, writable);
            }
            if (entry) {
                shared.add(new Held(address, page, writable));
            }
            check(new Held(address, page, writable));
        } catch (final ExhaustedException e) {
            requireShort(page, e);
            if (rounds != null) {
                assertTrue(!rounds.map(page, writable), "the model has a slot for page=" + page);
            }
        } catch (final IllegalStateException e) {
            assertTrue(!local.isEmpty(), e.getMessage());
            refused++;
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void note(final int page, final boolean writable) {
        if (rounds != null) {
            if (rounds.find(page) >= 0) {
                hits++;
            } else {
                misses++;
            }
            assertTrue(rounds.map(page, writable), "the model has no slot for page=" + page);
            assertEquals(rounds.flushes, kmap.flushes());
        } else if (addressOf(page) != Kmap.NOT_MAPPED) {
            hits++;
        } else {
            misses++;
        }
    }

    private void unmapShared() {
        if (shared.isEmpty()) {
            return;
        }
        final int at = random.nextInt(shared.size());
        final Held held = shared.set(at, shared.get(shared.size() - 1));
        shared.remove(shared.size() - 1);
        check(held);
        kmap.kunmap(held.address);
        if (rounds != null) {
            rounds.users[rounds.find(held.page)]--;
            assertEquals(rounds.flushes, kmap.flushes());
        }
        assertEquals(shared.size(), kmap.sharedUsers());
    }

    private Held anyHeld() {
        final int all = local.size() + shared.size();
        if (all == 0) {
            return null;
        }
        final int at = random.nextInt(all);
        return at < local.size() ? local.get(at) : shared.get(at - local.size());
    }

    private void touch() {
        final Held held = anyHeld();
        if (held == null) {
            return;
        }
        final int word = random.nextInt(WORDS);
        assertEquals(model[held.page][word], world.get(held.address + 8L * word));
        if (held.writable) {
            final long value = random.nextLong();
            world.put(held.address + 8L * word, value);
            model[held.page][word] = value;
        } else if (local.contains(held)) {
            assertTrue(world.faultsForStores(held.address));
        }
    }

    private void check(final Held held) {
        final int word = random.nextInt(WORDS);
        assertEquals(model[held.page][word], world.get(held.address + 8L * word), "page=" + held.page + " word=" + word);
    }

    private void copy() {
        final int from = anyPage();
        final int to = anyPage();
        final boolean mayMiss = !local.isEmpty();
        try {
            switch (random.nextInt(4)) {
                case 0 -> {
                    kmap.copyFrame(frames[from], frames[to]);
                    System.arraycopy(model[from].clone(), 0, model[to], 0, WORDS);
                }
                case 1 -> {
                    kmap.zeroFrame(frames[to]);
                    Arrays.fill(model[to], 0);
                }
                case 2 -> copyIn(from, to);
                default -> copyOut(from, to);
            }
        } catch (final WouldWaitException e) {
            assertTrue(mayMiss && (from >= LOW || to >= LOW), e.getMessage());
            wouldWait++;
        } catch (final ExhaustedException e) {
            exhausted++;
            final long cached = shared.stream().map(Held::page).filter(other -> other >= LOW).distinct().count();
            // A copy takes two.
            assertTrue(reader != null || cached >= WINDOW - 1, e.getMessage());
        } catch (final IllegalStateException e) {
            assertTrue(local.size() > Kmap.MAX_DEPTH - 2, e.getMessage());
            refused++;
        }
    }

    private void copyIn(final int first, final int second) {
        final int word = random.nextInt(WORDS);
        final long[] values = random.longs(WORDS).toArray();
        final ByteBuffer bytes = ByteBuffer.allocate(PAGE).order(ByteOrder.nativeOrder());
        bytes.asLongBuffer().put(values);
        int done = 0;
        try {
            kmap.copyIn(new long[] {frames[first], frames[second]}, 8L * word, new UnsafeBuffer(bytes), 0, PAGE);
            done = WORDS;
        } catch (final WouldWaitException | ExhaustedException e) {
            // The text names the page that could not be mapped, before all others: if it is the second, the first is copied.
            done = first != second && e.getMessage().matches("(?s)[^=]*frame=" + frames[second] + "\\b.*") ? WORDS - word : 0;
            throw e;
        } finally {
            System.arraycopy(values, 0, model[first], word, Math.min(WORDS - word, done));
            if (done == WORDS) {
                System.arraycopy(values, WORDS - word, model[second], 0, word);
            }
        }
    }

    private void copyOut(final int first, final int second) {
        final int word = random.nextInt(WORDS);
        final byte[] bytes = new byte[PAGE];
        kmap.copyOut(new long[] {frames[first], frames[second]}, 8L * word, new UnsafeBuffer(bytes), 0, PAGE);
        final long[] expected = new long[WORDS];
        System.arraycopy(model[first], word, expected, 0, WORDS - word);
        System.arraycopy(model[second], 0, expected, WORDS - word, word);
        final long[] seen = new long[WORDS];
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asLongBuffer().get(seen);
        assertArrayEquals(expected, seen);
    }

    private void misuse() {
        final Held held = anyHeld();
        final long wrong = held == null || random.nextBoolean() ? random.nextLong() : held.address + 1 + random.nextInt(PAGE);
        assertThrows(IllegalStateException.class, () -> kmap.kunmapLocal(wrong));
        if (local.size() > 1 && local.get(0).address != local.get(local.size() - 1).address) {
            assertThrows(IllegalStateException.class, () -> kmap.kunmapLocal(local.get(0).address));
        }
        if ((wrong & PAGE - 1) != 0) {
            assertThrows(IllegalArgumentException.class, () -> kmap.kunmap(wrong));
        }
        assertEquals(local.size(), kmap.localMaps());
        assertEquals(shared.size(), kmap.sharedUsers());
    }

    private void outsideSections(final int what) {
        if (!local.isEmpty()) {
            assertThrows(IllegalStateException.class, kmap::flushUnused);
            assertThrows(IllegalStateException.class, high::force);
            refused++;
        } else if (what < 965) {
            final int flushed = kmap.flushUnused();
            assertTrue(rounds == null || flushed == rounds.flush(), "flushed=" + flushed);
        } else if (what < 985) {
            high.force();
            compareWithFile();
        } else if (rounds == null) {
            final int page = random.nextInt(HIGH - 2);
            prefetched += high.prefetch(high.frame(page), high.frame(page + 1), high.frame(page + 2));
        }
    }

    private static long checksum(final ByteBuffer bytes) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes);
        return crc.getValue();
    }

    /** Right after it was forced, nobody having stored meanwhile: page by page. */
    private void compareWithFile() {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            for (int page = 0; page < HIGH; page++) {
                final ByteBuffer plain = ByteBuffer.allocate(PAGE);
                channel.read(plain, (long)page * PAGE);
                final ByteBuffer mine = ByteBuffer.allocate(PAGE).order(ByteOrder.nativeOrder());
                mine.asLongBuffer().put(model[LOW + page]);
                assertEquals(checksum(mine), checksum(plain.clear()), "page=" + page);
                checksums++;
            }
        } catch (final IOException e) {
            throw new AssertionError(e);
        }
    }

    private void finish() {
        if (reader != null) {
            reader.close();
        }
        while (!local.isEmpty()) {
            unmapLocal();
        }
        while (!shared.isEmpty()) {
            unmapShared();
        }
        world.requireQuiet();
        high.close();
        compareWithFile();
        for (int page = 0; page < LOW; page++) {
            final int at = page;
            kmap.copyOut(new long[] {frames[at]}, 0, new UnsafeBuffer(new byte[PAGE]), 0, PAGE);
            assertEquals(model[at][7], lookAt(at, 7));
        }
        world.requireQuiet();
    }

    private long lookAt(final int page, final int word) {
        final long address = kmap.kmapLocalReadOnly(frames[page]);
        final long value = world.get(address + 8L * word);
        kmap.kunmapLocal(address);
        return value;
    }
}
