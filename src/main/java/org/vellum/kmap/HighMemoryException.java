package org.vellum.kmap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * A file of high memory could not be opened, read or written. The cache is as it was: what could not be read is not in it, what could
 * not be written is still there and still dirty, and the operation may be tried again.
 */
public final class HighMemoryException extends UncheckedIOException {
    /** No frame: it concerns the file as a whole. */
    public static final long NO_FRAME = -1;

    private static final long serialVersionUID = 1L;

    private final transient Path path;
    private final long frame;

    HighMemoryException(final String what, final Path path, final IOException cause) {
        super(what + ": " + path + ": " + reason(cause), cause);
        this.path = path;
        this.frame = NO_FRAME;
    }

    HighMemoryException(final String what, final Path path, final long frame, final IOException cause) {
        super(what + " page=" + HighFrames.page(frame) + " frame=" + frame + ": " + path + ": " + reason(cause), cause);
        this.path = path;
        this.frame = frame;
    }

    /** Exceptions of the file system have only a name for their text, which says nothing without their class. */
    private static String reason(final IOException cause) {
        return cause.getClass() == IOException.class ? cause.getMessage() : cause.toString();
    }

    /** @return the file; null if this exception has been serialised. */
    public Path path() {
        return path;
    }

    /** @return the high frame whose content could not be read or written; of several the first; or {@link #NO_FRAME}. */
    public long frame() {
        return frame;
    }
}
