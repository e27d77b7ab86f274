package org.vellum.percpu;

import java.util.Arrays;
import org.vellum.mem.Pages;

/**
 * A layout that holds: which slot's unit lies where, the same in every chunk. Invariant: <b>units of a chunk are disjoint, lie inside their
 * groups, and each slot has exactly one</b>; groups are disjoint, too, but may lie as far apart as they like, so that other chunks' units
 * fit in between.
 *
 * <p>The slot whose unit lies lowest is at offset 0, and so is the lowest group: a percpu pointer is the address of its copy. Units before
 * it that no CPU has are cut off.
 *
 * <pre>
 *   pointer = chunk base + offset in the unit            the address of the first area of a chunk is its base
 *   copy of a slot = pointer + unitOffset(slot)
 * </pre>
 *
 * <p>Immutable; any thread.
 */
final class Layout {
    /** Offsets beyond this are in no window. */
    private static final long MAX_OFFSET = 1L << 47;

    private final AllocInfo info;
    private final int[] cpuOfSlot;
    /** By the id of the CPU, -1 where there is none. */
    private final int[] slotOfCpu;
    private final long[] unitOffsets;
    private final int[] groupOfSlot;
    private final long[] groupOffsets;
    private final long[] groupBytes;
    private final long lowestOffset;
    private final int lowestSlot;

    /**
     * @param info the plan; its groups in any order.
     * @param cpuIdOfSlot for each slot the id of its CPU.
     * @throws IllegalArgumentException naming what is wrong, if the plan does not hold for these CPUs.
     */
    Layout(final AllocInfo info, final int[] cpuIdOfSlot) {
        requireSizes(info);
        this.info = info;
        cpuOfSlot = cpuIdOfSlot.clone();
        slotOfCpu = slotsByCpu(cpuOfSlot);
        unitOffsets = new long[cpuOfSlot.length];
        groupOfSlot = new int[cpuOfSlot.length];
        final AllocInfo.Group[] groups = info.groups().stream()
            .sorted((a, b) -> Long.compare(a.baseOffset(), b.baseOffset())).toArray(AllocInfo.Group[]::new);
        groupOffsets = new long[groups.length];
        groupBytes = new long[groups.length];
        Arrays.fill(unitOffsets, -1);
        for (int i = 0; i < groups.length; i++) {
            requirePlace(info, groups, i);
            groupOffsets[i] = groups[i].baseOffset();
            groupBytes[i] = info.bytesOf(groups[i]);
            placeUnits(groups[i], i);
        }
        lowestSlot = requireAllPlaced();
        lowestOffset = unitOffsets[lowestSlot];
        rebase();
    }

    private static void requireSizes(final AllocInfo info) {
        require(!info.groups().isEmpty(), "groups", 0);
        require(info.staticBytes() > 0 && info.staticBytes() % AllocInfo.GRANULE_BYTES == 0, "staticBytes", info.staticBytes());
        require(info.reservedBytes() >= 0 && info.reservedBytes() % AllocInfo.GRANULE_BYTES == 0, "reservedBytes", info.reservedBytes());
        require(info.dynamicBytes() >= 0, "dynamicBytes", info.dynamicBytes());
        final long unit = info.unitBytes();
        require(unit % Pages.SIZE == 0 && unit >= AllocInfo.MIN_UNIT_BYTES && unit <= AllocInfo.MAX_UNIT_BYTES, "unitBytes", unit);
        // By turns, since the sum of three may overflow.
        require(info.staticBytes() <= unit && info.reservedBytes() <= unit && info.dynamicBytes() <= unit && info.usedBytes() <= unit,
            "unitBytes=" + unit + " staticBytes=" + info.staticBytes() + " reservedBytes=" + info.reservedBytes() + " dynamicBytes",
            info.dynamicBytes());
        require(info.usedBytes() % Pages.SIZE == 0, "not whole pages: staticBytes + reservedBytes + dynamicBytes", info.usedBytes());
        require(info.atomBytes() >= Pages.SIZE && Long.bitCount(info.atomBytes()) == 1, "atomBytes", info.atomBytes());
        require(info.allocBytes() > 0 && info.allocBytes() % info.atomBytes() == 0 && info.allocBytes() % unit == 0,
            "atomBytes=" + info.atomBytes() + " unitBytes=" + unit + " allocBytes", info.allocBytes());
    }

    private static int[] slotsByCpu(final int[] cpuOfSlot) {
        require(cpuOfSlot.length > 0, "slots", 0);
        for (final int cpu : cpuOfSlot) {
            require(cpu >= 0 && cpu <= PercpuOptions.MAX_CPU_ID, "cpuId", cpu);
        }
        final int[] slots = new int[Arrays.stream(cpuOfSlot).max().getAsInt() + 1];
        Arrays.fill(slots, -1);
        for (int slot = 0; slot < cpuOfSlot.length; slot++) {
            require(slots[cpuOfSlot[slot]] < 0, "of two slots: cpuId", cpuOfSlot[slot]);
            slots[cpuOfSlot[slot]] = slot;
        }
        return slots;
    }

    /** In ascending order each group must end before the next begins. */
    private static void requirePlace(final AllocInfo info, final AllocInfo.Group[] groups, final int i) {
        final long offset = groups[i].baseOffset();
        final long previousEnd = i == 0 ? 0 : groups[i - 1].baseOffset() + info.bytesOf(groups[i - 1]);
        require(offset >= 0 && offset < MAX_OFFSET && offset % Pages.SIZE == 0, "baseOffset", offset);
        require(offset >= previousEnd, "overlaps a group that ends at " + previousEnd + ": baseOffset", offset);
        require(groups[i].firstCpu() != AllocInfo.HOLE, "a group without a CPU: baseOffset", offset);
    }

    private void placeUnits(final AllocInfo.Group group, final int number) {
        for (int unit = 0; unit < group.units(); unit++) {
            final int cpu = group.cpu(unit);
            if (cpu != AllocInfo.HOLE) {
                final int slot = slotOf(cpu);
                require(slot >= 0, "not possible: cpuId", cpu);
                require(unitOffsets[slot] < 0, "has two units: cpuId", cpu);
                unitOffsets[slot] = group.baseOffset() + unit * info.unitBytes();
                groupOfSlot[slot] = number;
            }
        }
    }

    /** The slot whose unit lies lowest. */
    private int requireAllPlaced() {
        int lowest = 0;
        for (int slot = 0; slot < cpuOfSlot.length; slot++) {
            require(unitOffsets[slot] >= 0, "has no unit: cpuId", cpuOfSlot[slot]);
            lowest = unitOffsets[slot] < unitOffsets[lowest] ? slot : lowest;
        }
        return lowest;
    }

    /** Groups are disjoint, and none is without a CPU: so the lowest unit is of the first group, and all before it are holes. */
    private void rebase() {
        groupBytes[0] -= lowestOffset - groupOffsets[0];
        groupOffsets[0] = lowestOffset;
        Arrays.setAll(groupOffsets, i -> groupOffsets[i] - lowestOffset);
        Arrays.setAll(unitOffsets, slot -> unitOffsets[slot] - lowestOffset);
    }

    private static void require(final boolean holds, final String name, final long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + "=" + value);
        }
    }

    /** The plan, its offsets as they were given. */
    AllocInfo info() {
        return info;
    }

    /** How many slots have a unit. */
    int slots() {
        return cpuOfSlot.length;
    }

    /** The id of a slot's CPU. */
    int cpuOf(final int slot) {
        return cpuOfSlot[slot];
    }

    /** The slot of a CPU, or -1 if there is no such CPU; any number will do. */
    int slotOf(final int cpuId) {
        return cpuId >= 0 && cpuId < slotOfCpu.length ? slotOfCpu[cpuId] : -1;
    }

    /** From a pointer to the slot's copy, in bytes: at least 0, whole pages. */
    long unitOffset(final int slot) {
        return unitOffsets[slot];
    }

    /** The slot at offset 0. */
    int lowestSlot() {
        return lowestSlot;
    }

    /** Where the lowest unit lies in the plan; offsets of the plan are that much larger than those here. */
    long lowestOffset() {
        return lowestOffset;
    }

    /** The group that a slot's unit is in: an index of {@link #groupOffsets()}. */
    int groupOf(final int slot) {
        return groupOfSlot[slot];
    }

    /** Where the groups begin, ascending, the first at 0; a copy. */
    long[] groupOffsets() {
        return groupOffsets.clone();
    }

    /** What each of them spans, in bytes, holes included; a copy. */
    long[] groupBytes() {
        return groupBytes.clone();
    }

    /** What areas for the groups can be aligned to, in bytes: an atom, unless units or holes have moved a group off its multiples. */
    long areaAlign() {
        long bits = info.atomBytes();
        for (int i = 0; i < groupOffsets.length; i++) {
            bits |= groupOffsets[i] | groupBytes[i];
        }
        return Long.lowestOneBit(bits);
    }

    /** Bytes of one unit. */
    int unitBytes() {
        return (int)info.unitBytes();
    }

    /** Bytes of a unit that the first chunk uses, whole pages: static, reserved, dynamic. */
    int firstBytes() {
        return (int)info.usedBytes();
    }

    /** The id of each slot's CPU; a copy. */
    int[] cpuIds() {
        return cpuOfSlot.clone();
    }
}
