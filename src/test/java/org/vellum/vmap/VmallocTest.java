package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

final class VmallocTest {
    private static final long FRAMES = 512;
    private static final long WINDOW = 2048;

    private Vellum memory = SmallMemory.open(FRAMES, WINDOW);
    private long owned;
    private long areas;

    @AfterEach
    void nothingIsLost() {
        SmallMemory.requireQuiet(memory, owned, areas);
        memory.close();
    }

    private void reopen(final Vellum other) {
        memory.close();
        memory = other;
    }

    private long start() {
        return memory.cpus() == null ? 0 : memory.vmalloc().space().table.start();
    }

    private static long plain(final long address) {
        return address & Address.MASK;
    }

    private void fill(final long address, final long size, final int value) {
        memory.access().setMemory(address, size, (byte)value);
    }

    private void require(final long address, final long from, final long to, final int value) {
        for (long i = from; i < to; i++) {
            assertEquals((byte)value, memory.access().getByte(address + i), "offset=" + i);
        }
    }

    @Test
    void v2TheLowestRangeThatFitsIsTaken() {
        final long[] five = new long[5];
        for (int i = 0; i < 5; i++) {
            five[i] = memory.vmalloc(3 * PAGE);
            assertEquals(start() + i * 4L * PAGE, plain(five[i]), "guard included");
        }
        memory.vfree(five[1]);
        memory.vfree(five[3]);
        SmallMemory.settle(memory);
        final long small = memory.vmalloc(1);
        assertEquals(plain(five[1]), plain(small));
        final long exact = memory.vmalloc(3 * PAGE);
        assertEquals(plain(five[3]), plain(exact), "the rest of the first hole is a page too small");
        for (final long address : new long[] {five[0], five[2], five[4], small, exact}) {
            memory.vfree(address);
        }
    }

    @Test
    void v2V3AlignmentIsOfTheAddressAndFoundWheneverItIsThere() {
        // The window begins at a multiple of 4 MiB only: larger alignments must not be taken relative to it.
        final long first = memory.vmalloc(PAGE);
        final Vmalloc vmalloc = memory.vmalloc();
        final long end = vmalloc.space().table.end();
        for (int shift = 0; shift < 63; shift++) {
            final long align = 1L << shift;
            long expected = start() + 2L * PAGE + Math.max(align, PAGE) - 1 & -Math.max(align, PAGE);
            if (expected <= 0 || expected > end - 2L * PAGE) {
                expected = -1;
            }
            if (expected < 0) {
                assertThrows(ExhaustedException.class, () -> vmalloc.vmalloc(PAGE, align, 0), "align=" + align);
            } else {
                final long address = vmalloc.vmalloc(PAGE, align, 0);
                assertEquals(expected, plain(address), "align=" + align);
                memory.vfree(address);
                SmallMemory.settle(memory);
            }
        }
        memory.vfree(first);
    }

    @Test
    void v2BoundsAreKeptAndTheGuardIsWithinThem() {
        final Vmalloc vmalloc = memory.vmalloc();
        final long low = start() + 100 * PAGE;
        final long high = start() + 104 * PAGE;
        final long address = vmalloc.vmallocRange(3 * PAGE, PAGE, 0, low, high);
        assertEquals(low, plain(address));
        assertThrows(ExhaustedException.class, () -> vmalloc.vmallocRange(1, PAGE, 0, low, high));
        memory.vfree(address);
        SmallMemory.settle(memory);
        assertThrows(ExhaustedException.class, () -> vmalloc.vmallocRange(4 * PAGE, PAGE, 0, low, high));
        final long unguarded = vmalloc.vmallocRange(4 * PAGE, PAGE, VmallocFlags.NO_GUARD, low, high);
        assertEquals(low, plain(unguarded));
        memory.vfree(unguarded);
        final long odd = vmalloc.vmallocRange(1, PAGE, 0, low + 1, high);
        assertTrue(plain(odd) > low, "bounds round inwards");
        memory.vfree(odd);
    }

    @Test
    void v3AnExactlySizedRangeWithALargeAlignmentSucceeds() {
        final long low = start() + 4096L * PAGE / 4;
        final long address = memory.vmalloc().vmallocRange(64 * PAGE, 64 * PAGE, VmallocFlags.NO_GUARD, low, low + 64 * PAGE);
        assertEquals(low, plain(address));
        memory.vfree(address);
    }

    @Test
    void v4AdditionsThatWouldOverflowAreRefused() {
        final Vmalloc vmalloc = memory.vmalloc();
        for (final long size : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - PAGE, 1L << 62, 1L << 48}) {
            assertThrows(ExhaustedException.class, () -> vmalloc.vmalloc(size));
        }
        assertThrows(IllegalArgumentException.class,
            () -> vmalloc.vmallocRange(1, 1, 0, Long.MAX_VALUE - PAGE, Long.MAX_VALUE));
        assertThrows(ExhaustedException.class, () -> vmalloc.vmalloc(PAGE, 1L << 62, 0));
    }

    @Test
    void v9V15TheAddressFaultsAtOnceAndLimboEmpties() {
        final long address = memory.vmalloc(10 * PAGE);
        fill(address, 10 * PAGE, 7);
        final Vmalloc vmalloc = memory.vmalloc();
        memory.vfree(address);
        assertEquals(11, vmalloc.space().lazyPages());
        assertEquals(10, vmalloc.space().lazyFrames());
        final PageFaultException fault =
            assertThrows(PageFaultException.class, () -> memory.access().getByte(address + 5 * PAGE));
        assertTrue(fault.getMessage().contains("in limbo"), fault.getMessage());
        assertTrue(fault.getMessage().contains("of 40960 bytes"), fault.getMessage());
        SmallMemory.settle(memory);
        assertEquals(0, vmalloc.space().lazyPages());
        assertEquals(0, vmalloc.space().lazyFrames());
        assertEquals(WINDOW, vmalloc.space().freePages());
    }

    @Test
    void v10NothingIsReusedWhileASectionIsOpenThatBeganBefore() throws Exception {
        reopen(SmallMemory.builder(FRAMES, WINDOW).graceNanos(1_000_000).open());
        final long address = memory.vmalloc(300 * PAGE);
        final long frame = memory.vmalloc().vmallocToFrame(address);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "slow-reader")) {
            memory.vfree(address);
            final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> memory.vmalloc(300 * PAGE));
            assertEquals(ExhaustedException.Resource.FRAMES, refused.resource());
            assertTrue(refused.getMessage().contains("slow-reader"), refused.getMessage());
            assertTrue(refused.getMessage().contains("300 frames"), refused.getMessage());
            final long other = memory.vmalloc(100 * PAGE);
            assertNotEquals(plain(address), plain(other), "address reused before the grace period");
            for (int i = 0; i < 100; i++) {
                final long taken = memory.vmalloc().vmallocToFrame(other + (long)i * PAGE);
                assertTrue(taken < frame || taken >= frame + 300 || taken != frame, "frame reused");
            }
            memory.vfree(other);
            assertTrue(reader.cpu.index() >= 0);
            assertEquals(0, memory.vmalloc().space().table.get(0) & Entry.PRESENT);
        }
        final long again = memory.vmalloc(300 * PAGE);
        memory.vfree(again);
    }

    @Test
    void v12ExhaustionPurgesWaitsAndRetries() {
        reopen(SmallMemory.builder(FRAMES, 1024).lazyMaxPages(1 << 20).open());
        for (int i = 0; i < 50; i++) {
            final long address = memory.vmap().sparseArea(600L * PAGE);
            assertEquals(i, memory.stats().exhaustions(), "each but the first");
            memory.vmap().vunmap(address);
        }
    }

    @Test
    void insideASectionExhaustionDoesNotWaitAndSaysSo() {
        reopen(SmallMemory.builder(FRAMES, 1024).lazyMaxPages(1 << 20).graceNanos(60_000_000_000L).open());
        final long address = memory.vmalloc(400 * PAGE);
        try (Cpu cpu = memory.enter()) {
            memory.vfree(address);
            final long began = System.nanoTime();
            final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> memory.vmalloc(400 * PAGE));
            assertTrue(System.nanoTime() - began < 30_000_000_000L, "waited for itself");
            assertTrue(refused.getMessage().contains("inside a section"), refused.getMessage());
            assertTrue(refused.getMessage().contains("400 frames"), refused.getMessage());
            assertTrue(cpu.index() >= 0);
        }
        memory.vfree(memory.vmalloc(400 * PAGE));
    }

    @Test
    void exhaustionOfTheWindowNamesIt() {
        reopen(SmallMemory.builder(FRAMES, 1024).graceNanos(1_000_000).open());
        final long sparse = memory.vmap().sparseArea(1000L * PAGE);
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> memory.vmalloc(30 * PAGE));
        assertEquals(ExhaustedException.Resource.WINDOW, refused.resource());
        assertTrue(refused.getMessage().contains("largest range 23"), refused.getMessage());
        memory.vmap().vunmap(sparse);
        memory.vfree(memory.vmalloc(30 * PAGE));
    }

    @Test
    void rv15OneDrainForOneExcess() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).lazyMaxPages(30).open());
        final long[] held = new long[12];
        for (int i = 0; i < 12; i++) {
            held[i] = memory.vmalloc(4 * PAGE);
        }
        for (int i = 0; i < 6; i++) {
            memory.vfree(held[i]);
        }
        assertEquals(30, memory.vmalloc().space().lazyPages(), "exactly the bound");
        memory.vfree(memory.vmalloc(PAGE - 1));
        assertEquals(0, memory.stats().drains(), "not before the bound is exceeded");
        assertEquals(32, memory.vmalloc().space().lazyPages());
        final long next = memory.vmalloc(PAGE);
        assertEquals(1, memory.stats().drains(), "exactly one");
        assertEquals(0, memory.vmalloc().space().lazyPages());
        memory.vfree(next);
        for (int i = 6; i < 12; i++) {
            memory.vfree(held[i]);
        }
        assertEquals(1, memory.stats().drains());
    }

    @Test
    void v29SizesRoundUpAndAGuardFollows() {
        final long address = memory.vmalloc(PAGE + 1);
        memory.access().putByte(address + 2 * PAGE - 1, (byte)1);
        final PageFaultException fault =
            assertThrows(PageFaultException.class, () -> memory.access().putByte(address + 2 * PAGE, (byte)1));
        assertTrue(fault.getMessage().contains("guard page"), fault.getMessage());
        assertEquals(address + 2 * PAGE, fault.address());
        final long straight = memory.vmalloc().vmalloc(PAGE, PAGE, VmallocFlags.NO_GUARD);
        final long behind = memory.vmalloc(PAGE);
        assertEquals(plain(straight) + PAGE, plain(behind));
        final PageFaultException tag =
            assertThrows(PageFaultException.class, () -> memory.access().putByte(straight + PAGE, (byte)1));
        assertTrue(tag.getMessage().contains("another generation"), tag.getMessage());
        memory.vfree(address);
        memory.vfree(straight);
        memory.vfree(behind);
    }

    @Test
    void v29MoreThanAllMemoryIsRefusedWithoutTouchingAnything() {
        final ExhaustedException refused =
            assertThrows(ExhaustedException.class, () -> memory.vmalloc((FRAMES + 1) * PAGE));
        assertEquals(ExhaustedException.Resource.FRAMES, refused.resource());
        assertEquals(0, memory.stats().exhaustions());
        final long all = memory.vmalloc(FRAMES * PAGE);
        memory.vfree(all);
    }

    @Test
    void v30V31OnlyTheExactStartIsFreed() {
        memory.vfree(0);
        memory.vmap().vunmap(0);
        memory.retire(0);
        final long address = memory.vmalloc(3 * PAGE);
        for (final long wrong : new long[] {address + PAGE, address + 1, address + 3 * PAGE, address - PAGE,
            address ^ 1L << 60, plain(address), 1, -1, Long.MIN_VALUE, plain(start()) - PAGE}) {
            assertThrows(IllegalArgumentException.class, () -> memory.vfree(wrong), Long.toHexString(wrong));
        }
        assertThrows(IllegalArgumentException.class, () -> memory.vmap().vunmap(address));
        fill(address, 3 * PAGE, 1);
        memory.vfree(address);
        assertThrows(IllegalArgumentException.class, () -> memory.vfree(address));
    }

    @Test
    void v34AFillThatFailsGivesBackWhatItGot() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).graceNanos(1_000_000).open());
        final long most = memory.vmalloc(400 * PAGE);
        assertThrows(ExhaustedException.class, () -> memory.vmalloc(200 * PAGE));
        assertEquals(1, memory.stats().liveAreas());
        final long rest = memory.vmalloc(112 * PAGE);
        memory.vfree(rest);
        memory.vfree(most);
    }

    @Test
    void zeroedMemoryIsZeroOnFramesThatWereDirty() {
        for (int round = 0; round < 3; round++) {
            final long dirty = memory.vmalloc(FRAMES * PAGE);
            fill(dirty, FRAMES * PAGE, 0xA5);
            memory.vfree(dirty);
            SmallMemory.settle(memory);
            final long zero = memory.vmalloc().vzalloc(200 * PAGE);
            final long user = memory.vmalloc().vmallocUser(200 * PAGE);
            final long both = memory.vmalloc().vmalloc(100 * PAGE, PAGE, VmallocFlags.ZERO | VmallocFlags.CONTIGUOUS);
            for (long i = 0; i < 200 * PAGE; i += Long.BYTES) {
                assertEquals(0, memory.access().getLong(zero + i));
                assertEquals(0, memory.access().getLong(user + i));
            }
            for (long i = 0; i < 100 * PAGE; i += Long.BYTES) {
                assertEquals(0, memory.access().getLong(both + i));
            }
            memory.vfree(zero);
            memory.vfree(user);
            memory.vfree(both);
            SmallMemory.settle(memory);
        }
    }

    @Test
    void v38TheFrameBehindAnAddress() {
        final long address = memory.vmalloc(3 * PAGE);
        for (int i = 0; i < 3; i++) {
            final long frame = memory.vmalloc().vmallocToFrame(address + (long)i * PAGE + 17);
            memory.access().putInt(address + (long)i * PAGE, 0x1234 + i);
            assertEquals(0x1234 + i, memory.access().getInt(frame * PAGE), "by the linear map");
        }
        assertEquals(PhysicalMemory.NO_FRAME, memory.vmalloc().vmallocToFrame(address + 3 * PAGE), "guard");
        assertEquals(PhysicalMemory.NO_FRAME, memory.vmalloc().vmallocToFrame(plain(address)), "without its tag");
        assertEquals(PhysicalMemory.NO_FRAME, memory.vmalloc().vmallocToFrame(0));
        assertTrue(memory.vmalloc().isVmallocAddress(address + 3 * PAGE), "a range test only");
        assertFalse(memory.vmalloc().isVmallocAddress(4096));
        memory.vfree(address);
        assertEquals(PhysicalMemory.NO_FRAME, memory.vmalloc().vmallocToFrame(address));
    }

    @Test
    void v42ReallocOfNothingAndToNothing() {
        assertEquals(0, memory.vmalloc().vrealloc(0, 0));
        final long address = memory.vmalloc().vrealloc(0, 100);
        assertEquals(0, memory.vmalloc().vrealloc(address, 0));
        assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vrealloc(address, 1));
        assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vrealloc(0, -1));
    }

    @Test
    void v42ReallocInPlaceKeepsContentAndAddress() {
        final long address = memory.vmalloc(3 * PAGE);
        fill(address, 3 * PAGE, 9);
        assertEquals(address, memory.vmalloc().vrealloc(address, 2 * PAGE + 100));
        assertEquals(2 * PAGE + 100, memory.reader().findArea(address).size());
        assertEquals(address, memory.vmalloc().vrealloc(address, 3 * PAGE));
        require(address, 0, 100, 9);
        memory.vfree(address);
    }

    @Test
    void v42ReallocOfZeroedMemoryIsZeroWhereItGrows() {
        final Vmalloc vmalloc = memory.vmalloc();
        for (final int flags : new int[] {VmallocFlags.ZERO, VmallocFlags.USER, VmallocFlags.ZERO | VmallocFlags.USER}) {
            final long address = vmalloc.vmalloc(2 * PAGE, PAGE, flags);
            fill(address, 2 * PAGE, 0x55);
            final long blocker = vmalloc.vmalloc(1);
            assertEquals(address, vmalloc.vrealloc(address, PAGE + 10));
            assertEquals(address, vmalloc.vrealloc(address, 2 * PAGE));
            require(address, 0, PAGE + 10, 0x55);
            require(address, PAGE + 10, 2 * PAGE, 0);
            fill(address, 2 * PAGE, 0x66);
            vmalloc.vrealloc(address, PAGE + 1);
            final long moved = vmalloc.vrealloc(address, 5 * PAGE);
            assertNotEquals(address, moved);
            require(moved, 0, PAGE + 1, 0x66);
            require(moved, PAGE + 1, 5 * PAGE, 0);
            assertThrows(PageFaultException.class, () -> memory.access().getByte(address));
            memory.vfree(moved);
            memory.vfree(blocker);
        }
    }

    @Test
    void v42ReallocThatMovesKeepsAlignment() {
        final long first = memory.vmalloc(PAGE);
        final long address = memory.vmalloc().vmalloc(PAGE, 16 * PAGE, 0);
        final long behind = plain(address) + 2 * PAGE;
        final long blocker = memory.vmalloc().vmallocRange(PAGE, PAGE, 0, behind, behind + 2 * PAGE);
        fill(address, PAGE, 3);
        final long moved = memory.vmalloc().vrealloc(address, 4 * PAGE);
        assertEquals(0, plain(moved) % (16 * PAGE));
        assertNotEquals(address, moved);
        require(moved, 0, PAGE, 3);
        memory.vfree(moved);
        memory.vfree(first);
        memory.vfree(blocker);
    }

    @Test
    void v42AFailedReallocLeavesTheAreaValid() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).graceNanos(1_000_000).open());
        final long address = memory.vmalloc(300 * PAGE);
        fill(address, 300 * PAGE, 4);
        final long other = memory.vmalloc(150 * PAGE);
        assertThrows(ExhaustedException.class, () -> memory.vmalloc().vrealloc(address, 400 * PAGE));
        memory.vfree(other);
        assertThrows(ExhaustedException.class, () -> memory.vmalloc().vrealloc(address, Long.MAX_VALUE));
        assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vrealloc(address + PAGE, PAGE));
        require(address, 0, 300 * PAGE, 4);
        memory.vfree(address);
    }

    @Test
    void v42ReallocOfReadOnlyMemoryMovesItsContentToo() {
        final Vmalloc vmalloc = memory.vmalloc();
        final long address = vmalloc.vmalloc(PAGE, PAGE, VmallocFlags.READ_ONLY | VmallocFlags.ZERO);
        assertThrows(PageFaultException.class, () -> memory.access().putByte(address, (byte)1));
        memory.access().putByte(vmalloc.vmallocToFrame(address) * PAGE, (byte)77);
        assertEquals(address, vmalloc.vrealloc(address, 10));
        final long moved = vmalloc.vrealloc(address, 3 * PAGE);
        assertEquals(77, memory.access().getByte(moved));
        assertThrows(PageFaultException.class, () -> memory.access().putByte(moved, (byte)1));
        memory.vfree(moved);
    }

    @Test
    void v43AtomicFreesAreUnmappedByTheNextAllocation() {
        final long[] freed = new long[20];
        for (int i = 0; i < freed.length; i++) {
            freed[i] = memory.vmalloc(5 * PAGE);
        }
        try (Cpu cpu = memory.enter()) {
            for (final long address : freed) {
                memory.vmalloc().vfreeAtomic(address);
                memory.access().getByte(address);
                assertThrows(IllegalArgumentException.class, () -> memory.vfree(address));
                assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vfreeAtomic(address));
            }
            assertTrue(cpu.index() >= 0);
        }
        assertEquals(20L * 6 * PAGE, memory.stats().limboBytes());
        memory.verify();
        memory.vfree(memory.vmalloc(1));
        for (final long address : freed) {
            assertThrows(PageFaultException.class, () -> memory.access().getByte(address));
        }
    }

    @Test
    void v43TheWorkerUnmapsAtomicFrees() throws Exception {
        reopen(SmallMemory.builder(FRAMES, WINDOW).worker(true).open());
        for (int round = 0; round < 50; round++) {
            final long address = memory.vmalloc(PAGE);
            memory.vmalloc().vfreeAtomic(address);
            for (long end = System.nanoTime() + 60_000_000_000L;;) {
                try {
                    memory.access().getByte(address);
                } catch (final PageFaultException e) {
                    break;
                }
                assertTrue(System.nanoTime() < end, "the worker never came");
                Thread.yield();
            }
        }
    }

    @Test
    void retiredMemoryStaysReadableForItsGracePeriod() throws Exception {
        final long address = memory.vmalloc(2 * PAGE);
        fill(address, 2 * PAGE, 8);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            memory.retire(address);
            assertThrows(IllegalArgumentException.class, () -> memory.vfree(address));
            assertThrows(IllegalArgumentException.class, () -> memory.retire(address));
            for (int i = 0; i < 10; i++) {
                memory.poll();
                memory.vfree(memory.vmalloc(2 * PAGE));
            }
            require(address, 0, 2 * PAGE, 8);
            assertTrue(reader.cpu.index() >= 0);
        }
        SmallMemory.settle(memory);
        assertThrows(PageFaultException.class, () -> memory.access().getByte(address));
    }

    @Test
    void retiredAndAtomicallyFreedMemoryIsBounded() {
        // Nobody polls: the allocations themselves must bring back what was retired, long before memory runs out.
        for (int i = 0; i < 2000; i++) {
            final long address = memory.vmalloc(8 * PAGE);
            if ((i & 1) == 0) {
                memory.retire(address);
            } else {
                memory.vmalloc().vfreeAtomic(address);
            }
        }
        assertEquals(0, memory.stats().exhaustions());
    }

    @Test
    void contiguousIsAPreferenceWithASilentFallback() throws Exception {
        final Vmalloc vmalloc = memory.vmalloc();
        final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
        final long address = vmalloc.vmalloc(7 * PAGE, PAGE, VmallocFlags.CONTIGUOUS);
        memory.wrap(address, 7 * PAGE, buffer);
        buffer.putLong(6 * PAGE, 42);
        assertEquals(42, memory.access().getLong(address + 6 * PAGE));
        memory.vfree(address);
        SmallMemory.settle(memory);
        // Every other frame taken: no two neighbours are left.
        final long[] all = SmallMemory.frames(memory, (int)FRAMES);
        for (final long frame : all) {
            if ((frame & 1) == 0) {
                SmallMemory.free(memory, frame);
            }
        }
        final long scattered = vmalloc.vmalloc(16 * PAGE, PAGE, VmallocFlags.CONTIGUOUS);
        fill(scattered, 16 * PAGE, 1);
        assertThrows(IllegalArgumentException.class, () -> memory.wrap(scattered, 16 * PAGE, buffer));
        memory.vfree(scattered);
        for (final long frame : all) {
            if ((frame & 1) != 0) {
                SmallMemory.free(memory, frame);
            }
        }
    }

    @Test
    void aStaleAddressIntoAReusedRangeFaults() {
        final long old = memory.vmalloc(PAGE);
        memory.vfree(old);
        SmallMemory.settle(memory);
        final long young = memory.vmalloc(PAGE);
        assertEquals(plain(old), plain(young));
        assertNotEquals(old, young);
        memory.access().putByte(young, (byte)1);
        final PageFaultException fault = assertThrows(PageFaultException.class, () -> memory.access().getByte(old));
        assertTrue(fault.getMessage().contains("another generation"), fault.getMessage());
        final PageFaultException view = assertThrows(PageFaultException.class, () -> memory.buffer(old, 8).getByte(0));
        assertEquals(old, view.address());
        assertThrows(IllegalArgumentException.class, () -> memory.vfree(old));
        memory.vfree(young);
    }

    @Test
    void faultsNameTheNearestAreaBelowAndHowFarPastItTheAddressLies() {
        final long address = memory.vmalloc(PAGE);
        final PageFaultException fault =
            assertThrows(PageFaultException.class, () -> memory.access().getByte(address + 10 * PAGE + 5));
        assertTrue(fault.getMessage().contains(8 * PAGE + 5 + " bytes past the nearest area below"), fault.getMessage());
        assertTrue(fault.getMessage().contains(Long.toHexString(address)), fault.getMessage());
        memory.vfree(address);
        SmallMemory.settle(memory);
        final PageFaultException none = assertThrows(PageFaultException.class, () -> memory.access().getByte(address));
        assertTrue(none.getMessage().contains("no area at or below it"), none.getMessage());
        assertThrows(PageFaultException.class, () -> memory.access().getByte(-1L));
        assertThrows(PageFaultException.class, () -> memory.access().getByte(Long.MAX_VALUE));
    }

    @Test
    void eagerReusesAtOnceAndRefusesSections() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).flushPolicy(FlushPolicy.EAGER).open());
        final long first = memory.vmalloc(PAGE);
        memory.vfree(first);
        assertEquals(0, memory.stats().limboBytes());
        final long second = memory.vmalloc(PAGE);
        assertEquals(plain(first), plain(second));
        assertTrue(memory.stats().flushes() > 0);
        final long[] frames = SmallMemory.frames(memory, 100);
        final long mapped = memory.vmap().vmap(frames, 0, 4, 0);
        final long ram = memory.vmMapRam(frames, 0, 4);
        final long longRam = memory.vmMapRam(frames, 0, 100);
        try (Cpu cpu = memory.enter()) {
            assertThrows(IllegalStateException.class, () -> memory.vmalloc(PAGE));
            assertThrows(IllegalStateException.class, () -> memory.vfree(second));
            assertThrows(IllegalStateException.class, () -> memory.vmap().vmap(frames, 0, 4, 0));
            assertThrows(IllegalStateException.class, () -> memory.vmap().vunmap(mapped));
            assertThrows(IllegalStateException.class, () -> memory.vmMapRam(frames, 0, 4));
            assertThrows(IllegalStateException.class, () -> memory.vmMapRam(frames, 0, 100));
            assertThrows(IllegalStateException.class, () -> memory.vmUnmapRam(ram, 4));
            assertThrows(IllegalStateException.class, () -> memory.vmUnmapRam(longRam, 100));
            assertTrue(cpu.index() >= 0);
        }
        memory.access().getByte(second);
        memory.access().getByte(mapped);
        memory.vfree(second);
        memory.vmap().vunmap(mapped);
        memory.vmUnmapRam(ram, 4);
        memory.vmUnmapRam(longRam, 100);
        SmallMemory.free(memory, frames);
    }

    @Test
    void eagerBringsBackWhatWasRetired() {
        reopen(SmallMemory.builder(FRAMES, WINDOW).flushPolicy(FlushPolicy.EAGER).open());
        for (int i = 0; i < 1000; i++) {
            final long address = memory.vmalloc(8 * PAGE);
            if ((i & 1) == 0) {
                memory.retire(address);
            } else {
                memory.vmalloc().vfreeAtomic(address);
            }
        }
    }
}
