package org.vellum.vmap;

import java.util.Locale;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * {@code vread} and {@code vwrite}: bounded copies from and to the window that step over holes (V40), for debuggers and
 * dumps. And the look-ups that a person asks for: an area by address, the list of all.
 *
 * <p>Addresses here are taken without their tags: whoever dumps memory wants what is there now. Thread safety: all methods
 * may be called by any thread; areas may come and go meanwhile, and each page is read as it is found in a section.
 */
public final class VmapReader {
    private final VmapSpace space;
    private final PageTable table;

    /**
     * @param space the window.
     */
    public VmapReader(final VmapSpace space) {
        this.space = space;
        table = space.table;
    }

    /**
     * Reads what is mapped, and zeroes where nothing is: guards, holes and sparse areas read as zero.
     *
     * @param address first byte; what lies outside the window reads as zero.
     * @param buffer receives the bytes.
     * @param index of the first byte in it.
     * @param length in bytes, at least 0.
     * @return how many bytes came from live mappings.
     * @throws IllegalArgumentException if {@code length < 0} or the range wraps around.
     * @throws IndexOutOfBoundsException if the buffer is too small.
     */
    public int vread(final long address, final MutableDirectBuffer buffer, final int index, final int length) {
        final long from = checkRange(address, length);
        buffer.boundsCheck(index, length);
        final UnsafeBuffer page = new UnsafeBuffer(0, 0);
        int live = 0;
        for (int done = 0; done < length;) {
            final int run = run(from + done, length - done);
            final Cpu cpu = space.cpus.enter();
            try {
                final long source = present(from + done, false);
                if (source == 0) {
                    buffer.setMemory(index + done, run, (byte)0);
                } else {
                    page.wrap(source, run);
                    buffer.putBytes(index + done, page, 0, run);
                    live += run;
                }
            } finally {
                cpu.exit();
            }
            done += run;
        }
        return live;
    }

    /**
     * Writes where something is mapped writable, and steps over the rest.
     *
     * @param address first byte.
     * @param buffer holds the bytes.
     * @param index of the first byte in it.
     * @param length in bytes, at least 0.
     * @return how many bytes were written.
     * @throws IllegalArgumentException if {@code length < 0} or the range wraps around.
     * @throws IndexOutOfBoundsException if the buffer is too small.
     */
    public int vwrite(final long address, final DirectBuffer buffer, final int index, final int length) {
        final long to = checkRange(address, length);
        buffer.boundsCheck(index, length);
        final UnsafeBuffer page = new UnsafeBuffer(0, 0);
        int live = 0;
        for (int done = 0; done < length;) {
            final int run = run(to + done, length - done);
            final Cpu cpu = space.cpus.enter();
            try {
                final long target = present(to + done, true);
                if (target != 0) {
                    page.wrap(target, run);
                    buffer.getBytes(index + done, page, 0, run);
                    live += run;
                }
            } finally {
                cpu.exit();
            }
            done += run;
        }
        return live;
    }

    private static long checkRange(final long address, final int length) {
        final long from = address & Address.MASK;
        if (length < 0 || from + length > Address.MASK) {
            throw new IllegalArgumentException("address=0x" + Long.toHexString(address) + " length=" + length);
        }
        return from;
    }

    private static int run(final long address, final int left) {
        return (int)Math.min(left, Pages.SIZE - (address & Pages.OFFSET_MASK));
    }

    private long present(final long address, final boolean write) {
        if (!table.contains(address)) {
            return 0;
        }
        final long page = table.pageOf(address);
        final long entry = table.get(page);
        final boolean usable = Entry.isPresent(entry) && (!write || Entry.isWritable(entry)) && !isSparse(page);
        return usable ? Entry.nativePage(entry) + (address & Pages.OFFSET_MASK) : 0;
    }

    private boolean isSparse(final long page) {
        final long start = space.index().floor(page);
        final long id = start < 0 ? -1 : space.idAt(start);
        return id >= 0 && AreaRecords.kindOf(space.records().state(id)) == AreaKind.SPARSE;
    }

    /**
     * The live area that contains an address; interior addresses find it too (V31).
     *
     * @param address tagged or not; a tag must be the area's.
     * @return a look at it, or null.
     */
    public AreaInfo findArea(final long address) {
        if (!table.contains(address)) {
            return null;
        }
        final long page = table.pageOf(address);
        final long start = space.index().floor(page);
        final AreaInfo info = start < 0 ? null : info(start);
        if (info == null || info.lazy() || page >= start + info.pages()) {
            return null;
        }
        final long tag = Address.tag(address);
        // The mappings that a block serves bear tags of their own.
        return tag == 0 || tag == Address.tag(info.address()) || info.kind() == AreaKind.BLOCK ? info : null;
    }

    /** A consistent look, or null if the area is reserved, gone, or goes while one looks. */
    private AreaInfo info(final long start) {
        final long id = space.idAt(start);
        if (id < 0) {
            return null;
        }
        final AreaRecords records = space.records();
        final long word = records.state(id);
        final int state = AreaRecords.stateOf(word);
        if (state == AreaRecords.FREE || state == AreaRecords.RESERVED || state == AreaRecords.CACHED) {
            return null;
        }
        final AreaInfo info = new AreaInfo(table.addressOf(start) | AreaRecords.tagOf(word), records.size(id),
            records.pages(id), records.span(id), AreaRecords.kindOf(word), state == AreaRecords.LAZY);
        // The fields were read between two looks at the state; the generation in it says whether they belong together.
        UnsafeApi.loadFence();
        return records.start(id) == start && records.state(id) == word ? info : null;
    }

    /**
     * The report of all areas, lowest address first (V41); areas that are being set up are skipped.
     *
     * @return one line an area: range, bytes, pages, kind, "lazy" if unmapped and waiting.
     */
    public String vmallocInfo() {
        final StringBuilder text = new StringBuilder(1024);
        for (long page = space.index().ceiling(0); page >= 0; page = next(page)) {
            final AreaInfo info = info(page);
            if (info != null) {
                text.append(String.format("0x%012x-0x%012x %12d %8d pages %s%s%n", table.addressOf(page),
                    table.addressOf(page + info.spanPages()), info.size(), info.pages(),
                    info.kind().name().toLowerCase(Locale.ROOT), info.lazy() ? " lazy" : ""));
            }
        }
        return text.toString();
    }

    private long next(final long page) {
        return page + 1 < table.pages() ? space.index().ceiling(page + 1) : -1;
    }
}
