package org.vellum.space;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;

/** Pages of files: stores against cleaning (RG3), and references against drops. */
public final class FileStress {
    private FileStress() {
    }

    /** Would catch cleaning without the flush, or with a flush before D is taken. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "what was stored is written, or dirty")
    @Outcome(expect = FORBIDDEN, desc = "clean, and not what was stored")
    @State
    public static class StoreAgainstSync {
        private final Stagger stagger = new Stagger(4096);
        private final FileCell cell = new FileCell(true);

        /** @param r whether it could store. */
        @Actor
        public void store(final II_Result r) {
            r.r1 = cell.store(7, stagger);
        }

        /** Cleans. */
        @Actor
        public void sync() {
            stagger.other();
            cell.sync();
        }

        /** @param r whether the store is lost. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.lost();
        }
    }

    /** Broken on purpose: does not wait for those who have found the entry dirty. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "what was stored is written, or dirty")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "clean, and not what was stored")
    @State
    public static class BrokenTwinWithoutFlush {
        private final Stagger stagger = new Stagger(4096);
        private final FileCell cell = new FileCell(false);

        /** @param r whether it could store. */
        @Actor
        public void store(final II_Result r) {
            r.r1 = cell.store(7, stagger);
        }

        /** Cleans. */
        @Actor
        public void sync() {
            stagger.other();
            cell.sync();
        }

        /** @param r whether the store is lost. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.lost();
        }
    }

    /** The entry goes and tells, while it is being stored to; then the file is cleaned. Would catch cleaning without the flush. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "nothing was stored, or it is written, or dirty")
    @Outcome(expect = FORBIDDEN, desc = "clean, and not what was stored")
    @State
    public static class StoreAgainstUnmapAndSync {
        private final Stagger stagger = new Stagger(4096);
        private final FileCell cell = new FileCell(true);

        /** @param r whether it could store. */
        @Actor
        public void store(final II_Result r) {
            r.r1 = cell.store(7, stagger);
        }

        /** Unmaps, and cleans. */
        @Actor
        public void unmap() {
            stagger.other();
            cell.unmap();
            cell.sync();
        }

        /** @param r whether the store is lost. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.lost();
        }
    }

    /** Would catch a drop that compares no turn, and a reference that is taken without being a user. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "given, and stays")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "dropped: has to be read anew")
    @Outcome(expect = FORBIDDEN, desc = "given and dropped, or neither")
    @State
    public static class GetAgainstDrop {
        private final Stagger stagger = new Stagger(64);
        private final DropCell cell = new DropCell();

        /** @param r whether it has a reference. */
        @Actor
        public void get(final II_Result r) {
            stagger.one();
            r.r1 = cell.get();
        }

        /** @param r whether it was dropped. */
        @Actor
        public void drop(final II_Result r) {
            stagger.other();
            r.r2 = cell.drop();
        }

        /** @param r unused. */
        @Arbiter
        public void settle(final II_Result r) {
            cell.settle();
        }
    }

    /** Broken on purpose: takes a reference without saying so first. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "given, or dropped")
    @Outcome(id = {"1, 1", "-1, 1"}, expect = ACCEPTABLE_INTERESTING, desc = "given and dropped, or of a frame that was free")
    @State
    public static class BrokenTwinWithoutUser {
        private final Stagger stagger = new Stagger(64);
        private final DropCell cell = new DropCell();

        /** @param r whether it has a reference. */
        @Actor
        public void get(final II_Result r) {
            stagger.one();
            r.r1 = cell.getWithoutUser();
        }

        /** @param r whether it was dropped. */
        @Actor
        public void drop(final II_Result r) {
            stagger.other();
            r.r2 = cell.drop();
        }

        /** @param r unused. */
        @Arbiter
        public void settle(final II_Result r) {
            cell.settle();
        }
    }

    /** The file is closed, while a late fault takes a reference: of the two one gives up what the cache had. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "the reference that was given is all there is, if any")
    @Outcome(expect = FORBIDDEN, desc = "the reference of the cache is lost, or given up twice")
    @State
    public static class GetAgainstClose {
        private final Stagger stagger = new Stagger(64);
        private final DropCell cell = new DropCell();

        /** @param r whether it has a reference. */
        @Actor
        public void get(final II_Result r) {
            stagger.one();
            r.r1 = cell.get();
        }

        /** Closes. */
        @Actor
        public void close() {
            stagger.other();
            cell.close();
        }

        /** @param r how many references there are. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }
}
