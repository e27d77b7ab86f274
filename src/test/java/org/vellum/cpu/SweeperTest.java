package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;
import org.vellum.cpu.TestThreads.Holder;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;

final class SweeperTest {
    static final CpuOptions SMALL = new CpuOptions(2, 2, 4, SlotLayout.ID_LIMIT, 0xFFFF_FFFDL, 20_000_000L);

    /** Remembers what it hears, then throws, which must not matter. */
    static final class Recorder implements Listener {
        final List<String> heard = new ArrayList<>();

        @Override
        public void sectionForceExited(final int slot, final String thread) {
            heard.add(slot + ":" + thread);
            throw new IllegalStateException("a listener that throws");
        }
    }

    static void sweepsADeadThread(final boolean virtual, final CpuOptions options) throws Exception {
        final Cpus cpus = new Cpus(options);
        final Recorder recorder = new Recorder();
        final Sweeper sweeper = new Sweeper(cpus, recorder);
        assertEquals(0, sweeper.sweep());
        final Thread dead = TestThreads.dieInside(virtual, cpus, 3);
        assertEquals(1, sweeper.sweep());
        assertEquals(1, recorder.heard.size());
        assertTrue(recorder.heard.get(0).endsWith(":" + dead.getName()));
        cpus.verifyQuiet();
        assertEquals(0, sweeper.sweep());
        final Cpu cpu = cpus.enter();
        assertSame(cpu, cpus.enter());
        cpu.exit();
        cpu.exit();
        cpus.verifyQuiet();
    }

    static void sweepsADisplacedDeadThread(final boolean virtual, final CpuOptions options) throws Exception {
        final Cpus cpus = new Cpus(options.withCells(1));
        final Sweeper sweeper = new Sweeper(cpus, Listener.SILENT);
        try (Holder holder = new Holder(cpus)) {
            TestThreads.dieInside(virtual, cpus, 2);
            assertTrue(SlotLayout.displacedOf(cpus.cells.getVolatile(0)) >= 1);
            assertNull(cpus.tryEnter());
            assertEquals(1, sweeper.sweep());
            assertSame(holder.thread, cpus.occupant(holder.cpu.index()), "a live thread was swept");
            final Cpu cpu = cpus.enter();
            assertNotSame(holder.cpu, cpu);
            cpu.exit();
        }
        cpus.verifyQuiet();
    }

    @Test
    void aDeadPlatformThreadIsSwept() throws Exception {
        sweepsADeadThread(false, SMALL);
        sweepsADisplacedDeadThread(false, SMALL);
    }

    @Test
    void aDeadThreadWithABigIdIsSwept() throws Exception {
        sweepsADeadThread(false, SMALL.withThreadIdLimit(0));
        sweepsADisplacedDeadThread(false, SMALL.withThreadIdLimit(0));
    }

    @Test
    void deadThreadsThatHoldAllSlotsAreNamedThenSwept() throws Exception {
        final Cpus cpus = new Cpus(SMALL);
        TestThreads.dieInside(false, cpus, 1);
        TestThreads.dieInside(false, cpus, 1);
        assertNull(cpus.tryEnter());
        assertEquals(2, new Sweeper(cpus, Listener.SILENT).sweep());
        cpus.verifyQuiet();
    }

    @Test
    void aLiveThreadIsNotSwept() throws Exception {
        final Cpus cpus = new Cpus(SMALL);
        try (Holder holder = new Holder(cpus)) {
            assertEquals(0, new Sweeper(cpus, Listener.SILENT).sweep());
            assertSame(holder.thread, cpus.occupant(holder.cpu.index()));
        }
    }

    /**
     * Threads leave their section and die at once, while a sweeper looks on and others take the slot they had: it must
     * never take a thread that died after leaving for one that died inside.
     */
    static void sweepingNeverHitsWhoFollows(final boolean virtual, final CpuOptions options) throws Exception {
        final Cpus cpus = new Cpus(options);
        final Sweeper sweeper = new Sweeper(cpus, Listener.SILENT);
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong sweeps = new AtomicLong();
        final AtomicLong left = new AtomicLong();
        final Thread sweeping = new Thread(() -> {
            while (!stop.get()) {
                assertEquals(0, sweeper.sweep(), "nobody died inside a section");
                sweeps.incrementAndGet();
            }
        });
        final AtomicLong problems = new AtomicLong();
        sweeping.setUncaughtExceptionHandler((thread, error) -> {
            error.printStackTrace();
            problems.incrementAndGet();
        });
        sweeping.start();
        final StressClock clock = new StressClock(1_500, () -> sweeps.get() > 0 && left.get() > 0);
        while (clock.running() && problems.get() == 0) {
            TestThreads.inThreads(virtual, 8, () -> {
                for (int i = 0; i < 3; i++) {
                    left.addAndGet(nestAndLeave(cpus));
                }
            });
        }
        stop.set(true);
        sweeping.join();
        assertEquals(0, problems.get());
        clock.assertCovered(() -> "sweeps=" + sweeps + " left=" + left);
        cpus.verifyQuiet();
    }

    /** How many sections it has had: none if all slots were taken for too long. */
    private static int nestAndLeave(final Cpus cpus) {
        final Cpu cpu;
        try {
            cpu = cpus.enter();
        } catch (final ExhaustedException e) {
            return 0;
        }
        for (int i = 0; i < 4; i++) {
            assertSame(cpu, cpus.enter());
        }
        for (int i = 0; i < 5; i++) {
            cpu.exit();
        }
        assertFalse(cpus.inSection());
        return 1;
    }

    @Test
    void sweepingNeverHitsWhoFollows() throws Exception {
        sweepingNeverHitsWhoFollows(false, SMALL);
        sweepingNeverHitsWhoFollows(false, SMALL.withThreadIdLimit(0));
    }
}
