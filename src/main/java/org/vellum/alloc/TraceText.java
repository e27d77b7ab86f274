package org.vellum.alloc;

import java.nio.charset.StandardCharsets;
import org.agrona.collections.Long2LongHashMap;

/**
 * Turns events into the lines of a trace file: threads become small numbers in the order in which they appear, and each
 * allocation gets an id that no other has. Used by one thread.
 *
 * <p>What it writes is a valid trace whatever it is told. A free of what it does not know is left out: memory that was there
 * before, or a mistake that the allocator has refused. An address that comes again without having been freed was freed in a way that is
 * not recorded, and ends where it comes again.
 */
final class TraceText {
    /** Stands for a size in an event that is a free. */
    static final long FREE = 0;

    /** The first lines of each file: the format, for whoever opens one. */
    static final String HEADER = """
        # Vellum allocation trace, version 1
        #   a ID SIZE   SIZE bytes are allocated, at least 1; no live allocation has this ID, a decimal number
        #   f ID        the allocation ID is freed, on whatever thread
        #   t THREAD    the lines below, up to the next t, are of this thread: 0, 1, ...; before the first t: thread 0
        # The order of the lines is an order in which it happened. Comments, as these, and empty lines mean nothing.
        """;

    private static final long UNKNOWN = -1;
    private static final int LONGEST_EVENT = 128;

    private final Long2LongHashMap threads = new Long2LongHashMap(UNKNOWN);
    private final Long2LongHashMap live = new Long2LongHashMap(UNKNOWN);
    private final byte[] bytes;
    private int length;
    private long lastId;
    private long currentThread = UNKNOWN;

    TraceText(final int capacity) {
        bytes = new byte[capacity];
        final byte[] header = HEADER.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(header, 0, bytes, 0, header.length);
        length = header.length;
    }

    /** Whether the lines of one more event might not fit. */
    boolean isFull() {
        return bytes.length - length < LONGEST_EVENT;
    }

    byte[] bytes() {
        return bytes;
    }

    /** How many bytes wait to be written: whole lines. */
    int length() {
        return length;
    }

    void clear() {
        length = 0;
    }

    /** Takes an event: an allocation of so many bytes, or a {@link #FREE}. */
    void event(final long thread, final long address, final long size) {
        assert !isFull();
        final long ended = live.remove(address);
        if (ended != UNKNOWN) {
            thread(thread);
            line('f', ended);
        }
        if (size != FREE) {
            thread(thread);
            live.put(address, ++lastId);
            line('a', lastId);
            bytes[length - 1] = ' ';
            number(size);
            bytes[length++] = '\n';
        }
    }

    private void thread(final long thread) {
        if (thread != currentThread) {
            currentThread = thread;
            long number = threads.get(thread);
            if (number == UNKNOWN) {
                number = threads.size();
                threads.put(thread, number);
            }
            line('t', number);
        }
    }

    private void line(final char kind, final long value) {
        bytes[length++] = (byte)kind;
        bytes[length++] = ' ';
        number(value);
        bytes[length++] = '\n';
    }

    private void number(final long value) {
        int digits = 1;
        for (long rest = value / 10; rest != 0; rest /= 10) {
            digits++;
        }
        int at = length + digits;
        length = at;
        long rest = value;
        do {
            bytes[--at] = (byte)('0' + rest % 10);
            rest /= 10;
        } while (rest != 0);
    }
}
