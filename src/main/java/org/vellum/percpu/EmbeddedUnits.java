package org.vellum.percpu;

import java.util.Arrays;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException.Resource;
import org.vellum.report.PageFaultException;

/**
 * Units in memory that is there already, one piece for each group, wherever their source has it: huge holes between them are allowed, as
 * long as later chunks can have the same ones in the window.
 *
 * <p>All groups get memory or none: whatever is wrong with one, the others' goes back whole. Only then are units that nobody has, and
 * ends that the first chunk does not need, given back one by one; before, what was freed for one group might be handed out for the next.
 */
final class EmbeddedUnits implements UnitMemory {
    private final AllocInfo plan;
    private final int[] cpuIds;
    private final UnitSource source;
    private final Foundation below;
    /** By group of the plan; {@code obtained} of them count. */
    private final long[] areas;
    private int obtained;
    private Layout layout;
    private long base;
    private long span;
    private long[] natives;
    /** Whether holes and ends went back: then the units go back one by one as well. */
    private boolean inParts;
    /** Of those: none is given back twice, whatever the source throws. */
    private int freedUnits;

    EmbeddedUnits(final PercpuOptions options, final Foundation below) {
        final int slots = below.cpus().cachedSlots();
        plan = options.plan(slots, options.atomBytes(), options.distance());
        cpuIds = options.idsOf(slots);
        source = options.source() == null ? new FrameUnitSource(below) : options.source();
        this.below = below;
        areas = new long[plan.groups().size()];
    }

    /**
     * Gets memory for all units, filled.
     *
     * @param image what each begins with, or null.
     * @return null, or why there is none; then nothing has changed.
     */
    Refusal obtain(final byte[] image) {
        try {
            Refusal refusal = allocate();
            refusal = refusal == null ? place() : refusal;
            if (refusal != null) {
                freeGroups();
                return refusal;
            }
            for (final long unit : natives) {
                UnitMemory.fill(unit, 0, layout.firstBytes(), image);
            }
            freeUnused();
            return null;
        } catch (final RuntimeException | Error e) {
            UnitMemory.alsoAfter(e, this::free);
            throw e;
        }
    }

    private Refusal allocate() {
        for (int i = 0; i < areas.length; i++) {
            final AllocInfo.Group group = plan.groups().get(i);
            final long address = source.allocate(group.firstCpu(), plan.bytesOf(group), plan.atomBytes());
            final String asked = "cpu=" + group.firstCpu() + " bytes=" + plan.bytesOf(group) + " align=" + plan.atomBytes();
            if (address == 0) {
                return new Refusal(Resource.FRAMES, "the source refuses memory: " + asked);
            }
            areas[obtained++] = address;
            if ((address & plan.atomBytes() - 1) != 0) {
                return new Refusal(null, "the source's memory is misaligned: address=0x" + Long.toHexString(address) + " " + asked);
            }
        }
        return null;
    }

    private Refusal place() {
        for (final long area : areas) {
            if (Address.tag(area) != Address.tag(areas[0])) {
                return new Refusal(null, "the source's memory bears several tags: address=0x" + Long.toHexString(areas[0])
                    + " address=0x" + Long.toHexString(area));
            }
        }
        final long lowest = Arrays.stream(areas).min().getAsLong();
        for (int i = 0; i < areas.length; i++) {
            span = Math.max(span, areas[i] - lowest + plan.bytesOf(plan.groups().get(i)));
        }
        if (span > below.windowBytes() / 4 * 3) {
            return new Refusal(Resource.WINDOW, "the groups span " + span + " bytes, more than 3/4 of the window of " + below.windowBytes());
        }
        layout = new Layout(plan.at(Arrays.stream(areas).map(area -> area - lowest).toArray()), cpuIds);
        base = lowest + layout.lowestOffset();
        natives = new long[layout.slots()];
        return translate();
    }

    private Refusal translate() {
        for (int slot = 0; slot < natives.length; slot++) {
            final long unit = base + layout.unitOffset(slot);
            natives[slot] = contiguousNative(unit);
            if (natives[slot] == 0) {
                return new Refusal(null, "the source's memory is not mapped side by side: cpu=" + layout.cpuOf(slot) + " address=0x"
                    + Long.toHexString(unit));
            }
        }
        return null;
    }

    /** Valid for as long as the memory is ours; 0 if the unit does not lie in one piece. */
    private long contiguousNative(final long unit) {
        final Cpu cpu = below.cpus().enter();
        try {
            final long first = below.access().writable(unit);
            for (int offset = Pages.SIZE; offset < layout.firstBytes(); offset += Pages.SIZE) {
                if (below.access().writable(unit + offset) - first != offset) {
                    return 0;
                }
            }
            return first;
        } catch (final PageFaultException e) {
            return 0;
        } finally {
            cpu.exit();
        }
    }

    private void freeUnused() {
        if (!source.freesParts()) {
            return;
        }
        inParts = true;
        final Attempts attempts = new Attempts();
        final long unitBytes = plan.unitBytes();
        for (int i = 0; i < areas.length; i++) {
            final AllocInfo.Group group = plan.groups().get(i);
            for (int unit = 0; unit < group.units(); unit++) {
                final long used = group.cpu(unit) == AllocInfo.HOLE ? 0 : layout.firstBytes();
                if (used < unitBytes) {
                    final long unused = areas[i] + unit * unitBytes + used;
                    attempts.run(() -> source.free(unused, unitBytes - used));
                }
            }
        }
        attempts.rethrow();
    }

    /** Each of them, whatever the source throws meanwhile. */
    private void freeGroups() {
        final Attempts attempts = new Attempts();
        while (obtained > 0) {
            obtained--;
            final long address = areas[obtained];
            final long bytes = plan.bytesOf(plan.groups().get(obtained));
            attempts.run(() -> source.free(address, bytes));
        }
        attempts.rethrow();
    }

    /** Why this is possible at all. */
    String fit() {
        return "the groups span " + span + " bytes, at most 3/4 of the window of " + below.windowBytes();
    }

    /** The native address of a slot's unit. */
    long nativeUnit(final int slot) {
        return natives[slot];
    }

    @Override
    public Layout layout() {
        return layout;
    }

    @Override
    public long base() {
        return base;
    }

    @Override
    public long bytes() {
        return inParts ? (long)layout.slots() * layout.firstBytes() : plan.groups().stream().mapToLong(plan::bytesOf).sum();
    }

    /** Its addresses translate as long as the source's do. */
    @Override
    public void retire() {
        // The source decides what its addresses mean.
    }

    @Override
    public void free() {
        if (!inParts) {
            freeGroups();
            return;
        }
        final Attempts attempts = new Attempts();
        while (freedUnits < layout.slots()) {
            final long unit = base + layout.unitOffset(freedUnits++);
            attempts.run(() -> source.free(unit, layout.firstBytes()));
        }
        attempts.rethrow();
    }
}
