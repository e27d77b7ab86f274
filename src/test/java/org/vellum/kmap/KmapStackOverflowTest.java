package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.StackDescent;
import org.vellum.cpu.CpuOptions;

/**
 * A stack that overflows in the middle of a map or an unmap, at any depth: what has not returned is not mapped, what was mapped can be
 * unmapped, no section stays open, and no pin is left.
 */
final class KmapStackOverflowTest {
    private static final int ROUNDS = 300;
    private static final int DIVES = 600;

    @TempDir
    Path directory;

    private KmapWorld world;
    private long[] frames;
    private final long[] held = new long[Kmap.MAX_DEPTH];
    private int count;
    /** Given to an unmap that has not returned. */
    private long ending;
    private long ended;
    private long begun;
    private final StackDescent localDescent = new StackDescent((what, depth) -> turn(true, what, depth));
    private final StackDescent sharedDescent = new StackDescent((what, depth) -> turn(false, what, depth));
    private long overflows;

    /** Up the stack of maps and down again, deeper and deeper in the thread's own: each unmap lies deeper than its map. */
    private void local(final int what, final int depth) {
        final int step = (what + depth) % 22;
        if (step < 11 && count < held.length) {
            held[count] = world.kmap.kmapLocal(frames[step % frames.length]);
            count++;
            begun++;
        } else if (count > 0) {
            ending = held[--count];
            world.kmap.kunmapLocal(ending);
            ending = 0;
            ended++;
        }
    }

    private void shared(final int what, final int depth) {
        final int step = (what + depth) % 6;
        try {
            if (step < 3 && count < held.length) {
                held[count] = (what + depth & 8) == 0 ? 0 : world.kmap.kmapIfMapped(frames[step % frames.length]);
                if (held[count] == 0) {
                    held[count] = world.kmap.kmap(frames[(what + depth) % frames.length]);
                }
                count++;
                begun++;
            } else if (count > 0) {
                ending = held[--count];
                world.kmap.kunmap(ending);
                ending = 0;
                ended++;
            } else {
                world.kmap.flushUnused();
            }
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void turn(final boolean local, final int what, final int depth) {
        if (local) {
            local(what, depth);
        } else {
            shared(what, depth);
        }
    }

    private StackDescent descent(final boolean local) {
        return local ? localDescent : sharedDescent;
    }

    private void round(final boolean local, final int what) {
        descent(local).run(what);
        final long open = open(local);
        assertTrue(open == count || open == count + 1 && ending != 0, "what=" + what + " open=" + open + " count=" + count + " ending=" + ending);
        if (open > count) {
            unmap(local, ending);
        }
        ending = 0;
        while (count > 0) {
            unmap(local, held[--count]);
        }
        assertFalse(world.memory.cpus().inSection(), "what=" + what);
        assertEquals(0, world.kmap.localMaps());
        assertEquals(0, world.kmap.sharedMaps());
        world.kmap.verify();
    }

    private void unmap(final boolean local, final long address) {
        if (local) {
            world.kmap.kunmapLocal(address);
        } else {
            world.kmap.kunmap(address);
        }
    }

    /** Users of all slots: by what it takes to get rid of them, since each of those that are held is one. */
    private long users() {
        return world.kmap.sharedUsers();
    }

    private void rounds(final boolean local, final int from) throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            final int what = from + i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                round(local, what);
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 200_000 + (what % 60) * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
        }
        assertEquals(ROUNDS, descent(local).overflows());
        assertTrue(begun > 10L * ROUNDS && ended > 10L * ROUNDS, "begun=" + begun + " ended=" + ended);
    }

    /** Goes so many levels down, and unmaps there. */
    private void dive(final boolean local, final int levels, final int pad) {
        if (levels > 0) {
            if ((levels & 15) == pad) {
                diveWider(local, levels - 1, pad, levels, levels, levels);
            } else {
                dive(local, levels - 1, pad);
            }
        } else {
            unmap(local, ending);
        }
    }

    private void diveWider(final boolean local, final int levels, final int pad, final long a, final long b, final long c) {
        dive(local, levels + (int)(a + b + c - 3 * a), pad);
    }

    /** Two maps, of which the inner one is undone as deep as the stack goes: deeper than a map would have been begun. */
    private void unmapsAtTheEnd(final boolean local) throws Exception {
        final long done = ended;
        for (int i = 0; i < 6 * frames.length; i++) {
            final int what = i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                unmapEverywhere(local, what);
                return null;
            });
            final Thread thread = new Thread(null, task, "small stack", 200_000 + what * 1024L);
            thread.start();
            task.get(60, TimeUnit.SECONDS);
            thread.join();
        }
        assertTrue(overflows > ROUNDS && ended - done > ROUNDS, "overflows=" + overflows + " ended=" + (ended - done));
    }

    private void unmapEverywhere(final boolean local, final int what) throws InterruptedException {
        final long outer = map(local, frames[what % frames.length]);
        int levels = 0;
        int stride = 64;
        for (int i = 0; i < DIVES; i++) {
            ending = map(local, frames[(what + i) % frames.length]);
            try {
                dive(local, levels, what & 15);
                ended++;
                levels += stride;
            } catch (final StackOverflowError e) {
                overflows++;
                // Hovers about the end from here on, wherever compilation moves it.
                stride = 1;
                levels -= 17 + i % 5;
                if (open(local) == 2) {
                    unmap(local, ending);
                }
            }
            assertEquals(1, open(local), "levels=" + levels);
            assertEquals(local, world.memory.cpus().inSection());
        }
        ending = 0;
        unmap(local, outer);
        assertFalse(world.memory.cpus().inSection());
        world.kmap.verify();
    }

    private long map(final boolean local, final long frame) throws InterruptedException {
        return local ? world.kmap.kmapLocal(frame) : world.kmap.kmap(frame);
    }

    private long open(final boolean local) {
        return local ? world.kmap.localMaps() : users();
    }

    private void run(final KmapWorld in, final boolean local) throws Exception {
        world = in;
        final HighMemory high = world.kmap.openHigh(directory.resolve("high"), 3L * SmallMemory.PAGE);
        high.prefetch(high.frame(0), high.frame(1), high.frame(2));
        final long[] low = world.frames(3);
        frames = local ? new long[] {low[0], high.frame(0), high.frame(1), low[1], high.frame(2), low[2]}
            : new long[] {high.frame(0), high.frame(1), high.frame(2)};
        rounds(local, 0);
        unmapsAtTheEnd(local);
        world.memory.quiesce();
        high.close();
        world.requireQuiet();
        world.close();
    }

    @Test
    void localMapsByLinearAddressesAndOfHighFrames() throws Exception {
        run(new KmapWorld(KmapWorld.SMALL), true);
    }

    @Test
    void localMapsByEntries() throws Exception {
        run(new KmapWorld(KmapWorld.FORCED), true);
    }

    /** Its own slot is taken by somebody else, so that each outermost map and unmap goes the long way. */
    @Test
    void localMapsOfADisplacedThread() throws Exception {
        final CpuOptions options = CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(4).withCells(1);
        final KmapWorld in = new KmapWorld(KmapWorld.SMALL, KmapWorld.builder().cpus(options));
        final SmallMemory.Reader reader = new SmallMemory.Reader(in.memory, "holder");
        world = in;
        frames = in.frames(3);
        rounds(true, 0);
        unmapsAtTheEnd(true);
        assertEquals("holder", in.memory.cpus().occupant(reader.cpu.index()).getName());
        reader.close();
        in.requireQuiet();
        in.close();
    }

    @Test
    void sharedMaps() throws Exception {
        run(new KmapWorld(KmapWorld.FORCED.withWindowBytes(8L * SmallMemory.PAGE)), false);
    }

    @Test
    void sharedMapsOfHighFrames() throws Exception {
        run(new KmapWorld(KmapWorld.SMALL), false);
    }
}
