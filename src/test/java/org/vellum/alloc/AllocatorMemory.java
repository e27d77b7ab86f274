package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.report.ExhaustedException;
import org.vellum.cpu.Cpu;

/** What tests of the allocator do to a memory. */
final class AllocatorMemory {
    static final long PAGE = SmallMemory.PAGE;

    private AllocatorMemory() {
    }

    /** Everything has been freed: after a trim no frame is out, no budget charged, no structure broken. */
    static void requireEmpty(final Vellum memory) {
        memory.quiesce();
        memory.trim();
        memory.verify();
        final RawAllocator raw = memory.allocator().raw();
        assertEquals(0, raw.limboBytes(), "in limbo");
        assertEquals(0, raw.runs().sparePages(), "spare pages");
        assertEquals(0, raw.slabs().count().slabs(), "slabs");
        assertEquals(0, raw.areas(), "areas");
        assertEquals(0, memory.stats().liveAreas(), "live areas");
        assertEquals(0, memory.frames().allocatedFrames(), "allocated frames");
        for (final Budget child : memory.allocator().budget().children()) {
            assertEquals(0, child.used(), child.path());
        }
    }

    /** What idle slots keep is given up: exactly so many frames are out. */
    static void requireEmptyBut(final Vellum memory, final long frames) {
        memory.quiesce();
        memory.trim();
        memory.verify();
        assertEquals(frames, memory.frames().allocatedFrames(), "allocated frames");
    }

    /** Takes all memory that is to be had in objects of that size. */
    static List<Long> fillUp(final Vellum memory, final long size) {
        final List<Long> all = new ArrayList<>();
        try {
            while (true) {
                all.add(memory.allocate(size));
            }
        } catch (final ExhaustedException e) {
            return all;
        }
    }

    /** Allocates at each of the four slots in turn, whoever else has used them. */
    static long allocateAt(final Vellum memory, final int slot, final long size) {
        final Cpu cpu = memory.cpus().tryVisit(slot);
        try {
            return memory.allocator().allocate(cpu, size);
        } finally {
            cpu.exit();
        }
    }
}
