package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
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

/** Areas of all kinds against a map of what is live: contents, disjointness, quarantine, and that all comes back. */
@Tag("stress")
class VmapFuzzTest {
    private static final int OPERATIONS = 600_000;
    private static final int FRAMES = 256;
    private static final int WINDOW = 1024;
    private static final int CALLER_FRAMES = 24;

    private record Live(AreaKind kind, long address, long pages, long span, long size, int stamp, int mapped) {
    }

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Vellum memory;
    private final long[] frames;
    private final FuzzReaders readers;
    private final List<Live> live = new ArrayList<>();
    private final TreeMap<Long, Live> byPage = new TreeMap<>();
    private final List<Long> stale = new ArrayList<>();
    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private int stamps;
    private long exhausted;
    private long moved;
    private long grownInPlace;
    private long shrunk;
    private long refused;

    VmapFuzzTest() {
        memory = SmallMemory.builder(FRAMES, WINDOW).graceNanos(0).rangeCaches(keepsRanges()).open();
        frames = SmallMemory.frames(memory, CALLER_FRAMES);
        readers = new FuzzReaders(memory);
    }

    /** Whether slots keep ranges, or every request is served by the tree. */
    boolean keepsRanges() {
        return false;
    }

    @Test
    void agreesWithTheModel() {
        System.out.println(getClass().getSimpleName() + " seed=" + seed);
        try {
            while (steps.next()) {
                step();
                if (steps.every(5_000)) {
                    checkAll();
                }
            }
            finish();
        } catch (final RuntimeException | Error e) {
            throw new AssertionError("seed=" + seed, e);
        }
    }

    private void step() {
        final int what = random.nextInt(1000);
        if (what < (readers.none() ? 2 : 60)) {
            readers.toggle(random);
        } else if (what < 66 && what > 62 && readers.none()) {
            memory.synchronize();
        } else if (what < 80) {
            memory.poll();
        } else if (what < 120) {
            checkStale();
        } else if (what < 560 && live.size() < 60 && random.nextInt(60) >= live.size() / 2) {
            inSectionPerhaps(this::allocate);
        } else if (what < 900 && !live.isEmpty()) {
            inSectionPerhaps(this::end);
        } else if (what < 950 && !live.isEmpty()) {
            inSectionPerhaps(this::reallocate);
        } else if (!live.isEmpty()) {
            lookUp(live.get(random.nextInt(live.size())));
        }
    }

    private void inSectionPerhaps(final Runnable action) {
        if (random.nextInt(4) != 0) {
            action.run();
            return;
        }
        // On any of the slots, so that each has lists and a limbo of its own.
        final Cpu cpu = memory.cpus().tryVisit(random.nextInt(4));
        try {
            action.run();
        } finally {
            if (cpu != null) {
                cpu.exit();
            }
        }
    }

    private void allocate() {
        try {
            switch (random.nextInt(10)) {
                case 0, 1 -> {
                    final int count = 1 + random.nextInt(CALLER_FRAMES);
                    add(AreaKind.VMAP, memory.vmap().vmap(frames, CALLER_FRAMES - count, count, 0), count, 1, count * PAGE, 0);
                }
                case 2 -> sparse();
                case 3 -> {
                    final long align = (long)PAGE << random.nextInt(4);
                    final long[] two = memory.vmap().congruentAreas(new long[] {0, 2 * align}, new long[] {align, align}, align);
                    assertEquals(two[0] + 2 * align & Address.MASK, two[1] & Address.MASK);
                    add(AreaKind.SPARSE, two[0], align / PAGE, 0, align, 0);
                    add(AreaKind.SPARSE, two[1], align / PAGE, 0, align, 0);
                }
                default -> vmalloc();
            }
        } catch (final ExhaustedException e) {
            exhausted++;
        }
    }

    private void sparse() {
        final int pages = 1 + random.nextInt(random.nextInt(8) == 0 ? 400 : 20);
        final long address = memory.vmap().sparseArea((long)pages * PAGE);
        final int mapped = random.nextInt(1 + Math.min(pages, CALLER_FRAMES));
        if (mapped > 0) {
            memory.vmap().mapPages(address, address, frames, 0, mapped);
            if (random.nextBoolean()) {
                memory.vmap().unmapPages(address, address, mapped);
                memory.vmap().mapPages(address, address, frames, 0, mapped);
            }
        }
        add(AreaKind.SPARSE, address, pages, 1, (long)pages * PAGE, mapped);
    }

    private void vmalloc() {
        final long pages = 1 + random.nextInt(random.nextInt(20) == 0 ? 250 : 12);
        final long size = pages * PAGE - random.nextInt(2040);
        final int flags = random.nextInt(8) & (VmallocFlags.ZERO | VmallocFlags.NO_GUARD)
            | (random.nextInt(5) == 0 ? VmallocFlags.CONTIGUOUS : 0);
        final long align = (long)PAGE << random.nextInt(5);
        final PageBounds bounds = new PageBounds();
        final long address = memory.vmalloc().vmallocRange(size, align, flags, bounds.low, bounds.high);
        assertEquals(0, address & Address.MASK & align - 1);
        assertTrue((address & Address.MASK) >= bounds.low);
        final long guard = (flags & VmallocFlags.NO_GUARD) != 0 ? 0 : 1;
        assertTrue((address & Address.MASK) + (pages + guard) * PAGE <= bounds.high);
        for (long i = 0; i < pages; i++) {
            readers.requireFrameReusable(memory.vmalloc().vmallocToFrame(address + i * PAGE));
            if ((flags & VmallocFlags.ZERO) != 0) {
                assertEquals(0, memory.access().getLong(address + i * PAGE));
                assertEquals(0, memory.access().getLong(address + i * PAGE + 2048));
            }
        }
        fill(add(AreaKind.VMALLOC, address, pages, guard, size, 0));
    }

    private final class PageBounds {
        final long low;
        final long high;

        PageBounds() {
            final PageTableBounds table = new PageTableBounds();
            final boolean part = random.nextInt(10) == 0;
            low = part ? table.start + random.nextInt(WINDOW / 2) * (long)PAGE : table.start;
            high = part ? table.end - random.nextInt(WINDOW / 2) * (long)PAGE : table.end;
        }
    }

    private final class PageTableBounds {
        final long start = memory.vmalloc().space().table.start();
        final long end = memory.vmalloc().space().table.end();
    }

    private Live add(
        final AreaKind kind, final long address, final long pages, final long guard, final long size, final int mapped) {
        final Live area = new Live(kind, address, pages, pages + guard, size, ++stamps, mapped);
        enter(area, 0);
        return area;
    }

    /** An area of which so many pages are not new. */
    private void enter(final Live area, final long known) {
        final long page = memory.vmalloc().space().table.pageOf(area.address);
        final Map.Entry<Long, Live> below = byPage.lowerEntry(page + area.span);
        assertTrue(below == null || below.getKey() + below.getValue().span <= page, () -> "overlap: " + area + below);
        for (long i = known; i < area.span; i++) {
            readers.requirePageReusable(page + i);
        }
        byPage.put(page, area);
        live.add(area);
    }

    private void fill(final Live area) {
        for (long i = 0; i < area.pages; i++) {
            memory.access().putLong(area.address + i * PAGE, pattern(area, i));
            memory.access().putLong(area.address + i * PAGE + 2048, pattern(area, i));
        }
    }

    private static long pattern(final Live area, final long page) {
        return area.stamp * 0x1_0000_0001L + page;
    }

    private void check(final Live area, final long pages) {
        for (long i = 0; i < pages; i++) {
            assertEquals(pattern(area, i), memory.access().getLong(area.address + i * PAGE));
            assertEquals(pattern(area, i), memory.access().getLong(area.address + i * PAGE + 2048));
        }
    }

    private void end() {
        final Live area = live.get(random.nextInt(live.size()));
        final boolean deferred = area.kind == AreaKind.VMALLOC && random.nextInt(4) == 0;
        if (area.kind == AreaKind.VMALLOC) {
            check(area, area.pages);
        }
        forget(area);
        if (area.kind != AreaKind.VMALLOC) {
            memory.vmap().vunmap(area.address);
        } else if (!deferred) {
            memory.vfree(area.address);
        } else if (random.nextBoolean()) {
            memory.retire(area.address);
            check(area, area.pages);
        } else {
            memory.vmalloc().vfreeAtomic(area.address);
        }
        assertThrows(IllegalArgumentException.class, () -> memory.vfree(area.address));
        if (!deferred) {
            assertThrows(PageFaultException.class, () -> memory.access().getLong(area.address));
            if (stale.size() < 64) {
                stale.add(area.address);
            } else {
                stale.set(random.nextInt(64), area.address);
            }
        }
    }

    private void forget(final Live area) {
        live.remove(area);
        final long page = memory.vmalloc().space().table.pageOf(area.address);
        assertEquals(area, byPage.remove(page));
        for (long i = 0; i < area.span; i++) {
            readers.retiredPage(page + i);
            if (area.kind == AreaKind.VMALLOC && i < area.pages) {
                readers.retiredFrame(memory.vmalloc().vmallocToFrame(area.address + i * PAGE));
            }
        }
    }

    private void reallocate() {
        final Live area = live.get(random.nextInt(live.size()));
        if (area.kind != AreaKind.VMALLOC) {
            assertThrows(IllegalArgumentException.class, () -> memory.vmalloc().vrealloc(area.address, 10));
            return;
        }
        final long pages = random.nextInt(4) == 0 ? area.pages : 1 + random.nextInt(20);
        final long size = pages * PAGE - random.nextInt(2040);
        final long[] frames = framesOf(area.address, area.pages);
        final long address;
        try {
            address = memory.vmalloc().vrealloc(area.address, size);
        } catch (final ExhaustedException e) {
            refused++;
            assertTrue(pages > area.pages);
            assertArrayEquals(frames, framesOf(area.address, area.pages), "as it was");
            check(area, area.pages);
            return;
        }
        assertEquals(pages * PAGE, memory.vmalloc().sizeOf(address));
        final long kept = Math.min(pages, area.pages);
        assertArrayEquals(Arrays.copyOf(frames, (int)kept), framesOf(address, kept), "the frames stay");
        replace(area, frames, address, pages, size);
    }

    private long[] framesOf(final long address, final long pages) {
        final long[] found = new long[(int)pages];
        for (int i = 0; i < found.length; i++) {
            found[i] = memory.vmalloc().vmallocToFrame(address + (long)i * PAGE);
        }
        return found;
    }

    /** What the model says of a resized area: which addresses and frames are new, and which are gone. */
    private void replace(final Live area, final long[] frames, final long address, final long pages, final long size) {
        final long guard = area.span - area.pages;
        final long page = memory.vmalloc().space().table.pageOf(area.address);
        final boolean moves = address != area.address;
        live.remove(area);
        // The new range was taken while the old one was live, which stays in its place until then.
        if (!moves) {
            byPage.remove(page);
        }
        final Live resized = new Live(AreaKind.VMALLOC, address, pages, pages + guard, size, area.stamp, 0);
        enter(resized, moves ? 0 : area.span);
        for (long i = 0; i < Math.min(pages, area.pages); i++) {
            assertEquals(pattern(area, i), memory.access().getLong(address + i * PAGE), "the content stays");
        }
        for (long i = area.pages; i < pages; i++) {
            readers.requireFrameReusable(memory.vmalloc().vmallocToFrame(address + i * PAGE));
        }
        for (long i = pages; i < area.pages; i++) {
            readers.retiredFrame(frames[(int)i]);
        }
        if (moves) {
            byPage.remove(page);
        }
        for (long i = moves ? 0 : pages + guard; i < area.span; i++) {
            readers.retiredPage(page + i);
        }
        moved += moves ? 1 : 0;
        grownInPlace += !moves && pages > area.pages ? 1 : 0;
        shrunk += pages < area.pages ? 1 : 0;
        if (moves) {
            assertThrows(PageFaultException.class, () -> memory.access().getLong(area.address));
            if (stale.size() == 64) {
                stale.set(random.nextInt(64), area.address);
            }
        } else if (pages + guard < area.span) {
            assertThrows(PageFaultException.class, () -> memory.access().getLong(address + pages * PAGE));
        }
        fill(resized);
    }

    private void lookUp(final Live area) {
        final long inside = area.address + random.nextInt((int)area.pages) * (long)PAGE + random.nextInt(PAGE);
        final AreaInfo info = memory.reader().findArea(inside);
        assertNotNull(info);
        assertEquals(area.address, info.address());
        assertEquals(area.span, info.spanPages());
        assertEquals(area.kind, info.kind());
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[16]);
        memory.reader().vread(area.address, buffer, 0, 16);
        assertEquals(area.kind == AreaKind.VMALLOC ? pattern(area, 0) : area.kind == AreaKind.SPARSE ? 0
            : memory.access().getLong(area.address), buffer.getLong(0));
        // Without a guard the next area may begin there, and one in 65,536 bears the same tag.
        if (live.stream().noneMatch(other -> other.address == area.address + PAGE)) {
            assertThrows(IllegalArgumentException.class, () -> memory.vfree(area.address + PAGE));
        }
        assertThrows(PageFaultException.class, () -> memory.access().getLong(area.address ^ 1L << 51));
    }

    private void checkStale() {
        if (!stale.isEmpty()) {
            final long address = stale.get(random.nextInt(stale.size()));
            assertThrows(PageFaultException.class, () -> memory.access().getLong(address));
            assertThrows(IllegalArgumentException.class, () -> memory.vfree(address));
            assertThrows(IllegalArgumentException.class, () -> memory.vmap().vunmap(address));
        }
    }

    private void checkAll() {
        memory.vmalloc().space().verify();
        assertEquals(live.size(), memory.stats().liveAreas());
        for (final Live area : live) {
            if (area.kind == AreaKind.VMALLOC) {
                check(area, area.pages);
            }
        }
    }

    private void finish() {
        readers.closeAll();
        checkAll();
        System.out.println(figures());
        steps.assertCovered(this::figures);
        while (!live.isEmpty()) {
            end();
        }
        SmallMemory.requireQuiet(memory, CALLER_FRAMES, 0);
        assertEquals(WINDOW, memory.vmalloc().space().freePages());
        memory.close();
    }

    private String figures() {
        final Reclaimer reclaimer = memory.vmalloc().reclaimer();
        return "exhausted=" + exhausted + " exhaustions=" + reclaimer.exhaustions() + " drains="
            + reclaimer.drains() + " boundedWaits=" + reclaimer.boundedWaits() + " readers=" + readers.opened + " moved="
            + moved + " grownInPlace=" + grownInPlace + " shrunk=" + shrunk + " refused=" + refused + " flushes=" + memory.stats().flushes()
            + " epochs=" + (memory.epochs().now() - SmallMemory.NEAR_WRAP);
    }

    /** Purges and retries, drains and bounded waits, every way of resizing, and epochs that wrapped in the slot words. */
    private boolean isCovered() {
        final Reclaimer reclaimer = memory.vmalloc().reclaimer();
        return exhausted > 0 && reclaimer.exhaustions() > exhausted && reclaimer.drains() > 0 && reclaimer.boundedWaits() > 0
            && readers.opened > 0 && moved > 0 && grownInPlace > 0 && shrunk > 0 && refused > 0
            && memory.epochs().now() - SmallMemory.NEAR_WRAP > 0x200;
    }
}
