package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.HighWorld.PAGE;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.file.FakeIo;
import org.vellum.report.ExhaustedException;

/** Devices that are full, broken, slow or moody, and threads that meet in the middle of a read or write. */
final class HighFailureTest {
    private static final Path PATH = Path.of("fake");
    private static final int PAGES = 64;

    private final FakeIo io = new FakeIo(PAGES * PAGE);

    private HighMemory open(final HighWorld world, final FakeIo fake) {
        try {
            return world.cache.open(PATH, PAGES * PAGE, fake, fake);
        } catch (final IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Runs the body in a thread and waits until that is parked or through. */
    private static FutureTask<Integer> parked(final java.util.concurrent.Callable<Integer> body, final AtomicReference<Thread> who) {
        final FutureTask<Integer> task = new FutureTask<>(body);
        final Thread thread = new Thread(task, "other");
        who.set(thread);
        thread.setDaemon(true);
        thread.start();
        while (!task.isDone() && thread.getState() != Thread.State.TIMED_WAITING && thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return task;
    }

    @Test
    void aFullDiskLosesNothing() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        io.limit = 2 * PAGE;
        for (int i = 0; i < 4; i++) {
            world.put(high.frame(i), 0, i + 1);
        }
        // Pages 0 and 1 have room; then the dirty ones fill the cache, and nothing is to be had.
        world.put(high.frame(0), 8, 1);
        int failures = 0;
        HighMemoryException last = null;
        for (int i = 10; i < 20; i++) {
            try {
                world.cache.unpin(world.pin(high.frame(i), true));
            } catch (final HighMemoryException e) {
                failures++;
                last = e;
            }
        }
        assertTrue(failures > 0, "the disk was full");
        assertTrue(last.getMessage().contains("cannot write") && last.getMessage().contains("No space left"), last.getMessage());
        assertNotEquals(HighMemoryException.NO_FRAME, last.frame());
        world.cache.verify();
        assertThrows(HighMemoryException.class, high::force);
        final HighMemoryException close = assertThrows(HighMemoryException.class, high::close);
        assertTrue(close.getMessage().contains("No space left"), close.getMessage());
        for (int i = 0; i < 4; i++) {
            final int index = world.cache.tryPin(high.frame(i), false);
            assertEquals(i + 1, index < 0 ? io.getLong(i * PAGE) : UnsafeApi.getLong(world.cache.nativePage(index)), "page=" + i);
            assertTrue(index >= 0 || i < 2, "what has no room in the file is in the cache: page=" + i);
            if (index >= 0) {
                world.cache.unpin(index);
            }
        }
        io.limit = Long.MAX_VALUE;
        high.close();
        for (int i = 0; i < 4; i++) {
            assertEquals(i + 1, io.getLong(i * PAGE));
        }
        assertTrue(io.closed);
        world.requireClosed();
    }

    /** A dirty page of a full disk does not keep pages of another file out, as long as there is a clean one. */
    @Test
    void oneFullDiskDoesNotStopTheOther() {
        final HighWorld world = new HighWorld(4);
        final HighMemory full = open(world, io);
        final FakeIo fine = new FakeIo(PAGES * PAGE);
        final HighMemory other = open(world, fine);
        for (int i = 0; i < 3; i++) {
            world.put(full.frame(i), 0, i + 1);
        }
        io.limit = 0;
        for (int i = 0; i < PAGES; i++) {
            world.put(other.frame(i), 0, i);
        }
        for (int i = 0; i < PAGES; i++) {
            assertEquals(i, world.get(other.frame(i), 0));
        }
        assertTrue(world.count(CacheEvent.FAILURE) > 0);
        other.close();
        io.limit = Long.MAX_VALUE;
        full.close();
        assertEquals(3, io.getLong(2 * PAGE));
        world.requireClosed();
    }

    /** Force tries all pages, tells the first, and those that were written are clean. */
    @Test
    void forceGoesOnBehindAPageThatCannotBeWritten() {
        final HighWorld world = new HighWorld(8);
        final HighMemory high = open(world, io);
        for (int i = 0; i < 16; i += 2) {
            world.put(high.frame(i), 0, i + 1);
        }
        io.beforeWrite = (position, bytes) -> {
            if (position == 4 * PAGE || position == 8 * PAGE) {
                throw new IOException("bad sector");
            }
        };
        final HighMemoryException failed = assertThrows(HighMemoryException.class, high::force);
        assertEquals(high.frame(4), failed.frame());
        assertEquals(7, io.getLong(6 * PAGE));
        assertEquals(15, io.getLong(14 * PAGE));
        io.beforeWrite = (position, bytes) -> { };
        io.written.clear();
        high.force();
        assertEquals(List.of(4L * PAGE, 8L * PAGE), io.written);
        high.close();
        world.requireClosed();
    }

    /** Neighbours go by one call: that one of them is bad is no reason not to write the others. */
    @Test
    void forceWritesTheNeighboursOfAPageThatCannotBeWritten() {
        final HighWorld world = new HighWorld(8);
        final HighMemory high = open(world, io);
        for (int i = 3; i < 8; i++) {
            world.put(high.frame(i), 0, i + 1);
        }
        io.beforeWrite = (position, bytes) -> {
            if (position <= 5 * PAGE && position + bytes > 5 * PAGE) {
                throw new IOException("bad sector");
            }
        };
        assertEquals(high.frame(5), assertThrows(HighMemoryException.class, high::force).frame());
        for (int i = 3; i < 8; i++) {
            assertEquals(i == 5 ? 0 : i + 1, io.getLong(i * PAGE), "page=" + i);
        }
        io.beforeWrite = (position, bytes) -> { };
        io.written.clear();
        high.close();
        assertEquals(List.of(5L * PAGE), io.written);
        world.requireClosed();
    }

    @Test
    void aPageThatCannotBeReadLeavesNoTrace() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        io.beforeRead = (position, bytes) -> {
            if (position <= 5 * PAGE && position + bytes > 5 * PAGE) {
                throw new IOException("bad sector");
            }
        };
        for (int i = 0; i < 3; i++) {
            final HighMemoryException failed = assertThrows(HighMemoryException.class, () -> world.pin(high.frame(5), true));
            assertEquals(high.frame(5), failed.frame());
            assertSame(PATH, failed.path());
            assertEquals("bad sector", failed.getCause().getMessage());
            assertEquals(-1, world.cache.tryPin(high.frame(5), false));
        }
        // A row with a bad page: the good ones come.
        final HighMemoryException row =
            assertThrows(HighMemoryException.class, () -> high.prefetch(high.frame(3), high.frame(4), high.frame(5), high.frame(6)));
        assertEquals(high.frame(5), row.frame());
        assertNotEquals(-1, world.cache.tryPin(high.frame(4), false));
        world.cache.unpin(world.cache.directory.hash.get(high.frame(4)));
        world.cache.verify();
        io.beforeRead = (position, bytes) -> { };
        world.put(high.frame(5), 0, 5);
        high.close();
        assertEquals(5, io.getLong(5 * PAGE));
        world.requireClosed();
    }

    /** Errors that are no I/O errors, too: the claim is given back. */
    @Test
    void anErrorInTheMiddleLeavesNoClaim() {
        final HighWorld world = new HighWorld(1);
        final HighMemory high = open(world, io);
        io.beforeRead = (position, bytes) -> {
            throw new StackOverflowError("read");
        };
        assertThrows(StackOverflowError.class, () -> world.pin(high.frame(0), false));
        assertThrows(StackOverflowError.class, () -> high.prefetch(high.frame(0)));
        io.beforeRead = (position, bytes) -> { };
        world.put(high.frame(0), 0, 1);
        io.beforeWrite = (position, bytes) -> {
            throw new OutOfMemoryError("write");
        };
        assertThrows(OutOfMemoryError.class, () -> world.pin(high.frame(1), false));
        assertThrows(OutOfMemoryError.class, high::force);
        io.beforeWrite = (position, bytes) -> { };
        world.cache.verify();
        assertEquals(1, world.get(high.frame(0), 0));
        high.close();
        assertEquals(1, io.getLong(0));
        world.requireClosed();
    }

    /** What a device has refused to make safe is written again, though it had been written. */
    @Test
    void afterAFailedSyncEverythingIsWrittenAgain() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        world.put(high.frame(1), 0, 11);
        io.beforeForce = (position, bytes) -> {
            throw new IOException("lost in the controller");
        };
        assertTrue(assertThrows(HighMemoryException.class, high::force).getMessage().contains("cannot force"));
        assertTrue(assertThrows(HighMemoryException.class, high::close).getMessage().contains("cannot close"));
        io.beforeForce = (position, bytes) -> { };
        io.written.clear();
        high.force();
        assertEquals(List.of((long)PAGE), io.written);
        high.close();
        world.requireClosed();
    }

    @Test
    void aFileThatMovesAFewBytesAtATime() {
        final HighWorld world = new HighWorld(2);
        final HighMemory high = open(world, io);
        io.portion = 1000;
        for (int i = 0; i < 8; i++) {
            world.put(high.frame(i), 4088, i + 1);
        }
        for (int i = 0; i < 8; i++) {
            assertEquals(i + 1, world.get(high.frame(i), 4088));
        }
        high.close();
        io.portion = 0;
        final HighMemory stuck = open(world, io);
        assertThrows(HighMemoryException.class, () -> world.pin(stuck.frame(0), false), "it does not try for ever");
        io.portion = 4096;
        stuck.close();
        world.requireClosed();
    }

    /** Two threads miss one page: one reads, the other waits for it and has the same frame. */
    @Test
    void twoMissesOfOnePageAreOneRead() throws Exception {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        final AtomicReference<FutureTask<Integer>> second = new AtomicReference<>();
        final AtomicReference<Thread> who = new AtomicReference<>();
        io.beforeRead = (position, bytes) -> {
            assertEquals(-1, world.cache.tryPin(high.frame(3), false), "not there before it is read");
            second.set(parked(() -> world.pin(high.frame(3), true), who));
        };
        final int first = world.pin(high.frame(3), false);
        assertEquals(first, SmallMemory.join(second.get()));
        assertEquals(1, io.reads.get());
        assertEquals(1, world.count(CacheEvent.READ_WAIT));
        world.cache.unpin(first);
        world.cache.unpin(first);
        high.close();
        world.requireClosed();
    }

    /** The reader fails: who waited for it tries himself, and hears of it if that fails, too. */
    @Test
    void whoWaitedForAReadThatFailedReadsHimself() throws Exception {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        final AtomicReference<FutureTask<Integer>> second = new AtomicReference<>();
        final AtomicReference<Thread> who = new AtomicReference<>();
        final AtomicBoolean once = new AtomicBoolean();
        io.beforeRead = (position, bytes) -> {
            if (once.compareAndSet(false, true)) {
                second.set(parked(() -> world.pin(high.frame(3), true), who));
                throw new IOException("first");
            }
        };
        assertThrows(HighMemoryException.class, () -> world.pin(high.frame(3), false));
        world.cache.unpin(SmallMemory.join(second.get()));
        assertEquals(2, io.reads.get());
        high.close();
        world.requireClosed();
    }

    @Test
    void whoWaitsForAFrameGetsTheOneThatIsUnpinned() throws Exception {
        final HighWorld world = new HighWorld(2);
        final HighMemory high = open(world, io);
        final int first = world.pin(high.frame(0), true);
        final int second = world.pin(high.frame(1), false);
        final AtomicReference<Thread> who = new AtomicReference<>();
        final FutureTask<Integer> waiter = parked(() -> world.pin(high.frame(2), true), who);
        assertFalse(waiter.isDone());
        world.cache.unpin(first);
        assertEquals(first, SmallMemory.join(waiter));
        assertEquals(1, io.writes.get());
        assertEquals(1, world.count(CacheEvent.FRAME_WAIT));
        world.cache.unpin(first);
        world.cache.unpin(second);
        high.close();
        world.requireClosed();
    }

    @Test
    void waitingEndsByAnInterruptAndByTheDeadline() throws Exception {
        final HighWorld world = new HighWorld(1);
        final HighMemory high = open(world, io);
        final int only = world.pin(high.frame(0), false);
        assertThrows(ExhaustedException.class, () -> world.cache.pin(high.frame(1), false, System.nanoTime()));
        final AtomicReference<Thread> who = new AtomicReference<>();
        final FutureTask<Integer> waiter = parked(() -> {
            assertThrows(InterruptedException.class,
                () -> world.cache.pin(high.frame(1), false, System.nanoTime() + HighWorld.PATIENT_NANOS));
            return 1;
        }, who);
        who.get().interrupt();
        assertEquals(1, SmallMemory.join(waiter));
        world.cache.unpin(only);
        world.cache.verify();
        high.close();
        world.requireClosed();
    }

    /** Several wait for frames; each unpin serves one, and none is forgotten, though some give up. */
    @Test
    void noWaiterIsForgotten() throws Exception {
        final HighWorld world = new HighWorld(1);
        final HighMemory high = open(world, io);
        final int only = world.pin(high.frame(0), false);
        final AtomicReference<Thread> who = new AtomicReference<>();
        final List<FutureTask<Integer>> waiters = new ArrayList<>();
        Thread interrupted = null;
        for (int i = 1; i <= 6; i++) {
            final long frame = high.frame(1 + i / 2);
            waiters.add(parked(() -> {
                try {
                    world.cache.unpin(world.cache.pin(frame, true, System.nanoTime() + HighWorld.PATIENT_NANOS));
                    return 1;
                } catch (final InterruptedException e) {
                    return 0;
                }
            }, who));
            interrupted = i == 1 ? who.get() : interrupted;
        }
        // The first in the queue goes just as the frame comes: what would have woken it must wake the next.
        interrupted.interrupt();
        world.cache.unpin(only);
        int served = 0;
        for (final FutureTask<Integer> waiter : waiters) {
            served += SmallMemory.join(waiter);
        }
        assertTrue(served >= 5, "served=" + served);
        high.close();
        world.requireClosed();
    }

    /** A store that comes while its page is being written is not lost: u1 before t1 in the argument of CacheFrames. */
    @Test
    void aStoreDuringAWriteKeepsThePageDirty() {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        world.put(high.frame(0), 0, 1);
        final AtomicBoolean once = new AtomicBoolean();
        io.beforeWrite = (position, bytes) -> {
            if (once.compareAndSet(false, true)) {
                final int index = world.cache.tryPin(high.frame(0), true);
                assertNotEquals(-1, index, "a page that is being written can be pinned");
                UnsafeApi.putLong(world.cache.nativePage(index), 2);
                world.cache.unpin(index);
            }
        };
        high.force();
        assertEquals(1, io.getLong(0), "the copy was made before");
        high.force();
        assertEquals(2, io.getLong(0));
        assertEquals(2, io.writes.get());
        high.close();
        world.requireClosed();
    }

    /**
     * Force returns only when a page is written that another thread was evicting; and if that fails, it writes the page itself. Returns the
     * world, at rest.
     */
    private HighWorld forceDuringAnEviction(final boolean fails) throws Exception {
        final HighWorld world = new HighWorld(1);
        final HighMemory high = open(world, io);
        world.put(high.frame(0), 0, 1);
        final AtomicReference<FutureTask<Integer>> force = new AtomicReference<>();
        io.beforeWrite = (position, bytes) -> {
            if (force.get() == null) {
                force.set(parked(() -> {
                    high.force();
                    return (int)io.getLong(0);
                }, new AtomicReference<>()));
                assertFalse(force.get().isDone());
                if (fails) {
                    throw new IOException("first");
                }
            }
        };
        try {
            world.cache.unpin(world.pin(high.frame(1), false));
        } catch (final HighMemoryException e) {
            // Unless force has cleaned the page by the time it looks again.
            assertTrue(fails);
            assertEquals("first", e.getCause().getMessage());
        }
        assertEquals(1, SmallMemory.join(force.get()));
        high.close();
        world.requireClosed();
        return world;
    }

    @Test
    void forceWaitsForAWriteByAnother() throws Exception {
        assertEquals(1, forceDuringAnEviction(false).count(CacheEvent.WRITE_WAIT));
        assertEquals(1, io.writes.get());
    }

    @Test
    void forceWritesWhatAnotherCouldNot() throws Exception {
        assertEquals(1, forceDuringAnEviction(true).count(CacheEvent.FAILURE));
        assertEquals(2, io.writes.get());
    }

    /** While a file closes, nothing new of it comes in, and a second close waits for the first. */
    @Test
    void closingKeepsNewPagesOut() throws Exception {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        world.put(high.frame(0), 0, 1);
        final AtomicReference<FutureTask<Integer>> close = new AtomicReference<>();
        final AtomicReference<Thread> who = new AtomicReference<>();
        io.beforeForce = (position, bytes) -> {
            assertThrows(IllegalStateException.class, () -> world.pin(high.frame(1), false));
            // A hit looks at no file: it comes in, and its store is written, too.
            if (close.get() == null) {
                final int index = world.cache.tryPin(high.frame(0), true);
                UnsafeApi.putLong(world.cache.nativePage(index), 2);
                world.cache.unpin(index);
                close.set(parked(() -> {
                    high.close();
                    return io.closed ? 1 : 0;
                }, who));
            }
        };
        high.close();
        assertEquals(1, SmallMemory.join(close.get()));
        assertEquals(2, io.getLong(0));
        world.requireClosed();
    }

    /** A page that is being read when close comes counts as used. */
    @Test
    void closeIsRefusedDuringARead() throws Exception {
        final HighWorld world = new HighWorld(4);
        final HighMemory high = open(world, io);
        final CountDownLatch refused = new CountDownLatch(1);
        io.beforeRead = (position, bytes) -> {
            assertThrows(IllegalStateException.class, high::close);
            refused.countDown();
        };
        world.cache.unpin(world.pin(high.frame(0), false));
        assertEquals(0, refused.getCount());
        high.close();
        world.requireClosed();
    }
}
