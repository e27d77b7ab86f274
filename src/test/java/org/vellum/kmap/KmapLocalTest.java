package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.kmap.KmapWorld.FORCED;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.kmap.KmapWorld.Task;
import org.vellum.report.PageFaultException;

/** The stack of local maps: by linear addresses, and by entries ("forced"), which high frames have always. */
final class KmapLocalTest {
    @TempDir
    Path directory;

    private static KmapOptions options(final boolean force) {
        return force ? FORCED : SMALL;
    }

    private static String refused(final KmapWorld world, final long address) {
        final long before = world.kmap.localMaps();
        final String text = assertThrows(IllegalStateException.class, () -> world.kmap.kunmapLocal(address)).getMessage();
        final Cpu cpu = world.memory.cpus().current();
        assertThrows(IllegalStateException.class, () -> world.kmap.kunmapLocal(cpu, address));
        assertEquals(before, world.kmap.localMaps(), "something was changed");
        assertTrue(text.contains("address=0x" + Long.toHexString(address)), text);
        return text;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sixteenMapsNestAndTheSeventeenthIsRefused(final boolean force) {
        try (KmapWorld world = new KmapWorld(options(force))) {
            final long[] frames = world.frames(17);
            final long[] addresses = new long[16];
            for (int i = 0; i < 16; i++) {
                addresses[i] = world.kmap.kmapLocal(frames[i]);
                world.put(addresses[i] + PAGE - 8, 100 + i);
                assertEquals(i + 1, world.kmap.localMaps());
                assertEquals(!force, addresses[i] == frames[i] * PAGE);
            }
            final String text = assertThrows(IllegalStateException.class, () -> world.kmap.kmapLocal(frames[16])).getMessage();
            assertTrue(text.contains("depth=16"), text);
            assertThrows(IllegalStateException.class, () -> world.kmap.kmapLocal(world.memory.cpus().current(), frames[16]));
            assertEquals(16, world.kmap.localMaps());
            for (int i = 15; i >= 0; i--) {
                for (int j = 0; j <= i; j++) {
                    assertEquals(100 + j, world.get(addresses[j] + PAGE - 8));
                    assertEquals(world.kmap.nativeAddress(addresses[j]) + 8, world.kmap.nativeAddress(addresses[j] + 8));
                }
                assertTrue(world.memory.cpus().inSection());
                world.kmap.kunmapLocal(addresses[i]);
                assertEquals(force, world.faults(addresses[i]));
            }
            assertFalse(world.memory.cpus().inSection());
            world.requireQuiet();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneFrameMappedTwiceIsTheSameMemory(final boolean force) {
        try (KmapWorld world = new KmapWorld(options(force))) {
            final long frame = world.frames(1)[0];
            final long outer = world.kmap.kmapLocal(frame);
            final long inner = world.kmap.kmapLocal(frame);
            assertEquals(!force, outer == inner);
            world.put(inner, 42);
            assertEquals(42, world.get(outer));
            world.kmap.kunmapLocal(inner);
            assertEquals(42, world.get(outer));
            world.kmap.kunmapLocal(outer);
            world.requireQuiet();
        }
    }

    /** RK6, and the rest. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void wrongUnmapsAreToldAndChangeNothing(final boolean force) throws Exception {
        try (KmapWorld world = new KmapWorld(options(force))) {
            final long[] frames = world.frames(3);
            final long[] wrong = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, PAGE, frames[2] * PAGE, frames[2] * PAGE + 8};
            for (final long address : wrong) {
                assertTrue(refused(world, address).contains("not mapped"));
            }
            assertFalse(world.memory.cpus().inSection());
            final long a = world.kmap.kmapLocal(frames[0]);
            final long b = world.kmap.kmapLocal(frames[1]);
            for (final long address : wrong) {
                assertTrue(refused(world, address).contains("not mapped"));
            }
            // Inside of the page, of another generation, the page before and behind.
            for (final long address : new long[] {b + 8, b + PAGE, b - PAGE + 1, b ^ 1L << 60}) {
                refused(world, address);
            }
            assertTrue(refused(world, a).contains("in reverse order"));
            final String other = SmallMemory.inThread(() -> {
                assertTrue(refused(world, a).contains("not a local map of the calling thread"));
                // As well if it has maps of its own.
                final long own = world.kmap.kmapLocal(frames[2]);
                final String text = refused(world, b);
                world.kmap.kunmapLocal(own);
                return text;
            });
            assertTrue(other.contains("not a local map of the calling thread"), other);
            world.put(a, 1);
            world.put(b, 2);
            world.kmap.kunmapLocal(b);
            assertTrue(refused(world, b).contains("unmapped already"));
            assertEquals(1, world.get(a));
            world.kmap.kunmapLocal(a);
            assertTrue(refused(world, a).contains("unmapped already"));
            // In a section that is not of a map.
            try (Cpu cpu = world.memory.enter()) {
                assertTrue(cpu.index() >= 0);
                refused(world, a);
            }
            assertFalse(world.memory.cpus().inSection());
            world.requireQuiet();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void framesThatAreNotThereAreTold(final boolean force) {
        // Four banks, of which only the first is there.
        try (KmapWorld world = new KmapWorld(options(force), SmallMemory.builder(1024, 1024).bank(1 << 20))) {
            final long present = world.frames(1)[0];
            final long absent = world.memory.frames().memory().physEnd() / PAGE - 1;
            final long outer = world.kmap.kmapLocal(present);
            for (final long frame : new long[] {0, absent, absent + 1, (1L << 32) - 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40}) {
                assertThrows(IllegalArgumentException.class, () -> world.kmap.kmapLocal(frame), "frame=" + frame);
                assertThrows(IllegalArgumentException.class, () -> world.kmap.kmapLocalReadOnly(null, frame), "frame=" + frame);
                assertThrows(IllegalArgumentException.class, () -> world.kmap.kmapIfMapped(frame), "frame=" + frame);
            }
            // Of a file that could be, but is not open.
            assertThrows(RuntimeException.class, () -> world.kmap.kmapLocal(HighFrames.of(3, 7)));
            assertEquals(1, world.kmap.localMaps());
            world.kmap.kunmapLocal(outer);
            assertFalse(world.memory.cpus().inSection());
            world.requireQuiet();
        }
    }

    /** Whoever maps what cannot be mapped is told so also where a page that can would have to be waited for. */
    @Test
    void badHighFramesAreNoReasonToPrefetch() {
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = world.kmap.openHigh(directory.resolve("high"), 3L * PAGE)) {
            final long low = world.frames(1)[0];
            for (final long frame : new long[] {high.frame(2) + 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40, high.frame(0) + (1L << 40)}) {
                assertThrows(IllegalArgumentException.class, () -> world.kmap.kmapLocal(frame), "frame=" + frame);
                final long outer = world.kmap.kmapLocal(low);
                assertThrows(IllegalArgumentException.class, () -> world.kmap.kmapLocal(frame), "nested frame=" + frame);
                world.kmap.kunmapLocal(outer);
            }
            // Of a file that is not open: told as such.
            final long outer = world.kmap.kmapLocal(low);
            assertThrows(IllegalStateException.class, () -> world.kmap.kmapLocal(HighFrames.of(9, 0)));
            world.kmap.kunmapLocal(outer);
            world.requireQuiet();
        }
    }

    /** The one slot there is, so that the next thread meets what this one left. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoeverExitsTooOftenLeavesItsMapsToTheNextMapper(final boolean force) throws Exception {
        try (KmapWorld world = new KmapWorld(options(force), 1)) {
            final long[] frames = world.frames(3);
            final HighMemory high = world.kmap.openHigh(directory.resolve("high"), PAGE);
            final long[] left = SmallMemory.inThread(() -> {
                final long[] addresses = {world.kmap.kmapLocal(high.frame(0)), world.kmap.kmapLocal(frames[0])};
                world.memory.cpus().current().exit();
                world.memory.cpus().current().exit();
                assertTrue(refused(world, addresses[1]).contains("slot=0"));
                return addresses;
            });
            assertEquals(2, world.kmap.localMaps());
            assertThrows(IllegalStateException.class, high::close, "its page is pinned");
            assertThrows(AssertionError.class, world.kmap::verify);
            try (Cpu cpu = world.memory.enter()) {
                assertEquals(0, cpu.index());
                refused(world, left[1]);
                assertEquals(List.of(), world.ear.heard, "only mapping looks");
            }
            final long address = world.kmap.kmapLocal(frames[2]);
            assertEquals(1, world.kmap.localMaps());
            assertTrue(world.ear.heard("mapsLeftOpen thread id="), world.ear.heard.toString());
            assertTrue(world.ear.heard.get(0).endsWith("count=2"), world.ear.heard.toString());
            assertTrue(world.faults(left[0]));
            assertEquals(force, world.faults(left[1]));
            world.kmap.kunmapLocal(address);
            high.close();
            world.requireQuiet();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatTheDeadLeaveOpenIsUndoneAndReported(final boolean force) throws Exception {
        try (KmapWorld world = new KmapWorld(options(force), 1)) {
            final long[] frames = world.frames(2);
            final HighMemory high = world.kmap.openHigh(directory.resolve("high"), 2L * PAGE);
            final Task<long[]> dead = new Task<>("dead", () -> {
                final long[] addresses = {world.kmap.kmapLocal(high.frame(1)), world.kmap.kmapLocal(frames[0]), 0};
                world.put(addresses[0], 7);
                addresses[2] = world.kmap.kmapLocal(frames[0]);
                return addresses;
            });
            final long[] left = dead.join();
            assertEquals(3, world.kmap.localMaps());
            world.memory.synchronize();
            assertEquals(List.of("mapsLeftOpen dead count=3", "forceExited dead"), world.ear.heard);
            assertEquals(0, world.kmap.localMaps());
            assertTrue(world.faults(left[0]));
            assertEquals(force, world.faults(left[1]));
            world.requireQuiet();
            // The slot is usable, and what was stored is there.
            assertEquals(7, world.look(high.frame(1)));
            high.close();
            assertEquals(7, KmapWorld.plain(directory.resolve("high"), PAGE));
        }
    }

    /** Whose they were is told, and not who died there later. */
    @Test
    void mapsOfOneWhoExitedTooOftenAreNotBlamedOnTheDeadAfterIt() throws Exception {
        try (KmapWorld world = new KmapWorld(FORCED, 1)) {
            final long frame = world.frames(1)[0];
            final long id = SmallMemory.inThread(() -> {
                world.kmap.kmapLocal(frame);
                world.memory.cpus().current().exit();
                return Thread.currentThread().getId();
            });
            new Task<>("innocent", () -> world.memory.enter().index()).join();
            world.memory.synchronize();
            assertEquals(List.of("mapsLeftOpen thread id=" + id + " count=1", "forceExited innocent"), world.ear.heard);
            world.requireQuiet();
        }
    }

    @Test
    void whoeverWaitsForTheCacheFrameOfTheDeadGetsIt() throws Exception {
        try (KmapWorld world = new KmapWorld(SMALL);
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), 8L * PAGE)) {
            new Task<>("dead", () -> {
                for (int i = 0; i < KmapWorld.WINDOW - 1; i++) {
                    high.prefetch(high.frame(i));
                }
                world.kmap.kmapLocal(high.frame(KmapWorld.WINDOW - 1));
                for (int i = 0; i < KmapWorld.WINDOW - 1; i++) {
                    world.kmap.kmapLocal(high.frame(i));
                }
                return null;
            }).join();
            assertEquals(KmapWorld.WINDOW, world.kmap.localMaps());
            assertEquals(0, world.look(high.frame(7)));
            assertTrue(world.ear.heard("mapsLeftOpen dead count=" + KmapWorld.WINDOW), world.ear.heard.toString());
        }
    }

    /** What a callback sees and does that runs in the middle of a map and of its unmap. */
    private static void reenter(final KmapWorld world, final long outerFrame, final long innerFrame) {
        final AtomicInteger runs = new AtomicInteger();
        final long[] outer = new long[1];
        final long[] inner = new long[2];
        world.fill(outerFrame, 55);
        world.fill(innerFrame, 77);
        final long inOuter = world.look(outerFrame);
        world.kmap.setHook(() -> {
            final int run = runs.getAndIncrement();
            if (run == 0 || run == 3) {
                if (run == 3) {
                    // The entry is cleared before the place is given up.
                    assertEquals(outer[0] >>> 48 != 0, world.faults(outer[0]));
                    assertThrows(IllegalStateException.class, () -> world.kmap.kunmapLocal(outer[0]));
                    assertEquals(1, world.kmap.localMaps());
                }
                final long address = world.kmap.kmapLocal(innerFrame);
                inner[run / 3] = address;
                assertEquals(2, world.kmap.localMaps());
                assertEquals(77, world.get(address));
                world.kmap.kunmapLocal(address);
                assertEquals(1, world.kmap.localMaps());
            }
        });
        outer[0] = world.kmap.kmapLocal(outerFrame);
        assertEquals(inOuter, world.get(outer[0]));
        assertEquals(1, world.kmap.localMaps());
        world.kmap.kunmapLocal(outer[0]);
        assertEquals(6, runs.get());
        world.kmap.setHook(null);
        if (outer[0] >>> 48 != 0 && inner[0] >>> 48 != 0) {
            for (final long address : inner) {
                assertEquals(KmapWorld.page(outer[0]) + 1, KmapWorld.page(address), "the place above, both times");
            }
        }
        assertFalse(world.memory.cpus().inSection());
        world.requireQuiet();
    }

    /** RK1, RK7: the adversary is the same thread, so this is the whole race. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mapsInTheMiddleOfAMapAndOfAnUnmap(final boolean force) {
        try (KmapWorld world = new KmapWorld(options(force));
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), 2L * PAGE)) {
            final long[] frames = world.frames(2);
            reenter(world, frames[0], frames[1]);
            reenter(world, frames[0], high.frame(0));
            reenter(world, high.frame(0), frames[1]);
            reenter(world, high.frame(0), high.frame(1));
            reenter(world, high.frame(0), high.frame(0));
        }
    }

    /** At the top of the stack there is no room for one in the middle. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMapInTheMiddleOfTheSixteenthIsRefused(final boolean force) {
        try (KmapWorld world = new KmapWorld(options(force))) {
            final long[] frames = world.frames(17);
            final long[] addresses = new long[16];
            for (int i = 0; i < 15; i++) {
                addresses[i] = world.kmap.kmapLocal(frames[i]);
            }
            final AtomicInteger refusals = new AtomicInteger();
            world.kmap.setHook(() -> {
                assertThrows(IllegalStateException.class, () -> world.kmap.kmapLocal(frames[16]));
                refusals.incrementAndGet();
            });
            addresses[15] = world.kmap.kmapLocal(frames[15]);
            world.put(addresses[15], 3);
            assertEquals(3, world.get(addresses[15]));
            world.kmap.kunmapLocal(addresses[15]);
            world.kmap.setHook(null);
            assertEquals(2, refusals.get());
            for (int i = 14; i >= 0; i--) {
                world.kmap.kunmapLocal(addresses[i]);
            }
            world.requireQuiet();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mapsStayWhereTheyAreWhileTheirThreadBlocks(final boolean force) throws Exception {
        try (KmapWorld world = new KmapWorld(options(force));
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), PAGE)) {
            final long[] frames = world.frames(2);
            final CountDownLatch mapped = new CountDownLatch(1);
            final CountDownLatch goOn = new CountDownLatch(1);
            final Task<Void> blocked = new Task<>("blocked", () -> {
                final long a = world.kmap.kmapLocal(high.frame(0));
                final long b = world.kmap.kmapLocal(frames[0]);
                final Cpu cpu = world.memory.cpus().current();
                final long nativeA = world.kmap.nativeAddress(a);
                world.put(a, 1);
                world.put(b, 2);
                mapped.countDown();
                goOn.await();
                assertSame(cpu, world.memory.cpus().current());
                assertEquals(nativeA, world.kmap.nativeAddress(a));
                assertEquals(1, world.get(a));
                assertEquals(2, world.get(b));
                world.kmap.kunmapLocal(b);
                world.kmap.kunmapLocal(a);
                return null;
            });
            mapped.await();
            // On every slot that there is, and of the very same frames.
            SmallMemory.inThreads(8, thread -> {
                for (int i = 0; i < 200; i++) {
                    final long a = world.kmap.kmapLocal(frames[1]);
                    final long b = world.kmap.kmapLocalReadOnly(high.frame(0));
                    assertEquals(1, world.get(b));
                    world.kmap.kunmapLocal(b);
                    world.kmap.kunmapLocal(a);
                }
            });
            goOn.countDown();
            blocked.join();
            world.requireQuiet();
        }
    }

    /** RK5: no check mistakes the maps of threads that only block, one at each depth: not the sweeper's, nor that of who maps meanwhile. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingIsReportedOfMapsWhoseThreadsOnlyBlock(final boolean force) throws Exception {
        try (KmapWorld world = new KmapWorld(options(force))) {
            final long[] frames = world.frames(Kmap.MAX_DEPTH);
            final CountDownLatch mapped = new CountDownLatch(Kmap.MAX_DEPTH);
            final CountDownLatch goOn = new CountDownLatch(1);
            final List<Task<Void>> blocked = new ArrayList<>();
            for (int depth = 1; depth <= Kmap.MAX_DEPTH; depth++) {
                final int maps = depth;
                blocked.add(new Task<>("blocked-" + depth, () -> {
                    final long[] addresses = new long[maps];
                    for (int i = 0; i < maps; i++) {
                        addresses[i] = world.kmap.kmapLocal(frames[i]);
                    }
                    mapped.countDown();
                    goOn.await();
                    for (int i = maps - 1; i >= 0; i--) {
                        assertEquals(world.memory.frames().memory().nativeAddress(frames[i]), world.kmap.nativeAddress(addresses[i]));
                        world.kmap.kunmapLocal(addresses[i]);
                    }
                    return null;
                }));
            }
            mapped.await();
            for (int i = 0; i < 10; i++) {
                world.memory.epochs().heldUp();
                SmallMemory.inThread(() -> world.look(frames[0]));
                world.look(frames[1]);
            }
            assertEquals(Kmap.MAX_DEPTH * (Kmap.MAX_DEPTH + 1) / 2, world.kmap.localMaps());
            goOn.countDown();
            for (final Task<Void> task : blocked) {
                task.join();
            }
            world.requireQuiet();
            assertEquals(List.of(), world.ear.heard);
        }
    }

    @Test
    void closingInsideAMapIsRefusedAndChangesNothing() {
        for (final boolean force : new boolean[] {false, true}) {
            final KmapWorld world = new KmapWorld(options(force));
            final HighMemory high = world.kmap.openHigh(directory.resolve("close" + force), PAGE);
            final long low = world.frames(1)[0];
            final long outer = world.kmap.kmapLocal(high.frame(0));
            final long inner = world.kmap.kmapLocal(low);
            assertThrows(IllegalStateException.class, world.memory::close);
            assertThrows(IllegalStateException.class, high::close);
            world.put(inner, 5);
            world.put(outer, 6);
            assertEquals(2, world.kmap.localMaps());
            world.kmap.kunmapLocal(inner);
            world.kmap.kunmapLocal(outer);
            assertEquals(5, world.look(low));
            world.close();
            assertEquals(6, KmapWorld.plain(directory.resolve("close" + force), 0));
            assertEquals(List.of(), world.ear.heard);
        }
    }

    @Test
    void directMapsAreABareAddition() {
        try (KmapWorld world = new KmapWorld(SMALL.withDirect(true));
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), PAGE)) {
            final long[] frames = world.frames(2);
            final long a = world.kmap.kmapLocal(frames[0]);
            final long b = world.kmap.kmapLocal(null, frames[1]);
            assertEquals(frames[0] * PAGE, a);
            assertEquals(frames[1] * PAGE, b);
            assertFalse(world.memory.cpus().inSection());
            assertEquals(0, world.kmap.localMaps());
            world.put(a, 9);
            assertEquals(9, world.look(frames[0]));
            // Nothing is checked: not the order, not the frame.
            world.kmap.kunmapLocal(a);
            world.kmap.kunmapLocal(null, b);
            world.kmap.kunmapLocal(b);
            final long nowhere = world.kmap.kmapLocal(0);
            assertTrue(world.faults(nowhere));
            for (int i = 0; i < 100; i++) {
                world.kmap.kmapLocal(frames[0]);
            }
            // A high frame goes by the stack, and is checked.
            final long c = world.kmap.kmapLocal(high.frame(0));
            assertTrue(world.memory.cpus().inSection());
            refused(world, c + 8);
            world.kmap.kunmapLocal(c);
            refused(world, c);
            assertThrows(IllegalArgumentException.class, () -> world.kmap.kmapLocal(-1));
            world.requireQuiet();
        }
        assertThrows(IllegalArgumentException.class, () -> SMALL.withDirect(true).withForce(true));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anySlotMayBeGivenAsTheHint(final boolean force) throws Exception {
        try (KmapWorld world = new KmapWorld(options(force)); Vellum other = SmallMemory.open(64, 1024)) {
            final long[] frames = world.frames(2);
            final Cpu stale = SmallMemory.inThread(() -> {
                try (Cpu cpu = world.memory.enter()) {
                    return cpu;
                }
            });
            final Cpu mine;
            try (Cpu cpu = world.memory.enter()) {
                mine = cpu;
            }
            final Cpu foreign;
            try (Cpu cpu = other.enter()) {
                foreign = cpu;
            }
            try (Cpu held = other.enter(); SmallMemory.Reader reader = new SmallMemory.Reader(world.memory, "busy")) {
                for (final Cpu hint : new Cpu[] {mine, stale, foreign, held, reader.cpu, null}) {
                    final long a = world.kmap.kmapLocal(hint, frames[0]);
                    final long b = world.kmap.kmapLocalReadOnly(hint, frames[1]);
                    assertSame(mine, world.memory.cpus().current());
                    refused(world, a);
                    assertThrows(IllegalStateException.class, () -> world.kmap.kunmapLocal(hint, a));
                    world.kmap.kunmapLocal(hint, b);
                    world.kmap.kunmapLocal(hint, a);
                    assertThrows(IllegalStateException.class, () -> world.kmap.kunmapLocal(hint, a));
                    assertFalse(world.memory.cpus().inSection());
                }
            }
            world.requireQuiet();
        }
    }

    @Test
    void checkedStoresFaultThroughReadOnlyMaps() {
        final Path path = directory.resolve("high");
        try (KmapWorld world = new KmapWorld(FORCED); HighMemory high = world.kmap.openHigh(path, 4L * PAGE)) {
            final long frame = world.frames(1)[0];
            world.fill(frame, 4);
            final List<Consumer<Long>> stores = List.of(
                address -> world.put(address, 5), address -> world.memory.access().putByte(address + 1, (byte)1),
                address -> world.memory.access().getAndAddLong(address, 1), address -> world.memory.access().setMemory(address, 8, (byte)1));
            for (final long readOnly : new long[] {frame, high.frame(0)}) {
                final long address = world.kmap.kmapLocalReadOnly(readOnly);
                final long before = world.get(address);
                for (final Consumer<Long> store : stores) {
                    assertThrows(PageFaultException.class, () -> store.accept(address));
                }
                assertEquals(before, world.get(address));
                // Nested beside it, the same page is writable.
                final long writable = world.kmap.kmapLocal(readOnly);
                world.put(writable, before);
                assertTrue(world.faultsForStores(address));
                world.kmap.kunmapLocal(writable);
                world.kmap.kunmapLocal(address);
            }
            world.requireQuiet();
        }
    }

    /** A map for stores makes its page dirty at once, whether or not anything is stored; one for loads does not. */
    @Test
    void onlyMapsForStoresMakePagesDirty() {
        final Path path = directory.resolve("high");
        try (KmapWorld world = new KmapWorld(SMALL); HighMemory high = world.kmap.openHigh(path, 4L * PAGE)) {
            world.look(high.frame(3));
            high.force();
            assertEquals(0, KmapWorld.size(path));
            world.kmap.kunmapLocal(world.kmap.kmapLocal(high.frame(1)));
            high.force();
            assertEquals(2L * PAGE, KmapWorld.size(path));
        }
    }

    @Test
    void staleAddressesFault() {
        try (KmapWorld world = new KmapWorld(FORCED);
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), 2L * PAGE)) {
            final long frame = world.frames(1)[0];
            for (final long mapped : new long[] {frame, high.frame(0)}) {
                final long stale = world.kmap.kmapLocal(mapped);
                world.kmap.kunmapLocal(stale);
                assertTrue(world.faults(stale));
                assertThrows(PageFaultException.class, () -> world.kmap.nativeAddress(stale));
                final long anew = world.kmap.kmapLocal(mapped);
                assertEquals(KmapWorld.page(stale), KmapWorld.page(anew));
                assertNotEquals(stale, anew);
                assertTrue(world.faults(stale));
                refused(world, stale);
                world.kmap.kunmapLocal(anew);
            }
        }
    }

    /** The tag goes round without ever being 0, which would be unchecked. */
    @Test
    void tagsGoRound() {
        try (KmapWorld world = new KmapWorld(FORCED)) {
            final long frame = world.frames(1)[0];
            long before = 0;
            for (int i = 0; i < 140_000; i++) {
                final long address = world.kmap.kmapLocal(frame);
                assertNotEquals(0, address >>> 48);
                assertNotEquals(before, address);
                before = address;
                world.kmap.kunmapLocal(address);
            }
        }
    }

    @Test
    void mappingMakesNoGarbage() {
        final ThreadMXBean bean = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        assumeTrue(bean.isThreadAllocatedMemorySupported());
        final long id = Thread.currentThread().getId();
        for (final KmapOptions options : new KmapOptions[] {SMALL, FORCED, SMALL.withDirect(true)}) {
            try (KmapWorld world = new KmapWorld(options);
                HighMemory high = world.kmap.openHigh(directory.resolve("high"), 2L * PAGE)) {
                final long low = world.frames(1)[0];
                long least = Long.MAX_VALUE;
                for (int round = 0; round < 5; round++) {
                    final long before = bean.getThreadAllocatedBytes(id);
                    turns(world, low, high.frame(0), high.frame(1));
                    least = Math.min(least, bean.getThreadAllocatedBytes(id) - before);
                }
                assertTrue(least < 4_096, options + " bytes for 10^5 turns=" + least);
            }
        }
    }

    private static void turns(final KmapWorld world, final long low, final long high, final long other) {
        final Kmap kmap = world.kmap;
        Cpu cpu = null;
        for (int i = 0; i < 100_000; i++) {
            final long a = kmap.kmapLocal(cpu, high);
            final long b = kmap.kmapLocal(low);
            cpu = world.memory.cpus().current();
            world.put(b, world.get(a));
            kmap.kunmapLocal(cpu, b);
            kmap.kunmapLocal(a);
            kmap.copyFrame(high, other);
            kmap.zeroFrame(low);
        }
    }

    @Test
    void mapsThatAreOpenAtTheEndAreReportedAndCanStillBeUndone() throws Exception {
        for (final boolean force : new boolean[] {false, true}) {
            final KmapWorld world = new KmapWorld(options(force), SmallMemory.builder(64, 1024).graceNanos(0));
            world.memory.frames();
            final long frame = world.frames(1)[0];
            final HighMemory high = world.kmap.openHigh(directory.resolve("end" + force), PAGE);
            final CountDownLatch mapped = new CountDownLatch(1);
            final CountDownLatch closed = new CountDownLatch(1);
            final Task<Void> late = new Task<>("late", () -> {
                final long a = world.kmap.kmapLocal(frame);
                final long b = world.kmap.kmapLocal(frame);
                mapped.countDown();
                closed.await();
                world.kmap.kunmapLocal(b);
                world.kmap.kunmapLocal(a);
                assertThrows(IllegalStateException.class, () -> world.kmap.kmapLocal(frame));
                assertThrows(IllegalStateException.class, () -> world.kmap.kmapLocal(high.frame(0)));
                return null;
            });
            mapped.await();
            world.memory.close();
            assertTrue(world.ear.heard("leaked local kmap count=2 bytes=8192"), world.ear.heard.toString());
            closed.countDown();
            late.join();
        }
    }
}
