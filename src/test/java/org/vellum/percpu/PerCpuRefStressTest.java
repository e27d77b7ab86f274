package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vellum.SmallMemory;
import org.vellum.StressClock;

/** Counts that are killed while many threads take and drop references: each is released once, and never while somebody holds one. */
@Tag("stress")
@Timeout(300)
class PerCpuRefStressTest {
    private static final int USERS = 4;

    /** Every round's count is on the same copies, which the last round has left as they were when it was killed. */
    private static final class OnePointer implements Pointers {
        private final OwnCopy access;
        private final long pointer;
        private boolean taken;

        OnePointer(final CopyWorld world) {
            access = world.access();
            pointer = world.allocate(Long.BYTES, Long.BYTES);
        }

        @Override
        public long allocate(final long bytes, final long align) {
            assertFalse(taken);
            taken = true;
            access.exchangeAllLong(pointer, 0);
            return pointer;
        }

        @Override
        public void free(final long freed) {
            // The counts free through the access, whose owner is the world.
            throw new AssertionError();
        }

        void freed() {
            taken = false;
        }

        @Override
        public OwnCopy access() {
            return access;
        }
    }

    /** One count and what is known of it. */
    private static final class Thing {
        private final AtomicInteger releases = new AtomicInteger();
        private final AtomicInteger killed = new AtomicInteger();
        private final PerCpuRef ref;
        /** Written under a reference, plainly: the callback must see them all. */
        private final long[] marks = new long[USERS * 16];
        private long marksSeen;

        Thing(final Pointers percpu) {
            ref = new PerCpuRef(percpu, this::released);
        }

        private void released() {
            for (int user = 0; user < USERS; user++) {
                marksSeen += marks[user * 16];
            }
            releases.incrementAndGet();
        }
    }

    private static final class Tally {
        private final AtomicLong byKill = new AtomicLong();
        private final AtomicLong byPut = new AtomicLong();
        private final AtomicLong refused = new AtomicLong();
        private final AtomicLong takenWhenDead = new AtomicLong();

        boolean covered() {
            return byKill.get() > 0 && byPut.get() > 0 && refused.get() > 0 && takenWhenDead.get() > 0;
        }

        @Override
        public String toString() {
            return "byKill=" + byKill + " byPut=" + byPut + " refused=" + refused + " takenWhenDead=" + takenWhenDead;
        }
    }

    @ParameterizedTest
    @EnumSource
    void releasedOnceAndNeverUnderAUser(final CopyWorld.Kind kind) throws Exception {
        final Tally tally = new Tally();
        final StressClock clock = new StressClock(500, tally::covered);
        final CopyWorld world = new CopyWorld(kind);
        final OnePointer percpu = new OnePointer(world);
        final AtomicReference<Thing> current = new AtomicReference<>();
        final AtomicLong marked = new AtomicLong();
        final AtomicReference<Throwable> wrong = new AtomicReference<>();
        final boolean[] over = new boolean[1];
        final CyclicBarrier barrier = new CyclicBarrier(USERS, () -> {
            final Thing done = current.get();
            try {
                if (done != null) {
                    assertEquals(1, done.killed.get());
                    assertEquals(1, done.releases.get());
                    assertEquals(marked.get(), done.marksSeen);
                    done.ref.close();
                    assertTrue(world.freed.remove(percpu.pointer));
                    percpu.freed();
                }
            } catch (final Throwable e) {
                wrong.set(e);
            }
            marked.set(0);
            over[0] = wrong.get() != null || !clock.running();
            current.set(over[0] ? null : new Thing(percpu));
        });
        SmallMemory.inThreads(USERS, user -> {
            final SplittableRandom random = new SplittableRandom(user);
            for (int round = 0;; round++) {
                barrier.await();
                if (over[0]) {
                    break;
                }
                play(current.get(), user, round, random, tally, marked);
            }
        });
        if (wrong.get() != null) {
            throw new AssertionError(wrong.get());
        }
        clock.assertCovered(tally::toString);
    }

    private static void play(
        final Thing thing, final int user, final int round, final SplittableRandom random, final Tally tally, final AtomicLong marked) {
        final PerCpuRef ref = thing.ref;
        final boolean killer = round % USERS == user;
        final int steps = random.nextInt(1, 200);
        final int killAt = random.nextInt(steps);
        for (int step = 0; step < steps; step++) {
            if (killer && step == killAt) {
                final int before = thing.releases.get();
                thing.killed.addAndGet(ref.kill() ? 1 : 0);
                assertFalse(ref.tryGetLive());
                tally.byKill.addAndGet(thing.releases.get() > before ? 1 : 0);
            }
            if (!(step % 3 == 0 ? ref.tryGetLive() : ref.tryGet())) {
                tally.refused.incrementAndGet();
                continue;
            }
            tally.takenWhenDead.addAndGet(ref.isDead() ? 1 : 0);
            assertEquals(0, thing.releases.get(), "released while somebody holds a reference");
            // A second one on the strength of the first.
            ref.get();
            thing.marks[user * 16]++;
            marked.incrementAndGet();
            ref.put();
            assertEquals(0, thing.releases.get(), "released while somebody holds a reference");
            final boolean dead = ref.isDead();
            final int before = thing.releases.get();
            ref.put();
            tally.byPut.addAndGet(dead && thing.releases.get() > before ? 1 : 0);
        }
    }
}
