package org.vellum.mmu;

import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;

/**
 * Vellum addresses to native ones, through the window or the linear map below it: the ground under access by address.
 *
 * <p>Invariant: the linear map ends where the window begins or before, and a second window begins behind it, so an address is of one of
 * them, and the window, which is the hot case, may be asked first.
 */
abstract class AddressTranslation {
    private final PageTable table;
    private final PhysicalMemory memory;
    private final PageTable.Elsewhere linear = this::linear;
    /** Volatile: set once the room that hands such addresses out is there. */
    private volatile LinearTags tags = address -> false;
    /** Volatile: as above. */
    private volatile PageTable second;

    /**
     * @param table the window.
     * @param memory the linear map, below the window.
     */
    AddressTranslation(final PageTable table, final PhysicalMemory memory) {
        if (memory.physEnd() > table.start()) {
            throw new IllegalArgumentException("physEnd=" + memory.physEnd() + " windowStart=" + table.start());
        }
        this.table = table;
        this.memory = memory;
    }

    final PageTable table() {
        return table;
    }

    /**
     * Translates for a load. What is returned is valid to the end of the page, until the caller's section ends or while it owns
     * the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped or the tag is of another generation.
     */
    public final long readable(final long address) {
        return table.readable(address, linear);
    }

    /**
     * Translates for a store. What is returned is valid to the end of the page, until the caller's section ends or while it owns
     * the mapping.
     *
     * @param address a Vellum address, tag included.
     * @return the native address.
     * @throws org.vellum.report.PageFaultException if it is not mapped, not writable, or of another generation.
     */
    public final long writable(final long address) {
        return table.writable(address, linear);
    }

    final long translate(final long address, final boolean write) {
        return write ? writable(address) : readable(address);
    }

    /**
     * Sets who knows the tags of the linear map; without, tagged addresses of it fault.
     *
     * @param who asked for each tagged address that the window does not translate.
     */
    public final void setLinearTags(final LinearTags who) {
        tags = who;
    }

    /**
     * Sets a second window, asked where the first one does not translate: its addresses cost a little more, all others nothing.
     *
     * @param window behind the first one; its own faults are thrown.
     */
    public final void setSecondWindow(final PageTable window) {
        if (window.start() < table.end()) {
            throw new IllegalArgumentException("secondStart=" + window.start() + " firstEnd=" + table.end());
        }
        second = window;
    }

    private long linear(final long address, final boolean write) {
        final PageTable window = second;
        if (window != null && window.contains(address)) {
            return write ? window.writable(address) : window.readable(address);
        }
        final long translated = Address.tag(address) == 0 ? memory.nativeAddressOrZero(address)
            : tags.isCurrent(address) ? memory.nativeAddressOrZero(address & Address.MASK) : 0;
        return translated == 0 ? table.high(address, write) : translated;
    }

    static boolean crosses(final long address, final int width) {
        return (address & Pages.OFFSET_MASK) > Pages.SIZE - width;
    }
}
