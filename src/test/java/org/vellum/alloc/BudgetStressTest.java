package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.report.Listener;

/**
 * Real threads charge and uncharge up and down a tree of three levels, near its limits, on fewer slots than threads.
 *
 * <p>Beside each budget stands a sum of what is charged to it for certain: raised after a charge, lowered before it is taken
 * back. It never exceeds the truth, so a sum above the limit is a limit exceeded.
 */
class BudgetStressTest {
    private static final int THREADS = 8;
    private static final long TOP_LIMIT = 6L << 20;
    private static final long MIDDLE_LIMIT = 4L << 20;
    private static final long LEAF_LIMIT = 3L << 20;
    private static final int HELD = 64;
    private static final int MOST_BYTES = 96 << 10;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final Budgets budgets = new Budgets(cpus, Listener.SILENT);
    private final List<Budget> tree = new ArrayList<>();
    private final AtomicLongArray certain = new AtomicLongArray(Budgets.MAX_CHILDREN + 1);
    private final AtomicInteger working = new AtomicInteger(THREADS);
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong lives = new AtomicLong();

    private void plant() {
        final Budget top = budgets.root().child("top", TOP_LIMIT);
        tree.add(top);
        for (int i = 0; i < 2; i++) {
            final Budget middle = top.child("m" + i, MIDDLE_LIMIT, MIDDLE_LIMIT / 2, (budget, bytes) -> calls.incrementAndGet());
            tree.add(middle);
            for (int j = 0; j < 2; j++) {
                tree.add(middle.child("l" + j, LEAF_LIMIT));
            }
        }
    }

    private void note(final Budget budget, final long bytes) {
        for (Budget at = budget; at != null; at = at.parent()) {
            final long sum = certain.addAndGet(at.id(), bytes);
            assertTrue(sum <= at.limit(), at.path() + " exceeds its limit: certain=" + sum);
        }
    }

    private Void work(final int number, final StressClock clock) {
        final SplittableRandom random = new SplittableRandom(number);
        final Budget[] whose = new Budget[HELD];
        final long[] bytes = new long[HELD];
        try {
            while (clock.running()) {
                for (int i = 0; i < 64; i++) {
                    turn(random.nextInt(HELD), whose, bytes, random);
                }
            }
            for (int at = 0; at < HELD; at++) {
                giveBack(at, whose, bytes, random);
            }
        } finally {
            working.decrementAndGet();
        }
        return null;
    }

    private void turn(final int at, final Budget[] whose, final long[] bytes, final SplittableRandom random) {
        if (whose[at] != null) {
            giveBack(at, whose, bytes, random);
            return;
        }
        final Budget budget = tree.get(random.nextInt(tree.size()));
        final long wanted = 1 + random.nextInt(random.nextBoolean() ? 512 : MOST_BYTES);
        budget.reclaimIfOverSoft(wanted);
        try (Cpu cpu = cpus.enter()) {
            if (budget.tryCharge(cpu, wanted)) {
                note(budget, wanted);
                whose[at] = budget;
                bytes[at] = wanted;
            }
        }
    }

    private void giveBack(final int at, final Budget[] whose, final long[] bytes, final SplittableRandom random) {
        if (whose[at] != null) {
            note(whose[at], -bytes[at]);
            if (random.nextInt(8) == 0) {
                whose[at].uncharge(null, bytes[at]);
            } else {
                whose[at].uncharge(bytes[at]);
            }
            whose[at] = null;
        }
    }

    /** Children come and go beside, and somebody reads the figures. */
    private Void openAndClose() {
        while (working.get() > 0) {
            final Budget budget = tree.get(1).child("short-lived", 1L << 20);
            try (Cpu cpu = cpus.enter()) {
                if (budget.tryCharge(cpu, 1000)) {
                    budget.uncharge(cpu, 1000);
                }
            }
            budget.close();
            lives.incrementAndGet();
            for (final Budget each : tree) {
                assertTrue(each.used() >= 0 && each.used() <= each.limit());
            }
            Thread.yield();
        }
        return null;
    }

    @Test
    void shouldNeverExceedALimitNorLoseAByte() throws Exception {
        plant();
        final StressClock clock = new StressClock(2_000, this::isCovered);
        final List<Callable<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            final int number = i;
            tasks.add(() -> work(number, clock));
        }
        tasks.add(this::openAndClose);
        final ExecutorService pool = Executors.newFixedThreadPool(tasks.size());
        try {
            for (final Future<Void> task : pool.invokeAll(tasks, 300, TimeUnit.SECONDS)) {
                task.get();
            }
        } finally {
            pool.shutdownNow();
        }
        cpus.verifyQuiet();
        budgets.verify(id -> 0);
        for (final Budget budget : tree) {
            assertEquals(0, budget.used(), budget.path());
            assertTrue(budget.highWater() <= budget.limit());
        }
        budgets.root().reclaimSlack();
        assertEquals(0, budgets.root().words.reserved());
        budgets.verify(id -> 0);
        clock.assertCovered(() -> "refusals=" + budgets.reservation.refusals + " collections=" + budgets.slack.collections
            + " batches=" + budgets.reservation.batches + " calls=" + calls + " lives=" + lives);
    }

    private boolean isCovered() {
        return budgets.reservation.refusals.get() > 0 && budgets.slack.collections.get() > 0
            && budgets.reservation.batches.get() > 0 && calls.get() > 0 && lives.get() > 0;
    }
}
