package org.vellum.mmu;

/**
 * Copies between two memories that have no section in common: in a section of the one nobody may wait for a slot of the other, so no two are
 * open at once, and the bytes go through an array. Allocates that array.
 */
final class HeapPieces {
    private static final int BYTES = 64 << 10;

    /** Moves a piece in, and out again. */
    @FunctionalInterface
    interface Piece {
        /**
         * @param done bytes from the start of the copy.
         * @param between to go through, from its start.
         * @param bytes of this piece.
         */
        void move(long done, byte[] between, int bytes);
    }

    private HeapPieces() {
    }

    static void copy(final long length, final Piece piece) {
        final byte[] between = new byte[(int)Math.min(length, BYTES)];
        for (long done = 0; done < length; done += between.length) {
            piece.move(done, between, (int)Math.min(between.length, length - done));
        }
    }
}
