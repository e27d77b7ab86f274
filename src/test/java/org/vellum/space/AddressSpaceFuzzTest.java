package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vellum.cpu.Cpu;
import org.vellum.gather.GatherMode;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;
import org.vellum.rmap.AnonVma;

/**
 * Random operations on one space after another, whose pages are more than there are frames, against a model that keeps what each page is. A
 * quarter of a million for each policy and mode; as many as one wants with {@code -Dspace.fuzz.operations=}, the same again with {@code
 * -Dspace.fuzz.seed=}.
 */
class AddressSpaceFuzzTest {
    private static final int OPERATIONS = Integer.getInteger("space.fuzz.operations", 250_000);
    private static final int PAGES = 256;
    private static final int FRAMES = 48;
    private static final int COMPARE_EVERY = 64;
    private static final int VERIFY_EVERY = 4096;
    private static final int OPEN_EVERY = 16_384;
    private static final int ACCESS = Region.READ | Region.WRITE;
    private static final int NOT_MAPPED = -1;

    /** What has to happen at least once. */
    private enum Event {
        MAP, MAP_NO_ROOM, MAP_FIXED, MAP_OVERLAP, MAP_POPULATED, MAP_EXHAUSTED, UNMAP, UNMAP_NOTHING, UNMAP_INTERRUPTED, PROTECT, PROTECT_HOLE,
        DONTNEED, FREE, WILLNEED, POPULATE, ADVISE_HOLE, ADVISE_REFUSED, POPULATE_EXHAUSTED, STORE, STORE_FAULT, STORE_EXHAUSTED, LOAD,
        LOAD_FAULT, LOAD_EXHAUSTED, IN_SECTION, IN_SECTION_REFUSED, GROWN, DROPPED, CLOSE, CLOSED_REFUSED, BAD_RANGE
    }

    private final long seed = Long.getLong("space.fuzz.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Map<Event, Long> events = new EnumMap<>(Event.class);
    private final SpaceWorld world = new SpaceWorld(FRAMES).hashed(hashGroups());
    private UnmapPolicy policy;
    private GatherMode mode;
    private AddressSpace space;

    /** Per page the flags of its region, or {@link #NOT_MAPPED}. */
    private final int[] flags = new int[PAGES];
    private final long[] content = new long[PAGES];
    /** Whether it may read as zeroes by now, although its content was something else. */
    private final boolean[] free = new boolean[PAGES];

    @ParameterizedTest
    @CsvSource({"PREEMPTIBLE, RETIRE", "PREEMPTIBLE, WAIT", "ATOMIC, RETIRE", "ATOMIC, WAIT"})
    void agreesWithPageByPage(final UnmapPolicy unmapPolicy, final GatherMode gatherMode) {
        policy = unmapPolicy;
        mode = gatherMode;
        System.out.println("AddressSpaceFuzzTest seed=" + seed + " " + policy + " " + mode);
        open();
        for (int i = 0; i < OPERATIONS; i++) {
            step();
            comparePage(page());
            if (i % COMPARE_EVERY == 0) {
                compareRegions();
            }
            if (i % VERIFY_EVERY == 0) {
                world.spaces.verify();
                world.frames.verify();
                compareContents();
            }
            if (i % OPEN_EVERY == OPEN_EVERY - 1) {
                close();
                open();
            }
        }
        close();
        // The zero frame.
        world.requireFramesInUse(1);
        world.close();
        for (final Event event : Event.values()) {
            assertTrue(events.getOrDefault(event, 0L) > 0, () -> event + " never: " + told());
        }
    }

    private String told() {
        return "seed=" + seed + " " + policy + " " + mode + " " + events + "\n" + space.maps();
    }

    private void count(final Event event) {
        events.merge(event, 1L, Long::sum);
    }

    private void open() {
        space = world.space(PAGES, mode, policy);
        for (int page = 0; page < PAGES; page++) {
            forget(page);
        }
        // No frame for the table, nor for the zero frame if it is the first time.
        world.settledFrames();
        final List<Long> taken = world.takeAllBut(0);
        space.mapFixed(SpaceWorld.PAGE, SpaceWorld.PAGE, MapOptions.DEFAULT);
        mapped(1, 2, ACCESS, false);
        load(1);
        taken.forEach(world::free);
    }

    private void close() {
        compareContents();
        final AddressSpace old = space;
        old.close();
        count(Event.CLOSE);
        for (int page = 0; page < PAGES; page++) {
            forget(page);
        }
        final long address = page() * SpaceWorld.PAGE;
        refused(IllegalStateException.class, () -> old.map(SpaceWorld.PAGE), Event.CLOSED_REFUSED);
        refused(IllegalStateException.class, () -> old.unmap(address, SpaceWorld.PAGE), Event.CLOSED_REFUSED);
        refused(PageFaultException.class, () -> old.access().getLong(address), Event.CLOSED_REFUSED);
        refused(PageFaultException.class, () -> old.access().putLong(address, 1), Event.CLOSED_REFUSED);
    }

    private void forget(final int page) {
        flags[page] = NOT_MAPPED;
        content[page] = 0;
        free[page] = false;
    }

    /** Of any but the first. */
    private int page() {
        return 1 + random.nextInt(PAGES - 1);
    }

    private void step() {
        final int dice = random.nextInt(100);
        final int start = page();
        final int end = start + 1 + random.nextInt(Math.min(PAGES - start, random.nextInt(8) == 0 ? PAGES : 12));
        if (dice < 6) {
            map(end - start);
        } else if (dice < 12) {
            mapFixed(start, end);
        } else if (dice < 20) {
            unmap(start, end);
        } else if (dice < 26) {
            protect(start, end);
        } else if (dice < 36) {
            advise(start, end, Advice.values()[random.nextInt(Advice.values().length)]);
        } else if (dice < 37) {
            badRange(start, end);
        } else if (dice < 67) {
            store(start);
        } else if (dice < 97) {
            load(start);
        } else {
            inSection(start, end);
        }
    }

    private void refused(final Class<? extends RuntimeException> expected, final Runnable operation, final Event event) {
        try {
            operation.run();
        } catch (final RuntimeException e) {
            if (!expected.isInstance(e)) {
                throw new AssertionError(told(), e);
            }
            count(event);
            return;
        }
        fail(expected + " expected for " + event + ": " + told());
    }

    private int randomFlags() {
        return (random.nextInt(4) == 0 ? random.nextInt(4) : ACCESS) | (random.nextInt(8) == 0 ? Region.SHARED : 0)
            | (random.nextInt(8) == 0 ? Region.GROWS : 0) | (random.nextInt(16) == 0 ? Region.LOCKED : 0);
    }

    private static MapOptions options(final int wanted, final boolean populated) {
        MapOptions options = MapOptions.DEFAULT.access(wanted & ACCESS);
        options = (wanted & Region.SHARED) != 0 ? options.shared() : options;
        options = (wanted & Region.GROWS) != 0 ? options.grows() : options;
        options = (wanted & Region.LOCKED) != 0 ? options.locked() : options;
        return populated ? options.populated() : options;
    }

    private boolean isFree(final int start, final int end) {
        for (int page = start; page < end; page++) {
            if (flags[page] != NOT_MAPPED) {
                return false;
            }
        }
        return true;
    }

    private boolean isCovered(final int start, final int end) {
        for (int page = start; page < end; page++) {
            if (flags[page] == NOT_MAPPED) {
                return false;
            }
        }
        return true;
    }

    private int lowestGap(final int pages, final int align) {
        for (int page = align; page + pages <= PAGES; page += align) {
            if (isFree(page, page + pages)) {
                return page;
            }
        }
        return NOT_MAPPED;
    }

    private void map(final int pages) {
        final int align = 1 << random.nextInt(4);
        final int wanted = randomFlags();
        final boolean populated = random.nextInt(8) == 0 || (wanted & Region.LOCKED) != 0;
        final MapOptions options = options(wanted, populated).align(align * SpaceWorld.PAGE);
        final int gap = lowestGap(pages, align);
        if (gap == NOT_MAPPED) {
            refused(ExhaustedException.class, () -> space.map(pages * SpaceWorld.PAGE, options), Event.MAP_NO_ROOM);
            return;
        }
        try {
            assertEquals(gap * SpaceWorld.PAGE, space.map(pages * SpaceWorld.PAGE, options), this::told);
            mapped(gap, gap + pages, wanted, populated);
            count(Event.MAP);
        } catch (final ExhaustedException e) {
            exhausted(populated, gap, gap + pages);
        }
    }

    private void mapFixed(final int start, final int end) {
        final int wanted = randomFlags();
        final boolean populated = random.nextInt(8) == 0 || (wanted & Region.LOCKED) != 0;
        final MapOptions options = options(wanted, populated);
        final Runnable operation = () -> space.mapFixed(start * SpaceWorld.PAGE, (end - start) * SpaceWorld.PAGE, options);
        if (!isFree(start, end)) {
            refused(IllegalArgumentException.class, operation, Event.MAP_OVERLAP);
            return;
        }
        try {
            operation.run();
            mapped(start, end, wanted, populated);
            count(Event.MAP_FIXED);
        } catch (final ExhaustedException e) {
            exhausted(populated, start, end);
        }
    }

    private void mapped(final int start, final int end, final int wanted, final boolean populated) {
        for (int page = start; page < end; page++) {
            flags[page] = wanted;
            content[page] = 0;
            free[page] = false;
        }
        if (populated) {
            count(Event.MAP_POPULATED);
        }
    }

    private void exhausted(final boolean populated, final int start, final int end) {
        assertTrue(populated, this::told);
        for (int page = start; page < end; page++) {
            assertNull(space.region(page * SpaceWorld.PAGE), this::told);
        }
        count(Event.MAP_EXHAUSTED);
    }

    private void unmap(final int start, final int end) {
        final boolean nothing = isFree(start, end);
        final boolean interrupted = random.nextInt(8) == 0;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        space.unmap(start * SpaceWorld.PAGE, (end - start) * SpaceWorld.PAGE);
        assertEquals(interrupted, Thread.interrupted(), this::told);
        for (int page = start; page < end; page++) {
            forget(page);
        }
        count(nothing ? Event.UNMAP_NOTHING : interrupted ? Event.UNMAP_INTERRUPTED : Event.UNMAP);
    }

    private void protect(final int start, final int end) {
        final int access = random.nextInt(4);
        final Runnable operation = () -> space.protect(start * SpaceWorld.PAGE, (end - start) * SpaceWorld.PAGE, access);
        if (!isCovered(start, end)) {
            refused(IllegalArgumentException.class, operation, Event.PROTECT_HOLE);
            return;
        }
        operation.run();
        for (int page = start; page < end; page++) {
            flags[page] = flags[page] & ~ACCESS | access;
        }
        count(Event.PROTECT);
    }

    private void advise(final int start, final int end, final Advice advice) {
        final Runnable operation = () -> space.advise(start * SpaceWorld.PAGE, (end - start) * SpaceWorld.PAGE, advice);
        if (!isCovered(start, end)) {
            refused(IllegalArgumentException.class, operation, Event.ADVISE_HOLE);
            return;
        }
        final int not = advice == Advice.DONTNEED ? Region.LOCKED : advice == Advice.FREE ? Region.LOCKED | Region.SHARED : 0;
        for (int page = start; page < end; page++) {
            if ((flags[page] & not) != 0) {
                refused(IllegalArgumentException.class, operation, Event.ADVISE_REFUSED);
                return;
            }
        }
        try {
            operation.run();
        } catch (final ExhaustedException e) {
            assertEquals(Advice.POPULATE, advice, this::told);
            count(Event.POPULATE_EXHAUSTED);
            return;
        }
        for (int page = start; page < end; page++) {
            content[page] = advice == Advice.DONTNEED ? 0 : content[page];
            free[page] = advice == Advice.FREE || free[page] && advice != Advice.DONTNEED;
        }
        count(Event.valueOf(advice.name()));
    }

    private void badRange(final int start, final int end) {
        final long address = start * SpaceWorld.PAGE;
        final long bytes = (end - start) * SpaceWorld.PAGE;
        final long[][] bad = {{address + 1, bytes}, {address, bytes + 8}, {address, 0}, {address, -bytes}, {-address, bytes},
            {address, PAGES * SpaceWorld.PAGE}, {0, bytes}, {address, Long.MAX_VALUE & -SpaceWorld.PAGE}};
        final long[] range = bad[random.nextInt(bad.length)];
        switch (random.nextInt(4)) {
            case 0 -> refused(IllegalArgumentException.class, () -> space.mapFixed(range[0], range[1], MapOptions.DEFAULT), Event.BAD_RANGE);
            case 1 -> refused(IllegalArgumentException.class, () -> space.unmap(range[0], range[1]), Event.BAD_RANGE);
            case 2 -> refused(IllegalArgumentException.class, () -> space.protect(range[0], range[1], 0), Event.BAD_RANGE);
            default -> refused(IllegalArgumentException.class, () -> space.advise(range[0], range[1], Advice.DONTNEED), Event.BAD_RANGE);
        }
    }

    private static long slot(final int page) {
        return page * SpaceWorld.PAGE + page * 8L;
    }

    private boolean allows(final int page, final int access) {
        grow(page);
        return flags[page] != NOT_MAPPED && (flags[page] & access) != 0;
    }

    /** What a touch does below a region that grows: nothing else may be within reach below it. */
    private void grow(final int page) {
        int above = page;
        while (above < PAGES && flags[above] == NOT_MAPPED) {
            above++;
        }
        if (above > page && above < PAGES && (flags[above] & Region.GROWS) != 0
            && (page == 1 || isFree(Math.max(1, page - (int)Growth.GUARD_PAGES), page))) {
            mapped(page, above, flags[above], false);
            count(Event.GROWN);
        }
    }

    private void store(final int page) {
        final long value = random.nextLong() | 1;
        if (!allows(page, Region.WRITE)) {
            refused(PageFaultException.class, () -> space.access().putLong(slot(page), value), Event.STORE_FAULT);
            return;
        }
        try {
            space.access().putLong(slot(page), value);
            stored(page, value);
            count(Event.STORE);
        } catch (final ExhaustedException e) {
            count(Event.STORE_EXHAUSTED);
        }
    }

    private void stored(final int page, final long value) {
        content[page] = value;
        free[page] = false;
    }

    private void load(final int page) {
        if (!allows(page, Region.READ)) {
            refused(PageFaultException.class, () -> space.access().getLong(slot(page)), Event.LOAD_FAULT);
            return;
        }
        try {
            loaded(page, space.access().getLong(slot(page)));
            count(Event.LOAD);
        } catch (final ExhaustedException e) {
            count(Event.LOAD_EXHAUSTED);
        }
    }

    private void loaded(final int page, final long value) {
        if (value == 0 && free[page] && content[page] != 0) {
            content[page] = 0;
            count(Event.DROPPED);
        }
        assertEquals(content[page], value, () -> "page=" + page + " " + told());
    }

    private void inSection(final int start, final int end) {
        final Cpu cpu = world.cpus.enter();
        try {
            if (random.nextBoolean()) {
                store(start);
            } else {
                load(start);
            }
            count(Event.IN_SECTION);
            refused(IllegalStateException.class, () -> space.unmap(start * SpaceWorld.PAGE, (end - start) * SpaceWorld.PAGE),
                Event.IN_SECTION_REFUSED);
        } finally {
            cpu.exit();
        }
    }

    /** Region and content of one page. */
    private void comparePage(final int page) {
        final Region region = space.region(page * SpaceWorld.PAGE);
        if (flags[page] == NOT_MAPPED) {
            assertNull(region, this::told);
            return;
        }
        assertNotNull(region, () -> "page=" + page + " " + told());
        assertEquals(flags[page], region.flags(), () -> "page=" + page + " " + told());
        assertTrue(region.isCurrent() && isBorder((int)region.startPage()) && isBorder((int)region.endPage()), () -> region + " " + told());
    }

    /** Whether something else begins at a page, or pages of another family, which never join. */
    private boolean isBorder(final int page) {
        return page == PAGES || flags[page] != flags[page - 1] || family(page) != null && family(page - 1) != null && family(page) != family(page - 1);
    }

    private AnonVma family(final int page) {
        return space.region(page * SpaceWorld.PAGE).anonVma();
    }

    private void compareRegions() {
        final int[] next = {1};
        space.descriptor().index.forEach(region -> {
            assertTrue(isFree(next[0], (int)Math.max(next[0], region.startPage())), this::told);
            for (int page = (int)region.startPage(); page < region.endPage(); page++) {
                assertEquals(flags[page], region.flags(), this::told);
            }
            next[0] = (int)region.endPage();
        });
        assertTrue(isFree(next[0], PAGES), this::told);
    }

    private void compareContents() {
        for (int page = 1; page < PAGES; page++) {
            if (flags[page] != NOT_MAPPED && (flags[page] & Region.READ) != 0) {
                load(page);
            }
        }
    }

    /** Whether translations are kept in a hash, too. */
    int hashGroups() {
        return 0;
    }
}
