package org.vellum.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.agrona.collections.Long2LongHashMap;

/**
 * Reads a trace file; the comment at the top of each that Vellum writes documents the format. What is wrong is named by file,
 * line and reason, and nothing is replayed.
 *
 * <p>Fields are separated by spaces or tabs; a line ends with LF, CRLF or the file.
 */
final class TraceParser {
    /** The longest allocation, and the most bytes live at a time: no address space holds more. */
    static final long MAX_BYTES = 1L << 47;

    private static final long NONE = -1;
    private static final int END = -1;
    private static final int MAX_LINE = 256;
    private static final Pattern SEPARATORS = Pattern.compile("[ \t]+");
    private static final Pattern DECIMAL = Pattern.compile("-?[0-9]+");

    private final Path file;
    private final Trace trace = new Trace();
    private final Long2LongHashMap live = new Long2LongHashMap(NONE);
    private final Long2LongHashMap threads = new Long2LongHashMap(NONE);
    private final byte[] bytes = new byte[MAX_LINE];
    private int length;
    private long line;
    private boolean comment;
    private boolean complete;
    private long thread;

    private TraceParser(final Path file) {
        this.file = file;
    }

    /**
     * Reads a file.
     *
     * @throws BadInput naming what is wrong with it.
     */
    static Trace parse(final Path file) {
        FilePiece.check(file);
        return new TraceParser(file).read();
    }

    private Trace read() {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            while (readLine(in)) {
                if (!comment) {
                    statement(new String(bytes, 0, length, StandardCharsets.US_ASCII).strip());
                }
            }
        } catch (final IOException e) {
            throw new BadInput("cannot be read: " + file);
        }
        if (trace.operations() == 0) {
            throw new BadInput("no operation in the trace: " + file);
        }
        return trace;
    }

    private BadInput wrong(final String reason) {
        return new BadInput(file + ":" + line + ": " + (complete ? "" : "the file ends within this line: ") + reason);
    }

    /** Reads up to the end of a line; a comment is not kept. Returns false if there is none. */
    private boolean readLine(final InputStream in) throws IOException {
        line++;
        length = 0;
        comment = false;
        complete = true;
        int next = in.read();
        if (next == END) {
            return false;
        }
        for (; next != '\n' && next != END; next = in.read()) {
            if (next < ' ' && next != '\t' && next != '\r' || next == 0x7F) {
                throw wrong(String.format("not text: byte 0x%02x", next));
            }
            comment |= next == '#' && blank();
            if (!comment) {
                keep(next);
            }
        }
        complete = next == '\n';
        return true;
    }

    private boolean blank() {
        for (int i = 0; i < length; i++) {
            if (bytes[i] != ' ' && bytes[i] != '\t') {
                return false;
            }
        }
        return true;
    }

    private void keep(final int next) {
        if (next > '~') {
            throw wrong(String.format("not text: byte 0x%02x", next));
        }
        if (length == MAX_LINE) {
            throw wrong("longer than " + MAX_LINE + " characters");
        }
        bytes[length++] = (byte)next;
    }

    private void statement(final String text) {
        if (text.isEmpty()) {
            return;
        }
        final String[] fields = SEPARATORS.split(text);
        switch (fields[0]) {
            case "a" -> {
                expect(fields, "ID", "SIZE");
                allocate(number("ID", fields[1]), number("SIZE", fields[2]));
            }
            case "f" -> {
                expect(fields, "ID");
                free(number("ID", fields[1]));
            }
            case "t" -> {
                expect(fields, "THREAD");
                thread(number("THREAD", fields[1]));
            }
            default -> throw wrong("unknown operation '" + fields[0] + "': a, f, t or # begin a line");
        }
    }

    private void expect(final String[] fields, final String... names) {
        if (fields.length - 1 < names.length) {
            throw wrong("missing " + names[fields.length - 1]);
        }
        if (fields.length - 1 > names.length) {
            throw wrong("extra field '" + fields[names.length + 1] + "'");
        }
    }

    private long number(final String name, final String text) {
        if (!DECIMAL.matcher(text).matches()) {
            throw wrong(name + "='" + text + "' is not a decimal number");
        }
        try {
            return Long.parseLong(text);
        } catch (final NumberFormatException e) {
            throw wrong(name + "='" + text + "' is beyond 64 bits");
        }
    }

    private void allocate(final long id, final long size) {
        if (size < 1) {
            throw wrong("SIZE='" + size + "' is less than 1");
        }
        if (size > MAX_BYTES || trace.liveBytes() + size > MAX_BYTES) {
            throw wrong("SIZE='" + size + "': more bytes are live than an address space holds");
        }
        if (live.containsKey(id)) {
            throw wrong("ID='" + id + "' is live already");
        }
        begin();
        live.put(id, trace.allocate(id, size));
    }

    private void free(final long id) {
        final long allocation = live.remove(id);
        if (allocation == NONE) {
            throw wrong("ID='" + id + "' is not live");
        }
        begin();
        trace.free((int)allocation);
    }

    /** Threads get their numbers with their first operation, so that each of them has some. */
    private void begin() {
        if (trace.operations() == Trace.MAX_OPERATIONS) {
            throw wrong("more than " + Trace.MAX_OPERATIONS + " operations");
        }
        long number = threads.get(thread);
        if (number == NONE) {
            number = threads.size();
            threads.put(thread, number);
        }
        trace.thread((int)number);
    }

    private void thread(final long number) {
        if (number < 0 || number > Integer.MAX_VALUE) {
            throw wrong("THREAD='" + number + "' is not from 0 to " + Integer.MAX_VALUE);
        }
        thread = number;
    }
}
