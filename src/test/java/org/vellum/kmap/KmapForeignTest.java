package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.frame.PhysicalMemory;
import org.vellum.report.PageFaultException;

/** Addresses of maps in the hands of the other families, and theirs in the hands of this one (RK8): each knows its own. */
final class KmapForeignTest {
    private static final KmapOptions FORCED = KmapOptions.DEFAULT.withWindowBytes(4L * SmallMemory.PAGE).withForce(true);

    private static Vellum open(final boolean force) {
        return SmallMemory.builder(512, 1024).kmap(FORCED.withForce(force)).open();
    }

    private static void refused(final Runnable action) {
        final RuntimeException e = assertThrows(RuntimeException.class, action::run);
        assertTrue(e instanceof IllegalArgumentException || e instanceof IllegalStateException, e.toString());
        assertTrue(e.getMessage().contains("0x"), e.toString());
    }

    @Test
    void otherFamiliesRefuseAddressesOfMaps() throws Exception {
        try (Vellum memory = open(true)) {
            final long[] frames = SmallMemory.frames(memory, 2);
            final Kmap kmap = memory.kmap();
            final long shared = kmap.kmap(frames[0]);
            final long local = kmap.kmapLocal(frames[1]);
            for (final long address : new long[] {shared, local}) {
                memory.access().putLong(address, 42);
                refused(() -> memory.free(address));
                refused(() -> memory.vfree(address));
                refused(() -> memory.vmalloc().vfreeAtomic(address));
                refused(() -> memory.vmUnmapRam(address, 1));
                assertEquals(PhysicalMemory.NO_FRAME, memory.vmalloc().vmallocToFrame(address));
                assertFalse(memory.vmalloc().isVmallocAddress(address));
                assertNull(memory.reader().findArea(address));
                assertEquals(42, memory.access().getLong(address), "nothing was changed");
            }
            refused(() -> kmap.kunmap(local));
            refused(() -> kmap.kunmapLocal(shared));
            kmap.kunmapLocal(local);
            kmap.kunmap(shared);
            memory.verify();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void addressesOfOtherFamiliesAreRefused(final boolean force) {
        try (Vellum memory = open(force)) {
            final long own = SmallMemory.frames(memory, 1)[0];
            final Kmap kmap = memory.kmap();
            final long small = memory.allocate(64);
            final long area = memory.vmalloc(3 * SmallMemory.PAGE);
            for (final long address : new long[] {small, area, area + SmallMemory.PAGE}) {
                refused(() -> kmap.kunmap(address));
                refused(() -> kmap.kunmapLocal(address));
                final long mapped = kmap.kmapLocal(own);
                refused(() -> kmap.kunmapLocal(address));
                kmap.kunmapLocal(mapped);
            }
            memory.vfree(area);
            memory.free(small);
        }
    }

    /** Where an address leads is told by translation, never by arithmetic: the way back from a local map is where the kernel went wrong. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theWayBackFromAMapIsItsFrame(final boolean force, @TempDir final Path dir) throws Exception {
        try (Vellum memory = open(force);
            HighMemory high = memory.kmap().openHigh(dir.resolve("high"), 4L * SmallMemory.PAGE)) {
            final Kmap kmap = memory.kmap();
            final long low = SmallMemory.frames(memory, 1)[0];
            final long shared = kmap.kmap(low);
            final long sharedHigh = kmap.kmap(high.frame(1));
            final long local = kmap.kmapLocal(low);
            final long localHigh = kmap.kmapLocal(high.frame(1));
            assertEquals(low, memory.frames().memory().frameOf(kmap.nativeAddress(local + 100)));
            assertEquals(low, memory.frames().memory().frameOf(kmap.nativeAddress(shared + 100)));
            assertEquals(kmap.nativeAddress(sharedHigh), kmap.nativeAddress(localHigh));
            assertNotEquals(sharedHigh, localHigh);
            final UnsafeBuffer plain = new UnsafeBuffer(0, 0);
            memory.wrap(localHigh + 8, 16, plain);
            plain.putLong(0, 77);
            assertEquals(77, memory.access().getLong(sharedHigh + 8));
            kmap.kunmapLocal(localHigh);
            kmap.kunmapLocal(local);
            assertThrows(PageFaultException.class, () -> kmap.nativeAddress(localHigh));
            kmap.kunmap(sharedHigh);
            kmap.kunmap(shared);
            kmap.flushUnused();
            assertThrows(PageFaultException.class, () -> kmap.nativeAddress(sharedHigh));
        }
    }

    private static void requireConfined(final Vellum memory, final long address) {
        memory.access().setMemory(address, SmallMemory.PAGE, (byte)7);
        assertThrows(PageFaultException.class, () -> memory.access().putLong(address + SmallMemory.PAGE - 4, 1));
        assertThrows(PageFaultException.class, () -> memory.access().setMemory(address + 1, SmallMemory.PAGE, (byte)1));
        assertThrows(PageFaultException.class, () -> memory.access().getByte(address + SmallMemory.PAGE));
        assertThrows(PageFaultException.class, () -> memory.access().getByte(address - 1));
        assertEquals(0x0707_0707_0707_0707L, memory.access().getLong(address + SmallMemory.PAGE - 8), "nothing was changed");
    }

    /** Maps lie side by side without guard pages, and are made equally often: their tags differ all the same. */
    @Test
    void accessThatLeavesALocalMapFaults() {
        try (Vellum memory = open(true)) {
            final long[] frames = SmallMemory.frames(memory, Kmap.MAX_DEPTH);
            for (int round = 0; round < 3; round++) {
                final long[] open = new long[Kmap.MAX_DEPTH];
                for (int i = 0; i < open.length; i++) {
                    open[i] = memory.kmap().kmapLocal(frames[i]);
                }
                for (final long address : open) {
                    requireConfined(memory, address);
                }
                for (int i = open.length - 1; i >= 0; i--) {
                    memory.kmap().kunmapLocal(open[i]);
                }
            }
        }
    }

    @Test
    void accessThatLeavesASharedMapFaults() throws Exception {
        try (Vellum memory = open(true)) {
            final long[] frames = SmallMemory.frames(memory, 9);
            for (int round = 0; round < 2; round++) {
                final long[] open = new long[4];
                for (int i = 0; i < open.length; i++) {
                    open[i] = memory.kmap().kmap(frames[4 * round + i]);
                }
                // The place behind the last slot is that of the first local map.
                final long local = memory.kmap().kmapLocal(frames[8]);
                for (final long address : open) {
                    requireConfined(memory, address);
                }
                memory.kmap().kunmapLocal(local);
                for (final long address : open) {
                    memory.kmap().kunmap(address);
                }
            }
        }
    }

    /** A slot that nobody uses stays mapped, but not to memory that goes back to the operating system. */
    @Test
    void unusedSlotsNameNoBankThatIsGivenBack() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 1024).bank(64 << 10).kmap(FORCED).open()) {
            final long frame = SmallMemory.frames(memory, 1)[0];
            final Kmap kmap = memory.kmap();
            final long address = kmap.kmap(frame);
            kmap.kunmap(address);
            assertEquals(memory.frames().memory().nativeAddress(frame), kmap.nativeAddress(address), "unused, but mapped");
            SmallMemory.free(memory, frame);
            memory.quiesce();
            assertTrue(memory.trim() > 0);
            assertThrows(PageFaultException.class, () -> kmap.nativeAddress(address));
            kmap.verify();
            assertEquals(1, kmap.flushes());
            final long again = SmallMemory.frames(memory, 1)[0];
            final long mapped = kmap.kmap(again);
            assertEquals(memory.frames().memory().nativeAddress(again), kmap.nativeAddress(mapped));
            kmap.kunmap(mapped);
            memory.verify();
        }
    }

    /** Frames are not counted: who frees one that is mapped by entries leaves these as they are, and each is undone as ever. */
    @Test
    void theMapsOfAFrameThatIsFreedStayUntilTheyAreUndone() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 1024).bank(64 << 10).kmap(FORCED).open()) {
            final long frame = SmallMemory.frames(memory, 1)[0];
            final Kmap kmap = memory.kmap();
            final long shared = kmap.kmap(frame);
            final long local = kmap.kmapLocal(frame);
            SmallMemory.free(memory, frame);
            assertEquals(memory.frames().memory().nativeAddress(frame), kmap.nativeAddress(shared));
            assertEquals(kmap.nativeAddress(shared), kmap.nativeAddress(local));
            kmap.kunmapLocal(local);
            assertThrows(PageFaultException.class, () -> kmap.nativeAddress(local));
            kmap.kunmap(shared);
            memory.quiesce();
            assertTrue(memory.trim() > 0);
            assertThrows(PageFaultException.class, () -> kmap.nativeAddress(shared));
            memory.verify();
        }
    }

    /** Slots that nobody uses while a section holds up a flush: what became unused since it began must go, too, and all of it once. */
    @Test
    void unusedSlotsNameNoBankThatIsGivenBackDuringAFlush() throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 1024).bank(64 << 10).kmap(FORCED.withWaitNanos(0)).open()) {
            final Kmap kmap = memory.kmap();
            final long[] frames = SmallMemory.frames(memory, 2);
            final long first = kmap.kmap(frames[0]);
            final long second = kmap.kmap(frames[1]);
            kmap.kunmap(first);
            memory.quiesce();
            try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
                assertEquals(0, kmap.flushUnused(), "held up by " + reader.cpu);
                kmap.kunmap(second);
                assertEquals(0, kmap.flushUnused(), "the first flush is still under way");
                kmap.nativeAddress(second);
                kmap.forgetUnused();
                assertThrows(PageFaultException.class, () -> kmap.nativeAddress(second));
                assertEquals(2, kmap.flushes());
                kmap.forgetUnused();
                assertEquals(2, kmap.flushes(), "there was nothing left");
            }
            SmallMemory.free(memory, frames);
            memory.quiesce();
            assertTrue(memory.trim() > 0);
            memory.verify();
            final long[] all = SmallMemory.frames(memory, 4);
            for (final long frame : all) {
                kmap.kmap(frame, SmallMemory.PATIENT_NANOS);
            }
            assertEquals(4, kmap.sharedMaps(), "both slots became free");
            assertEquals(2, kmap.flushes());
        }
    }

    /** All that was wanted is there: no reason to give up what the window keeps. */
    @Test
    void pagesThatAreWantedTwiceNeedNoFlush(@TempDir final Path dir) throws Exception {
        try (Vellum memory = open(false);
            HighMemory high = memory.kmap().openHigh(dir.resolve("high"), 8L * SmallMemory.PAGE)) {
            final Kmap kmap = memory.kmap();
            kmap.kunmap(kmap.kmap(high.frame(0)));
            assertEquals(2, high.prefetch(high.frame(3), high.frame(1), high.frame(3), high.frame(1)));
            assertEquals(0, kmap.flushes());
        }
    }

    /** What is cleared keeps its cache frame until somebody looks after the grace period: whoever is short of them looks. */
    @Test
    void clearedSlotsAreNotInTheWayOfOtherPages(@TempDir final Path dir) throws Exception {
        try (Vellum memory = open(false);
            HighMemory high = memory.kmap().openHigh(dir.resolve("high"), 8L * SmallMemory.PAGE)) {
            final Kmap kmap = memory.kmap();
            for (int i = 0; i < 4; i++) {
                kmap.kunmap(kmap.kmap(high.frame(i)));
            }
            kmap.forgetUnused();
            memory.synchronize();
            assertEquals(4, high.prefetch(high.frame(4), high.frame(5), high.frame(6), high.frame(7)));
            assertEquals(1, kmap.flushes());
            kmap.verify();
        }
    }
}
