package org.vellum.kmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.Stagger;

/** The shared window: who maps, unmaps, waits and flushes at the same time. */
public final class KmapWindowStress {
    /** Turns between actors that do much the same. */
    private static final int LIKE = 64;

    private KmapWindowStress() {
    }

    /**
     * RK2: the window is full, and one waits for the slot that the other gives up. Would catch {@code KmapWindow.unmap} looking for waiters before it
     * changes the count, and a waiter that looks before it is in the queue.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "unmap, then look: there is a slot to flush; or look, then unmap: woken")
    @Outcome(expect = FORBIDDEN, desc = "the wake-up was lost (3), or a map was wrong")
    @State
    public static class WaiterAgainstUnmap {
        private final KmapCell cell = KmapCell.take(1);
        private final Stagger stagger = new Stagger();
        private final long held = cell.map(0);

        /** @param r what it saw. */
        @Actor
        public void waiter(final II_Result r) {
            stagger.one();
            r.r1 = cell.use(1);
        }

        /** Gives the slot up. */
        @Actor
        public void user() {
            stagger.other();
            cell.unmap(held);
        }

        /** @param r whether the window is whole. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }

    /**
     * RK2 and RK3: one waits for a slot, and what it gets is not the slot, but its frame, which the other maps there. Would catch a wait that looks for
     * slots only, or a mapping that wakes nobody: there is no slot to be had any more, since the other keeps the one there is.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one maps it, the other joins")
    @Outcome(expect = FORBIDDEN, desc = "the waiter was not told, or they have two addresses")
    @State
    public static class WaiterAgainstMapper {
        private final KmapCell cell = KmapCell.take(1);
        private final Stagger stagger = new Stagger();
        private final long held = cell.map(0);
        private long first;
        private long second;

        /** Maps, and keeps it. */
        @Actor
        public void waiter() {
            stagger.one();
            first = cell.map(1);
        }

        /** Gives the slot up, takes it again, and keeps it. */
        @Actor
        public void mapper() {
            stagger.other();
            cell.unmap(held);
            second = cell.map(1);
        }

        /** @param r whether the addresses are the same, what is there, and whether the window is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r1 = first != 0 && first == second ? 1 : 0;
            r.r2 = second == 0 ? KmapCell.TIMED_OUT : cell.look(second, 1);
            r.r3 = cell.settle(first, second);
        }
    }

    /** RK3: two map a frame that is not mapped. Would catch {@code KmapWindow.install} taking a slot without looking at the hash again. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one maps it, the other joins")
    @Outcome(expect = FORBIDDEN, desc = "two addresses of one frame, or another frame's")
    @State
    public static class TwoMappers {
        private final KmapCell cell = KmapCell.take(4);
        private final Stagger stagger = new Stagger(LIKE);
        private long first;
        private long second;

        /** Maps. */
        @Actor
        public void one() {
            stagger.one();
            first = cell.map(0);
        }

        /** Maps. */
        @Actor
        public void two() {
            stagger.other();
            second = cell.map(0);
        }

        /** @param r whether the addresses are the same, what is there, and whether the window is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r1 = first == second ? 1 : 0;
            r.r2 = cell.look(first, 0);
            r.r3 = cell.settle(first, second);
        }
    }

    /** RK3: one maps for loads, the other for stores. Would catch {@code KmapWindow.joinForced} marking the word before the entry. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "whoever wants to store can")
    @Outcome(expect = FORBIDDEN, desc = "it joined, and its store faulted")
    @State
    public static class UpgradeAgainstJoin {
        private final KmapCell cell = KmapCell.take(4);
        private final Stagger stagger = new Stagger();
        private final long held;
        private long first;
        private long second;

        /** Mapped for loads. */
        public UpgradeAgainstJoin() {
            try {
                held = cell.window.map(KmapCell.frame(0), false, 0);
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** Makes it writable. */
        @Actor
        public void upgrader() {
            stagger.one();
            first = cell.map(0);
        }

        /** @param r what it saw, if the map was writable already. */
        @Actor
        public void joiner(final II_Result r) {
            stagger.other();
            second = cell.mapIfMapped(0);
            r.r1 = second == 0 ? KmapCell.RIGHT : cell.look(second, 0);
        }

        /** @param r whether the window is whole. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle(held, first, second);
        }
    }

    /**
     * RK4: a new user of a slot that nobody uses, against the flush. Would catch {@code WindowFlush.clear} marking the slot by a store, and {@code join}
     * counting itself by one: the user has an address whose entry is gone.
     */
    @JCStressTest
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "flush, then user: not mapped any more")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "user, then flush: passed over")
    @Outcome(expect = FORBIDDEN, desc = "both, or neither, or the user's address is wrong")
    @State
    public static class UserAgainstFlush {
        private final KmapCell cell = KmapCell.take(4);
        private final Stagger stagger = new Stagger();
        private long mapped;

        /** Mapped, and unused. */
        public UserAgainstFlush() {
            cell.use(0);
        }

        /** @param r what it saw. */
        @Actor
        public void user(final III_Result r) {
            stagger.one();
            mapped = cell.mapIfMapped(0);
            r.r1 = mapped == 0 ? KmapCell.NOT_MAPPED : cell.look(mapped, 0);
        }

        /** @param r how many slots it flushed. */
        @Actor
        public void flusher(final III_Result r) {
            stagger.other();
            r.r2 = cell.flush();
        }

        /** @param r whether the window is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle(mapped);
        }
    }

    /**
     * Count 1 to 0 against a new user, on the way through: the only slot is flushed for one frame while the other is wanted again. Would catch {@code join}
     * counting itself up without comparing the frame: it would use the slot that has become another frame's.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one after the other, or one waits for the other")
    @Outcome(expect = FORBIDDEN, desc = "one saw the other's frame, or was not woken, or a count is lost")
    @State
    public static class ReuseAgainstNewUser {
        private final KmapCell cell = KmapCell.take(1);
        private final Stagger stagger = new Stagger();

        /** Mapped, and unused. */
        public ReuseAgainstNewUser() {
            cell.use(0);
        }

        /** @param r what it saw. */
        @Actor
        public void again(final III_Result r) {
            stagger.one();
            r.r1 = cell.use(0);
        }

        /** @param r what it saw. */
        @Actor
        public void other(final III_Result r) {
            stagger.other();
            r.r2 = cell.use(1);
        }

        /** @param r whether the window is whole. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }

    /** The last user leaves while another comes. Would catch {@code KmapWindow.unmap} counting by a load and a store. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "both are counted")
    @Outcome(expect = FORBIDDEN, desc = "a use was lost, or one too many is left")
    @State
    public static class LastUnmapAgainstNewUser {
        private final KmapCell cell = KmapCell.take(4);
        private final Stagger stagger = new Stagger(LIKE);
        private final long held = cell.map(0);
        private long mapped;

        /** Leaves. */
        @Actor
        public void last() {
            stagger.one();
            cell.unmap(held);
        }

        /** Comes. */
        @Actor
        public void user() {
            stagger.other();
            mapped = cell.mapIfMapped(0);
        }

        /** @param r whether it is still mapped, once, and the window is whole. */
        @Arbiter
        public void settle(final I_Result r) {
            final boolean once = mapped == held && cell.window.report.users() == 1 && cell.look(mapped, 0) == KmapCell.RIGHT;
            r.r1 = cell.settle(mapped) == 1 && once ? 1 : 0;
        }
    }
}
