package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.kmap.KmapWorld.Task;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;
import org.vellum.report.WouldWaitException;

/** The face: what is done with maps, low and high frames alike, and what high memory costs who nests. */
final class KmapTest {
    private static final KmapOptions[] MODES = {SMALL, FORCED, SMALL.withDirect(true)};

    @TempDir
    Path directory;

    private HighMemory open(final KmapWorld world, final long pages) {
        return world.kmap.openHigh(directory.resolve("high-" + System.identityHashCode(world)), pages * PAGE);
    }

    /** Low and high frames by turns. */
    private static long[] mixed(final KmapWorld world, final HighMemory high, final int count) {
        final long[] mixed = world.frames(count);
        for (int i = 1; i < count; i += 2) {
            mixed[i] = high.frame(i / 2);
        }
        return mixed;
    }

    private static byte[] bytes(final KmapWorld world, final long frame) {
        final byte[] bytes = new byte[PAGE];
        world.kmap.copyOut(new long[] {frame}, 0, new UnsafeBuffer(bytes), 0, PAGE);
        return bytes;
    }

    @Test
    void framesAreZeroedAndCopied() {
        for (final KmapOptions mode : MODES) {
            try (KmapWorld world = new KmapWorld(mode); HighMemory high = open(world, 8)) {
                final Random random = new Random(1);
                final long[] frames = mixed(world, high, 4);
                for (final long from : frames) {
                    for (final long to : frames) {
                        final byte[] content = new byte[PAGE];
                        random.nextBytes(content);
                        world.kmap.copyIn(new long[] {from}, 0, new UnsafeBuffer(content), 0, PAGE);
                        world.kmap.copyFrame(from, to);
                        assertArrayEquals(content, bytes(world, from));
                        assertArrayEquals(content, bytes(world, to));
                        world.kmap.zeroFrame(to);
                        assertArrayEquals(new byte[PAGE], bytes(world, to));
                        assertEquals(from != to, !Arrays.equals(new byte[PAGE], bytes(world, from)));
                    }
                }
                assertFalse(world.memory.cpus().inSection());
                world.requireQuiet();
            }
        }
    }

    @Test
    void bytesAreCopiedAcrossFrames() {
        for (final KmapOptions mode : MODES) {
            try (KmapWorld world = new KmapWorld(mode); HighMemory high = open(world, 8)) {
                final Random random = new Random(2);
                final long[] frames = mixed(world, high, 10);
                final byte[] model = new byte[10 * PAGE];
                for (final long frame : frames) {
                    world.kmap.zeroFrame(frame);
                }
                for (int i = 0; i < 300; i++) {
                    final int length = i % 10 == 0 ? model.length : random.nextInt(3 * PAGE);
                    final int offset = random.nextInt(model.length - length + 1);
                    final byte[] source = new byte[length + 7];
                    random.nextBytes(source);
                    world.kmap.copyIn(frames, offset, new UnsafeBuffer(source), 7, length);
                    System.arraycopy(source, 7, model, offset, length);
                    final int from = random.nextInt(model.length);
                    final int got = random.nextInt(model.length - from + 1);
                    final byte[] target = new byte[got + 5];
                    world.kmap.copyOut(frames, from, new UnsafeBuffer(target), 5, got);
                    assertArrayEquals(Arrays.copyOfRange(model, from, from + got), Arrays.copyOfRange(target, 5, 5 + got));
                }
                final ExpandableArrayBuffer expandable = new ExpandableArrayBuffer(8);
                world.kmap.copyOut(frames, 0, expandable, 3, model.length);
                final byte[] all = new byte[model.length];
                expandable.getBytes(3, all);
                assertArrayEquals(model, all);
                world.requireQuiet();
            }
        }
    }

    @Test
    void rangesThatDoNotFitCopyNothing() {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 8)) {
            final long[] frames = mixed(world, high, 3);
            for (final long frame : frames) {
                world.kmap.zeroFrame(frame);
            }
            final UnsafeBuffer buffer = new UnsafeBuffer(new byte[2 * PAGE]);
            buffer.setMemory(0, buffer.capacity(), (byte)1);
            final long[][] wrong = {
                {-1, 0, 1}, {0, 0, -1}, {3 * PAGE, 0, 1}, {3 * PAGE - 1, 0, 2}, {Long.MAX_VALUE, 0, 1}, {Long.MIN_VALUE, 0, 1},
                {0, -1, 1}, {0, 2 * PAGE, 1}, {0, PAGE, PAGE + 1}, {0, Integer.MAX_VALUE, 2}, {0, 0, Integer.MAX_VALUE}, {3 * PAGE + 1, 0, 0}};
            for (final long[] it : wrong) {
                assertThrows(IndexOutOfBoundsException.class, () -> world.kmap.copyIn(frames, it[0], buffer, (int)it[1], (int)it[2]));
                assertThrows(IndexOutOfBoundsException.class, () -> world.kmap.copyOut(frames, it[0], buffer, (int)it[1], (int)it[2]));
            }
            for (final long frame : frames) {
                assertArrayEquals(new byte[PAGE], bytes(world, frame));
            }
            world.kmap.copyIn(frames, 3 * PAGE, buffer, 0, 0);
            world.kmap.copyIn(new long[0], 0, buffer, 2 * PAGE, 0);
            // A frame that is not there: what comes before is copied, and no map stays open.
            final long[] hole = {frames[0], -1, frames[2]};
            assertThrows(IllegalArgumentException.class, () -> world.kmap.copyIn(hole, PAGE - 8, buffer, 0, 16));
            assertEquals(0x0101_0101_0101_0101L, new UnsafeBuffer(bytes(world, frames[0])).getLong(PAGE - 8));
            assertThrows(IllegalArgumentException.class, () -> world.kmap.copyFrame(frames[0], -1));
            assertThrows(IllegalArgumentException.class, () -> world.kmap.copyFrame(-1, frames[0]));
            assertThrows(IllegalArgumentException.class, () -> world.kmap.copyFrame(high.frame(7) + 1, frames[0]));
            assertThrows(IllegalArgumentException.class, () -> world.kmap.zeroFrame(0));
            assertFalse(world.memory.cpus().inSection());
            world.requireQuiet();
        }
    }

    @Test
    void aNestedMissIsRefusedAndPrefetchCuresIt() {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 16)) {
            final long low = world.frames(1)[0];
            final long wanted = high.frame(9);
            final long outer = world.kmap.kmapLocal(low);
            final String text = assertThrows(WouldWaitException.class, () -> world.kmap.kmapLocal(wanted)).getMessage();
            assertTrue(text.contains("frame=" + wanted) && text.contains("prefetch"), text);
            assertThrows(WouldWaitException.class, () -> world.kmap.kmapLocalReadOnly(world.memory.cpus().current(), wanted));
            assertThrows(WouldWaitException.class, () -> world.kmap.zeroFrame(wanted));
            assertThrows(WouldWaitException.class, () -> world.kmap.copyFrame(wanted, low));
            assertThrows(WouldWaitException.class, () -> world.kmap.copyFrame(low, wanted));
            assertThrows(IllegalStateException.class, () -> high.prefetch(wanted), "it waits itself");
            assertEquals(1, world.kmap.localMaps());
            world.kmap.kunmapLocal(outer);
            try (Cpu cpu = world.memory.enter()) {
                assertTrue(cpu.index() >= 0);
                assertThrows(WouldWaitException.class, () -> world.kmap.kmapLocal(wanted));
            }
            assertEquals(1, high.prefetch(wanted));
            final long again = world.kmap.kmapLocal(low);
            final long inner = world.kmap.kmapLocal(wanted);
            world.put(inner, 3);
            world.kmap.copyFrame(wanted, low);
            assertEquals(3, world.get(again));
            world.kmap.kunmapLocal(inner);
            world.kmap.kunmapLocal(again);
            world.requireQuiet();
        }
    }

    /** Pages that the window only keeps for later must not be in the way of those that are wanted now. */
    @Test
    void prefetchAndMapsGetTheFramesThatUnusedSlotsKeep() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 32)) {
            for (int i = 0; i < WINDOW; i++) {
                final long address = world.kmap.kmap(high.frame(i));
                world.put(address, 10 + i);
                world.kmap.kunmap(address);
            }
            assertEquals(0, world.kmap.flushes());
            // All cache frames are pinned by slots that nobody uses.
            assertEquals(0, world.look(high.frame(8)));
            assertEquals(1, world.kmap.flushes());
            for (int i = 0; i < WINDOW; i++) {
                world.kmap.kunmap(world.kmap.kmap(high.frame(i)));
            }
            final long before = world.kmap.flushes();
            assertEquals(2, high.prefetch(high.frame(20), high.frame(21)));
            assertEquals(before + 1, world.kmap.flushes());
            final long outer = world.kmap.kmapLocalReadOnly(high.frame(20));
            final long inner = world.kmap.kmapLocalReadOnly(high.frame(21));
            world.kmap.kunmapLocal(inner);
            world.kmap.kunmapLocal(outer);
            for (int i = 0; i < WINDOW; i++) {
                assertEquals(10 + i, world.look(high.frame(i)));
            }
            world.requireQuiet();
        }
    }

    @Test
    void whoeverWaitsForACacheFrameIsWokenWhenASharedMapFallsUnused() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 32)) {
            final long[] shared = new long[WINDOW];
            for (int i = 0; i < WINDOW; i++) {
                shared[i] = world.kmap.kmap(high.frame(i));
            }
            final Task<Long> waiter = new Task<>("waiter", () -> world.look(high.frame(8)));
            waiter.awaitParkedIn(Waiters.class);
            world.kmap.kunmap(shared[1]);
            waiter.join();
            // It is woken, and does not find it by looking again now and then: by the count of its waits.
            assertEquals(1, world.kmap.cacheCounts().of(CacheEvent.FRAME_WAIT));
            for (final int i : new int[] {0, 2, 3}) {
                world.kmap.kunmap(shared[i]);
            }
            world.requireQuiet();
        }
    }

    @Test
    void whoeverWaitsForACacheFrameIsWokenByALocalUnmap() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 32)) {
            final long[] addresses = new long[WINDOW];
            high.prefetch(high.frame(0), high.frame(1), high.frame(2), high.frame(3));
            for (int i = 0; i < WINDOW; i++) {
                addresses[i] = world.kmap.kmapLocal(high.frame(i));
            }
            final Task<Boolean> waiter = new Task<>("waiter", () -> {
                world.look(high.frame(8));
                return Thread.interrupted();
            });
            waiter.awaitParkedIn(Waiters.class);
            // A local map does not say that it may be interrupted: it goes on waiting, and the interrupt stays.
            waiter.thread.interrupt();
            for (int i = WINDOW - 1; i >= 0; i--) {
                world.kmap.kunmapLocal(addresses[i]);
            }
            assertTrue(waiter.join());
            world.requireQuiet();
        }
    }

    @Test
    void aWaitForACacheFrameEndsWithTheTime() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL.withWaitNanos(2_000_000)); HighMemory high = open(world, 32)) {
            final long[] shared = new long[WINDOW];
            for (int i = 0; i < WINDOW; i++) {
                shared[i] = world.kmap.kmap(high.frame(i));
            }
            final String text = assertThrows(ExhaustedException.class, () -> world.kmap.kmapLocal(high.frame(8))).getMessage();
            assertTrue(text.contains("frame=" + high.frame(8)) && text.contains("frame=" + high.frame(0) + " pins=1"), text);
            assertFalse(world.memory.cpus().inSection());
            for (final long address : shared) {
                world.kmap.kunmap(address);
            }
            // Unused, but held by a section's grace period: told as well, and over with it.
            try (SmallMemory.Reader reader = new SmallMemory.Reader(world.memory, "reader")) {
                assertTrue(reader.cpu.index() >= 0);
                assertThrows(ExhaustedException.class, () -> world.kmap.kmapLocal(high.frame(8)));
                assertThrows(ExhaustedException.class, () -> world.kmap.kmap(high.frame(8), 0));
            }
            assertEquals(0, world.look(high.frame(8)));
            world.requireQuiet();
        }
    }

    /** Nobody says so when a thread dies: who waits looks for it now and then. */
    @Test
    void whoeverWaitsForACacheFrameGetsThoseOfAThreadThatDiesMeanwhile() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 32)) {
            final CountDownLatch mapped = new CountDownLatch(1);
            final CountDownLatch die = new CountDownLatch(1);
            final Task<Void> dying = new Task<>("dying", () -> {
                high.prefetch(high.frame(0), high.frame(1), high.frame(2), high.frame(3));
                for (int i = 0; i < WINDOW; i++) {
                    world.kmap.kmapLocal(high.frame(i));
                }
                mapped.countDown();
                die.await();
                return null;
            });
            mapped.await();
            final Task<Long> waiter = new Task<>("waiter", () -> world.look(high.frame(8)));
            waiter.awaitParkedIn(Waiters.class);
            die.countDown();
            dying.join();
            waiter.join();
            assertTrue(world.ear.heard("mapsLeftOpen dying count=4"), world.ear.heard.toString());
            world.requireQuiet();
        }
    }

    /** A copy that held one page and waited for the other would wait for copies that do the same. */
    @Test
    void moreCopiesThanCacheFramesDoNotWaitForEachOther() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = open(world, 64)) {
            final int threads = 3 * WINDOW;
            SmallMemory.inThreads(threads, thread -> {
                for (int i = 0; i < 100; i++) {
                    world.kmap.copyFrame(high.frame(thread), high.frame(threads + thread));
                }
            });
            world.requireQuiet();
        }
    }

    /** K14. */
    @Test
    void localAndSharedMapsOfAFrameHaveDifferentAddressesAndTheSameMemory() throws Exception {
        for (final boolean force : new boolean[] {false, true}) {
            try (KmapWorld world = new KmapWorld(force ? FORCED : SMALL); HighMemory high = open(world, 4)) {
                for (final long frame : force ? mixed(world, high, 4) : new long[] {high.frame(0), high.frame(3)}) {
                    final long shared = world.kmap.kmap(frame);
                    final long local = world.kmap.kmapLocal(frame);
                    final long nested = world.kmap.kmapLocalReadOnly(frame);
                    assertNotEquals(KmapWorld.page(shared), KmapWorld.page(local));
                    assertNotEquals(KmapWorld.page(local), KmapWorld.page(nested));
                    assertEquals(world.kmap.nativeAddress(shared), world.kmap.nativeAddress(local));
                    assertEquals(world.kmap.nativeAddress(shared), world.kmap.nativeAddress(nested));
                    world.put(local + 8, 5);
                    assertEquals(5, world.get(shared + 8));
                    world.put(shared + 8, 6);
                    assertEquals(6, world.get(nested + 8));
                    assertThrows(IllegalArgumentException.class, () -> world.kmap.kunmap(local));
                    assertThrows(IllegalStateException.class, () -> world.kmap.kunmapLocal(shared));
                    world.kmap.kunmapLocal(nested);
                    world.kmap.kunmapLocal(local);
                    assertEquals(6, world.get(shared + 8));
                    world.kmap.kunmap(shared);
                }
                world.requireQuiet();
            }
        }
    }

    @Test
    void nativeAddressesAreOfOnePageAndAsLongAsTheMap() {
        try (KmapWorld world = new KmapWorld(FORCED)) {
            final long frame = world.frames(1)[0];
            final long address = world.kmap.kmapLocal(frame);
            final long start = world.kmap.nativeAddress(address);
            assertEquals(world.memory.frames().memory().nativeAddress(frame), start);
            assertEquals(start + PAGE - 1, world.kmap.nativeAddress(address + PAGE - 1));
            assertThrows(PageFaultException.class, () -> world.kmap.nativeAddress(address + PAGE));
            assertThrows(PageFaultException.class, () -> world.kmap.nativeAddress(address - 1));
            world.kmap.kunmapLocal(address);
            assertThrows(PageFaultException.class, () -> world.kmap.nativeAddress(address));
            for (final long nowhere : new long[] {0, -1, Long.MIN_VALUE, 1L << 47}) {
                assertThrows(PageFaultException.class, () -> world.kmap.nativeAddress(nowhere));
            }
        }
    }

    /** A file of 64 GiB through sixteen KiB. */
    @Test
    void highMemoryIsLargerThanTheWindow() throws Exception {
        final Path path = directory.resolve("sparse");
        final long pages = (64L << 30) / PAGE;
        final Map<Long, Long> model = new HashMap<>();
        final Random random = new Random(3);
        try (KmapWorld world = new KmapWorld(SMALL)) {
            try (HighMemory high = world.kmap.openHigh(path, pages * PAGE)) {
                assertEquals(pages, high.frames());
                for (int i = 0; i < 400; i++) {
                    final long page = i == 0 ? pages - 1 : Math.floorMod(random.nextLong(), pages);
                    final long value = random.nextLong();
                    final boolean local = random.nextBoolean();
                    final long address = local ? world.kmap.kmapLocal(high.frame(page)) : world.kmap.kmap(high.frame(page));
                    assertEquals(model.getOrDefault(page, 0L), world.get(address + 16));
                    world.put(address + 16, value);
                    if (local) {
                        world.kmap.kunmapLocal(address);
                    } else {
                        world.kmap.kunmap(address);
                    }
                    model.put(page, value);
                }
                high.force();
                for (final Map.Entry<Long, Long> entry : model.entrySet()) {
                    assertEquals(entry.getValue(), KmapWorld.plain(path, entry.getKey() * PAGE + 16));
                    final long address = world.kmap.kmapReadOnly(high.frame(entry.getKey()));
                    assertEquals(entry.getValue(), world.get(address + 16));
                    world.kmap.kunmap(address);
                }
                assertTrue(world.kmap.flushes() > 10, "flushes=" + world.kmap.flushes());
                assertTrue(world.kmap.cacheCounts().of(CacheEvent.WRITE_BACK) > 100);
            }
            world.requireQuiet();
        }
        assertEquals(64L << 30, KmapWorld.size(path));
    }

    @Test
    void sharedHitsMakeNoGarbage() throws Exception {
        final ThreadMXBean bean = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        assumeTrue(bean.isThreadAllocatedMemorySupported());
        final long id = Thread.currentThread().getId();
        try (KmapWorld world = new KmapWorld(FORCED); HighMemory high = open(world, 4)) {
            final long[] frames = mixed(world, high, 2);
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                final long before = bean.getThreadAllocatedBytes(id);
                for (int i = 0; i < 100_000; i++) {
                    final long a = world.kmap.kmap(frames[i & 1]);
                    final long b = world.kmap.kmapIfMapped(frames[i & 1]);
                    world.put(a, i);
                    world.kmap.kunmap(b);
                    world.kmap.kunmap(a);
                }
                least = Math.min(least, bean.getThreadAllocatedBytes(id) - before);
            }
            assertTrue(least < 4_096, "bytes for 10^5 turns=" + least);
        }
    }

    @Test
    void optionsOutOfRangeAreTold() {
        for (final long bytes : new long[] {0, -1, 3L * PAGE, 4L * PAGE + 1, (1L << 30) + PAGE, Long.MIN_VALUE, Long.MAX_VALUE}) {
            final String text = assertThrows(IllegalArgumentException.class, () -> SMALL.withWindowBytes(bytes)).getMessage();
            assertTrue(text.contains("=" + bytes), text);
        }
        assertThrows(IllegalArgumentException.class, () -> SMALL.withWaitNanos(-1));
        assertThrows(IllegalArgumentException.class, () -> FORCED.withDirect(true));
        assertThrows(NullPointerException.class, () -> SmallMemory.builder(64, 1024).kmap(null));
    }
}
