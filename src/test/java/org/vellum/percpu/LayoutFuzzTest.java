package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.AreaInfo;

/**
 * Random layouts, and chunks made of them in a real window: every copy of every pointer is a place of its own, inside its unit, and as far
 * from the pointer as in every other chunk.
 */
final class LayoutFuzzTest {
    private static final int PAGE = SmallMemory.PAGE;
    private static final int WINDOW_PAGES = 1 << 14;
    private static final int ROUNDS = 600;
    private static final int CHUNKS = 5;

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final RandomLayouts layouts = new RandomLayouts(random);
    private int holes;
    private int interleaved;
    private int unequal;
    private int cutOff;
    private int full;
    private long windowStart;

    @Test
    void everyCopyIsUniqueCongruentAndInsideItsUnit() {
        System.out.println("LayoutFuzzTest -Dvellum.seed=" + seed);
        try (Vellum memory = SmallMemory.open(64, WINDOW_PAGES)) {
            windowStart = memory.frames().memory().physEnd();
            final long[] frames = SmallMemory.frames(memory, RandomLayouts.MOST_SLOTS);
            for (int round = 0; round < ROUNDS; round++) {
                chunks(memory, frames);
            }
            SmallMemory.requireQuiet(memory, frames.length, 0);
        }
        assertTrue(holes > 0 && interleaved > 0 && unequal > 0 && cutOff > 0, holes + " " + interleaved + " " + unequal + " " + cutOff);
        assertTrue(full < ROUNDS / 2, "too few chunks: full=" + full);
    }

    private void chunks(final Vellum memory, final long[] frames) {
        final AllocInfo info = layouts.next();
        final Layout layout = new Layout(info, layouts.cpuIds);
        note(info, layout);
        final List<long[]> chunks = new ArrayList<>();
        final BitSet taken = new BitSet(WINDOW_PAGES);
        final List<Long> others = new ArrayList<>();
        try {
            while (chunks.size() < CHUNKS) {
                // Something in the way.
                others.add(memory.vmap().sparseArea((long)PAGE * random.nextInt(1, 40)));
                chunks.add(memory.vmap().congruentAreas(layout.groupOffsets(), layout.groupBytes(), layout.areaAlign()));
            }
        } catch (final ExhaustedException e) {
            full++;
        }
        for (final long[] areas : chunks) {
            assertEquals(0, (areas[0] & Address.MASK) % layout.areaAlign());
            check(memory, layout, areas, taken);
        }
        if (!chunks.isEmpty()) {
            touch(memory, layout, chunks.get(random.nextInt(chunks.size())), frames);
        }
        interleaved += areInterleaved(layout, chunks) ? 1 : 0;
        chunks.forEach(areas -> Arrays.stream(areas).forEach(memory.vmap()::vunmap));
        others.forEach(memory.vmap()::vunmap);
        memory.quiesce();
    }

    /** The units of a chunk against its areas, and against those of all chunks before it. */
    private void check(final Vellum memory, final Layout layout, final long[] areas, final BitSet taken) {
        final long base = areas[0];
        for (int slot = 0; slot < layout.slots(); slot++) {
            final int offset = random.nextInt(layout.unitBytes());
            final long copy = base + offset + layout.unitOffset(slot);
            final AreaInfo area = memory.reader().findArea(copy);
            assertEquals(areas[layout.groupOf(slot)], area.address(), "its own group's area, by the tagged address");
            final long unit = copy - offset;
            assertTrue(unit >= area.address() && unit + layout.unitBytes() <= area.address() + area.size(), "leaves its area");
            final int page = (int)((unit & Address.MASK) - windowStart >>> Pages.SHIFT);
            final int end = page + layout.unitBytes() / PAGE;
            assertFalse(taken.get(page, end).cardinality() > 0, () -> "two units on one page: seed=" + seed);
            taken.set(page, end);
        }
    }

    /** One page of each unit, mapped: what is stored by one copy's address is found by no other's. */
    private void touch(final Vellum memory, final Layout layout, final long[] areas, final long[] frames) {
        final long pointer = areas[0] + (long)PAGE * random.nextInt(layout.unitBytes() / PAGE);
        for (int slot = 0; slot < layout.slots(); slot++) {
            memory.vmap().mapPages(areas[layout.groupOf(slot)], pointer + layout.unitOffset(slot), frames, slot, 1);
            memory.access().putLong(pointer + layout.unitOffset(slot) + 16, layout.cpuOf(slot));
        }
        for (int slot = 0; slot < layout.slots(); slot++) {
            assertEquals(layout.cpuOf(slot), memory.access().getLong(pointer + 16 + layout.unitOffset(slot)));
            assertEquals(layout.cpuOf(slot), memory.access().getLong(frames[slot] * PAGE + 16));
        }
    }

    /** Whether a unit of one chunk lies between two of another. */
    private static boolean areInterleaved(final Layout layout, final List<long[]> chunks) {
        final long span = layout.groupOffsets()[layout.groupOffsets().length - 1];
        for (final long[] one : chunks) {
            for (final long[] other : chunks) {
                final long distance = (other[0] & Address.MASK) - (one[0] & Address.MASK);
                if (distance > 0 && distance < span) {
                    return true;
                }
            }
        }
        return false;
    }

    private void note(final AllocInfo info, final Layout layout) {
        assertEquals(0, layout.unitOffset(layout.lowestSlot()));
        int units = 0;
        for (final AllocInfo.Group group : info.groups()) {
            units += group.units();
            for (int unit = 0; unit < group.units(); unit++) {
                if (group.cpu(unit) != AllocInfo.HOLE) {
                    final int slot = layout.slotOf(group.cpu(unit));
                    assertEquals(group.baseOffset() + unit * info.unitBytes() - layout.lowestOffset(), layout.unitOffset(slot));
                }
            }
        }
        holes += units > layout.slots() ? 1 : 0;
        unequal += info.groups().stream().mapToInt(AllocInfo.Group::units).distinct().count() > 1 ? 1 : 0;
        cutOff += layout.groupBytes()[0] < info.groups().stream().min((a, b) -> Long.compare(a.baseOffset(), b.baseOffset()))
            .orElseThrow().units() * info.unitBytes() ? 1 : 0;
    }

    /** One thing wrong with a plan that holds: refused, and by name. */
    @Test
    void oneMistakeIsEnough() {
        System.out.println("LayoutFuzzTest -Dvellum.seed=" + seed);
        final int[] made = new int[MISTAKES];
        for (int round = 0; round < 20_000; round++) {
            final AllocInfo info = layouts.next();
            new Layout(info, layouts.cpuIds);
            final int mistake = random.nextInt(MISTAKES);
            final AllocInfo wrong = mistaken(info, mistake);
            if (wrong != null) {
                final IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
                    () -> new Layout(wrong, layouts.cpuIds), () -> "mistake=" + mistake + " seed=" + seed + " " + wrong);
                assertTrue(refused.getMessage().matches("(?s).*[a-zA-Z.]+=-?[0-9]+"), refused.getMessage());
                made[mistake]++;
            }
        }
        assertTrue(Arrays.stream(made).allMatch(count -> count > 0), Arrays.toString(made));
    }

    private static final int MISTAKES = 9;

    /** Null: this plan cannot be spoiled so. */
    private AllocInfo mistaken(final AllocInfo info, final int mistake) {
        final List<AllocInfo.Group> groups = new ArrayList<>(info.groups());
        final int chosen = random.nextInt(groups.size());
        final AllocInfo.Group group = groups.get(chosen);
        final int[] cpus = group.cpus();
        final int unit = random.nextInt(cpus.length);
        final boolean hole = cpus[unit] == AllocInfo.HOLE;
        switch (mistake) {
            case 0 -> cpus[unit] = hole ? layouts.cpuIds[0] : AllocInfo.HOLE;
            case 1 -> cpus[unit] = 1000 + random.nextInt(100);
            case 2 -> Arrays.fill(cpus, AllocInfo.HOLE);
            case 3 -> groups.remove(chosen);
            case 4 -> groups.add(new AllocInfo.Group(group.baseOffset() + unit * info.unitBytes(), new int[] {AllocInfo.HOLE}));
            case 5 -> {
                return with(info, info.unitBytes() + random.nextInt(1, PAGE), info.usedBytes(), groups);
            }
            case 6 -> {
                return with(info, info.unitBytes(), info.unitBytes() + PAGE, groups);
            }
            case 7 -> {
                return with(info, info.unitBytes(), info.usedBytes() - random.nextInt(1, PAGE), groups);
            }
            default -> {
                groups.set(chosen, new AllocInfo.Group(group.baseOffset() + random.nextInt(1, PAGE), cpus));
                return with(info, info.unitBytes(), info.usedBytes(), groups);
            }
        }
        if (mistake < 3) {
            groups.set(chosen, new AllocInfo.Group(group.baseOffset(), cpus));
        }
        return with(info, info.unitBytes(), info.usedBytes(), groups);
    }

    private static AllocInfo with(final AllocInfo info, final long unit, final long used, final List<AllocInfo.Group> groups) {
        return new AllocInfo(info.staticBytes(), info.reservedBytes(), used - info.staticBytes() - info.reservedBytes(), unit,
            info.atomBytes(), info.allocBytes(), groups);
    }
}
