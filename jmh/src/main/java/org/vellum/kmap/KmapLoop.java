package org.vellum.kmap;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;

/**
 * What a thread of a row does: maps frames of its own in turn, touches each, and unmaps them in reverse order. All rows touch by the same
 * checked access: a load and a store of one word by Vellum address, of another cache line in each frame, since lines at one place of all
 * pages would drive each other out of the cache.
 */
final class KmapLoop {
    /** Maps of one {@link #run}: at any depth. */
    static final int MAPS = 8;

    private static final int LINES = Pages.SIZE / CacheLine.BYTES;

    private final KmapMapper mapper;
    private final MappedAccess access;
    private final Kmap kmap;
    private final long[] frames;
    private final int depth;
    private final long[] addresses = new long[MAPS];
    private int next;
    private long runs;

    /**
     * @param row where, and how.
     * @param frames to map, a power of two of them, at least 8.
     * @param depth how many are mapped at a time: 1, 2, 4 or 8.
     */
    KmapLoop(final KmapRow row, final long[] frames, final int depth) {
        if (MAPS % depth != 0 || Integer.bitCount(frames.length) != 1 || frames.length < MAPS) {
            throw new IllegalArgumentException("depth=" + depth + " frames=" + frames.length);
        }
        mapper = KmapMapper.of(row);
        access = row.vellum.access();
        kmap = row.vellum.kmap();
        this.frames = frames;
        this.depth = depth;
        for (int i = 0; i < frames.length; i++) {
            kmap.zeroFrame(frames[i]);
        }
    }

    /** On the thread that will run: it may be another one in each iteration. */
    void begin() {
        mapper.begin();
    }

    private static long offset(final int index) {
        return (long)(index % LINES) * CacheLine.BYTES;
    }

    /** Maps {@link #MAPS} frames, so many at a time as the depth says. Returns the last address. */
    long run() {
        int index = next;
        for (int done = 0; done < MAPS; done += depth) {
            for (int i = 0; i < depth; i++) {
                final long address = mapper.map(frames[index + i], i);
                addresses[i] = address;
                touch(address + offset(index + i));
            }
            for (int i = depth - 1; i >= 0; i--) {
                mapper.unmap(addresses[i], i);
            }
            index += depth;
        }
        next = index & frames.length - 1;
        runs++;
        return addresses[0];
    }

    private void touch(final long address) {
        access.putLong(address, access.getLong(address) + 1);
    }

    /**
     * A figure that came from touches of something else is worth nothing.
     *
     * @throws IllegalStateException if a frame does not hold the number of its touches.
     */
    void verify() {
        for (int i = 0; i < frames.length; i++) {
            final long address = kmap.kmapLocalReadOnly(frames[i]);
            final long found = access.getLong(address + offset(i));
            kmap.kunmapLocal(address);
            final long rounds = runs * MAPS / frames.length;
            final long expected = rounds + (i < runs * MAPS % frames.length ? 1 : 0);
            if (found != expected) {
                throw new IllegalStateException("frame=" + frames[i] + " touches=" + expected + " found=" + found);
            }
        }
    }
}
