package org.vellum.slab;

/** What is wrong with an address, in words. */
final class SlabMisuse {
    private static final int TAG_SHIFT = 48;

    private final SlabTable table;

    SlabMisuse(final SlabTable table) {
        this.table = table;
    }

    private static String hex(final long address) {
        return "address=0x" + Long.toHexString(address);
    }

    /**
     * An address that no slab of its generation holds.
     *
     * @return NOT_HERE if it may be of something else than a slab.
     * @throws RuntimeException if it may not.
     */
    long elsewhere(final long address) {
        final long number = (address & -1L >>> Short.SIZE) >>> SlabTable.SHIFT;
        final boolean known = number < table.limit();
        final long word = known ? table.wordOpaque((int)number) : SlabWord.NO_SLAB;
        if (word == SlabWord.NO_SLAB && (address >>> TAG_SHIFT == 0 || !known)) {
            return SlabAllocator.NOT_HERE;
        }
        if (word == SlabWord.NO_SLAB) {
            throw new IllegalStateException("already free: " + hex(address) + " is of a slab that has been given back, or of another memory");
        }
        if (address >>> TAG_SHIFT == 0) {
            throw new IllegalArgumentException("not where an object begins: " + hex(address)
                + " lies in a slab, whose objects have tag=" + (word >>> TAG_SHIFT));
        }
        throw new IllegalStateException("already free: " + hex(address) + " is of an earlier slab, or of another memory: tag="
            + (address >>> TAG_SHIFT) + " now=" + (word >>> TAG_SHIFT));
    }

    IllegalArgumentException interior(final long address, final int slab, final int offset, final int size) {
        final long begin = ((long)slab << SlabTable.SHIFT) + offset | address >>> TAG_SHIFT << TAG_SHIFT;
        return new IllegalArgumentException("not where an object begins: " + hex(address) + " is inside the object at 0x"
            + Long.toHexString(begin) + " size=" + size);
    }

    RuntimeException notLive(final long address, final byte state) {
        if (state == SlabTable.NONE) {
            return new IllegalArgumentException("not where an object begins: " + hex(address) + " is behind the last object");
        }
        return new IllegalStateException("already free: " + hex(address)
            + (state == SlabTable.DEFERRED || state == SlabTable.WAITING ? " waits for its grace period" : ""));
    }
}
