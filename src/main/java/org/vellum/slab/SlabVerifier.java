package org.vellum.slab;

import org.agrona.UnsafeApi;

/** Walks a quiet system; the first thing that is wrong is an {@link AssertionError}. */
final class SlabVerifier {
    private final Slabs slabs;
    private final SlabTable table;
    private final CurrentSlabs current;

    SlabVerifier(final Slabs slabs, final CurrentSlabs current) {
        this.slabs = slabs;
        this.table = slabs.table;
        this.current = current;
    }

    void verify() {
        int owned = 0;
        int empty = 0;
        long count = 0;
        for (int slab = 0; slab < table.limit(); slab++) {
            final long word = table.wordVolatile(slab);
            if (word != SlabWord.NO_SLAB) {
                count++;
                verify(slab, word);
                owned += SlabWord.state(word) == SlabWord.OWNED ? 1 : 0;
                empty += SlabWord.isKeptEmpty(word) ? 1 : 0;
            }
        }
        check(count == slabs.created.get() - slabs.released.get(), "slabs=" + count + " created=" + slabs.created
            + " released=" + slabs.released);
        check(owned == countCurrent(), "owned=" + owned + " current=" + countCurrent());
        check(empty == slabs.keptEmpty(), "empty=" + empty + " kept=" + slabs.keptEmpty());
    }

    private void verify(final int slab, final long word) {
        final int sizeClass = SlabWord.sizeClass(word);
        final int objects = SizeClasses.objects(sizeClass);
        final int free = table.countFree(slab, objects);
        final String what = "slab=" + slab + " word=0x" + Long.toHexString(word) + " free=" + free;
        check(sizeClass < SizeClasses.COUNT, what + " class");
        check(SlabWord.state(word) != SlabWord.CLAIMED, what + " is claimed: not quiet");
        check(SlabWord.state(word) == SlabWord.OWNED || SlabWord.freed(word) >= free, what + ": frees are not counted");
        check(!SlabWord.isKeptEmpty(word) || free == objects && SlabWord.state(word) == SlabWord.LISTED, what + " empty");
        check(SlabWord.state(word) != SlabWord.LISTED || slabs.partial.isListed(sizeClass, slab), what + " has no bit");
        check(SlabWord.isNobodys(word) && free == objects && !SlabWord.isInLimbo(word) ? SlabWord.isKeptEmpty(word) : true,
            what + " is empty and not given back");
        boolean waits = false;
        for (int object = 0; object < objects; object++) {
            final int state = UnsafeApi.getByte(table.stateAddress(slab, object)) & 0xFF;
            final boolean deferred = state == (SlabTable.DEFERRED & 0xFF) || state == (SlabTable.WAITING & 0xFF);
            waits |= deferred;
            check(state <= SlabTable.MAX_LIVE || deferred, what + " object=" + object + " state=" + state);
        }
        check(!waits || SlabWord.isInLimbo(word), what + " has deferred frees and is not in limbo");
    }

    private int countCurrent() {
        int count = 0;
        for (int slot = 0; slot < current.slots(); slot++) {
            for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
                final int slab = current.slabOf(slot, sizeClass);
                if (slab != Slabs.NONE) {
                    count++;
                    verifyCurrent(slot, sizeClass, slab);
                }
            }
        }
        return count;
    }

    private void verifyCurrent(final int slot, final int sizeClass, final int slab) {
        final long word = table.wordVolatile(slab);
        final String what = "slot=" + slot + " class=" + sizeClass + " slab=" + slab + " word=0x" + Long.toHexString(word);
        check(SlabWord.state(word) == SlabWord.OWNED && SlabWord.sizeClass(word) == sizeClass, what + " is not its own");
        final long kept = current.freeOf(slot, sizeClass);
        final long free = SlabTable.freeBits(current.stateOf(slot, sizeClass)) & 0xFFFF_FFFFL;
        check((kept & ~free) == 0, what + " keeps objects that are not free: kept=0x" + Long.toHexString(kept));
    }

    private static void check(final boolean right, final String message) {
        if (!right) {
            throw new AssertionError(message);
        }
    }
}
