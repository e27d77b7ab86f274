package org.vellum.space;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpus;
import org.vellum.gather.AddressBatches;
import org.vellum.gather.Gathers;
import org.vellum.gather.SpaceFlushes;
import org.vellum.gather.SpaceUnmapper;
import org.vellum.lock.HoldTimes;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
import org.vellum.mmu.HashedTable;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/**
 * What one space consists of, for those who work on it: the kernel's {@code mm_struct}. No behaviour but the checks that all of them need.
 */
final class MemoryDescriptor implements FileMapper {
    /** Page 0 is never mapped, so that 0 is nobody's address. */
    static final long FIRST_PAGE = 1;

    final Spaces spaces;
    final long number;
    final SpaceOptions options;
    final Cpus cpus;
    final Gathers gathers;
    final SleepingLock lock;
    final RegionIndex index;
    final SpaceTable table;
    /** Null if translations are in the table only. */
    final HashedTable hash;
    final AnonVmas anonVmas;
    final SpaceFlushes flushes = new SpaceFlushes();
    final HoldTimes holdTimes = new HoldTimes();
    final SpaceUnmapper unmapper;
    final Unmapping unmapping;
    /** Volatile: f1 and f4 of {@link LazilyFreed}. */
    final AtomicInteger freesUnderWay = new AtomicInteger();
    /** Volatile: f3 of {@link LazilyFreed}. */
    final AtomicLong lastFreeStamp;
    /**
     * Set before the exclusive lock is taken to end all regions: who has the lock and finds it false adds what will be ended. Volatile: partner of the
     * look of a fault that finds no region, and says why.
     */
    volatile boolean closed;

    MemoryDescriptor(final Spaces spaces, final long number, final SpaceOptions options) {
        this.spaces = spaces;
        this.number = number;
        this.options = options;
        cpus = spaces.cpus;
        gathers = spaces.gathers;
        lock = new SleepingLock(cpus, LockRank.SPACE, "space " + number);
        index = new RegionIndex(lock, pages());
        hash = options.hashGroups() == 0 ? null : new HashedTable(options.hashGroups());
        table = new SpaceTable(
            cpus, spaces.frames.memory(), pages(), options.lockCount(), hash == null ? null : new AddressBatches(hash, options.lockCount()));
        anonVmas = new AnonVmas(cpus, lock, index);
        unmapper = new SpaceUnmapper(gathers, table, holdTimes);
        lastFreeStamp = new AtomicLong(spaces.epochs.stamp());
        unmapping = new Unmapping(this);
    }

    long pages() {
        return options.bytes() >>> Pages.SHIFT;
    }

    /** Changes nothing yet: the range of a request, as a page and a number of pages. */
    long requireStart(final long address, final long bytes) {
        requireBytes(bytes);
        if (address < FIRST_PAGE << Pages.SHIFT || (address & Pages.OFFSET_MASK) != 0 || address > options.bytes() - bytes) {
            throw new IllegalArgumentException("address=" + address + " bytes=" + bytes + " is not a range of pages of " + this);
        }
        return address >>> Pages.SHIFT;
    }

    void requireBytes(final long bytes) {
        if (bytes <= 0 || (bytes & Pages.OFFSET_MASK) != 0 || bytes > options.bytes()) {
            throw new IllegalArgumentException("bytes=" + bytes + " is not a multiple of " + Pages.SIZE + " up to " + options.bytes());
        }
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
    }

    PageFaultException noRegion(final long address, final boolean write) {
        final Region above = index.findAtOrAbove(address >>> Pages.SHIFT);
        return new PageFaultException(address, fault(address, write) + (closed ? ": the space is closed"
            : ": no region" + (above == null ? " at or above" : ", the next is " + above)), write, null);
    }

    PageFaultException notAllowed(final Region region, final long address, final boolean write) {
        return new PageFaultException(address, fault(address, write) + ": not allowed in " + region, write, region.toString());
    }

    /** Of a region whose backing has nothing for the page, and says why. */
    PageFaultException notShown(final Region region, final long address, final boolean write, final PageFaultException why) {
        return new PageFaultException(address, fault(address, write) + ": " + why.getMessage(), write, region.toString());
    }

    private String fault(final long address, final boolean write) {
        return "page fault: " + (write ? "store to" : "load from") + " address=0x" + Long.toHexString(address) + " of " + this;
    }

    ExhaustedException noMemory(final long page, final boolean write) {
        return new ExhaustedException(ExhaustedException.Resource.FRAMES,
            (write ? "a store to" : "a load from") + " page=" + page + " of " + this + " needs a frame: " + spaces.frames.exhaustionReason());
    }

    @Override
    public void cleanNoFlush(final SpaceFile file, final long startPage, final long count, final long filePage) {
        FileCleaner.cleanNoFlush(table, file, startPage, count, filePage);
    }

    @Override
    public void awaitUnmapped(final long startPage, final long endPage) {
        unmapping.awaitUnmapped(startPage, endPage);
    }

    @Override
    public String toString() {
        return "space=" + number + " bytes=" + options.bytes();
    }
}
