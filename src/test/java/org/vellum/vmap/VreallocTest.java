package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.Arrays;
import java.util.Random;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/** Areas that change their number of pages: frames stay where they are, whatever becomes of the addresses. */
final class VreallocTest {
    private static final long FRAMES = 512;
    private static final long WINDOW = 2048;

    private Vellum memory = SmallMemory.open(FRAMES, WINDOW);

    @AfterEach
    void nothingIsLost() {
        SmallMemory.requireQuiet(memory, 0, 0);
        assertEquals(memory.stats().windowBytes(), memory.stats().freeWindowBytes());
        memory.close();
    }

    private void reopen(final Vellum other) {
        memory.close();
        memory = other;
    }

    private Vmalloc vmalloc() {
        return memory.vmalloc();
    }

    private long[] framesOf(final long address, final long pages) {
        final long[] frames = new long[(int)pages];
        for (int i = 0; i < pages; i++) {
            frames[i] = vmalloc().vmallocToFrame(address + (long)i * PAGE);
            assertNotEquals(PhysicalMemory.NO_FRAME, frames[i], "page=" + i);
        }
        return frames;
    }

    private void fill(final long address, final long pages) {
        for (long i = 0; i < pages; i++) {
            memory.access().putLong(address + i * PAGE, 1000 + i);
            memory.access().putLong(address + (i + 1) * PAGE - 8, 2000 + i);
        }
    }

    private void require(final long address, final long pages) {
        for (long i = 0; i < pages; i++) {
            assertEquals(1000 + i, memory.access().getLong(address + i * PAGE), "page=" + i);
            assertEquals(2000 + i, memory.access().getLong(address + (i + 1) * PAGE - 8), "page=" + i);
        }
    }

    private void faults(final long address) {
        assertThrows(PageFaultException.class, () -> memory.access().getByte(address), () -> Long.toHexString(address));
    }

    /** An area and one right behind it, so that it must move to grow. */
    private long hemmedIn(final long pages, final int flags, final long[] blocker) {
        final long address = vmalloc().vmalloc(pages * PAGE, PAGE, flags);
        final long guard = (flags & VmallocFlags.NO_GUARD) != 0 ? 0 : 1;
        final long behind = (address & Address.MASK) + (pages + guard) * PAGE;
        blocker[0] = vmalloc().vmallocRange(PAGE, PAGE, 0, behind, behind + 2 * PAGE);
        return address;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 14, 15, 16, 100, 400})
    void growsInPlaceWhereTheAddressesBehindAreFree(final int pages) {
        for (final int flags : new int[] {0, VmallocFlags.NO_GUARD, VmallocFlags.CONTIGUOUS}) {
            for (final int added : new int[] {1, 2, 7, 100}) {
                final long address = vmalloc().vmalloc((long)pages * PAGE, PAGE, flags);
                fill(address, pages);
                final long[] frames = framesOf(address, pages);
                final int all = pages + added;
                assertEquals(address, vmalloc().vrealloc(address, (long)all * PAGE));
                assertEquals((long)all * PAGE, vmalloc().sizeOf(address));
                assertArrayEquals(frames, Arrays.copyOf(framesOf(address, all), pages));
                require(address, pages);
                fill(address, all);
                require(address, all);
                faults(address + (long)all * PAGE);
                assertEquals(0, memory.stats().limboBytes());
                memory.verify();
                memory.vfree(address);
                memory.quiesce();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 14, 15, 16, 100, 400})
    void movesItsFramesWhereTheyAreNot(final int pages) {
        for (final boolean caches : new boolean[] {false, true}) {
            reopen(SmallMemory.builder(FRAMES, WINDOW).rangeCaches(caches).open());
            for (final int flags : new int[] {0, VmallocFlags.NO_GUARD, VmallocFlags.CONTIGUOUS}) {
                final long[] blocker = new long[1];
                final long address = hemmedIn(pages, flags, blocker);
                fill(address, pages);
                final long[] frames = framesOf(address, pages);
                final long all = pages + 9;
                final long moved = vmalloc().vrealloc(address, all * PAGE - 1);
                assertNotEquals(address & Address.MASK, moved & Address.MASK);
                assertArrayEquals(frames, Arrays.copyOf(framesOf(moved, all), pages));
                require(moved, pages);
                for (long i = 0; i < pages; i++) {
                    faults(address + i * PAGE);
                }
                faults(moved + all * PAGE);
                assertThrows(IllegalArgumentException.class, () -> memory.vfree(address));
                assertThrows(IllegalArgumentException.class, () -> vmalloc().vrealloc(address, PAGE));
                assertThrows(IllegalArgumentException.class, () -> vmalloc().sizeOf(address));
                assertEquals(all * PAGE - 1, memory.reader().findArea(moved).size());
                assertEquals(0, memory.stats().limboFrameBytes(), "addresses only");
                assertTrue(memory.stats().limboBytes() >= (long)pages * PAGE);
                memory.verify();
                memory.quiesce();
                assertEquals(all + 1, memory.frames().allocatedFrames());
                require(moved, pages);
                memory.vfree(moved);
                memory.vfree(blocker[0]);
                memory.quiesce();
            }
        }
    }

    @Test
    void theOldAddressesAreReusedAfterAGracePeriodOnly() throws Exception {
        final long[] blocker = new long[1];
        final long address = hemmedIn(3, 0, blocker);
        final long low = address & Address.MASK;
        final long moved;
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            assertTrue(reader.cpu.index() >= 0);
            moved = vmalloc().vrealloc(address, 5 * PAGE);
            memory.poll();
            try (Cpu cpu = memory.enter()) {
                assertTrue(cpu.index() >= 0);
                assertThrows(ExhaustedException.class, () -> vmalloc().vmallocRange(3 * PAGE, PAGE, 0, low, low + 4 * PAGE));
            }
        }
        final long again = vmalloc().vmallocRange(3 * PAGE, PAGE, 0, low, low + 4 * PAGE);
        assertEquals(low, again & Address.MASK);
        faults(address);
        memory.vfree(again);
        memory.vfree(moved);
        memory.vfree(blocker[0]);
    }

    @Test
    void aSectionKeepsWhatItTranslatedByTheOldAddress() {
        final long[] blocker = new long[1];
        final long address = hemmedIn(2, 0, blocker);
        fill(address, 2);
        try (Cpu cpu = memory.enter()) {
            assertTrue(cpu.index() >= 0);
            final long translated = memory.access().readable(address + PAGE);
            final long moved = vmalloc().vrealloc(address, 4 * PAGE);
            assertEquals(translated, memory.access().readable(moved + PAGE), "the very same bytes");
            memory.vfree(moved);
            memory.poll();
            final long next = memory.vmalloc(100 * PAGE);
            memory.access().setMemory(next, 100 * PAGE, (byte)-1);
            assertEquals(1001, UnsafeApi.getLong(translated), "nobody else's before the section ends");
            memory.vfree(next);
        }
        memory.vfree(blocker[0]);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 15, 16, 100})
    void shrinksInPlaceAndGivesFramesBackAfterAGracePeriod(final int pages) throws Exception {
        for (final int flags : new int[] {0, VmallocFlags.NO_GUARD}) {
            for (final int kept : new int[] {1, pages / 2, pages - 1}) {
                final long address = vmalloc().vmalloc((long)pages * PAGE, PAGE, flags);
                fill(address, pages);
                final long[] frames = framesOf(address, kept);
                try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
                    assertTrue(reader.cpu.index() >= 0);
                    assertEquals(address, vmalloc().vrealloc(address, kept * (long)PAGE - 5));
                    memory.poll();
                    assertEquals(pages, memory.frames().allocatedFrames(), "in limbo");
                    assertEquals((long)(pages - kept) * PAGE, memory.stats().limboFrameBytes());
                    assertEquals((long)(pages - kept) * PAGE, memory.stats().limboBytes());
                }
                assertArrayEquals(frames, framesOf(address, kept));
                require(address, kept);
                for (long i = kept; i <= pages; i++) {
                    faults(address + i * PAGE);
                }
                assertEquals(kept * (long)PAGE, vmalloc().sizeOf(address));
                memory.verify();
                SmallMemory.requireQuiet(memory, kept, 1);
                final long guard = flags == 0 ? 1 : 0;
                assertEquals(WINDOW - kept - guard, memory.vmalloc().space().freePages());
                final long grown = vmalloc().vrealloc(address, (long)pages * PAGE);
                assertEquals(address, grown, "the addresses behind came back");
                require(grown, kept);
                memory.vfree(grown);
                memory.quiesce();
            }
        }
    }

    @Test
    void anAreaThatGrewAndShrankAgainAndAgainIsWhole() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).rangeCaches(true).open());
        long address = memory.vmalloc(PAGE);
        fill(address, 1);
        long pages = 1;
        final Random random = new Random(42);
        for (int i = 0; i < 3000; i++) {
            final long next = 1 + random.nextInt(30);
            address = vmalloc().vrealloc(address, next * PAGE - random.nextInt(PAGE));
            require(address, Math.min(pages, next) - 1);
            fill(address, next);
            pages = next;
            assertEquals(pages * PAGE, vmalloc().sizeOf(address));
        }
        SmallMemory.requireQuiet(memory, pages, 1);
        memory.vfree(address);
        memory.quiesce();
        memory.vmalloc().reclaimer().giveBackRanges();
    }

    @Test
    void flagsAreKept() {
        for (final boolean inPlace : new boolean[] {true, false}) {
            for (final int flags : new int[] {VmallocFlags.ZERO, VmallocFlags.USER}) {
                dirtyAllFrames();
                final long[] blocker = new long[1];
                final long address = inPlace ? vmalloc().vmalloc(2 * PAGE, PAGE, flags) : hemmedIn(2, flags, blocker);
                fill(address, 2);
                assertEquals(address, vmalloc().vrealloc(address, PAGE + 100));
                memory.access().setMemory(address + PAGE + 50, PAGE - 50, (byte)9);
                final long grown = vmalloc().vrealloc(address, 6 * PAGE);
                assertEquals(inPlace, address == grown);
                for (long i = PAGE + 50; i < 6 * PAGE; i++) {
                    assertEquals(i < PAGE + 100 ? 9 : 0, memory.access().getByte(grown + i), "offset=" + i);
                }
                memory.vfree(grown);
                memory.vfree(blocker[0]);
                memory.quiesce();
            }
            final long[] blocker = new long[1];
            final long address =
                inPlace ? vmalloc().vmalloc(PAGE, PAGE, VmallocFlags.READ_ONLY) : hemmedIn(1, VmallocFlags.READ_ONLY, blocker);
            final long grown = vmalloc().vrealloc(address, 3 * PAGE);
            for (int i = 0; i < 3; i++) {
                final long page = grown + (long)i * PAGE;
                memory.access().getByte(page);
                assertThrows(PageFaultException.class, () -> memory.access().putByte(page, (byte)1));
            }
            memory.vfree(grown);
            memory.vfree(blocker[0]);
            memory.quiesce();
        }
    }

    private void dirtyAllFrames() {
        final long all = memory.vmalloc(FRAMES * PAGE);
        memory.access().setMemory(all, FRAMES * PAGE, (byte)0x5A);
        memory.vfree(all);
        memory.quiesce();
    }

    @Test
    void exhaustionOfFramesLeavesTheAreaAsItWas() {
        for (final boolean inPlace : new boolean[] {true, false}) {
            // Growth by few pages begins, and fails when frames run out in its middle; growth by many is refused beforehand.
            for (final int added : new int[] {100, 300}) {
                reopen(SmallMemory.builder(FRAMES, WINDOW).graceNanos(1_000_000).open());
                final long[] blocker = new long[1];
                final long address = inPlace ? memory.vmalloc(3 * PAGE) : hemmedIn(3, 0, blocker);
                final long rest = memory.vmalloc((FRAMES - 3 - 90) * PAGE);
                fill(address, 3);
                final long[] frames = framesOf(address, 3);
                final ExhaustedException e =
                    assertThrows(ExhaustedException.class, () -> vmalloc().vrealloc(address, (3L + added) * PAGE));
                assertEquals(ExhaustedException.Resource.FRAMES, e.resource(), e.getMessage());
                assertTrue(e.getMessage().startsWith("vrealloc of " + added + " pages"), e.getMessage());
                require(address, 3);
                assertArrayEquals(frames, framesOf(address, 3));
                assertEquals(3L * PAGE, vmalloc().sizeOf(address));
                SmallMemory.requireQuiet(memory, FRAMES - 90 + (inPlace ? 0 : 1), inPlace ? 2 : 3);
                memory.vfree(rest);
                final long grown = vmalloc().vrealloc(address, (3L + added) * PAGE);
                require(grown, 3);
                memory.vfree(grown);
                memory.vfree(blocker[0]);
            }
        }
    }

    @Test
    void exhaustionOfTheWindowLeavesTheAreaAsItWas() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).graceNanos(1_000_000).open());
        final long filler = memory.vmap().sparseArea((WINDOW - 64 - 1) * PAGE);
        final long[] blocker = new long[1];
        final long address = hemmedIn(20, 0, blocker);
        fill(address, 20);
        final ExhaustedException e = assertThrows(ExhaustedException.class, () -> vmalloc().vrealloc(address, 50 * PAGE));
        assertEquals(ExhaustedException.Resource.WINDOW, e.resource(), e.getMessage());
        assertThrows(ExhaustedException.class, () -> vmalloc().vrealloc(address, Long.MAX_VALUE));
        require(address, 20);
        SmallMemory.requireQuiet(memory, 21, 3);
        final long moved = vmalloc().vrealloc(address, 30 * PAGE);
        require(moved, 20);
        memory.vfree(moved);
        memory.vfree(blocker[0]);
        memory.vmap().vunmap(filler);
    }

    @Test
    void insideASectionItDoesNotWait() {
        final long[] blocker = new long[1];
        final long address = hemmedIn(2, 0, blocker);
        fill(address, 2);
        try (Cpu cpu = memory.enter()) {
            assertTrue(cpu.index() >= 0);
            final long moved = vmalloc().vrealloc(address, 5 * PAGE);
            require(moved, 2);
            assertEquals(moved, vmalloc().vrealloc(moved, PAGE));
            require(moved, 1);
            memory.vfree(moved);
        }
        memory.vfree(blocker[0]);
    }

    @Test
    void eagerReusesTheOldAddressesAtOnce() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).flushPolicy(FlushPolicy.EAGER).open());
        final long[] blocker = new long[1];
        final long address = hemmedIn(2, 0, blocker);
        fill(address, 2);
        final long[] frames = framesOf(address, 2);
        final long moved = vmalloc().vrealloc(address, 5 * PAGE);
        assertArrayEquals(frames, Arrays.copyOf(framesOf(moved, 5), 2));
        assertEquals(0, memory.stats().limboBytes());
        faults(address);
        assertEquals(moved, vmalloc().vrealloc(moved, 2 * PAGE));
        assertEquals(3, memory.frames().allocatedFrames());
        require(moved, 2);
        try (Cpu cpu = memory.enter()) {
            assertThrows(IllegalStateException.class, () -> vmalloc().vrealloc(moved, 9 * PAGE), cpu::toString);
        }
        require(moved, 2);
        memory.vfree(moved);
        memory.vfree(blocker[0]);
    }

    @Test
    void aCallbackThatThrowsInTheMiddleLeavesTheAreaAsItWas() {
        for (final boolean inPlace : new boolean[] {true, false}) {
            final long[] blocker = new long[1];
            final long address = inPlace ? memory.vmalloc(3 * PAGE) : hemmedIn(3, 0, blocker);
            fill(address, 3);
            final long allocated = memory.frames().allocatedFrames();
            memory.frames().setLowWatermark(memory.frames().freeFrames() - 50, () -> {
                throw new IllegalStateException("callback");
            });
            final Exception e =
                assertThrows(IllegalStateException.class, () -> vmalloc().vrealloc(address, 200 * PAGE));
            assertEquals("callback", e.getMessage());
            memory.frames().setLowWatermark(0, () -> { });
            require(address, 3);
            assertEquals(3L * PAGE, vmalloc().sizeOf(address));
            SmallMemory.requireQuiet(memory, allocated, inPlace ? 1 : 2);
            memory.vfree(address);
            memory.vfree(blocker[0]);
            memory.quiesce();
        }
    }

    @Test
    void aCallbackThatEndsOrShrinksTheAreaInTheMiddleIsNotOverruled() {
        for (final boolean inPlace : new boolean[] {true, false}) {
            for (final boolean frees : new boolean[] {true, false}) {
                final long[] blocker = new long[1];
                final long address = inPlace ? memory.vmalloc(3 * PAGE) : hemmedIn(3, 0, blocker);
                fill(address, 3);
                memory.frames().setLowWatermark(memory.frames().freeFrames() - 50, () -> {
                    if (frees) {
                        memory.vfree(address);
                    } else {
                        vmalloc().vrealloc(address, PAGE);
                    }
                });
                assertThrows(IllegalArgumentException.class, () -> vmalloc().vrealloc(address, 200 * PAGE));
                memory.frames().setLowWatermark(0, () -> { });
                if (frees) {
                    faults(address);
                } else {
                    require(address, 1);
                    assertEquals(PAGE, vmalloc().sizeOf(address));
                    memory.vfree(address);
                }
                memory.vfree(blocker[0]);
                SmallMemory.requireQuiet(memory, 0, 0);
            }
        }
    }

    @Test
    void sizeOfIsOfTheWholePagesOfLiveAreas() {
        final long address = memory.vmalloc(2 * PAGE + 1);
        assertEquals(3 * PAGE, vmalloc().sizeOf(address));
        memory.access().putByte(address + vmalloc().sizeOf(address) - 1, (byte)1);
        final long[] frames = SmallMemory.frames(memory, 1);
        final long mapped = memory.vmap().vmap(frames, 0, 1, 0);
        for (final long wrong : new long[] {0, address + PAGE, address + 1, address & Address.MASK, mapped, -PAGE, 12345}) {
            assertThrows(IllegalArgumentException.class, () -> vmalloc().sizeOf(wrong), () -> Long.toHexString(wrong));
        }
        memory.vmap().vunmap(mapped);
        memory.vfree(address);
        assertThrows(IllegalArgumentException.class, () -> vmalloc().sizeOf(address));
        memory.quiesce();
        SmallMemory.free(memory, frames);
    }
}
