package org.vellum.space;

import org.vellum.frame.PhysicalMemory;
import org.vellum.lock.SleepingLock;

/**
 * What the pages of a region come from, if they are not anonymous: the kernel's {@code vm_operations}.
 *
 * <p>Thread safety: any thread, several at once.
 */
interface Backing {
    /**
     * A frame that shows a page. Called by a fault that holds no lock; outside sections, unless the user has one open.
     *
     * @param region which has the page; it may have ended by now, which whoever installs the frame finds out.
     * @param page of the space.
     * @param write whether for a store.
     * @param mayWait false if the user has a section open.
     * @return the frame, with a reference for the entry if {@link #isCounted}, or {@link PhysicalMemory#NO_FRAME} if memory is exhausted.
     * @throws org.vellum.report.WouldWaitException rather than wait in a section.
     */
    long frame(Region region, long page, boolean write, boolean mayWait);

    /** Takes a frame back that could not be installed: another fault was faster, or the region has ended. Never waits. */
    void giveBack(Region region, long page, long frame);

    /** Whether entries hold a reference to the frame; else they are special. */
    boolean isCounted();

    /** Whether a store of a private region goes to a copy, since the frame is not the region's alone. */
    boolean isCopiedOnWrite();

    /** An entry has been cleared. Under the page-table lock: short, and never waits. What it says of A and D is final. */
    void cleared(Region region, long page, long oldEntry);

    /**
     * Refuses what its pages cannot be: a file that was opened for reading cannot be shared for stores.
     *
     * @throws IllegalArgumentException if the region must not have that access.
     */
    default void requireAccess(final Region region, final int access) {
        // Anything goes.
    }

    /** Pages will be needed. May wait; never inside a section. */
    default void willNeed(final Region region, final long startPage, final long endPage) {
        // Nothing to be done beforehand.
    }

    /**
     * Pages of a space come from here from now on. Under the exclusive space lock, before anybody can find the region.
     *
     * @throws IllegalStateException if that is not possible any more.
     */
    default void mapped(final MemoryDescriptor mm, final Region region) {
        // Nobody keeps account.
    }

    /**
     * The space of a region that has ended is about to detach its tables, after which nobody finds what they say until it is freed. Who must
     * know of dirty pages earlier takes that out now. Outside page-table locks; twice, if something was thrown the first time.
     */
    default void ending(final MemoryDescriptor mm, final Region region) {
        // What cleared() says is early enough.
    }

    /** Pages of a space do not come from here any more: their entries are cleared, or detached. Outside page-table locks. */
    default void unmapped(final MemoryDescriptor mm, final Region region) {
        // Nobody keeps account.
    }

    /** The lock of those who map it, of rank {@code FILE_MAPPING}, for who takes all locks of a space; null if there is none. */
    default SleepingLock mappingLock() {
        return null;
    }
}
