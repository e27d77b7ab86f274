package org.vellum;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The table of rooms, and who may import whom: dependencies point down only.
 *
 * <p>Rooms that do not exist yet stand in the table too, so that the first class of one already finds its rule. A package that
 * is not in the table is an error: rooms are added here on purpose, or not at all.
 */
final class LayersTest {
    private static final String ROOT = "org.vellum";

    /** The front door: package {@code org.vellum} itself. */
    private static final String FRONT = "";

    /** Every room may use these. */
    private static final List<String> EXTERNAL =
        List.of("java..", "javax.management..", "jdk.jfr..", "org.agrona..", "org.jctools..");

    /** Only the command line tool may use these besides; its classes are not in the library's jar. */
    private static final List<String> EXTERNAL_CLI = List.of("picocli..", "org.HdrHistogram..");

    private static final Map<String, Set<String>> TABLE = table();

    private static JavaClasses main;

    @BeforeAll
    static void importClasses() {
        main = new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS).importPackages(ROOT);
        assertTrue(main.contain("org.vellum.cpu.Cpus"), "the import found no main classes");
    }

    private static Map<String, Set<String>> table() {
        final Map<String, Set<String>> table = new LinkedHashMap<>();
        room(table, "mem", Set.of());
        room(table, "report", Set.of());
        room(table, "cpu", Set.of("mem", "report"));
        room(table, "epoch", as(table, "cpu", "cpu"));
        room(table, "frame", Set.of("mem", "report", "cpu"));
        // The locks of address spaces: below the page tables, which have some of them.
        room(table, "lock", Set.of("mem", "report", "cpu"));
        room(table, "mmu", as(table, "frame", "epoch", "frame", "lock"));
        room(table, "gather", as(table, "mmu", "mmu"));
        room(table, "vmap", as(table, "gather", "gather"));
        room(table, "mapram", as(table, "vmap", "vmap"));
        room(table, "slab", Set.of("mem", "report", "cpu", "epoch", "frame"));
        room(table, "alloc", as(table, "vmap", "vmap", "slab"));
        room(table, "percpu", as(table, "vmap", "vmap"));
        room(table, "file", Set.of("mem", "report", "cpu"));
        // The drawing of the rooms stands kmap on mmu and space on gather, so these two may use what they stand on.
        room(table, "kmap", as(table, "mmu", "mmu", "file"));
        room(table, "rmap", Set.of("mem", "report", "cpu", "epoch", "frame", "lock", "mmu"));
        room(table, "space", as(table, "gather", "gather", "rmap", "file"));
        room(table, "reclaim", as(table, "space", "space"));
        room(table, "observe", everythingIn(table));
        room(table, FRONT, everythingIn(table));
        room(table, "cli", everythingIn(table));
        return table;
    }

    private static void room(final Map<String, Set<String>> table, final String name, final Collection<String> imports) {
        assertTrue(table.keySet().containsAll(imports), name + " imports a room that is not below it: " + imports);
        table.put(name, Set.copyOf(imports));
    }

    private static Set<String> as(final Map<String, Set<String>> table, final String other, final String... more) {
        final Set<String> imports = new LinkedHashSet<>(table.get(other));
        imports.addAll(List.of(more));
        return imports;
    }

    private static Set<String> everythingIn(final Map<String, Set<String>> table) {
        return new LinkedHashSet<>(table.keySet());
    }

    private static String packageOf(final String room) {
        return room.equals(FRONT) ? ROOT : ROOT + "." + room;
    }

    private static ArchRule rule(final String room, final Set<String> imports) {
        final List<String> allowed = new ArrayList<>(EXTERNAL);
        if (room.equals("cli")) {
            allowed.addAll(EXTERNAL_CLI);
        }
        allowed.add(packageOf(room));
        imports.forEach(other -> allowed.add(packageOf(other)));
        return classes().that().resideInAPackage(packageOf(room))
            .should().onlyDependOnClassesThat(resideInAnyPackage(allowed.toArray(String[]::new)))
            .as("room '" + room + "' may import only " + new TreeSet<>(imports))
            .allowEmptyShould(true);
    }

    @TestFactory
    List<DynamicTest> eachRoomImportsOnlyWhatTheTableAllows() {
        final List<DynamicTest> tests = new ArrayList<>();
        TABLE.forEach((room, imports) -> tests.add(DynamicTest.dynamicTest(
            packageOf(room), () -> rule(room, imports).check(main))));
        return tests;
    }

    @Test
    void everyPackageIsInTheTable() {
        assertEquals(Set.of(), unknownPackages(TABLE.keySet()));
    }

    private static Set<String> unknownPackages(final Set<String> rooms) {
        final Set<String> unknown = new TreeSet<>();
        for (final JavaClass type : main) {
            unknown.add(type.getPackageName());
        }
        rooms.forEach(room -> unknown.remove(packageOf(room)));
        return unknown;
    }

    @Test
    void wrongTablesAreCaught() {
        final ArchRule withoutReport = rule("cpu", Set.of("mem"));
        final AssertionError error = assertThrows(AssertionError.class, () -> withoutReport.check(main));
        assertTrue(error.getMessage().contains("org.vellum.report"), error.getMessage());

        final Set<String> withoutCpu = new TreeSet<>(TABLE.keySet());
        withoutCpu.remove("cpu");
        assertEquals(Set.of("org.vellum.cpu"), unknownPackages(withoutCpu));
    }

    @Test
    void librariesOutsideTheListAreCaught() {
        final JavaClasses self = new ClassFileImporter().importClasses(LayersTest.class);
        final ArchRule front = rule(FRONT, Set.of());
        final AssertionError error = assertThrows(AssertionError.class, () -> front.check(self));
        assertTrue(error.getMessage().contains("com.tngtech.archunit"), error.getMessage());
    }

    @Test
    void theTableHasTheTransitiveRowsOfItsWords() {
        assertEquals(Set.of("mem", "report", "cpu", "epoch", "frame", "lock", "mmu", "gather", "vmap"), TABLE.get("mapram"));
        assertEquals(Set.of("mem", "report", "cpu"), TABLE.get("frame"));
        assertEquals(Set.of("mem", "report", "cpu", "epoch", "frame", "lock", "mmu", "file"), TABLE.get("kmap"));
        assertEquals(Set.of("mem", "report", "cpu", "epoch", "frame", "lock", "mmu", "gather", "rmap", "file", "space"),
            TABLE.get("reclaim"));
    }
}
