package org.vellum.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.frame.PhysicalMemory.NO_FRAME;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;

/** What happens at the edge of the JVM's own limits: its direct memory, and the stack of a thread. */
class FrameMemoryLimitTest {
    /** A JVM of its own with 8 MiB of direct memory: the limit of this one is shared, and too large to fill. */
    @Test
    void shouldNameTheFlagWhenDirectMemoryIsExhausted() throws IOException, InterruptedException {
        survives("limit", "-XX:MaxDirectMemorySize=8m");
    }

    /** Interpreted, and as the compilers find it: what needs a frame differs. */
    @Test
    void shouldSurviveStackOverflowAtEveryDepth() throws IOException, InterruptedException {
        survives("dive", "-Xint");
        survives("dive", "-Xmixed");
    }

    private static void survives(final String what, final String flag) throws IOException, InterruptedException {
        final Process child = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx128m", flag,
            "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED",
            "-cp", System.getProperty("java.class.path"), FrameMemoryLimitTest.class.getName(), what)
            .redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, child.waitFor(), output);
        assertTrue(output.contains("survived the " + what), output);
    }

    /**
     * The child.
     *
     * @param args which limit to meet.
     * @throws InterruptedException never.
     */
    public static void main(final String[] args) throws InterruptedException {
        if (args[0].equals("limit")) {
            meetTheLimit();
        } else {
            diveRepeatedly();
        }
        System.out.println("survived the " + args[0]);
    }

    private static void meetTheLimit() {
        final Cpus cpus = new Cpus(CpuOptions.forThisMachine());
        final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(64L << 20, 1L << 20));
        final List<Long> all = new ArrayList<>();
        try (Cpu cpu = cpus.enter()) {
            for (long frame; (frame = frames.allocate(cpu, 0)) != NO_FRAME;) {
                all.add(frame);
            }
            assertEquals(7 * 256, all.size(), "7 banks of 1 MiB and a page fit 8 MiB");
            assertTrue(frames.exhaustionReason().contains("-XX:MaxDirectMemorySize"), frames.exhaustionReason());
            assertEquals(1, frames.events(FrameEvent.BANK_REFUSED), "remembered");
            assertEquals(0, frames.freeFrames(), "what the JVM refuses is not free");
            frames.verify();
            all.forEach(frame -> frames.free(cpu, frame, 0));
            frames.drain(cpu);
            frames.releaseBank(frames.detachFreeBank());
            assertNull(frames.exhaustionReason());
            for (int bank = 0; bank < 7; bank++) {
                assertNotEquals(NO_FRAME, frames.allocate(cpu, 8), "released memory can be had again");
            }
            frames.verify();
        }
    }

    private static void diveRepeatedly() throws InterruptedException {
        final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(1));
        final FrameAllocator frames = new FrameAllocator(cpus, new FrameOptions(1L << 20, FrameOptions.MIN_BANK_BYTES));
        final long[] held = new long[128];
        final long[] frame = {NO_FRAME};
        final int[] overflows = new int[1];
        final Thread diver = new Thread(null, () -> {
            // A list that is nearly full on one dive and nearly empty on the next: both slow paths come near the edge.
            for (int dive = 0; dive < 40; dive++) {
                try (Cpu cpu = cpus.enter()) {
                    frames.drain(cpu);
                    final int kept = frames.allocateBulk(cpu, held, 0, dive);
                    dive(frames, cpu, frame, overflows);
                    assertEquals(NO_FRAME, frame[0]);
                    frames.freeBulk(cpu, held, 0, kept);
                }
                frames.verify();
            }
        }, "diver", 256 << 10);
        final Throwable[] thrown = new Throwable[1];
        diver.setUncaughtExceptionHandler((t, e) -> thrown[0] = e);
        diver.start();
        diver.join();
        assertNull(thrown[0], () -> String.valueOf(thrown[0]));
        assertTrue(overflows[0] > 0);
        frames.drainIdle();
        frames.verify();
        assertEquals(0, frames.allocatedFrames());
    }

    /** Down to the end of the stack, and on the way up tries with a little more left each time. */
    private static void dive(final FrameAllocator frames, final Cpu cpu, final long[] frame, final int[] overflows) {
        try {
            dive(frames, cpu, frame, overflows);
        } catch (final StackOverflowError e) {
            overflows[0]++;
        }
        // A frame that was allocated too deep to be freed stays in the cell, for the callers above.
        if (frame[0] == NO_FRAME) {
            frame[0] = frames.allocate(cpu, 0);
            if (frame[0] == NO_FRAME) {
                frames.verify();
                throw new AssertionError("allocated=" + frames.allocatedFrames() + " free=" + frames.freeFrames());
            }
        }
        frames.free(cpu, frame[0], 0);
        frame[0] = NO_FRAME;
    }
}
