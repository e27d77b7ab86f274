package org.vellum.percpu;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/** Random plans that hold: any groups, in any order, with holes anywhere, huge gaps, sparse ids. */
final class RandomLayouts {
    static final int PAGE = 4096;
    static final int MOST_SLOTS = 12;

    private final SplittableRandom random;
    /** Of the last plan: for each slot the id of its CPU. */
    int[] cpuIds;

    RandomLayouts(final SplittableRandom random) {
        this.random = random;
    }

    AllocInfo next() {
        final int slots = random.nextInt(1, MOST_SLOTS + 1);
        cpuIds = random.ints(0, 1000).distinct().limit(slots).toArray();
        final long unit = (long)PAGE * random.nextInt(8, 20);
        final long alloc = unit * random.nextInt(1, 4);
        final long atom = random.nextBoolean() ? PAGE : Long.lowestOneBit(alloc);
        final List<List<Integer>> groups = split();
        final List<AllocInfo.Group> placed = new ArrayList<>();
        long offset = (long)PAGE * random.nextInt(10);
        for (final List<Integer> cpus : groups) {
            placed.add(new AllocInfo.Group(offset, cpus.stream().mapToInt(Integer::intValue).toArray()));
            offset += cpus.size() * unit + (long)PAGE * (random.nextBoolean() ? 0 : random.nextInt(200));
        }
        Collections.shuffle(placed, new Random(random.nextLong()));
        final long used = (long)PAGE * random.nextInt(1, (int)(unit / PAGE) + 1);
        final long statics = 4L * random.nextInt(1, 200);
        final long reserved = 4L * random.nextInt(200);
        return new AllocInfo(statics, reserved, used - statics - reserved, unit, atom, alloc, placed);
    }

    /** Into some groups none of which is empty, with holes put in. */
    private List<List<Integer>> split() {
        final List<List<Integer>> groups = new ArrayList<>();
        for (final int cpu : random.ints(0, cpuIds.length).distinct().limit(cpuIds.length).map(slot -> cpuIds[slot]).toArray()) {
            if (groups.isEmpty() || random.nextInt(3) == 0) {
                groups.add(new ArrayList<>());
            }
            groups.get(random.nextInt(groups.size())).add(cpu);
        }
        groups.removeIf(List::isEmpty);
        for (final List<Integer> group : groups) {
            for (int i = random.nextInt(4); i > 0; i--) {
                group.add(random.nextInt(group.size() + 1), AllocInfo.HOLE);
            }
        }
        return groups;
    }
}
