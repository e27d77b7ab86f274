package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.cpu.StackReserve;
import org.vellum.gather.SpaceTeardown;
import org.vellum.mem.Pages;
import org.vellum.mmu.HashedAccess;
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
    private final UserPages pages;
    private final Users users;
    private final AtomicBoolean closeBegun = new AtomicBoolean();
    private final ReentrantLock closing = new ReentrantLock();
    /** Those that there were when the space was closed; with what follows, made before anything ends. Under {@link #closing}. */
    private final List<Region> endedRegions = new ArrayList<>();
    private final SpaceTeardown teardown;
    private boolean ended;

    AddressSpace(final MemoryDescriptor mm) {
        this.mm = mm;
        faults = new Faults(mm);
        unmapping = mm.unmapping;
        protecting = new Protecting(mm, unmapping);
        advising = new Advising(mm, faults, mm.spaces.lazilyFreed);
        access = mm.hash == null ? new SpaceAccess(mm.table, faults, mm.cpus) : new HashedAccess(mm.table, mm.hash, faults, mm.cpus);
        pages = new UserPages(mm.cpus, mm.spaces.frames, mm.table, faults, mm.spaces::dirtied, mm.spaces.pins);
        users = new Users(mm.cpus, this::end);
        teardown = new SpaceTeardown(mm.gathers, mm.table, RegionEntries.ofEnded(endedRegions));
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
     * Maps what the options say at the lowest addresses that have room. If there is none until others have unmapped theirs, waits for them.
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
        final long page = insertInGap(pages, options.backing(mm, pages), options);
        if (page == RegionIndex.NONE) {
            throw new ExhaustedException(ExhaustedException.Resource.ADDRESSES, "no " + bytes + " bytes in a row, aligned to "
                + (options.alignPages() << Pages.SHIFT) + ", are free in " + mm);
        }
        populate(page, pages, options);
        return page << Pages.SHIFT;
    }

    private long insertInGap(final long pages, final Backing backing, final MapOptions options) {
        while (true) {
            final Region dying;
            mm.lock.lockExclusive();
            final long since = System.nanoTime();
            try {
                mm.requireOpen();
                final long page = mm.index.lowestGap(pages, options.alignPages(), MemoryDescriptor.FIRST_PAGE, mm.pages());
                dying = page == RegionIndex.NONE ? mm.index.firstDying(0, mm.pages()) : null;
                if (page != RegionIndex.NONE) {
                    insert(options.region(backing, page, pages));
                }
                if (dying == null) {
                    return page;
                }
            } finally {
                mm.lock.unlockExclusive();
                mm.holdTimes.ended(since);
            }
            unmapping.awaitBuried(dying);
        }
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
        final long since = System.nanoTime();
        try {
            mm.requireOpen();
            requireFree(page, page + pages);
            insert(options.region(backing, page, pages));
        } finally {
            mm.lock.unlockExclusive();
            mm.holdTimes.ended(since);
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
        final Backing backing = region.backing();
        if (backing == null) {
            mm.index.insert(region);
            return;
        }
        backing.mapped(mm, region);
        boolean inserted = false;
        try {
            mm.index.insert(region);
            inserted = true;
        } finally {
            if (!inserted) {
                backing.unmapped(mm, region);
            }
        }
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
     * the memory has a worker to do the rest, unless it is to wait; until that is done, pages that are not cleared yet can still be accessed, and
     * whoever maps or unmaps there waits for it, or does it. So it is if something is thrown in the middle, by what the pages come from.
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
     * @throws org.vellum.report.PageFaultException if pages are to be there at once, and another thread unmaps or protects them meanwhile.
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
     * A view of a range, as Agrona has them.
     *
     * @param address of its first byte.
     * @param length in bytes.
     * @return a new view; valid as long as the space is, its pages as long as they are mapped.
     * @throws IllegalArgumentException if the length is negative.
     * @throws org.vellum.report.PageFaultException if the range is not of the space.
     */
    public SpaceBuffer buffer(final long address, final int length) {
        return new SpaceBuffer(access, address, length);
    }

    /**
     * Pins and unpins pages: keeps their frames, whatever becomes of the mapping, for whoever needs them by number. The kernel's {@code
     * get_user_pages}, fast and slow. Pages are numbered from 0: an address divided by 4,096.
     *
     * @return the pins of this space.
     */
    public UserPages pages() {
        return pages;
    }

    /**
     * Takes every lock of the space: the space lock, and those of all files and families of its regions, each once. For what must see the whole space
     * at one moment. Waits, parked, for each.
     *
     * @return what must be closed, by the same thread. Meanwhile it must not change the space, nor touch what may fault.
     * @throws InterruptedException if the caller is interrupted before it has all; then it has none.
     * @throws IllegalStateException inside a section, or if the caller has them already.
     */
    public SpaceLocks takeAllLocks() throws InterruptedException {
        return SpaceLocks.takeAll(mm.lock, mm.spaces.allLocks, mm.index);
    }

    /**
     * Becomes a user of the space, so that it does not end before {@link #release}: for whoever walks it from outside, beside its owner.
     *
     * @return false if it has ended, or is about to.
     */
    public boolean tryRetain() {
        return users.tryRetain();
    }

    /**
     * Ends what {@link #tryRetain} began. The last user, be it the owner by {@link #close}, ends the space, and waits as long as that takes.
     *
     * @throws IllegalStateException inside a section, if nobody uses it any more, or if the caller has {@linkplain #takeAllLocks all locks} of the
     * space: nothing has changed.
     */
    public void release() {
        if (mm.lock.isMine()) {
            throw new IllegalStateException("the calling thread has all locks of " + mm);
        }
        users.release();
    }

    /**
     * Ends the owner's use of the space: whoever changes it from now on gets an {@link IllegalStateException}. With its last user, which usually is the
     * owner, the space ends: all of it is flushed once, then freed, and whoever touches it gets a {@link org.vellum.report.PageFaultException}.
     * A second time does nothing, unless something was thrown the first time: then it goes on from there.
     *
     * @throws IllegalStateException inside a section, or if the caller has {@linkplain #takeAllLocks all locks} of the space: nothing has changed.
     */
    @Override
    public void close() {
        mm.cpus.mightSleep("closing a space");
        StackReserve.ensureOperationsWithin();
        // First: if it throws, the next call begins anew.
        refuseChanges();
        if (closeBegun.compareAndSet(false, true)) {
            users.release();
        } else if (users.count() == 0) {
            end();
        }
    }

    private void refuseChanges() {
        mm.lock.lockExclusive();
        mm.closed = true;
        mm.lock.unlockExclusive();
    }

    /** Whoever uses it. */
    void end() {
        StackReserve.ensureOperations();
        closing.lock();
        try {
            if (!ended) {
                mm.closed = true;
                if (endedRegions.isEmpty()) {
                    unmapping.endAll(endedRegions);
                }
                tellEnding();
                teardown.detach();
                // Not after the grace period: it may be left to limbo, and a file that is closed next would still look mapped.
                unmapping.tellUnmapped(endedRegions);
                teardown.flushAndFree(mm.spaces.graceNanos);
                mm.spaces.lazilyFreed.forget(mm);
                mm.spaces.forget(this);
                ended = true;
            }
        } finally {
            closing.unlock();
        }
    }

    private void tellEnding() {
        for (final Region region : endedRegions) {
            if (region.backing() != null) {
                region.backing().ending(mm, region);
            }
        }
    }

    MemoryDescriptor descriptor() {
        return mm;
    }

    /** How many unmaps wait for somebody to finish them. */
    int unfinished() {
        return unmapping.unfinished();
    }

    @Override
    public String toString() {
        return mm.toString();
    }
}
