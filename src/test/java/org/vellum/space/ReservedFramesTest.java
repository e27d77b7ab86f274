package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.frame.FrameTable;
import org.vellum.gather.GatherMode;
import org.vellum.mmu.SpaceEntry;
import org.vellum.report.PageFaultException;

/** Frames of the caller's in a space: shown, never counted, never freed. */
final class ReservedFramesTest {
    private static final int FLAGS = Region.READ | Region.WRITE | Region.RESERVED;

    private final BackingWorld world = new BackingWorld(64);
    private final BackingWorld.Space space = world.new Space(64);

    private ReservedFrames of(final long... frames) {
        return new ReservedFrames(world.frames.table(), frames);
    }

    @Test
    void theCallersFramesAreShownAndStayTheCallers() {
        final long single = world.allocate(0);
        final long block = world.allocate(1);
        final long[] given = {single, block + 1, single};
        final ReservedFrames reserved = of(given);
        assertEquals(3, reserved.pages());
        space.map(8, 11, FLAGS, reserved, 0);
        given[1] = 0;
        space.store(8, 0, 1);
        space.store(9, 0, 2);
        assertEquals(1, space.load(10, 0), "the same frame");
        assertEquals(1, world.word(single));
        assertEquals(2, world.word(block + 1));
        for (long page = 8; page < 11; page++) {
            assertTrue(SpaceEntry.has(space.table.get(page), SpaceEntry.PRESENT | SpaceEntry.SPECIAL));
        }
        assertEquals(1, world.frames.table().count(single));
        assertEquals(0, world.frames.table().mapper(single));
        space.verify();
        space.unmap(8, 11, GatherMode.WAIT);
        assertEquals(FrameTable.ALLOCATED, world.frames.table().state(single));
        world.requireQuiet(3);
        world.free(single, 0);
        world.free(block, 1);
        world.requireQuiet(0);
    }

    @Test
    void neighboursAreNotMerged() {
        final long frame = world.allocate(0);
        final ReservedFrames reserved = of(frame, frame);
        space.map(8, 9, FLAGS, reserved, 0);
        space.map(9, 10, FLAGS, reserved, 1);
        assertNotSame(space.index.find(8), space.index.find(9));
        assertEquals(9, space.index.find(8).endPage());
        space.unmap(8, 10, GatherMode.WAIT);
        world.free(frame, 0);
        world.requireQuiet(0);
    }

    @Test
    void whatIsNotAllocatedIsRefused() {
        final long frame = world.allocate(0);
        for (final long bad : new long[] {0, -1, 1, Long.MAX_VALUE, Long.MIN_VALUE}) {
            final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> of(frame, bad));
            assertTrue(e.getMessage().contains("frames[1]=" + bad), e.getMessage());
        }
        assertThrows(IllegalArgumentException.class, this::of);
        world.free(frame, 0);
        assertThrows(IllegalArgumentException.class, () -> of(frame));
        world.requireQuiet(0);
    }

    @Test
    void whatItsOwnerHasFreedIsNotShownAnew() {
        final long frame = world.allocate(0);
        space.map(8, 9, FLAGS, of(frame), 0);
        UnsafeApi.putLong(world.frames.memory().nativeAddress(frame), 7);
        world.free(frame, 0);
        final PageFaultException e = assertThrows(PageFaultException.class, () -> space.load(8, 0));
        assertEquals(8 * 4096, e.address());
        space.unmap(8, 9, GatherMode.WAIT);
        world.requireQuiet(0);
    }
}
