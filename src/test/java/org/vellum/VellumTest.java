package org.vellum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Retirement;
import org.vellum.mapram.MapRam;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;
import org.vellum.vmap.FlushPolicy;
import org.vellum.vmap.Vmalloc;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapBuffer;
import org.vellum.vmap.VmapReader;

final class VellumTest {
    @Test
    void theTenLinesOfAUser() {
        try (Vellum memory = Vellum.open(64 << 20)) {
            final long address = memory.vmalloc(1 << 20);
            final VmapBuffer buffer = memory.buffer(address, 1 << 20);
            buffer.putLong(12_345, 42);
            assertEquals(42, memory.access().getLong(address + 12_345));
            memory.vfree(address);
            assertThrows(PageFaultException.class, () -> buffer.getLong(12_345));
        }
    }

    @Test
    void oneBankIsOneLargeBuffer() {
        try (Vellum memory = Vellum.builder().memory(16 << 20).bank(16 << 20).open()) {
            final UnsafeBuffer all = memory.buffer();
            assertEquals(16 << 20, all.capacity());
            final long frame = SmallMemory.frames(memory, 1)[0];
            memory.access().putInt(frame * PAGE + 8, 99);
            final long first = (16L << 20) / PAGE;
            assertEquals(99, all.getInt((int)((frame - first) * PAGE) + 8));
            SmallMemory.free(memory, frame);
        }
    }

    @Test
    void copiesBetweenTwoMemoriesWithoutASectionOfEither() {
        final int size = 150_001;
        try (Vellum one = SmallMemory.open(256, 1024); Vellum other = SmallMemory.open(256, 1024)) {
            final VmapBuffer source = one.buffer(one.vmalloc(size + 100), size + 100);
            final VmapBuffer target = other.buffer(other.vmalloc(size + 100), size + 100);
            for (int i = 0; i < size; i++) {
                source.putByte(i + 37, (byte)(i * 31 >>> 3));
            }
            target.setMemory(0, size + 100, (byte)-1);
            target.putBytes(5, source, 37, size);
            for (int i = 0; i < size; i++) {
                assertEquals((byte)(i * 31 >>> 3), target.getByte(i + 5), "i=" + i);
            }
            assertEquals(-1, target.getByte(4));
            assertEquals(-1, target.getByte(size + 5));
            source.getBytes(37, target, 6, size);
            assertEquals(source.getByte(37), target.getByte(6));
            other.vfree(target.address());
            assertThrows(PageFaultException.class, () -> target.putBytes(0, source, 0, 10));
            one.vfree(source.address());
        }
    }

    @Test
    void exhaustionSaysExactlyWhatIsInLimbo() {
        try (Vellum memory = Vellum.open(64L << 20)) {
            for (int i = 0; i < 1000; i++) {
                memory.vfree(memory.vmalloc(2 * PAGE));
            }
            memory.trim();
            final String message = assertThrows(ExhaustedException.class, () -> memory.vmalloc(1L << 30)).getMessage();
            assertTrue(message.contains("in limbo: 0 bytes, of them in areas 0 frames, 0 bytes"), message);
        }
    }

    @Test
    void wrapsContiguousMemoryOnly() {
        try (Vellum memory = SmallMemory.open(256, 1024)) {
            final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
            final long frame = SmallMemory.frames(memory, 1)[0];
            memory.wrap(frame * PAGE + 100, PAGE - 100, buffer);
            buffer.putInt(0, 7);
            assertEquals(7, memory.access().getInt(frame * PAGE + 100));
            assertThrows(PageFaultException.class, () -> memory.wrap(0, 10, buffer));
            assertThrows(PageFaultException.class, () -> memory.wrap(-1, 10, buffer));
            assertThrows(IllegalArgumentException.class, () -> memory.wrap(frame * PAGE, -1, buffer));
            final long address = memory.vmalloc(1);
            memory.wrap(address, PAGE, buffer);
            assertThrows(PageFaultException.class, () -> memory.wrap(address, PAGE + 1, buffer));
            assertThrows(NullPointerException.class, () -> memory.wrap(address, PAGE, null));
            memory.vfree(address);
            SmallMemory.free(memory, frame);
            SmallMemory.requireQuiet(memory, 0, 0);
        }
    }

    @Test
    void retirementsRunAfterTheGracePeriodAndOutsideSections() {
        try (Vellum memory = SmallMemory.open(64, 1024)) {
            final AtomicInteger released = new AtomicInteger();
            final Retirement retirement = new Retirement() {
                @Override
                protected void released() {
                    assertFalse(memory.cpus().inSection());
                    released.incrementAndGet();
                }
            };
            try (Cpu cpu = memory.enter()) {
                memory.retire(retirement);
                assertThrows(IllegalStateException.class, () -> memory.retire(retirement));
                memory.poll();
                assertEquals(0, released.get());
                assertTrue(cpu.index() >= 0);
            }
            memory.synchronize();
            memory.poll();
            assertEquals(1, released.get());
        }
    }

    @Test
    void trimGivesBanksBack() {
        try (Vellum memory = SmallMemory.open(1024, 4096)) {
            final long address = memory.vmalloc(700 * PAGE);
            assertEquals(3 << 20, memory.stats().presentBytes());
            assertEquals(0, memory.trim());
            memory.vfree(address);
            assertTrue(memory.trim() >= 2 << 20);
            memory.verify();
            final long again = memory.vmalloc(1000 * PAGE);
            memory.vfree(again);
            SmallMemory.requireQuiet(memory, 0, 0);
        }
    }

    @Test
    void statsAddUp() {
        try (Vellum memory = SmallMemory.open(512, 1024)) {
            final long address = memory.vmalloc(10 * PAGE);
            assertEquals(512 * PAGE, memory.stats().configuredBytes());
            assertEquals(502 * PAGE, memory.stats().freeFrameBytes());
            assertEquals(1013 * PAGE, memory.stats().freeWindowBytes());
            assertEquals(1, memory.stats().liveAreas());
            memory.vfree(address);
            assertEquals(11 * PAGE, memory.stats().limboBytes());
            assertEquals(10 * PAGE, memory.stats().limboFrameBytes());
            assertEquals(0, memory.stats().liveAreas());
            SmallMemory.requireQuiet(memory, 0, 0);
            assertTrue(memory.stats().flushes() > 0);
        }
    }

    @Test
    void closeReportsWhatIsStillAllocatedAndNothingElse() {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        final Vellum memory = SmallMemory.builder(256, 2048).listener(ear).open();
        final long[] frames = SmallMemory.frames(memory, 4);
        memory.vmalloc(5000);
        memory.vfree(memory.vmalloc(PAGE));
        memory.retire(memory.vmalloc(PAGE));
        memory.vmalloc().vfreeAtomic(memory.vmalloc(PAGE));
        memory.vmMapRam(frames, 0, 3);
        memory.close();
        assertEquals(2, ear.heard.size(), ear.heard.toString());
        assertTrue(ear.heard("leaked area count=1 bytes=5000 "), ear.heard.toString());
        assertTrue(ear.heard("leaked vmMapRam mapping count=3 bytes=12288"), ear.heard.toString());
        memory.close();
        assertEquals(2, ear.heard.size(), "again: nothing to do");
    }

    @Test
    void closeWithNothingLeftIsSilent() {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        try (Vellum memory = SmallMemory.builder(256, 2048).listener(ear).worker(true).open()) {
            for (int i = 0; i < 100; i++) {
                memory.vfree(memory.vmalloc(20 * PAGE));
                memory.retire(memory.vmalloc(PAGE));
            }
        }
        assertEquals(List.of(), ear.heard);
    }

    @Test
    void closeIsHeardThroughTheWorkerToo() {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        final Vellum memory = SmallMemory.builder(256, 2048).listener(ear).worker(true).open();
        memory.vmalloc(5000);
        memory.close();
        assertTrue(ear.heard("leaked area count=1 bytes=5000 "), ear.heard.toString());
    }

    @Test
    void twoThreadsMayCloseAtOnce() throws Exception {
        for (int i = 0; i < 50; i++) {
            final SmallMemory.Ear ear = new SmallMemory.Ear();
            final Vellum memory = SmallMemory.builder(64, 1024).listener(ear).open();
            memory.vmalloc(1);
            SmallMemory.inThreads(2, thread -> memory.close());
            assertEquals(1, ear.heard.size(), ear.heard.toString());
        }
    }

    @Test
    void closeInASectionIsRefused() {
        final Vellum memory = SmallMemory.open(64, 1024);
        try (Cpu cpu = memory.enter()) {
            assertThrows(IllegalStateException.class, memory::close);
            assertTrue(cpu.index() >= 0);
        }
        memory.vfree(memory.vmalloc(1));
        memory.close();
    }

    @Test
    void closeDoesNotWaitForeverForAReader() throws Exception {
        final Vellum memory = SmallMemory.builder(64, 1024).graceNanos(10_000_000).open();
        final long address = memory.vmalloc(1);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            memory.close();
            assertThrows(IllegalStateException.class, () -> memory.vfree(address));
            assertTrue(reader.cpu.index() >= 0);
        }
    }

    @Test
    void viewsStillHeldFaultAfterClose() {
        final Vellum memory = SmallMemory.open(64, 1024);
        final long address = memory.vmalloc(2 * PAGE);
        final VmapBuffer view = memory.buffer(address, 2 * PAGE);
        final var access = memory.access();
        view.putLong(0, 1);
        memory.close();
        for (final Runnable use : new Runnable[] {() -> view.getLong(0), () -> view.putLong(8, 1),
            () -> view.getLong(PAGE - 3), () -> view.setMemory(0, 2 * PAGE, (byte)0), () -> view.getAndAddLong(0, 1),
            () -> access.getLong(address), () -> access.putInt(address, 1), () -> view.wrap(address, 8)}) {
            final RuntimeException thrown = assertThrows(RuntimeException.class, use::run);
            assertTrue(thrown.getMessage().contains("closed"), thrown.toString());
        }
    }

    @Test
    void everyMethodRefusesToWorkAfterClose() throws Exception {
        final Vellum memory = SmallMemory.open(64, 1024);
        final long[] frames = SmallMemory.frames(memory, 1);
        memory.close();
        final List<String> worked = new ArrayList<>();
        for (final Method method : Vellum.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers()) && !Modifier.isStatic(method.getModifiers())
                && !method.getName().equals("close")) {
                refuses(method, memory, frames, worked);
            }
        }
        assertEquals(List.of(), worked);
        memory.close();
    }

    @Test
    void theRoomsHeldFromBeforeRefuseToWorkAfterClose() {
        final Vellum memory = SmallMemory.open(64, 1024);
        final long[] frames = SmallMemory.frames(memory, 1);
        final Vmalloc vmalloc = memory.vmalloc();
        final Vmap vmap = memory.vmap();
        final MapRam mapRam = memory.mapRam();
        final VmapReader reader = memory.reader();
        final long address = vmalloc.vmalloc(1);
        final long ram = mapRam.vmMapRam(frames, 0, 1);
        final var cpus = memory.cpus();
        assertNotNull(reader.findArea(address));
        memory.close();
        assertThrows(IllegalStateException.class, cpus::enter);
        assertThrows(IllegalStateException.class, () -> vmalloc.vmalloc(1));
        assertThrows(IllegalStateException.class, () -> vmalloc.vfree(address));
        assertThrows(IllegalStateException.class, () -> mapRam.vmMapRam(frames, 0, 1));
        assertThrows(IllegalStateException.class, () -> mapRam.vmUnmapRam(ram, 1));
        assertThrows(IllegalStateException.class, () -> vmap.vmap(frames, 0, 1, 0));
        assertThrows(IllegalStateException.class, () -> vmap.sparseArea(1));
    }

    private static void refuses(
        final Method method, final Vellum memory, final long[] frames, final List<String> worked)
        throws IllegalAccessException {
        final Object[] arguments = new Object[method.getParameterCount()];
        for (int i = 0; i < arguments.length; i++) {
            final Class<?> type = method.getParameterTypes()[i];
            if (type == long.class) {
                arguments[i] = 4096L;
            } else if (type == int.class) {
                arguments[i] = type == int.class && method.getName().equals("vmMapRam") && i == 1 ? 0 : 1;
            } else if (type == long[].class) {
                arguments[i] = frames;
            } else if (type == UnsafeBuffer.class) {
                arguments[i] = new UnsafeBuffer(0, 0);
            }
        }
        try {
            method.invoke(memory, arguments);
            worked.add(method.toString());
        } catch (final InvocationTargetException e) {
            if (!(e.getCause() instanceof IllegalStateException)) {
                worked.add(method + " threw " + e.getCause());
            }
        }
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        for (final long bad : new long[] {0, -1, 100, Long.MAX_VALUE, Long.MIN_VALUE, (1L << 45) + PAGE}) {
            requireRefusal("memory=" + bad, () -> Vellum.open(bad));
        }
        for (final long bad : new long[] {0, 1, -4096, PAGE, 3 << 20, 1L << 31, 3L << 30, Long.MIN_VALUE}) {
            requireRefusal("bank=" + bad, () -> Vellum.builder().bank(bad).open());
        }
        for (final long bad : new long[] {0, PAGE, -(4L << 20), (4L << 20) + PAGE, (1L << 47) + (4L << 20), 1L << 48, Long.MIN_VALUE}) {
            requireRefusal("window=" + bad, () -> Vellum.builder().window(bad).open());
        }
        for (final long bad : new long[] {-1, Long.MIN_VALUE}) {
            requireRefusal("lazyMaxPages=" + bad, () -> Vellum.builder().lazyMaxPages(bad).open());
            requireRefusal("graceNanos=" + bad, () -> Vellum.builder().graceNanos(bad).open());
            requireRefusal("stallNanos=" + bad, () -> Vellum.builder().stallNanos(bad).open());
        }
        requireRefusal("stallNanos=0", () -> Vellum.builder().stallNanos(0).open());
        requireRefusal("memoryBytes=" + (1L << 45), () -> Vellum.builder().memory(1L << 45).bank(1 << 20).open());
        assertThrows(RuntimeException.class, () -> Vellum.builder().listener(null).open());
        assertThrows(RuntimeException.class, () -> Vellum.builder().flushPolicy(null).open());
        assertThrows(RuntimeException.class, () -> Vellum.builder().cpus(null).open());
        Vellum.builder().memory(1 << 20).flushPolicy(FlushPolicy.EAGER).lazyMaxPages(0).graceNanos(0).open().close();
    }

    /** In the words of the option, that a caller knows, whatever room below it is for. */
    private static void requireRefusal(final String nameAndValue, final Executable call) {
        final String text = assertThrows(IllegalArgumentException.class, call, nameAndValue).getMessage();
        assertTrue(text.matches("(.*\\W)?" + nameAndValue + "(\\D.*)?"), text);
    }

    /** Only a system that promises any amount of memory opens it; all others have no room for the tables. */
    @Test
    void asMuchMemoryAsThereCanBe() {
        try (Vellum memory = Vellum.open(1L << 45)) {
            memory.free(memory.allocate(100));
            assertEquals(1L << 45, memory.stats().configuredBytes());
        } catch (final ExhaustedException e) {
            assertEquals(ExhaustedException.Resource.METADATA, e.resource());
            assertTrue(e.getMessage().contains("memory=" + (1L << 45) + " window=" + (1L << 47)), e.getMessage());
        }
    }

    @Test
    void aDrainerOnTheWorkersThreadKeepsLimboSmall() throws Exception {
        try (Vellum memory = SmallMemory.builder(4096, 16384).worker(true).lazyMaxPages(100).open()) {
            for (int i = 0; i < 2000; i++) {
                memory.vfree(memory.vmalloc(10 * PAGE));
            }
            for (final long end = System.nanoTime() + 60_000_000_000L; memory.stats().limboBytes() > 111L * PAGE;) {
                assertTrue(System.nanoTime() < end, () -> "limbo=" + memory.stats().limboBytes());
                Thread.yield();
            }
            assertTrue(memory.stats().drains() > 0);
            SmallMemory.requireQuiet(memory, 0, 0);
        }
    }
}
