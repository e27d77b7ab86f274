package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/** Random operations on tiny banks from three slots, against a bitmap of the frames that are allocated. */
class FrameAllocatorFuzzTest {
    private static final int OPERATIONS = 1_200_000;
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_ORDER = 4;
    private static final int BANKS = 16;
    private static final int FRAMES = BANKS << BANK_ORDER;
    private static final int SLOTS = 3;

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));

    /** The naive model: which frames are allocated, in which blocks, and which banks wait for their release. */
    private final BitSet allocated = new BitSet();
    private final List<Block> live = new ArrayList<>();
    private final List<Long> detached = new ArrayList<>();
    private long stamp;
    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private long exhausted;
    private long refusals;
    private long splits;

    private static final class Block {
        final long frame;
        final int order;
        final long stamp;
        int references = 1;

        Block(final long frame, final int order, final long stamp) {
            this.frame = frame;
            this.order = order;
            this.stamp = stamp;
        }
    }

    @Test
    void shouldAgreeWithABitmap() {
        System.out.println("FrameAllocatorFuzzTest -Dseed=" + seed);
        int filling = 50;
        while (steps.next()) {
            if (steps.every(512)) {
                // Tides: long runs that mostly allocate or mostly free, or memory would hover half full.
                filling = 20 + random.nextInt(60);
            }
            step(filling);
            if (steps.every(4096)) {
                check();
            }
        }
        while (!live.isEmpty()) {
            on(this::freeOne);
        }
        frames.drainIdle();
        check();
        assertEquals(0, frames.cachedFrames());
        assertCoverage();
    }

    private void step(final int filling) {
        final int what = random.nextInt(1000);
        if (what < 850) {
            on(cpu -> allocateOrFree(cpu, filling));
        } else if (what < 900) {
            on(this::reference);
        } else if (what < 930) {
            on(this::misuse);
        } else if (what < 950) {
            on(this::bulk);
        } else if (what < 970) {
            on(this::freeWhileBusy);
        } else if (what < 980) {
            on(this::split);
        } else if (what < 985) {
            on(frames::drain);
        } else if (what < 988) {
            frames.drainIdle();
        } else if (what < 994) {
            detach();
        } else {
            release();
        }
    }

    private interface Operation {
        void run(Cpu cpu);
    }

    private void on(final Operation operation) {
        final Cpu cpu = cpus.tryVisit(random.nextInt(SLOTS));
        assertNotNull(cpu);
        try {
            operation.run(cpu);
        } finally {
            cpu.exit();
        }
    }

    private void allocateOrFree(final Cpu cpu, final int filling) {
        if (random.nextInt(100) < filling) {
            final int order = Math.min(BANK_ORDER, Long.numberOfTrailingZeros(random.nextLong()));
            final long frame = frames.allocate(cpu, order);
            if (frame != NO_FRAME) {
                adopt(frame, order);
            } else {
                exhausted++;
                checkExhausted(cpu);
            }
        } else {
            freeOne(cpu);
        }
    }

    /**
     * Exhausted for this slot: what is free is in the lists of others, or too scattered; for order 0, in lists alone.
     */
    private void checkExhausted(final Cpu cpu) {
        final long frame = frames.allocate(cpu, 0);
        if (frame != NO_FRAME) {
            adopt(frame, 0);
        } else {
            // Banks that wait for their release are taken back before anybody hears of exhaustion.
            assertEquals(FRAMES, allocated.cardinality() + frames.cachedFrames());
        }
    }

    private void adopt(final long frame, final int order) {
        final Block block = new Block(frame, order, ++stamp);
        final int from = (int)frame;
        final int to = from + (1 << order);
        assertTrue(from >= 1 << BANK_ORDER && to <= FRAMES + (1 << BANK_ORDER) && frame % (1L << order) == 0,
            "frame=" + frame);
        final int taken = allocated.nextSetBit(from);
        assertTrue(taken < 0 || taken >= to, "frame=" + frame + " order=" + order + " overlaps " + taken);
        assertEquals(FrameTable.ALLOCATED, frames.table().state(frame));
        assertEquals(order, frames.table().order(frame));
        allocated.set(from, to);
        live.add(block);
        for (int i = from; i < to; i++) {
            final long address = frames.memory().nativeAddress(i);
            assertEquals(i, frames.memory().frameOf(address));
            UnsafeApi.putLong(address, block.stamp);
            UnsafeApi.putLong(address + Pages.SIZE - Long.BYTES, ~block.stamp);
        }
    }

    /** Takes a random block out of the model; its content must be as written. */
    private Block disown() {
        final int at = random.nextInt(live.size());
        final Block block = live.get(at);
        live.set(at, live.get(live.size() - 1));
        live.remove(live.size() - 1);
        for (int i = 0; i < 1 << block.order; i++) {
            final long address = frames.memory().nativeAddress(block.frame + i);
            assertEquals(block.stamp, UnsafeApi.getLong(address), "frame=" + block.frame);
            assertEquals(~block.stamp, UnsafeApi.getLong(address + Pages.SIZE - Long.BYTES), "frame=" + block.frame);
        }
        allocated.clear((int)block.frame, (int)block.frame + (1 << block.order));
        return block;
    }

    private void freeOne(final Cpu cpu) {
        if (live.isEmpty()) {
            return;
        }
        final Block block = disown();
        for (; block.references > 1; block.references--) {
            assertEquals(block.references, frames.table().count(block.frame));
            assertFalse(frames.put(cpu, block.frame));
        }
        if (random.nextBoolean()) {
            assertTrue(frames.put(cpu, block.frame));
        } else {
            frames.free(cpu, block.frame, block.order);
        }
    }

    private void reference(final Cpu cpu) {
        if (!live.isEmpty()) {
            final Block block = live.get(random.nextInt(live.size()));
            frames.get(block.frame);
            block.references++;
            assertThrows(IllegalStateException.class, () -> frames.free(cpu, block.frame, block.order));
        }
    }

    private void misuse(final Cpu cpu) {
        final long frame = random.nextInt(-5, FRAMES + (2 << BANK_ORDER));
        final int order = random.nextInt(-1, BANK_ORDER + 2);
        final boolean right = live.stream().anyMatch(b -> b.frame == frame && b.order == order && b.references == 1);
        if (!right) {
            final Class<? extends RuntimeException> type = assertThrows(RuntimeException.class,
                () -> frames.free(cpu, frame, order)).getClass();
            assertTrue(type == IllegalArgumentException.class || type == IllegalStateException.class, type.getName());
            refusals++;
        }
    }

    private void bulk(final Cpu cpu) {
        final long[] array = new long[150];
        final int got = frames.allocateBulk(cpu, array, 0, 1 + random.nextInt(array.length));
        if (random.nextInt(8) == 0) {
            for (int i = 0; i < got; i++) {
                adopt(array[i], 0);
            }
        } else {
            frames.freeBulk(cpu, array, 0, got);
        }
    }

    private void freeWhileBusy(final Cpu cpu) {
        assertTrue(frames.buddy().tryLock());
        try {
            for (int i = random.nextInt(24); i > 0; i--) {
                freeOne(cpu);
            }
        } finally {
            frames.buddy().unlock();
        }
    }

    private void split(final Cpu cpu) {
        if (!live.isEmpty()) {
            final Block block = live.get(random.nextInt(live.size()));
            if (block.references == 1) {
                live.remove(block);
                frames.split(block.frame, block.order);
                for (int i = 0; i < 1 << block.order; i++) {
                    live.add(new Block(block.frame + i, 0, block.stamp));
                }
                splits++;
            }
        }
    }

    private void detach() {
        final long ticket = frames.detachFreeBank();
        if (ticket >= 0) {
            final int bank = (int)ticket;
            final int next = allocated.nextSetBit(bank << BANK_ORDER);
            assertTrue(next < 0 || next >= bank + 1 << BANK_ORDER, "bank=" + bank + " is in use");
            assertEquals(0, frames.memory().nativeAddressOrZero(bank * BANK));
            detached.add(ticket);
        }
    }

    private void release() {
        if (!detached.isEmpty()) {
            frames.releaseBank(detached.remove(random.nextInt(detached.size())));
        }
    }

    private void check() {
        frames.verify();
        assertEquals(allocated.cardinality(), frames.allocatedFrames());
        assertEquals(FRAMES, frames.freeFrames() + frames.allocatedFrames());
    }

    private boolean isCovered() {
        return exhausted > 0 && refusals > 0 && splits > 0 && missing().isEmpty();
    }

    private List<FrameEvent> missing() {
        final List<FrameEvent> missing = new ArrayList<>();
        for (final FrameEvent event : FrameEvent.values()) {
            if (event != FrameEvent.BANK_REFUSED && frames.events(event) == 0) {
                missing.add(event);
            }
        }
        return missing;
    }

    private void assertCoverage() {
        steps.assertCovered(() -> "seed=" + seed + " exhausted=" + exhausted + " refusals=" + refusals + " splits=" + splits
            + " never happened: " + missing());
        while (!detached.isEmpty()) {
            release();
        }
        assertEquals(frames.events(FrameEvent.BANK_DETACHED),
            frames.events(FrameEvent.BANK_RELEASED) + frames.events(FrameEvent.BANK_TAKEN_BACK));
    }
}
