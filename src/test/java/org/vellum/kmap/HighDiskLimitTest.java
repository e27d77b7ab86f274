package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.kmap.KmapWorld.PAGE;
import static org.vellum.kmap.KmapWorld.SMALL;
import static org.vellum.kmap.KmapWorld.WINDOW;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real file that may not grow beyond a limit, in a process of its own, which has the limit. */
final class HighDiskLimitTest {
    private static final Path SHELL = Path.of("/bin/sh");
    /** In the shell's blocks of 512 bytes: ten pages. */
    private static final int LIMIT_BLOCKS = 10 * PAGE / 512;
    private static final int PAGES = 32;

    @TempDir
    Path directory;

    @Test
    void aFileThatMayNotGrowLosesNothing() throws Exception {
        assumeTrue(Files.isExecutable(SHELL), "there is no shell here to set the limit");
        final Path file = directory.resolve("limited");
        final Process child = new ProcessBuilder(SHELL.toString(), "-c", "ulimit -f " + LIMIT_BLOCKS + " && exec \"$@\"", "sh",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx128m", "-XX:-UsePerfData",
            "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
            HighDiskLimitTest.class.getName(), file.toString()).redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, child.waitFor(), output);
        assertTrue(output.contains("nothing is lost"), output);
        for (int page = 0; page < PAGES; page++) {
            final long there = KmapWorld.plain(file, (long)page * PAGE);
            assertTrue(there == 0 || there == 100 + page, "page=" + page + " has " + there);
        }
    }

    /**
     * The child.
     *
     * @param args the file.
     */
    public static void main(final String[] args) {
        final KmapWorld world = new KmapWorld(SMALL);
        final HighMemory high = world.kmap.openHigh(Path.of(args[0]), (long)PAGES * PAGE);
        final boolean[] stored = new boolean[PAGES];
        int refused = 0;
        for (int page = 0; page < PAGES; page++) {
            try {
                world.fill(high.frame(page), 100 + page);
                stored[page] = true;
            } catch (final HighMemoryException e) {
                assertTrue(e.getMessage().contains("cannot write page="), e.getMessage());
                refused++;
            }
        }
        assertTrue(refused > WINDOW, "refused=" + refused);
        assertThrows(HighMemoryException.class, high::force);
        assertThrows(HighMemoryException.class, high::close);
        world.requireQuiet();
        for (int page = 0; page < PAGES; page++) {
            if (stored[page]) {
                assertEquals(100 + page, lookAtStored(world, high, page), "page=" + page);
            }
        }
        System.out.println("refused=" + refused + ": nothing is lost");
    }

    /** In the cache, or else in the file: the cache is full of what it cannot write, so others cannot be read through it. */
    private static long lookAtStored(final KmapWorld world, final HighMemory high, final int page) {
        try {
            return world.look(high.frame(page));
        } catch (final HighMemoryException e) {
            return KmapWorld.plain(high.path(), (long)page * PAGE);
        }
    }
}
