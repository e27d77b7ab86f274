package org.vellum.space;

import java.util.concurrent.atomic.AtomicInteger;
import org.vellum.cpu.Cpus;
import org.vellum.gather.Gathers;
import org.vellum.gather.SpaceFlushes;
import org.vellum.gather.SpaceUnmapper;
import org.vellum.lock.HoldTimes;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
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
    final SpaceFlushes flushes = new SpaceFlushes();
    final HoldTimes holdTimes = new HoldTimes();
    final SpaceUnmapper unmapper;
    /** Volatile: f1 and f4 of {@link LazilyFreed}. */
    final AtomicInteger freesUnderWay = new AtomicInteger();
    /** Volatile: f3 of {@link LazilyFreed}. */
    volatile long lastFreeStamp;
    /** Set under the exclusive lock. Volatile: partner of the look of a fault that finds no region, which says why. */
    volatile boolean closed;

    MemoryDescriptor(final Spaces spaces, final long number, final SpaceOptions options) {
        this.spaces = spaces;
        this.number = number;
        this.options = options;
        cpus = spaces.cpus;
        gathers = spaces.gathers;
        lock = new SleepingLock(cpus, LockRank.SPACE, "space " + number);
        index = new RegionIndex(lock, pages());
        table = new SpaceTable(cpus, spaces.frames.memory(), pages(), options.lockCount());
        unmapper = new SpaceUnmapper(gathers, table, holdTimes);
        lastFreeStamp = spaces.epochs.stamp();
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

    PageFaultException noRegion(final long page, final boolean write) {
        final Region above = index.findAtOrAbove(page);
        return new PageFaultException(page << Pages.SHIFT, "page fault: " + what(page, write) + (closed ? ": the space is closed"
            : ": no region" + (above == null ? " at or above" : ", the next is " + above)), write, null);
    }

    PageFaultException notAllowed(final Region region, final long page, final boolean write) {
        return new PageFaultException(
            page << Pages.SHIFT, "page fault: " + what(page, write) + ": not allowed in " + region, write, region.toString());
    }

    ExhaustedException noMemory(final long page, final boolean write) {
        return new ExhaustedException(ExhaustedException.Resource.FRAMES,
            what(page, write) + " needs a frame: " + spaces.frames.exhaustionReason());
    }

    @Override
    public void cleanNoFlush(final SpaceFile file, final long startPage, final long count, final long filePage) {
        FileCleaner.cleanNoFlush(table, file, startPage, count, filePage);
    }

    private String what(final long page, final boolean write) {
        return (write ? "write" : "read") + " of page=" + page + " of " + this;
    }

    @Override
    public String toString() {
        return "space=" + number + " bytes=" + options.bytes();
    }
}
