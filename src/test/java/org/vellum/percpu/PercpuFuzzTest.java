package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.percpu.LayoutWorld.MIB;
import static org.vellum.percpu.PercpuWorld.PAGE;
import static org.vellum.percpu.PercpuWorld.UNIT;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.SmallMemory.Reader;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;

/**
 * Allocations of all kinds, frees, wrong frees, balances, readers that hold frames back, and frames that run out, against a list of what
 * there should be. Every copy is filled by a pattern, and found unchanged.
 */
@Tag("stress")
final class PercpuFuzzTest {
    private static final int OPERATIONS = 12_000;
    private static final int FRAMES = 1200;

    private record Area(long pointer, int bytes) {
    }

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<Area> areas = new ArrayList<>();
    private PercpuWorld world;
    private PercpuAllocator percpu;
    private Reader reader;
    private long bytes;
    private boolean grows;
    private long atomics;
    private long notReady;
    private long inSections;
    private long exhausted;
    private long injected;
    private long misused;
    private long givenBack;
    private long held;
    private long sidelined;
    private long spares;

    private static final class Injected extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @Test
    void agreesWithTheModelEmbedded() {
        run("embedded", new PercpuWorld(4, FRAMES * PAGE, 16 * MIB, PercpuOptions.DEFAULT.withReservedBytes(600)), true);
    }

    @Test
    void agreesWithTheModelPaged() {
        run("paged", new PercpuWorld(2, FRAMES * PAGE / 2, 16 * MIB,
            PercpuOptions.DEFAULT.withReservedBytes(600).withFirstChunk(FirstChunkKind.PAGE)), true);
    }

    /** Units of 5 pages used out of 11, three nodes of two CPUs and one, and other chunks' units in the holes between. */
    @Test
    void agreesWithTheModelSparse() {
        final LayoutWorld rooms = new LayoutWorld(8, 4 * MIB, MIB, 64 * MIB, 1_000_000);
        final int unit = 11 * PAGE;
        final long[] sizes = {2 * unit, 3 * unit, 3 * unit};
        final WindowSource source = new WindowSource(rooms, new long[] {0, 40 * PAGE, 1000 * PAGE}, sizes);
        final CpuDistance nodes = (from, to) -> from / 10 == to / 10 ? CpuDistance.LOCAL : CpuDistance.REMOTE;
        final PercpuOptions options = PercpuOptions.DEFAULT.withReservedBytes(600).withDynamicBytes(11 * PAGE - 664).withSource(source)
            .withDistance(nodes).withCpuIds(31, 0, 12, 10, 33, 5, 17, 30);
        run("sparse", new PercpuWorld(rooms, options), false);
    }

    private void run(final String name, final PercpuWorld small, final boolean isWhole) {
        System.out.println("PercpuFuzzTest " + name + " seed=" + seed);
        world = small;
        percpu = world.percpu;
        final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
        try {
            while (steps.next()) {
                if (random.nextInt(400) == 0) {
                    grows = !grows;
                }
                step(random.nextInt(1000));
                assertEquals(areas.size(), percpu.stats().areas());
                assertEquals(bytes, percpu.stats().bytes());
                if (steps.every(500)) {
                    percpu.verify();
                }
            }
            finish(isWhole);
        } catch (final RuntimeException | Error e) {
            throw new AssertionError("seed=" + seed + " step=" + steps.step(), e);
        }
        System.out.println("PercpuFuzzTest " + name + ": " + figures());
        steps.assertCovered(() -> "seed=" + seed + figures());
    }

    private String figures() {
        return " made=" + percpu.stats().chunksMade() + " atomics=" + atomics + " notReady=" + notReady
            + " inSections=" + inSections + " exhausted=" + exhausted + " injected=" + injected + " misused=" + misused + " givenBack="
            + givenBack + " held=" + held + " sidelined=" + sidelined + " spares=" + spares;
    }

    private boolean isCovered() {
        return percpu.stats().chunksMade() > 20 && atomics > 100 && notReady > 10 && inSections > 50 && exhausted > 10 && injected > 3
            && misused > 100 && givenBack > 100 && held > 5 && sidelined > 5 && spares > 5;
    }

    private void step(final int what) {
        if (what < 8) {
            toggleReader();
        } else if (what < 14) {
            squeeze();
        } else if (what < 40) {
            balance();
        } else if (what < 50) {
            inject();
        } else if (what < 100) {
            misuse();
        } else if (what < (grows ? 750 : 300)) {
            allocate(random.nextInt(10));
        } else {
            free();
        }
    }

    private int anyBytes() {
        return switch (random.nextInt(10)) {
            case 0 -> 1 + random.nextInt(UNIT);
            case 1, 2 -> 1 + random.nextInt(2 * PAGE);
            case 3, 4, 5 -> 1 + random.nextInt(1024);
            default -> 1 + random.nextInt(64);
        };
    }

    private void allocate(final int how) {
        final int length = anyBytes();
        final int align = 1 << random.nextInt(random.nextInt(4) == 0 ? 13 : 7);
        try {
            final long pointer;
            if (how == 0) {
                pointer = percpu.allocateAtomic(length, align);
                notReady += pointer == 0 ? 1 : 0;
                atomics++;
            } else if (how == 1) {
                pointer = allocateReserved(length, align);
            } else if (how == 2) {
                final Cpu cpu = world.rooms.cpus.enter();
                try {
                    inSections++;
                    pointer = percpu.allocate(length, align);
                } finally {
                    cpu.exit();
                }
            } else {
                final int before = world.chunksIn(percpu.supply().chunks.slots.sidelined());
                pointer = percpu.allocate(length, align);
                sidelined += world.chunksIn(percpu.supply().chunks.slots.sidelined()) < before ? 1 : 0;
            }
            if (pointer != 0) {
                add(pointer, length, align);
            }
        } catch (final ExhaustedException e) {
            exhausted++;
            final long used = percpu.stats().frames() + percpu.stats().pendingFrames();
            assertTrue(e.resource() == Resource.WINDOW || how == 2 || world.takenFrames() > 0 || used > FRAMES / 4, e.getMessage());
        }
    }

    private long allocateReserved(final int length, final int align) {
        try {
            return percpu.allocateReserved(length, align);
        } catch (final ExhaustedException e) {
            assertSame(Resource.PERCPU_RESERVED, e.resource());
            return 0;
        }
    }

    private void add(final long pointer, final int length, final int align) {
        final int rounded = length + 3 & -4;
        for (int slot = 0; slot < world.layout.slots(); slot++) {
            assertEquals(0, world.address(pointer, slot) & Math.max(4, align) - 1);
        }
        world.requireZero(pointer, rounded);
        world.fill(pointer, rounded);
        areas.add(new Area(pointer, rounded));
        bytes += rounded;
    }

    private void free() {
        if (areas.isEmpty()) {
            return;
        }
        final int at = random.nextInt(areas.size());
        final Area area = areas.set(at, areas.get(areas.size() - 1));
        areas.remove(areas.size() - 1);
        world.requireContent(area.pointer, area.bytes);
        if (random.nextInt(4) == 0) {
            final Cpu cpu = world.rooms.cpus.enter();
            percpu.free(area.pointer);
            cpu.exit();
        } else {
            percpu.free(area.pointer);
        }
        bytes -= area.bytes;
        assertThrows(RuntimeException.class, () -> percpu.free(area.pointer));
    }

    private void misuse() {
        misused++;
        final Area area = areas.isEmpty() ? new Area(4, 4) : areas.get(random.nextInt(areas.size()));
        if (area.bytes > 4) {
            assertThrows(IllegalArgumentException.class, () -> percpu.free(area.pointer + 1 + random.nextInt(area.bytes - 1)));
        }
        final int slot = 1 + random.nextInt(world.layout.slots() - 1);
        if (slot != world.layout.lowestSlot()) {
            assertThrows(IllegalArgumentException.class, () -> percpu.free(world.address(area.pointer, slot)));
        }
        assertThrows(IllegalArgumentException.class, () -> percpu.free(random.nextLong() | 1));
    }

    private void balance() {
        final PercpuStats before = percpu.stats();
        final int frames = percpu.balance();
        givenBack += frames;
        final PercpuStats after = percpu.stats();
        spares += after.chunks() < before.chunks() ? 1 : 0;
        held += after.pendingFrames() > 0 ? 1 : 0;
        assertTrue(reader != null || after.pendingFrames() == 0, "nobody holds them back");
        int empty = 0;
        for (Chunk chunk = percpu.supply().chunks.slots.first(percpu.supply().chunks.slots.free()); chunk != null; chunk = chunk.next) {
            empty += chunk.emptyPages == 0 ? 1 : 0;
        }
        final int free = world.chunksIn(percpu.supply().chunks.slots.free());
        assertTrue(free <= 1 || free == 2 && empty == 0 && after.emptyPages() <= 2 * Chunks.EMPTY_PAGES_HIGH + world.layout.unitBytes() / PAGE,
            "one to spare, and one whose pages were needed: " + after);
        assertEquals(0, world.chunksIn(percpu.supply().chunks.slots.toDepopulate()));
    }

    private void toggleReader() {
        if (reader != null) {
            reader.close();
            reader = null;
        } else if (random.nextInt(3) == 0) {
            try {
                reader = new Reader(world.rooms.cpus, "reader");
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void squeeze() {
        if (world.takenFrames() > 0) {
            world.returnFrames();
        } else if (random.nextInt(2) == 0) {
            world.leaveFrames(random.nextInt(40));
        }
    }

    /** At one of the steps of an allocation, if it takes so many. */
    private void inject() {
        final int[] left = {random.nextInt(10)};
        world.population.setBeforeStep(() -> {
            if (left[0]-- == 0) {
                injected++;
                throw new Injected();
            }
        });
        try {
            final int length = anyBytes();
            add(percpu.allocate(length, 4), length, 4);
        } catch (final Injected | ExhaustedException e) {
            percpu.verify();
        } finally {
            world.population.setBeforeStep(() -> { });
        }
    }

    private void finish(final boolean isWhole) {
        if (reader != null) {
            reader.close();
        }
        world.returnFrames();
        world.requireQuiet();
        for (final Area area : areas) {
            world.requireContent(area.pointer, area.bytes);
            percpu.free(area.pointer);
        }
        percpu.balance();
        assertTrue(percpu.stats().chunks() <= 2, "the first, and one to spare");
        if (isWhole) {
            world.close();
        } else {
            world.requireQuiet();
            percpu.close(world.rooms.ear);
        }
    }
}
