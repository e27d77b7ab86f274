package org.vellum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a scalability run does besides measuring. */
class ScalabilityTest {
    private static final List<String> NAMES = List.of(
        "org.vellum.mapram.VmapBenchmark.lazy", "org.vellum.mapram.VmapBenchmark.eager",
        "org.vellum.mapram.VmapBenchmark.touch", "org.vellum.vmap.AccessBenchmark.randomGetRaw",
        "org.vellum.vmap.AccessBenchmark.randomGetAddress", "org.vellum.vmap.AreaTreeBenchmark.treePair");

    @Test
    void defaultsAreThoseOfTheReadme() {
        final ScalabilityOptions options = ScalabilityOptions.parse();
        assertEquals(List.of(1, 2, 4, 8, 16), options.threads());
        assertEquals(List.of(4), options.pages());
        assertFalse(options.quick());
    }

    @Test
    void countsKeepTheirOrderAndAreNotRepeated() {
        assertEquals(List.of(8, 1), ScalabilityOptions.parse("--threads", "8,1,8", "--quick").threads());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "--threads", "--threads 0", "--threads -1", "--threads 1,,2", "--threads 1,", "--threads 4097", "--threads x",
        "--threads 99999999999", "--threads --quick", "--pages 65", "--include (", "--json /", "--json /no/such/folder/x",
        "--bogus", "bogus", "--quick 1"})
    void badOptionsAreNamed(final String line) {
        final String[] args = line.split(" ");
        final String message =
            assertThrows(IllegalArgumentException.class, () -> ScalabilityOptions.parse(args)).getMessage();
        assertTrue(message.contains(line.equals("--quick 1") ? "1" : args[0]), message);
    }

    @Test
    void aSelectionBringsItsFloors() {
        final Map<HotPaths, Set<String>> selected = HotPaths.select(NAMES, Pattern.compile("lazy|randomGetAddress|tree"));
        assertEquals(List.of(Set.of("lazy", "touch"), Set.of("randomGetAddress", "randomGetRaw")),
            new ArrayList<>(selected.values()));
        assertTrue(HotPaths.select(NAMES, Pattern.compile("nosuch")).isEmpty());
    }

    /** Where one method runs all rows, they are told apart by its parameters, and so are their floors. */
    @Test
    void parametersNameRows() {
        final HotPaths kmap = HotPaths.ALL.stream().filter(family -> family.bench().equals("kmap")).findFirst().orElseThrow();
        final String name = kmap.nameOf("mapTouchUnmap");
        final String row = kmap.rowOf(name, Map.of("policy", "high-local", "depth", "8")::get);
        assertEquals("high-local depth=8", row);
        assertEquals("touch depth=8", kmap.floor().apply(row));
        assertEquals("mapTouchUnmap", kmap.rowOf(name, parameter -> null));
        assertEquals(List.of(Set.of("mapTouchUnmap")), new ArrayList<>(HotPaths.select(List.of(name), Pattern.compile("Kmap")).values()));
    }

    @Test
    void rowsAreNormalisedByTheProcessorsThatThreadsHad() {
        final ScalabilityRow crowded = new ScalabilityRow("vmap", "lazy", 4, 8, 2, 80, 40, 0.25, 3);
        assertEquals(20, crowded.cpuNanos());
        assertEquals("{\"bench\":\"vmap\",\"row\":\"lazy\",\"pages\":4,\"threads\":8,\"processors\":2,\"ns_per_op\":80.0000,"
            + "\"cpu_ns_per_op\":20.0000,\"floor_ratio\":2.0000,\"garbage_bytes_per_op\":0.2500,\"retries\":3}",
            crowded.toJson());
        assertEquals(80, new ScalabilityRow("vmap", "lazy", 4, 1, 2, 80, 40, 0, 0).cpuNanos());
    }

    @Test
    void whatIsMissingIsNullInJsonAndADashForPeople() {
        final ScalabilityRow row =
            new ScalabilityRow("frame", "bulk", 0, 1, 2, 12.345, Double.NaN, Double.NaN, Double.NaN);
        assertEquals("{\"bench\":\"frame\",\"row\":\"bulk\",\"pages\":null,\"threads\":1,\"processors\":2,"
            + "\"ns_per_op\":12.3450,\"cpu_ns_per_op\":12.3450,\"floor_ratio\":null,\"garbage_bytes_per_op\":null,"
            + "\"retries\":null}", row.toJson());
        assertTrue(row.toTable().matches("frame +bulk +- +1 +12\\.3[45] +12\\.3[45] +- +- +-"), row.toTable());
        assertEquals(ScalabilityRow.heading().length(), row.toTable().length());
    }
}
