package org.vellum.percpu;

import org.agrona.UnsafeApi;

/**
 * The memory of the first chunk's units. Its life: obtained, retired, freed; by one thread, outside sections.
 */
interface UnitMemory {
    Layout layout();

    /** The Vellum address of the lowest unit: the base of percpu pointers. */
    long base();

    /** How many bytes of memory it has, holes and ends that could not be freed included. */
    long bytes();

    /** Lets nobody translate an address of it any more, as far as that is in its hands. */
    void retire();

    /** Gives the memory back: after a grace period that began when it was retired. */
    void free();

    /**
     * Writes what a part of a unit begins with.
     *
     * @param address native, of the part's first byte.
     * @param from where in the unit that is.
     * @param bytes of the part.
     * @param image the unit's first bytes, or null; the rest is zero.
     */
    static void fill(final long address, final int from, final int bytes, final byte[] image) {
        UnsafeApi.setMemory(address, bytes, (byte)0);
        final int copied = image == null ? 0 : Math.min(bytes, image.length - from);
        if (copied > 0) {
            UnsafeApi.copyMemory(image, (long)UnsafeApi.arrayBaseOffset(byte[].class) + from, null, address, copied);
        }
    }

    /**
     * Undoes something because of an error; what that throws is added to the error.
     *
     * @param error that is thrown next.
     * @param action what is undone.
     */
    static void alsoAfter(final Throwable error, final Runnable action) {
        try {
            action.run();
        } catch (final RuntimeException | Error e) {
            error.addSuppressed(e);
        }
    }
}
