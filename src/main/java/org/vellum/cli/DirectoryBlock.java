package org.vellum.cli;

import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.vellum.mem.Pages;
import org.vellum.vmap.VmapBuffer;

/**
 * A directory block over scattered frames: entries sorted by hash, and a checksum over them all.
 *
 * <pre>
 *   [ checksum 8 | visits 8 | unused 16 ]  [ hash 8 | inode 8 | changes 8 | unused 8 ] x entries
 * </pre>
 * Names are numbers here: name <em>i</em> of a block hashes to {@code i * 4096 + noise}, and its inode follows from the hash,
 * so that each look-up can be checked.
 */
final class DirectoryBlock {
    static final int MAX_PAGES = 16;

    private static final int CHECKSUM = 0;
    private static final int VISITS = 8;
    private static final int ENTRY_BYTES = 32;
    private static final int INODE = 8;
    private static final int CHANGES = 16;

    final long[] frames;
    private final long seed;
    private final int entries;
    private long visits;

    DirectoryBlock(final long[] frames, final long seed) {
        this.frames = frames;
        this.seed = seed;
        entries = bytes() / ENTRY_BYTES - 1;
    }

    int pages() {
        return frames.length;
    }

    int bytes() {
        return frames.length << Pages.SHIFT;
    }

    private long hash(final int entry) {
        return (long)entry << 12 | (seed * 31 + entry) * 0x9E3779B97F4A7C15L >>> 52;
    }

    private static long inode(final long hash) {
        return (hash + 1) * 0xBF58476D1CE4E5B9L;
    }

    private static int offset(final int entry) {
        return (entry + 1) * ENTRY_BYTES;
    }

    /** Writes an empty history of each entry. */
    void format(final VmapBuffer view, final CRC32C crc, final byte[] scratch) {
        for (int i = 0; i < entries; i++) {
            view.putLong(offset(i), hash(i));
            view.putLong(offset(i) + INODE, inode(hash(i)));
        }
        view.putLong(CHECKSUM, checksum(view, crc, scratch));
    }

    /** Looks four names up, changes the last, and writes the checksum. Returns whether all were found as they should be. */
    boolean visit(final VmapBuffer view, final SplittableRandom random, final CRC32C crc, final byte[] scratch) {
        boolean found = true;
        int entry = 0;
        for (int i = 0; i < 4; i++) {
            final long hash = hash(random.nextInt(entries));
            entry = find(view, hash);
            found &= entry >= 0 && view.getLong(offset(entry) + INODE) == inode(hash);
        }
        if (found) {
            view.putLong(offset(entry) + CHANGES, view.getLong(offset(entry) + CHANGES) + 1);
        }
        view.putLong(VISITS, ++visits);
        view.putLong(CHECKSUM, checksum(view, crc, scratch));
        return found;
    }

    private int find(final VmapBuffer view, final long hash) {
        int low = 0;
        int high = entries - 1;
        while (low <= high) {
            final int middle = low + high >>> 1;
            final long met = view.getLong(offset(middle));
            if (met == hash) {
                return middle;
            }
            if (met < hash) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -1;
    }

    private long checksum(final VmapBuffer view, final CRC32C crc, final byte[] scratch) {
        final int length = bytes() - VISITS;
        view.getBytes(VISITS, scratch, 0, length);
        crc.reset();
        crc.update(scratch, 0, length);
        return crc.getValue();
    }

    /** Whether the block is what its visits must have made of it. */
    boolean isIntact(final VmapBuffer view, final CRC32C crc, final byte[] scratch) {
        long changes = 0;
        for (int i = 0; i < entries; i++) {
            changes += view.getLong(offset(i) + CHANGES);
        }
        return changes == visits && view.getLong(VISITS) == visits
            && view.getLong(CHECKSUM) == checksum(view, crc, scratch);
    }
}
