package org.vellum.kmap;

import org.vellum.file.Staging;

/**
 * Brings pages into the cache that will be needed, so that a nested map, which must not wait, finds them.
 *
 * <p>Pages in a row come by one system call. Frames that are in use stay so: what finds no frame is left out, as it would only wait for
 * pins that the caller may hold itself. What would only push out what the same call has read is left out, too.
 */
final class Prefetch {
    private final CacheDirectory directory;
    private final CacheMisses misses;
    private final CacheWaits waits;
    private final CacheCounts counts;

    Prefetch(final CacheDirectory directory, final CacheMisses misses, final CacheWaits waits, final CacheCounts counts) {
        this.directory = directory;
        this.misses = misses;
        this.waits = waits;
        this.counts = counts;
    }

    /**
     * @param sorted the frames, each once.
     * @return how many of the pages are in the cache at the end.
     */
    int fetch(final HighFile file, final long[] sorted) {
        new Call(file, sorted).readMissing();
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

    /** One call: what it wants, and how far it is. */
    private final class Call {
        private final HighFile file;
        private final long[] frames;
        private int at;
        private int read;
        private boolean full;

        Call(final HighFile file, final long[] frames) {
            this.file = file;
            this.frames = frames;
        }

        void readMissing() {
            while (at < frames.length && !full && read < directory.capacity()) {
                final int[] indexes = new int[Math.min(Staging.PAGES, Math.min(frames.length - at, directory.capacity() - read))];
                final long first = frames[at];
                final int count = claim(indexes);
                // Past what was claimed; else past one that is there, or is being read by others.
                at += Math.max(count, 1);
                read += count;
                if (count > 0) {
                    read(first, indexes, count);
                }
            }
        }

        /** Claims frames for a row of missing pages, up to the first that is not missing. */
        private int claim(final int[] indexes) {
            int count = 0;
            boolean done = false;
            try {
                final CacheMisses.Claimer claimer = misses.new Claimer(file);
                while (count < indexes.length && frames[at + count] == frames[at] + count) {
                    final int claim = claimer.claim(frames[at + count]);
                    if (claim < 0) {
                        full = claim == CacheDirectory.FULL;
                        break;
                    }
                    indexes[count++] = claim;
                }
                done = true;
            } finally {
                if (!done) {
                    giveUp(indexes, count);
                }
            }
            return count;
        }

        private void giveUp(final int[] indexes, final int count) {
            for (int i = 0; i < count; i++) {
                directory.giveUp(indexes[i], frames[at + i]);
            }
            waits.transferEnded();
        }

        /** If a row cannot be read at once, one by one: the good ones come, and the exception names the one that does not. */
        private void read(final long first, final int[] indexes, final int count) {
            try {
                misses.read(file, first, indexes, count);
            } catch (final HighMemoryException e) {
                if (count == 1) {
                    throw e;
                }
                for (int i = 0; i < count; i++) {
                    new Call(file, new long[] {first + i}).readMissing();
                }
            }
        }
    }
}
