package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;

/** Objects of several classes on four slots and more, two of which carry no caches, in 24 slabs, against a list of what is live. */
@Tag("stress")
final class SlabFuzzTest {
    private static final int OPERATIONS = 400_000;
    private static final int SLABS = 24;
    private static final int STALE = 256;
    private static final int[] CLASSES = {SizeClasses.of(32), SizeClasses.of(400), SizeClasses.of(1024), SizeClasses.of(2336),
        SizeClasses.of(4096), SizeClasses.of(8192)};

    private record Live(long address, int sizeClass, int owner) {
        int size() {
            return SizeClasses.size(sizeClass);
        }

        long begin() {
            return SlabWorld.untagged(address);
        }
    }

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final SlabWorld world = new SlabWorld(SlabWorld.SLOTS.withMaxSlots(6), SLABS);
    private final SlabAllocator slabs = world.slabs;
    private final List<Live> live = new ArrayList<>();
    private final TreeMap<Long, Live> byBegin = new TreeMap<>();
    private final List<Long> stale = new ArrayList<>();
    /** Deferred, and not yet known to have been handed out again: by where it begins. */
    private final Map<Long, Live> deferred = new HashMap<>();
    private final List<SmallMemory.Reader> readers = new ArrayList<>();
    /** For each reader what was deferred while it was in its section. */
    private final List<Set<Long>> heldUp = new ArrayList<>();
    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private int wanted = 200;
    private long created;
    private long adopted;
    private long exhausted;
    private long uncached;
    private long givenUp;
    private long staleTold;
    private long interiorTold;
    private long passesWithWaiting;
    private long heldPolls;

    @Test
    void agreesWithTheModel() {
        System.out.println("SlabFuzzTest seed=" + seed);
        try {
            while (steps.next()) {
                step();
                if (steps.every(4_000)) {
                    wanted = 1 + random.nextInt(random.nextBoolean() ? 3_000 : 60);
                    checkAll();
                }
            }
            finish();
        } catch (final RuntimeException | Error e) {
            throw new AssertionError("seed=" + seed, e);
        }
    }

    private void step() {
        final int what = random.nextInt(10_000);
        if (what < 20) {
            toggleReader();
        } else if (what < 120) {
            poll();
        } else if (what < 160) {
            drain();
        } else if (what < 170) {
            slabs.drainIdle();
        } else if (what < 400) {
            freeStale();
        } else if (what < 500) {
            freeInterior();
        } else if (what < 500 + (live.size() < wanted ? 6_000 : 3_000)) {
            onSomeSlot(this::allocate);
        } else if (!live.isEmpty()) {
            onSomeSlot(this::free);
        }
    }

    /** The one thread of this test is by turns on each of the slots, as the thread of that slot would be. */
    private void onSomeSlot(final java.util.function.Consumer<Cpu> action) {
        Cpu cpu = random.nextInt(3) == 0 ? null : world.cpus.tryVisit(random.nextInt(world.cpus.cachedSlots()));
        if (cpu == null) {
            cpu = world.cpus.tryEnter();
        }
        final boolean none = cpu == null;
        try {
            if (!none) {
                action.accept(cpu);
            }
        } finally {
            if (!none) {
                cpu.exit();
            }
        }
    }

    private void allocate(final Cpu cpu) {
        final int sizeClass = CLASSES[random.nextInt(random.nextBoolean() ? CLASSES.length : 2)];
        final int owner = random.nextInt(SlabAllocator.MAX_OWNER + 1);
        final SlabCounts before = random.nextInt(8) == 0 ? slabs.count() : null;
        final long address = slabs.allocate(cpu, sizeClass, owner);
        if (before != null) {
            noteLeft(cpu, before, slabs.count());
        }
        if (address == 0) {
            exhausted++;
            return;
        }
        uncached += cpu.carriesCaches() ? 0 : 1;
        final Live object = new Live(address, sizeClass, owner);
        assertEquals(0, object.begin() & (Integer.lowestOneBit(object.size()) - 1), "alignment");
        requireApart(object);
        assertEquals(null, byBegin.put(object.begin(), object));
        live.add(object);
        world.write(address, object.size());
    }

    /** A slot that made or took over a slab and owns no more than before has given one up. */
    private void noteLeft(final Cpu cpu, final SlabCounts before, final SlabCounts after) {
        final long taken = after.created() - before.created() + after.adopted() - before.adopted();
        givenUp += cpu.carriesCaches() && taken > after.current() - before.current() ? 1 : 0;
    }

    private void requireApart(final Live object) {
        final Map.Entry<Long, Live> below = byBegin.floorEntry(object.begin() + object.size() - 1);
        assertTrue(below == null || below.getValue().begin() + below.getValue().size() <= object.begin(), "overlap");
        for (final Set<Long> held : heldUp) {
            assertTrue(!held.contains(object.address), "handed out again before its grace period has ended");
        }
        deferred.remove(object.begin());
    }

    private void free(final Cpu cpu) {
        final int at = random.nextInt(live.size());
        final Live object = live.set(at, live.get(live.size() - 1));
        live.remove(live.size() - 1);
        byBegin.remove(object.begin());
        world.requireContent(object.address, object.size());
        assertEquals(object.owner, SlabAllocator.ownerOf(slabs.look(object.address)));
        final long freed;
        if (random.nextInt(4) == 0) {
            freed = slabs.freeDeferred(random.nextInt(8) == 0 ? null : cpu, object.address);
            deferred.put(object.begin(), object);
            for (final Set<Long> held : heldUp) {
                held.add(object.address);
            }
        } else {
            freed = slabs.free(object.address);
        }
        assertEquals(object.owner, SlabAllocator.ownerOf(freed));
        assertEquals(object.size(), SlabAllocator.bytesOf(freed));
        if (stale.size() < STALE) {
            stale.add(object.address);
        } else {
            stale.set(random.nextInt(STALE), object.address);
        }
    }

    private void freeStale() {
        if (!stale.isEmpty()) {
            final long address = stale.get(random.nextInt(stale.size()));
            final Live now = byBegin.get(SlabWorld.untagged(address));
            if (now == null || now.address != address) {
                assertThrows(IllegalStateException.class, () -> slabs.free(address));
                onSomeSlot(cpu -> assertThrows(IllegalStateException.class, () -> slabs.freeDeferred(cpu, address)));
                staleTold++;
            }
        }
    }

    private void freeInterior() {
        if (!live.isEmpty()) {
            final Live object = live.get(random.nextInt(live.size()));
            final int offset = 1 + random.nextInt(object.size() - 1);
            assertThrows(IllegalArgumentException.class, () -> slabs.free(object.address + offset));
            assertThrows(IllegalArgumentException.class, () -> slabs.look(object.begin()));
            interiorTold++;
        }
    }

    private void poll() {
        final long before = slabs.count().deferredBytes();
        final int looked = slabs.poll();
        passesWithWaiting += looked > 0 && slabs.count().deferredBytes() < before ? 1 : 0;
        if (!readers.isEmpty()) {
            heldPolls++;
            for (final Live object : deferred.values()) {
                if (heldUp.stream().anyMatch(held -> held.contains(object.address))) {
                    world.requireContent(object.address, object.size());
                    assertThrows(IllegalStateException.class, () -> slabs.free(object.address));
                }
            }
        }
    }

    private void drain() {
        final Cpu cpu = world.cpus.tryVisit(random.nextInt(world.cpus.cachedSlots()));
        if (cpu != null) {
            slabs.drain(cpu);
            cpu.exit();
        }
    }

    /** Up to four readers, so that all slots that carry caches may be taken. */
    private void toggleReader() {
        if (readers.size() < 5 && random.nextBoolean()) {
            try {
                readers.add(new SmallMemory.Reader(world.cpus, "reader"));
                heldUp.add(new HashSet<>());
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
        } else if (!readers.isEmpty()) {
            final int at = random.nextInt(readers.size());
            readers.remove(at).close();
            heldUp.remove(at);
        }
    }

    private void checkAll() {
        world.verify();
        long bytes = 0;
        final long[] objects = new long[SizeClasses.COUNT];
        for (final Live object : live) {
            world.requireContent(object.address, object.size());
            bytes += object.size();
            objects[object.sizeClass]++;
        }
        final SlabCounts counts = slabs.count();
        assertEquals(bytes, counts.liveBytes());
        for (int i = 0; i < SizeClasses.COUNT; i++) {
            assertEquals(objects[i], counts.classes().get(i).liveObjects(), "class=" + i);
        }
        assertTrue(counts.keptEmpty() <= CLASSES.length);
        created = counts.created();
        adopted = counts.adopted();
    }

    private void finish() {
        while (!readers.isEmpty()) {
            readers.remove(0).close();
            heldUp.remove(0);
        }
        checkAll();
        while (!live.isEmpty()) {
            onSomeSlot(this::free);
        }
        world.requireEmpty();
        System.out.println(figures());
        assertEquals(slabs.count().created(), slabs.count().released());
        steps.assertCovered(this::figures);
    }

    private boolean isCovered() {
        return created > SLABS && adopted > 0 && exhausted > 0 && uncached > 0 && givenUp > 0 && staleTold > 0 && interiorTold > 0
            && passesWithWaiting > 0 && heldPolls > 0;
    }

    private String figures() {
        return "created=" + created + " adopted=" + adopted + " exhausted=" + exhausted + " uncached=" + uncached + " givenUp="
            + givenUp + " staleTold=" + staleTold + " interiorTold=" + interiorTold + " passesWithWaiting=" + passesWithWaiting
            + " heldPolls=" + heldPolls;
    }
}
