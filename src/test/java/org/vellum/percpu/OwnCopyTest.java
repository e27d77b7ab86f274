package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/** Each operation changes one copy and nothing else, wherever the chunk is. */
@Timeout(120)
class OwnCopyTest {
    private static final long BIG = 0x1234_5678_9ABC_DEFFL;

    private CopyWorld world;
    private OwnCopy copies;
    private int own;

    private void open(final CopyWorld.Kind kind) {
        world = new CopyWorld(kind);
        copies = world.access();
        own = copies.slotOf(null);
    }

    /** What all copies hold if one of them has this, and all others nothing. */
    private static <T> List<T> only(final int slot, final T value, final T zero) {
        final List<T> values = new ArrayList<>(Collections.nCopies(CopyWorld.SLOTS, zero));
        values.set(slot, value);
        return values;
    }

    private void assertLongs(final long pointer, final int slot, final long value) {
        assertEquals(only(slot, value, 0L), world.longs(pointer));
        assertEquals(0, copies.sumLong(pointer - 8));
        assertEquals(0, copies.sumLong(pointer + 8));
    }

    private void assertInts(final long pointer, final int slot, final int value) {
        assertEquals(only(slot, value, 0), world.ints(pointer));
        assertEquals(0, copies.sumInt(pointer - 4));
        assertEquals(0, copies.sumInt(pointer + 4));
    }

    @ParameterizedTest
    @EnumSource
    void longsOfTheOwnCopy(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(24, 8) + 8;
        copies.addLong(p, BIG);
        assertLongs(p, own, BIG);
        assertEquals(BIG - 1, copies.addReturnLong(p, -1));
        assertLongs(p, own, BIG - 1);
        assertEquals(BIG - 1, copies.exchangeLong(p, -5));
        assertLongs(p, own, -5);
        assertEquals(-5, copies.compareExchangeLong(p, -6, 1));
        assertLongs(p, own, -5);
        assertEquals(-5, copies.compareExchangeLong(p, -5, BIG));
        assertLongs(p, own, BIG);
    }

    @ParameterizedTest
    @EnumSource
    void intsOfTheOwnCopy(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(12, 4) + 4;
        copies.addInt(p, 0x7ABC_DEFF);
        assertInts(p, own, 0x7ABC_DEFF);
        assertEquals(0x7ABC_DEFE, copies.addReturnInt(p, -1));
        assertInts(p, own, 0x7ABC_DEFE);
        assertEquals(0x7ABC_DEFE, copies.exchangeInt(p, -5));
        assertInts(p, own, -5);
        assertEquals(-5, copies.compareExchangeInt(p, -6, 1));
        assertInts(p, own, -5);
        assertEquals(-5, copies.compareExchangeInt(p, -5, 3));
        assertInts(p, own, 3);
    }

    /** The caller occupies none of them. */
    @ParameterizedTest
    @EnumSource
    void longsOfAnySlot(final CopyWorld.Kind kind) {
        open(kind);
        for (int slot = 0; slot < CopyWorld.SLOTS; slot++) {
            final Cpu cpu = world.cpu(slot);
            final long p = world.allocate(24, 8) + 8;
            copies.addLong(cpu, p, BIG);
            assertLongs(p, slot, BIG);
            assertEquals(BIG + 1, copies.addReturnLong(cpu, p, 1));
            assertEquals(BIG + 1, copies.exchangeLong(cpu, p, 7));
            assertEquals(7, copies.compareExchangeLong(cpu, p, 8, 9));
            assertLongs(p, slot, 7);
            assertEquals(7, copies.compareExchangeLong(cpu, p, 7, -9));
            assertLongs(p, slot, -9);
        }
        assertFalse(world.cpus.inSection());
    }

    @ParameterizedTest
    @EnumSource
    void intsOfAnySlot(final CopyWorld.Kind kind) {
        open(kind);
        for (int slot = 0; slot < CopyWorld.SLOTS; slot++) {
            final Cpu cpu = world.cpu(slot);
            final long p = world.allocate(12, 4) + 4;
            copies.addInt(cpu, p, -1);
            assertInts(p, slot, -1);
            assertEquals(1, copies.addReturnInt(cpu, p, 2));
            assertEquals(1, copies.exchangeInt(cpu, p, 7));
            assertEquals(7, copies.compareExchangeInt(cpu, p, 8, 9));
            assertInts(p, slot, 7);
            assertEquals(7, copies.compareExchangeInt(cpu, p, 7, -9));
            assertInts(p, slot, -9);
        }
    }

    @ParameterizedTest
    @EnumSource
    void slotWithoutCachesStandsForOneWithAndNullForTheOwn(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(8, 8);
        for (int slot = CopyWorld.SLOTS; slot < world.cpus.maxSlots(); slot++) {
            copies.addLong(world.cpu(slot), p, 1);
        }
        assertEquals(world.cpus.maxSlots() - CopyWorld.SLOTS, copies.sumLong(p));
        copies.addLong(null, p, 100);
        assertTrue(world.longs(p).get(own) >= 100, world.longs(p).toString());
    }

    /** P17: what a sum of longs makes of ints, signed and unsigned. */
    @ParameterizedTest
    @EnumSource
    void numbersOfEitherSignAddToALongAsJavaAddsThem(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(8, 8);
        final int one = 1;
        long model = 0;
        for (final long delta : new long[] {-1, 1, 1, -1, -1, -one, Integer.toUnsignedLong(-one), one, -Integer.toUnsignedLong(one),
            -Integer.toUnsignedLong(-one), Long.MAX_VALUE, one, Long.MIN_VALUE, -one, Integer.MIN_VALUE}) {
            model += delta;
            copies.addLong(p, delta);
            assertEquals(model, copies.getLong(p, CopyWorld.CPUS[own]), "delta=" + delta);
        }
    }

    /** P17, by name: the unsigned int that was negated first counts as 2^32 − 1, negated afterwards as −1. */
    @ParameterizedTest
    @EnumSource
    void unsignedIntNegatedBeforeAndAfterItIsMadeALong(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(8, 8);
        assertEquals(0xFFFF_FFFFL, copies.addReturnLong(p, Integer.toUnsignedLong(-1)));
        assertEquals(0x1_0000_0000L, copies.addReturnLong(p, Integer.toUnsignedLong(1)));
        copies.exchangeLong(p, 0);
        assertEquals(-1, copies.addReturnLong(p, -Integer.toUnsignedLong(1)));
        assertEquals(-1L, copies.exchangeLong(p, 3));
        assertEquals(2, copies.addReturnLong(p, -Integer.toUnsignedLong(1)));
        assertEquals(1, copies.addReturnLong(p, -1));
        assertEquals(0, copies.addReturnLong(p, -1));
        assertEquals(0xFFFF_FFFF_FFFF_FFFFL, copies.addReturnLong(p, -1), "all ones, as an unsigned long");
    }

    /** P17: an int wraps by itself, and what is beside it gets no carry and no sign. */
    @ParameterizedTest
    @EnumSource
    void intsWrapWithoutTheirNeighbours(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(12, 4) + 4;
        assertEquals(-1, copies.addReturnInt(p, -1));
        assertInts(p, own, -1);
        assertEquals(0, copies.addReturnInt(p, 1));
        assertInts(p, own, 0);
        assertEquals(Integer.MAX_VALUE, copies.addReturnInt(p, Integer.MAX_VALUE));
        assertEquals(Integer.MIN_VALUE, copies.addReturnInt(p, 1));
        assertInts(p, own, Integer.MIN_VALUE);
        assertEquals(-1, copies.addReturnInt(p, Integer.MAX_VALUE));
        assertEquals(-1, copies.compareExchangeInt(p, -1, 1));
        assertInts(p, own, 1);
    }

    @ParameterizedTest
    @EnumSource
    void sumsAreRightThoughCopiesWrap(final CopyWorld.Kind kind) {
        open(kind);
        final long l = world.allocate(8, 8);
        final long i = world.allocate(4, 4);
        long expected = 0;
        for (int slot = 0; slot < CopyWorld.SLOTS; slot++) {
            copies.addLong(world.cpu(slot), l, Long.MAX_VALUE - slot);
            copies.addInt(world.cpu(slot), i, Integer.MAX_VALUE - slot);
            expected += Long.MAX_VALUE - slot;
        }
        assertEquals(expected, copies.sumLong(l));
        int ints = 0;
        for (int slot = 0; slot < CopyWorld.SLOTS; slot++) {
            ints += Integer.MAX_VALUE - slot;
        }
        assertEquals(ints, copies.sumInt(i));
        copies.addLong(world.cpu(2), l, 5 - expected);
        copies.addInt(world.cpu(1), i, 7 - ints);
        assertEquals(5, copies.sumLong(l));
        assertEquals(7, copies.sumInt(i));
    }

    @ParameterizedTest
    @EnumSource
    void addressesAreCongruent(final CopyWorld.Kind kind) {
        open(kind);
        for (final long p : new long[] {world.base(), world.allocate(8, 8), world.base() + CopyWorld.FIRST_BYTES - 1}) {
            final Set<Long> met = new HashSet<>();
            copies.forEachCpu(p, (cpuId, address) -> {
                assertEquals(address, copies.address(p, cpuId));
                assertEquals(p + world.layout.unitOffset(world.layout.slotOf(cpuId)), address);
                assertTrue(met.add(address));
            });
            assertEquals(CopyWorld.SLOTS, met.size());
            assertTrue(met.contains(p), "the pointer is the address of the lowest copy");
        }
        final List<Integer> ids = new ArrayList<>();
        copies.forEachCpu(world.base(), (cpuId, address) -> ids.add(cpuId));
        assertEquals(Arrays.stream(CopyWorld.CPUS).boxed().toList(), ids);
    }

    /** As many sections as there are slots, one after the other, all open at the end. */
    @ParameterizedTest
    @EnumSource
    void thisCpuIsTheSlotThatIsOccupied(final CopyWorld.Kind kind) throws Exception {
        open(kind);
        final long p = world.allocate(8, 8);
        assertThrows(IllegalStateException.class, () -> copies.thisCpuAddress(p));
        final Set<Long> met = Collections.synchronizedSet(new HashSet<>());
        final CountDownLatch leave = new CountDownLatch(1);
        final List<FutureTask<Void>> sections = new ArrayList<>();
        for (int i = 0; i < world.cpus.maxSlots(); i++) {
            final CountDownLatch looked = new CountDownLatch(1);
            final FutureTask<Void> section = new FutureTask<>(() -> {
                try (Cpu cpu = world.cpus.enter()) {
                    look(cpu, p, met);
                    looked.countDown();
                    leave.await();
                } finally {
                    looked.countDown();
                }
                return null;
            });
            final Thread thread = new Thread(section);
            thread.setDaemon(true);
            thread.start();
            looked.await();
            sections.add(section);
        }
        leave.countDown();
        for (final FutureTask<Void> section : sections) {
            SmallMemory.join(section);
        }
        assertEquals(CopyWorld.SLOTS, met.size());
        assertEquals(world.cpus.maxSlots() - CopyWorld.SLOTS, copies.sumLong(p), "own-copy operations need no copy of the slot's own");
    }

    private void look(final Cpu cpu, final long p, final Set<Long> met) {
        if (cpu.carriesCaches()) {
            final long address = copies.thisCpuAddress(p);
            assertEquals(copies.address(p, CopyWorld.CPUS[cpu.index()]), address);
            assertTrue(met.add(address));
        } else {
            final ExhaustedException e = assertThrows(ExhaustedException.class, () -> copies.thisCpuAddress(p));
            assertEquals(ExhaustedException.Resource.SLOTS, e.resource());
            assertTrue(e.getMessage().contains("slot=" + cpu.index()), e.getMessage());
            copies.addLong(p, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void cpusThatAreNotPossible(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(8, 8);
        copies.addLong(p, 1);
        for (final int id : new int[] {-1, 1, 3, 4, 62, 64, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            final List<Runnable> uses = List.of(() -> copies.address(p, id), () -> copies.getLong(p, id), () -> copies.getInt(p, id),
                () -> copies.foldLong(p, id, 0), () -> copies.foldLong(p, CopyWorld.CPUS[own], id), () -> copies.foldInt(p, id, 0),
                () -> copies.foldInt(p, CopyWorld.CPUS[own], id));
            for (final Runnable use : uses) {
                final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, use::run);
                assertTrue(e.getMessage().contains("cpuId=" + id), e.getMessage());
            }
        }
        assertLongs(p, own, 1);
    }

    private List<LongConsumer> longUses() {
        return List.of(p -> copies.addLong(p, 1), p -> copies.addReturnLong(p, 1), p -> copies.exchangeLong(p, 1),
            p -> copies.compareExchangeLong(p, 0, 1), p -> copies.addLong(world.cpu(1), p, 1), p -> copies.addReturnLong(world.cpu(1), p, 1),
            p -> copies.exchangeLong(world.cpu(1), p, 1), p -> copies.compareExchangeLong(world.cpu(1), p, 0, 1), copies::sumLong,
            p -> copies.getLong(p, 63), p -> copies.foldLong(p, 0, 5));
    }

    private List<LongConsumer> intUses() {
        return List.of(p -> copies.addInt(p, 1), p -> copies.addReturnInt(p, 1), p -> copies.exchangeInt(p, 1),
            p -> copies.compareExchangeInt(p, 0, 1), p -> copies.addInt(world.cpu(1), p, 1), p -> copies.addReturnInt(world.cpu(1), p, 1),
            p -> copies.exchangeInt(world.cpu(1), p, 1), p -> copies.compareExchangeInt(world.cpu(1), p, 0, 1), copies::sumInt,
            p -> copies.getInt(p, 63), p -> copies.foldInt(p, 0, 5));
    }

    private void assertRefused(final LongConsumer use, final long pointer, final int width) {
        final IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> use.accept(pointer));
        assertTrue(e.getMessage().contains("pointer=0x" + Long.toHexString(pointer)), e.getMessage());
        assertTrue(e.getMessage().contains("width=" + width), e.getMessage());
    }

    @ParameterizedTest
    @EnumSource
    void misaligned(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(24, 8) + 8;
        for (int off = 1; off < 8; off++) {
            final long pointer = p + off;
            longUses().forEach(use -> assertRefused(use, pointer, 8));
            if (off % 4 != 0) {
                intUses().forEach(use -> assertRefused(use, pointer, 4));
            }
        }
        assertLongs(p, own, 0);
    }

    /** Before and behind what a chunk has, in its holes, and nowhere at all: nothing is changed, not even by those that look at several. */
    @ParameterizedTest
    @EnumSource
    void pointersThatCannotBe(final CopyWorld.Kind kind) {
        open(kind);
        final long base = world.base();
        for (final long p : new long[] {base - 8, base + CopyWorld.FIRST_BYTES, base + CopyWorld.UNIT - 8,
            base ^ 1L << 60, 0, 8, Long.MIN_VALUE, Long.MAX_VALUE - 7, -8}) {
            longUses().forEach(use -> assertThrows(PageFaultException.class, () -> use.accept(p), () -> Long.toHexString(p)));
            intUses().forEach(use -> assertThrows(PageFaultException.class, () -> use.accept(p), () -> Long.toHexString(p)));
        }
    }

    /** The first and the last of a unit are inside. */
    @ParameterizedTest
    @EnumSource
    void edgesOfAUnit(final CopyWorld.Kind kind) {
        open(kind);
        for (final long p : new long[] {world.base(), world.base() + CopyWorld.FIRST_BYTES - 8}) {
            copies.addLong(p, BIG);
            assertEquals(only(own, BIG, 0L), world.longs(p));
        }
        final long last = world.base() + CopyWorld.FIRST_BYTES - 4;
        copies.exchangeLong(last - 4, 0);
        copies.addInt(last, 9);
        assertEquals(only(own, 9, 0), world.ints(last));
    }

    @ParameterizedTest
    @EnumSource
    void foldMovesWhatACopyHolds(final CopyWorld.Kind kind) {
        open(kind);
        final long l = world.allocate(24, 8) + 8;
        final long i = world.allocate(12, 4) + 4;
        for (int slot = 0; slot < CopyWorld.SLOTS; slot++) {
            copies.addLong(world.cpu(slot), l, BIG + slot);
            copies.addInt(world.cpu(slot), i, slot + 1);
        }
        final long sum = copies.sumLong(l);
        assertEquals(BIG + 1, copies.foldLong(l, 2, 63));
        assertEquals(List.of(BIG, 0L, BIG + 2, 2 * BIG + 4), world.longs(l));
        assertEquals(0, copies.foldLong(l, 2, 63));
        assertEquals(BIG, copies.foldLong(l, 0, 0));
        assertEquals(sum, copies.sumLong(l));
        assertEquals(1, copies.foldInt(i, 0, 5));
        assertEquals(List.of(0, 2, 4, 4), world.ints(i));
        assertEquals(0, copies.sumLong(l - 8));
        assertEquals(0, copies.sumInt(i + 4));
    }

    @ParameterizedTest
    @EnumSource
    void afterClosing(final CopyWorld.Kind kind) {
        open(kind);
        final long p = world.allocate(8, 8);
        world.cpus.close();
        assertThrows(IllegalStateException.class, () -> copies.addLong(p, 1));
        assertThrows(IllegalStateException.class, () -> copies.addReturnInt(p, 1));
        assertThrows(IllegalStateException.class, () -> copies.exchangeLong(p, 1));
        assertEquals(0, copies.sumLong(p));
    }
}
