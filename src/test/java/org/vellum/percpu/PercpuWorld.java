package org.vellum.percpu;

import java.util.ArrayList;
import java.util.List;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;

/** An allocator over a small memory, without a worker, and looks at every copy. */
final class PercpuWorld {
    static final int PAGE = LayoutWorld.PAGE;
    static final int UNIT = 32 << 10;
    static final int UNIT_PAGES = UNIT / PAGE;
    private static final long BANK = LayoutWorld.MIB;

    final LayoutWorld rooms;
    final PercpuAllocator percpu;
    final Layout layout;
    final Population population;
    /** Frames and areas that are none of the allocator's. */
    private final List<Long> taken = new ArrayList<>();
    private long foreignFrames;
    private long foreignAreas;

    PercpuWorld(final int slots, final long memoryBytes, final long windowBytes, final PercpuOptions options) {
        this(new LayoutWorld(slots, memoryBytes, BANK, windowBytes, 1_000_000), options);
    }

    PercpuWorld(final LayoutWorld rooms, final PercpuOptions options) {
        this.rooms = rooms;
        percpu = new PercpuAllocator(rooms.epochs, rooms.frames, rooms.access, rooms.space, rooms.reclaimer, rooms.vmap, null, options, rooms.ear);
        layout = percpu.layout();
        population = percpu.supply().population;
        foreignFrames = rooms.frames.allocatedFrames() - percpu.stats().frames();
        foreignAreas = rooms.space.liveAreas();
    }

    /** Four slots, so many pages of memory. */
    static PercpuWorld of(final long pages) {
        return new PercpuWorld(4, pages * PAGE, 64 * LayoutWorld.MIB, PercpuOptions.DEFAULT);
    }

    long address(final long pointer, final int slot) {
        return pointer + layout.unitOffset(slot);
    }

    /** Writes a pattern over all copies that only pointer and slot tell. */
    void fill(final long pointer, final int bytes) {
        for (int slot = 0; slot < layout.slots(); slot++) {
            for (int i = 0; i < bytes; i += Integer.BYTES) {
                rooms.access.putInt(address(pointer, slot) + i, pattern(pointer, slot, i));
            }
        }
    }

    void requireContent(final long pointer, final int bytes) {
        for (int slot = 0; slot < layout.slots(); slot++) {
            for (int i = 0; i < bytes; i += Integer.BYTES) {
                if (rooms.access.getInt(address(pointer, slot) + i) != pattern(pointer, slot, i)) {
                    throw new AssertionError("pointer=0x" + Long.toHexString(pointer) + " slot=" + slot + " offset=" + i + " was written by others");
                }
            }
        }
    }

    private static int pattern(final long pointer, final int slot, final int offset) {
        return (int)((pointer + offset) * 0x9E3779B9L + slot * 0x10001L) | 1;
    }

    /** Up to the next granule, on every CPU. */
    void requireZero(final long pointer, final int bytes) {
        for (int slot = 0; slot < layout.slots(); slot++) {
            for (int i = 0; i < bytes; i += Integer.BYTES) {
                if (rooms.access.getInt(address(pointer, slot) + i) != 0) {
                    throw new AssertionError("pointer=0x" + Long.toHexString(pointer) + " slot=" + slot + " offset=" + i + " is not zero");
                }
            }
        }
    }

    /** Takes frames away until so many are left, or as many as there are. */
    void leaveFrames(final int count) {
        rooms.frames.drainIdle();
        final Cpu cpu = rooms.cpus.enter();
        try {
            for (long frame = rooms.frames.allocate(cpu, 0); frame != PhysicalMemory.NO_FRAME; frame = rooms.frames.allocate(cpu, 0)) {
                taken.add(frame);
            }
            for (int i = 0; i < count && !taken.isEmpty(); i++) {
                rooms.frames.free(cpu, taken.remove(taken.size() - 1), 0);
            }
        } finally {
            cpu.exit();
        }
    }

    void returnFrames() {
        returnFrames(taken.size());
    }

    void returnFrames(final int count) {
        final Cpu cpu = rooms.cpus.enter();
        try {
            for (int i = 0; i < count; i++) {
                rooms.frames.free(cpu, taken.remove(taken.size() - 1), 0);
            }
        } finally {
            cpu.exit();
        }
    }

    int takenFrames() {
        return taken.size();
    }

    /** Chunks of a state, by a look at their lists. */
    int chunksIn(final int slot) {
        int count = 0;
        for (Chunk chunk = percpu.supply().chunks.slots.first(slot); chunk != null; chunk = chunk.next) {
            count++;
        }
        return count;
    }

    Chunk chunkOf(final long pointer) {
        return percpu.supply().chunks.find(pointer);
    }

    /** Structures whole, nothing in limbo, and each frame and area that is in use accounted for. */
    void requireQuiet() {
        for (int i = 0; i < 3; i++) {
            rooms.epochs.synchronize();
            rooms.reclaimer.poll(true);
        }
        percpu.verify();
        final PercpuStats stats = percpu.stats();
        if (stats.pendingFrames() != 0) {
            throw new AssertionError("frames in limbo: " + stats);
        }
        final long areas = (stats.chunks() - 1L) * layout.groupOffsets().length;
        rooms.requireQuiet(foreignFrames + taken.size() + stats.frames(), foreignAreas + areas);
    }

    /** Nothing is allocated any more, and after the close nothing is left. */
    void close() {
        requireQuiet();
        if (percpu.stats().areas() != 0) {
            throw new AssertionError("areas left: " + percpu.stats());
        }
        percpu.close(rooms.ear);
        returnFrames();
        if (rooms.ear.heard("leaked")) {
            throw new AssertionError("heard " + rooms.ear.heard);
        }
    }
}
