package org.vellum.percpu;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.PageFaultException;

/**
 * An allocator's double: units of a first chunk laid out over native memory, a second chunk mapped by entries, and a bump pointer in one of
 * them. What is freed is remembered, and not used again.
 */
final class CopyWorld implements Pointers {
    static final int SLOTS = 4;
    static final int[] CPUS = {0, 2, 5, 63};
    static final int UNIT = AllocInfo.MIN_UNIT_BYTES;
    /** What the first chunk uses of a unit. */
    static final int FIRST_BYTES = 3 * Pages.SIZE;
    static final long FIRST_BASE = 1L << 30;
    private static final long WINDOW = 1L << 40;
    private static final long WINDOW_PAGES = 4096;
    private static final long TAG = 0x1234L << Address.TAG_SHIFT;
    private static final long SECOND_BASE = WINDOW + 64 * Pages.SIZE | TAG;

    /** Where the double allocates. */
    enum Kind {
        /** In an embedded first chunk whose units are at even distances. */
        EVEN,
        /** In one whose units lie here and there. */
        SCATTERED,
        /** In a second, mapped chunk. */
        MAPPED,
        /** In one whose units are at even distances. */
        MAPPED_EVEN
    }

    final Kind kind;
    final Cpus cpus;
    final PageTable table = new PageTable(WINDOW, WINDOW_PAGES);
    final Layout layout;
    final Set<Long> freed = new HashSet<>();
    private final OwnCopy access;
    private final long base;
    private final Words memory;
    private long next;

    CopyWorld(final Kind kind) {
        this(kind, CpuOptions.forThisMachine().withCachedSlots(SLOTS).withMaxSlots(SLOTS + 2));
    }

    CopyWorld(final Kind kind, final CpuOptions options) {
        this.kind = kind;
        cpus = new Cpus(options);
        layout = kind == Kind.MAPPED_EVEN ? layout(new AllocInfo.Group(0, CPUS))
            // Two groups, one with a hole, and slots in another order than units.
            : layout(new AllocInfo.Group(0, new int[] {5, AllocInfo.HOLE, 0}), new AllocInfo.Group(40L * UNIT, new int[] {63, 2}));
        table.onFault((address, write) -> new PageFaultException(address, "page fault: address=0x" + Long.toHexString(address)));
        table.extendTo(WINDOW_PAGES);
        memory = Words.zeroed(2L * SLOTS * UNIT * 2 / Long.BYTES);
        final long[] natives = new long[SLOTS];
        for (int slot = 0; slot < SLOTS; slot++) {
            final int place = kind == Kind.SCATTERED ? slot * slot % 7 : slot;
            natives[slot] = memory.address((long)place * UNIT / Long.BYTES);
        }
        access = new OwnCopy(cpus, table, layout, FIRST_BASE, natives, this);
        base = isMapped() ? SECOND_BASE : FIRST_BASE;
        if (isMapped()) {
            map();
        }
        next = base + 64;
    }

    private boolean isMapped() {
        return kind == Kind.MAPPED || kind == Kind.MAPPED_EVEN;
    }

    private static Layout layout(final AllocInfo.Group... groups) {
        return new Layout(new AllocInfo(64, 0, FIRST_BYTES - 64, UNIT, Pages.SIZE, UNIT, List.of(groups)), CPUS);
    }

    /** As far as the first chunk reaches; scattered over the memory's second half. */
    private void map() {
        final long native0 = memory.address(2L * SLOTS * UNIT / Long.BYTES) + Pages.OFFSET_MASK & -Pages.SIZE;
        int frame = 0;
        for (int slot = 0; slot < SLOTS; slot++) {
            for (int page = 0; page < FIRST_BYTES / Pages.SIZE; page++) {
                final long address = SECOND_BASE + layout.unitOffset(slot) + (long)page * Pages.SIZE;
                table.set(table.pageOf(address), Entry.present(native0 + (long)(frame++ * 5 % 13) * Pages.SIZE, TAG, Entry.WRITABLE));
            }
        }
    }

    @Override
    public long allocate(final long bytes, final long align) {
        final long pointer = next + align - 1 & -align;
        next = pointer + bytes;
        if (next - base > FIRST_BYTES) {
            throw new AssertionError("the double is full");
        }
        return pointer;
    }

    @Override
    public void free(final long pointer) {
        if (!freed.add(pointer)) {
            throw new AssertionError("freed twice: " + pointer);
        }
    }

    @Override
    public OwnCopy access() {
        return access;
    }

    long base() {
        return base;
    }

    /** Of all copies, by slot. */
    List<Long> longs(final long pointer) {
        final List<Long> values = new ArrayList<>();
        for (final int cpu : CPUS) {
            values.add(access.getLong(pointer, cpu));
        }
        return values;
    }

    List<Integer> ints(final long pointer) {
        final List<Integer> values = new ArrayList<>();
        for (final int cpu : CPUS) {
            values.add(access.getInt(pointer, cpu));
        }
        return values;
    }

    /** A hint at a slot, whoever is there. */
    Cpu cpu(final int slot) {
        return cpus.cpu(slot);
    }
}
