package org.vellum.gather;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.cpu.SpinLock;
import org.vellum.mmu.HashedTable;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceTable;

/** G12, RG11: two translations of one address never exist. */
@Timeout(60)
final class AddressBatchTest {
    private final GatherWorld world = new GatherWorld(2048, 2048, 1L << 30, 64, true);
    private final HashedTable hash = world.hash;
    private final SpaceTable table = world.table;
    private final AddressBatches batches = world.batches;

    @AfterEach
    void nothingIsLeft() {
        // A test that has failed in between would keep the others waiting.
        assertFalse(table.lockOf(0).isHeld() || table.lockOf(512).isHeld());
        world.unmap(GatherMode.WAIT, 0, 2048, true);
        assertEquals(0, hash.verify(table));
        world.requireNothingLeft();
        world.requireFramesInUse(0);
    }

    private SpinLock lock(final long page) {
        final SpinLock lock = table.lockOf(page);
        lock.lock();
        return lock;
    }

    private boolean hasCopy(final long page) {
        return SpaceEntry.isPresent(hash.lookup(page));
    }

    private void clear(final long page) {
        world.drop(world.frames.memory().frameOf(SpaceEntry.nativePage(table.replaceNoFlush(page, SpaceEntry.NONE))));
    }

    private long newState() {
        return SpaceEntry.present(world.frames.memory().nativeAddress(world.frame()), GatherWorld.ALLOWED);
    }

    /** In another thread, which needs no lock for it. */
    private void look(final long page) {
        try {
            SmallMemory.inThread(() -> {
                world.look(page);
                return null;
            });
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void copiesGoAtOnceOutsideLazyMode() {
        world.mapNew(7, 9);
        assertTrue(hasCopy(7) && hasCopy(8));
        final SpinLock lock = lock(7);
        clear(7);
        assertFalse(hasCopy(7));
        lock.unlock();
        assertTrue(hasCopy(8));
    }

    @Test
    void copiesGoWithTheEndOfLazyMode() {
        world.mapNew(7, 10);
        final SpinLock lock = lock(7);
        table.lazyEnter(7);
        clear(7);
        clear(9);
        assertTrue(hasCopy(7) && hasCopy(9), "put off");
        look(7);
        hash.verifyNoDuplicates();
        table.lazyExit(7);
        assertFalse(hasCopy(7) || hasCopy(9));
        assertTrue(hasCopy(8));
        lock.unlock();
    }

    /** The holder stores a new entry where it has cleared one; somebody without any lock finds it, and enters it. */
    @Test
    void rg11ANewEntryFlushesFirst() {
        world.mapNew(7, 9);
        final SpinLock lock = lock(7);
        table.lazyEnter(7);
        clear(7);
        clear(8);
        assertTrue(hasCopy(7));
        assertTrue(table.setIfNone(7, newState()));
        assertFalse(hasCopy(7) || hasCopy(8), "the whole batch");
        assertEquals(1, batches.earlyFlushes());
        look(7);
        assertEquals(1, hash.verifyNoDuplicates());
        assertTrue(SpaceEntry.isSame(table.get(7), hash.lookup(7)));
        assertTrue(table.setIfNone(8, newState()));
        assertEquals(1, batches.earlyFlushes(), "not in the batch any more");
        table.lazyExit(7);
        lock.unlock();
        assertTrue(SpaceEntry.isSame(table.get(7), hash.lookup(7)), "what is taken out is the old entry");
        look(8);
        assertEquals(2, hash.verify(table));
    }

    /** An entry that is exchanged for another is so while nobody can enter anything. */
    @Test
    void anExchangeLeavesNoCopyOfTheOldEntry() {
        world.mapNew(7, 8);
        final SpinLock lock = lock(7);
        table.lazyEnter(7);
        final long old = table.get(7);
        table.replaceNoFlush(7, SpaceEntry.present(SpaceEntry.nativePage(old), SpaceEntry.READABLE));
        assertFalse(hasCopy(7));
        look(7);
        assertFalse(SpaceEntry.has(hash.lookup(7), SpaceEntry.WRITABLE));
        table.lazyExit(7);
        lock.unlock();
        assertEquals(1, hash.verify(table));
    }

    /** Before the page-table lock is let go, and so before the gather flushes, too. */
    @Test
    void aSliceLeavesNoCopies() {
        world.mapNew(0, 512);
        try (MmuGather gather = world.begin(GatherMode.WAIT)) {
            world.unmapper.slice(gather, 0, 512, false, ClearedEntries.ANY);
            assertEquals(512, gather.gathered());
            assertEquals(0, hash.verifyNoDuplicates());
            assertEquals(512 / AddressBatch.CAPACITY, batches.fullFlushes());
        }
    }

    /** RG12: between the clear and the free an accessor walks, and would fill the hash again. */
    @Test
    void rg12NobodyEntersWhatIsCleared() {
        world.mapNew(0, 4);
        try (MmuGather gather = world.begin(GatherMode.WAIT)) {
            world.unmapper.slice(gather, 0, 4, false, ClearedEntries.ANY);
            for (int page = 0; page < 4; page++) {
                look(page);
            }
            assertEquals(4, gather.gathered(), "not free yet");
            assertEquals(0, hash.verifyNoDuplicates());
        }
        look(1);
        assertEquals(0, hash.verifyNoDuplicates());
    }

    @Test
    void theBatchIsEmptyOutsideLazyMode() {
        world.mapNew(0, 4);
        final SpinLock lock = lock(0);
        assertThrows(AssertionError.class, () -> table.lazyExit(0));
        table.lazyEnter(0);
        assertThrows(AssertionError.class, () -> table.lazyEnter(0));
        clear(1);
        table.lazyExit(0);
        table.lazyEnter(0);
        table.lazyExit(0);
        lock.unlock();
        assertThrows(AssertionError.class, () -> table.lazyEnter(0), "only under the lock");
        assertThrows(AssertionError.class, () -> table.lazyExit(0));
    }

    @Test
    void locksAndBatchesAreOneEach() {
        assertThrows(IllegalArgumentException.class, () -> new SpaceTable(world.cpus, world.frames.memory(), 512, 8, batches));
        assertThrows(IllegalArgumentException.class, () -> new AddressBatches(hash, 3));
        world.mapNew(3, 4);
        world.mapNew(512 + 3, 512 + 4);
        final SpinLock first = lock(3);
        table.lazyEnter(3);
        clear(3);
        first.unlock();
        final SpinLock second = lock(515);
        clear(515);
        assertFalse(hasCopy(515), "the other lock's batch is not active");
        second.unlock();
        assertTrue(hasCopy(3));
        final SpinLock again = lock(3);
        table.lazyExit(3);
        again.unlock();
    }
}
