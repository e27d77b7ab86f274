package org.vellum.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vellum.Vellum;

final class AllocCommandTest {
    private static final List<String> IMPLS = List.of("touch", "vellum", "malloc");

    private static void assertCells(final Run run, final long... sizes) {
        final List<String> expected = new ArrayList<>();
        final List<String> met = new ArrayList<>();
        for (final long size : sizes) {
            for (final int threads : new int[] {1, 2}) {
                IMPLS.forEach(impl -> expected.add(size + " " + threads + " \"" + impl + "\""));
            }
        }
        for (final Map<String, String> row : run.rows()) {
            assertEquals(List.of("bench", "impl", "size", "threads", "ns_per_op"), List.copyOf(row.keySet()));
            assertEquals("\"alloc\"", row.get("bench"));
            final double nanos = Double.parseDouble(row.get("ns_per_op"));
            assertTrue(nanos > 0.1 && nanos < 1e9, row.toString());
            met.add(row.get("size") + " " + row.get("threads") + " " + row.get("impl"));
        }
        assertEquals(expected, met);
    }

    @Test
    void rowsOfTheUsualSizes() {
        assertCells(Run.of("alloc", "--threads", "2,1", "--millis", "5", "--rounds", "1", "--json", "--memory", "64m").held(),
            64, 1024, 16_384, 262_144);
    }

    @Test
    void rowsOfGivenSizes() {
        assertCells(Run.of("--json", "--threads", "1,2", "alloc", "--millis", "5", "--rounds", "1", "--memory", "64m",
            "--sizes", "1m,1,8K,1,5000").held(), 1, 5000, 8192, 1 << 20);
    }

    @Test
    void tableForPeople() {
        final Run run = Run.of("alloc", "--threads", "1", "--millis", "5", "--rounds", "2", "--memory", "32m", "--sizes", "100");
        assertEquals(Main.HELD, run.status(), () -> run.out() + " " + run.err());
        final String text = String.join("\n", run.out());
        for (final String words : List.of("vellum/malloc", "vellum/touch", "ns, 100 bytes", "alloc 100 vellum", "verified")) {
            assertTrue(text.contains(words), words + " in " + text);
        }
        assertTrue(run.out().stream().noneMatch(line -> line.startsWith("{")));
    }

    @ParameterizedTest
    @CsvSource({"vellum, 1", "vellum, 64", "vellum, 10000", "malloc, 64", "touch, 10000"})
    void damageToWhatIsLiveShows(final String impl, final long size) {
        try (Vellum memory = Vellum.open(16L << 20)) {
            for (final long damaged : new long[] {-1, 0, size / 2, size - 1}) {
                final NativeAllocations allocations = new NativeAllocations(false);
                final AllocHammer hammer = AllocHammer.of(impl, memory, any -> allocations, size, 3);
                hammer.prepare();
                hammer.batch();
                if (damaged >= 0) {
                    UnsafeApi.putByte(hammer.witness() + damaged, (byte)0);
                }
                assertEquals(damaged < 0, hammer.finish(), "damaged=" + damaged);
                assertEquals(0, allocations.liveBytes());
            }
        }
    }

    /** An allocator that hands out what is live already is found out by the command. */
    @Test
    void overlapFailsTheCommand() {
        final long block = UnsafeApi.allocateMemory(64);
        final Run run = Run.allocating(memory -> new NativeAllocations(true) {
            @Override
            public long allocate(final long size) {
                return block;
            }

            @Override
            public void free(final long address) {
            }

            @Override
            public long nativeAddress(final long address) {
                return address;
            }
        }, "alloc", "--json", "--threads", "1", "--millis", "100", "--rounds", "1", "--memory", "32m", "--sizes", "64");
        UnsafeApi.freeMemory(block);
        assertEquals(Main.NOT_HELD, run.status());
        assertEquals(List.of(
            "vellum: an allocation that was live all the time is not what was written: policy=vellum"), run.err());
        assertEquals(3, run.rows().size());
    }
}
