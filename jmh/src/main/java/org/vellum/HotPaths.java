package org.vellum;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * A family of benchmarks that a scalability run covers.
 *
 * @param bench its name in tables.
 * @param className the class.
 * @param floor from a method to the one that it is divided by.
 */
record HotPaths(String bench, String className, UnaryOperator<String> floor) {
    /** All of them; the free tree is not here: it is not for several threads. */
    static final List<HotPaths> ALL = List.of(
        new HotPaths("vmap", "org.vellum.mapram.VmapBenchmark", row -> "touch"),
        new HotPaths("vmalloc", "org.vellum.vmap.VmallocBenchmark", row -> "touch"),
        new HotPaths("section", "org.vellum.cpu.SectionBenchmark", row -> "touch"),
        new HotPaths("epoch", "org.vellum.epoch.EpochBenchmark", row -> "section"),
        new HotPaths("frame", "org.vellum.frame.FrameBenchmark", row -> "section"),
        new HotPaths("access", "org.vellum.vmap.AccessBenchmark",
            row -> row.replaceFirst("(Unsafe|VmapBuffer|Address)$", "Raw")),
        new HotPaths("module", "org.vellum.vmap.VmallocModuleBenchmark", row -> "touch"),
        new HotPaths("kmap", "org.vellum.kmap.KmapBenchmark", row -> row.replaceFirst("^[^ ]+", "touch")),
        new HotPaths("kmap wrap", "org.vellum.kmap.KmapWrapBenchmark", row -> row.replaceFirst("^[^ ]+", "touch")),
        new HotPaths("percpu", "org.vellum.percpu.PerCpuBenchmark", row -> "floor"),
        new HotPaths("fault", "org.vellum.space.FaultBenchmark", row -> "touchFresh"),
        new HotPaths("map unmap", "org.vellum.space.MapUnmapBenchmark", row -> row.replaceFirst("preemptible$", "atomic")),
        new HotPaths("unmap", "org.vellum.space.UnmapThroughputBenchmark", row -> row.replaceFirst("preemptible$", "atomic")));

    /**
     * What a run will cover.
     *
     * @param names full names of all benchmarks there are.
     * @param include which of them are wanted, by a part of the full name.
     * @return the wanted rows of each family, and the floors that they need; families without any are left out.
     */
    static Map<HotPaths, Set<String>> select(final Collection<String> names, final Pattern include) {
        final Map<HotPaths, Set<String>> selected = new LinkedHashMap<>();
        for (final HotPaths family : ALL) {
            final Set<String> rows = new TreeSet<>();
            for (final String name : names) {
                if (name.startsWith(family.className + '.') && include.matcher(name).find()) {
                    final String row = family.rowOf(name);
                    rows.add(row);
                    final String floor = family.floor.apply(row);
                    if (names.contains(family.nameOf(floor))) {
                        rows.add(floor);
                    }
                }
            }
            if (!rows.isEmpty()) {
                selected.put(family, rows);
            }
        }
        return selected;
    }

    /**
     * What a row is called: by the method, or, where one method runs them all, by what its parameters say.
     *
     * @param name full name of a benchmark of this family.
     * @param parameter what a parameter is in this run, or null if the benchmark has none of that name.
     * @return the row.
     */
    String rowOf(final String name, final UnaryOperator<String> parameter) {
        final String policy = parameter.apply("policy");
        final String depth = parameter.apply("depth");
        return policy == null ? rowOf(name) : depth == null ? rowOf(name) + ' ' + policy : policy + " depth=" + depth;
    }

    /**
     * @param name full name of a benchmark of this family.
     * @return the method.
     */
    String rowOf(final String name) {
        return name.substring(className.length() + 1);
    }

    /**
     * @param row a method of this family.
     * @return the full name of the benchmark.
     */
    String nameOf(final String row) {
        return className + '.' + row;
    }
}
