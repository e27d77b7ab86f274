package org.vellum.alloc;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.vellum.Stagger;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;

/** Shared arenas: closed by one thread while others allocate, close, or look at what is in them. */
public final class ArenaStress {
    private static final int BANK = 64 << 10;
    private static final int CHUNKS_OF_SLAB = 8;

    private ArenaStress() {
    }

    /** A small memory for one state at a time, with an arena that has a chunk. */
    private static final class Cell {
        private static final ConcurrentLinkedQueue<Vellum> SETTLED = new ConcurrentLinkedQueue<>();
        final Vellum memory;
        final Arena arena;
        final long address;
        final Stagger stagger = new Stagger();
        /** The harness bounds the heap that its states take, but knows nothing of their direct memory. */
        private final byte[] ballast = new byte[2 * BANK];

        Cell() {
            final Vellum settled = SETTLED.poll();
            memory = settled == null
                ? Vellum.builder().memory(4 * BANK).bank(BANK).window(4 << 20).worker(false).open() : settled;
            arena = memory.sharedArena();
            address = arena.allocate(64);
            memory.access().putLong(address, address);
            // So that no slot owns the slab: whoever wants memory finds what is free of it.
            memory.allocator().drainIdle();
        }

        /** Frames that are out though the arena is closed; the memory serves again if there are none. */
        int settle() {
            memory.quiesce();
            memory.allocator().drainIdle();
            final int out = (int)memory.frames().allocatedFrames();
            if (out == 0 && ballast.length > 0) {
                SETTLED.add(memory);
            }
            return out;
        }
    }

    private static int closed(final Arena arena) {
        try {
            arena.close();
            return 1;
        } catch (final IllegalStateException e) {
            return 0;
        }
    }

    /**
     * A close meets an allocation that needs a new chunk. Would catch a push of the chunk that does not compare: it would bury the mark, and the
     * chunk would never go back. Numbers: whether the allocation succeeded, the close did; frames that are out at the end.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "allocate -> close")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "close -> allocate: told")
    @Outcome(expect = FORBIDDEN, desc = "a chunk is lost")
    @State
    public static class CloseAgainstAllocate {
        private final Cell cell = new Cell();

        /** Allocates. @param r whether it did. */
        @Actor
        public void allocate(final III_Result r) {
            cell.stagger.one();
            try {
                cell.arena.allocate(4_090);
                r.r1 = 1;
            } catch (final IllegalStateException e) {
                r.r1 = 0;
            }
        }

        /** Closes. @param r whether it did. */
        @Actor
        public void close(final III_Result r) {
            cell.stagger.other();
            r.r2 = closed(cell.arena);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }

    /**
     * The same with an allocation that gets a chunk of its own. Would catch a close that takes those chunks by a load and a store, or not
     * at all: a chunk put there between the two would never go back.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "allocate -> close")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "close -> allocate: told")
    @Outcome(expect = FORBIDDEN, desc = "a chunk is lost")
    @State
    public static class CloseAgainstAllocateAlone {
        private final Cell cell = new Cell();

        /** Allocates. @param r whether it did. */
        @Actor
        public void allocate(final III_Result r) {
            cell.stagger.one();
            try {
                cell.arena.allocate(BANK);
                r.r1 = 1;
            } catch (final IllegalStateException e) {
                r.r1 = 0;
            }
        }

        /** Closes. @param r whether it did. */
        @Actor
        public void close(final III_Result r) {
            cell.stagger.other();
            r.r2 = closed(cell.arena);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }

    /**
     * Two threads allocate from one chunk, four times each. Would catch carving by a load and a store: two allocations would be the same memory.
     * Numbers: words that hold what their owner wrote; frames that are out at the end.
     */
    @JCStressTest
    @Outcome(id = "8, 0", expect = ACCEPTABLE, desc = "each has memory of its own")
    @Outcome(expect = FORBIDDEN, desc = "two have the same memory, or frames are lost")
    @State
    public static class TwoAllocations {
        private static final int EACH = 4;
        private final Cell cell = new Cell();
        private final long[] addresses = new long[2 * EACH];

        private void allocate(final int first) {
            for (int i = first; i < first + EACH; i++) {
                addresses[i] = cell.arena.allocate(Long.BYTES);
                cell.memory.access().putLong(addresses[i], i);
            }
        }

        /** Allocates. */
        @Actor
        public void one() {
            cell.stagger.one();
            allocate(0);
        }

        /** Allocates. */
        @Actor
        public void other() {
            cell.stagger.other();
            allocate(EACH);
        }

        /** @param r words that are as they were written, and frames that are out. */
        @Arbiter
        public void settle(final II_Result r) {
            for (int i = 0; i < addresses.length; i++) {
                r.r1 += cell.memory.access().getLong(addresses[i]) == i ? 1 : 0;
            }
            cell.arena.close();
            r.r2 = cell.settle();
        }
    }

    /** Two threads close. Would catch a close by a load and a store: both would retire the chunks, and free them twice. */
    @JCStressTest
    @Outcome(id = {"1, 0, 0", "0, 1, 0"}, expect = ACCEPTABLE, desc = "one closed, the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both or none")
    @State
    public static class TwoCloses {
        private final Cell cell = new Cell();

        /** Closes. @param r whether it did. */
        @Actor
        public void one(final III_Result r) {
            cell.stagger.one();
            r.r1 = closed(cell.arena);
        }

        /** Closes. @param r whether it did. */
        @Actor
        public void other(final III_Result r) {
            cell.stagger.other();
            r.r2 = closed(cell.arena);
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final III_Result r) {
            r.r3 = cell.settle();
        }
    }

    /**
     * A reader in a section looks at what is in the arena, while it is unpublished and closed, and its memory is wanted. Would catch a close that
     * frees the chunks at once: the reader would see what others wrote. Numbers: 0 not found, 1 as it was, 2 changed; frames that are
     * out at the end.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 0"}, expect = ACCEPTABLE, desc = "close -> look, or look -> close")
    @Outcome(expect = FORBIDDEN, desc = "changed under the reader, or frames are lost")
    @State
    public static class CloseAgainstReader {
        /** How long a reader waits for the other to have written before it looks. */
        private static final long MOST_NANOS = 200_000;
        private final Cell cell = new Cell();
        private volatile long published = cell.address;
        private volatile boolean written;

        /** Looks, in a section. @param r what it saw. */
        @Actor
        public void look(final II_Result r) {
            cell.stagger.one();
            final Cpu cpu = cell.memory.enter();
            try {
                final long found = published;
                if (found != 0) {
                    final long end = System.nanoTime() + MOST_NANOS;
                    while (!written && System.nanoTime() < end) {
                        Thread.onSpinWait();
                    }
                    r.r1 = cell.memory.access().getLong(found) == found ? 1 : 2;
                }
            } finally {
                cpu.exit();
            }
        }

        /** Unpublishes, closes, and takes what memory there is. */
        @Actor
        public void close() {
            cell.stagger.other();
            published = 0;
            cell.arena.close();
            cell.memory.poll();
            final long[] others = new long[CHUNKS_OF_SLAB];
            for (int i = 0; i < others.length; i++) {
                others[i] = cell.memory.allocate(Arena.FIRST_CHUNK);
                cell.memory.access().putLong(others[i], 0);
            }
            written = true;
            for (final long other : others) {
                cell.memory.free(other);
            }
        }

        /** @param r frames that are out. */
        @Arbiter
        public void settle(final II_Result r) {
            r.r2 = cell.settle();
        }
    }
}
