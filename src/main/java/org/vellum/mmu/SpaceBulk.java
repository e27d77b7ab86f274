package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Pages;

/**
 * Moves bytes between a space and anything else, run by run: pages that follow each other in native memory too are moved as one.
 *
 * <p>In sections of at most {@link #SECTION_BYTES}, loads too: unlike a value that is returned, bytes that have arrived in the caller's array
 * cannot be thrown away after a second look. A page that does not translate ends the section; the fault comes between two sections, and
 * what was moved before it stays.
 */
final class SpaceBulk {
    static final long SECTION_BYTES = 1 << 20;

    private enum Operation { GET, PUT, SET }

    private final SpaceWalk walk;

    SpaceBulk(final SpaceWalk walk) {
        this.walk = walk;
    }

    /** From the space to an array, or to native memory if {@code base} is null. */
    void get(final long address, final Object base, final long offset, final long length) {
        move(Operation.GET, address, base, offset, length, (byte)0);
    }

    /** From an array, or from native memory if {@code base} is null, to the space. */
    void put(final long address, final Object base, final long offset, final long length) {
        move(Operation.PUT, address, base, offset, length, (byte)0);
    }

    void set(final long address, final long length, final byte value) {
        move(Operation.SET, address, null, 0, length, value);
    }

    private void move(
        final Operation operation, final long address, final Object base, final long offset, final long length, final byte value) {
        final boolean write = operation != Operation.GET;
        walk.requireInside(address, length, write);
        long done = 0;
        while (done < length) {
            final long end = Math.min(length, done + SECTION_BYTES);
            done = moveInSection(operation, address, base, offset, done, end, value);
            if (done < end) {
                walk.resolve(address + done, write);
            }
        }
    }

    /** How far it has come: to the end, or to a page that does not translate. */
    private long moveInSection(
        final Operation operation, final long address, final Object base, final long offset, final long from, final long end,
        final byte value) {
        final boolean write = operation != Operation.GET;
        final Cpu own = walk.cpus().enter();
        try {
            long done = from;
            while (done < end) {
                final long run = walk.translateOrNone(address + done, write);
                if (run == SpaceWalk.NONE) {
                    return done;
                }
                final long bytes = runOf(run, address + done, end - done, write);
                switch (operation) {
                    case GET -> UnsafeApi.copyMemory(null, run, base, offset + done, bytes);
                    case PUT -> UnsafeApi.copyMemory(base, offset + done, null, run, bytes);
                    case SET -> UnsafeApi.setMemory(run, bytes, value);
                }
                done += bytes;
            }
            return done;
        } finally {
            own.exit();
        }
    }

    /** How many bytes from an address on, at most so many, lie behind each other in native memory. */
    private long runOf(final long run, final long address, final long most, final boolean write) {
        long bytes = Math.min(most, pageRest(address));
        while (bytes < most && walk.translateOrNone(address + bytes, write) == run + bytes) {
            bytes = Math.min(most, bytes + Pages.SIZE);
        }
        return bytes;
    }

    /**
     * To a space of the same slots, or within this one. Where the two ranges overlap by address, as {@code memmove}; where different addresses
     * map one frame, the order of the bytes' moves is not defined.
     */
    void copyTo(final long source, final SpaceBulk other, final long target, final long length) {
        walk.requireInside(source, length, false);
        other.walk.requireInside(target, length, true);
        // Upwards unless that would overwrite what is still to be read.
        final boolean down = walk.isOfSameTable(other.walk) && target > source && target - source < length;
        long done = 0;
        while (done < length) {
            final long end = Math.min(length, done + SECTION_BYTES);
            done = down ? downInSection(source, other, target, length, done, end) : upInSection(source, other, target, done, end);
            if (done < end) {
                final long piece = down ? pieceDown(source, target, length - done, length - end) : 0;
                final long at = down ? length - done - piece : done;
                // Either may be the one; who translates already is left alone.
                walk.resolve(source + at, false);
                other.walk.resolve(target + at, true);
            }
        }
    }

    private long upInSection(final long source, final SpaceBulk other, final long target, final long from, final long end) {
        final Cpu own = walk.cpus().enter();
        try {
            long done = from;
            while (done < end) {
                final long bytes = Math.min(end - done, Math.min(pageRest(source + done), pageRest(target + done)));
                if (!piece(source + done, other, target + done, bytes)) {
                    return done;
                }
                done += bytes;
            }
            return done;
        } finally {
            own.exit();
        }
    }

    private long downInSection(
        final long source, final SpaceBulk other, final long target, final long length, final long from, final long end) {
        final Cpu own = walk.cpus().enter();
        try {
            long done = from;
            while (done < end) {
                final long bytes = pieceDown(source, target, length - done, length - end);
                final long at = length - done - bytes;
                if (!piece(source + at, other, target + at, bytes)) {
                    return done;
                }
                done += bytes;
            }
            return done;
        } finally {
            own.exit();
        }
    }

    private static long pieceDown(final long source, final long target, final long above, final long lowest) {
        return Math.min(above - lowest, Math.min(pageHead(source + above), pageHead(target + above)));
    }

    private boolean piece(final long source, final SpaceBulk other, final long target, final long bytes) {
        final long from = walk.readableOrNone(source);
        final long to = from == SpaceWalk.NONE ? SpaceWalk.NONE : other.walk.writableOrNone(target);
        if (to == SpaceWalk.NONE) {
            return false;
        }
        UnsafeApi.copyMemory(from, to, bytes);
        return true;
    }

    /** Bytes from the address to the end of its page, at least 1. */
    static long pageRest(final long address) {
        return Pages.SIZE - (address & Pages.OFFSET_MASK);
    }

    /** Bytes from the start of the page that holds the byte before the address, at least 1. */
    private static long pageHead(final long address) {
        return ((address - 1) & Pages.OFFSET_MASK) + 1;
    }
}
