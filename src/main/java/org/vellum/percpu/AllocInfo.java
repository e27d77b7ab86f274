package org.vellum.percpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.vellum.mem.Pages;

/**
 * A layout of units as it was planned, or as memory happened to be: sizes, and which CPU has which unit of which group. Nothing here is
 * checked; {@link Layout} does that.
 *
 * <pre>
 *   unit        | static | reserved | dynamic | not used by the first chunk |
 *   allocation  | unit | unit | ... |                  a multiple of the atom
 *   group       | allocation | allocation | ... |      at its base offset from the chunk's base
 * </pre>
 *
 * @param staticBytes at the start of each unit of the first chunk.
 * @param reservedBytes behind them.
 * @param dynamicBytes behind those, up to a whole page.
 * @param unitBytes of one CPU's unit, in every chunk.
 * @param atomBytes what memory of a group is aligned to, and comes in multiples of.
 * @param allocBytes the least multiple of an atom that holds the units it is cut into.
 * @param groups of CPUs that are near each other.
 */
public record AllocInfo(
    long staticBytes, long reservedBytes, long dynamicBytes, long unitBytes, long atomBytes, long allocBytes, List<Group> groups) {

    /** In place of a CPU's id: a unit that no CPU has. */
    public static final int HOLE = -1;
    /** What allocations are multiples of, in bytes. */
    public static final int GRANULE_BYTES = 4;
    /** The least unit, in bytes. */
    public static final int MIN_UNIT_BYTES = 32 << 10;
    /** The largest unit, in bytes. */
    public static final int MAX_UNIT_BYTES = 16 << 20;

    /** Copies the list. */
    public AllocInfo {
        groups = List.copyOf(groups);
    }

    /**
     * CPUs whose units lie side by side.
     *
     * @param baseOffset of the first unit from the chunk's base, in bytes.
     * @param cpus for each unit the id of its CPU, or {@link #HOLE}.
     */
    public record Group(long baseOffset, int[] cpus) {
        /** Copies the array. */
        public Group {
            cpus = cpus.clone();
        }

        /** @return a copy: for each unit the id of its CPU, or {@link #HOLE}. */
        @Override
        public int[] cpus() {
            return cpus.clone();
        }

        /** @return how many units it has, holes included. */
        public int units() {
            return cpus.length;
        }

        /**
         * @param unit its number in the group.
         * @return the id of its CPU, or {@link #HOLE}.
         */
        public int cpu(final int unit) {
            return cpus[unit];
        }

        /** The id of the first CPU there is, or {@link #HOLE}. */
        int firstCpu() {
            return Arrays.stream(cpus).filter(cpu -> cpu != HOLE).findFirst().orElse(HOLE);
        }

        @Override
        public boolean equals(final Object other) {
            return other instanceof Group group && baseOffset == group.baseOffset && Arrays.equals(cpus, group.cpus);
        }

        @Override
        public int hashCode() {
            return Long.hashCode(baseOffset) * 31 + Arrays.hashCode(cpus);
        }

        @Override
        public String toString() {
            return "Group[baseOffset=" + baseOffset + ", cpus=" + Arrays.toString(cpus) + "]";
        }
    }

    /**
     * Plans a layout, its groups side by side for the time being.
     *
     * <p>A unit is at least {@link #MIN_UNIT_BYTES}, and as much larger as makes whole units of an allocation: if atoms are large, several
     * units share one. Many units in one allocation waste those that a group does not need; fewer make more allocations. So of all numbers
     * of units that waste no more than a third of the CPUs there are, the one with the fewest allocations is taken.
     *
     * @param staticBytes at least 1; rounds up to {@link #GRANULE_BYTES}.
     * @param reservedBytes at least 0; rounds up likewise.
     * @param dynamicBytes at least 0; grows to the end of a page.
     * @param atomBytes a power of two, at least a page.
     * @param possibleCpus ids of all CPUs there will ever be, distinct, in any order.
     * @param distance decides who shares a group; null: all do.
     * @return the plan.
     * @throws IllegalArgumentException if an argument is out of range.
     */
    public static AllocInfo build(
        final long staticBytes, final long reservedBytes, final long dynamicBytes, final long atomBytes, final int[] possibleCpus,
        final CpuDistance distance) {
        require(staticBytes > 0 && staticBytes <= MAX_UNIT_BYTES, "staticBytes", staticBytes);
        require(reservedBytes >= 0 && reservedBytes <= MAX_UNIT_BYTES, "reservedBytes", reservedBytes);
        require(dynamicBytes >= 0 && dynamicBytes <= MAX_UNIT_BYTES, "dynamicBytes", dynamicBytes);
        require(atomBytes >= Pages.SIZE && atomBytes <= MAX_UNIT_BYTES && Long.bitCount(atomBytes) == 1, "atomBytes", atomBytes);
        require(possibleCpus.length > 0, "possibleCpus.length", possibleCpus.length);
        final long fixed = roundUp(staticBytes, GRANULE_BYTES) + roundUp(reservedBytes, GRANULE_BYTES);
        final long used = roundUp(fixed + dynamicBytes, Pages.SIZE);
        final long leastUnit = Math.max(used, MIN_UNIT_BYTES);
        final long allocBytes = roundUp(leastUnit, atomBytes);
        final List<int[]> near = byProximity(possibleCpus, distance);
        final int unitsPerAlloc = unitsPerAlloc(allocBytes, leastUnit, near, possibleCpus.length);
        final long unitBytes = allocBytes / unitsPerAlloc;
        final List<Group> groups = new ArrayList<>();
        long offset = 0;
        for (final int[] cpus : near) {
            final int[] units = Arrays.copyOf(cpus, (int)roundUp(cpus.length, unitsPerAlloc));
            Arrays.fill(units, cpus.length, units.length, HOLE);
            groups.add(new Group(offset, units));
            offset += units.length * unitBytes;
        }
        return new AllocInfo(roundUp(staticBytes, GRANULE_BYTES), roundUp(reservedBytes, GRANULE_BYTES), used - fixed, unitBytes,
            atomBytes, allocBytes, groups);
    }

    /** The lowest id that is left opens a group, and all that are near it, both ways, join. */
    private static List<int[]> byProximity(final int[] possibleCpus, final CpuDistance distance) {
        final List<int[]> groups = new ArrayList<>();
        int[] left = Arrays.stream(possibleCpus).sorted().toArray();
        while (left.length > 0) {
            final int first = left[0];
            final int[] group = Arrays.stream(left).filter(cpu -> areNear(first, cpu, distance)).toArray();
            groups.add(group);
            left = Arrays.stream(left).filter(cpu -> !areNear(first, cpu, distance)).toArray();
        }
        return groups;
    }

    private static boolean areNear(final int first, final int cpu, final CpuDistance distance) {
        return distance == null || first == cpu
            || distance.distance(first, cpu) <= CpuDistance.LOCAL && distance.distance(cpu, first) <= CpuDistance.LOCAL;
    }

    private static int unitsPerAlloc(final long allocBytes, final long leastUnit, final List<int[]> groups, final int cpus) {
        int best = 1;
        long fewest = Long.MAX_VALUE;
        for (int units = (int)(allocBytes / leastUnit); units >= 1; units--) {
            if (allocBytes % ((long)units * Pages.SIZE) != 0) {
                continue;
            }
            long allocs = 0;
            for (final int[] group : groups) {
                allocs += (group.length + units - 1) / units;
            }
            // One unit an allocation wastes none, so there always is an answer.
            if (allocs * units - cpus <= cpus / 3) {
                if (allocs > fewest) {
                    break;
                }
                fewest = allocs;
                best = units;
            }
        }
        return best;
    }

    /** Bytes of a unit that the first chunk uses. */
    long usedBytes() {
        return staticBytes + reservedBytes + dynamicBytes;
    }

    /** The bytes that one group spans. */
    long bytesOf(final Group group) {
        return group.units() * unitBytes;
    }

    /** The same with the groups elsewhere. */
    AllocInfo at(final long[] baseOffsets) {
        final List<Group> moved = new ArrayList<>();
        for (int i = 0; i < baseOffsets.length; i++) {
            moved.add(new Group(baseOffsets[i], groups.get(i).cpus));
        }
        return new AllocInfo(staticBytes, reservedBytes, dynamicBytes, unitBytes, atomBytes, allocBytes, moved);
    }

    /**
     * The plan for a person: sizes in bytes, then each group's offset and the ids of its CPUs by unit, {@code --} for none, {@code |}
     * between allocations.
     *
     * @param heading the first line.
     * @return several lines, without an end of the last.
     */
    public String describe(final String heading) {
        final StringBuilder text = new StringBuilder(256);
        text.append(heading)
            .append("\n  static=").append(staticBytes).append(" reserved=").append(reservedBytes).append(" dynamic=")
            .append(dynamicBytes).append(" unit=").append(unitBytes).append(" atom=").append(atomBytes)
            .append(" alloc=").append(Math.max(1, allocBytes / Math.max(1, unitBytes))).append('*').append(unitBytes);
        for (int i = 0; i < groups.size(); i++) {
            text.append("\n  group ").append(i).append(" at 0x").append(Long.toHexString(groups.get(i).baseOffset())).append(':');
            describe(groups.get(i), text);
        }
        return text.toString();
    }

    private void describe(final Group group, final StringBuilder text) {
        final int width = Math.max(2, Integer.toString(Arrays.stream(group.cpus).max().orElse(0)).length());
        final long unitsPerAlloc = Math.max(1, allocBytes / Math.max(1, unitBytes));
        for (int unit = 0; unit < group.cpus.length; unit++) {
            text.append(unit > 0 && unit % unitsPerAlloc == 0 && unitsPerAlloc > 1 ? " | " : " ");
            final String cpu = group.cpus[unit] == HOLE ? "-".repeat(width) : Integer.toString(group.cpus[unit]);
            text.append("0".repeat(width - cpu.length())).append(cpu);
        }
    }

    static long roundUp(final long bytes, final long step) {
        return (bytes + step - 1) / step * step;
    }

    private static void require(final boolean holds, final String name, final long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + "=" + value);
        }
    }
}
