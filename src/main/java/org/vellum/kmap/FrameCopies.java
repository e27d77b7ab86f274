package org.vellum.kmap;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;
import org.vellum.report.WouldWaitException;

/**
 * What local maps are made for most: frames set to zero, copied, filled and read, one or two maps at a time.
 *
 * <p>Thread safety: all methods may be called by any thread.
 */
final class FrameCopies {
    /** More than evictions between two maps are likely. */
    private static final int ATTEMPTS = 16;

    private final LocalMaps maps;
    private final MappedAccess access;

    FrameCopies(final LocalMaps maps, final MappedAccess access) {
        this.maps = maps;
        this.access = access;
    }

    /** See {@link Kmap#zeroFrame}. */
    void zero(final long frame) {
        final long address = maps.map(null, frame, true);
        try {
            UnsafeApi.setMemory(access.readable(address), Pages.SIZE, (byte)0);
        } finally {
            maps.unmap(address);
        }
    }

    /** See {@link Kmap#copyFrame}. */
    void copy(final long from, final long to) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            try {
                copyNested(from, to);
                return;
            } catch (final WouldWaitException e) {
                // The inner one was not there. It is brought while no page is held, so that copies never wait for each other.
                maps.drop(maps.keep(from));
            }
        }
        final int kept = maps.keep(from);
        try {
            copyNested(from, to);
        } finally {
            maps.drop(kept);
        }
    }

    private void copyNested(final long from, final long to) {
        final long target = maps.map(null, to, true);
        try {
            final long source = maps.map(null, from, false);
            try {
                UnsafeApi.copyMemory(access.readable(source), access.readable(target), Pages.SIZE);
            } finally {
                maps.unmap(source);
            }
        } finally {
            maps.unmap(target);
        }
    }

    /** See {@link Kmap#copyIn}. */
    void in(final long[] to, final long offset, final DirectBuffer source, final int index, final int length) {
        requireRange(to, offset, length);
        source.boundsCheck(index, length);
        int done = 0;
        while (done < length) {
            final int within = (int)(offset + done & Pages.OFFSET_MASK);
            final int bytes = Math.min(length - done, Pages.SIZE - within);
            final long address = maps.map(null, to[(int)(offset + done >>> Pages.SHIFT)], true);
            try {
                access.putBytes(address + within, source, index + done, bytes);
            } finally {
                maps.unmap(address);
            }
            done += bytes;
        }
    }

    /** See {@link Kmap#copyOut}. */
    void out(final long[] from, final long offset, final MutableDirectBuffer target, final int index, final int length) {
        requireRange(from, offset, length);
        if (!target.isExpandable()) {
            target.boundsCheck(index, length);
        }
        int done = 0;
        while (done < length) {
            final int within = (int)(offset + done & Pages.OFFSET_MASK);
            final int bytes = Math.min(length - done, Pages.SIZE - within);
            final long address = maps.map(null, from[(int)(offset + done >>> Pages.SHIFT)], false);
            try {
                access.getBytes(address + within, target, index + done, bytes);
            } finally {
                maps.unmap(address);
            }
            done += bytes;
        }
    }

    private static void requireRange(final long[] frames, final long offset, final int length) {
        if (offset < 0 || length < 0 || offset > ((long)frames.length << Pages.SHIFT) - length) {
            throw new IndexOutOfBoundsException("offset=" + offset + " length=" + length + " frames=" + frames.length);
        }
    }
}
