package org.vellum.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.vellum.Vellum;

/** A JVM of its own, without the modules of the Flight Recorder and of JMX: all but those works. */
final class MissingModulesTest {
    @Test
    void worksWithoutFlightRecorderAndManagement() throws Exception {
        final Process child = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea",
            "--limit-modules", "java.base,jdk.unsupported", "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED",
            "-cp", System.getProperty("java.class.path"), Child.class.getName()).redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, child.waitFor(), output);
        assertEquals("refused: this JVM lacks the module java.management: jmx=app", output.strip());
    }

    /** Without a class of JUnit's, which needs more modules. */
    static final class Child {
        private Child() {
        }

        /** @param args none. */
        public static void main(final String[] args) {
            for (final String module : new String[] {"jdk.jfr", "java.management"}) {
                if (ModuleLayer.boot().findModule(module).isPresent()) {
                    throw new AssertionError("present: " + module);
                }
            }
            try (Vellum memory = Vellum.open(64L << 20)) {
                memory.free(memory.allocate(100));
                memory.vfree(memory.vmalloc(1 << 20));
                memory.quiesce();
                if (memory.trim() == 0 || !memory.report().contains("allocator")) {
                    throw new AssertionError(memory.report());
                }
                memory.verify();
            }
            try {
                Vellum.builder().jmx("app").open();
            } catch (final IllegalStateException e) {
                System.out.println("refused: " + e.getMessage());
            }
        }
    }
}
