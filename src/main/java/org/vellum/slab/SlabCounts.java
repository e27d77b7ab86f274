package org.vellum.slab;

import java.util.ArrayList;
import java.util.List;
import org.agrona.UnsafeApi;

/**
 * Figures of all slabs, by walking the tables.
 *
 * @param slabs how many there are.
 * @param current of those, how many some slot owns.
 * @param keptEmpty of those, how many are empty and kept for the next request.
 * @param classes each class by its number, those without a slab included.
 * @param liveBytes bytes of live objects, each as large as its class.
 * @param deferredBytes bytes of objects that wait for a grace period.
 * @param strandedBytes bytes that are free in slabs which slots own: what idle threads can keep from others.
 * @param created slabs made so far.
 * @param released slabs given back so far.
 * @param adopted slabs that a slot took over, with room, so far.
 */
public record SlabCounts(
    int slabs, int current, int keptEmpty, List<ClassCounts> classes, long liveBytes, long deferredBytes, long strandedBytes, long created,
    long released, long adopted) {

    /**
     * One size class. How much of its objects their users did not ask for is known to nobody: at most 12.5 % above 64 bytes.
     *
     * @param objectBytes size of its objects.
     * @param slabs how many it has.
     * @param liveObjects how many are live.
     * @param deferredObjects how many wait for a grace period.
     * @param freeObjects how many are free.
     */
    public record ClassCounts(int objectBytes, int slabs, long liveObjects, long deferredObjects, long freeObjects) {
        /** @return bytes of its slabs. */
        public long bytes() {
            return (long)slabs * SlabTable.BYTES;
        }

        /** @return bytes of its live objects. */
        public long liveBytes() {
            return liveObjects * objectBytes;
        }

        /** @return bytes of its slabs that no object covers: what division leaves over. */
        public long wasteBytes() {
            return bytes() - (liveObjects + deferredObjects + freeObjects) * objectBytes;
        }
    }

    /** @return live objects of all classes. */
    public long liveObjects() {
        long sum = 0;
        for (final ClassCounts ofClass : classes) {
            sum += ofClass.liveObjects();
        }
        return sum;
    }

    /** @return bytes of slabs that are neither live nor wait for a grace period. */
    public long freeBytes() {
        return (long)slabs * SlabTable.BYTES - liveBytes - deferredBytes;
    }

    static SlabCounts of(final Slabs slabs) {
        final Walk walk = new Walk(slabs.table);
        for (int slab = 0; slab < slabs.table.limit(); slab++) {
            walk.add(slab);
        }
        return new SlabCounts(walk.count, walk.owned, slabs.keptEmpty(), walk.classes(), walk.live, walk.deferred, walk.stranded,
            slabs.created.get(), slabs.released.get(), slabs.adopted.get());
    }

    /** Sums on the way through the table. */
    private static final class Walk {
        private final SlabTable table;
        private final int[] slabs = new int[SizeClasses.COUNT];
        private final long[] liveObjects = new long[SizeClasses.COUNT];
        private final long[] freeObjects = new long[SizeClasses.COUNT];
        private int count;
        private int owned;
        private long live;
        private long deferred;
        private long stranded;

        Walk(final SlabTable table) {
            this.table = table;
        }

        void add(final int slab) {
            final long word = table.wordVolatile(slab);
            if (word == SlabWord.NO_SLAB) {
                return;
            }
            final int sizeClass = SlabWord.sizeClass(word);
            final long size = SizeClasses.size(sizeClass);
            final int all = SizeClasses.objects(sizeClass);
            final int alive = countLive(table, slab, all);
            // What changes between the two looks is not to be counted twice.
            final int free = Math.min(table.countFree(slab, all), all - alive);
            count++;
            slabs[sizeClass]++;
            liveObjects[sizeClass] += alive;
            freeObjects[sizeClass] += free;
            live += alive * size;
            deferred += (all - alive - free) * size;
            if (SlabWord.state(word) == SlabWord.OWNED) {
                owned++;
                stranded += free * size;
            }
        }

        List<ClassCounts> classes() {
            final List<ClassCounts> classes = new ArrayList<>(SizeClasses.COUNT);
            for (int i = 0; i < SizeClasses.COUNT; i++) {
                final long all = (long)slabs[i] * SizeClasses.objects(i);
                classes.add(new ClassCounts(SizeClasses.size(i), slabs[i], liveObjects[i], all - liveObjects[i] - freeObjects[i],
                    freeObjects[i]));
            }
            return List.copyOf(classes);
        }
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
