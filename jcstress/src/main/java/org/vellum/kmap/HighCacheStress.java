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
import org.openjdk.jcstress.infra.results.JJ_Result;

/** Cache frames of high memory: written back, evicted and read while others want them. */
public final class HighCacheStress {
    private HighCacheStress() {
    }

    /**
     * A page is written back while a thread takes a writable pin and stores: the argument in {@code CacheFrames}. Would catch {@code
     * CacheFrames.finishWrite} clearing D, instead of {@code startWrite}: a store behind the copy would be in a page that passes for clean.
     */
    @JCStressTest
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "copy, then store: the page is dirty, and written again")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "store, then copy")
    @Outcome(expect = FORBIDDEN, desc = "the file lacks the store, and the page is clean")
    @State
    public static class WriteBackAgainstPin {
        private static final CacheWorld WORLD = new CacheWorld();
        private final long frame = WORLD.newFrame();

        /** A dirty page that nobody holds. */
        public WriteBackAgainstPin() {
            final int index = WORLD.pin(frame, true);
            WORLD.put(index, 1);
            WORLD.cache.unpin(index);
        }

        /** Pins, stores, unpins. */
        @Actor
        public void user() {
            final int pinned = WORLD.pin(frame, true);
            WORLD.put(pinned, 2);
            WORLD.cache.unpin(pinned);
        }

        /** @param r what the file has then. */
        @Actor
        public void writer(final JJ_Result r) {
            writeBack();
            r.r1 = WORLD.written(frame);
        }

        private void writeBack() {
            final int found = WORLD.cache.directory.hash.get(frame);
            if (found >= 0 && WORLD.cache.directory.frames.startWrite(found, frame)) {
                WORLD.cache.writeBack.write(WORLD.file, found);
            }
        }

        /** @param r what the file has once all that is dirty is written. */
        @Arbiter
        public void settle(final JJ_Result r) {
            writeBack();
            r.r2 = WORLD.written(frame);
        }
    }

    /**
     * A frame is given to another page while a thread pins the one that it holds: one compare-and-set on one word decides. Would catch
     * {@code CacheFrames.tryPin} that looks for its frame and then counts, or {@code replace} that looks for pins and then
     * stores: the pin would hold another page.
     */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "evicted, then a miss")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "pinned, then another frame was taken")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "pinned and unpinned, then evicted")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "gone before the race began: so many states were made meanwhile")
    @Outcome(expect = FORBIDDEN, desc = "a pinned page showed another's bytes (2)")
    @State
    public static class EvictionAgainstPin {
        private static final CacheWorld WORLD = CacheWorld.filled();
        private final long frame = WORLD.newFrame();
        private final long other = WORLD.newFrame();
        private final int index = WORLD.pin(frame, false);

        /** A clean page that nobody holds. */
        public EvictionAgainstPin() {
            WORLD.cache.unpin(index);
        }

        /** @param r 0 for a miss, 1 for the page's own bytes as long as it was pinned. */
        @Actor
        public void user(final II_Result r) {
            final int pinned = WORLD.cache.tryPin(frame, false);
            if (pinned >= 0) {
                boolean own = WORLD.shows(pinned, frame);
                for (int i = 0; i < 50; i++) {
                    own &= WORLD.shows(pinned, frame) && WORLD.cache.frameOf(pinned) == frame;
                    Thread.onSpinWait();
                }
                WORLD.cache.unpin(pinned);
                r.r1 = own ? 1 : 2;
            }
        }

        /** @param r whether it got the frame of the page, rather than one of all the others. */
        @Actor
        public void evictor(final II_Result r) {
            final int claim = WORLD.cache.directory.claim(WORLD.file, other, index, false, null);
            WORLD.cache.misses.readOne(WORLD.file, other, claim, false, false);
            r.r2 = claim == index ? 1 : 0;
        }
    }

    /**
     * Two threads miss one page. Would catch {@code CacheDirectory.claim} that does not look into the hash under its lock: the page would
     * have two frames, and the stores of one thread would be lost to the other.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one frame, read once, whole for both")
    @Outcome(expect = FORBIDDEN, desc = "two frames, two reads, or a page before it was read")
    @State
    public static class TwoMisses {
        private static final CacheWorld WORLD = new CacheWorld();
        private final long frame = WORLD.newFrame();
        private int first;
        private int second;

        /** @param r whether it saw the page. */
        @Actor
        public void one(final III_Result r) {
            first = WORLD.pin(frame, true);
            r.r1 = WORLD.shows(first, frame) ? 1 : 0;
        }

        /** @param r whether it saw the page. */
        @Actor
        public void two(final III_Result r) {
            second = WORLD.pin(frame, true);
            r.r2 = WORLD.shows(second, frame) ? 1 : 0;
        }

        /** @param r how often it was read. */
        @Arbiter
        public void settle(final III_Result r) {
            WORLD.cache.unpin(first);
            WORLD.cache.unpin(second);
            r.r3 = first == second ? (int)WORLD.reads(frame) : 2;
        }
    }
}
