package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;

/**
 * Loads from an address space outside sections: r1 to r5 of {@link SpaceTable}. Nothing is announced, so nothing waits for a read; it
 * looks twice and starts anew if something has changed meanwhile.
 *
 * <p>Addresses count from 0 at the start of the space. Thread safety: any thread, inside sections or out.
 */
public final class SpaceReads {
    private final SpaceTable table;
    private final SpaceFaults faults;

    /**
     * @param table of the space.
     * @param faults asked when a page does not translate.
     */
    public SpaceReads(final SpaceTable table, final SpaceFaults faults) {
        this.table = table;
        this.faults = faults;
    }

    /**
     * @param address of eight bytes within one page of the space, in bytes.
     * @return what is there, in the processor's order.
     * @throws org.vellum.report.PageFaultException if the page may not be read.
     */
    public long getLong(final long address) {
        final long page = address >>> Pages.SHIFT;
        assert page < table.pages() && (address & Pages.OFFSET_MASK) <= Pages.SIZE - Long.BYTES : "address=" + address;
        while (true) {
            final long word = table.directoryWord(page);
            if (!SpaceTable.hasLeaf(word)) {
                faults.fault(page, false);
                continue;
            }
            final long at = SpaceTable.entryAddress(word, page);
            // r2; volatile: before r3, whose load fence that is.
            final long entry = UnsafeApi.getLongVolatile(null, at);
            if (table.directoryWord(page) != word) {
                continue;
            }
            if (!SpaceEntry.has(entry, SpaceEntry.READ_CHECK)) {
                faults.fault(page, false);
                continue;
            }
            final long value = UnsafeApi.getLong(SpaceEntry.nativePage(entry) + (address & Pages.OFFSET_MASK));
            // r4 before r5; partner: the exchange in SpaceTable.replaceNoFlush().
            UnsafeApi.loadFence();
            if (SpaceEntry.isSame(UnsafeApi.getLongVolatile(null, at), entry) && table.directoryWord(page) == word) {
                return value;
            }
        }
    }
}
