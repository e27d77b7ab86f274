package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;

/** What budgets allow and refuse. The calling thread occupies whichever slot a case names, by a visit. */
class BudgetTest {
    private static final int SLOTS = 4;
    private static final long MIB = 1L << 20;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS));
    private final List<String> reports = new ArrayList<>();
    private final Budgets budgets = new Budgets(cpus, new Listener() {
        @Override
        public void releaseFailed(final String what, final long token, final Throwable error) {
            reports.add(what + " " + token + " " + error.getMessage());
        }
    });
    private final Budget root = budgets.root();

    private boolean charge(final int slot, final Budget budget, final long bytes) {
        try (Cpu cpu = cpus.tryVisit(slot)) {
            return budget.tryCharge(cpu, bytes);
        }
    }

    private void uncharge(final int slot, final Budget budget, final long bytes) {
        try (Cpu cpu = cpus.tryVisit(slot)) {
            budget.uncharge(cpu, bytes);
        }
    }

    private static void assertText(final Throwable error, final String... parts) {
        for (final String part : parts) {
            assertTrue(error.getMessage().contains(part), part + " is not in: " + error.getMessage());
        }
    }

    private static <T> T inThread(final Callable<T> body) throws Exception {
        final FutureTask<T> task = new FutureTask<>(body);
        new Thread(task).start();
        return task.get(30, TimeUnit.SECONDS);
    }

    /** A thread that charges from a slot and stays there. */
    private final class Busy implements AutoCloseable {
        private final CountDownLatch inside = new CountDownLatch(1);
        private final CountDownLatch leave = new CountDownLatch(1);
        private final FutureTask<Boolean> task;

        Busy(final int slot, final Budget budget, final long bytes) throws Exception {
            task = new FutureTask<>(() -> {
                try (Cpu cpu = cpus.tryVisit(slot)) {
                    final boolean charged = budget.tryCharge(cpu, bytes);
                    inside.countDown();
                    leave.await();
                    return charged;
                }
            });
            new Thread(task).start();
            assertTrue(inside.await(30, TimeUnit.SECONDS));
        }

        @Override
        public void close() {
            leave.countDown();
            try {
                assertTrue(task.get(30, TimeUnit.SECONDS));
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
        }

        boolean isInside() {
            return !task.isDone();
        }
    }

    /** A permit that is still there afterwards was not used up by a wait. */
    private static boolean waits(final Runnable body) {
        LockSupport.unpark(Thread.currentThread());
        body.run();
        final long before = System.nanoTime();
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(2));
        return System.nanoTime() - before > TimeUnit.SECONDS.toNanos(1);
    }

    /** A change under way never ends: a section does not wait for it, and who is in none waits for a bounded time. */
    @Test
    void waitsForAChangeUnderWayOutsideSectionsOnly() {
        final Budget cache = root.child("cache", 1000);
        final Charges charges = new Charges(cpus, budgets, Events.NONE);
        assertTrue(charge(0, cache, 1000));
        cache.words.begin();
        assertFalse(waits(() -> assertFalse(charge(0, cache, 1))));
        try (Cpu cpu = cpus.enter()) {
            assertFalse(waits(() -> assertFalse(cache.tryCharge(cpu, 1))));
            assertFalse(waits(() -> assertThrows(ExhaustedException.class, () -> charges.charge(cache, 1))));
        }
        assertTrue(waits(() -> assertThrows(ExhaustedException.class, () -> charges.charge(cache, 1))));
        cache.words.settle();
        assertFalse(waits(() -> assertThrows(ExhaustedException.class, () -> charges.charge(cache, 1))), "known to be used up");
        uncharge(0, cache, 1000);
        assertEquals(0, cache.used());
    }

    @Test
    void knowsItsPlaceInTheTree() {
        final Budget cache = root.child("cache", 10 * MIB);
        final Budget index = cache.child("index", MIB, MIB / 2, (budget, bytes) -> { });
        assertEquals("memory/cache/index", index.path());
        assertEquals("memory", root.path());
        assertEquals("index", index.name());
        assertSame(cache, index.parent());
        assertNull(root.parent());
        assertEquals(0, root.id());
        assertEquals(List.of(1, 2), List.of(cache.id(), index.id()));
        assertSame(index, budgets.byId(2));
        assertSame(root, budgets.byId(0));
        assertEquals(List.of(cache), root.children());
        assertEquals(List.of(index), cache.children());
        assertEquals(Long.MAX_VALUE, root.limit());
        assertEquals(MIB, index.limit());
        assertEquals(MIB / 2, index.softLimit());
        assertEquals(10 * MIB, cache.softLimit());
        assertEquals("Budget[memory/cache]", cache.toString());
        assertThrows(UnsupportedOperationException.class, () -> root.children().clear());
    }

    @Test
    void countsInAllAncestorsAndOnce() {
        final Budget cache = root.child("cache", 10 * MIB);
        final Budget index = cache.child("index", MIB);
        assertTrue(charge(0, index, 1000));
        assertTrue(charge(1, cache, 200));
        assertTrue(charge(2, root, 30));
        assertEquals(List.of(1000L, 1200L, 1230L), List.of(index.used(), cache.used(), root.used()));
        budgets.verify(id -> new long[] {30, 200, 1000}[Math.min(id, 2)]);
        assertThrows(AssertionError.class, () -> budgets.verify(id -> new long[] {30, 201, 999}[Math.min(id, 2)]));
        // By another slot than charged it, by none, and by one that it finds itself.
        uncharge(3, index, 600);
        index.uncharge(null, 300);
        index.uncharge(100);
        assertEquals(List.of(0L, 200L, 230L), List.of(index.used(), cache.used(), root.used()));
        budgets.verify(id -> new long[] {30, 200, 0}[Math.min(id, 2)]);
    }

    @Test
    void slackIsTakenAheadAndIsNotUse() {
        final Budget cache = root.child("cache", 64 * MIB);
        assertEquals(64 << 10, cache.batch());
        assertTrue(charge(0, cache, 100));
        assertEquals(100 + cache.batch(), cache.words.reserved());
        for (int i = 0; i < 100; i++) {
            assertTrue(charge(0, cache, 100));
        }
        assertEquals(1, budgets.reservation.batches.get(), "the slot had enough");
        assertEquals(10_100, cache.used());
        assertEquals(cache.batch() - 10_000, cache.reclaimSlack());
        assertEquals(0, cache.reclaimSlack());
        assertEquals(10_100, cache.words.reserved());
        assertEquals(10_100, root.words.reserved());
    }

    @Test
    void aSlotKeepsAtMostTwoBatches() {
        final Budget cache = root.child("cache", 64 * MIB);
        assertTrue(charge(0, cache, 10 * MIB));
        for (int i = 0; i < 10 << 10; i++) {
            uncharge(1, cache, 1024);
            assertTrue(budgets.slack.peek(1, cache.id()) <= 2 * cache.batch());
        }
        assertEquals(0, cache.used());
        assertTrue(cache.words.reserved() <= 3 * cache.batch());
        budgets.verify(id -> 0);
    }

    @Test
    void fillsToTheLastByteWithSlackOnSeveralSlots() {
        final Budget cache = root.child("cache", MIB);
        final Budget index = cache.child("index", 2 * MIB);
        final Budget data = cache.child("data", 2 * MIB);
        for (int slot = 0; slot < SLOTS; slot++) {
            assertTrue(charge(slot, index, 1));
            assertTrue(charge(slot, data, 1));
            assertTrue(charge(slot, cache, 1));
        }
        assertTrue(cache.words.reserved() > 12 + 11 * cache.batch(), "nothing on the slots");
        long used = 12;
        while (charge(1, data, 1023)) {
            used += 1023;
            assertEquals(used, cache.used());
        }
        while (charge(2, index, 1)) {
            used++;
            assertEquals(used, cache.used());
        }
        assertEquals(MIB, used);
        assertEquals(MIB, cache.used());
        assertEquals(MIB, cache.highWater());
        for (int slot = 0; slot < SLOTS; slot++) {
            assertFalse(charge(slot, index, 1));
            assertFalse(charge(slot, cache, 1));
            assertFalse(charge(slot, data, MIB));
        }
        budgets.verify();
        uncharge(3, data, 1);
        assertTrue(charge(0, cache, 1));
        assertEquals(MIB, cache.used());
        assertTrue(budgets.slack.collections.get() > 0);
    }

    @Test
    void theSlackOfABusySlotIsAllThatMayBeMissing() throws Exception {
        final Budget cache = root.child("cache", MIB);
        try (Busy busy = new Busy(2, cache, 1)) {
            assertTrue(busy.isInside());
            final long held = budgets.slack.peek(2, cache.id());
            assertTrue(held > 0 && held <= 2 * cache.batch());
            assertFalse(charge(0, cache, MIB - 1));
            assertTrue(charge(0, cache, MIB - 1 - held));
            assertFalse(charge(0, cache, 1));
        }
        assertTrue(charge(0, cache, 1));
        uncharge(0, cache, MIB - 1 - 2 * cache.batch());
        budgets.verify();
    }

    @Test
    void anAncestorThatRefusesLeavesNothingBehind() {
        final Budget cache = root.child("cache", 1000);
        final Budget index = cache.child("index", 100_000);
        assertTrue(charge(0, cache, 400));
        assertFalse(charge(0, index, 601));
        assertEquals(0, index.used());
        assertEquals(0, index.highWater());
        assertEquals(400, root.used());
        assertTrue(charge(0, index, 600));
        budgets.verify(id -> new long[] {0, 400, 600}[Math.min(id, 2)]);
    }

    @Test
    void aRefusalNamesWhoRefused() {
        final Budget cache = root.child("cache", 1000);
        final Budget index = cache.child("index", 5000);
        assertTrue(charge(0, cache, 400));
        assertFalse(charge(1, index, 700));
        final ExhaustedException error = index.refusal(700);
        assertEquals(ExhaustedException.Resource.BUDGET, error.resource());
        assertText(error, "budget=cache", "path=memory/cache ", "limit=1000", "used=400", "wanted=700", "for=memory/cache/index");
        assertFalse(charge(1, index, 5001));
        assertText(index.refusal(5001), "path=memory/cache/index ", "limit=5000", "used=0", "wanted=5001");
        assertText(index.refusal(1), "budget=cache", "wanted=1");
    }

    @Test
    void chargesWithoutASlotThatKeepsSlack() {
        final Cpus few = new Cpus(CpuOptions.forThisMachine().withCachedSlots(1).withMaxSlots(2));
        final Budgets other = new Budgets(few, Listener.SILENT);
        final Budget cache = other.root().child("cache", 64 * MIB);
        try (Cpu cpu = few.tryVisit(1)) {
            assertFalse(cpu.carriesCaches());
            assertTrue(cache.tryCharge(cpu, 10));
            assertTrue(cache.tryCharge(null, 20));
            assertTrue(other.root().tryCharge(cpu, 5));
            assertEquals(30, cache.words.reserved());
            cache.uncharge(cpu, 25);
        }
        assertEquals(5, cache.used());
        assertEquals(10, other.root().used());
        other.verify(id -> id < 2 ? 5 : 0);
    }

    @Test
    void costsNothingBeforeItIsUsed() {
        assertEquals(0, root.used());
        assertEquals(0, budgets.slack.peek(0, 0));
        budgets.verify(id -> 0);
        assertTrue(charge(0, root, 1));
        assertEquals(root.batch(), budgets.slack.peek(0, 0));
    }

    @Test
    void highWaterStays() {
        final Budget small = root.child("small", 60);
        assertTrue(charge(0, small, 50));
        uncharge(0, small, 45);
        assertTrue(charge(0, small, 10));
        assertEquals(50, small.highWater());
        assertEquals(15, small.used());
    }

    @Test
    void refusesBadNamesAndLimits() {
        root.child("cache", 1);
        for (final String name : new String[] {null, "", " \t", "a/b", "cache"}) {
            assertText(assertThrows(IllegalArgumentException.class, () -> root.child(name, 1)), "name=" + name);
        }
        final Budget.Reclaim nothing = (budget, bytes) -> { };
        assertText(assertThrows(IllegalArgumentException.class, () -> root.child("x", 0)), "limitBytes=0");
        assertText(assertThrows(IllegalArgumentException.class, () -> root.child("x", -5)), "limitBytes=-5");
        assertText(assertThrows(IllegalArgumentException.class, () -> root.child("x", 5, 6, nothing)), "softLimitBytes=6");
        assertText(assertThrows(IllegalArgumentException.class, () -> root.child("x", 5, 0, nothing)), "softLimitBytes=0");
        assertText(assertThrows(IllegalArgumentException.class, () -> root.child("x", 5, 4, null)), "callback=null");
        assertEquals(1, root.children().size());
        assertEquals(2, root.child("x", 1).id());
        for (final int id : new int[] {-1, 3, 249, 250, 1 << 20}) {
            assertText(assertThrows(IllegalArgumentException.class, () -> budgets.byId(id)), "id=" + id);
        }
    }

    @Test
    void refusesBadCharges() {
        final Budget cache = root.child("cache", MIB);
        final Cpus strangers = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS));
        assertTrue(charge(0, cache, 100));
        for (final long bytes : new long[] {0, -1, Long.MIN_VALUE}) {
            assertText(assertThrows(IllegalArgumentException.class, () -> charge(0, cache, bytes)), "bytes=" + bytes);
            assertText(assertThrows(IllegalArgumentException.class, () -> uncharge(0, cache, bytes)), "bytes=" + bytes);
            assertText(assertThrows(IllegalArgumentException.class, () -> cache.uncharge(bytes)), "bytes=" + bytes);
        }
        try (Cpu stranger = strangers.enter()) {
            assertText(assertThrows(IllegalArgumentException.class, () -> cache.tryCharge(stranger, 1)), "cpu=0");
            assertText(assertThrows(IllegalArgumentException.class, () -> cache.uncharge(stranger, 1)), "cpu=0");
        }
        assertFalse(charge(0, cache, Long.MAX_VALUE));
        assertTrue(charge(0, root, Long.MAX_VALUE - MIB));
        assertFalse(charge(0, root, Long.MAX_VALUE));
        assertEquals(100, cache.used());
        budgets.verify();
    }

    @Test
    void closesOnlyWhatIsEmpty() {
        final Budget cache = root.child("cache", MIB);
        final Budget index = cache.child("index", MIB);
        assertTrue(charge(0, index, 77));
        assertText(assertThrows(IllegalStateException.class, index::close), "used=77", "path=memory/cache/index");
        assertText(assertThrows(IllegalStateException.class, cache::close), "children=1", "path=memory/cache");
        assertText(assertThrows(IllegalStateException.class, root::close), "path=memory");
        assertTrue(charge(1, index, 1), "a refused close changes nothing");
        uncharge(2, index, 78);
        index.close();
        assertTrue(index.isClosed());
        index.close();
        assertEquals(List.of(), cache.children());
        assertText(assertThrows(IllegalStateException.class, () -> charge(0, index, 1)), "path=memory/cache/index");
        assertText(assertThrows(IllegalStateException.class, () -> index.child("x", 1)), "closed");
        assertThrows(IllegalArgumentException.class, () -> budgets.byId(2));
        final Budget again = cache.child("index", 10);
        assertEquals(2, again.id());
        again.close();
        cache.close();
        budgets.verify(id -> 0);
        assertEquals(0, root.words.reserved());
    }

    @Test
    void openingAndClosingBelongOutsideSections() {
        final Budget cache = root.child("cache", MIB);
        try (Cpu cpu = cpus.enter()) {
            assertTrue(cache.tryCharge(cpu, 1));
            cache.uncharge(cpu, 1);
            assertThrows(IllegalStateException.class, () -> root.child("x", 1));
            assertThrows(IllegalStateException.class, cache::close);
        }
        cache.close();
    }

    @Test
    void aNumberIsNotReusedWhileABusySlotHasSlackOfIt() throws Exception {
        final Budget cache = root.child("cache", MIB);
        final Budget index = cache.child("index", MIB);
        try (Busy busy = new Busy(2, index, 5)) {
            assertTrue(busy.isInside());
            uncharge(0, index, 5);
            index.close();
            cache.close();
            budgets.verify(id -> 0);
            assertNotEquals(0, root.words.reserved());
            final Budget other = root.child("index", MIB);
            assertEquals(3, other.id());
            assertSame(index, budgets.byId(2));
            other.close();
        }
        assertEquals(1, root.child("a", 1).id());
        assertEquals(2, root.child("b", 1).id());
        assertEquals(0, root.words.reserved());
        budgets.verify(id -> 0);
    }

    @Test
    void thereAreTwoHundredAndFortyNineChildren() {
        Budget last = root;
        for (int i = 1; i <= Budgets.MAX_CHILDREN; i++) {
            last = last.child("b" + i, MIB);
            assertEquals(i, last.id());
        }
        final Budget deepest = last;
        assertEquals(249, deepest.id());
        final ExhaustedException error = assertThrows(ExhaustedException.class, () -> root.child("more", 1));
        assertEquals(ExhaustedException.Resource.BUDGET, error.resource());
        assertText(error, "memory/more", "open=249");
        assertTrue(charge(0, deepest, MIB));
        assertFalse(charge(1, deepest, 1));
        assertEquals(MIB, root.used());
        uncharge(1, deepest, MIB);
        deepest.close();
        assertEquals(249, root.child("more", 1).id());
        budgets.verify(id -> 0);
    }

    @Test
    void aClosedMemoryLetsBudgetsBeClosed() {
        final Budget cache = root.child("cache", MIB);
        assertTrue(charge(1, cache, 5));
        uncharge(0, cache, 5);
        cpus.close();
        assertEquals(0, cache.reclaimSlack());
        cache.close();
        assertTrue(cache.isClosed());
    }

    /** What an allocator's face does. */
    private boolean allocate(final Budget budget, final long bytes) {
        budget.reclaimIfOverSoft(bytes);
        if (!charge(0, budget, bytes)) {
            budget.reclaimIfOverSoft(bytes);
            return charge(0, budget, bytes);
        }
        return true;
    }

    @Test
    void callsBackOncePerCrossing() {
        final List<String> calls = new ArrayList<>();
        final Budget cache = root.child("cache", 60, 40, (budget, bytes) -> calls.add(budget.name() + " " + bytes));
        assertTrue(allocate(cache, 40));
        assertNull(cache.overSoft());
        assertTrue(allocate(cache, 1));
        assertSame(cache, cache.overSoft());
        assertEquals(List.of(), calls);
        assertTrue(allocate(cache, 2));
        assertEquals(List.of("cache 3"), calls);
        assertTrue(allocate(cache, 3));
        uncharge(1, cache, 5);
        assertTrue(allocate(cache, 4));
        assertEquals(1, calls.size(), "it has not fallen to the limit meanwhile");
        uncharge(1, cache, 5);
        assertEquals(40, cache.used());
        assertTrue(allocate(cache, 1));
        assertTrue(allocate(cache, 1));
        assertEquals(List.of("cache 3", "cache 2"), calls);
        budgets.verify();
    }

    @Test
    void aCallbackThatFreesIsArmedAgain() {
        final int[] calls = new int[1];
        final Budget cache = root.child("cache", MIB, MIB / 2, (budget, bytes) -> {
            calls[0]++;
            assertEquals(1000, bytes);
            budget.uncharge(MIB / 4);
        });
        assertTrue(allocate(cache, MIB / 2 - 10));
        assertTrue(allocate(cache, 10 + 900));
        assertTrue(allocate(cache, 100));
        assertEquals(1, calls[0]);
        assertEquals(MIB / 4 + 1000, cache.used());
        assertTrue(allocate(cache, MIB / 4));
        assertTrue(charge(0, cache, 1));
        uncharge(0, cache, 101);
        assertTrue(allocate(cache, 100));
        assertEquals(2, calls[0]);
    }

    @Test
    void slackAloneNeverCalls() {
        final int[] calls = new int[1];
        final Budget cache = root.child("cache", 64 * MIB, MIB, (budget, bytes) -> calls[0]++);
        for (int slot = 0; slot < SLOTS; slot++) {
            assertTrue(charge(slot, cache, MIB / 8));
        }
        while (cache.used() + 4096 <= MIB) {
            cache.reclaimIfOverSoft(4096);
            assertTrue(charge(3, cache, 4096));
        }
        assertEquals(0, calls[0]);
        assertTrue(charge(3, cache, 4096));
        cache.reclaimIfOverSoft(1);
        assertEquals(1, calls[0]);
    }

    @Test
    void anEqualHardLimitCallsBeforeItRefuses() {
        final int[] calls = new int[1];
        final Budget cache = root.child("cache", MIB, MIB, (budget, bytes) -> {
            calls[0]++;
            budget.uncharge(bytes);
        });
        assertTrue(allocate(cache, MIB));
        assertTrue(allocate(cache, 5));
        assertEquals(1, calls[0]);
        assertEquals(MIB, cache.used());
    }

    @Test
    void anAncestorsCallbackServesToo() {
        final List<String> calls = new ArrayList<>();
        final Budget.Reclaim note = (budget, bytes) -> calls.add(budget.path());
        final Budget cache = root.child("cache", 60, 30, note);
        final Budget index = cache.child("index", 60, 30, note);
        final Budget data = cache.child("data", 60, 30, note);
        assertTrue(allocate(index, 20));
        assertTrue(allocate(data, 20));
        assertSame(cache, index.overSoft());
        assertTrue(allocate(index, 1));
        assertEquals(List.of("memory/cache"), calls);
        assertFalse(allocate(index, 30));
        assertEquals(List.of("memory/cache", "memory/cache/index"), calls);
    }

    @Test
    void whatACallbackThrowsIsReported() {
        final Budget cache = root.child("cache", 60, 10, (budget, bytes) -> {
            throw new IllegalStateException("no mercy");
        });
        assertTrue(charge(0, cache, 20));
        assertTrue(allocate(cache, 20));
        assertEquals(List.of("reclaim callback of budget memory/cache 1 no mercy"), reports);
        assertTrue(allocate(cache, 1));
        assertEquals(1, reports.size());

        final Budgets deaf = new Budgets(cpus, new Listener() {
            @Override
            public void releaseFailed(final String what, final long token, final Throwable error) {
                throw new AssertionError("the listener itself");
            }
        });
        final Budget other = deaf.root().child("cache", 60, 10, (budget, bytes) -> {
            throw new StackOverflowError();
        });
        assertTrue(charge(0, other, 20));
        assertTrue(allocate(other, 20));
        assertEquals(40, other.used());
    }

    @Test
    void aCallbackThatAllocatesDoesNotCallItself() {
        final int[] calls = new int[1];
        final Budget cache = root.child("cache", 60, 10, (budget, bytes) -> {
            calls[0]++;
            assertNull(budget.overSoft());
            assertTrue(allocate(budget, 30));
            assertFalse(allocate(budget, 31));
        });
        assertTrue(charge(0, cache, 20));
        assertTrue(allocate(cache, 5));
        assertEquals(1, calls[0]);
        assertEquals(55, cache.used());
        assertEquals(List.of(), reports);
    }

    @Test
    void insideASectionNobodyIsCalled() throws Exception {
        final int[] calls = new int[1];
        final Budget cache = root.child("cache", 60, 10, (budget, bytes) -> {
            assertFalse(cpus.inSection());
            calls[0]++;
        });
        assertTrue(charge(0, cache, 20));
        try (Cpu cpu = cpus.enter()) {
            cache.reclaimIfOverSoft(1);
            assertTrue(cache.tryCharge(cpu, 1));
            assertSame(cache, cache.overSoft());
        }
        assertEquals(0, calls[0]);
        // By any thread.
        inThread(() -> {
            cache.reclaimIfOverSoft(-1);
            return null;
        });
        assertEquals(1, calls[0]);
        cache.reclaimIfOverSoft(1);
        assertEquals(1, calls[0]);
    }

    @Test
    void aClosedBudgetOwesNoCall() {
        final int[] calls = new int[1];
        final Budget cache = root.child("cache", 60, 10, (budget, bytes) -> calls[0]++);
        assertTrue(charge(0, cache, 20));
        uncharge(0, cache, 20);
        assertEquals(1, budgets.callbacksOwed.get());
        cache.close();
        assertEquals(0, budgets.callbacksOwed.get());
        cache.reclaimIfOverSoft(100);
        assertEquals(0, calls[0]);
    }
}
