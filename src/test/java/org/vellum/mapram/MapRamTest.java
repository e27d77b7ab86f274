package org.vellum.mapram;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

final class MapRamTest {
    private static final int FRAMES = 200;
    private static final long BLOCK = 1024L * PAGE;

    private Vellum memory = SmallMemory.builder(512, 4096).graceNanos(1_000_000).open();
    private long[] frames = SmallMemory.frames(memory, FRAMES);

    private void reopen(final Vellum other) {
        memory.close();
        memory = other;
        frames = SmallMemory.frames(memory, FRAMES);
    }

    @AfterEach
    void nothingIsLost() {
        memory.unmapAliases();
        assertEquals(0, memory.mapRam().mappedPages());
        SmallMemory.requireQuiet(memory, FRAMES, 0);
        memory.close();
    }

    private static long plain(final long address) {
        return address & Address.MASK;
    }

    private long map(final int count) {
        return memory.vmMapRam(frames, 0, count);
    }

    private void unmap(final long address, final int count) {
        memory.vmUnmapRam(address, count);
    }

    @Test
    void mapsFramesInOrder() {
        for (int i = 0; i < 64; i++) {
            memory.access().putLong(frames[i] * PAGE, i);
        }
        for (final int count : new int[] {1, 3, 33, 64, 65, 150}) {
            final long address = map(count);
            for (int i = 0; i < Math.min(64, count); i++) {
                assertEquals(i, memory.access().getLong(address + (long)i * PAGE));
            }
            unmap(address, count);
            for (int i = 0; i < count; i++) {
                final long page = address + (long)i * PAGE;
                assertThrows(PageFaultException.class, () -> memory.access().getLong(page));
            }
        }
    }

    @Test
    void v16LongMappingsAreAreasAndShortOnesShareABlock() {
        final long first = map(64);
        final long second = map(3);
        assertEquals(plain(first) + 64 * PAGE, plain(second), "bump allocated, not rounded up");
        assertEquals(0, memory.stats().liveAreas());
        final long third = map(65);
        assertEquals(1, memory.stats().liveAreas());
        unmap(third, 65);
        unmap(second, 3);
        unmap(first, 64);
    }

    @Test
    void v17AFreedPageIsNotReusedWithinTheBlocksLife() {
        final boolean[] used = new boolean[1024];
        final long start = map(1);
        used[0] = true;
        unmap(start, 1);
        int checked = 0;
        for (int i = 0; i < 600; i++) {
            final int count = 1 + i % 2;
            final long address = map(count);
            if (Address.tag(address) == Address.tag(start)) {
                for (int j = 0; j < count; j++, checked++) {
                    final int page = (int)((address - start) / PAGE) + j;
                    assertFalse(used[page], "page=" + page);
                    used[page] = true;
                }
            }
            unmap(address, count);
        }
        assertTrue(checked > 800, "checked=" + checked);
    }

    @Test
    void v18V19ABlockIsRetiredWhenEveryPageIsDirtyAndReusedAfterAFlushOnly() {
        try (Cpu cpu = memory.enter()) {
            final long first = map(64);
            for (int i = 1; i < 16 * 4; i++) {
                unmap(map(64), 64);
            }
            assertTrue(memory.stats().blocksRetired() >= 2);
            memory.access().getByte(first);
            unmap(first, 64);
            assertThrows(PageFaultException.class, () -> memory.access().getByte(first));
            assertEquals(memory.stats().blocksCreated(), 4, "nothing comes back while this section is open");
            assertTrue(cpu.index() >= 0);
        }
        SmallMemory.settle(memory);
        final long created = memory.stats().blocksCreated();
        for (int i = 0; i < 16 * 20; i++) {
            unmap(map(64), 64);
        }
        assertEquals(created, memory.stats().blocksCreated(), "blocks recycle");
    }

    @Test
    void v20V30WrongUnmapsAreRefusedAndChangeNothing() {
        final Cpu hint = memory.cpus().cpu(0);
        final long address = map(4);
        final long[][] bad = {{address, 3}, {address, 5}, {address, 0}, {address, -1}, {address, 132}, {address, 4 + 64},
            {address, Integer.MIN_VALUE + 4}, {address + PAGE, 3}, {address + PAGE, 0}, {address + PAGE, 128},
            {address + 1, 4}, {plain(address), 4}, {address ^ 1L << 55, 4}, {address + 4 * PAGE, 1}, {0, 1}, {-1, 1},
            {Long.MIN_VALUE, 1}, {address - BLOCK * 2, 4}};
        for (final long[] pair : bad) {
            final String what = Long.toHexString(pair[0]) + " " + pair[1];
            assertThrows(IllegalArgumentException.class, () -> memory.vmUnmapRam(pair[0], (int)pair[1]), what);
            try (Cpu cpu = memory.enter()) {
                assertThrows(IllegalArgumentException.class,
                    () -> memory.mapRam().vmUnmapRam(cpu, pair[0], (int)pair[1]), what);
            }
            assertThrows(IllegalArgumentException.class,
                () -> memory.mapRam().vmUnmapRam(hint, pair[0], (int)pair[1]), what);
        }
        memory.verify();
        for (int i = 0; i < 4; i++) {
            memory.access().getByte(address + (long)i * PAGE);
        }
        unmap(address, 4);
        assertThrows(IllegalArgumentException.class, () -> unmap(address, 4));
        final long area = map(100);
        for (final int count : new int[] {99, 101, 0, -1, 64}) {
            assertThrows(IllegalArgumentException.class, () -> unmap(area, count));
        }
        assertThrows(IllegalArgumentException.class, () -> unmap(area + PAGE, 99));
        unmap(area, 100);
        assertThrows(IllegalArgumentException.class, () -> unmap(area, 100));
    }

    @Test
    void wrongMapsAreRefusedAndChangeNothing() {
        for (final long bad : new long[] {-1, 0, Long.MAX_VALUE, 1L << 40, frames[0] + (1 << 20)}) {
            for (int at = 0; at < 3; at++) {
                final long[] mixed = {frames[0], frames[1], frames[2]};
                mixed[at] = bad;
                assertThrows(IllegalArgumentException.class, () -> memory.vmMapRam(mixed, 0, 3), "frame=" + bad);
            }
            final long[] many = frames.clone();
            many[70] = bad;
            assertThrows(IllegalArgumentException.class, () -> memory.vmMapRam(many, 0, 100), "frame=" + bad);
        }
        final int[][] bad = {{0, 0}, {0, -1}, {-1, 1}, {FRAMES, 1}, {FRAMES - 3, 4}, {0, Integer.MAX_VALUE},
            {Integer.MAX_VALUE, 1}, {Integer.MAX_VALUE, Integer.MAX_VALUE}};
        for (final int[] pair : bad) {
            assertThrows(IllegalArgumentException.class, () -> memory.vmMapRam(frames, pair[0], pair[1]));
        }
        assertThrows(NullPointerException.class, () -> memory.vmMapRam(null, 0, 1));
        memory.verify();
    }

    @Test
    void aStaleAddressOfAnEarlierLifeIsRefusedAndFaults() {
        final ArrayDeque<Long> old = new ArrayDeque<>();
        for (int i = 0; i < 16 * 8; i++) {
            final long address = map(64);
            for (final long stale : old) {
                if (plain(stale) == plain(address)) {
                    assertNotEquals(stale, address, "same generation");
                    assertThrows(PageFaultException.class, () -> memory.access().getByte(stale));
                    assertThrows(IllegalArgumentException.class, () -> unmap(stale, 64));
                }
            }
            old.add(address);
            unmap(address, 64);
        }
        assertTrue(memory.mapRam().blocks.retired.get() > 4);
    }

    @Test
    void v21V22UnmapAliasesPurgesCurrentBlocksWithLittleRoomOnly() {
        unmap(map(64), 64);
        memory.unmapAliases();
        assertEquals(0, memory.mapRam().current.purged.get(), "much room left");
        for (int i = 0; i < 13; i++) {
            unmap(map(64), 64);
        }
        memory.unmapAliases();
        assertEquals(1, memory.mapRam().current.purged.get());
        final long held = map(64);
        for (int i = 0; i < 13; i++) {
            unmap(map(64), 64);
        }
        memory.unmapAliases();
        assertEquals(1, memory.mapRam().current.purged.get(), "a live mapping keeps its block");
        unmap(held, 64);
    }

    @Test
    void rv1AFullyUsedBlockIsNotForgotten() throws Exception {
        final long[] addresses = new long[16];
        for (int i = 0; i < 16; i++) {
            addresses[i] = map(64);
        }
        final long other = map(1);
        final Thread waiter = new Thread(memory::unmapAliases, "waiter");
        waiter.setDaemon(true);
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            unmap(addresses[7], 64);
            waiter.start();
            waiter.join(100);
            assertTrue(waiter.isAlive(), "the reader may still use frame " + frames[0]);
            assertTrue(reader.cpu.index() >= 0);
        }
        waiter.join(60_000);
        assertFalse(waiter.isAlive());
        for (int i = 0; i < 16; i++) {
            if (i != 7) {
                unmap(addresses[i], 64);
            }
        }
        unmap(other, 1);
    }

    @Test
    void rv6TwoCallersOfUnmapAliasesBothWait() throws Exception {
        final long address = map(4);
        final Thread[] waiters = new Thread[2];
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "reader")) {
            unmap(address, 4);
            for (int i = 0; i < 2; i++) {
                waiters[i] = new Thread(memory::unmapAliases, "waiter" + i);
                waiters[i].setDaemon(true);
                waiters[i].start();
            }
            waiters[0].join(100);
            waiters[1].join(100);
            assertTrue(waiters[0].isAlive() && waiters[1].isAlive(), "the second must wait as the first does");
            assertTrue(reader.cpu.index() >= 0);
        }
        waiters[0].join(60_000);
        waiters[1].join(60_000);
        assertFalse(waiters[0].isAlive() || waiters[1].isAlive());
    }

    @Test
    void rv10IdleCallsOfUnmapAliasesDoNotFlush() {
        unmap(map(4), 4);
        memory.unmapAliases();
        memory.unmapAliases();
        final long flushes = memory.stats().flushes();
        for (int i = 0; i < 1000; i++) {
            memory.unmapAliases();
        }
        assertEquals(flushes, memory.stats().flushes());
        unmap(map(4), 4);
        memory.unmapAliases();
        assertTrue(memory.stats().flushes() > flushes);
    }

    @Test
    void rv2AddressSpaceStaysBoundedWhileAliasesAreUnmapped() {
        for (int i = 0; i < 20_000; i++) {
            unmap(map(1 + i % 64), 1 + i % 64);
            if (i % 7 == 0) {
                memory.unmapAliases();
            }
        }
        assertTrue(memory.stats().blocksCreated() <= 4, "created=" + memory.stats().blocksCreated());
    }

    @Test
    void unmapAliasesInASectionIsRefusedEvenIfIdle() {
        try (Cpu cpu = memory.enter()) {
            assertThrows(IllegalStateException.class, memory::unmapAliases);
            assertTrue(cpu.index() >= 0);
        }
    }

    @Test
    void remoteUnmapsCompleteABlock() throws Exception {
        final long[] addresses = new long[16];
        for (int i = 0; i < 16; i++) {
            addresses[i] = map(64);
        }
        final long next = map(1);
        SmallMemory.inThread(() -> {
            for (int i = 0; i < 16; i++) {
                memory.vmUnmapRam(addresses[i], 64);
            }
            return null;
        });
        assertTrue(memory.mapRam().blocks.remoteRetired.get() > 0);
        unmap(next, 1);
    }

    @Test
    void v27ExhaustionLeavesNothingBehind() {
        reopen(SmallMemory.builder(512, 1024).graceNanos(1_000_000).open());
        final long sparse = memory.vmap().sparseArea(PAGE);
        for (int round = 0; round < 3; round++) {
            // No block fits beside the area: each mapping becomes an area of its own until there is no room for that either.
            final long[] addresses = new long[2000];
            int mapped = 0;
            try {
                while (true) {
                    addresses[mapped] = map(8);
                    mapped++;
                }
            } catch (final ExhaustedException e) {
                assertEquals(ExhaustedException.Resource.WINDOW, e.resource());
            }
            assertEquals((1024 - 2) / 9, mapped);
            for (int i = 0; i < mapped; i++) {
                unmap(addresses[i], 8);
            }
        }
        memory.vmap().vunmap(sparse);
        SmallMemory.settle(memory);
        final long address = map(8);
        assertEquals(1, memory.stats().blocksCreated());
        unmap(address, 8);
    }

    @Test
    void exhaustionGivesPooledBlocksBackToTheWindow() {
        reopen(SmallMemory.builder(512, 2048).graceNanos(1_000_000).open());
        for (int i = 0; i < 40; i++) {
            unmap(map(64), 64);
        }
        final long big = memory.vmap().sparseArea(2000L * PAGE);
        assertTrue(memory.mapRam().blocks.givenBack.get() > 0);
        memory.vmap().vunmap(big);
        unmap(map(64), 64);
    }

    @Test
    void slotsWithoutCachesMapAreas() throws Exception {
        reopen(SmallMemory.builder(512, 4096).cpus(CpuOptions.forThisMachine().withCachedSlots(1).withMaxSlots(4)).open());
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "holder")) {
            assertEquals(0, reader.cpu.index());
            final long address = map(4);
            memory.access().putByte(address + 3 * PAGE, (byte)1);
            assertEquals(1, memory.stats().liveAreas());
            unmap(address, 4);
            assertEquals(0, memory.stats().liveAreas());
        }
    }

    @Test
    void hintsAreOnlyHints() throws Exception {
        try (Vellum other = SmallMemory.open(64, 1024)) {
            try (Cpu foreign = other.enter()) {
                final long address = memory.mapRam().vmMapRam(foreign, frames, 0, 4);
                memory.mapRam().vmUnmapRam(foreign, address, 4);
            }
        }
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "holder")) {
            final long address = memory.mapRam().vmMapRam(reader.cpu, frames, 0, 4);
            memory.mapRam().vmUnmapRam(reader.cpu, address, 4);
        }
    }

    @Test
    void offsetsThatNoArrayHasAreRefusedInsideASectionToo() {
        final long[] few = SmallMemory.frames(memory, 4);
        try (Cpu cpu = memory.enter()) {
            memory.mapRam().vmUnmapRam(cpu, memory.mapRam().vmMapRam(cpu, few, 0, 4), 4);
            for (final int offset : new int[] {5, 1, -1, Integer.MAX_VALUE, Integer.MAX_VALUE - 1, Integer.MIN_VALUE}) {
                for (final int count : new int[] {4, 6, 64}) {
                    assertThrows(IllegalArgumentException.class, () -> memory.mapRam().vmMapRam(cpu, few, offset, count),
                        "offset=" + offset + " count=" + count);
                }
            }
        }
        SmallMemory.free(memory, few);
    }

    @Test
    @Tag("stress")
    void whatIsRefusedWasNeverThereForAReaderThatGoesByAddress() throws Exception {
        final long[] bad = new long[8];
        System.arraycopy(SmallMemory.frames(memory, 4), 0, bad, 0, 4);
        System.arraycopy(bad, 0, bad, 4, 4);
        final long[] good = Arrays.copyOf(bad, 4);
        final AtomicBoolean stop = new AtomicBoolean();
        final long next;
        try (Cpu cpu = memory.enter()) {
            final long first = memory.mapRam().vmMapRam(cpu, good, 0, 1);
            next = (first & Address.MASK) + PAGE;
            memory.mapRam().vmUnmapRam(cpu, first, 1);
        }
        final AtomicLong looks = new AtomicLong();
        final FutureTask<Boolean> reader = new FutureTask<>(() -> {
            final UnsafeBuffer buffer = new UnsafeBuffer(new byte[8 * PAGE]);
            while (!stop.get()) {
                memory.reader().vread(next, buffer, 0, 8 * PAGE);
                looks.incrementAndGet();
            }
            return true;
        });
        final Thread thread = new Thread(reader);
        thread.start();
        final StressClock clock = new StressClock(500, () -> looks.get() > 100);
        try (Cpu cpu = memory.enter()) {
            for (int i = 0; clock.running(); i++) {
                final int at = i & 7;
                final long frame = bad[at];
                // Aligned, present, and anywhere: a reader that follows it takes the JVM down.
                bad[at] = frame | 1L << 33;
                assertThrows(IllegalArgumentException.class, () -> memory.mapRam().vmMapRam(cpu, bad, 0, 8));
                bad[at] = frame;
            }
        } finally {
            stop.set(true);
            thread.join();
        }
        assertTrue(reader.get());
        clock.assertCovered(() -> "looks=" + looks);
        SmallMemory.free(memory, good);
    }
}
