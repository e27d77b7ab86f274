package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The number of the affine slot, for every kind of thread, without anybody entering. */
@Timeout(120)
class AffineSlotTest {
    private static final int SLOTS = 4;

    private static CpuOptions options() {
        return CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(SLOTS + 2);
    }

    /** What classes built on the words of the finder's own see. */
    private static final class Finder extends AffineSlots {
        Finder(final Cpus cpus) {
            super(cpus);
        }

        int find() {
            return affineSlot();
        }
    }

    @Test
    void threadThatNeverEnteredIsDealtASlotThatScansCover() throws Exception {
        final Cpus cpus = new Cpus(options());
        final Finder finder = new Finder(cpus);
        final Set<Integer> dealt = new HashSet<>();
        for (int i = 0; i < SLOTS; i++) {
            final int slot = TestThreads.inThread(finder::find);
            assertTrue(slot < cpus.limit(), "slot=" + slot + " limit=" + cpus.limit());
            dealt.add(slot);
        }
        assertEquals(SLOTS, dealt.size(), "neighbours in time get different ones");
        assertEquals(0, cpus.displacement().entries.get(), "nobody entered");
        cpus.verifyQuiet();
    }

    @Test
    void isWhereTheThreadEnters() throws Exception {
        final Cpus cpus = new Cpus(options());
        final Finder finder = new Finder(cpus);
        for (int i = 0; i < 2 * SLOTS; i++) {
            TestThreads.inThread(() -> {
                final int before = finder.find();
                try (Cpu cpu = cpus.enter()) {
                    assertEquals(before, cpu.index());
                    assertEquals(before, finder.find());
                }
                return null;
            });
        }
    }

    @Test
    void threadsWhoseIdsDoNotFitHaveOneToo() throws Exception {
        final Cpus cpus = new Cpus(options().withThreadIdLimit(1));
        final Finder finder = new Finder(cpus);
        for (int i = 0; i < 2 * SLOTS; i++) {
            final int slot = TestThreads.inThread(finder::find);
            assertTrue(slot >= 0 && slot < SLOTS, "slot=" + slot);
        }
        assertEquals(0, cpus.displacement().entries.get(), "nobody entered");
    }

    /** All slots are busy, those without caches, too: entering would wait. */
    @Test
    void neverWaits() throws Exception {
        final Cpus cpus = new Cpus(options().withSlotWaitNanos(1));
        final Finder finder = new Finder(cpus);
        final TestThreads.Holder[] holders = new TestThreads.Holder[SLOTS + 2];
        for (int i = 0; i < holders.length; i++) {
            holders[i] = new TestThreads.Holder(cpus);
        }
        final int slot = TestThreads.inThread(finder::find);
        assertTrue(slot >= 0 && slot < SLOTS, "slot=" + slot);
        for (final TestThreads.Holder holder : holders) {
            holder.close();
        }
        cpus.verifyQuiet();
    }

    @Test
    void displacedThreadKeepsTheSlotOfItsCell() throws Exception {
        final Cpus cpus = new Cpus(options().withCells(1));
        final Finder finder = new Finder(cpus);
        try (TestThreads.Holder holder = new TestThreads.Holder(cpus)) {
            try (Cpu cpu = cpus.enter()) {
                assertNotEquals(holder.cpu, cpu);
                assertEquals(holder.cpu.index(), finder.find());
            }
            assertEquals(holder.cpu.index(), finder.find(), "there is a thread of the cell, so it was not re-homed");
        }
    }

    @Test
    void surplusThreadsOnSlotsWithoutCachesHaveOneWith() throws Exception {
        final Cpus cpus = new Cpus(options());
        final Finder finder = new Finder(cpus);
        final TestThreads.Holder[] holders = new TestThreads.Holder[SLOTS];
        for (int i = 0; i < holders.length; i++) {
            holders[i] = new TestThreads.Holder(cpus);
        }
        TestThreads.inThread(() -> {
            try (Cpu cpu = cpus.enter()) {
                assertTrue(cpu.index() >= SLOTS, cpu.toString());
                assertTrue(finder.find() < SLOTS);
            }
            return null;
        });
        for (final TestThreads.Holder holder : holders) {
            holder.close();
        }
    }

    @Test
    void refusedAfterClosing() throws Exception {
        final Cpus cpus = new Cpus(options());
        final Finder finder = new Finder(cpus);
        finder.find();
        cpus.close();
        assertThrows(IllegalStateException.class, finder::find);
        TestThreads.inThread(() -> assertThrows(IllegalStateException.class, finder::find));
    }
}
