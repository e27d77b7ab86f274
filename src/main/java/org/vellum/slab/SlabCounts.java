package org.vellum.slab;

import org.agrona.UnsafeApi;

/**
 * Figures of all slabs, by walking the tables.
 *
 * @param slabs how many there are.
 * @param current of those, how many some slot owns.
 * @param keptEmpty of those, how many are empty and kept for the next request.
 * @param objects live objects of each class.
 * @param liveBytes bytes of live objects, each as large as its class.
 * @param deferredBytes bytes of objects that wait for a grace period.
 * @param strandedBytes bytes that are free in slabs which slots own: what idle threads can keep from others.
 * @param created slabs made so far.
 * @param released slabs given back so far.
 * @param adopted slabs that a slot took over, with room, so far.
 */
public record SlabCounts(
    int slabs, int current, int keptEmpty, long[] objects, long liveBytes, long deferredBytes, long strandedBytes, long created,
    long released, long adopted) {

    /** @return bytes of slabs that are neither live nor wait for a grace period. */
    public long freeBytes() {
        return (long)slabs * SlabTable.BYTES - liveBytes - deferredBytes;
    }

    static SlabCounts of(final Slabs slabs, final CurrentSlabs current) {
        final SlabTable table = slabs.table;
        final long[] objects = new long[SizeClasses.COUNT];
        int count = 0;
        int owned = 0;
        long deferred = 0;
        long stranded = 0;
        long liveBytes = 0;
        for (int slab = 0; slab < table.limit(); slab++) {
            final long word = table.wordVolatile(slab);
            if (word == SlabWord.NO_SLAB) {
                continue;
            }
            final int sizeClass = SlabWord.sizeClass(word);
            final int size = SizeClasses.size(sizeClass);
            final int all = SizeClasses.objects(sizeClass);
            final int live = countLive(table, slab, all);
            final int free = table.countFree(slab, all);
            count++;
            objects[sizeClass] += live;
            liveBytes += (long)live * size;
            deferred += (long)(all - live - free) * size;
            if (SlabWord.state(word) == SlabWord.OWNED) {
                owned++;
                stranded += (long)free * size;
            }
        }
        return new SlabCounts(count, owned, slabs.keptEmpty(), objects, liveBytes, deferred, stranded, slabs.created.get(),
            slabs.released.get(), slabs.adopted.get());
    }

    /** Bytes of the objects whose state is that of one owner's. */
    static long liveBytes(final SlabTable table, final int live) {
        long bytes = 0;
        for (int slab = 0; slab < table.limit(); slab++) {
            final long word = table.wordVolatile(slab);
            final int objects = word == SlabWord.NO_SLAB ? 0 : SizeClasses.objects(SlabWord.sizeClass(word));
            for (int object = 0; object < objects; object++) {
                final int state = UnsafeApi.getByte(table.stateAddress(slab, object)) & 0xFF;
                bytes += state == live ? SizeClasses.size(SlabWord.sizeClass(word)) : 0;
            }
        }
        return bytes;
    }

    private static int countLive(final SlabTable table, final int slab, final int objects) {
        int count = 0;
        for (int object = 0; object < objects; object++) {
            final int state = UnsafeApi.getByte(table.stateAddress(slab, object)) & 0xFF;
            count += state >= SlabTable.LIVE && state <= SlabTable.MAX_LIVE ? 1 : 0;
        }
        return count;
    }
}
