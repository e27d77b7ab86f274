package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
import org.junit.jupiter.api.Test;
import org.vellum.mem.Pages;
import org.vellum.mmu.ScatteredPages;
import org.vellum.report.PageFaultException;

/** With Agrona's bounds checks off, a wild index still faults: the switch is read once a JVM, so this starts one. */
final class VmapBufferUncheckedTest {
    private static final String DONE = "all wild accesses faulted";

    @Test
    void wildIndexesFault() throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx256m",
            "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "-D" + DirectBuffer.DISABLE_BOUNDS_CHECKS_PROP_NAME + "=true",
            "-cp", System.getProperty("java.class.path"), Unchecked.class.getName()).redirectErrorStream(true).start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), output);
        assertTrue(output.contains(DONE), output);
        assertEquals(0, process.exitValue(), output);
    }

    /** The other JVM. */
    static final class Unchecked {
        private Unchecked() {
        }

        public static void main(final String[] arguments) {
            assertTrue(!DirectBuffer.SHOULD_BOUNDS_CHECK);
            final ScatteredPages pages = new ScatteredPages(2, 1);
            final VmapBuffer view = new VmapBuffer(pages.access(), pages.address(0), pages.bytes());
            final int[] wild = {-1, -8, 2 * Pages.SIZE, 2 * Pages.SIZE - 3, Integer.MAX_VALUE - 8, Integer.MIN_VALUE};
            for (final int index : wild) {
                assertThrows(PageFaultException.class, () -> view.getLong(index));
                assertThrows(PageFaultException.class, () -> view.putLong(index, 1));
                assertThrows(PageFaultException.class, () -> view.getBytes(index, new byte[100]));
                assertThrows(PageFaultException.class, () -> view.setMemory(index, 100, (byte)1));
                assertThrows(PageFaultException.class, () -> view.putStringAscii(index, "text"));
            }
            assertThrows(PageFaultException.class, () -> new VmapBuffer(pages.access()).getLong(0));
            view.putLong(Pages.SIZE - 3, -5);
            assertEquals(-5, view.getLong(Pages.SIZE - 3));
            System.out.println(DONE);
        }
    }
}
