package org.vellum.space;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.vellum.cpu.StackReserve;
import org.vellum.gather.SpaceTeardown;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceAccess;
import org.vellum.report.ExhaustedException;

/**
 * A range of addresses, regions of which show memory: the kernel's process, without the process.
 *
 * <p>Addresses are plain: from 0, of which the first page is never mapped, to {@link #bytes}. Another space's addresses mean another space's
 * memory; the same number may be an address of both. Pages come into being when they are touched, through {@link #access}.
 *
 * <p>All ranges are whole pages: starts and lengths are multiples of 4,096 bytes. Any number of threads may do anything to one space at once. What
 * changes regions takes the space lock, for microseconds, so it may wait and is not for sections ({@link IllegalStateException}); accesses and
 * faults take none.
 *
 * <p>The rules are G1 to G15 of the reference; the argument is in the package documentation.
 */
public final class AddressSpace implements AutoCloseable {
    private final MemoryDescriptor mm;
    private final Faults faults;
    private final Unmapping unmapping;
    private final Protecting protecting;
    private final Advising advising;
    private final SpaceAccess access;
    private final AtomicBoolean ended = new AtomicBoolean();

    AddressSpace(final MemoryDescriptor mm) {
        this.mm = mm;
        faults = new Faults(mm);
        unmapping = new Unmapping(mm);
        protecting = new Protecting(mm, unmapping);
        advising = new Advising(mm, faults, mm.spaces.lazilyFreed);
        access = new SpaceAccess(mm.table, faults, mm.cpus);
    }

    /** @return the number that tells it from the others of its memory, from 1. */
    public long number() {
        return mm.number;
    }

    /** @return the end of its addresses, in bytes. */
    public long bytes() {
        return mm.options.bytes();
    }

    /** @return its shape. */
    public SpaceOptions options() {
        return mm.options;
    }

    /**
     * Maps anonymous memory, private, readable and writable, where there is room.
     *
     * @param bytes a multiple of 4,096.
     * @return its first address.
     * @throws IllegalArgumentException if the length is not one.
     * @throws ExhaustedException if the space has no range of that length.
     * @throws IllegalStateException inside a section, or if the space is closed.
     */
    public long map(final long bytes) {
        return map(bytes, MapOptions.DEFAULT);
    }

    /**
     * Maps what the options say at the lowest addresses that have room.
     *
     * @param bytes a multiple of 4,096.
     * @param options what it is to be like.
     * @return its first address.
     * @throws IllegalArgumentException if the length is not one, or does not go with the options.
     * @throws ExhaustedException if the space has no range of that length, or if pages are to be there at once, and there is no memory: then
     * nothing is mapped.
     * @throws IllegalStateException inside a section, or if the space is closed.
     */
    public long map(final long bytes, final MapOptions options) {
        StackReserve.ensureOperations();
        mm.requireBytes(bytes);
        final long pages = bytes >>> Pages.SHIFT;
        final Backing backing = options.backing(mm, pages);
        final long page;
        mm.lock.lockExclusive();
        try {
            mm.requireOpen();
            page = mm.index.lowestGap(pages, options.alignPages(), MemoryDescriptor.FIRST_PAGE, mm.pages());
            if (page == RegionIndex.NONE) {
                throw new ExhaustedException(ExhaustedException.Resource.ADDRESSES, "no " + bytes + " bytes in a row, aligned to "
                    + (options.alignPages() << Pages.SHIFT) + ", are free in " + mm);
            }
            insert(options.region(backing, page, pages));
        } finally {
            mm.lock.unlockExclusive();
        }
        populate(page, pages, options);
        return page << Pages.SHIFT;
    }

    /**
     * Maps what the options say at given addresses. What is being unmapped there by somebody else is waited for.
     *
     * @param address the first: a multiple of 4,096 that the options' alignment does not matter for.
     * @param bytes a multiple of 4,096.
     * @param options what it is to be like.
     * @throws IllegalArgumentException if that is no range of the space, or something is mapped there: nothing has changed.
     * @throws ExhaustedException if pages are to be there at once, and there is no memory: then nothing is mapped.
     * @throws IllegalStateException inside a section, or if the space is closed.
     */
    public void mapFixed(final long address, final long bytes, final MapOptions options) {
        StackReserve.ensureOperations();
        final long page = mm.requireStart(address, bytes);
        final long pages = bytes >>> Pages.SHIFT;
        final Backing backing = options.backing(mm, pages);
        unmapping.lockWithoutTombstones(page, page + pages);
        try {
            mm.requireOpen();
            requireFree(page, page + pages);
            insert(options.region(backing, page, pages));
        } finally {
            mm.lock.unlockExclusive();
        }
        populate(page, pages, options);
    }

    private void requireFree(final long startPage, final long endPage) {
        if (!mm.index.isFree(startPage, endPage)) {
            throw new IllegalArgumentException("startPage=" + startPage + " endPage=" + endPage + " of " + mm + " overlaps "
                + mm.index.findAtOrAbove(startPage));
        }
    }

    private void insert(final Region region) {
        if (region.backing() != null) {
            region.backing().mapped(mm, region);
        }
        mm.index.insert(region);
    }

    private void populate(final long page, final long pages, final MapOptions options) {
        if (options.isPopulated()) {
            boolean populated = false;
            try {
                advising.populate(page, page + pages);
                populated = true;
            } finally {
                if (!populated) {
                    unmapping.unmap(page, page + pages);
                }
            }
        }
    }

    /**
     * Takes a range away, whatever is mapped there; regions that reach beyond it are cut. Nothing mapped there is nothing done.
     *
     * <p>The range is free when this returns. What its pages held is freed once no section is open any more that may have translated it:
     * whether this waits for them is the space's {@linkplain SpaceOptions#mode mode}. A thread that is interrupted returns early, still interrupted, if
     * the memory has a worker to do the rest, unless it is to wait; until that is done, whoever maps or unmaps there waits for it.
     *
     * @param address the first: a multiple of 4,096.
     * @param bytes a multiple of 4,096.
     * @throws IllegalArgumentException if that is no range of the space.
     * @throws IllegalStateException inside a section, or if the space is closed.
     */
    public void unmap(final long address, final long bytes) {
        final long page = mm.requireStart(address, bytes);
        unmapping.unmap(page, page + (bytes >>> Pages.SHIFT));
    }

    /**
     * Changes what may be done to the pages of a range, all of which are mapped. Waits until what it forbids does not happen any more: until
     * every section has ended that may have translated a page for it.
     *
     * @param address the first: a multiple of 4,096.
     * @param bytes a multiple of 4,096.
     * @param access {@link Region#READ}, {@link Region#WRITE}, both or 0.
     * @throws IllegalArgumentException if that is no range of the space, or there is a hole in it, or a backing refuses it: nothing has changed.
     * @throws IllegalStateException inside a section, or if the space is closed.
     */
    public void protect(final long address, final long bytes, final int access) {
        MapOptions.requireAccess(access);
        final long page = mm.requireStart(address, bytes);
        protecting.protect(page, page + (bytes >>> Pages.SHIFT), access);
    }

    /**
     * Says something about the pages of a range, all of which are mapped.
     *
     * @param address the first: a multiple of 4,096.
     * @param bytes a multiple of 4,096.
     * @param advice what.
     * @throws IllegalArgumentException if that is no range of the space, there is a hole in it, or the advice is not for one of its regions:
     * nothing has changed.
     * @throws ExhaustedException if pages are to be there at once, and there is no memory; those that are there stay.
     * @throws IllegalStateException inside a section, or if the space is closed.
     */
    public void advise(final long address, final long bytes, final Advice advice) {
        mm.cpus.mightSleep("advice");
        final long page = mm.requireStart(address, bytes);
        advising.advise(page, page + (bytes >>> Pages.SHIFT), advice);
    }

    /**
     * @param address any.
     * @return the region that has it now, or null. It never changes; it may have ended by the time it is looked at.
     */
    public Region region(final long address) {
        final Region region = address < 0 ? null : mm.index.find(address >>> Pages.SHIFT);
        return region == null || region.isDying() ? null : region;
    }

    /** @return typed access by address. */
    public SpaceAccess access() {
        return access;
    }

    /**
     * Walks the space; takes as long as it has pages.
     *
     * @return what it holds.
     */
    public SpaceInfo meminfo() {
        return new SpaceSurvey(mm).info();
    }

    /** @return a line for each region: addresses, permissions, where its pages come from. */
    public String maps() {
        return new SpaceSurvey(mm).maps();
    }

    /**
     * How long locks were held by those who change regions or take pages away, measured by themselves.
     *
     * @return the longest since this was asked last, in nanoseconds.
     */
    public long takeLongestHoldNanos() {
        return mm.holdTimes.takeLongest();
    }

    int regions() {
        return mm.index.count();
    }

    /**
     * Checks a space that nobody changes meanwhile.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        new SpaceSurvey(mm).verify();
    }

    /**
     * Ends the space: whoever touches it from now on gets a {@link org.vellum.report.PageFaultException}, whoever changes it an {@link
     * IllegalStateException}. All of it is flushed once, then freed. A second time does nothing.
     *
     * @throws IllegalStateException inside a section.
     */
    @Override
    public void close() {
        mm.cpus.mightSleep("closing a space");
        end();
    }

    void end() {
        if (ended.compareAndSet(false, true)) {
            StackReserve.ensureOperations();
            mm.spaces.forget(this);
            mm.closed = true;
            final List<Region> regions = unmapping.endAll();
            final SpaceTeardown teardown =
                new SpaceTeardown(mm.gathers, mm.table, RegionEntries.ofEnded(regions), () -> unmapping.tellUnmapped(regions));
            teardown.detach();
            teardown.flushAndFree(mm.spaces.graceNanos);
        }
    }

    @Override
    public String toString() {
        return mm.toString();
    }
}
