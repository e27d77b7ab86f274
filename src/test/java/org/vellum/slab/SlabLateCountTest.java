package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.report.Events;

/**
 * A free that has set its object free and counts it only when the slab is another by then, step by step: between two neighbouring instructions, so
 * that no race of threads meets it in reasonable time.
 */
class SlabLateCountTest {
    private static final int SIZE_CLASS = SizeClasses.of(8192);

    private final SlabWorld world = new SlabWorld(2);
    private final Slabs slabs = new Slabs(world.cpus, world.frames, Events.NONE);

    @Test
    void aCountForAnEarlierSlabChangesNothing() {
        try (Cpu cpu = world.cpus.enter()) {
            final int slab = slabs.create(cpu, SIZE_CLASS);
            slabs.create(cpu, SIZE_CLASS);
            final long earlier = slabs.table.wordVolatile(slab);
            slabs.leave(cpu, slab);
            assertEquals(1, slabs.trim(cpu));

            slabs.noteFreed(null, slab, earlier, 1);
            assertEquals(SlabWord.NO_SLAB, slabs.table.wordVolatile(slab), "a count for a slab that is gone");

            assertEquals(slab, slabs.create(cpu, SIZE_CLASS), "memory has room for this one only");
            makeAllLive(slab);
            slabs.leave(cpu, slab);
            final long word = slabs.table.wordVolatile(slab);
            assertNotEquals(SlabWord.tag(earlier), SlabWord.tag(word));
            assertEquals(0, SlabWord.freed(word));

            slabs.noteFreed(null, slab, earlier, 1);
            assertEquals(word, slabs.table.wordVolatile(slab), "a count for the earlier slab");

            slabs.noteFreed(null, slab, word, 1);
            assertEquals(1, SlabWord.freed(slabs.table.wordVolatile(slab)), "a count of its own");
        }
    }

    private void makeAllLive(final int slab) {
        for (int object = 0; object < SizeClasses.objects(SIZE_CLASS); object++) {
            UnsafeApi.putByte(slabs.table.stateAddress(slab, object), SlabTable.LIVE);
        }
    }
}
