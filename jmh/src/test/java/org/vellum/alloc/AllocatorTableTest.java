package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands in the tables. */
class AllocatorTableTest {
    private static String result(final String benchmark, final String params, final String score, final String secondary) {
        return "{\"benchmark\":\"org.vellum.alloc." + benchmark + "\",\"mode\":\"avgt\",\"threads\":2,\"params\":{" + params
            + "},\"primaryMetric\":{\"score\":" + score + ",\"scoreUnit\":\"ns/op\"},\"secondaryMetrics\":{" + secondary + "}}";
    }

    private static String row(final String peer, final int size, final String score, final String secondary) {
        return result("AllocatorBenchmark.allocateTouchFree", "\"peer\":\"" + peer + "\",\"size\":\"" + size + "\"", score,
            secondary);
    }

    @Test
    void ratiosAreToTheBestPeerAndToTheFloorOfTheSameSize() {
        final String json = "[" + String.join(",\n",
            row("malloc", 1024, "40.0", ""), row("floor", 1024, "2.0", ""),
            row("vellum", 64, "10.0", "\"gc.alloc.rate.norm\":{\"score\":16.0}"), row("malloc", 64, "20.0", ""),
            row("rpmalloc", 64, "12.5", "\"·gc.alloc.rate.norm\":{\"score\":\"NaN\"}"), row("arrow", 64, "\"NaN\"", ""),
            row("floor", 64, "1.0", ""), result("LiveSetBenchmark.replace", "\"live\":\"128\"", "1", "")) + "]";
        final String expected = String.join(System.lineSeparator(),
            "64 bytes, threads=2",
            "  peer                ns/op  ÷ best peer    ÷ floor     B/op",
            "  vellum               10.0         0.80      10.00     16.0",
            "  malloc               20.0         1.60      20.00        -",
            "  rpmalloc             12.5         1.00      12.50        -",
            "  arrow                   -            -          -        -",
            "  floor                 1.0         0.08       1.00        -",
            "",
            "1024 bytes, threads=2",
            "  peer                ns/op  ÷ best peer    ÷ floor     B/op",
            "  malloc               40.0         1.00      20.00        -",
            "  floor                 2.0         0.05       1.00        -",
            "", "");
        assertEquals(expected, AllocatorTable.format(AllocatorRow.parse(json)));
    }

    @Test
    void withoutPeersThereAreNoRatios() {
        assertTrue(AllocatorTable.format(AllocatorRow.parse("[" + row("vellum", 64, "1", "") + "]"))
            .contains("vellum                1.0            -          -"));
        assertEquals("", AllocatorTable.format(List.of()));
    }

    @Test
    void readsWhatJsonHas() {
        assertEquals(Map.of("a", List.of(1.0, -2.5e3, true), "b\n\u00e9\"", Map.of()),
            Json.parse(" { \"a\" : [ 1 , -2.5E3,true ], \"b\\n\\u00e9\\\"\":{} } "));
        assertEquals(null, Json.parse("null"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[", "[1,]", "{\"a\"}", "{\"a\":1", "\"a", "\"\\x\"", "[1] 2", "nul", "{1:2}", "\"\\u00"})
    void whatIsNoJsonSaysWhere(final String text) {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Json.parse(text)).getMessage()
            .startsWith("not JSON at character "));
    }

    @Test
    void whatIsNoResultIsNamed() {
        assertThrows(IllegalArgumentException.class, () -> AllocatorRow.parse("{}"));
        assertEquals("params is missing or no object", assertThrows(IllegalArgumentException.class, () -> AllocatorRow.parse(
            "[{\"benchmark\":\"AllocatorBenchmark.allocateTouchFree\",\"mode\":\"avgt\"}]")).getMessage());
        final String micros = row("malloc", 64, "1", "").replace("ns/op", "us/op");
        assertEquals("scoreUnit=us/op is not ns/op",
            assertThrows(IllegalArgumentException.class, () -> AllocatorRow.parse("[" + micros + "]")).getMessage());
    }
}
