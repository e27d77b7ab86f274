package org.vellum.epoch;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.cpu.Cpu;

/**
 * The pair on which all reuse of memory stands: a reader announces itself and then loads an entry, a retirer clears the entry and then
 * looks for announcements. One of the two must see the other.
 *
 * <p>The argument is in the package documentation of {@code org.vellum.epoch}; {@code r2}, {@code r3}, {@code t1}, {@code t2} and
 * {@code p2} are its steps.
 */
public final class AnnounceClearStress {
    private AnnounceClearStress() {
    }

    /** The two words alone. */
    @State
    public static class Pair {
        private static final VarHandle SLOT;
        private static final VarHandle ENTRY;
        private long slot;
        private long entry = 1;

        static {
            try {
                SLOT = MethodHandles.lookup().findVarHandle(Pair.class, "slot", long.class);
                ENTRY = MethodHandles.lookup().findVarHandle(Pair.class, "entry", long.class);
            } catch (final ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        boolean announce() {
            return SLOT.compareAndSet(this, 0L, 1L);
        }

        int loadVolatile() {
            return (int)(long)ENTRY.getVolatile(this);
        }

        int loadPlain() {
            return (int)(long)ENTRY.get(this);
        }

        void clear() {
            ENTRY.setRelease(this, 0L);
        }

        int idle() {
            return (long)SLOT.getVolatile(this) == 0 ? 1 : 0;
        }
    }

    /**
     * As the code does it. Would catch: {@code Epochs.stamp} without its full fence (the clear waits in the store buffer while
     * the slots are read), or {@code Cpus.enterAt} announcing by a store instead of a CAS.
     */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "announce, load, clear: the retirer sees the reader and waits")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "clear, look, announce: the reader finds the entry cleared")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "in between: each sees the other")
    @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "the reader holds the old translation, the retirer sees nobody and releases")
    public static class Words {
        /**
         * @param s the words.
         * @param r what the entry said.
         */
        @Actor
        public void reader(final Pair s, final II_Result r) {
            s.announce();
            r.r1 = s.loadVolatile();
        }

        /**
         * @param s the words.
         * @param r whether the slot looked idle.
         */
        @Actor
        public void retirer(final Pair s, final II_Result r) {
            s.clear();
            VarHandle.fullFence();
            r.r2 = s.idle();
        }
    }

    /**
     * Broken on purpose: no fence between the clear and the look. Seen to fail on JDK 17, x86: 402,128 of 243 million samples.
     */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = ACCEPTABLE, desc = "one sees the other")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "store buffering: released under a reader")
    public static class BrokenTwinWithoutFence {
        /**
         * @param s the words.
         * @param r what the entry said.
         */
        @Actor
        public void reader(final Pair s, final II_Result r) {
            s.announce();
            r.r1 = s.loadVolatile();
        }

        /**
         * @param s the words.
         * @param r whether the slot looked idle.
         */
        @Actor
        public void retirer(final Pair s, final II_Result r) {
            s.clear();
            r.r2 = s.idle();
        }
    }

    /**
     * Broken on purpose: a plain load of the entry, which the Java memory model lets a compiler move before the CAS. No compiler
     * has been seen to do it: 0 of 69 million samples on JDK 17, x86.
     */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = ACCEPTABLE, desc = "one sees the other")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "the load went before the announcement")
    public static class BrokenTwinWithPlainLoad {
        /**
         * @param s the words.
         * @param r what the entry said.
         */
        @Actor
        public void reader(final Pair s, final II_Result r) {
            s.announce();
            r.r1 = s.loadPlain();
        }

        /**
         * @param s the words.
         * @param r whether the slot looked idle.
         */
        @Actor
        public void retirer(final Pair s, final II_Result r) {
            s.clear();
            VarHandle.fullFence();
            r.r2 = s.idle();
        }
    }

    /**
     * The real {@code Epochs} and {@code Cpus}. The reader also plays a third thread whose flush lets the stamp pass, so that
     * nothing but the fence in {@code Epochs.stamp} stands between the retirer's clear and its scan of the slots. Would catch
     * that fence missing, {@code hasPassed} accepting a stamp that equals the horizon, and {@code refreshHorizon} reading the
     * clock after the slots.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 1"}, expect = ACCEPTABLE, desc = "the reader came too late: the entry is cleared")
    @Outcome(id = {"1, 0", "1, 1"}, expect = ACCEPTABLE, desc = "the reader used the page before anybody else got it")
    @Outcome(expect = FORBIDDEN, desc = "the page was released and rewritten while a section still used it")
    @State
    public static class RealEpochs {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long entry = WORLD.newEntry();

        /** @param r 0 cleared, 1 old content throughout, 2 new content. */
        @Actor
        public void reader(final II_Result r) {
            WORLD.epochs.advanceFrom(WORLD.epochs.now());
            final Cpu cpu = WORLD.cpus.enter();
            r.r1 = WORLD.use(entry);
            cpu.exit();
        }

        /** @param r whether it released. */
        @Actor
        public void retirer(final II_Result r) {
            WORLD.clear(entry);
            final long stamp = WORLD.epochs.stamp();
            for (int i = 0; i < 8 && r.r2 == 0; i++) {
                if (WORLD.epochs.hasPassed(stamp)) {
                    WORLD.rewrite(entry);
                    r.r2 = 1;
                }
            }
        }
    }

    /**
     * Broken on purpose: the stamp is the clock without the fence of {@code Epochs.stamp}. Seen to fail on JDK 17, x86: 78 of 14.9
     * million samples.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 1", "1, 0", "1, 1"}, expect = ACCEPTABLE, desc = "one sees the other")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "released and rewritten under a reader")
    @State
    public static class BrokenTwinOfRealEpochs {
        private static final EpochWorld WORLD = new EpochWorld();
        private final long entry = WORLD.newEntry();

        /** @param r as above. */
        @Actor
        public void reader(final II_Result r) {
            WORLD.epochs.advanceFrom(WORLD.epochs.now());
            final Cpu cpu = WORLD.cpus.enter();
            r.r1 = WORLD.use(entry);
            cpu.exit();
        }

        /** @param r as above. */
        @Actor
        public void retirer(final II_Result r) {
            WORLD.clear(entry);
            final long stamp = WORLD.epochs.now();
            for (int i = 0; i < 8 && r.r2 == 0; i++) {
                if (WORLD.epochs.hasPassed(stamp)) {
                    WORLD.rewrite(entry);
                    r.r2 = 1;
                }
            }
        }
    }
}
