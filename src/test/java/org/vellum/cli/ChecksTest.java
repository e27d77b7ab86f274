package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.space.AddressSpace;
import org.vellum.space.MapOptions;
import org.vellum.vmap.FlushPolicy;

/** The checks on which the exit status stands fail when they should. */
final class ChecksTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Console console =
        new Console(new PrintStream(new ByteArrayOutputStream()), new PrintStream(err, true), true);
    private Vellum memory;

    @BeforeEach
    void open() {
        memory = Vellum.open(16L << 20);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void frameThatWasNotFreedIsALeak() {
        assertTrue(LeakReport.of("clean", memory).print(console));
        final Cpu cpu = memory.enter();
        final long frame = memory.frames().allocate(cpu, 0);
        cpu.exit();
        final LeakReport report = LeakReport.of("leaky", memory);
        assertEquals(4096, report.bytes());
        assertFalse(report.print(console));
        assertTrue(err.toString().contains("memory=leaky frames=1"), err.toString());
        ScatteredFrames.give(memory, new long[] {frame});
        assertEquals(0, LeakReport.of("clean again", memory).bytes());
    }

    @Test
    void mappingAndAreaThatWereNotEndedAreLeaks() {
        final long[] frames = ScatteredFrames.take(memory, 2, 1);
        final long mapping = memory.vmMapRam(frames, 0, 2);
        assertEquals(4 * 4096, LeakReport.of("mapping", memory).bytes());
        memory.vmUnmapRam(mapping, 2);
        ScatteredFrames.give(memory, frames);
        final long area = memory.vmalloc(1);
        assertEquals(2 * 4096, LeakReport.of("area", memory).bytes());
        memory.vfree(area);
        assertEquals(0, LeakReport.of("none", memory).bytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"touch", "blocks", "lazy", "eager"})
    void touchThatDidNotArriveShows(final String policy) {
        final boolean eager = policy.equals("eager");
        try (Vellum one = Vellum.builder().memory(16L << 20)
            .flushPolicy(eager ? FlushPolicy.EAGER : FlushPolicy.LAZY).open()) {
            for (final int lost : new int[] {-1, 0, 3}) {
                final VmapHammer hammer = VmapHammer.of(policy, one, 1);
                // However long it takes until its thread is let run.
                do {
                    Crew.hammer(List.of(hammer), 100);
                } while (hammer.operations() == 0);
                assertTrue(hammer.nanos() > 0);
                if (lost >= 0) {
                    one.access().putLong(hammer.frames[lost] << 12,
                        ScatteredFrames.firstWord(one, hammer.frames[lost]) - 1);
                }
                assertEquals(lost < 0, hammer.finish(), "lost=" + lost);
            }
            assertEquals(0, LeakReport.of(policy, one).bytes());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"touch", "local", "localCpu", "fixed", "shared", "high-local", "high-shared"})
    void pageThatWasNotMetAsOftenAsItShouldShows(final String policy, @TempDir final Path dir) {
        for (final int lost : new int[] {-1, 0, KmapHammer.FRAMES - 1}) {
            try (KmapWorkload workload = new KmapWorkload(3, 1, dir.resolve(policy + lost))) {
                workload.open(16L << 20, 1);
                final KmapHammer hammer = workload.crew(policy, 1).get(0);
                do {
                    Crew.hammer(List.of(hammer), 50);
                } while (hammer.operations() == 0);
                if (lost >= 0) {
                    hammer.kmap.copyIn(new long[] {hammer.frames[lost]}, KmapHammer.offset(lost), new UnsafeBuffer(new byte[8]), 0, 8);
                }
                assertEquals(lost < 0, workload.finish(console), "lost=" + lost);
                assertEquals(lost >= 0, err.toString().contains("policy=" + policy), err.toString());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"percpu", "percpuCpu", "longadder", "atomiclong"})
    void additionThatWasLostShows(final String impl) {
        for (final boolean lost : new boolean[] {false, true}) {
            try (CounterWorkload workload = new CounterWorkload()) {
                workload.open(16L << 20, 2);
                do {
                    Crew.hammer(workload.crew(impl, 2), 50);
                } while (workload.crew(impl, 1).get(0).operations() == 0);
                if (lost) {
                    workload.counter(impl).increment();
                }
                assertEquals(!lost, workload.finish(console), "lost=" + lost);
                assertEquals(lost, err.toString().contains("memory=" + impl), err.toString());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 7, 8, 100, 32 << 10})
    void perCpuMemoryThatIsNotZeroOrNotAsWrittenShows(final int size) {
        for (int spoiled = 0; spoiled < 3; spoiled++) {
            try (Vellum one = Vellum.builder().memory(128L << 20).open()) {
                final PercpuHammer hammer = new PercpuHammer(one, size, 1);
                hammer.batch();
                if (spoiled == 1) {
                    hammer.spoil();
                }
                hammer.batch();
                if (spoiled == 2) {
                    hammer.spoil();
                }
                assertEquals(spoiled == 0, hammer.finish(), "spoiled=" + spoiled);
                assertEquals(0, LeakReport.of("percpu", one).bytes());
            }
        }
    }

    @Test
    void perCpuMemoryThatWasNotFreedIsALeak() {
        final long pointer = memory.percpu().allocate(100, 4);
        assertEquals(4096, LeakReport.of("leaky", memory).bytes());
        memory.percpu().free(pointer);
        final long[] many = new long[1000];
        Arrays.setAll(many, i -> memory.percpu().allocate(100, 4));
        assertTrue(memory.percpu().stats().chunks() > 2);
        assertEquals(1000 * 4096, LeakReport.of("many", memory).bytes());
        for (final long one : many) {
            memory.percpu().free(one);
        }
        assertEquals(0, LeakReport.of("none", memory).bytes());
    }

    @Test
    void pageThatIsNotZeroWhenItIsNewShows() {
        try (AddressSpace space = memory.addressSpace(1L << 30)) {
            final SmallUnmaps small = new SmallUnmaps(0);
            final long start = space.map(2 << 12);
            small.touch(space, start, 2 << 12);
            assertTrue(small.isIntact());
            small.touch(space, start, 2 << 12);
            assertFalse(small.isIntact());
        }
    }

    @Test
    void rangeThatIsStillThereShows() {
        try (AddressSpace space = memory.addressSpace(1L << 30)) {
            space.mapFixed(1 << 20, 3 << 12, MapOptions.DEFAULT);
            for (int page = 0; page < 3; page++) {
                assertFalse(LargeUnmap.isGone(space, 1 << 20, 3 << 12), "page=" + page);
                space.unmap((1 << 20) + (page << 12), 1 << 12);
            }
            assertTrue(LargeUnmap.isGone(space, 1 << 20, 3 << 12));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"preemptible", "atomic"})
    void whatIsLeftInASpaceShows(final String policy) {
        for (final boolean left : new boolean[] {false, true}) {
            try (MunmapWorkload workload = new MunmapWorkload(128L << 20, 1, 1)) {
                workload.run(policy, 1, 1);
                if (left) {
                    workload.space(policy).map(1 << 12);
                }
                assertEquals(!left, workload.finish(console), "left=" + left);
                assertEquals(left, err.toString().contains("policy=" + policy), err.toString());
            }
        }
    }

    /** Somebody else cuts the file off between the last look through a map and the look at the file. */
    @Test
    void pageThatIsNotInTheFileShows(@TempDir final Path dir) throws IOException {
        final Path file = dir.resolve("high");
        try (KmapWorkload workload = new KmapWorkload(1, 1, file)) {
            workload.open(16L << 20, 1);
            final KmapHammer hammer = workload.crew("high-local", 1).get(0);
            do {
                Crew.hammer(List.of(hammer), 50);
            } while (hammer.operations() == 0);
            assertTrue(workload.finish(console));
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                assertTrue(hammer.isIn(channel, hammer.frames[0]));
                channel.write(ByteBuffer.allocate(8), (7L << 12) + KmapHammer.offset(7));
                assertFalse(hammer.isIn(channel, hammer.frames[0]));
            }
        }
    }

    @Test
    void churnSeesWhatOthersWroteIntoItsAreas() {
        final Churn churn = new Churn(memory, 1);
        for (int i = 0; i < 1000; i++) {
            churn.step();
        }
        assertEquals(0, churn.errors);
        int spoiled = 0;
        for (final long area : churn.areas) {
            if (area != 0) {
                memory.access().putLong(area, memory.access().getLong(area) + 1);
                spoiled++;
            }
        }
        assertTrue(spoiled > 0);
        churn.freeAll();
        assertEquals(spoiled, churn.errors);
        churn.finish();
        assertEquals(0, LeakReport.of("churn", memory).bytes());
    }

    @Test
    void whatEndsOneThreadOfACrewReachesTheCaller() {
        final Crew crew = new Crew();
        final IllegalStateException thrown = new IllegalStateException("one");
        crew.add("ends", () -> {
            throw thrown;
        });
        crew.add("goes on", () -> {
            while (!crew.stop().requested()) {
                Thread.onSpinWait();
            }
        });
        assertSame(thrown, assertThrows(IllegalStateException.class, crew::join));
    }
}
