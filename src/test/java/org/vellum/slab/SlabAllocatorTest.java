package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.report.Events;

/** One operation after the other. */
final class SlabAllocatorTest {
    private static final int LARGEST = SizeClasses.of(8192);
    private static final int PAGE = SizeClasses.of(4096);
    private static final int SMALLEST = SizeClasses.of(32);
    private static final int PER_LARGEST = SizeClasses.objects(LARGEST);

    private SlabWorld world = new SlabWorld(16);

    private SlabAllocator slabs() {
        return world.slabs;
    }

    @AfterEach
    void nothingIsLost() {
        world.requireEmpty();
    }

    private void requireUnchanged(final Runnable misuse) {
        final SlabCounts before = slabs().count();
        misuse.run();
        final SlabCounts after = slabs().count();
        assertEquals(before.liveBytes(), after.liveBytes());
        assertEquals(before.slabs(), after.slabs());
        world.verify();
    }

    private void requireFree(final long address) {
        requireUnchanged(() -> {
            final String free = assertThrows(IllegalStateException.class, () -> slabs().free(address)).getMessage();
            assertTrue(free.contains("already free") && free.contains("address=0x" + Long.toHexString(address)), free);
            assertThrows(IllegalStateException.class, () -> world.freeDeferred(address));
            assertThrows(IllegalStateException.class, () -> slabs().look(address));
        });
    }

    private void requireNoObject(final long address) {
        requireUnchanged(() -> {
            final String none = assertThrows(IllegalArgumentException.class, () -> slabs().free(address)).getMessage();
            assertTrue(none.contains("address=0x" + Long.toHexString(address)), none);
            assertThrows(IllegalArgumentException.class, () -> world.freeDeferred(address));
            assertThrows(IllegalArgumentException.class, () -> slabs().look(address));
        });
    }

    private void requireNotHere(final long address) {
        requireUnchanged(() -> {
            assertEquals(SlabAllocator.NOT_HERE, slabs().free(address));
            assertEquals(SlabAllocator.NOT_HERE, world.freeDeferred(address));
            assertEquals(SlabAllocator.NOT_HERE, slabs().look(address));
            assertFalse(slabs().isCurrent(address));
        });
    }

    @Test
    void objectsOfEveryClassAreApartAlignedAndTheirOwn() {
        world = new SlabWorld(4 * SizeClasses.COUNT);
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            final int size = SizeClasses.size(sizeClass);
            final long[] all = world.allocateAll(sizeClass, 2 * SizeClasses.objects(sizeClass) + 1);
            final long[] sorted = Arrays.stream(all).map(SlabWorld::untagged).sorted().toArray();
            for (int i = 0; i < all.length; i++) {
                assertTrue(i == 0 || sorted[i] - sorted[i - 1] >= size, "objects overlap");
                assertEquals(0, all[i] & (Integer.lowestOneBit(size) - 1));
                assertTrue(slabs().isCurrent(all[i]));
                world.write(all[i], size);
            }
            for (final long address : all) {
                world.requireContent(address, size);
                assertEquals(size, SlabAllocator.bytesOf(slabs().look(address)));
            }
            assertEquals(all.length, slabs().count().classes().get(sizeClass).liveObjects());
            assertEquals((long)all.length * size, slabs().count().liveBytes());
            world.freeAll(all);
            world.verify();
            assertEquals(0, slabs().count().liveBytes());
        }
    }

    @Test
    void ownersComeBack() {
        final long[] addresses = new long[SlabAllocator.MAX_OWNER + 1];
        for (int owner = 0; owner <= SlabAllocator.MAX_OWNER; owner++) {
            addresses[owner] = world.allocate(SMALLEST, owner);
        }
        for (int owner = 0; owner <= SlabAllocator.MAX_OWNER; owner++) {
            assertEquals(owner, SlabAllocator.ownerOf(slabs().look(addresses[owner])));
            final long freed = owner % 2 == 0 ? slabs().free(addresses[owner]) : world.freeDeferred(addresses[owner]);
            assertEquals(owner, SlabAllocator.ownerOf(freed));
            assertEquals(32, SlabAllocator.bytesOf(freed));
        }
        assertEquals(249, SlabAllocator.MAX_OWNER);
    }

    @Test
    void doubleFreesAreTold() {
        final long[] all = world.allocateAll(LARGEST, PER_LARGEST);
        slabs().free(all[1]);
        requireFree(all[1]);
        world.freeAll(all[0], all[2], all[3]);
        requireFree(all[3]);
    }

    @Test
    void interiorAddressesAreTold() {
        for (final int sizeClass : new int[] {SMALLEST, SizeClasses.of(400), PAGE, LARGEST}) {
            final long address = world.allocate(sizeClass, 0);
            for (final int offset : new int[] {1, 8, SizeClasses.size(sizeClass) - 1}) {
                requireNoObject(address + offset);
            }
            slabs().free(address);
        }
    }

    @Test
    void whatIsBehindTheLastObjectIsTold() {
        final long[] smallest = world.allocateAll(SMALLEST, 1);
        final long begin = smallest[0] & -SlabTable.BYTES;
        for (int offset = SlabTable.MAX_OBJECTS * 32; offset < SlabTable.BYTES; offset += 8) {
            requireNoObject(begin + offset);
        }
        // Slabs of a class with a tail, where a slab with more objects has been before.
        slabs().free(smallest[0]);
        slabs().drainIdle();
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            final long address = world.allocate(sizeClass, 0);
            final int size = SizeClasses.size(sizeClass);
            final int behind = size * SizeClasses.objects(sizeClass);
            if (behind < SlabTable.BYTES) {
                requireNoObject((address & -SlabTable.BYTES) + behind);
                requireNoObject((address & -SlabTable.BYTES) + SlabTable.BYTES - 1);
            }
            slabs().free(address);
            slabs().drainIdle();
        }
    }

    @Test
    void addressesOfEarlierSlabsAreTold() {
        final long first = world.allocate(PAGE, 0);
        slabs().free(first);
        world.drainAll();
        slabs().drainIdle();
        assertFalse(slabs().isCurrent(first));
        requireFree(first);
        // Another class at the same place, then the same class.
        final long second = world.allocate(LARGEST, 0);
        assertEquals(SlabWorld.slabOf(first), SlabWorld.slabOf(second));
        assertNotEquals(SlabWorld.tagOf(first), SlabWorld.tagOf(second));
        requireFree(first);
        slabs().free(second);
        slabs().drainIdle();
        final long third = world.allocate(PAGE, 0);
        assertEquals(SlabWorld.untagged(first), SlabWorld.untagged(third));
        requireFree(first);
        requireFree(second);
        assertTrue(slabs().isCurrent(third));
        slabs().free(third);
    }

    @Test
    void tagsNeverAreZeroAndComeRound() {
        final Set<Integer> tags = new LinkedHashSet<>();
        for (int i = 0; i < 0xFFFF; i++) {
            final long address = world.allocate(LARGEST, 0);
            tags.add(SlabWorld.tagOf(address));
            slabs().free(address);
            slabs().drainIdle();
        }
        assertEquals(0xFFFF, tags.size());
        assertFalse(tags.contains(0));
        final long again = world.allocate(LARGEST, 0);
        assertEquals(tags.iterator().next(), SlabWorld.tagOf(again), "the first one");
        slabs().free(again);
    }

    @Test
    void untaggedAddressesInsideSlabsAreTold() {
        final long address = world.allocate(PAGE, 0);
        requireNoObject(SlabWorld.untagged(address));
        requireNoObject(SlabWorld.untagged(address) + 8);
        slabs().free(address);
    }

    @Test
    void addressesOfNoSlabAreNotHere() {
        final long address = world.allocate(PAGE, 0);
        final long frame;
        try (Cpu cpu = world.cpus.enter()) {
            frame = world.frames.allocate(cpu, SlabTable.ORDER);
        }
        // The address check of the walk in requireUnchanged counts slabs only.
        for (final long elsewhere : new long[] {0, 8, frame << 12, (frame << 12) + 40, 1L << 47, -1L >>> Short.SIZE,
            1L << 48 | 1L << 46, -1L, Long.MIN_VALUE | 1L << 40}) {
            assertEquals(SlabAllocator.NOT_HERE, slabs().free(elsewhere));
            assertEquals(SlabAllocator.NOT_HERE, world.freeDeferred(elsewhere));
            assertEquals(SlabAllocator.NOT_HERE, slabs().look(elsewhere));
            assertFalse(slabs().isCurrent(elsewhere) && SlabWorld.tagOf(elsewhere) != 0);
        }
        slabs().verify();
        try (Cpu cpu = world.cpus.enter()) {
            world.frames.free(cpu, frame, SlabTable.ORDER);
        }
        requireNotHere(frame << 12);
        slabs().free(address);
    }

    @Test
    void outOfFramesIsZeroAndAFreeHelps() {
        final long[] all = world.allocateAll(LARGEST, 16 * PER_LARGEST);
        assertEquals(0, world.allocate(LARGEST, 0));
        assertEquals(0, world.allocate(SMALLEST, 0));
        world.verify();
        slabs().free(all[17]);
        final long again = world.allocate(LARGEST, 0);
        assertEquals(all[17], again);
        assertEquals(0, world.allocate(LARGEST, 0));
        world.freeAll(all);
        assertEquals(PER_LARGEST, SizeClasses.objects(LARGEST));
        world.freeAll(world.allocateAll(SMALLEST, 3));
    }

    @Test
    void slotsWithoutCachesAllocateToo() throws Exception {
        world = new SlabWorld(SlabWorld.SLOTS.withCachedSlots(2).withMaxSlots(4), 16);
        try (SmallMemory.Reader one = reader(); SmallMemory.Reader two = reader()) {
            assertNotEquals(one.cpu.index(), two.cpu.index());
            try (Cpu cpu = world.cpus.enter()) {
                assertFalse(cpu.carriesCaches());
            }
            final long[] all = world.allocateAll(LARGEST, 2 * PER_LARGEST);
            assertEquals(2, Arrays.stream(all).mapToInt(SlabWorld::slabOf).distinct().count());
            assertEquals(0, slabs().count().current());
            world.verify();
            slabs().free(all[0]);
            assertEquals(all[0], world.allocate(LARGEST, 0));
            world.freeAll(all);
            assertEquals(1, slabs().count().slabs());
            assertEquals(1, slabs().count().keptEmpty());
            final long[] many = world.allocateAll(LARGEST, 16 * PER_LARGEST);
            assertEquals(0, world.allocate(LARGEST, 0));
            world.freeAll(many);
        }
    }

    private SmallMemory.Reader reader() throws InterruptedException {
        return new SmallMemory.Reader(world.cpus, "reader");
    }

    @Test
    void fullSlabsHaveNoOwnerAndTheFreeThatEmptiesOneReturnsIt() {
        final long[] all = world.allocateAll(LARGEST, 4 * PER_LARGEST + 1);
        assertEquals(1, slabs().count().current());
        assertEquals(5, slabs().count().slabs());
        for (int slab = 0; slab < 4; slab++) {
            world.freeAll(Arrays.copyOfRange(all, slab * PER_LARGEST, (slab + 1) * PER_LARGEST));
            world.verify();
            assertEquals(slab == 0 ? 5 : 5 - slab, slabs().count().slabs(), "one is kept");
            assertEquals(1, slabs().count().keptEmpty());
        }
        slabs().free(all[4 * PER_LARGEST]);
        slabs().drainIdle();
        assertEquals(0, slabs().count().slabs());
        assertEquals(5, slabs().count().created());
        assertEquals(5, slabs().count().released());
    }

    @Test
    void oneEmptySlabAClassIsKept() {
        world = new SlabWorld(4 * SizeClasses.COUNT);
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            world.freeAll(world.allocateAll(sizeClass, 3 * SizeClasses.objects(sizeClass)));
            world.drainAll();
        }
        assertEquals(SizeClasses.COUNT, slabs().count().keptEmpty());
        assertEquals(SizeClasses.COUNT, slabs().count().slabs());
        world.verify();
        // Those are used again before others are made.
        final long created = slabs().count().created();
        world.freeAll(world.allocateAll(LARGEST, PER_LARGEST));
        assertEquals(created, slabs().count().created());
        assertEquals(SizeClasses.COUNT - 1, slabs().count().keptEmpty());
    }

    @Test
    void drainedSlabsAreFoundByOthers() throws Exception {
        final long first = world.allocate(PAGE, 0);
        assertEquals(1, slabs().count().current());
        assertEquals(7 * 4096, slabs().count().strandedBytes());
        world.drainAll();
        assertEquals(0, slabs().count().current());
        assertEquals(0, slabs().count().strandedBytes());
        final long second = SmallMemory.inThread(() -> world.allocate(PAGE, 0));
        assertEquals(SlabWorld.slabOf(first), SlabWorld.slabOf(second));
        assertEquals(1, slabs().count().adopted());
        world.freeAll(first, second);
    }

    @Test
    void drainIdleLeavesThoseAloneWhoAreInSections() throws Exception {
        final SmallMemory.Reader inside = new SmallMemory.Reader(world.cpus, "inside");
        final long address = SmallMemory.inThread(() -> {
            try (Cpu cpu = world.cpus.tryVisit(inside.cpu.index() ^ 1)) {
                return slabs().allocate(cpu, PAGE, 0);
            }
        });
        try (inside; Cpu own = world.cpus.enter()) {
            slabs().drainIdle();
            assertEquals(0, slabs().count().current());
            final long mine = slabs().allocate(own, PAGE, 0);
            assertEquals(1, slabs().count().current());
            slabs().drainIdle();
            assertEquals(0, slabs().count().current());
            slabs().free(mine);
        }
        slabs().free(address);
    }

    @Test
    void drainIdleListsSlabsBelowTheThreshold() throws Exception {
        final int objects = SizeClasses.objects(SMALLEST);
        final long[] all = world.allocateAll(SMALLEST, objects);
        world.drainAll();
        world.freeAll(all[3], all[5]);
        world.verify();
        // Two of 960: not found until somebody asks.
        final long other = world.allocate(SMALLEST, 0);
        assertNotEquals(SlabWorld.slabOf(all[0]), SlabWorld.slabOf(other));
        world.drainAll();
        slabs().drainIdle();
        world.verify();
        final long[] found = world.allocateAll(SMALLEST, 2);
        assertEquals(Set.of(all[3], all[5]), Set.of(found[0], found[1]));
        world.freeAll(all);
        slabs().free(other);
        world.verify();
    }

    /** The count of what is free must survive the listing, or the slab is never seen to be empty. */
    @Test
    void aSlabThatDrainIdleListedIsGivenBackByTheFreesThatEmptyIt() {
        final int objects = SizeClasses.objects(SMALLEST);
        final long[] kept = world.allocateAll(SMALLEST, objects);
        final long[] all = world.allocateAll(SMALLEST, objects);
        world.drainAll();
        world.freeAll(all[3], all[5]);
        slabs().drainIdle();
        world.verify();
        world.freeAll(kept);
        for (int i = 0; i < objects; i++) {
            if (i != 3 && i != 5) {
                slabs().free(all[i]);
            }
        }
        world.verify();
        assertEquals(1, slabs().count().slabs());
    }

    @Test
    void aCallbackOfTheWatermarkMayAllocate() {
        final long[] inner = new long[1];
        world.frames.setLowWatermark(15 * SlabWorld.FRAMES_PER_SLAB, () -> {
            try (Cpu cpu = world.cpus.enter()) {
                inner[0] = slabs().allocate(cpu, PAGE, 7);
            }
        });
        final long[] all = world.allocateAll(PAGE, 30);
        assertNotEquals(0, inner[0]);
        assertEquals(7, SlabAllocator.ownerOf(slabs().look(inner[0])));
        world.verify();
        world.freeAll(all);
        slabs().free(inner[0]);
    }

    @Test
    void deferredFreesWaitForTheReader() throws Exception {
        final long[] all = world.allocateAll(LARGEST, PER_LARGEST);
        world.drainAll();
        world.write(all[0], 8192);
        try (SmallMemory.Reader reader = reader()) {
            assertEquals(8192, SlabAllocator.bytesOf(world.freeDeferred(all[0])));
            assertEquals(SlabTable.BYTES, slabs().limboBytes());
            assertEquals(8192, slabs().count().deferredBytes());
            for (int i = 0; i < 8; i++) {
                slabs().poll();
                world.verify();
                world.requireContent(all[0], 8192);
                final String message = assertThrows(IllegalStateException.class, () -> slabs().free(all[0])).getMessage();
                assertTrue(message.contains("waits for its grace period"), message);
                assertThrows(IllegalStateException.class, () -> world.freeDeferred(all[0]));
                assertThrows(IllegalStateException.class, () -> slabs().look(all[0]));
            }
            final long other = world.allocate(LARGEST, 0);
            assertNotEquals(SlabWorld.slabOf(all[0]), SlabWorld.slabOf(other));
            slabs().free(other);
            slabs().drainIdle();
            // In limbo, the slab is not released even though nothing of it is live.
            world.freeAll(all[1], all[2], all[3]);
            slabs().drainIdle();
            assertEquals(1, slabs().count().slabs());
            assertTrue(reader.cpu.index() >= 0);
        }
        slabs().poll();
        slabs().poll();
        assertEquals(0, slabs().limboBytes());
        assertEquals(0, slabs().count().deferredBytes());
        assertEquals(1, slabs().count().keptEmpty());
        world.verify();
    }

    @Test
    void deferredFreesTakeTwoGracePeriodsAtMost() {
        final long[] all = world.allocateAll(LARGEST, PER_LARGEST);
        world.freeDeferred(all[0]);
        assertEquals(1, slabs().poll(), "the first grace period: DEFERRED to WAITING");
        assertEquals(8192, slabs().count().deferredBytes());
        // Joins the slab in limbo; it is not queued twice.
        world.freeDeferred(all[1]);
        assertEquals(SlabTable.BYTES, slabs().limboBytes());
        assertEquals(1, slabs().poll(), "the second: WAITING to FREE, and the other one moves on");
        assertEquals(8192, slabs().count().deferredBytes());
        assertEquals(all[0], world.allocate(LARGEST, 0));
        assertEquals(1, slabs().poll());
        assertEquals(0, slabs().count().deferredBytes());
        assertEquals(0, slabs().limboBytes());
        assertEquals(0, slabs().poll());
        world.freeAll(all[0], all[2], all[3]);
    }

    @Test
    void deferredFreesWithoutASlot() {
        final long[] all = world.allocateAll(PAGE, 8);
        world.drainAll();
        for (final long address : all) {
            slabs().freeDeferred(null, address);
        }
        world.verify();
        slabs().poll();
        slabs().poll();
        world.verify();
        assertEquals(1, slabs().count().keptEmpty());
    }

    @Test
    void aSlabInLimboMayBeOwnedAndItsOwnerFindsWhatComesBack() {
        final long[] all = world.allocateAll(LARGEST, 3);
        world.freeDeferred(all[1]);
        final long fourth = world.allocate(LARGEST, 0);
        assertEquals(SlabWorld.slabOf(all[0]), SlabWorld.slabOf(fourth));
        slabs().poll();
        slabs().poll();
        assertEquals(all[1], world.allocate(LARGEST, 0));
        world.freeAll(all);
        slabs().free(fourth);
    }

    /**
     * A thread that could get no slot sets the mark late: others' passes have made its object free meanwhile. The pass that finds nothing
     * must yet see that the slab has become empty.
     */
    @Test
    void aMarkThatComesLateDoesNotKeepAnEmptySlab() {
        final Slabs bare = new Slabs(world.cpus, world.frames, Events.NONE);
        final DeferredFrees deferred = new DeferredFrees(world.epochs, bare, world.ear);
        final int slab;
        try (Cpu cpu = world.cpus.enter()) {
            slab = bare.create(cpu, LARGEST);
            for (int object = 0; object < PER_LARGEST; object++) {
                UnsafeApi.putByte(bare.table.stateAddress(slab, object), SlabTable.LIVE);
            }
            bare.leave(cpu, slab);
        }
        final long seen = bare.table.wordVolatile(slab);
        deferred.add(null, slab, seen);
        for (int object = 0; object < PER_LARGEST; object++) {
            UnsafeApi.putByte(bare.table.stateAddress(slab, object), SlabTable.FREE);
            bare.noteFreed(null, slab, seen, 1);
        }
        assertEquals(0, bare.keptEmpty());
        assertEquals(1, deferred.poll());
        assertEquals(1, bare.keptEmpty());
        try (Cpu cpu = world.cpus.enter()) {
            assertEquals(1, bare.trim(cpu));
        }
        assertEquals(0, world.frames.allocatedFrames());
    }
}
