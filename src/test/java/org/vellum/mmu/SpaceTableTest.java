package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.mmu.SpaceEntry.ACCESSED;
import static org.vellum.mmu.SpaceEntry.DIRTY;
import static org.vellum.mmu.SpaceEntry.EXCLUSIVE;
import static org.vellum.mmu.SpaceEntry.NONE;
import static org.vellum.mmu.SpaceEntry.READABLE;
import static org.vellum.mmu.SpaceEntry.SPECIAL;
import static org.vellum.mmu.SpaceEntry.WRITABLE;
import static org.vellum.mmu.SpaceEntry.ZERO;

import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.vellum.frame.PhysicalMemory;

class SpaceTableTest {
    private static final long PAGES = 1200;

    private final SpaceWorld world = new SpaceWorld(PAGES, 2, hashed());
    private final SpaceTable table = world.table;

    /** Whether translations are kept in a hash, too. Asked while this object is made. */
    boolean hashed() {
        return false;
    }

    @Test
    void anEmptyTableMapsNothing() {
        assertEquals(3, table.leaves());
        assertEquals(PAGES, table.pages());
        assertEquals(NONE, table.get(0));
        assertEquals(NONE, table.get(PAGES - 1));
        assertFalse(table.hasLeafFor(0));
        assertEquals(NONE, world.replace(5, NONE));
        assertEquals(PhysicalMemory.NO_FRAME, world.detach(5));
        assertFalse(world.mark(5, SpaceEntry.PRESENT, ACCESSED));
        assertEquals(0, table.attachedLeaves());
        assertEquals(0, table.verify(world.frames.table()));
        assertEquals(1, SpaceTable.leafOf(512));
    }

    @Test
    void anEntryIsSetOnceAndCleared() {
        final long leaf = world.newFrame(0);
        final long frame = world.newFrame(7);
        world.attach(600, leaf);
        assertTrue(table.hasLeafFor(512) && table.hasLeafFor(1023) && !table.hasLeafFor(511) && !table.hasLeafFor(1024));
        assertTrue(world.set(600, world.present(frame, READABLE | EXCLUSIVE)));
        assertFalse(world.set(600, world.present(leaf, READABLE)), "the first to fault has installed its frame");
        final long entry = table.get(600);
        assertTrue(SpaceEntry.isPresent(entry) && SpaceEntry.isCounted(entry) && !SpaceEntry.isNone(entry));
        assertTrue(SpaceEntry.has(entry, READABLE | EXCLUSIVE) && !SpaceEntry.has(entry, WRITABLE));
        assertEquals(world.frames.memory().nativeAddress(frame), SpaceEntry.nativePage(entry));
        assertEquals(1, table.used(600));
        assertEquals(1, table.verify(world.frames.table()));
        assertEquals(PhysicalMemory.NO_FRAME, world.detach(600), "in use");
        assertEquals(entry, world.replace(600, NONE));
        assertEquals(NONE, SpaceEntry.state(table.get(600)));
        assertEquals(leaf, world.detach(600));
        assertFalse(table.hasLeafFor(600));
        assertEquals(PhysicalMemory.NO_FRAME, world.detach(600));
        world.free(leaf);
        world.free(frame);
        assertEquals(0, world.frames.allocatedFrames());
    }

    @Test
    void eachChangeHasANewVersion() {
        final long leaf = world.newFrame(0);
        final long frame = world.newFrame(7);
        world.attach(3, leaf);
        long last = table.get(3);
        for (int i = 0; i < 70_000; i++) {
            assertTrue(world.set(3, world.present(frame, READABLE)));
            final long set = table.get(3);
            assertEquals(SpaceEntry.version(last) + 1 & 0x7FFF, SpaceEntry.version(set));
            assertTrue(world.mark(3, set, ACCESSED));
            assertEquals(SpaceEntry.version(set), SpaceEntry.version(table.get(3)), "an access is no change");
            assertTrue(SpaceEntry.isSame(set, table.get(3)));
            world.replace(3, world.present(frame, READABLE | WRITABLE));
            assertFalse(SpaceEntry.isSame(set, table.get(3)));
            world.replace(3, NONE);
            last = table.get(3);
            assertEquals(SpaceEntry.version(set) + 2 & 0x7FFF, SpaceEntry.version(last));
        }
        final long before = table.directoryWord(3);
        assertEquals(leaf, world.detach(3));
        final long without = table.directoryWord(3);
        world.attach(3, leaf);
        assertNotEquals(before, table.directoryWord(3), "the same frame, and yet another leaf");
        assertNotEquals(without, table.directoryWord(3));
    }

    @Test
    void marksNeverUndoAChange() {
        world.attach(3, world.newFrame(0));
        final long frame = world.newFrame(7);
        world.set(3, world.present(frame, READABLE | WRITABLE));
        final long seen = table.get(3);
        assertTrue(world.mark(3, seen, ACCESSED | DIRTY));
        assertFalse(world.mark(3, seen, ACCESSED), "to be looked at again");
        final long old = world.replace(3, world.present(frame, READABLE));
        assertTrue(SpaceEntry.has(old, ACCESSED | DIRTY), "who replaces learns of the last store");
        assertFalse(world.mark(3, old, DIRTY));
        assertFalse(SpaceEntry.has(table.get(3), DIRTY));
        final long readOnly = table.get(3);
        world.replace(3, NONE);
        assertFalse(world.mark(3, readOnly, ACCESSED));
    }

    @Test
    void specialAndZeroEntriesHoldNoReference() {
        world.attach(1030, world.newFrame(0));
        final long frame = world.newFrame(0);
        world.set(1030, world.present(frame, READABLE | SPECIAL));
        world.set(1031, world.present(frame, READABLE | SPECIAL | ZERO));
        world.set(1032, SpaceEntry.swapped(77));
        assertFalse(SpaceEntry.isCounted(table.get(1030)));
        assertFalse(SpaceEntry.isCounted(table.get(1031)));
        assertFalse(SpaceEntry.isCounted(table.get(1032)) || SpaceEntry.isPresent(table.get(1032)) || SpaceEntry.isNone(table.get(1032)));
        assertEquals(77, SpaceEntry.swapSlot(table.get(1032)));
        assertEquals(3, table.used(1030));
        assertEquals(0, table.verify(world.frames.table()));
        assertThrows(AssertionError.class, () -> world.present(frame, ZERO | SPECIAL | WRITABLE));
        assertThrows(AssertionError.class, () -> world.present(frame, ZERO));
        assertThrows(AssertionError.class, () -> SpaceEntry.present(17, READABLE));
        assertThrows(AssertionError.class, () -> SpaceEntry.swapped(1L << 36));
    }

    @Test
    void changesWithoutTheLockAreCaught() {
        final long frame = world.newFrame(0);
        assertThrows(AssertionError.class, () -> table.attach(3, frame));
        world.attach(3, frame);
        assertThrows(AssertionError.class, () -> table.setIfNone(3, world.present(frame, READABLE)));
        assertThrows(AssertionError.class, () -> table.replaceNoFlush(3, NONE));
        assertThrows(AssertionError.class, () -> table.detachUnusedNoFlush(3));
        assertThrows(IllegalArgumentException.class, () -> new SpaceTable(world.cpus, world.frames.memory(), 0, 2));
        assertThrows(IllegalArgumentException.class, () -> new SpaceTable(world.cpus, world.frames.memory(), 1L << 36, 2));
    }

    @Test
    void theVerifierSeesWhatIsWrong() {
        final long leaf = world.newFrame(0);
        final long frame = world.newFrame(0);
        world.attach(3, leaf);
        world.set(3, world.present(frame, READABLE));
        world.free(frame);
        assertTrue(assertThrows(AssertionError.class, () -> table.verify(world.frames.table())).getMessage().startsWith("page=3"));
        world.replace(3, NONE);
        table.verify(world.frames.table());
        UnsafeApi.putLong(world.frames.memory().nativeAddress(leaf) + 8, SpaceEntry.swapped(1));
        assertTrue(assertThrows(AssertionError.class, () -> table.verify(world.frames.table())).getMessage().contains("another number"));
    }
}
