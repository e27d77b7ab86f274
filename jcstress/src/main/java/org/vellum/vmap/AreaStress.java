package org.vellum.vmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;

/** The life of an area: seen whole, ended once. */
public final class AreaStress {
    private AreaStress() {
    }

    /**
     * RV9, publication: a thread that finds an area busy finds its fields and entries. Would catch {@code AreaRecords.publish}
     * storing the state by less than a release, where the processor or the compiler makes something of it.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "not busy yet")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "busy, with its size and its entry")
    @Outcome(expect = FORBIDDEN, desc = "busy, but half-built")
    @State
    public static class Publication {
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 15);
        private final int index = WORLD.nextIndex();
        private final long frame = WORLD.frame(index);
        private final long id = WORLD.reserveAgain(index);

        /** Stores the fields and the entry, publishes. */
        @Actor
        public void maker() {
            WORLD.space.records().size(id, 4096);
            WORLD.table.set(WORLD.space.records().start(id),
                Entry.present(WORLD.frames.memory().nativeAddress(frame), WORLD.space.tag(id), 0));
            WORLD.space.publish(id);
        }

        /** @param r what it found. */
        @Actor
        public void finder(final I_Result r) {
            final AreaRecords records = WORLD.space.records();
            if (AreaRecords.stateOf(records.state(id)) == AreaRecords.BUSY) {
                final boolean whole = records.size(id) == 4096 && WORLD.space.idAt(records.start(id)) == id
                    && Entry.nativePage(WORLD.table.get(records.start(id))) != 0;
                r.r1 = whole ? 1 : 2;
            }
        }
    }

    /**
     * RV9 by the calls that publish: a thread that finds an area busy at a page finds its entry there. Would catch {@code
     * Vmalloc.allocate} or {@code Vmap.mapUnderLock} publishing before the entries are stored.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "not busy yet")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "busy, with its size and its entry")
    @Outcome(expect = FORBIDDEN, desc = "busy, but half-built")
    @State
    public static class PublicationByVmalloc {
        private static final int LOOKS = 5000;
        private static final long SPAN = 2;
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 15);
        private final int index = WORLD.nextIndex();
        private final long page = index * SPAN;
        private long address;

        /** Allocates where the other looks. */
        @Actor
        public void maker() {
            final long low = WORLD.table.addressOf(page);
            address = WORLD.vmalloc.vmallocRange(4096, 4096, VmallocFlags.NONE, low, low + SPAN * 4096);
        }

        /** @param r what it found. */
        @Actor
        public void finder(final I_Result r) {
            for (int i = 0; i < LOOKS && r.r1 == 0; i++) {
                r.r1 = look();
            }
        }

        private int look() {
            final long id = WORLD.space.idAt(page);
            if (id < 0) {
                return 0;
            }
            final AreaRecords records = WORLD.space.records();
            final long word = records.state(id);
            if (AreaRecords.stateOf(word) != AreaRecords.BUSY) {
                return 0;
            }
            final long entry = WORLD.table.get(page);
            return records.start(id) == page && records.size(id) == 4096 && Entry.isPresent(entry)
                && Entry.tag(entry) == AreaRecords.tagOf(word) ? 1 : 2;
        }

        /** @param r unused. */
        @Arbiter
        public void settle(final I_Result r) {
            WORLD.vmalloc.vfree(address);
        }
    }

    /** One page of the library's. */
    @State
    public static class Page {
        static final VmapWorld WORLD = new VmapWorld(64, 1 << 17);
        final int index = WORLD.nextIndex();
        final long address = WORLD.allocate(index);
        volatile boolean through;
        long next;
    }

    /**
     * Two threads free one address. Would catch {@code AreaRecords.move} changing the state by a load and a store: the area would
     * enter limbo twice, and its range the tree twice.
     */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "one frees, the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both freed, or neither")
    public static class DoubleFree {
        /**
         * @param s the area.
         * @param r whether it freed.
         */
        @Actor
        public void one(final Page s, final II_Result r) {
            r.r1 = Page.WORLD.free(s.address);
        }

        /**
         * @param s the area.
         * @param r whether it freed.
         */
        @Actor
        public void two(final Page s, final II_Result r) {
            r.r2 = Page.WORLD.free(s.address);
        }

        /**
         * @param s the area.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Page s, final II_Result r) {
            Page.WORLD.settled(s.index);
        }
    }

    /**
     * A stale free against the recycled record and range. Would catch {@code VmapSpace.claim} not comparing the generation: the
     * stale free would end the new area.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "one free of the old address wins, the new area lives")
    @Outcome(expect = FORBIDDEN, desc = "both freed, or neither, or the new area was ended")
    public static class StaleFree {
        /**
         * @param s the area.
         * @param r whether it freed.
         */
        @Actor
        public void owner(final Page s, final III_Result r) {
            r.r1 = Page.WORLD.free(s.address);
            Page.WORLD.reclaimer.poll(true);
            s.next = Page.WORLD.vmalloc.vmalloc(4096);
        }

        /**
         * @param s the area.
         * @param r whether it freed.
         */
        @Actor
        public void stale(final Page s, final III_Result r) {
            r.r2 = Page.WORLD.free(s.address);
        }

        /**
         * @param s the area.
         * @param r whether the new area lived.
         */
        @Arbiter
        public void settle(final Page s, final III_Result r) {
            r.r3 = Page.WORLD.free(s.next);
            Page.WORLD.settled(s.index);
        }
    }

    /**
     * A reader in a section against a free whose memory the next owner writes at once. Would catch a release before the grace
     * period has ended (any weakening of {@code Epochs.stamp}, {@code Limbo}, {@code LazyAreas.retire} stamping before it clears),
     * and a translation that skips the tag. The reader stays until the next owner has written.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "free, then read: a page fault")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "read, then release: old content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "the reader saw the next owner's bytes")
    public static class ViewAgainstUnmap {
        /**
         * @param s the area.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Page s, final I_Result r) {
            r.r1 = Page.WORLD.useUntil(s.address, ~s.address, () -> s.through);
        }

        /** @param s the area. */
        @Actor
        public void owner(final Page s) {
            Page.WORLD.vmalloc.vfree(s.address);
            Page.WORLD.reclaimer.poll(true);
            Page.WORLD.reclaimer.poll(true);
            s.next = Page.WORLD.vmalloc.vmalloc(4096);
            Page.WORLD.access.putLong(s.next, s.address);
            s.through = true;
        }

        /**
         * @param s the area.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Page s, final I_Result r) {
            if (s.next != 0) {
                Page.WORLD.vmalloc.vfree(s.next);
                Page.WORLD.ended(s.index);
            }
        }
    }

    /** Fifteen pages of the library's, and where to copy them. */
    @State
    public static class Pages {
        static final int COUNT = 15;
        /** More than states live at a time: what they hold on the heap bounds that. */
        private static final int RING = 1 << 10;
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 17);
        private final int index = WORLD.nextIndex() & RING - 1;
        private final long address = WORLD.allocate(index, COUNT);
        private final byte[] copy = new byte[COUNT * 4096];
        /** Frames are not on the heap that the harness bounds: without it there would be more states than frames for them. */
        private final byte[] ballast = new byte[1 << 16];
        private volatile boolean through;
        private long next;

        int copy() {
            return WORLD.copyUntil(address, copy, ~address, () -> through);
        }

        void freeAndReuse() {
            WORLD.vmalloc.vfree(address);
            WORLD.reclaimer.poll(true);
            WORLD.reclaimer.poll(true);
            next = WORLD.vmalloc.vmalloc((long)COUNT * 4096);
            WORLD.write(next, COUNT, address + ballast[0]);
            through = true;
        }

        void settle() {
            if (next != 0) {
                WORLD.vmalloc.vfree(next);
                WORLD.ended(index);
            }
        }
    }

    /**
     * {@link ViewAgainstUnmap} through {@link VmapBuffer}, which translates at each access: each finds the old content or faults.
     * Copies of many pages, because between the translation of a single word and its load nothing else has time to happen.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "free, then copy: a page fault")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "copy, then release: old content throughout")
    @Outcome(expect = FORBIDDEN, desc = "the view showed the next owner's bytes")
    public static class BufferAgainstUnmap {
        /**
         * @param s the area.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Pages s, final I_Result r) {
            r.r1 = s.copy();
        }

        /** @param s the area. */
        @Actor
        public void owner(final Pages s) {
            s.freeAndReuse();
        }

        /**
         * @param s the area.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Pages s, final I_Result r) {
            s.settle();
        }
    }

    /**
     * Broken on purpose: the entry is cleared and the next owner writes at once. Seen to fail on JDK 17, x86: 299 of 1.15 million
     * samples.
     */
    @JCStressTest
    @Outcome(id = {"0", "1"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "the reader saw the next owner's bytes")
    public static class BrokenTwinWithoutLimbo {
        /**
         * @param s the area.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Page s, final I_Result r) {
            r.r1 = Page.WORLD.use(s.address, ~s.address);
        }

        /** @param s the area. */
        @Actor
        public void owner(final Page s) {
            final long frame = Page.WORLD.vmalloc.vmallocToFrame(s.address);
            Page.WORLD.vmalloc.vfree(s.address);
            Page.WORLD.store(frame, s.address);
        }

        /**
         * @param s the area.
         * @param r unused.
         */
        @Arbiter
        public void settle(final Page s, final I_Result r) {
            Page.WORLD.settled(s.index);
        }
    }

    /**
     * Frees from callbacks: two threads push, one of them drains. Would catch {@code AtomicFrees.purge} taking the stack in two
     * steps: an area would stay mapped for ever, or be unmapped twice.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "both areas went to limbo")
    @Outcome(expect = FORBIDDEN, desc = "an area was left on no stack")
    @State
    public static class AtomicFreesRace {
        private static final VmapWorld WORLD = new VmapWorld(64, 1 << 17);
        private final int index = WORLD.nextIndex();
        private final int index2 = WORLD.nextIndex();
        /** Two indexes a state: the harness must make fewer states, and bounds only their heap. */
        private final byte[] ballast = new byte[1 << 15];
        private final long address = WORLD.allocate(index);
        private final long address2 = WORLD.allocate(index2);
        private final long id = WORLD.space.find(address);
        private final long id2 = WORLD.space.find(address2);

        /** Pushes. */
        @Actor
        public void one() {
            WORLD.vmalloc.vfreeAtomic(address);
        }

        /** Pushes and drains. */
        @Actor
        public void two() {
            WORLD.vmalloc.vfreeAtomic(address2);
            WORLD.atomicFrees.poll(true);
        }

        /** @param r whether each has left the stack. */
        @Arbiter
        public void settle(final II_Result r) {
            // Another thread may have taken the stack and not be done with it.
            for (int i = ballast[0]; i < 100_000 && (ended(id, address) & ended(id2, address2)) == 0; i++) {
                WORLD.atomicFrees.poll(true);
                Thread.yield();
            }
            r.r1 = ended(id, address);
            r.r2 = ended(id2, address2);
            WORLD.settled(index);
            WORLD.settled(index2);
        }

        private static int ended(final long id, final long address) {
            final long word = WORLD.space.records().state(id);
            return AreaRecords.stateOf(word) == AreaRecords.RETIRING && AreaRecords.tagOf(word) == Address.tag(address) ? 0 : 1;
        }
    }
}
