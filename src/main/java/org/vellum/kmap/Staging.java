package org.vellum.kmap;

import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.agrona.UnsafeApi;
import org.jctools.queues.varhandle.MpmcVarHandleArrayQueue;
import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;

/**
 * Direct buffers that pages pass through on their way between file and cache frame.
 *
 * <p>Why not read into the frames themselves: pages that are neighbours in the file are not in memory, and channels have no positional
 * read into several buffers; a view of a bank would keep the whole bank from being released; and what is written must be a copy that nobody
 * changes any more. A copy of 4 KiB costs a tenth of the system call.
 *
 * <p>Any thread. Whoever takes one gives it back; few are kept.
 */
final class Staging {
    /** Pages that one system call moves at most. */
    static final int PAGES = 16;

    private static final int KEPT = 8;

    private final MpmcVarHandleArrayQueue<ByteBuffer> kept = new MpmcVarHandleArrayQueue<>(KEPT);

    ByteBuffer take() {
        final ByteBuffer buffer = kept.poll();
        if (buffer != null) {
            return buffer;
        }
        try {
            return ByteBuffer.allocateDirect(PAGES * Pages.SIZE);
        } catch (final OutOfMemoryError e) {
            throw new ExhaustedException(ExhaustedException.Resource.DIRECT_MEMORY, "no buffer of " + PAGES * Pages.SIZE
                + " bytes for a file: -XX:MaxDirectMemorySize", e);
        }
    }

    void give(final ByteBuffer buffer) {
        kept.offer(buffer);
    }

    /** The collector gets what is kept. */
    void drop() {
        kept.clear();
    }

    /** Copies a page in: as it is now, word by word, if others are storing to it. */
    static void copyIn(final ByteBuffer buffer, final int page, final long nativePage) {
        UnsafeApi.copyMemory(nativePage, BufferUtil.address(buffer) + (long)page * Pages.SIZE, Pages.SIZE);
    }

    static void copyOut(final ByteBuffer buffer, final int page, final long nativePage) {
        UnsafeApi.copyMemory(BufferUtil.address(buffer) + (long)page * Pages.SIZE, nativePage, Pages.SIZE);
    }

    static void zero(final ByteBuffer buffer, final int from, final int to) {
        UnsafeApi.setMemory(BufferUtil.address(buffer) + from, to - from, (byte)0);
    }
}
