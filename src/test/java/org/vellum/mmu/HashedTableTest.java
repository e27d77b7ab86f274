package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.mmu.SpaceEntry.ACCESSED;
import static org.vellum.mmu.SpaceEntry.DIRTY;
import static org.vellum.mmu.SpaceEntry.NONE;
import static org.vellum.mmu.SpaceEntry.READABLE;
import static org.vellum.mmu.SpaceEntry.WRITABLE;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;

@Timeout(120)
final class HashedTableTest {
    private final SpaceWorld world = new SpaceWorld(1024, 2, true);
    private final HashedTable hash = world.hash;
    private final HashedWalk walk = new HashedWalk(world.table, hash);

    private void map(final int pages) {
        world.attach(0, world.newFrame(0));
        final long frame = world.newFrame(42);
        for (int page = 0; page < pages; page++) {
            world.set(page, world.present(frame, READABLE | WRITABLE));
        }
    }

    private long walk(final long page) {
        final Cpu cpu = world.cpus.enter();
        try {
            return walk.get(page, SpaceEntry.PRESENT);
        } finally {
            cpu.exit();
        }
    }

    @Test
    void whatIsFoundInTheTableIsKept() {
        map(2);
        assertEquals(world.table.get(0), hash.lookup(0));
        assertEquals(world.table.get(1), hash.lookup(1));
        assertEquals(NONE, hash.lookup(2));
        assertEquals(NONE, walk(2));
        assertEquals(NONE, hash.lookup(2), "there is nothing to keep");
        world.replace(0, NONE);
        assertEquals(NONE, hash.lookup(0));
        assertEquals(1, hash.verify(world.table));
        assertThrows(IllegalArgumentException.class, () -> new HashedTable(3));
        assertThrows(IllegalArgumentException.class, () -> new HashedTable(1));
    }

    /** More pages than slots: some are forgotten, none is wrong, and each is found by a walk. */
    @Test
    void itForgetsWhatItHasNoRoomFor() {
        map(500);
        assertEquals(16 * HashedTable.SLOTS, hash.verify(world.table));
        for (int page = 0; page < 500; page++) {
            assertEquals(world.table.get(page), walk(page));
            assertEquals(world.table.get(page), hash.lookup(page), "the last that came");
        }
        assertEquals(16 * HashedTable.SLOTS, hash.verify(world.table));
    }

    @Test
    void accessesNotedSinceComeWithTheNextWalk() {
        map(1);
        assertTrue(world.mark(0, world.table.get(0), ACCESSED | DIRTY));
        assertFalse(SpaceEntry.has(hash.lookup(0), DIRTY));
        final Cpu cpu = world.cpus.enter();
        assertFalse(SpaceEntry.has(walk.get(0, SpaceEntry.READABLE), DIRTY), "a copy that will do");
        assertTrue(SpaceEntry.has(walk.get(0, SpaceEntry.WRITE_CHECK), DIRTY), "or the access would fault for ever");
        assertTrue(SpaceEntry.has(world.table.get(0, SpaceEntry.WRITE_CHECK), DIRTY));
        cpu.exit();
        assertTrue(SpaceEntry.has(hash.lookup(0), ACCESSED | DIRTY));
        assertEquals(1, hash.verify(world.table));
    }

    /** What the rule of {@link EntryCopies} is there for: the hash itself enters what it is told to. */
    @Test
    void theVerifierSeesTwoTranslations() {
        map(3);
        final SpaceWorld other = new SpaceWorld(1024, 2);
        other.attach(0, other.newFrame(0));
        other.set(2, other.present(other.newFrame(0), READABLE));
        final Cpu cpu = other.cpus.enter();
        hash.enter(other.table, 2);
        cpu.exit();
        assertTrue(assertThrows(AssertionError.class, hash::verifyNoDuplicates).getMessage().contains("page=2"));
        assertEquals(2, hash.copiesOf(2));
        assertEquals(1, hash.copiesOf(1));
        hash.forget(2, other.table.get(2));
        assertEquals(3, hash.verify(world.table));
        hash.forget(2, world.table.get(2));
        assertEquals(2, hash.verify(world.table), "that one, not the other");
        hash.forget(2, world.table.get(2));
    }

    @Test
    void aReadOutsideSectionsFindsOut() {
        map(1);
        world.mark(0, world.table.get(0), ACCESSED);
        world.look(0);
        assertEquals(42, HashedReads.getLong(hash, 8));
        final long sequence = hash.sequence(0);
        assertTrue(hash.isUnchanged(0, sequence));
        hash.forget(0, NONE);
        assertFalse(hash.isUnchanged(0, sequence), "whether there was a copy or not");
        assertFalse(hash.isUnchanged(0, sequence + 1), "somebody is changing the group");
        assertEquals(42, HashedReads.getLong(hash, 8));
        world.replace(0, NONE);
        assertEquals(HashedReads.MISS, HashedReads.getLong(hash, 8));
    }

    @Test
    void lookingUpAndEnteringMakesNoGarbage() {
        map(300);
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        walkAll(30_000);
        final long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        walkAll(30_000);
        final long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(bytes < 30_000, "bytes=" + bytes);
    }

    private void walkAll(final int times) {
        for (int i = 0; i < times; i++) {
            assertTrue(SpaceEntry.isPresent(walk(i % 300)));
        }
    }

    /** Readers with and without sections, while pages are taken away and their frames filled with poison at once. */
    @Test
    @Tag("stress")
    void noReaderSeesWhatAFrameBecomes() throws Exception {
        final AtomicLong seen = new AtomicLong();
        final AtomicLong inSection = new AtomicLong();
        final AtomicLong misses = new AtomicLong();
        final AtomicLong reuses = new AtomicLong();
        final StressClock clock =
            new StressClock(1000, () -> seen.get() > 10_000 && inSection.get() > 1000 && misses.get() > 1000 && reuses.get() > 500);
        world.attach(0, world.newFrame(0));
        world.attach(512, world.newFrame(0));
        SmallMemory.inThreads(6, thread -> {
            try {
                final long own = thread < 2 ? world.newFrame(0) : 0;
                while (clock.running()) {
                    final long page = (ThreadLocalRandom.current().nextInt(2) << 9) + ThreadLocalRandom.current().nextInt(4);
                    if (thread < 2) {
                        reuse((long)thread << 9, own);
                        reuses.incrementAndGet();
                    } else if (thread < 4) {
                        final long value = HashedReads.getLong(hash, page << 12);
                        assertTrue(value == HashedReads.MISS || value == page + 1, "value=" + value);
                        (value == HashedReads.MISS ? misses : seen).incrementAndGet();
                    } else {
                        inSection.addAndGet(lookInSection(page));
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "seen=" + seen + " inSection=" + inSection + " misses=" + misses + " reuses=" + reuses);
        hash.verify(world.table);
    }

    private void reuse(final long first, final long own) {
        final long page = first + ThreadLocalRandom.current().nextInt(4);
        world.fill(own, page + 1);
        world.set(page, world.present(own, READABLE | ACCESSED));
        world.set(page, world.present(own, READABLE | ACCESSED));
        Thread.yield();
        world.replace(page, NONE);
        world.epochs.synchronize();
        world.fill(own, -1);
    }

    private int lookInSection(final long page) {
        final Cpu cpu = world.cpus.enter();
        try {
            final long entry = walk.get(page, SpaceEntry.PRESENT);
            if (!SpaceEntry.isPresent(entry)) {
                return 0;
            }
            for (int i = 0; i < 50; i++) {
                assertEquals(page + 1, UnsafeApi.getLongOpaque(null, SpaceEntry.nativePage(entry) + 8L * i));
            }
            return 1;
        } finally {
            cpu.exit();
        }
    }
}
