package org.vellum.alloc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.UnsafeApi;

/** How much of the process is in memory: what native allocators hold, as the operating system counts it. */
final class ResidentMemory {
    private static final Path STATM = Path.of("/proc/self/statm");

    private ResidentMemory() {
    }

    /**
     * @return in bytes.
     * @throws UncheckedIOException where there is no {@code /proc}.
     */
    static long bytes() {
        try {
            final String[] pages = Files.readString(STATM, StandardCharsets.US_ASCII).split(" ");
            return Long.parseLong(pages[1]) * UnsafeApi.pageSize();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
