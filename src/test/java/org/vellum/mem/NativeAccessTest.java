package org.vellum.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a JVM started without the flag says: only a JVM of its own can show it. */
final class NativeAccessTest {
    private static final String FLAG = "--add-exports java.base/jdk.internal.misc=ALL-UNNAMED";

    /** The child's main class. */
    static final class Child {
        private Child() {
        }

        public static void main(final String[] args) {
            try {
                NativeAccess.require();
                System.out.print("ok " + Words.zeroed(1).getPlain(0));
            } catch (final IllegalStateException e) {
                System.out.print(e.getMessage());
            }
        }
    }

    private static String child(final String... flags) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName()));
        final Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        final String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        return said;
    }

    @Test
    void withoutTheFlagOneSentenceNamesIt() throws Exception {
        final String said = child();
        assertEquals("Vellum's buffers come from Agrona, which needs the JVM flag " + FLAG, said);
    }

    @Test
    void withTheFlagMemoryIsThere() throws Exception {
        assertEquals("ok 0", child(FLAG.split(" ")));
        NativeAccess.require();
        assertTrue(Words.reserve(1).address(0) != 0);
    }
}
