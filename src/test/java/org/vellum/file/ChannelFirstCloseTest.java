package org.vellum.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The first channel of a JVM that is closed under operations of virtual threads: HotSpot had compiled the handler of that before any class was
 * loaded of what they throw, and those that wait unmounted in the channel's monitor would go on in that code (JDK-8389310). In a JVM of its
 * own, since any other test that closes a channel loads the class.
 */
final class ChannelFirstCloseTest {
    private static final String OUT_OF_REACH = "out of reach";

    @TempDir
    Path directory;

    @Test
    void whoeverWaitsInTheChannelOpensItAgain() throws Exception {
        assumeTrue(Runtime.version().feature() >= 24, "threads that wait for a monitor stay mounted");
        final Process child = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xbatch",
            "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED",
            "-cp", System.getProperty("java.class.path"), Child.class.getName(), directory.resolve("file").toString())
            .redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, child.waitFor(), output);
        assumeFalse(output.equals(OUT_OF_REACH), "this JDK has no such monitor");
        assertEquals("", output);
    }

    /** Without a class of JUnit's, which might close a channel. */
    static final class Child {
        private static final int THREADS = 8;
        private static final int CALLS = 100_000;

        private Child() {
        }

        /** @param args the path of a file to be made. */
        public static void main(final String[] args) throws Exception {
            final ChannelIo io = new ChannelIo(Path.of(args[0]));
            final Field field = ChannelIo.class.getDeclaredField("channel");
            field.setAccessible(true);
            // By a virtual thread, for what it does to be what the others' code is compiled for.
            await(start(() -> warmUp(io, field)));
            final FileChannel channel = (FileChannel)field.get(io);
            final Object monitor = monitorOf(channel);
            if (monitor == null) {
                System.out.println(OUT_OF_REACH);
                return;
            }
            final List<Started> waiting = new ArrayList<>();
            synchronized (monitor) {
                for (int i = 0; i < THREADS; i++) {
                    waiting.add(start(() -> size(io)));
                }
                for (final Started started : waiting) {
                    while (started.thread.getState() != Thread.State.BLOCKED) {
                        LockSupport.parkNanos(100_000);
                    }
                }
                channel.close();
            }
            for (final Started started : waiting) {
                await(started);
            }
        }

        /** With channels that are closed between operations, which throws another class, so that the handler is compiled, too. */
        private static Void warmUp(final ChannelIo io, final Field field) throws Exception {
            for (int i = 0; i < CALLS; i++) {
                io.size();
                if (i % 50 == 0) {
                    ((FileChannel)field.get(io)).close();
                }
            }
            return null;
        }

        private static Void size(final ChannelIo io) throws Exception {
            try {
                io.size();
            } catch (final IOException e) {
                // By its own name it would have been loaded before.
                System.out.println("passed its handler by: " + e);
            }
            return null;
        }

        private static Object monitorOf(final FileChannel channel) throws IllegalAccessException {
            try {
                final Field field = channel.getClass().getDeclaredField("positionLock");
                field.setAccessible(true);
                return field.get(channel);
            } catch (final NoSuchFieldException e) {
                return null;
            }
        }

        private record Started(FutureTask<Void> task, Thread thread) {
        }

        private static Started start(final Callable<Void> body) throws Exception {
            final FutureTask<Void> task = new FutureTask<>(body);
            final Method startVirtual = Thread.class.getMethod("startVirtualThread", Runnable.class);
            return new Started(task, (Thread)startVirtual.invoke(null, task));
        }

        private static void await(final Started started) throws Exception {
            started.task.get();
            started.thread.join();
        }
    }
}
