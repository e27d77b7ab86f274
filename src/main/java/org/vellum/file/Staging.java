package org.vellum.file;

import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.agrona.UnsafeApi;
import org.jctools.queues.varhandle.MpmcVarHandleArrayQueue;
import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;

/**
 * Direct buffers that pages pass through on their way between file and frame.
 *
 * <p>Why not read into the frames themselves: pages that are neighbours in the file are not in memory, and channels have no positional
 * read into several buffers; a view of a bank would keep the whole bank from being released; and what is written must be a copy that nobody
 * changes any more. A copy of 4 KiB costs a tenth of the system call.
 *
 * <p>Any thread. Whoever takes one gives it back; few are kept.
 */
public final class Staging {
    /** Pages that one system call moves at most. */
    public static final int PAGES = 16;

    private static final int KEPT = 8;

    private final MpmcVarHandleArrayQueue<ByteBuffer> kept = new MpmcVarHandleArrayQueue<>(KEPT);

    /** Makes an empty one. */
    public Staging() {
        // Nothing to be done.
    }

    /**
     * Takes a buffer of {@link #PAGES} pages. Never waits.
     *
     * @return the caller's until {@link #give}.
     * @throws ExhaustedException if the JVM has no direct memory for one.
     */
    public ByteBuffer take() {
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

    /**
     * @param buffer from {@link #take}, which the caller does not use any more.
     */
    public void give(final ByteBuffer buffer) {
        kept.offer(buffer);
    }

    /** The collector gets what is kept. */
    public void drop() {
        kept.clear();
    }

    /**
     * Copies a page in: as it is now, word by word, if others are storing to it.
     *
     * @param buffer from {@link #take}.
     * @param page of the buffer, from 0.
     * @param nativePage address of the page.
     */
    public static void copyIn(final ByteBuffer buffer, final int page, final long nativePage) {
        UnsafeApi.copyMemory(nativePage, BufferUtil.address(buffer) + (long)page * Pages.SIZE, Pages.SIZE);
    }

    /**
     * Copies a page out.
     *
     * @param buffer from {@link #take}.
     * @param page of the buffer, from 0.
     * @param nativePage address of the page, which nobody else uses yet.
     */
    public static void copyOut(final ByteBuffer buffer, final int page, final long nativePage) {
        UnsafeApi.copyMemory(BufferUtil.address(buffer) + (long)page * Pages.SIZE, nativePage, Pages.SIZE);
    }

    /**
     * @param buffer from {@link #take}.
     * @param from the first byte that becomes zero.
     * @param to exclusive.
     */
    public static void zero(final ByteBuffer buffer, final int from, final int to) {
        UnsafeApi.setMemory(BufferUtil.address(buffer) + from, to - from, (byte)0);
    }
}
