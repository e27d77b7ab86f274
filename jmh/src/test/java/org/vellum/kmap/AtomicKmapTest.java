package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.kmap.KmType.KM_BOUNCE_READ;
import static org.vellum.kmap.KmType.KM_NMI_PTE;
import static org.vellum.kmap.KmType.KM_USER0;
import static org.vellum.kmap.KmType.KM_USER1;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vellum.OwnedFrames;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;

/** The same caller code on the slots of old and on what followed them. */
class AtomicKmapTest {
    private static final int WORDS = Pages.SIZE / Long.BYTES;

    private Vellum vellum;
    private MappedAccess access;
    private long[] frames;

    /** An implementation, by its name. */
    record Made(String name, Function<Vellum, AtomicKmap> make) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Made typed() {
        return new Made("typed", TypedSlots::new);
    }

    /** What does not mix two users of one type up. */
    private static Stream<Made> right() {
        return Stream.of(new Made("stack", memory -> new StackKmap(memory.kmap())),
            new Made("checked stack", memory -> new NestingChecker(new StackKmap(memory.kmap()))),
            new Made("global lock", memory -> new GlobalLockKmap(memory, 4)));
    }

    private static Stream<Made> all() {
        return Stream.concat(right(), Stream.of(typed(), new Made("checked typed", memory -> new NestingChecker(new TypedSlots(memory)))));
    }

    @BeforeEach
    void open() {
        vellum = Vellum.open(16L << 20);
        access = vellum.access();
        frames = new OwnedFrames(vellum, 16).numbers;
        for (final long frame : frames) {
            vellum.frames().zero(frame, 0);
        }
    }

    @AfterEach
    void close() {
        vellum.verify();
        vellum.close();
    }

    /** Of a frame, by its linear address: whatever maps it. */
    private long word(final long frame, final int index) {
        return access.getLong((frame << Pages.SHIFT) + (long)index * Long.BYTES);
    }

    /** As the kernel's copy_highpage: it agrees with itself about the types, and nests. */
    private void copy(final AtomicKmap kmap, final long from, final long to) {
        final long source = kmap.kmapAtomic(from, KM_USER0);
        final long target = kmap.kmapAtomic(to, KM_USER1);
        for (int i = 0; i < WORDS; i++) {
            access.putLong(target + (long)i * Long.BYTES, access.getLong(source + (long)i * Long.BYTES));
        }
        kmap.kunmapAtomic(target, KM_USER1);
        kmap.kunmapAtomic(source, KM_USER0);
    }

    /** Something far down a call chain that thinks KM_USER0 is free. */
    private void stamp(final AtomicKmap kmap, final long frame, final long value) {
        final long address = kmap.kmapAtomic(frame, KM_USER0);
        access.putLong(address, value);
        kmap.kunmapAtomic(address, KM_USER0);
    }

    /** Stores 1 and 3 into the first frame, and calls what stores 2 into the second in between. */
    private void twoUsersOfOneType(final AtomicKmap kmap) {
        final long address = kmap.kmapAtomic(frames[0], KM_USER0);
        access.putLong(address, 1);
        stamp(kmap, frames[1], 2);
        access.putLong(address + Long.BYTES, 3);
        kmap.kunmapAtomic(address, KM_USER0);
    }

    @Test
    void namesAreThoseOfTheReference() {
        assertEquals(19, KmType.values().length);
        assertEquals(KM_BOUNCE_READ, KmType.values()[0]);
        assertEquals(KM_USER1.ordinal(), KM_USER0.ordinal() + 1);
        assertEquals(KM_NMI_PTE, KmType.values()[18]);
    }

    @ParameterizedTest
    @MethodSource("all")
    void copiesAreTheSameOnAll(final Made made) {
        final AtomicKmap kmap = made.make.apply(vellum);
        for (int i = 0; i < WORDS; i++) {
            access.putLong((frames[0] << Pages.SHIFT) + (long)i * Long.BYTES, i * 0x9E3779B97F4A7C15L);
        }
        for (int i = 1; i < frames.length; i++) {
            copy(kmap, frames[i - 1], frames[i]);
        }
        for (int i = 0; i < WORDS; i++) {
            assertEquals(i * 0x9E3779B97F4A7C15L, word(frames[frames.length - 1], i), "word=" + i);
        }
    }

    /** What the fixed slots invite: nobody notices, and the first user's bytes are in the second one's frame. */
    @Test
    void typedSlotsMixTwoUsersOfOneTypeUp() {
        twoUsersOfOneType(new TypedSlots(vellum));
        assertEquals(List.of(1L, 0L), List.of(word(frames[0], 0), word(frames[0], 1)), "the first one's second store is not there");
        assertEquals(List.of(2L, 3L), List.of(word(frames[1], 0), word(frames[1], 1)), "it is here");
    }

    /** They nest, after all: what is wrong is that both have one address. */
    @Test
    void theCheckerDoesNotSeeThat() {
        twoUsersOfOneType(new NestingChecker(new TypedSlots(vellum)));
        assertEquals(3, word(frames[1], 1));
    }

    @ParameterizedTest
    @MethodSource("right")
    void twoUsersOfOneTypeKeepTheirFrames(final Made made) {
        twoUsersOfOneType(made.make.apply(vellum));
        assertEquals(List.of(1L, 3L), List.of(word(frames[0], 0), word(frames[0], 1)));
        assertEquals(List.of(2L, 0L), List.of(word(frames[1], 0), word(frames[1], 1)));
    }

    @ParameterizedTest
    @MethodSource("all")
    void theCheckerRefusesWhatDoesNotNest(final Made made) {
        final AtomicKmap kmap = new NestingChecker(made.make.apply(vellum));
        final long first = kmap.kmapAtomic(frames[0], KM_USER0);
        final long second = kmap.kmapAtomic(frames[1], KM_USER1);
        final String refusal = assertThrows(IllegalStateException.class, () -> kmap.kunmapAtomic(first, KM_USER0)).getMessage();
        assertTrue(refusal.contains("KM_USER0 at 0x" + Long.toHexString(first)), refusal);
        assertTrue(refusal.contains("KM_USER1 at 0x" + Long.toHexString(second)), refusal);
        assertThrows(IllegalStateException.class, () -> kmap.kunmapAtomic(second, KM_USER0), "another type than it was mapped with");
        // Nothing was changed.
        access.putLong(second, 7);
        kmap.kunmapAtomic(second, KM_USER1);
        access.putLong(first, 8);
        kmap.kunmapAtomic(first, KM_USER0);
        assertEquals(List.of(8L, 7L), List.of(word(frames[0], 0), word(frames[1], 0)));
        assertTrue(assertThrows(IllegalStateException.class, () -> kmap.kunmapAtomic(first, KM_USER0)).getMessage().endsWith("last=none"));
    }

    @Test
    void theCheckerKnowsWhoseAMappingIs() {
        final AtomicKmap kmap = new NestingChecker(new StackKmap(vellum.kmap()));
        final long address = kmap.kmapAtomic(frames[0], KM_USER0);
        final String refusal = CompletableFuture.supplyAsync(() ->
            assertThrows(IllegalStateException.class, () -> kmap.kunmapAtomic(address, KM_USER0)).getMessage()).join();
        assertTrue(refusal.endsWith("last=none"), refusal);
        kmap.kunmapAtomic(address, KM_USER0);
    }

    /** Without a checker, too. */
    @Test
    void theStackRefusesWhatDoesNotNest() {
        final AtomicKmap kmap = new StackKmap(vellum.kmap());
        final long first = kmap.kmapAtomic(frames[0], KM_USER0);
        final long second = kmap.kmapAtomic(frames[1], KM_USER1);
        assertThrows(IllegalStateException.class, () -> kmap.kunmapAtomic(first, KM_USER0));
        kmap.kunmapAtomic(second, KM_USER1);
        kmap.kunmapAtomic(first, KM_USER0);
        assertEquals(0, vellum.kmap().localMaps());
    }

    @Test
    void typedSlotsAreOfTheProcessor() {
        final AtomicKmap kmap = new TypedSlots(vellum);
        final Cpu cpu = vellum.enter();
        final long here = kmap.kmapAtomic(frames[0], KM_USER0);
        final long there = CompletableFuture.supplyAsync(() -> {
            final long address = kmap.kmapAtomic(frames[1], KM_USER0);
            kmap.kunmapAtomic(address, KM_USER0);
            return address;
        }).join();
        assertNotEquals(here, there);
        access.putLong(here, 5);
        assertEquals(5, word(frames[0], 0));
        kmap.kunmapAtomic(here, KM_USER0);
        cpu.exit();
    }

    @Test
    void theGlobalLockFlushesOnceARound() {
        final int slots = 4;
        final GlobalLockKmap kmap = new GlobalLockKmap(vellum, slots);
        for (int i = 0; i < 3 * slots; i++) {
            stamp(kmap, frames[i], i);
        }
        assertEquals(2, kmap.flushes(), "none in the first round, which has nothing to flush");
        final long kept = kmap.kmapAtomic(frames[3 * slots - 1], KM_USER0);
        assertEquals(kept, kmap.kmapAtomic(frames[3 * slots - 1], KM_USER1), "one address for all users");
        assertEquals(2, kmap.flushes());
        kmap.kunmapAtomic(kept, KM_USER0);
        kmap.kunmapAtomic(kept, KM_USER1);
        assertThrows(IllegalStateException.class, () -> kmap.kunmapAtomic(kept, KM_USER0));
        try (Cpu cpu = vellum.enter()) {
            assertThrows(IllegalStateException.class, () -> kmap.kmapAtomic(frames[0], KM_USER0), cpu::toString);
        }
    }

    /** More threads than slots, each with one at a time: all get their turn, and each its own bytes. */
    @Test
    void theGlobalLockServesMoreThreadsThanSlots() {
        final AtomicKmap kmap = new GlobalLockKmap(vellum, 2);
        final int rounds = 2_000;
        final List<CompletableFuture<Void>> threads = IntStream.range(0, 6).mapToObj(thread -> CompletableFuture.runAsync(() -> {
            for (int i = 0; i < rounds; i++) {
                final long address = kmap.kmapAtomic(frames[thread], KM_USER0);
                access.putLong(address, access.getLong(address) + 1);
                kmap.kunmapAtomic(address, KM_USER0);
            }
        }, task -> new Thread(task).start())).toList();
        threads.forEach(CompletableFuture::join);
        for (int thread = 0; thread < threads.size(); thread++) {
            assertEquals(rounds, word(frames[thread], 0));
        }
    }
}
