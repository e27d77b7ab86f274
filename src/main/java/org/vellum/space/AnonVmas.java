package org.vellum.space;

import org.vellum.cpu.Cpus;
import org.vellum.lock.SleepingLock;
import org.vellum.report.WouldWaitException;
import org.vellum.rmap.AnonVma;

/**
 * Gives the regions of a space their {@link AnonVma}: the kernel's {@code anon_vma_prepare}. Once for each region, at its first anonymous
 * fault; afterwards it is one load.
 *
 * <pre>
 *   P (prepares)                               S (splits, joins, protects)
 *   p1: space lock, shared                     s1: space lock, exclusive
 *   p2: region still current? no → done        s2: make the parts: each with the AnonVma of the whole
 *   p3: CAS null → its AnonVma                 s3: publish them; the whole ends
 *   p4: give back                              s4: give back
 * </pre>
 * The two never hold the lock at once. If P comes first, s2 reads what p3 has set, and every part has it; if S does, p2 sees that the
 * region has ended, and the fault, which would find that out anyway under the page-table lock, looks up what came instead. So no AnonVma
 * that a page was faulted in by is lost. Two that prepare one region at once: one of the compare-and-sets wins, and both have that.
 *
 * <p>Regions with different ones are never joined, as in the kernel; so a neighbour's is taken if nothing but what may be read and written
 * keeps the two apart, which may change. Two neighbours that are prepared in the same moment may get one each: then they stay two regions.
 *
 * <p>Thread safety: any thread.
 */
final class AnonVmas {
    private final Cpus cpus;
    private final SleepingLock lock;
    private final RegionIndex index;

    /**
     * @param cpus whose sections must not block.
     * @param lock of the space.
     * @param index of its regions.
     */
    AnonVmas(final Cpus cpus, final SleepingLock lock, final RegionIndex index) {
        this.cpus = cpus;
        this.lock = lock;
        this.index = index;
    }

    /**
     * The AnonVma of a region, which has one afterwards. Called by a fault that holds no lock but, at most, the space lock exclusively.
     *
     * @param region of the space.
     * @param mayWait whether the space lock may be waited for: not inside a section.
     * @return its AnonVma; null if the region has ended: look it up again.
     * @throws WouldWaitException rather than wait for the space lock, if it may not.
     */
    AnonVma prepare(final Region region, final boolean mayWait) {
        final AnonVma there = region.anonVma();
        return there != null ? there : prepareUnderLock(region, mayWait);
    }

    private AnonVma prepareUnderLock(final Region region, final boolean mayWait) {
        if (lock.isMine()) {
            return prepareLocked(region);
        }
        if (mayWait) {
            lock.lockShared();
        } else if (!lock.tryLockSharedBriefly()) {
            throw new WouldWaitException("the first fault of a region needs the space lock: " + region);
        }
        try {
            return prepareLocked(region);
        } finally {
            lock.unlockShared();
        }
    }

    private AnonVma prepareLocked(final Region region) {
        if (!region.isCurrent()) {
            return null;
        }
        final AnonVma neighbours = ofNeighbour(region);
        return region.adopt(neighbours != null ? neighbours : new AnonVma(cpus));
    }

    private AnonVma ofNeighbour(final Region region) {
        final Region next = index.find(region.endPage());
        if (next != null && next.anonVma() != null && region.mayOnceContinueIn(next)) {
            return next.anonVma();
        }
        final Region last = region.startPage() == 0 ? null : index.find(region.startPage() - 1);
        return last != null && last.mayOnceContinueIn(region) ? last.anonVma() : null;
    }
}
