package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzReaders;
import org.vellum.FuzzSteps;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.SpaceEntry;

/**
 * Random mappings of frames, some of them shared by several entries, and random unmaps, with sections of others open, and without memory for
 * batches now and then; against a model that keeps what each page maps.
 */
class MmuGatherFuzzTest {
    private static final int PAGES = 1100;
    private static final int FRAMES = 640;
    private static final int LEFT = 16;
    private static final int STEPS = 6_000;
    private static final long NOTHING = 0;
    private static final long SPECIAL = -1;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final GatherWorld world = new GatherWorld(FRAMES, PAGES, 1L << 30, 1000, hashed());
    private final FuzzReaders readers = new FuzzReaders(world.cpus);
    /** Per page the frame that its entry holds a reference to. */
    private final long[] mapped = new long[PAGES];
    private final long special = world.frame();
    private long shared;
    private long full;
    private long inSection;
    private long exhausted;
    private boolean failing;

    /** Whether translations are kept in a hash, too. Asked while this object is made. */
    boolean hashed() {
        return false;
    }

    private boolean covered() {
        return shared > 10 && full > 10 && inSection > 10 && exhausted > 0 && readers.opened > 10
            && world.flushed(GatherEvent.HEAP) > 0 && world.flushed(GatherEvent.WAIT) > 0 && world.flushed(GatherEvent.RETIRE) > 0
            && world.flushed(GatherEvent.NESTED) > 0 && world.flushed(GatherEvent.NOTHING) > 0;
    }

    private String figures() {
        return "seed=" + seed + " shared=" + shared + " full=" + full + " inSection=" + inSection + " exhausted=" + exhausted
            + " readers=" + readers.opened + " heap=" + world.flushed(GatherEvent.HEAP) + " nested=" + world.flushed(GatherEvent.NESTED);
    }

    @Test
    void agreesWithPageByPage() {
        System.out.println(getClass().getSimpleName() + " seed=" + seed);
        world.gathers.batches.failing = () -> failing;
        final FuzzSteps steps = new FuzzSteps(STEPS, this::covered);
        while (steps.next()) {
            step();
            if (steps.every(64)) {
                compareAll();
            }
        }
        readers.closeAll();
        failing = false;
        steps.assertCovered(this::figures);
        world.unmap(GatherMode.WAIT, 0, PAGES, true);
        world.requireNothingLeft();
        world.free(special);
        world.requireFramesInUse(0);
    }

    private void step() {
        final int dice = random.nextInt(100);
        if (dice < 8) {
            readers.toggle(random);
        } else if (dice < 12) {
            world.gathers.poll();
        } else if (dice < 60) {
            map();
        } else {
            failing = random.nextInt(3) == 0;
            unmap();
            failing = false;
        }
    }

    private void map() {
        // Tables and batches need a few.
        if (world.frames.freeFrames() < LEFT) {
            exhausted++;
            return;
        }
        final int start = random.nextInt(PAGES);
        final int end = Math.min(PAGES, start + 1 + random.nextInt(random.nextInt(4) == 0 ? 100 : 6));
        for (int page = start; page < end; page++) {
            if (mapped[page] != NOTHING) {
                continue;
            }
            final int other = random.nextInt(PAGES);
            if (random.nextInt(16) == 0) {
                assertTrue(world.set(page, SpaceEntry.present(world.frames.memory().nativeAddress(special),
                    SpaceEntry.READABLE | SpaceEntry.SPECIAL)), this::figures);
                mapped[page] = SPECIAL;
            } else if (mapped[other] > 0 && random.nextInt(3) == 0) {
                world.frames.get(mapped[other]);
                mapFrame(page, mapped[other]);
                shared++;
            } else if (!mapNew(page)) {
                return;
            }
        }
    }

    private boolean mapNew(final int page) {
        final long frame = world.frames.freeFrames() < LEFT ? PhysicalMemory.NO_FRAME : world.allocate();
        if (frame == PhysicalMemory.NO_FRAME) {
            return false;
        }
        readers.requireFrameReusable(frame);
        UnsafeApi.putLongOpaque(null, world.frames.memory().nativeAddress(frame), frame);
        mapFrame(page, frame);
        return true;
    }

    private void mapFrame(final int page, final long frame) {
        assertTrue(world.map(page, frame), this::figures);
        mapped[page] = frame;
    }

    private void unmap() {
        final int start = random.nextInt(PAGES);
        final int end = Math.min(PAGES, start + 1 + random.nextInt(random.nextInt(4) == 0 ? PAGES : 20));
        // Nobody else would close the sections that this thread waited for.
        final boolean wait = readers.none() && random.nextBoolean();
        final boolean section = !readers.none() && (failing || world.frames.freeFrames() < 2 * LEFT) || random.nextInt(8) == 0;
        final GatherMode mode = wait ? GatherMode.WAIT : GatherMode.RETIRE;
        final boolean freeTables = random.nextBoolean();
        inSection += section ? 1 : 0;
        final Cpu cpu = section ? world.cpus.enter() : null;
        final MmuGather other = random.nextInt(4) == 0 ? world.begin(GatherMode.WAIT) : null;
        final long before = world.flushed(GatherEvent.FULL);
        try {
            world.unmap(mode, start, end, freeTables);
        } finally {
            if (other != null) {
                other.close();
            }
            if (cpu != null) {
                cpu.exit();
            }
        }
        full += world.flushed(GatherEvent.FULL) - before;
        for (int page = start; page < end; page++) {
            if (mapped[page] > 0) {
                // Each reader open now may have come in by this entry, however many others hold the frame.
                readers.retiredFrame(mapped[page]);
            }
            mapped[page] = NOTHING;
        }
    }

    private void compareAll() {
        long counted = 0;
        for (int page = 0; page < PAGES; page++) {
            final long entry = world.table.get(page);
            if (mapped[page] == NOTHING) {
                assertTrue(SpaceEntry.isNone(entry), this::figures);
            } else {
                final long frame = mapped[page] == SPECIAL ? special : mapped[page];
                assertEquals(world.frames.memory().nativeAddress(frame), SpaceEntry.nativePage(entry), this::figures);
                assertEquals(mapped[page] != SPECIAL, SpaceEntry.isCounted(entry), this::figures);
                counted += mapped[page] == SPECIAL ? 0 : 1;
                assertTrue(mapped[page] == SPECIAL || UnsafeApi.getLongOpaque(null, SpaceEntry.nativePage(entry)) == frame, this::figures);
            }
        }
        assertEquals(counted, world.table.verify(world.frames.table()), this::figures);
        if (hashed()) {
            world.hash.verify(world.table);
        }
        if (readers.none()) {
            compareCounts();
        }
    }

    /** With nothing on its way each frame has as many references as entries. */
    private void compareCounts() {
        world.gathers.settle();
        world.gathers.verify();
        for (int page = 0; page < PAGES; page++) {
            if (mapped[page] > 0) {
                int entries = 0;
                for (final long other : mapped) {
                    entries += other == mapped[page] ? 1 : 0;
                }
                assertEquals(entries, world.frames.table().count(mapped[page]), this::figures);
            }
        }
    }
}
