package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

final class UsersTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4));
    private final List<Thread> tornDown = new ArrayList<>();
    private final Users users = new Users(cpus, () -> tornDown.add(Thread.currentThread()));

    @Test
    void theLastReleaseTearsDownOnce() throws Exception {
        assertTrue(users.tryRetain());
        assertTrue(users.tryRetain());
        assertEquals(3, users.count());
        users.release();
        users.release();
        assertEquals(List.of(), tornDown);
        final Thread last = SmallMemory.inThread(() -> {
            users.release();
            return Thread.currentThread();
        });
        assertEquals(List.of(last), tornDown);
        assertFalse(users.tryRetain());
        assertEquals(0, users.count());
        assertThrows(IllegalStateException.class, users::release);
        assertEquals(0, users.count());
        assertEquals(1, tornDown.size());
    }

    @Test
    void insideASectionNothingIsReleased() {
        final Cpu cpu = cpus.enter();
        assertTrue(users.tryRetain(), "never waits");
        assertThrows(IllegalStateException.class, users::release);
        assertEquals(2, users.count());
        cpu.exit();
        users.release();
        users.release();
        assertEquals(1, tornDown.size());
    }

    @Test
    void aTearDownThatThrowsIsNotTriedAgain() {
        final RuntimeException failure = new IllegalStateException("failed");
        final AtomicInteger runs = new AtomicInteger();
        final Users failing = new Users(cpus, () -> {
            runs.incrementAndGet();
            throw failure;
        });
        assertSame(failure, assertThrows(IllegalStateException.class, failing::release));
        assertFalse(failing.tryRetain());
        assertThrows(IllegalStateException.class, failing::release);
        assertEquals(1, runs.get());
    }

    /** A space that knows whether it is gone. */
    private static final class Space {
        private final AtomicInteger tornDown = new AtomicInteger();
        private final Users users;

        Space(final Cpus cpus) {
            users = new Users(cpus, tornDown::incrementAndGet);
        }
    }

    private volatile Space current = new Space(cpus);

    /** Nobody who was told yes finds it torn down; each is torn down once. */
    @Test
    @Tag("stress")
    void noWalkerIsLeftInATornDownSpace() throws Exception {
        final AtomicLong walks = new AtomicLong();
        final AtomicLong refused = new AtomicLong();
        final AtomicLong spaces = new AtomicLong();
        final StressClock clock = new StressClock(500, () -> walks.get() > 1000 && refused.get() > 100 && spaces.get() > 100);
        SmallMemory.inThreads(4, thread -> {
            try {
                while (clock.running()) {
                    final Space space = current;
                    if (thread == 0) {
                        space.users.release();
                        while (space.tornDown.get() == 0 && clock.running()) {
                            Thread.onSpinWait();
                        }
                        spaces.incrementAndGet();
                        current = new Space(cpus);
                    } else if (space.users.tryRetain()) {
                        assertEquals(0, space.tornDown.get(), "torn down under a user");
                        walks.incrementAndGet();
                        space.users.release();
                        assertTrue(space.tornDown.get() <= 1);
                    } else {
                        refused.incrementAndGet();
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "walks=" + walks + " refused=" + refused + " spaces=" + spaces);
    }
}
