package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.FuzzSteps;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;

/**
 * Everything the allocator can do, at random, against a list of what is live: contents, sizes, overlaps and charges; in memories so small
 * that every way is taken, and runs out.
 */
final class AllocatorFuzzTest {
    private static final int STEPS = 60_000;
    private static final int CHECK_EVERY = 2_000;

    /** What the model knows of one allocation. */
    private record Live(long address, long size, long stamp, Budget budget) {
    }

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<Live> live = new ArrayList<>();
    private Vellum memory;
    private OffHeapAllocator allocator;
    private Budget[] budgets;
    private long stamps;

    private long exhausted;
    private long refused;
    private long areas;
    private long inPlace;
    private long moved;
    private long deferred;
    private long doubleFreesTold;
    private long held;

    private void open(final int bankPages, final int pages, final boolean checked) {
        System.out.println("AllocatorFuzzTest seed=" + seed);
        memory = SmallMemory.builder(pages, 4096).bank(bankPages * (long)SmallMemory.PAGE).checked(checked)
            .graceNanos(1_000_000).open();
        allocator = memory.allocator();
        final Budget child = memory.child("child", pages * (long)SmallMemory.PAGE / 4);
        budgets = new Budget[] {null, child, child.child("grandchild", pages * (long)SmallMemory.PAGE / 8)};
    }

    @AfterEach
    void close() {
        if (memory != null) {
            memory.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 256})
    void plain(final int bankPages) throws InterruptedException {
        open(bankPages, 1024, false);
        run(new FuzzSteps(STEPS, () -> exhausted > 0 && refused > 0 && areas > 0 && inPlace > 0 && moved > 0 && deferred > 0
            && doubleFreesTold > 0 && held > 0));
    }

    @Test
    void checked() throws InterruptedException {
        open(256, 1024, true);
        run(new FuzzSteps(STEPS / 10, () -> exhausted + refused > 0 && deferred > 0 && doubleFreesTold > 0));
    }

    private void run(final FuzzSteps steps) throws InterruptedException {
        while (steps.next()) {
            try {
                step();
            } catch (final ExhaustedException e) {
                if (e.resource() == ExhaustedException.Resource.BUDGET) {
                    refused++;
                } else {
                    exhausted++;
                    // Room for what comes next: near the limit every step would fail.
                    freeSome(live.size() / 4);
                }
            }
            if (steps.every(CHECK_EVERY)) {
                checkAll();
            }
        }
        checkAll();
        freeSome(live.size());
        AllocatorMemory.requireEmpty(memory);
        steps.assertCovered(() -> "seed=" + seed + " exhausted=" + exhausted + " refused=" + refused + " areas=" + areas
            + " inPlace=" + inPlace + " moved=" + moved + " deferred=" + deferred + " told=" + doubleFreesTold + " held=" + held);
    }

    private void freeSome(final int count) {
        for (int i = 0; i < count; i++) {
            end(live.remove(random.nextInt(live.size())), false);
        }
    }

    private void step() throws InterruptedException {
        final int what = random.nextInt(100);
        if (what < 45 || live.isEmpty()) {
            allocate();
        } else if (what < 80) {
            end(live.remove(random.nextInt(live.size())), false);
        } else if (what < 88) {
            end(live.remove(random.nextInt(live.size())), true);
        } else if (what < 96) {
            reallocate();
        } else if (what == 96) {
            memory.poll();
        } else if (what == 97) {
            allocator.drainIdle();
        } else if (what == 98) {
            whileAnotherIsInASection();
        } else if (random.nextInt(20) == 0) {
            memory.trim();
        }
    }

    private long size() {
        return switch (random.nextInt(10)) {
            case 0 -> 1 + random.nextInt(300_000);
            case 1, 2 -> 4096L * (1 + random.nextInt(70)) - random.nextInt(2);
            case 3, 4, 5 -> 1 + random.nextInt(9000);
            default -> 1 + random.nextInt(600);
        };
    }

    private void allocate() {
        final boolean atHint = random.nextInt(5) == 0;
        final Budget budget = atHint ? null : budgets[random.nextInt(budgets.length)];
        final long size = size();
        final long alignment = random.nextInt(4) == 0 ? 1L << random.nextInt(15) : 1;
        final boolean zeroed = random.nextInt(4) == 0;
        final long address = atHint ? allocateAtHint(size)
            : zeroed ? allocator.allocateZeroed(size, alignment, budget) : allocator.allocate(size, alignment, budget);
        areas += allocator.isContiguous(address) ? 0 : 1;
        assertTrue(allocator.sizeOf(address) >= size, "seed=" + seed);
        add(address, size, budget);
    }

    private long allocateAtHint(final long size) {
        try (Cpu cpu = memory.enter()) {
            held++;
            return allocator.allocate(cpu, size);
        }
    }

    private void add(final long address, final long size, final Budget budget) {
        final long stamp = ++stamps;
        Content.fill(memory, address, size, stamp);
        live.add(new Live(address, size, stamp, budget));
    }

    private void end(final Live block, final boolean later) {
        Content.check(memory, block.address(), block.size(), block.stamp());
        if (later) {
            allocator.freeDeferred(block.address());
            deferred++;
            // Nobody may have got it: it waits.
            assertThrows(RuntimeException.class, () -> allocator.free(block.address()), "seed=" + seed);
            doubleFreesTold++;
        } else {
            allocator.free(block.address());
            assertThrows(RuntimeException.class, () -> allocator.free(block.address()), "seed=" + seed);
            doubleFreesTold++;
        }
    }

    private void reallocate() {
        final int at = random.nextInt(live.size());
        final Live block = live.get(at);
        final long size = random.nextBoolean() ? size() : Math.max(1, block.size() + random.nextInt(20_000) - 8_000);
        final long address = allocator.reallocate(block.address(), size);
        live.remove(at);
        inPlace += address == block.address() && size != block.size() ? 1 : 0;
        moved += address == block.address() ? 0 : 1;
        Content.check(memory, address, Math.min(size, block.size()), block.stamp());
        add(address, size, block.budget());
    }

    /** What is freed later meanwhile keeps its bytes as long as the section is open. */
    private void whileAnotherIsInASection() throws InterruptedException {
        if (live.isEmpty()) {
            return;
        }
        final CountDownLatch entered = new CountDownLatch(1);
        final CountDownLatch leave = new CountDownLatch(1);
        final Thread reader = new Thread(() -> {
            final Cpu cpu = memory.enter();
            try {
                entered.countDown();
                leave.await();
            } catch (final InterruptedException e) {
                throw new IllegalStateException(e);
            } finally {
                cpu.exit();
            }
        });
        reader.start();
        entered.await();
        final Live block = live.remove(random.nextInt(live.size()));
        try {
            allocator.freeDeferred(block.address());
            for (int i = 0; i < 20; i++) {
                memory.poll();
                allocate();
            }
            // An area stays mapped as long.
            if (!memoryIsChecked()) {
                Content.check(memory, block.address(), block.size(), block.stamp());
            }
        } finally {
            leave.countDown();
            reader.join();
        }
    }

    private void checkAll() {
        final List<Live> sorted = new ArrayList<>(live);
        sorted.sort((a, b) -> Long.compare(a.address() & -1L >>> 16, b.address() & -1L >>> 16));
        long end = 0;
        long charged = 0;
        for (final Live block : sorted) {
            final long begin = block.address() & -1L >>> 16;
            assertTrue(begin >= end, "overlap: seed=" + seed);
            end = begin + block.size();
            Content.check(memory, block.address(), block.size(), block.stamp());
            charged += block.budget() == budgets[2] ? allocator.sizeOf(block.address()) : 0;
        }
        memory.quiesce();
        memory.verify();
        if (!memoryIsChecked()) {
            assertEquals(charged, budgets[2].used(), "seed=" + seed);
        }
    }

    /** In checked mode more is charged than may be used. */
    private boolean memoryIsChecked() {
        return allocator.checked() != null;
    }
}
