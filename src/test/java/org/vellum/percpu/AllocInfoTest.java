package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Plans: who is in whose group, how large a unit is, and how much is wasted. */
final class AllocInfoTest {
    private static final int PAGE = 4096;
    private static final int UNIT = 32 << 10;
    private static final long HUGE = 2L << 20;

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());

    private static AllocInfo of(final long atom, final int[] cpus, final CpuDistance distance) {
        return AllocInfo.build(64, 0, UNIT - 64, atom, cpus, distance);
    }

    private static int[] ids(final int count) {
        return IntStream.range(0, count).toArray();
    }

    /** CPUs below the first id, those below the next, and so on, are each near each other. */
    private static CpuDistance nodes(final int... ends) {
        return (from, to) -> node(ends, from) == node(ends, to) ? CpuDistance.LOCAL : CpuDistance.REMOTE;
    }

    private static int node(final int[] ends, final int cpu) {
        return (int)Arrays.stream(ends).filter(end -> end <= cpu).count();
    }

    @Test
    void withoutDistancesAllShareOneGroup() {
        final AllocInfo info = of(PAGE, new int[] {63, 5, 0, 2}, null);
        assertEquals(new AllocInfo(64, 0, UNIT - 64, UNIT, PAGE, UNIT, List.of(new AllocInfo.Group(0, new int[] {0, 2, 5, 63}))), info);
    }

    @Test
    void sizesRoundUpAndTheDynamicPartFillsThePage() {
        final AllocInfo info = AllocInfo.build(5, 7, 40_000, PAGE, ids(2), null);
        assertEquals(8, info.staticBytes());
        assertEquals(8, info.reservedBytes());
        assertEquals(10 * PAGE - 16, info.dynamicBytes());
        assertEquals(10 * PAGE, info.unitBytes());
        assertEquals(UNIT, AllocInfo.build(1, 0, 0, PAGE, ids(1), null).unitBytes(), "the least unit");
        assertEquals(PAGE - 4, AllocInfo.build(1, 0, 0, PAGE, ids(1), null).dynamicBytes());
    }

    @Test
    void whoIsFarApartIsInDifferentGroups() {
        final AllocInfo info = of(PAGE, ids(6), nodes(2, 5));
        assertEquals(3, info.groups().size());
        assertArrayEquals(new int[] {0, 1}, info.groups().get(0).cpus());
        assertArrayEquals(new int[] {2, 3, 4}, info.groups().get(1).cpus());
        assertArrayEquals(new int[] {5}, info.groups().get(2).cpus());
        assertEquals(2L * UNIT, info.groups().get(1).baseOffset());
        assertEquals(5L * UNIT, info.groups().get(2).baseOffset());
    }

    @Test
    void nearMustBeMutualAndToTheFirstOfTheGroup() {
        // 1 finds 0 near, but not the other way round; 0 finds 2 near, but not the other way round; 3 is near all.
        final CpuDistance distance = (from, to) ->
            from == 0 && to == 1 || from == 2 && to == 0 ? CpuDistance.REMOTE : CpuDistance.LOCAL;
        final AllocInfo info = of(PAGE, ids(4), distance);
        assertArrayEquals(new int[] {0, 3}, info.groups().get(0).cpus());
        assertArrayEquals(new int[] {1, 2}, info.groups().get(1).cpus());
    }

    @Test
    void unitsShareALargeAtom() {
        final AllocInfo info = of(HUGE, ids(8), null);
        assertEquals(HUGE, info.allocBytes());
        assertEquals(HUGE / 8, info.unitBytes(), "all eight in one atom, and nothing left over");
        // Of 5 and 3 CPUs each by itself: two units an atom waste two of eight, four would waste four.
        final AllocInfo two = of(64 << 10, ids(8), nodes(5));
        assertEquals(UNIT, two.unitBytes());
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, AllocInfo.HOLE}, two.groups().get(0).cpus());
        assertArrayEquals(new int[] {5, 6, 7, AllocInfo.HOLE}, two.groups().get(1).cpus());
        assertEquals(6L * UNIT, two.groups().get(1).baseOffset());
        // A single hole of four is within the bound of a third, two are not.
        assertEquals(64 << 10, of(64 << 10, ids(4), nodes(3)).unitBytes(), "a hole in each group: one too many");
        assertEquals(UNIT, of(64 << 10, ids(3), null).unitBytes());
    }

    /** All numbers of units are tried, without the shortcuts. */
    @Test
    void wasteIsBoundedAndAllocationsAreFewest() {
        System.out.println("AllocInfoTest -Dvellum.seed=" + seed);
        final SplittableRandom random = new SplittableRandom(seed);
        int wasting = 0;
        int larger = 0;
        for (int round = 0; round < 5_000; round++) {
            final int[] cpus = ids(random.nextInt(1, 40));
            final int[] ends = IntStream.range(0, random.nextInt(4)).map(i -> random.nextInt(1, 40)).sorted().toArray();
            final long atom = (long)PAGE << random.nextInt(11);
            final long dynamic = random.nextLong(200_000);
            final AllocInfo info = AllocInfo.build(4, 0, dynamic, atom, cpus, nodes(ends));
            final long least = Math.max(UNIT, info.usedBytes());
            assertEquals((least + atom - 1) / atom * atom, info.allocBytes());
            final int[] groups = info.groups().stream().mapToInt(g -> (int)Arrays.stream(g.cpus()).filter(c -> c >= 0).count()).toArray();
            long best = 0;
            for (int units = 1; units <= info.allocBytes() / least; units++) {
                if (info.allocBytes() % ((long)units * PAGE) == 0 && waste(groups, units) <= cpus.length / 3) {
                    best = best == 0 || allocs(groups, units) < allocs(groups, (int)best) ? units : best;
                }
            }
            assertEquals(info.allocBytes() / best, info.unitBytes(), () -> "seed=" + seed + " " + info);
            wasting += waste(groups, (int)best) > 0 ? 1 : 0;
            larger += info.unitBytes() > least ? 1 : 0;
            new Layout(info, cpus);
        }
        assertTrue(wasting > 100 && larger > 100, wasting + " " + larger);
    }

    private static int allocs(final int[] groups, final int units) {
        return Arrays.stream(groups).map(cpus -> (cpus + units - 1) / units).sum();
    }

    private static int waste(final int[] groups, final int units) {
        return allocs(groups, units) * units - Arrays.stream(groups).sum();
    }

    @Test
    void badPlansAreRefused() {
        final int[] one = {0};
        refused("staticBytes=0", 0, 0, 0, PAGE, one);
        refused("staticBytes=-1", -1, 0, 0, PAGE, one);
        refused("reservedBytes=-4", 4, -4, 0, PAGE, one);
        refused("dynamicBytes=-1", 4, 0, -1, PAGE, one);
        refused("dynamicBytes=9223372036854775807", 4, 0, Long.MAX_VALUE, PAGE, one);
        refused("atomBytes=2048", 4, 0, 0, 2048, one);
        refused("atomBytes=12288", 4, 0, 0, 3 * PAGE, one);
        refused("atomBytes=33554432", 4, 0, 0, 32 << 20, one);
        refused("possibleCpus.length=0", 4, 0, 0, PAGE, new int[0]);
    }

    private static void refused(
        final String name, final long statics, final long reserved, final long dynamic, final long atom, final int[] cpus) {
        assertEquals(name, assertThrows(IllegalArgumentException.class,
            () -> AllocInfo.build(statics, reserved, dynamic, atom, cpus, null)).getMessage());
    }

    @Test
    void aPlanReadsWell() {
        final AllocInfo info = of(64 << 10, ids(8), nodes(5)).at(new long[] {0, 64L << 30});
        assertEquals("""
            heading
              static=64 reserved=0 dynamic=32704 unit=32768 atom=65536 alloc=2*32768
              group 0 at 0x0: 00 01 | 02 03 | 04 --
              group 1 at 0x1000000000: 05 06 | 07 --""", info.describe("heading"));
        assertTrue(of(PAGE, new int[] {0, 2, 500}, null).describe("x").endsWith("group 0 at 0x0: 000 002 500"));
    }

    @Test
    void groupsCannotBeChangedFromOutside() {
        final int[] cpus = {1, 2};
        final AllocInfo.Group group = new AllocInfo.Group(0, cpus);
        cpus[0] = 7;
        group.cpus()[1] = 8;
        assertEquals(new AllocInfo.Group(0, new int[] {1, 2}), group);
        assertEquals(new AllocInfo.Group(0, new int[] {1, 2}).hashCode(), group.hashCode());
        assertFalse(group.equals(new AllocInfo.Group(1, new int[] {1, 2})));
        assertTrue(group.toString().contains("[1, 2]"));
    }
}
