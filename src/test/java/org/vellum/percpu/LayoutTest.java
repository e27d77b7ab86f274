package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What a layout says of a plan, and which plans are none (P14). */
final class LayoutTest {
    private static final int PAGE = 4096;
    private static final int UNIT = 32 << 10;
    private static final int HOLE = AllocInfo.HOLE;

    private static AllocInfo.Group group(final long offset, final int... cpus) {
        return new AllocInfo.Group(offset, cpus);
    }

    private static AllocInfo info(final AllocInfo.Group... groups) {
        return new AllocInfo(64, 0, UNIT - 64, UNIT, PAGE, UNIT, List.of(groups));
    }

    @Test
    void sparseIdsFarGroupsAndHoles() {
        final long far = 64L << 30;
        final Layout layout = new Layout(info(group(far, 63, HOLE, 5), group(0, 2, HOLE, 0)), new int[] {0, 2, 5, 63});
        assertEquals(4, layout.slots());
        assertArrayEquals(new int[] {0, 2, 5, 63}, layout.cpuIds());
        final int[] ids = {0, 2, 5, 63};
        final long[] offsets = {2 * UNIT, 0, far + 2 * UNIT, far};
        final int[] groups = {0, 0, 1, 1};
        for (int slot = 0; slot < 4; slot++) {
            assertEquals(ids[slot], layout.cpuOf(slot));
            assertEquals(slot, layout.slotOf(ids[slot]));
            assertEquals(offsets[slot], layout.unitOffset(slot));
            assertEquals(groups[slot], layout.groupOf(slot));
        }
        assertEquals(1, layout.lowestSlot());
        assertEquals(0, layout.lowestOffset());
        assertArrayEquals(new long[] {0, far}, layout.groupOffsets());
        assertArrayEquals(new long[] {3 * UNIT, 3 * UNIT}, layout.groupBytes());
        assertEquals(UNIT, layout.unitBytes());
        assertEquals(UNIT, layout.firstBytes());
        for (final int id : new int[] {1, 3, 62, 64, -1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertEquals(-1, layout.slotOf(id), "id=" + id);
        }
    }

    @Test
    void theLowestUnitIsAtZeroWhateverLiesBeforeIt() {
        final Layout layout = new Layout(info(group(3 * PAGE, HOLE, HOLE, 1), group(200 * PAGE, HOLE, 0)), new int[] {0, 1});
        final long lowest = 3 * PAGE + 2 * UNIT;
        assertEquals(lowest, layout.lowestOffset());
        assertEquals(1, layout.lowestSlot());
        assertEquals(0, layout.unitOffset(1));
        assertEquals(200 * PAGE + UNIT - lowest, layout.unitOffset(0));
        assertArrayEquals(new long[] {0, 200 * PAGE - lowest}, layout.groupOffsets(), "a group may begin with a hole, but the first");
        assertArrayEquals(new long[] {UNIT, 2 * UNIT}, layout.groupBytes());
    }

    @Test
    void areasAreAlignedAsFarAsTheGroupsAre() {
        final AllocInfo two = new AllocInfo(64, 0, UNIT - 64, UNIT, 2 * UNIT, 2 * UNIT, List.of(group(0, 0, 1), group(4 * UNIT, 2, HOLE)));
        assertEquals(2 * UNIT, new Layout(two, new int[] {0, 1, 2}).areaAlign());
        assertEquals(PAGE, new Layout(two.at(new long[] {0, 4 * UNIT + PAGE}), new int[] {0, 1, 2}).areaAlign());
        final AllocInfo cut = new AllocInfo(64, 0, UNIT - 64, UNIT, 2 * UNIT, 2 * UNIT, List.of(group(0, HOLE, 0)));
        assertEquals(UNIT, new Layout(cut, new int[] {0}).areaAlign());
    }

    @Test
    void arraysAreCopies() {
        final int[] ids = {0};
        final Layout layout = new Layout(info(group(0, 0)), ids);
        ids[0] = 1;
        layout.groupOffsets()[0] = 1;
        layout.groupBytes()[0] = 1;
        layout.cpuIds()[0] = 1;
        assertEquals(0, layout.cpuOf(0));
        assertEquals(0, layout.groupOffsets()[0]);
        assertEquals(UNIT, layout.groupBytes()[0]);
        assertEquals(0, layout.cpuIds()[0]);
    }

    @Test
    void p14RefusesBadSizes() {
        final List<AllocInfo.Group> groups = List.of(group(0, 0));
        refused("groups=0", new AllocInfo(64, 0, UNIT - 64, UNIT, PAGE, UNIT, List.of()));
        refused("staticBytes=0", new AllocInfo(0, 0, UNIT, UNIT, PAGE, UNIT, groups));
        refused("staticBytes=-4", new AllocInfo(-4, 0, UNIT, UNIT, PAGE, UNIT, groups));
        refused("staticBytes=6", new AllocInfo(6, 0, UNIT - 6, UNIT, PAGE, UNIT, groups));
        refused("reservedBytes=-4", new AllocInfo(64, -4, UNIT - 60, UNIT, PAGE, UNIT, groups));
        refused("reservedBytes=2", new AllocInfo(64, 2, UNIT - 66, UNIT, PAGE, UNIT, groups));
        refused("dynamicBytes=-64", new AllocInfo(PAGE + 64, 0, -64, UNIT, PAGE, UNIT, groups));
        refused("unitBytes=" + (UNIT - PAGE), new AllocInfo(64, 0, PAGE - 64, UNIT - PAGE, PAGE, UNIT - PAGE, groups));
        refused("unitBytes=" + (UNIT + 4), new AllocInfo(64, 0, PAGE - 64, UNIT + 4, PAGE, UNIT + 4, groups));
        refused("unitBytes=" + (32 << 20), new AllocInfo(64, 0, PAGE - 64, 32 << 20, PAGE, 32 << 20, groups));
        refused("dynamicBytes=" + UNIT, new AllocInfo(PAGE, 0, UNIT, UNIT, PAGE, UNIT, groups));
        refused("dynamicBytes=" + Long.MAX_VALUE, new AllocInfo(64, 0, Long.MAX_VALUE, UNIT, PAGE, UNIT, groups));
        refused("=" + (UNIT - 64), new AllocInfo(64, 0, UNIT - 128, UNIT, PAGE, UNIT, groups));
        refused("atomBytes=2048", new AllocInfo(64, 0, UNIT - 64, UNIT, 2048, UNIT, groups));
        refused("atomBytes=12288", new AllocInfo(64, 0, UNIT - 64, UNIT, 3 * PAGE, 3 * UNIT, groups));
        refused("allocBytes=" + (UNIT + PAGE), new AllocInfo(64, 0, UNIT - 64, UNIT, PAGE, UNIT + PAGE, groups));
        refused("allocBytes=" + UNIT, new AllocInfo(64, 0, UNIT - 64, UNIT, 2 * UNIT, UNIT, groups));
        refused("allocBytes=0", new AllocInfo(64, 0, UNIT - 64, UNIT, PAGE, 0, groups));
    }

    @Test
    void p14RefusesBadPlaces() {
        refused("baseOffset=-4096", info(group(-PAGE, 0)));
        refused("baseOffset=100", info(group(100, 0)));
        refused("baseOffset=" + (1L << 47), info(group(1L << 47, 0)));
        refused("baseOffset=" + (UNIT - PAGE), info(group(0, 0), group(UNIT - PAGE, 1)), 0, 1);
        refused("baseOffset=0", info(group(0, 0), group(0, 1)), 0, 1);
        refused("baseOffset=" + UNIT, info(group(UNIT, 1), group(0, 0, HOLE)), 0, 1);
        refused("baseOffset=0", info(group(0, HOLE, HOLE), group(2 * UNIT, 0)));
        refused("baseOffset=" + UNIT, info(group(0, 0), group(UNIT)));
    }

    @Test
    void p14EachPossibleCpuHasExactlyOneUnit() {
        refused("cpuId=1", info(group(0, 0)), 0, 1);
        refused("cpuId=2", info(group(0, 0, 1, 2)), 0, 1);
        refused("cpuId=-2", info(group(0, 0, -2)));
        refused("cpuId=0", info(group(0, 0, 0)));
        refused("cpuId=0", info(group(0, 0), group(UNIT, 0)));
        refused("cpuId=5", info(group(0, 5)), 5, 5);
        refused("cpuId=-1", info(group(0, 0)), 0, -1);
        refused("cpuId=65536", info(group(0, 65_536)), 65_536);
        refused("slots=0", info(group(0, 0)), new int[0]);
    }

    private static void refused(final String end, final AllocInfo info) {
        refused(end, info, 0);
    }

    private static void refused(final String end, final AllocInfo info, final int... ids) {
        final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> new Layout(info, ids), end);
        assertTrue(refused.getMessage().endsWith(end), refused.getMessage());
    }
}
