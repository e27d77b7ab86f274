package org.vellum.slab;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.report.Listener;

/**
 * Frees that wait for a grace period. No record is needed for an object: its state byte says DEFERRED, and its slab goes to limbo,
 * once however many of its objects wait.
 *
 * <p>A pass is what limbo calls when the slab's grace period has ended:
 * <pre>
 *   p1: WAITING objects become FREE        they were WAITING when the slab was stamped, and so unreachable since before that
 *   p2: DEFERRED objects become WAITING    if any: the slab is retired again, with a stamp taken after this
 *   p3: none: the limbo mark is taken off
 *   p4: a DEFERRED object now? the mark is put on again, and if it was not there the slab is retired again
 * </pre>
 * An object is thus held for one grace period at least, and two at most. Who defers makes the state DEFERRED first and sets the mark then,
 * who takes the mark off looks for DEFERRED afterwards; all of it is volatile, so one of the two sees the other, and whoever
 * sets the mark retires the slab.
 */
final class DeferredFrees implements Release {
    private static final int BATCH_BYTES = 16 * SlabTable.BYTES;

    private final Slabs slabs;
    private final SlabTable table;
    private final Limbo limbo;

    DeferredFrees(final Epochs epochs, final Slabs slabs, final Listener listener) {
        this.slabs = slabs;
        table = slabs.table;
        limbo = new Limbo(epochs, table.records, SlabTable.RECORD_WORDS, SlabTable.LINK, SlabTable.STAMP, BATCH_BYTES, this,
            listener);
    }

    /**
     * After an object's state has become DEFERRED.
     *
     * @param cpu the slot that the caller occupies, or null.
     * @param seen a word of the slab from when the object was live.
     */
    void add(final Cpu cpu, final int slab, final long seen) {
        long word = table.wordVolatile(slab);
        while (SlabWord.tag(word) == SlabWord.tag(seen) && !SlabWord.isInLimbo(word)) {
            if (table.compareAndSetWord(slab, word, word | SlabWord.IN_LIMBO)) {
                limbo.retire(cpu, slab);
                return;
            }
            word = table.wordVolatile(slab);
        }
    }

    int poll() {
        return limbo.pollAll();
    }

    long bytes() {
        return limbo.bytes();
    }

    long bytesEstimate() {
        return limbo.bytesEstimate();
    }

    @Override
    public String kind() {
        return "slab with deferred frees";
    }

    @Override
    public long bytes(final long token) {
        return SlabTable.BYTES;
    }

    @Override
    public boolean release(final Cpu own, final long token) {
        final int slab = (int)token;
        final long word = table.wordVolatile(slab);
        final int objects = SizeClasses.objects(SlabWord.sizeClass(word));
        final int freed = turn(slab, objects, SlabTable.WAITING, SlabTable.FREE);
        if (turn(slab, objects, SlabTable.DEFERRED, SlabTable.WAITING) > 0) {
            if (freed > 0) {
                slabs.noteFreed(null, slab, word, freed);
            }
            limbo.retire(own, slab);
            return true;
        }
        takeMarkOff(slab);
        // Before the count: with it the slab may go.
        if (has(slab, objects, SlabTable.DEFERRED)) {
            add(own, slab, word);
        }
        // Even if it is none: what others counted while the mark was on could not empty the slab.
        slabs.noteFreed(null, slab, word, freed);
        return true;
    }

    private void takeMarkOff(final int slab) {
        long word;
        do {
            word = table.wordVolatile(slab);
        } while (!table.compareAndSetWord(slab, word, word & ~SlabWord.IN_LIMBO));
    }

    private int turn(final int slab, final int objects, final byte from, final byte to) {
        int count = 0;
        for (int object = 0; object < objects; object++) {
            final long at = table.stateAddress(slab, object);
            // Acquire, release: partners are the CAS of who defers, and the acquire in SlabTable.freeBits of who hands it out next.
            if (UnsafeApi.getByteAcquire(null, at) == from) {
                UnsafeApi.putByteVolatile(null, at, to);
                count++;
            }
        }
        return count;
    }

    private boolean has(final int slab, final int objects, final byte state) {
        for (int object = 0; object < objects; object++) {
            if (UnsafeApi.getByteVolatile(null, table.stateAddress(slab, object)) == state) {
                return true;
            }
        }
        return false;
    }
}
