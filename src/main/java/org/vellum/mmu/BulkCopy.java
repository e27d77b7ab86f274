package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/**
 * Moves bytes between mapped ranges and anything else, run by run: pages that follow each other in native memory too are
 * moved as one.
 *
 * <p>Every page is translated before the first byte moves, so a fault changes nothing. Then the bytes move in sections
 * of at most {@link #SECTION_BYTES}: while one moves, nothing under it is reused, and no section holds reclamation up for
 * longer than the copy of a megabyte. (Who unmaps what another thread copies may still fault it between two sections.)
 *
 * <p>What fits in a cache line and one page is a single access, like a {@code getLong}, and opens no section of its own.
 */
final class BulkCopy {
    static final long SECTION_BYTES = 1 << 20;
    private static final long SINGLE_BYTES = 64;

    private enum Operation { GET, PUT, SET }

    private final AddressTranslation access;
    private final Cpus cpus;

    BulkCopy(final AddressTranslation access, final Cpus cpus) {
        this.access = access;
        this.cpus = cpus;
    }

    /** From mapped memory to an array, or to native memory if {@code base} is null. */
    void get(final long address, final Object base, final long offset, final long length) {
        if (isSingle(address, length)) {
            UnsafeApi.copyMemory(null, access.readable(address), base, offset, length);
        } else {
            inSections(Operation.GET, address, base, offset, length, (byte)0);
        }
    }

    /** From an array, or from native memory if {@code base} is null, to mapped memory. */
    void put(final long address, final Object base, final long offset, final long length) {
        if (isSingle(address, length)) {
            UnsafeApi.copyMemory(base, offset, null, access.writable(address), length);
        } else {
            inSections(Operation.PUT, address, base, offset, length, (byte)0);
        }
    }

    void set(final long address, final long length, final byte value) {
        if (isSingle(address, length)) {
            UnsafeApi.setMemory(access.writable(address), length, value);
        } else {
            inSections(Operation.SET, address, null, 0, length, value);
        }
    }

    private static boolean isSingle(final long address, final long length) {
        return length <= SINGLE_BYTES && length > 0 && (address & Pages.OFFSET_MASK) <= Pages.SIZE - length;
    }

    private void inSections(
        final Operation operation, final long address, final Object base, final long offset, final long length,
        final byte value) {
        require(address, length, operation != Operation.GET);
        for (long done = 0; done < length; done += SECTION_BYTES) {
            final Cpu cpu = cpus.enter();
            try {
                runs(operation, address + done, base, offset + done, Math.min(SECTION_BYTES, length - done), value);
            } finally {
                cpu.exit();
            }
        }
    }

    private void runs(
        final Operation operation, final long address, final Object base, final long offset, final long length,
        final byte value) {
        final boolean write = operation != Operation.GET;
        long run = access.translate(address, write);
        long from = 0;
        while (from < length) {
            long next = 0;
            long to = Math.min(length, from + pageRest(address + from));
            while (to < length && (next = access.translate(address + to, write)) == run + (to - from)) {
                to = Math.min(length, to + Pages.SIZE);
            }
            switch (operation) {
                case GET -> UnsafeApi.copyMemory(null, run, base, offset + from, to - from);
                case PUT -> UnsafeApi.copyMemory(base, offset + from, null, run, to - from);
                case SET -> UnsafeApi.setMemory(run, to - from, value);
            }
            run = next;
            from = to;
        }
    }

    /**
     * Between mapped ranges. Where the two overlap by address, as {@code memmove}; where different addresses map one frame,
     * the order of the bytes' moves is not defined.
     */
    void copy(final long source, final long target, final long length) {
        require(source, length, false);
        require(target, length, true);
        // Upwards unless that would overwrite what is still to be read.
        final long distance = (target & Address.MASK) - (source & Address.MASK);
        final boolean down = distance > 0 && distance < length;
        for (long done = 0; done < length; done += SECTION_BYTES) {
            final long step = Math.min(SECTION_BYTES, length - done);
            final long from = down ? length - done - step : done;
            final Cpu cpu = cpus.enter();
            try {
                if (down) {
                    copyDown(source + from, target + from, step);
                } else {
                    copyUp(source + from, target + from, step);
                }
            } finally {
                cpu.exit();
            }
        }
    }

    private void copyUp(final long source, final long target, final long length) {
        long from = 0;
        while (from < length) {
            final long step = Math.min(length - from, Math.min(pageRest(source + from), pageRest(target + from)));
            UnsafeApi.copyMemory(access.readable(source + from), access.writable(target + from), step);
            from += step;
        }
    }

    private void copyDown(final long source, final long target, final long length) {
        long to = length;
        while (to > 0) {
            final long step = Math.min(to, Math.min(pageHead(source + to), pageHead(target + to)));
            to -= step;
            UnsafeApi.copyMemory(access.readable(source + to), access.writable(target + to), step);
        }
    }

    void forEachRun(final long address, final long length, final MappedAccess.RunConsumer consumer) {
        require(address, length, false);
        long from = 0;
        while (from < length) {
            final Cpu cpu = cpus.enter();
            try {
                final long most = Math.min(length - from, SECTION_BYTES);
                final long run = access.readable(address + from);
                long step = Math.min(most, pageRest(address + from));
                while (step < most && access.readable(address + from + step) == run + step) {
                    step = Math.min(most, step + Pages.SIZE);
                }
                consumer.accept(run, (int)step);
                from += step;
            } finally {
                cpu.exit();
            }
        }
    }

    /** Translates every page of a range, or faults. */
    void require(final long address, final long length, final boolean write) {
        if (length < 0) {
            throw new IllegalArgumentException("length=" + length);
        }
        for (long from = 0; from < length; from += pageRest(address + from)) {
            access.translate(address + from, write);
        }
    }

    /** Bytes from the address to the end of its page, at least 1. */
    private static long pageRest(final long address) {
        return Pages.SIZE - (address & Pages.OFFSET_MASK);
    }

    /** Bytes from the start of the page that holds the byte before the address, at least 1. */
    private static long pageHead(final long address) {
        return ((address - 1) & Pages.OFFSET_MASK) + 1;
    }
}
