package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.TestThreads.Holder;

/**
 * A stack that overflows in the middle of enter or exit, at any depth: the section is either not entered or can be left, and
 * in the end every slot is idle and nobody is counted.
 */
final class StackOverflowTest {
    private static final CpuOptions OPTIONS = new CpuOptions(2, 4, 4, SlotLayout.ID_LIMIT, 1, 20_000_000L);
    private static final int ROUNDS = 400;

    private Cpus cpus;
    private long overflows;
    private long deepest;

    StackOverflowTest() {
        cpus = new Cpus(OPTIONS);
    }

    /** Enters and leaves at every depth; the section is closed before the next call. */
    private void enterAndLeave(final int depth, final int pad) {
        deepest = Math.max(deepest, depth);
        cpus.enter().exit();
        if (pad > 0) {
            enterAndLeave(depth + 1, pad - 1);
        } else {
            enterAndLeaveWider(depth + 1, depth, depth, depth);
        }
    }

    private void enterAndLeaveWider(final int depth, final long a, final long b, final long c) {
        deepest = Math.max(deepest, depth);
        cpus.enter().exit();
        enterAndLeave(depth + 1, (int)((a + b + c) & 3));
    }

    /** Enters at every depth, and leaves on the way back, as try-with-resources does. */
    private void nest(final int depth) {
        deepest = Math.max(deepest, depth);
        try (Cpu cpu = cpus.enter()) {
            assertTrue(cpu.index() >= 0);
            nest(depth + 1);
        }
    }

    /** Overflows with a section open around it all. */
    private void around(final int pad) {
        try (Cpu cpu = cpus.enter()) {
            assertTrue(cpu.index() >= 0);
            enterAndLeave(0, pad);
        }
    }

    private void overflow(final Runnable body) {
        try {
            body.run();
        } catch (final StackOverflowError expected) {
            overflows++;
        }
    }

    private static void inSmallStack(final long stackBytes, final Callable<Void> body) throws Exception {
        final FutureTask<Void> task = new FutureTask<>(body);
        final Thread thread = new Thread(null, task, "small stack", stackBytes);
        thread.start();
        task.get(60, TimeUnit.SECONDS);
        thread.join();
    }

    private void rounds(final java.util.function.IntConsumer body) throws Exception {
        for (int s = 0; s < 4; s++) {
            inSmallStack(256 * 1024 + s * 1016, () -> {
                for (int i = 0; i < ROUNDS / 4; i++) {
                    final int pad = i;
                    overflow(() -> body.accept(pad));
                    cpus.verifyQuiet();
                }
                return null;
            });
        }
        assertEquals(ROUNDS, overflows);
        assertTrue(deepest > 100, "deepest=" + deepest);
        cpus.verifyQuiet();
    }

    @Test
    void enteringAndLeavingAtEveryDepth() throws Exception {
        rounds(pad -> enterAndLeave(0, pad));
    }

    @Test
    void nestingAtEveryDepth() throws Exception {
        rounds(pad -> nest(0));
    }

    @Test
    void insideAnOpenSection() throws Exception {
        rounds(this::around);
    }

    @Test
    void whileTheAffineSlotIsTaken() throws Exception {
        // One cell, and its slot is held by another thread of the cell: every outermost enter takes the slow way.
        cpus = new Cpus(OPTIONS.withCells(1));
        try (Holder holder = new Holder(cpus)) {
            inSmallStack(256 * 1024, () -> {
                for (int i = 0; i < ROUNDS; i++) {
                    final int pad = i;
                    overflow(() -> enterAndLeave(0, pad));
                    assertFalse(cpus.inSection(), "round=" + i);
                    overflow(() -> nest(0));
                    assertFalse(cpus.inSection(), "round=" + i);
                    overflow(() -> around(pad));
                    assertFalse(cpus.inSection(), "round=" + i);
                    assertEquals(0, SlotLayout.displacedOf(cpus.cells.getVolatile(0)), "round=" + i);
                }
                return null;
            });
            assertEquals(holder.thread, cpus.occupant(holder.cpu.index()));
        }
        assertEquals(3 * ROUNDS, overflows);
        assertTrue(cpus.displacement().entries.get() > ROUNDS);
        cpus.verifyQuiet();
    }

    @Test
    void whileVisiting() throws Exception {
        rounds(pad -> visit(0));
    }

    private void visit(final int depth) {
        deepest = Math.max(deepest, depth);
        try (Cpu cpu = cpus.tryVisit(depth & 1)) {
            assertTrue(cpu.index() >= 0);
        }
        visit(depth + 1);
    }

    @Test
    void aHolderBesideItIsNotDisturbed() throws Exception {
        try (Holder holder = new Holder(cpus)) {
            for (int i = 0; i < 20; i++) {
                final int pad = i;
                inSmallStack(192 * 1024 + i * 512, () -> {
                    overflow(() -> enterAndLeave(0, pad));
                    return null;
                });
            }
            assertEquals(holder.thread, cpus.occupant(holder.cpu.index()));
        }
        cpus.verifyQuiet();
    }
}
