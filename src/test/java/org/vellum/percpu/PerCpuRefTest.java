package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vellum.cpu.Cpu;

/** A reference count by one thread that plays all slots. */
@Timeout(120)
class PerCpuRefTest {
    private final AtomicInteger releases = new AtomicInteger();

    private PerCpuRef open(final CopyWorld world) {
        return new PerCpuRef(world, releases::incrementAndGet);
    }

    @ParameterizedTest
    @EnumSource
    void lastPutAfterTheKillReleases(final CopyWorld.Kind kind) {
        final CopyWorld world = new CopyWorld(kind);
        final PerCpuRef ref = open(world);
        ref.get();
        ref.get(world.cpu(1));
        assertTrue(ref.tryGet());
        assertTrue(ref.tryGetLive(world.cpu(2)));
        assertFalse(ref.isDead());
        assertTrue(ref.kill());
        assertTrue(ref.isDead());
        assertFalse(ref.kill(), "again");
        assertFalse(ref.tryGetLive());
        assertFalse(ref.tryGetLive(world.cpu(3)));
        // All on one copy, whose references they are not.
        for (int left = 4; left > 0; left--) {
            assertEquals(0, releases.get(), "left=" + left);
            assertFalse(ref.isReleased());
            ref.put(world.cpu(3));
        }
        assertEquals(1, releases.get());
        assertTrue(ref.isReleased());
        assertFalse(ref.tryGet());
        assertFalse(ref.tryGet(world.cpu(1)));
        ref.close();
        ref.close();
        assertEquals(1, world.freed.size());
        assertEquals(1, releases.get());
    }

    @ParameterizedTest
    @EnumSource
    void killReleasesWhatNobodyHolds(final CopyWorld.Kind kind) {
        final CopyWorld world = new CopyWorld(kind);
        final PerCpuRef ref = open(world);
        ref.get(world.cpu(0));
        ref.put(world.cpu(2));
        assertEquals(0, releases.get());
        assertTrue(ref.kill());
        assertEquals(1, releases.get());
    }

    @Test
    void referencesMayBeTakenAfterTheKillAsLongAsThereAreAny() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final PerCpuRef ref = open(world);
        ref.get();
        ref.kill();
        assertTrue(ref.tryGet());
        ref.get();
        ref.put();
        ref.put();
        assertEquals(0, releases.get());
        ref.put();
        assertEquals(1, releases.get());
        assertThrows(IllegalStateException.class, ref::get);
        assertThrows(IllegalStateException.class, ref::put);
        assertThrows(IllegalStateException.class, ref::put);
        assertFalse(ref.tryGet());
        assertTrue(ref.isReleased());
        assertEquals(1, releases.get(), "whoever was wrong changed nothing");
    }

    @Test
    void moreDroppedThanTakenShowsAtTheKill() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final PerCpuRef ref = open(world);
        ref.put();
        final IllegalStateException e = assertThrows(IllegalStateException.class, ref::kill);
        assertTrue(e.getMessage().contains("references=-1"), e.getMessage());
        assertEquals(0, releases.get());
        assertThrows(IllegalStateException.class, ref::put);
        assertFalse(ref.tryGet());
        assertThrows(IllegalStateException.class, ref::close);
    }

    @Test
    void closeWantsItReleased() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final PerCpuRef ref = open(world);
        ref.get();
        assertThrows(IllegalStateException.class, ref::close);
        ref.kill();
        final IllegalStateException e = assertThrows(IllegalStateException.class, ref::close);
        assertTrue(e.getMessage().contains("references=1"), e.getMessage());
        assertEquals(0, world.freed.size());
        ref.put();
        ref.close();
        assertEquals(1, world.freed.size());
        final List<Runnable> uses = List.of(ref::get, ref::put, ref::tryGet, ref::tryGetLive);
        uses.forEach(use -> assertThrows(IllegalStateException.class, use::run));
    }

    @Test
    void whatTheCallbackThrowsReachesWhoDroppedTheLast() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.EVEN);
        final RuntimeException thrown = new RuntimeException("told");
        final PerCpuRef ref = new PerCpuRef(world, () -> {
            releases.incrementAndGet();
            throw thrown;
        });
        ref.get();
        ref.kill();
        assertSame(thrown, assertThrows(RuntimeException.class, ref::put));
        assertEquals(1, releases.get());
        assertTrue(ref.isReleased());
        ref.close();
    }

    /** The callback may use what it was told of. */
    @Test
    void callbackMayCloseIt() {
        final CopyWorld world = new CopyWorld(CopyWorld.Kind.MAPPED);
        final PerCpuRef[] ref = new PerCpuRef[1];
        ref[0] = new PerCpuRef(world, () -> ref[0].close());
        ref[0].kill();
        assertEquals(1, world.freed.size());
    }

    /** Random steps on random slots against one number; the kill somewhere among them. */
    @ParameterizedTest
    @EnumSource
    void againstOneNumber(final CopyWorld.Kind kind) {
        final long seed = System.nanoTime();
        System.out.println("PerCpuRefTest.againstOneNumber seed=" + seed);
        final SplittableRandom random = new SplittableRandom(seed);
        final CopyWorld world = new CopyWorld(kind);
        int refusals = 0;
        for (int run = 0; run < 300; run++) {
            final PerCpuRef ref = open(world);
            refusals += play(ref, world, random);
            assertTrue(ref.isReleased());
            assertEquals(run + 1, releases.get());
        }
        assertTrue(refusals > 0);
    }

    private int play(final PerCpuRef ref, final CopyWorld world, final SplittableRandom random) {
        final int before = releases.get();
        int references = 1;
        int refusals = 0;
        boolean dead = false;
        for (int step = 0; references > 0; step++) {
            final Cpu cpu = world.cpu(random.nextInt(world.cpus.maxSlots()));
            final int held = references - (dead ? 0 : 1);
            // More and more puts, so that it ends.
            switch (random.nextInt(8 + step / 40)) {
                case 0, 1, 2 -> {
                    ref.get(cpu);
                    references++;
                }
                case 3 -> {
                    assertTrue(ref.tryGet(cpu));
                    references++;
                }
                case 4 -> {
                    assertEquals(!dead, ref.tryGetLive(cpu));
                    references += dead ? 0 : 1;
                    refusals += dead ? 1 : 0;
                }
                case 5 -> {
                    if (random.nextInt(20) == 0) {
                        assertEquals(!dead, ref.kill());
                        references -= dead ? 0 : 1;
                        dead = true;
                    }
                }
                default -> {
                    if (held > 0) {
                        ref.put(cpu);
                        references--;
                    }
                }
            }
            assertEquals(references == 0 ? before + 1 : before, releases.get(), "references=" + references);
            assertEquals(dead, ref.isDead());
        }
        return refusals;
    }
}
