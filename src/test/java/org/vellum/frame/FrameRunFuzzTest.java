package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/** Random operations on runs, plain blocks and bulk frames from three slots, against one owner for each frame. */
class FrameRunFuzzTest {
    private static final int OPERATIONS = 600_000;
    private static final long BANK = 4 * FrameOptions.MIN_BANK_BYTES;
    private static final int BANK_ORDER = 6;
    private static final int BANK_FRAMES = 1 << BANK_ORDER;
    private static final int BANKS = 6;
    private static final int FRAMES = BANKS * BANK_FRAMES;
    private static final int SLOTS = 3;
    private static final int UNMARKED = 0;

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(BANKS * BANK, BANK));
    private final FrameTable table = frames.table();

    /** The naive model: who owns each frame; 0 for nobody. */
    private final long[] owners = new long[FRAMES + BANK_FRAMES];
    private final List<Holding> live = new ArrayList<>();
    private final List<Long> detached = new ArrayList<>();
    private long names;
    private long owned;
    private long exactTrims;
    private long growths;
    private long growthsRefused;
    private long shrinks;
    private long misuses;
    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private long exhausted;
    private long remarks;
    private long whileBusy;

    /** A run, or with mark 0 a plain block. */
    private static final class Holding {
        final long name;
        final long frame;
        long frames;
        int mark;

        Holding(final long name, final long frame, final long frames, final int mark) {
            this.name = name;
            this.frame = frame;
            this.frames = frames;
            this.mark = mark;
        }
    }

    @Test
    void shouldAgreeWithOneOwnerPerFrame() {
        System.out.println("FrameRunFuzzTest -Dseed=" + seed);
        int filling = 50;
        while (steps.next()) {
            if (steps.every(512)) {
                // Tides: long runs that mostly allocate or mostly free, or memory would hover half full.
                filling = 20 + random.nextInt(60);
            }
            step(filling);
            if (steps.every(1024)) {
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

    private boolean isCovered() {
        return exactTrims > 0 && growths > 0 && growthsRefused > 0 && shrinks > 0 && misuses > 0 && exhausted > 0
            && remarks > 0 && whileBusy > 0 && missing().isEmpty();
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
        steps.assertCovered(() -> "seed=" + seed + " exactTrims=" + exactTrims + " growths=" + growths + " growthsRefused="
            + growthsRefused + " shrinks=" + shrinks + " misuses=" + misuses + " exhausted=" + exhausted + " remarks=" + remarks
            + " whileBusy=" + whileBusy + " never happened: " + missing());
    }

    private void step(final int filling) {
        final int what = random.nextInt(1000);
        if (what < 500) {
            on(random.nextInt(100) < filling ? this::allocateRun : this::freeOne);
        } else if (what < 600) {
            on(random.nextInt(100) < filling ? this::allocateBlock : this::freeOne);
        } else if (what < 700) {
            on(this::grow);
        } else if (what < 780) {
            on(this::shrink);
        } else if (what < 830) {
            on(this::misuse);
        } else if (what < 870) {
            remark();
        } else if (what < 890) {
            on(this::bulk);
        } else if (what < 920) {
            on(this::whileBusy);
        } else if (what < 970) {
            on(frames::drain);
        } else if (what < 980) {
            frames.drainIdle();
        } else {
            detachOrRelease();
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

    private int randomMark() {
        return 1 + random.nextInt(random.nextBoolean() ? 3 : FrameTable.MAX_MARK);
    }

    /** Mostly short ones, now and then a whole bank's or more. */
    private long randomFrames() {
        final int limit = BANK_FRAMES >>> random.nextInt(BANK_ORDER);
        return 1 + random.nextInt(limit + 1);
    }

    private Holding any() {
        return live.get(random.nextInt(live.size()));
    }

    private void allocateRun(final Cpu cpu) {
        final long wanted = randomFrames();
        final int mark = randomMark();
        final long frame = frames.allocateRun(cpu, wanted, mark);
        if (frame == NO_FRAME) {
            exhausted++;
            assertTrue(wanted > 1 || owned + frames.cachedFrames() == FRAMES, "refused though there is one");
            return;
        }
        assertTrue(wanted <= BANK_FRAMES);
        final long aligned = wanted == 1 ? 1 : Long.highestOneBit(wanted - 1) << 1;
        assertEquals(0, frame & aligned - 1, "alignment of " + wanted);
        exactTrims += wanted == aligned ? 0 : 1;
        adopt(new Holding(++names, frame, wanted, mark));
    }

    private void allocateBlock(final Cpu cpu) {
        final int order = random.nextInt(BANK_ORDER + 1);
        final long frame = frames.allocate(cpu, order);
        if (frame != NO_FRAME) {
            adopt(new Holding(++names, frame, 1L << order, UNMARKED));
        }
    }

    private void adopt(final Holding holding) {
        live.add(holding);
        own(holding, holding.frame, holding.frame + holding.frames);
        checkHolding(holding);
    }

    private void own(final Holding holding, final long from, final long end) {
        assertTrue(from == end
            || from >= BANK_FRAMES && end <= owners.length && from >>> BANK_ORDER == end - 1 >>> BANK_ORDER);
        for (long frame = from; frame < end; frame++) {
            assertEquals(0, owners[(int)frame], "frame=" + frame + " has an owner");
            owners[(int)frame] = holding.name;
            UnsafeApi.putLong(frames.memory().nativeAddress(frame), holding.name);
        }
        owned += end - from;
    }

    private void disown(final Holding holding, final long from) {
        final long end = holding.frame + holding.frames;
        for (long frame = from; frame < end; frame++) {
            assertEquals(holding.name, owners[(int)frame]);
            assertEquals(holding.name, UnsafeApi.getLong(frames.memory().nativeAddress(frame)), "frame=" + frame);
            owners[(int)frame] = 0;
        }
        owned -= end - from;
    }

    private void checkHolding(final Holding holding) {
        assertEquals(holding.mark, table.mark(holding.frame));
        assertEquals(holding.mark == UNMARKED ? 0 : holding.frames, table.runFrames(holding.frame));
    }

    private void freeOne(final Cpu cpu) {
        if (!live.isEmpty()) {
            final int at = random.nextInt(live.size());
            final Holding holding = live.get(at);
            live.set(at, live.get(live.size() - 1));
            live.remove(live.size() - 1);
            checkHolding(holding);
            disown(holding, holding.frame);
            if (holding.mark == UNMARKED) {
                frames.free(cpu, holding.frame, Long.numberOfTrailingZeros(holding.frames));
            } else {
                frames.freeRun(cpu, holding.frame, holding.mark);
            }
        }
    }

    private void grow(final Cpu cpu) {
        if (!live.isEmpty()) {
            final Holding holding = any();
            if (holding.mark != UNMARKED) {
                final long newFrames = holding.frames + random.nextInt(random.nextBoolean() ? 4 : BANK_FRAMES);
                final boolean free = isFreeBehind(holding, newFrames);
                if (frames.growRun(cpu, holding.frame, newFrames)) {
                    assertTrue(free, "over somebody's frames");
                    own(holding, holding.frame + holding.frames, holding.frame + newFrames);
                    growths += newFrames == holding.frames ? 0 : 1;
                    holding.frames = newFrames;
                } else {
                    growthsRefused++;
                    assertTrue(!free, "refused though the frames behind are free");
                }
                checkHolding(holding);
            }
        }
    }

    /** By the state that the table shows: free, and not in the list of a slot. */
    private boolean isFreeBehind(final Holding holding, final long newFrames) {
        // Whoever takes the lock empties the overflow stack first.
        assertTrue(frames.buddy().tryLock());
        frames.buddy().unlock();
        for (long frame = holding.frame + holding.frames; frame < holding.frame + newFrames; frame++) {
            if (frame >>> BANK_ORDER != holding.frame >>> BANK_ORDER || owners[(int)frame] != 0
                || table.state(table.head(frame)) != FrameTable.FREE) {
                return false;
            }
        }
        return true;
    }

    private void shrink(final Cpu cpu) {
        if (!live.isEmpty()) {
            final Holding holding = any();
            if (holding.mark != UNMARKED) {
                final long newFrames = 1 + random.nextInt((int)holding.frames);
                disown(holding, holding.frame + newFrames);
                shrinks += newFrames == holding.frames ? 0 : 1;
                holding.frames = newFrames;
                frames.shrinkRun(cpu, holding.frame, newFrames);
                checkHolding(holding);
            }
        }
    }

    private void misuse(final Cpu cpu) {
        final long frame = random.nextInt(-5, FRAMES + 2 * BANK_FRAMES);
        final int mark = randomMark();
        final Holding holding = live.stream().filter(h -> h.frame == frame).findAny().orElse(null);
        if (holding == null || holding.mark != mark) {
            refused(() -> frames.freeRun(cpu, frame, mark));
        }
        if (holding == null || holding.mark == UNMARKED) {
            refused(() -> frames.growRun(cpu, frame, 200));
            refused(() -> frames.shrinkRun(cpu, frame, 1));
        } else {
            refused(() -> frames.growRun(cpu, frame, holding.frames - 1));
            refused(() -> frames.shrinkRun(cpu, frame, holding.frames + 1));
        }
        if (holding == null || holding.mark != UNMARKED) {
            refused(() -> frames.free(cpu, frame, random.nextInt(BANK_ORDER + 1)));
            refused(() -> frames.get(frame));
        }
    }

    private void refused(final Runnable misuse) {
        final Class<? extends RuntimeException> type = assertThrows(RuntimeException.class, misuse::run).getClass();
        assertTrue(type == IllegalArgumentException.class || type == IllegalStateException.class, type.getName());
        misuses++;
    }

    /** A block becomes a run, a run changes its mark, and if it is one block it may become a plain one. */
    private void remark() {
        if (!live.isEmpty()) {
            final Holding holding = any();
            final boolean isBlock = 1L << table.order(holding.frame) == holding.frames;
            final int mark = isBlock && random.nextBoolean() ? UNMARKED : randomMark();
            assertTrue(table.changeMark(holding.frame, holding.mark, mark));
            holding.mark = mark;
            checkHolding(holding);
            remarks++;
        }
    }

    private void bulk(final Cpu cpu) {
        final long[] array = new long[150];
        final int got = frames.allocateBulk(cpu, array, 0, 1 + random.nextInt(array.length));
        if (random.nextInt(8) == 0) {
            for (int i = 0; i < got; i++) {
                adopt(new Holding(++names, array[i], 1, UNMARKED));
            }
        } else {
            frames.freeBulk(cpu, array, 0, got);
        }
    }

    /** What is given back goes on the overflow stack. */
    private void whileBusy(final Cpu cpu) {
        assertTrue(frames.buddy().tryLock());
        try {
            for (int i = random.nextInt(12); i > 0; i--) {
                if (random.nextBoolean()) {
                    freeOne(cpu);
                } else {
                    shrink(cpu);
                }
                whileBusy++;
            }
        } finally {
            frames.buddy().unlock();
        }
    }

    private void detachOrRelease() {
        if (!detached.isEmpty() && random.nextBoolean()) {
            frames.releaseBank(detached.remove(random.nextInt(detached.size())));
        } else {
            final long ticket = frames.detachFreeBank();
            final int bank = (int)ticket;
            for (int i = 0; ticket >= 0 && i < BANK_FRAMES; i++) {
                assertEquals(0, owners[(bank << BANK_ORDER) + i], "bank=" + bank + " is in use");
            }
            if (ticket >= 0) {
                detached.add(ticket);
            }
        }
    }

    private void check() {
        frames.verify();
        assertEquals(owned, frames.allocatedFrames());
        assertEquals(FRAMES, frames.freeFrames() + frames.allocatedFrames());
        for (final Holding holding : live) {
            checkHolding(holding);
            for (long frame = holding.frame; frame < holding.frame + holding.frames; frame++) {
                assertEquals(holding.name, owners[(int)frame]);
                final int state = table.state(frame);
                assertTrue(state == FrameTable.ALLOCATED || state == FrameTable.TAIL, "frame=" + frame);
                assertEquals(holding.name, UnsafeApi.getLong(frames.memory().nativeAddress(frame)),
                    "frame=" + frame + " of " + holding.frame + " at " + (frame - holding.frame) * Pages.SIZE);
            }
        }
    }
}
