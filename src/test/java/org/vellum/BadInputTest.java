package org.vellum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.io.File;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.VmallocFlags;

/** What a caller can do wrong, what it gets, and that the structures hold afterwards. Each room's own tests have more of it. */
final class BadInputTest {
    private Vellum memory = SmallMemory.builder(256, 2048).graceNanos(1_000_000).open();
    private long owned;

    @AfterEach
    void nothingIsLost() {
        if (memory != null) {
            SmallMemory.requireQuiet(memory, owned, 0);
            memory.close();
        }
    }

    private void reopen(final Vellum other) {
        memory.close();
        memory = other;
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void sizesBelowOne(final long size) {
        final List<Runnable> calls = List.of(() -> memory.vmalloc(size), () -> memory.vmalloc().vzalloc(size),
            () -> memory.vmalloc().vmallocUser(size), () -> memory.vmalloc().vmalloc(size, PAGE, 0),
            () -> memory.vmap().sparseArea(size));
        for (final Runnable call : calls) {
            final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, call::run);
            assertTrue(refused.getMessage().contains("size=" + size), refused.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {257 * PAGE, 1L << 40, 1L << 62, Long.MAX_VALUE})
    void sizesBeyondAllMemory(final long size) {
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> memory.vmalloc(size));
        assertEquals(ExhaustedException.Resource.FRAMES, refused.resource());
        if (size > 2048L * PAGE) {
            assertThrows(ExhaustedException.class, () -> memory.vmap().sparseArea(size));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 3, 4097, 3 * PAGE, Long.MIN_VALUE, Long.MAX_VALUE})
    void alignmentsThatAreNoPowersOfTwo(final long align) {
        final IllegalArgumentException refused =
            assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vmalloc(PAGE, align, 0));
        assertTrue(refused.getMessage().contains("align=" + align), refused.getMessage());
        assertThrows(IllegalArgumentException.class,
            () -> memory.vmap().congruentAreas(new long[] {0}, new long[] {PAGE}, align));
    }

    @ParameterizedTest
    @ValueSource(ints = {VmallocFlags.PUT_PAGES, 1 << 6, 1 << 31, -1})
    void flagsThatAreUnknown(final int flags) {
        assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vmalloc(PAGE, PAGE, flags));
    }

    static Stream<ToLongFunction<Vellum>> wrongAddresses() {
        return Stream.of(m -> 1, m -> -1, m -> Long.MIN_VALUE, m -> PAGE, m -> m.vmalloc().isVmallocAddress(0) ? 0 : 17,
            m -> keep(m) + PAGE, m -> keep(m) + 1, m -> keep(m) + 100 * PAGE, m -> keep(m) ^ 1L << 57,
            m -> keep(m) & (1L << 48) - 1,
            m -> {
                final long address = m.vmalloc(PAGE);
                m.vfree(address);
                return address;
            },
            m -> {
                final long address = m.vmalloc(PAGE);
                m.vfree(address);
                SmallMemory.settle(m);
                keep(m);
                return address;
            });
    }

    private static long kept;

    private static long keep(final Vellum memory) {
        kept = memory.vmalloc(2 * PAGE);
        return kept;
    }

    @ParameterizedTest
    @MethodSource("wrongAddresses")
    void addressesThatStartNoLiveArea(final ToLongFunction<Vellum> wrong) {
        kept = 0;
        final long address = wrong.applyAsLong(memory);
        final List<Runnable> calls = List.of(() -> memory.vfree(address), () -> memory.retire(address),
            () -> memory.vmalloc().vfreeAtomic(address), () -> memory.vmalloc().vrealloc(address, 10),
            () -> memory.vmap().vunmap(address), () -> memory.vmUnmapRam(address, 1), () -> memory.vmUnmapRam(address, 100),
            () -> memory.vmap().mapPages(address, address, SmallMemory.frames(memory, 0), 0, 1),
            () -> memory.vmap().unmapPages(address, address, 1));
        for (final Runnable call : calls) {
            assertThrows(IllegalArgumentException.class, call::run, Long.toHexString(address));
        }
        memory.verify();
        if (kept != 0) {
            memory.access().putByte(kept + 2 * PAGE - 1, (byte)1);
            memory.vfree(kept);
        }
    }

    @Test
    void addressesOfAnotherMemory() {
        try (Vellum other = SmallMemory.open(256, 2048)) {
            for (int i = 0; i < 3; i++) {
                other.vfree(other.vmalloc(1));
            }
            final long foreign = other.vmalloc(PAGE);
            assertThrows(IllegalArgumentException.class, () -> memory.vfree(foreign));
            assertThrows(RuntimeException.class, () -> memory.access().getByte(foreign));
            other.vfree(foreign);
        }
    }

    @Test
    void nullArrays() {
        assertThrows(NullPointerException.class, () -> memory.vmMapRam(null, 0, 1));
        assertThrows(NullPointerException.class, () -> memory.vmMapRam(null, 0, 100));
        assertThrows(NullPointerException.class, () -> memory.vmap().vmap(null, 0, 1, 0));
        assertThrows(NullPointerException.class, () -> memory.retire(null));
        assertThrows(NullPointerException.class, () -> memory.vmap().congruentAreas(new long[1], null, PAGE));
    }

    @Test
    void waitingInsideASection() {
        try (Cpu cpu = memory.enter()) {
            for (final Runnable call : List.<Runnable>of(memory::synchronize, memory::unmapAliases, memory::trim,
                memory::close)) {
                final IllegalStateException refused = assertThrows(IllegalStateException.class, call::run);
                assertTrue(refused.getMessage().contains("section"), refused.getMessage());
            }
            assertTrue(cpu.index() >= 0);
        }
    }

    @Test
    void exitByAnotherThread() throws Exception {
        try (Cpu cpu = memory.enter()) {
            SmallMemory.inThread(() -> assertThrows(IllegalStateException.class, cpu::exit));
            assertTrue(memory.cpus().inSection());
        }
        final Cpu left = memory.enter();
        left.exit();
        assertThrows(IllegalStateException.class, left::exit);
    }

    @Test
    void aSectionLeftOpenByADeadThread() throws Exception {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        reopen(SmallMemory.builder(256, 2048).listener(ear).open());
        for (int i = 0; i < 20; i++) {
            final long address = memory.vmalloc(100 * PAGE);
            SmallMemory.inThread(() -> {
                memory.enter();
                memory.enter();
                return null;
            });
            memory.vfree(address);
            memory.vfree(memory.vmalloc(200 * PAGE));
        }
        SmallMemory.settle(memory);
        assertTrue(ear.heard("forceExited"), ear.heard.toString());
    }

    @Test
    void slotsExhausted() throws Exception {
        reopen(SmallMemory.builder(256, 2048).graceNanos(1_000_000)
            .cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(2).withSlotWaitNanos(1_000_000)).open());
        final long address = memory.vmalloc(PAGE);
        final long atomic = memory.vmalloc(PAGE);
        final long retired = memory.vmalloc(PAGE);
        final long[] frames = SmallMemory.frames(memory, 4);
        owned = 4;
        final long ram = memory.vmMapRam(frames, 0, 4);
        final long hinted = memory.vmMapRam(frames, 0, 4);
        try (SmallMemory.Reader first = new SmallMemory.Reader(memory, "first-holder");
            SmallMemory.Reader second = new SmallMemory.Reader(memory, "second-holder")) {
            assertTrue(first.cpu != second.cpu);
            for (final Runnable call : List.<Runnable>of(memory::enter, () -> memory.vmalloc(PAGE),
                () -> memory.vmMapRam(frames, 0, 4))) {
                final ExhaustedException refused = assertThrows(ExhaustedException.class, call::run);
                assertEquals(ExhaustedException.Resource.SLOTS, refused.resource());
                assertTrue(refused.getMessage().contains("first-holder") && refused.getMessage().contains("second-holder"));
            }
            // What frees never waits and never fails.
            memory.vfree(address);
            memory.vmalloc().vfreeAtomic(atomic);
            memory.retire(retired);
            memory.vmUnmapRam(ram, 4);
            memory.mapRam().vmUnmapRam(first.cpu, hinted, 4);
            assertThrows(IllegalArgumentException.class, () -> memory.vfree(address));
            memory.poll();
        }
    }

    @Test
    void limboAtItsLimitWithAReaderThatNeverLeaves() throws Exception {
        final SmallMemory.Ear ear = new SmallMemory.Ear();
        reopen(SmallMemory.builder(256, 2048).graceNanos(20_000_000).stallNanos(5_000_000).listener(ear).open());
        try (SmallMemory.Reader reader = new SmallMemory.Reader(memory, "never-leaves")) {
            int freed = 0;
            ExhaustedException refused = null;
            while (refused == null) {
                try {
                    memory.vfree(memory.vmalloc(10 * PAGE));
                    freed++;
                } catch (final ExhaustedException e) {
                    refused = e;
                }
            }
            assertEquals(25, freed);
            assertTrue(refused.getMessage().contains("never-leaves"), refused.getMessage());
            assertTrue(refused.getMessage().contains("frames, "), refused.getMessage());
            assertTrue(ear.heard("stalled never-leaves"), ear.heard.toString());
            assertTrue(reader.cpu.index() >= 0);
        }
        memory.vfree(memory.vmalloc(256 * PAGE));
    }

    @Test
    void windowExhausted() {
        final long sparse = memory.vmap().sparseArea(2000L * PAGE);
        final ExhaustedException refused = assertThrows(ExhaustedException.class, () -> memory.vmalloc(100 * PAGE));
        assertEquals(ExhaustedException.Resource.WINDOW, refused.resource());
        memory.vmap().vunmap(sparse);
        memory.vfree(memory.vmalloc(100 * PAGE));
    }

    /**
     * Recursion to the end of the stack, one operation at each depth, whose error may strike anywhere inside it. Shown here: the
     * structures hold, the slot comes back, others go on, and nothing is lost: no frame, no area, no block.
     */
    @Test
    void aStackOverflowInTheMiddle() throws Exception {
        reopen(SmallMemory.builder(4096, 16384).graceNanos(1_000_000).open());
        final long[] frames = SmallMemory.frames(memory, 8);
        for (int round = 0; round < 200; round++) {
            final int kind = round % 6;
            final int pad = round;
            final long[] left = new long[2];
            final Thread thread = new Thread(null, () -> new Diver(memory, frames, kind, pad, left).dive(),
                "diver", 160 << 10);
            thread.setDaemon(true);
            thread.start();
            thread.join(30_000);
            assertFalse(thread.isAlive());
            // What was handed out is in left[]; what was not was given back.
            if (left[0] != 0) {
                try {
                    memory.vfree(left[0]);
                } catch (final IllegalArgumentException e) {
                    // The error came after the free had done its work.
                }
            }
            if (left[1] != 0) {
                try {
                    memory.vmUnmapRam(left[1], 3);
                } catch (final IllegalArgumentException e) {
                    // As above.
                }
            }
            // An exit that found no stack left the slot to the sweeper, which this calls if anybody is held up.
            memory.synchronize();
            memory.poll();
            memory.verify();
        }
        SmallMemory.requireQuiet(memory, 8, 0);
        memory.vfree(memory.vmalloc(20 * PAGE));
        memory.close();
        memory = null;
    }

    /** Dives until the stack is full, and operates on the way up, while some frames are left: each depth once. */
    private static final class Diver {
        private static final int TRIES = 300;
        private final Vellum memory;
        private final long[] frames;
        private final int kind;
        private final long[] left;
        private int tries;
        private int pad;

        Diver(final Vellum memory, final long[] frames, final int kind, final int pad, final long[] left) {
            this.memory = memory;
            this.frames = frames;
            this.kind = kind;
            this.pad = pad;
            this.left = left;
        }

        void dive() {
            try {
                if ((pad & 1) == 0) {
                    deeper(pad);
                } else {
                    dive();
                }
            } catch (final StackOverflowError e) {
                tries = 0;
            }
            if (tries < TRIES) {
                tries++;
                try {
                    operate();
                } catch (final StackOverflowError e) {
                    pad++;
                } catch (final IllegalStateException | IllegalArgumentException | ExhaustedException | BootstrapMethodError e) {
                    // The error struck in an exit, and the thread is in its section still: it may not wait any more. Or after
                    // the work was done. Or while the JVM prepared the text of a message.
                    tries = TRIES;
                }
            }
        }

        private void deeper(final long padding) {
            final long a = padding + 1;
            final long b = a * 3;
            dive();
            pad += (int)(a & b & 0);
        }

        private void operate() {
            switch (kind) {
                case 0 -> memory.enter().exit();
                case 1 -> {
                    if (left[0] == 0) {
                        left[0] = memory.vmalloc(3 * PAGE);
                    }
                    final long address = left[0];
                    memory.vfree(address);
                    left[0] = 0;
                }
                case 2 -> {
                    if (left[1] == 0) {
                        left[1] = memory.vmMapRam(frames, 0, 3);
                    }
                    memory.vmUnmapRam(left[1], 3);
                    left[1] = 0;
                }
                case 3 -> memory.poll();
                case 4 -> memory.unmapAliases();
                default -> memory.trim();
            }
        }
    }

    /** Runs in a JVM of its own, whose direct memory is smaller than what the memory may use. */
    public static final class SmallDirectMemory {
        private SmallDirectMemory() {
        }

        public static void main(final String[] args) {
            try (Vellum memory = Vellum.builder().memory(64 << 20).bank(1 << 20).worker(false).graceNanos(1_000_000).open()) {
                String message = "no exception";
                try {
                    memory.vmalloc(32 << 20);
                } catch (final ExhaustedException e) {
                    message = e.resource() + " " + e.getMessage();
                }
                System.out.println(message);
                SmallMemory.requireQuiet(memory, 0, 0);
                memory.vfree(memory.vmalloc(4 << 20));
                SmallMemory.requireQuiet(memory, 0, 0);
                System.out.println("verified");
            }
        }
    }

    @Test
    void directMemoryLimitOfTheJvmReached() throws Exception {
        final Process process = new ProcessBuilder(System.getProperty("java.home") + File.separator + "bin" + File.separator
            + "java", "-ea", "-XX:MaxDirectMemorySize=8m", "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "-cp",
            System.getProperty("java.class.path"), SmallDirectMemory.class.getName()).redirectErrorStream(true).start();
        final String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertTrue(output.startsWith("DIRECT_MEMORY"), output);
        assertTrue(output.contains("-XX:MaxDirectMemorySize"), output);
        assertTrue(output.trim().endsWith("verified"), output);
        assertEquals(0, process.exitValue());
    }
}
