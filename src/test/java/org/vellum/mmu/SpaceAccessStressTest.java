package org.vellum.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;

/**
 * Readers without sections, while frames and leaves are taken away and become something else at once: a frame is filled with poison, a leaf
 * with words that look like entries of a poisoned frame. No reader ever sees poison, nor the page of another. And writers, each store in a section
 * of its own or in a longer one, while their pages are protected and taken away: after the grace period nothing is stored any more.
 */
@Tag("stress")
final class SpaceAccessStressTest {
    private static final int PAGES = 3 * SpaceTable.LEAF_PAGES;
    private static final int MAPPERS = 3;
    private static final long POISON = -1;
    private static final long ALLOWED = SpaceEntry.READABLE | SpaceEntry.ACCESSED;
    private static final long STORES = ALLOWED | SpaceEntry.WRITABLE;

    /** What a reader's fault throws: it does not resolve any. */
    private static final RuntimeException FAULT = new IllegalStateException("not mapped");

    private final SpaceWorld world = new SpaceWorld(PAGES, 4);
    private final SpaceTable table = world.table;
    private final AtomicLong seen = new AtomicLong();
    private final AtomicLong faults = new AtomicLong();
    private final AtomicLong leaves = new AtomicLong();
    private final AtomicLong reuses = new AtomicLong();
    private final StressClock clock =
        new StressClock(1000, () -> seen.get() > 10_000 && faults.get() > 1000 && leaves.get() > 100 && reuses.get() > 1000);

    private final long poisoned = world.newFrame(POISON);

    /** Maps a few pages of a leaf of its own, lets them be read, and takes them away; the frames come back at the next page. */
    private void map(final int mapper) {
        final long first = (long)mapper * SpaceTable.LEAF_PAGES;
        final long leaf = world.newFrame(0);
        final long[] own = {world.newFrame(0), world.newFrame(0)};
        world.attach(first, leaf);
        for (int round = 0; round < 8; round++) {
            for (int i = 0; i < own.length; i++) {
                final long page = first + (round + i & 1);
                world.fill(own[i], page + 1);
                world.set(page, world.present(own[i], ALLOWED));
            }
            Thread.onSpinWait();
            for (int i = 0; i < own.length; i++) {
                world.replace(first + i, SpaceEntry.NONE);
            }
            // Nobody is in a section, so the grace period has passed at once: the readers are on their own.
            world.epochs.synchronize();
            world.fill(own[0], POISON);
            world.fill(own[1], POISON);
            reuses.incrementAndGet();
        }
        assertEquals(leaf, world.detach(first));
        world.epochs.synchronize();
        world.fill(leaf, SpaceEntry.marked(world.present(poisoned, ALLOWED), 0));
        leaves.incrementAndGet();
        world.free(leaf);
        world.free(own[0]);
        world.free(own[1]);
    }

    private void read(final SpaceAccess reads) {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        final long page = (long)random.nextInt(MAPPERS) * SpaceTable.LEAF_PAGES + random.nextInt(2);
        try {
            assertEquals(page + 1, reads.getLong((page << 12) + 8L * random.nextInt(512)));
            seen.incrementAndGet();
        } catch (final IllegalStateException e) {
            faults.incrementAndGet();
        }
    }

    @Test
    void noReaderSeesWhatAFrameBecomes() throws Exception {
        SmallMemory.inThreads(MAPPERS + 3, thread -> {
            final SpaceAccess reads = new SpaceAccess(table, (page, write) -> {
                throw FAULT;
            }, world.cpus);
            try {
                while (clock.running()) {
                    if (thread < MAPPERS) {
                        map(thread);
                    } else {
                        read(reads);
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "seen=" + seen + " faults=" + faults + " leaves=" + leaves + " reuses=" + reuses);
        assertEquals(0, table.verify(world.frames.table()));
        assertEquals(0, table.attachedLeaves());
        world.free(poisoned);
        assertEquals(0, world.frames.allocatedFrames());
        assertEquals(PhysicalMemory.NO_FRAME, world.detach(0));
    }

    /** Maps a page for stores, protects it, takes it away, and looks whether anybody stores to what is its own by then. */
    private void mapForStores(final int mapper, final long frame) {
        final long page = (long)mapper * SpaceTable.LEAF_PAGES;
        world.fill(frame, 0);
        world.set(page, world.present(frame, STORES));
        final long last = leaves.get() + 2;
        for (int i = 0; i < 1000 && leaves.get() < last; i++) {
            Thread.onSpinWait();
        }
        if (reuses.get() % 2 == 0) {
            world.replace(page, world.present(frame, ALLOWED));
            world.epochs.synchronize();
            assertUnchanged(frame);
        }
        world.replace(page, SpaceEntry.NONE);
        world.epochs.synchronize();
        world.fill(frame, POISON);
        assertUnchanged(frame);
        reuses.incrementAndGet();
    }

    private void assertUnchanged(final long frame) {
        final long address = world.frames.memory().nativeAddress(frame);
        final long[] before = new long[SpaceTable.LEAF_PAGES];
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < before.length; i++) {
                final long now = UnsafeApi.getLongOpaque(null, address + 8L * i);
                assertEquals(round == 0 ? now : before[i], now, "a store after the grace period");
                before[i] = now;
            }
        }
    }

    private void store(final SpaceAccess stores, final Cpu section) {
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        final long address = ((long)random.nextInt(MAPPERS) * SpaceTable.LEAF_PAGES << 12) + 8L * random.nextInt(512);
        try {
            switch (random.nextInt(3)) {
                case 0 -> stores.putLong(section, address, random.nextLong() >>> 1);
                case 1 -> stores.getAndAddLong(section, address, 1);
                default -> stores.setMemory(address, 8, (byte)5);
            }
            seen.incrementAndGet();
            leaves.incrementAndGet();
        } catch (final IllegalStateException e) {
            faults.incrementAndGet();
        }
    }

    @Test
    void noStoreLandsInWhatAFrameBecomes() throws Exception {
        final long[] all = new long[2 * MAPPERS];
        for (int i = 0; i < all.length; i++) {
            all[i] = world.newFrame(0);
        }
        for (int i = 0; i < MAPPERS; i++) {
            world.attach((long)i * SpaceTable.LEAF_PAGES, all[MAPPERS + i]);
        }
        SmallMemory.inThreads(MAPPERS + 3, thread -> {
            final SpaceAccess stores = new SpaceAccess(table, (page, write) -> {
                throw FAULT;
            }, world.cpus);
            try {
                while (clock.running()) {
                    if (thread < MAPPERS) {
                        mapForStores(thread, all[thread]);
                    } else if (thread == MAPPERS) {
                        store(stores, null);
                    } else {
                        try (Cpu section = world.cpus.enter()) {
                            for (int i = 0; i < 4; i++) {
                                store(stores, section);
                            }
                        }
                    }
                }
            } finally {
                clock.stop();
            }
        });
        clock.assertCovered(() -> "stores=" + seen + " faults=" + faults + " reuses=" + reuses);
        for (int i = 0; i < MAPPERS; i++) {
            assertEquals(all[MAPPERS + i], world.detach((long)i * SpaceTable.LEAF_PAGES));
        }
        assertEquals(0, table.verify(world.frames.table()));
        world.cpus.verifyQuiet();
    }
}
