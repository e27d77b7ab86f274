package org.vellum.mapram;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.locks.LockSupport;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.vmap.VmapWorld;

/**
 * RV1, the under-flush: after {@code unmapAliases()} has returned, its caller owns its frame alone. Mappings of 64 pages fill a
 * block in sixteen, so many states unmap in blocks that their slot has left, fully used: what the kernel's list of dirty blocks
 * once missed.
 */
public final class UnmapAliasesStress {
    private static final int PAGES = 64;

    private UnmapAliasesStress() {
    }

    /** One frame of the caller's, mapped 64 times side by side. */
    @State
    public static class Mapped {
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 21);
        private final int index = WORLD.nextIndex();
        private final long frame = WORLD.frame(index);
        private final long address = WORLD.map(index, PAGES);
        private volatile boolean reused;

        int use() {
            return WORLD.use(address + (PAGES - 1) * 4096L, ~frame);
        }

        int useUntilReuse() {
            return WORLD.useUntil(address + (PAGES - 1) * 4096L, ~frame, () -> reused);
        }

        void reuse() {
            WORLD.store(frame, frame);
            reused = true;
        }
    }

    /**
     * Would catch: {@code MapRam.unmapHere} not counting its clear ({@code Cpus.noteClear}), {@code Aliases.flush} taking its stamp
     * before the comparison, or not waiting for it, and an unmap that leaves an entry.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "unmap, then read: a page fault")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "read, then unmapAliases returns: old content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "the caller's frame was reached by an earlier mapping after unmapAliases")
    public static class AgainstReader {
        /**
         * @param s the mapping.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Mapped s, final I_Result r) {
            r.r1 = s.use();
        }

        /** @param s the mapping. */
        @Actor
        public void owner(final Mapped s) {
            Mapped.WORLD.mapRam.vmUnmapRam(s.address, PAGES);
            Mapped.WORLD.mapRam.unmapAliases();
            s.reuse();
        }

        /**
         * @param s the mapping.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Mapped s, final I_Result r) {
            Mapped.WORLD.settled(s.index);
        }
    }

    /** Calls when it is asked to, and sleeps meanwhile: one that never stops would take the processors from the actors. */
    private static final class FirstCaller extends Thread {
        private volatile boolean asked;

        FirstCaller() {
            super("first caller");
            setDaemon(true);
        }

        void ask() {
            asked = true;
            LockSupport.unpark(this);
        }

        @Override
        public void run() {
            while (true) {
                while (!asked) {
                    LockSupport.park(this);
                }
                asked = false;
                Mapped.WORLD.mapRam.unmapAliases();
            }
        }
    }

    /**
     * Two callers, of which only the first finds the clear counted: the second must wait as long. The first is a thread that does
     * nothing else; the second, the owner, lets it go first, and a reader stays in its section meanwhile. Would catch
     * {@code Aliases.flush} forgetting the stamp of an earlier caller that is still waiting.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "unmap, then read: a page fault")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "read, then both calls return: old content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "the second caller returned although the reader was still there")
    @State
    public static class TwoCallers {
        private static final int SPINS = 1000;
        private static final FirstCaller FIRST = new FirstCaller();
        private final Mapped mapped = new Mapped();
        /** Each state takes as long as a thread takes to wake: the harness must make fewer of them, and bounds only their heap. */
        private final byte[] ballast = new byte[1 << 18];

        static {
            FIRST.start();
        }

        /**
         * Stays until the frame is in use again, or as long as it may be waited for.
         *
         * @param r what it saw.
         */
        @Actor
        public void reader(final I_Result r) {
            r.r1 = mapped.useUntilReuse() + ballast[0];
        }

        /** Unmaps, and is the second caller. */
        @Actor
        public void owner() {
            final long before = Mapped.WORLD.epochs.now();
            Mapped.WORLD.mapRam.vmUnmapRam(mapped.address, PAGES);
            FIRST.ask();
            // The clock moves once the first has found the clear and waits.
            for (int i = 0; i < SPINS && Mapped.WORLD.epochs.now() == before; i++) {
                Thread.yield();
            }
            Mapped.WORLD.mapRam.unmapAliases();
            mapped.reuse();
        }

        /** @param r unused. */
        @Arbiter
        public void settle(final I_Result r) {
            Mapped.WORLD.settled(mapped.index);
        }
    }

    /** Broken on purpose: the frame is reused without the flush. Seen to fail on JDK 17, x86: 1,340 of 1.6 million samples. */
    @JCStressTest
    @Outcome(id = {"0", "1"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(id = "2", expect = ACCEPTABLE_INTERESTING, desc = "the reader saw the next use of the frame")
    public static class BrokenTwinWithoutFlush {
        /**
         * @param s the mapping.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Mapped s, final I_Result r) {
            r.r1 = s.use();
        }

        /** @param s the mapping. */
        @Actor
        public void owner(final Mapped s) {
            Mapped.WORLD.mapRam.vmUnmapRam(s.address, PAGES);
            s.reuse();
        }

        /**
         * @param s the mapping.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Mapped s, final I_Result r) {
            Mapped.WORLD.settled(s.index);
        }
    }
}
