package org.vellum.vmap;

import java.util.Locale;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.mmu.FaultHandler;
import org.vellum.report.PageFaultException;

/**
 * Says what is known of an address: the area that holds it, alive or in limbo, else the nearest area below and how far past
 * it the address lies. A look without locks: what it says may be a moment old.
 */
final class VmapFaults implements FaultHandler {
    private final VmapSpace space;

    VmapFaults(final VmapSpace space) {
        this.space = space;
    }

    @Override
    public RuntimeException fault(final long address, final boolean write) {
        return new PageFaultException(address, "page fault: " + (write ? "store to " : "load from ") + describe(space, address),
            write, null);
    }

    /** For a call that expected an address to be the start of a live area. */
    static String explain(final VmapSpace space, final long address, final String call) {
        return call + ": not the start of a live area of its kind: " + describe(space, address) + rightCall(space, address);
    }

    /** If a live area does start there, it is another call that ends it. */
    private static String rightCall(final VmapSpace space, final long address) {
        final long id = space.find(address);
        if (id == VmapSpace.NONE) {
            return "";
        }
        final long word = space.records().state(id);
        final boolean putPages = (AreaRecords.flagsOf(word) & VmallocFlags.PUT_PAGES) != 0;
        return ", which is ended by " + (putPages ? AreaKind.VMALLOC : AreaRecords.kindOf(word)).endedBy();
    }

    static String describe(final VmapSpace space, final long address) {
        final String name = "address=0x" + Long.toHexString(address);
        if (!space.table.contains(address)) {
            return name + ", outside the vmap window [0x" + Long.toHexString(space.table.start()) + ", 0x"
                + Long.toHexString(space.table.end()) + ")";
        }
        final long page = space.table.pageOf(address);
        final long start = space.index().floor(page);
        final long id = start < 0 ? -1 : space.idAt(start);
        if (id < 0) {
            return name + ", no area at or below it";
        }
        return name + ", " + describe(space, address, page, id);
    }

    private static String describe(final VmapSpace space, final long address, final long page, final long id) {
        final AreaRecords records = space.records();
        final long word = records.state(id);
        final long start = records.start(id);
        final String area = area(space, id, word);
        if (page >= start + records.span(id)) {
            return (page - start - records.span(id) << Pages.SHIFT) + (address & Pages.OFFSET_MASK)
                + " bytes past the nearest area below, " + area;
        }
        final String place = "at offset " + ((page - start << Pages.SHIFT) + (address & Pages.OFFSET_MASK));
        if (AreaRecords.stateOf(word) == AreaRecords.CACHED) {
            return place + " of a range that was unmapped and is kept for reuse, formerly " + area;
        }
        if (AreaRecords.stateOf(word) == AreaRecords.LAZY) {
            return place + " inside an area that was unmapped and is in limbo, " + area;
        }
        if (page >= start + records.pages(id)) {
            return "in the guard page of " + area;
        }
        if (AreaRecords.kindOf(word) != AreaKind.BLOCK && AreaRecords.tagOf(word) != Address.tag(address)) {
            return "tag of another generation than that of " + area;
        }
        return place + " of " + area;
    }

    private static String area(final VmapSpace space, final long id, final long word) {
        final AreaRecords records = space.records();
        return AreaRecords.kindOf(word).name().toLowerCase(Locale.ROOT) + " area 0x"
            + Long.toHexString(space.table.addressOf(records.start(id)) | AreaRecords.tagOf(word)) + " of "
            + records.size(id) + " bytes";
    }
}
