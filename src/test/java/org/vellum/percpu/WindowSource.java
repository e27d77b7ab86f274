package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.vellum.mmu.Entry;

/**
 * Memory as it lies in a machine of several nodes: contiguous frames, seen through the window at addresses that are as far apart as one
 * likes. In the order of the calls; given back whole.
 */
final class WindowSource implements UnitSource {
    final long[] areas;

    private final LayoutWorld world;
    private final long[] sizes;
    private final int[] orders;
    private int calls;

    /** In the end the areas are given back in any order. */
    WindowSource(final LayoutWorld world, final long[] offsets, final long[] sizes) {
        this.world = world;
        this.sizes = sizes;
        orders = Arrays.stream(sizes).mapToInt(size -> Long.SIZE - Long.numberOfLeadingZeros(size / LayoutWorld.PAGE - 1)).toArray();
        areas = world.vmap.congruentAreas(offsets, sizes, LayoutWorld.PAGE);
    }

    @Override
    public long allocate(final int cpu, final long bytes, final long align) {
        final int group = calls++;
        assertEquals(sizes[group], bytes);
        final long block = world.takeBlock(orders[group]);
        final int pages = (int)(bytes / LayoutWorld.PAGE);
        final long[] frames = new long[pages];
        Arrays.setAll(frames, i -> block + i);
        world.vmap.mapPages(areas[group], areas[group], frames, 0, pages);
        return areas[group];
    }

    @Override
    public void free(final long address, final long bytes) {
        final int group = Arrays.stream(areas).boxed().toList().indexOf(address);
        assertEquals(sizes[group], bytes);
        final long entry = world.table.get(world.table.pageOf(address));
        final long block = world.frames.memory().frameOf(Entry.nativePage(entry));
        world.vmap.vunmap(address);
        world.epochs.synchronize();
        world.free(block, 1L << orders[group]);
    }
}
