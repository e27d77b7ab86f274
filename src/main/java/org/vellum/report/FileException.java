package org.vellum.report;

import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * A file whose pages are in memory could not be opened, read or written. What is in memory is as it was: what could not be read is not there,
 * what could not be written is still there and still dirty, and the operation may be tried again.
 */
public final class FileException extends UncheckedIOException {
    /** It concerns the file as a whole. */
    public static final long NO_PAGE = -1;

    private static final long serialVersionUID = 1L;

    private final String path;
    private final long page;

    /**
     * @param what was attempted, as in "cannot read".
     * @param path of the file.
     * @param page of the file, of 4 KiB, or {@link #NO_PAGE}.
     * @param cause what the file system said.
     */
    public FileException(final String what, final String path, final long page, final IOException cause) {
        super(what + (page == NO_PAGE ? "" : " page=" + page) + ": " + path + ": " + reason(cause), cause);
        this.path = path;
        this.page = page;
    }

    /** Exceptions of the file system have only a name for their text, which says nothing without their class. */
    private static String reason(final IOException cause) {
        return cause.getClass() == IOException.class ? cause.getMessage() : cause.toString();
    }

    /** @return the file. */
    public String path() {
        return path;
    }

    /** @return the page of the file, of several the first; or {@link #NO_PAGE}. */
    public long page() {
        return page;
    }
}
