package org.vellum.kmap;

import java.util.Arrays;

/**
 * Brings pages into the cache that will be needed, so that a nested map, which must not wait, finds them.
 *
 * <p>Pages in a row come by one system call. Frames that are in use stay so: what finds no frame is left out, as it would only wait for
 * pins that the caller may hold itself. What would only push out what the same call has read is left out, too.
 */
final class Prefetch {
    private final HighFiles files;
    private final CacheDirectory directory;
    private final CacheMisses misses;
    private final CacheWaits waits;
    private final CacheCounts counts;

    Prefetch(
        final HighFiles files, final CacheDirectory directory, final CacheMisses misses, final CacheWaits waits,
        final CacheCounts counts) {
        this.files = files;
        this.directory = directory;
        this.misses = misses;
        this.waits = waits;
        this.counts = counts;
    }

    /** @return how many of the pages are in the cache at the end, each counted once. */
    int fetch(final HighFile file, final long[] frames) {
        final long[] sorted = Arrays.stream(frames).sorted().distinct().toArray();
        final long most = counts.of(CacheEvent.READ) + directory.capacity();
        int at = 0;
        while (at < sorted.length && counts.of(CacheEvent.READ) < most) {
            at += fetchRun(file, sorted, at);
        }
        int present = 0;
        for (final long frame : sorted) {
            if (misses.isReading(frame)) {
                counts.note(CacheEvent.READ_WAIT, 1);
                waits.awaitTransfer(() -> !misses.isReading(frame));
            }
            present += directory.hash.get(frame) == CacheHash.NONE ? 0 : 1;
        }
        return present;
    }

    /** Reads what is missing of a row of pages up to the first that is not. Returns how many pages that settles: all if there are no frames. */
    private int fetchRun(final HighFile file, final long[] sorted, final int from) {
        final int[] indexes = new int[Math.min(Staging.PAGES, sorted.length - from)];
        int count = 0;
        boolean claiming = true;
        boolean full = false;
        try {
            final CacheMisses.Claimer claimer = misses.new Claimer(file);
            while (count < indexes.length && sorted[from + count] == sorted[from] + count) {
                final int claim = claimer.claim(sorted[from + count]);
                if (claim < 0) {
                    full = claim == CacheDirectory.FULL;
                    break;
                }
                indexes[count++] = claim;
            }
            claiming = false;
        } finally {
            if (claiming) {
                giveUp(sorted[from], indexes, count);
            }
        }
        if (count > 0) {
            read(file, sorted[from], indexes, count);
        }
        return full ? sorted.length - from : Math.max(count, 1);
    }

    private void giveUp(final long frame, final int[] indexes, final int count) {
        for (int i = 0; i < count; i++) {
            directory.giveUp(indexes[i], frame + i);
        }
        waits.transferEnded();
    }

    /** If a row cannot be read at once, one by one: the good ones come, and the exception names the one that does not. */
    private void read(final HighFile file, final long frame, final int[] indexes, final int count) {
        try {
            misses.read(file, frame, indexes, count, false, false);
        } catch (final HighMemoryException e) {
            if (count == 1) {
                throw e;
            }
            for (int i = 0; i < count; i++) {
                fetchRun(file, new long[] {frame + i}, 0);
            }
        }
    }
}
