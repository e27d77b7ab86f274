package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.space.SpaceWorld.PAGE;

import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vellum.StackDescent;
import org.vellum.gather.GatherMode;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/**
 * A stack that overflows anywhere in any operation of a space, at any depth: no lock is held, no gather or tombstone left behind, no entry without a
 * region, and no frame lost.
 */
final class SpaceStackOverflowTest {
    private static final int ROUNDS = 150;
    private static final int PAGES = 1200;

    private final SpaceWorld world = new SpaceWorld(1024);
    private final HookedBacking backing = new HookedBacking(world, true);
    private UnmapPolicy policy;
    private AddressSpace space;
    private AddressSpace next;
    private long operations;
    private long refusals;
    private final StackDescent descent = new StackDescent(this::turn);

    private void turn(final int what, final int depth) {
        final int dice = Math.floorMod(what * 31 + depth * 17, 101);
        final long address = (1 + dice * 11L) * PAGE;
        final long bytes = (1 + (what + depth) % 9) * PAGE;
        try {
            switch (Math.floorMod(what + depth, 9)) {
                case 0 -> space.map(bytes);
                case 1 -> space.mapFixed(address, bytes, dice % 2 == 0 ? MapOptions.DEFAULT.populated() : backing.options());
                case 2 -> space.unmap(address, bytes);
                case 3 -> space.protect(address, bytes, dice & 3);
                case 4 -> space.advise(address, bytes, Advice.values()[dice & 3]);
                case 5 -> space.access().putLong(address, dice);
                case 6 -> space.access().getLong(address);
                case 7 -> space.access().putLong(2 * PAGE + dice % 7 * PAGE, dice);
                default -> closeSometimes(dice);
            }
            operations++;
        } catch (final PageFaultException | IllegalArgumentException | ExhaustedException e) {
            refusals++;
        }
    }

    private void closeSometimes(final int dice) {
        if (dice % 8 == 0 && next == null) {
            next = world.space(PAGES, GatherMode.RETIRE, policy);
        } else if (dice % 8 == 1 && next != null) {
            space.close();
            // Only once it is closed: if that was thrown out of, it is tried again.
            space = next;
            next = null;
        }
    }

    private void round(final int what) {
        descent.run(what);
        assertFalse(world.cpus.inSection(), () -> "what=" + what);
        assertEquals(0, world.spaces.gathers().underWay(), () -> "what=" + what);
        for (final AddressSpace each : world.spaces.all()) {
            assertFalse(each.descriptor().lock.isHeld(), () -> "what=" + what);
            assertEquals(0, each.unfinished(), () -> "what=" + what);
            assertEquals(0, each.meminfo().goingBytes(), () -> "what=" + what);
            assertEquals(0, each.descriptor().freesUnderWay.get(), () -> "what=" + what);
            each.verify();
        }
    }

    @ParameterizedTest
    @EnumSource(UnmapPolicy.class)
    void atAnyDepth(final UnmapPolicy unmapPolicy) throws Exception {
        policy = unmapPolicy;
        space = world.space(PAGES, GatherMode.RETIRE, policy);
        for (int i = 0; i < ROUNDS; i++) {
            final int what = i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                round(what);
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 200_000 + (what % 60) * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
        }
        assertEquals(ROUNDS, descent.overflows());
        assertTrue(operations > 10L * ROUNDS && refusals > ROUNDS, () -> "operations=" + operations + " refusals=" + refusals);
        space.close();
        if (next != null) {
            next.close();
        }
        assertTrue(world.settledFrames() <= 1, () -> "frames in use=" + world.frames.allocatedFrames());
        world.close();
    }
}
