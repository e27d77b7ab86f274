package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.file.FakeIo;
import org.vellum.frame.FrameTable;
import org.vellum.gather.GatherMode;
import org.vellum.mmu.SpaceEntry;
import org.vellum.report.FaultHandlerException;
import org.vellum.report.FaultHandlerException.Reason;
import org.vellum.report.Listener;

/** Fault handlers, and everything that they may do wrong: a typed error in the faulting thread, and nothing is changed. */
final class HandlerBackingTest {
    private static final int FLAGS = Region.READ | Region.WRITE;
    private static final int MARK = 0x77;

    private final BackingWorld world = new BackingWorld(256);
    private final BackingWorld.Space space = world.new Space(1024);
    private final List<String> heard = Collections.synchronizedList(new ArrayList<>());
    private final Listener listener = new Listener() {
        @Override
        public void releaseFailed(final String what, final long token, final Throwable error) {
            heard.add(what + " " + token + " " + error);
        }
    };

    private HandlerBacking map(final BackingWorld.Space where, final UserFaultHandler handler) {
        final HandlerBacking backing = new HandlerBacking(handler, world.files.frames, where.id, listener);
        where.map(16, 32, FLAGS, backing, 0);
        return backing;
    }

    private FaultHandlerException refused(final Reason reason) {
        final FaultHandlerException e = assertThrows(FaultHandlerException.class, () -> space.fault(17, true));
        assertEquals(reason, e.reason(), e.getMessage());
        assertEquals(17 * 4096, e.address());
        assertTrue(SpaceEntry.isNone(space.table.get(17)));
        space.verify();
        return e;
    }

    private void requireNothingLeft() {
        space.unmap(16, 32, GatherMode.WAIT);
        space.verify();
        world.requireQuiet(0);
    }

    @Test
    void whatItGivesIsShownUntilItIsUnmapped() {
        final long[] asked = new long[2];
        map(space, (address, write) -> {
            final long frame = world.allocate(0);
            asked[0] = address;
            asked[1] = write ? 1 : 0;
            UnsafeApi.putLong(world.frames.memory().nativeAddress(frame), 4711);
            return frame;
        });
        assertEquals(4711, space.load(18, 0));
        assertEquals(18 * 4096, asked[0]);
        assertEquals(0, asked[1]);
        // A handler gives a page for itself: what is stored goes to it, at once.
        space.store(18, 8, 815);
        space.store(19, 8, 816);
        assertEquals(1, asked[1]);
        final long frame = world.frames.memory().frameOf(SpaceEntry.nativePage(space.table.get(18)));
        assertEquals(space.id, world.frames.table().mapper(frame));
        // The user keeps what it has taken a reference to.
        world.frames.get(frame);
        space.unmap(16, 32, GatherMode.WAIT);
        assertEquals(1, world.frames.table().count(frame));
        assertEquals(815, UnsafeApi.getLong(world.frames.memory().nativeAddress(frame) + 8));
        world.put(frame);
        world.requireQuiet(0);
    }

    @Test
    void throwing() {
        final RuntimeException mine = new IllegalStateException("mine");
        map(space, (address, write) -> {
            throw mine;
        });
        assertSame(mine, refused(Reason.THREW).getCause());
        requireNothingLeft();
    }

    @Test
    void throwingAnError() {
        map(space, (address, write) -> {
            throw new StackOverflowError();
        });
        assertEquals(StackOverflowError.class, refused(Reason.THREW).getCause().getClass());
        requireNothingLeft();
    }

    @Test
    void reentering() {
        final long[] given = new long[1];
        map(space, (address, write) -> {
            if (address == 20 * 4096) {
                given[0] = world.allocate(0);
                return given[0];
            }
            return space.load(20, 0);
        });
        final FaultHandlerException inner = (FaultHandlerException)refused(Reason.THREW).getCause();
        assertEquals(Reason.REENTERED, inner.reason());
        assertEquals(20 * 4096, inner.address());
        // It is over: the same thread may fault again.
        assertTrue(space.fault(20, false));
        requireNothingLeft();
    }

    @Test
    void anotherRegionMayBeTouchedFromWithin() {
        final HandlerBacking other = new HandlerBacking((address, write) -> world.allocate(0), world.files.frames, space.id, listener);
        space.map(64, 65, FLAGS, other, 0);
        map(space, (address, write) -> {
            space.store(64, 0, 5);
            return world.allocate(0);
        });
        assertTrue(space.fault(17, false));
        assertEquals(5, space.load(64, 0));
        space.unmap(64, 65, GatherMode.WAIT);
        requireNothingLeft();
    }

    @Test
    void givingNoFrame() {
        final long[] next = {-1};
        map(space, (address, write) -> next[0]);
        refused(Reason.NO_FRAME);
        next[0] = 0;
        refused(Reason.NO_FRAME);
        next[0] = 1;
        refused(Reason.NO_SUCH_FRAME);
        next[0] = Long.MAX_VALUE;
        refused(Reason.NO_SUCH_FRAME);
        next[0] = Long.MIN_VALUE;
        refused(Reason.NO_SUCH_FRAME);
        requireNothingLeft();
    }

    @Test
    void givingAFreeFrame() {
        final long frame = world.allocate(0);
        world.free(frame, 0);
        map(space, (address, write) -> frame);
        refused(Reason.FREE);
        requireNothingLeft();
    }

    @Test
    void givingPartsOfABlock() {
        final long block = world.allocate(2);
        final long[] next = {block};
        map(space, (address, write) -> next[0]);
        refused(Reason.INSIDE_BLOCK);
        next[0] = block + 1;
        refused(Reason.INSIDE_BLOCK);
        assertEquals(2, world.frames.table().order(block));
        world.free(block, 2);
        requireNothingLeft();
    }

    @Test
    void givingAMarkedFrame() {
        final long frame = world.allocate(0);
        final FrameTable table = world.frames.table();
        assertTrue(table.compareAndSetMark(frame, 0, 0, MARK));
        map(space, (address, write) -> frame);
        refused(Reason.MARKED);
        assertEquals(MARK, table.mark(frame));
        assertTrue(table.compareAndSetMark(frame, 0, MARK, 0));
        world.free(frame, 0);
        requireNothingLeft();
    }

    @Test
    void givingAFrameThatTheSpaceShowsAtAnotherPage() {
        map(space, (address, write) -> address == 16 * 4096 ? world.allocate(0)
            : world.frames.memory().frameOf(SpaceEntry.nativePage(space.table.get(16))));
        assertTrue(space.fault(16, true));
        refused(Reason.MAPPED);
        requireNothingLeft();
    }

    @Test
    void givingAReferencedFrame() {
        final long frame = world.allocate(0);
        world.frames.get(frame);
        map(space, (address, write) -> frame);
        refused(Reason.REFERENCED);
        assertEquals(2, world.frames.table().count(frame));
        assertEquals(0, world.frames.table().mapper(frame));
        world.put(frame);
        world.put(frame);
        requireNothingLeft();
    }

    @Test
    void givingAFrameOfAnotherSpace() {
        final BackingWorld.Space other = world.new Space(64);
        final long[] frame = new long[1];
        map(other, (address, write) -> {
            frame[0] = world.allocate(0);
            return frame[0];
        });
        assertTrue(other.fault(17, true));
        other.store(17, 0, 99);
        map(space, (address, write) -> frame[0]);
        refused(Reason.MAPPED);
        assertEquals(other.id, world.frames.table().mapper(frame[0]));
        assertEquals(99, other.load(17, 0));
        other.unmap(16, 32, GatherMode.WAIT);
        requireNothingLeft();
    }

    @Test
    void givingAFrameOfAFile() {
        final SpaceFile file = world.files.open("fake", 4096, new FakeIo(4096));
        final long frame = file.frame(0, 0, true);
        file.giveBack(frame);
        map(space, (address, write) -> frame);
        refused(Reason.MAPPED);
        file.verify();
        file.close();
        requireNothingLeft();
    }

    @Test
    void insideASectionItIsCalledThere() {
        map(space, (address, write) -> world.cpus.inSection() ? world.allocate(0) : -1);
        final Cpu cpu = world.cpus.enter();
        try {
            assertTrue(space.fault(17, true));
        } finally {
            cpu.exit();
        }
        final FaultHandlerException e = assertThrows(FaultHandlerException.class, () -> space.fault(18, true));
        assertEquals(Reason.NO_FRAME, e.reason(), "outside it is not in a section");
        requireNothingLeft();
    }

    /** A handler that holds each thread until the other is there, too. */
    private List<Long> twoFaultsOfOnePage(final boolean takesBack, final boolean throwsThen) throws Exception {
        final CyclicBarrier both = new CyclicBarrier(2);
        final List<Long> back = Collections.synchronizedList(new ArrayList<>());
        map(space, new UserFaultHandler() {
            @Override
            public long frame(final long address, final boolean write) {
                try {
                    both.await();
                } catch (final Exception e) {
                    throw new AssertionError(e);
                }
                return world.allocate(0);
            }

            @Override
            public boolean unused(final long address, final long frame) {
                assertEquals(17 * 4096, address);
                assertEquals(0, world.frames.table().mapper(frame));
                assertEquals(1, world.frames.table().count(frame));
                back.add(frame);
                if (throwsThen) {
                    throw new IllegalStateException("not now");
                }
                return takesBack;
            }
        });
        final FutureTask<Boolean> other = new FutureTask<>(() -> space.fault(17, true));
        new Thread(other, "other").start();
        final boolean mine = space.fault(17, true);
        assertNotEquals(mine, other.get(), "one installs, the other gives back");
        assertEquals(1, back.size());
        assertNotEquals(back.get(0), world.frames.memory().frameOf(SpaceEntry.nativePage(space.table.get(17))));
        return back;
    }

    @Test
    void ofTwoFaultsOneIsInstalledAndTheOtherFreed() throws Exception {
        final long back = twoFaultsOfOnePage(false, false).get(0);
        assertNotEquals(FrameTable.ALLOCATED, world.frames.table().state(back));
        requireNothingLeft();
    }

    @Test
    void ofTwoFaultsOneIsInstalledAndTheOtherKept() throws Exception {
        final long back = twoFaultsOfOnePage(true, false).get(0);
        assertEquals(FrameTable.ALLOCATED, world.frames.table().state(back));
        assertTrue(heard.isEmpty());
        world.free(back, 0);
        requireNothingLeft();
    }

    @Test
    void whatThrowsWhenItGetsAFrameBackHasIt() throws Exception {
        final long back = twoFaultsOfOnePage(false, true).get(0);
        assertEquals(FrameTable.ALLOCATED, world.frames.table().state(back));
        assertEquals(List.of("unused frame of a fault handler " + back + " java.lang.IllegalStateException: not now"), heard);
        world.free(back, 0);
        requireNothingLeft();
    }

    /** Each gives the same frame for two pages at once. */
    @Test
    void oneFrameForTwoPagesIsGivenOnce() throws Exception {
        final long frame = world.allocate(0);
        final CyclicBarrier both = new CyclicBarrier(2);
        map(space, (address, write) -> {
            try {
                both.await();
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
            return frame;
        });
        final FutureTask<Throwable> other = new FutureTask<>(() -> tryFault(18));
        new Thread(other, "other").start();
        final Throwable mine = tryFault(17);
        final Throwable theirs = other.get();
        assertTrue(mine == null ^ theirs == null, mine + " and " + theirs);
        final FaultHandlerException loser = (FaultHandlerException)(mine == null ? theirs : mine);
        assertEquals(Reason.MAPPED, loser.reason());
        assertEquals(1, world.frames.table().count(frame));
        requireNothingLeft();
    }

    private Throwable tryFault(final long page) {
        try {
            space.fault(page, true);
            return null;
        } catch (final FaultHandlerException e) {
            return e;
        }
    }

    @Test
    void whatCameTooLateForItsRegionIsGivenBack() {
        final long[] given = new long[1];
        map(space, (address, write) -> {
            given[0] = world.allocate(0);
            // The page goes while the handler is at work.
            space.unmap(16, 32, GatherMode.WAIT);
            return given[0];
        });
        assertFalse(space.fault(17, true));
        assertNotEquals(FrameTable.ALLOCATED, world.frames.table().state(given[0]));
        assertNull(space.index.find(17));
        requireNothingLeft();
    }
}
