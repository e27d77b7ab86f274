package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;

/**
 * Random operations from three slots, against a naive tree that adds everything up each time. One thread, so no slot is busy and
 * every refusal is exact; where there is no slack, calls of soft limits are exact too.
 */
class BudgetFuzzTest {
    private static final int OPERATIONS = 300_000;
    private static final int SLOTS = 3;
    private static final int MOST_BUDGETS = 20;

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final Budgets budgets = new Budgets(cpus, Listener.SILENT);
    private final List<Node> nodes = new ArrayList<>();

    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private long refused;
    private long refusedAbove;
    private long closed;
    private long notClosed;
    private long called;
    private long calledExactly;
    private long dismissed;

    private enum Alarm { ARMED, OWED, CALLED }

    /** The model of one budget. */
    private final class Node {
        final Node parent;
        final long limit;
        final long soft;
        final Budget budget;
        long own;
        long calls;
        long lastWanted;
        Alarm alarm = Alarm.ARMED;

        Node(final Node parent, final String name) {
            this.parent = parent;
            if (parent == null) {
                limit = Long.MAX_VALUE;
                soft = limit;
                budget = budgets.root();
                return;
            }
            limit = 1 + random.nextLong(1L << 3 + random.nextInt(20));
            final boolean withCallback = random.nextBoolean();
            soft = withCallback ? 1 + random.nextLong(limit) : limit;
            budget = withCallback ? parent.budget.child(name, limit, soft, this::reclaim) : parent.budget.child(name, limit);
        }

        private void reclaim(final Budget which, final long bytes) {
            assertEquals(budget, which);
            calls++;
            lastWanted = bytes;
            if (random.nextInt(3) == 0 && own > 0) {
                uncharge(this, 1 + random.nextLong(own));
            }
        }

        boolean hasCallback() {
            return budget.soft != null;
        }

        /** Whether no slot keeps slack of it, nor of anything below: then what is reserved is what is used. */
        boolean isExact() {
            return budget.batch() == 0;
        }

        long used() {
            long sum = own;
            for (final Node node : nodes) {
                if (node.parent == this) {
                    sum += node.used();
                }
            }
            return sum;
        }
    }

    private Node any() {
        return nodes.get(random.nextInt(nodes.size()));
    }

    private Cpu someSlot() {
        return random.nextInt(16) == 0 ? null : cpus.tryVisit(random.nextInt(SLOTS));
    }

    private static void leave(final Cpu cpu) {
        if (cpu != null) {
            cpu.exit();
        }
    }

    @Test
    void shouldAgreeWithANaiveTree() {
        try {
            nodes.add(new Node(null, "memory"));
            while (steps.next()) {
                step(steps.step());
                if (steps.every(64)) {
                    check();
                }
            }
            check();
            empty();
        } catch (final AssertionError | RuntimeException e) {
            throw new AssertionError("seed=" + seed, e);
        }
        steps.assertCovered(() -> "seed=" + seed + " refused=" + refused + " above=" + refusedAbove + " closed=" + closed + " not="
            + notClosed + " called=" + called + " exactly=" + calledExactly + " dismissed=" + dismissed + " batches="
            + budgets.reservation.batches + " collections=" + budgets.slack.collections);
        assertEquals(0, budgets.reservation.takenBack.get(), "nobody else is there to be in the way");
    }

    private boolean isCovered() {
        return refused > 0 && refusedAbove > 0 && closed > 0 && notClosed > 0 && called > 0 && calledExactly > 0 && dismissed > 0
            && budgets.reservation.batches.get() > 0 && budgets.slack.collections.get() > 0;
    }

    private void step(final long i) {
        final int kind = random.nextInt(100);
        if (kind < 2) {
            open(i);
        } else if (kind < 4) {
            close(any());
        } else if (kind < 50) {
            charge(any());
        } else if (kind < 85) {
            final Node node = any();
            if (node.own > 0) {
                uncharge(node, random.nextInt(8) == 0 ? node.own : 1 + random.nextLong(node.own));
            }
        } else if (kind < 97) {
            reclaimIfOverSoft(any());
        } else {
            any().budget.reclaimSlack();
        }
    }

    private void open(final long i) {
        if (nodes.size() < MOST_BUDGETS) {
            nodes.add(new Node(any(), "b" + i));
        }
    }

    private void close(final Node node) {
        final boolean hasChildren = nodes.stream().anyMatch(other -> other.parent == node);
        if (node.parent == null || hasChildren || node.own > 0) {
            assertThrows(IllegalStateException.class, node.budget::close);
            notClosed++;
        } else {
            node.budget.close();
            nodes.remove(node);
            closed++;
        }
    }

    private void charge(final Node node) {
        final long bytes = node.limit - node.used() > 0 && random.nextInt(8) == 0
            ? Math.min(1 << 20, node.limit - node.used()) : 1 + random.nextLong(1L << random.nextInt(20));
        Node full = null;
        for (Node at = node; at != null && full == null; at = at.parent) {
            full = bytes > at.limit - at.used() ? at : null;
            if (at.isExact() && at.hasCallback() && bytes > at.soft - at.used() && at.alarm == Alarm.ARMED) {
                at.alarm = Alarm.OWED;
            }
        }
        final Cpu cpu = someSlot();
        final boolean charged = node.budget.tryCharge(cpu, bytes);
        leave(cpu);
        assertEquals(full == null, charged, () -> node.budget.refusedBy(bytes));
        if (charged) {
            node.own += bytes;
            return;
        }
        refused++;
        refusedAbove += full == node ? 0 : 1;
        final ExhaustedException error = node.budget.refusal(bytes);
        assertTrue(error.getMessage().contains("path=" + full.budget.path() + " limit=" + full.limit + " used=" + full.used()
            + " wanted=" + bytes), error.getMessage());
    }

    private void uncharge(final Node node, final long bytes) {
        final Cpu cpu = someSlot();
        node.budget.uncharge(cpu, bytes);
        leave(cpu);
        node.own -= bytes;
        for (Node at = node; at != null; at = at.parent) {
            if (at.isExact() && at.alarm == Alarm.CALLED && at.used() <= at.soft) {
                at.alarm = Alarm.ARMED;
            }
        }
    }

    private void reclaimIfOverSoft(final Node node) {
        final long wanted = random.nextLong(64);
        for (Node at = node; at != null; at = at.parent) {
            if (at.hasCallback()) {
                answer(at, wanted);
            }
        }
    }

    /** Asks the one budget; the ancestors of it come in their turn, as they would have. */
    private void answer(final Node node, final long wanted) {
        final long calls = node.calls;
        final long used = node.used();
        final boolean owed = node.alarm == Alarm.OWED;
        if (node.isExact()) {
            assertEquals(owed, node.budget.soft.isOwed(), () -> node.budget.path() + " used=" + used + " soft=" + node.soft);
            node.alarm = owed ? Alarm.CALLED : node.alarm;
        }
        final boolean was = node.budget.soft.call(wanted);
        assertEquals(was ? 1 : 0, node.calls - calls);
        assertFalse(was && used + wanted <= node.soft, "called below the limit");
        called += was ? 1 : 0;
        if (was) {
            assertEquals(used + wanted - node.soft, node.lastWanted);
        }
        if (node.isExact() && owed) {
            assertEquals(used + wanted > node.soft, was);
            calledExactly += was ? 1 : 0;
            dismissed += was ? 0 : 1;
            node.alarm = node.used() + wanted <= node.soft ? Alarm.ARMED : Alarm.CALLED;
        }
    }

    private void check() {
        for (final Node node : nodes) {
            assertEquals(node.used(), node.budget.used());
            assertTrue(node.budget.highWater() >= node.used());
            assertFalse(node.budget.isClosed());
        }
        final long[] own = new long[Budgets.MAX_CHILDREN + 1];
        nodes.forEach(node -> own[node.budget.id()] = node.own);
        budgets.verify(id -> own[id]);
    }

    private void empty() {
        for (final Node node : nodes) {
            if (node.own > 0) {
                uncharge(node, node.own);
            }
        }
        for (int i = nodes.size() - 1; i > 0; i--) {
            nodes.get(i).budget.close();
        }
        budgets.root().reclaimSlack();
        assertEquals(0, budgets.root().words.reserved());
        budgets.verify(id -> 0);
        cpus.verifyQuiet();
    }
}
