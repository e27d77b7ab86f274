package org.vellum.mapram;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.vellum.SmallMemory.PAGE;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzReaders;
import org.vellum.FuzzSteps;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/** Short mappings on four slots in a window of four blocks, against a list of what is mapped. */
@Tag("stress")
final class MapRamFuzzTest {
    private static final int OPERATIONS = 600_000;
    private static final int FRAMES = 256;
    private static final int WINDOW = 4096;

    private record Mapping(long address, int offset, int count) {
    }

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Vellum memory = SmallMemory.builder(512, WINDOW).graceNanos(0).open();
    private final MapRam mapRam = memory.mapRam();
    private final long[] frames = SmallMemory.frames(memory, FRAMES);
    private final long start = memory.vmalloc().isVmallocAddress(0) ? 0 : windowStart();
    private final FuzzReaders readers = new FuzzReaders(memory);
    private final List<Mapping> live = new ArrayList<>();
    private final List<Mapping> stale = new ArrayList<>();
    private final Mapping[] byPage = new Mapping[WINDOW];
    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private long exhausted;
    private long aliases;

    private long windowStart() {
        long address = 0;
        while (!memory.vmalloc().isVmallocAddress(address)) {
            address += 1 << 20;
        }
        return address;
    }

    @Test
    void agreesWithTheModel() {
        System.out.println("MapRamFuzzTest seed=" + seed);
        for (int i = 0; i < FRAMES; i++) {
            memory.access().putLong(frames[i] * PAGE, i);
        }
        try {
            while (steps.next()) {
                step();
                if (steps.every(20_000)) {
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
        if (what < (readers.none() ? 6 : 100)) {
            readers.toggle(random);
        } else if (what < 120 && what >= 100 && readers.none()) {
            memory.unmapAliases();
            aliases++;
        } else if (what < 130) {
            memory.poll();
        } else if (what < 135) {
            takeAddresses();
        } else if (what < 300) {
            misuse();
        } else if (what < 5_200 && live.size() < 60) {
            onSomeSlot(this::map);
        } else if (!live.isEmpty()) {
            onSomeSlot(this::unmap);
        }
    }

    /** The one thread of this test is by turns on each of the slots, as the thread of that slot would be. */
    private void onSomeSlot(final java.util.function.Consumer<Cpu> action) {
        final Cpu cpu = random.nextInt(3) == 0 ? null : memory.cpus().tryVisit(random.nextInt(4));
        try {
            action.accept(random.nextBoolean() ? cpu : null);
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    private void map(final Cpu hint) {
        final int count = random.nextInt(100) == 0 ? 65 + random.nextInt(100) : 1 + random.nextInt(random.nextInt(64) + 1);
        final int offset = random.nextInt(FRAMES - count + 1);
        final long address;
        try {
            address = mapRam.vmMapRam(hint, frames, offset, count);
        } catch (final ExhaustedException e) {
            exhausted++;
            return;
        }
        final Mapping mapping = new Mapping(address, offset, count);
        final int page = page(mapping);
        for (int i = 0; i < count; i++) {
            readers.requirePageReusable(page + i);
            assertEquals(null, byPage[page + i], "overlap");
            byPage[page + i] = mapping;
        }
        check(mapping);
        live.add(mapping);
    }

    private int page(final Mapping mapping) {
        return (int)(((mapping.address & Address.MASK) - start) / PAGE);
    }

    private void check(final Mapping mapping) {
        for (int i = 0; i < mapping.count; i++) {
            assertEquals(mapping.offset + i, memory.access().getLong(mapping.address + (long)i * PAGE));
        }
    }

    private void unmap(final Cpu hint) {
        final int at = random.nextInt(live.size());
        final Mapping mapping = live.set(at, live.get(live.size() - 1));
        live.remove(live.size() - 1);
        check(mapping);
        mapRam.vmUnmapRam(hint, mapping.address, mapping.count);
        final int page = page(mapping);
        for (int i = 0; i < mapping.count; i++) {
            readers.retiredPage(page + i);
            byPage[page + i] = null;
        }
        if (stale.size() < 64) {
            stale.add(mapping);
        } else {
            stale.set(random.nextInt(64), mapping);
        }
    }

    private void misuse() {
        if (!stale.isEmpty()) {
            final Mapping old = stale.get(random.nextInt(stale.size()));
            for (int i = 0; i < old.count; i++) {
                final long address = old.address + (long)i * PAGE;
                assertThrows(PageFaultException.class, () -> memory.access().getLong(address));
            }
            onSomeSlot(hint -> assertThrows(IllegalArgumentException.class,
                () -> mapRam.vmUnmapRam(hint, old.address, old.count)));
        }
        if (!live.isEmpty()) {
            final Mapping mapping = live.get(random.nextInt(live.size()));
            final int other = random.nextInt(300) - 5;
            if (other != mapping.count) {
                onSomeSlot(hint -> assertThrows(IllegalArgumentException.class,
                    () -> mapRam.vmUnmapRam(hint, mapping.address, other)));
            }
            if (mapping.count > 1) {
                onSomeSlot(hint -> assertThrows(IllegalArgumentException.class,
                    () -> mapRam.vmUnmapRam(hint, mapping.address + PAGE, mapping.count - 1)));
            }
        }
    }

    /** An allocation for which blocks must be purged, given back, waited for. */
    private void takeAddresses() {
        try {
            final long area = memory.vmap().sparseArea((1 + random.nextInt(WINDOW - 1)) * (long)PAGE);
            final int page = (int)(((area & Address.MASK) - start) / PAGE);
            readers.requirePageReusable(page);
            memory.vmap().vunmap(area);
        } catch (final ExhaustedException e) {
            exhausted++;
        }
    }

    private void checkAll() {
        mapRam.verify();
        long pages = 0;
        for (final Mapping mapping : live) {
            check(mapping);
            pages += memory.reader().findArea(mapping.address).kind() == org.vellum.vmap.AreaKind.BLOCK ? mapping.count : 0;
        }
        assertEquals(pages, mapRam.mappedPages());
    }

    private void finish() {
        readers.closeAll();
        checkAll();
        System.out.println(figures());
        steps.assertCovered(this::figures);
        while (!live.isEmpty()) {
            unmap(null);
        }
        memory.unmapAliases();
        assertEquals(0, mapRam.mappedPages());
        SmallMemory.requireQuiet(memory, FRAMES, 0);
        memory.vmap().vunmap(memory.vmap().sparseArea((WINDOW - 1L) * PAGE));
        SmallMemory.requireQuiet(memory, FRAMES, 0);
        memory.close();
    }

    private String figures() {
        return "exhausted=" + exhausted + " exhaustions=" + memory.stats().exhaustions() + " remoteRetired="
            + mapRam.blocks.remoteRetired + " tails=" + mapRam.current.tailConversions + " purgedCurrent=" + mapRam.current.purged
            + " givenBack=" + mapRam.blocks.givenBack + " retired=" + mapRam.blocks.retired + " aliases=" + aliases
            + " readers=" + readers.opened + " flushes=" + memory.stats().flushes();
    }

    private boolean isCovered() {
        for (final long count : new long[] {exhausted, memory.stats().exhaustions(), mapRam.blocks.remoteRetired.get(),
            mapRam.current.tailConversions.get(), mapRam.current.purged.get(), mapRam.blocks.givenBack.get(),
            mapRam.blocks.retired.get(), aliases, readers.opened}) {
            if (count == 0) {
                return false;
            }
        }
        return true;
    }
}
