package org.vellum.space;

import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.StackReserve;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;
import org.vellum.mmu.SpaceFaults;
import org.vellum.mmu.SpaceTable;
import org.vellum.report.PageFaultException;
import org.vellum.report.SpecialPageException;

/**
 * Pins the frames of a space's pages: the kernel's {@code get_user_pages}. A pinned frame stays what it is, with its content, whatever
 * becomes of the page or the space, until it is unpinned.
 *
 * <h2>Without a lock</h2>
 * <pre>
 *   W (walks, in a section)                    U (clears or changes the entry, under its page-table lock)
 *   w1: e := entry                             u1: exchange the entry
 *   w2: count of the frame of e: + 1           u2: look at the count, or
 *   w3: entry still e? no → count − 1          u3: flush; then count − 1: of the reference that the entry had
 *     so? no → count − 1
 * </pre>
 * Two guarantees, and each is needed for something else.
 * <ul>
 * <li><em>The section</em> makes w2 right. w1 has seen e before u1, in a section that u3 waits for; until its end the entry's reference is
 * still counted, so the frame is neither free nor anybody else's. Without it w2 might count a frame that has become another's; w3 would
 * find out, but a count of 2, be it for a moment, is an error to an owner who frees or marks it. For the same reason the leaf is a leaf:
 * tables wait for a grace period, too. The section needs w3 for none of this.</li>
 * <li><em>The second look</em> is for those who do not wait: who has cleared the entry, or made it read-only, and decides by the count at
 * once whether it is alone with the frame (a copy at a write is spared; a page is moved, or leaves memory). w2 is a compare-and-set and w3
 * a volatile load; u1 is an exchange and u2 a load that comes after it. So one of the two sees the other: u2 sees the pin, or w3 sees the
 * change and gives the reference back. A u2 that sees a pin which is about to be given back errs on the safe side. If
 * w3 finds another entry of the same frame, that is as good: the page shows the frame then, and may be accessed so.</li>
 * </ul>
 *
 * <h2>Under the lock</h2>
 * What cannot be pinned so is faulted in, outside locks, and then pinned under the page-table lock, where nobody changes the entry.
 *
 * <h2>Dropping a pin</h2>
 * Needs no grace period: who came in by the entry is covered by the entry's own reference, which is given up a grace period after the entry
 * is cleared, before or after the pin's. If the pin's is the last, that grace period is over.
 *
 * <h2>What is dirty</h2>
 * A pin for writing needs a writable entry, and marks it dirty as a store would: who clears it later learns that the page has been, or will
 * be, written. The entry may be cleaned and written back while the pin lasts, so whoever has stored says so when it {@linkplain #unpin
 * unpins}.
 *
 * <h2>Special pages</h2>
 * Carry no count and are refused. A page that shows the zero frame, as it was never written, gets a frame of its own by a fault as for a
 * store, even if it is only to be read: it must go on showing what is stored to the page later.
 *
 * <p>Thread safety: any thread, in sections or outside; pins may be dropped by another thread than the one that took them, and when the
 * space is gone. Makes no garbage but in faults.
 */
public final class UserPages {
    /** Who must know that a frame of its own has been written by way of a pin. */
    @FunctionalInterface
    interface Owners {
        /** A frame with that mapper in the frame table is dirty. The caller still holds a reference. Never waits. */
        void dirtied(long mapper, long frame);
    }

    /** Pages pinned in one section: 1 MiB, as in bulk operations. */
    private static final int SECTION_PAGES = 256;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final SpaceTable table;
    private final SpaceFaults faults;
    private final Owners owners;
    private final LongAdder outstanding;

    /**
     * @param cpus whose sections are opened.
     * @param frames whose references are taken.
     * @param table of the space.
     * @param faults makes pages present.
     * @param owners hears of dirty frames that are somebody's.
     * @param outstanding counts the pins of all spaces of a memory: they may outlive their space.
     */
    UserPages(
        final Cpus cpus, final FrameAllocator frames, final SpaceTable table, final SpaceFaults faults, final Owners owners,
        final LongAdder outstanding) {
        this.cpus = cpus;
        this.frames = frames;
        this.table = table;
        this.faults = faults;
        this.owners = owners;
        this.outstanding = outstanding;
    }

    /**
     * Pins pages that are present, without a lock: the kernel's {@code get_user_pages_fast} without its way back. Never waits, faults or
     * throws because of the pages.
     *
     * @param startPage the first, any number.
     * @param count how many are wanted.
     * @param write whether they will be stored to.
     * @param pinned where the numbers of the frames are put; what stands behind those that are pinned is undefined.
     * @param offset of the first.
     * @return how many are pinned, from the first on; fewer than wanted if the next is not present, may not be accessed so, is special, or
     *     just changes.
     * @throws IndexOutOfBoundsException if they do not fit the array.
     */
    public int pinFast(final long startPage, final int count, final boolean write, final long[] pinned, final int offset) {
        Objects.checkFromIndexSize(offset, count, pinned.length);
        StackReserve.ensureOperation();
        final long inside = startPage < 0 ? 0 : Math.min(count, table.pages() - startPage);
        final long check = write ? SpaceEntry.WRITE_CHECK : SpaceEntry.READ_CHECK;
        int done = 0;
        int wanted = 0;
        int kept = 0;
        while (done < inside && kept == wanted) {
            wanted = (int)Math.min(SECTION_PAGES, inside - done);
            kept = pinInSection(startPage + done, wanted, check, pinned, offset + done);
            done += kept;
        }
        outstanding.add(done);
        return done;
    }

    private int pinInSection(final long startPage, final int wanted, final long check, final long[] pinned, final int offset) {
        final Cpu cpu = cpus.tryEnter();
        if (cpu == null) {
            return 0;
        }
        try {
            return take(cpu, startPage, find(startPage, wanted, check, pinned, offset), check, pinned, offset);
        } finally {
            cpu.exit();
        }
    }

    private boolean isInside(final long page) {
        return page >= 0 && page < table.pages();
    }

    /** w1 of several pages, in a section: all loads, then all counts, so that they do not wait for each other. How many there are. */
    private int find(final long startPage, final int count, final long check, final long[] found, final int offset) {
        // In locals: a volatile load, or a compare-and-set, has the compiler load fields anew.
        final SpaceTable entries = table;
        final PhysicalMemory memory = frames.memory();
        final int bankShift = memory.bankShift();
        long frame = 0;
        long distance = 0;
        for (int i = 0; i < count; i++) {
            // Volatile: w1; partner: the exchange in SpaceTable.replaceNoFlush().
            final long entry = entries.get(startPage + i);
            if ((entry & (check | SpaceEntry.SPECIAL)) != check && !isMade(startPage + i, entry, check)) {
                return i;
            }
            final long page = SpaceEntry.nativePage(entry);
            final long inSameBank = page - distance >>> Pages.SHIFT;
            // A bank's frames are numbered as they lie: a page outside it would have a number outside it.
            if (i > 0 && (inSameBank ^ frame) >>> bankShift == 0) {
                frame = inSameBank;
            } else {
                frame = memory.frameOf(page);
                distance = page - (frame << Pages.SHIFT);
            }
            found[offset + i] = frame;
        }
        return count;
    }

    /** w2 and w3 of several pages. How many are pinned; of the others the references are given back. */
    private int take(final Cpu cpu, final long startPage, final int found, final long check, final long[] pinned, final int offset) {
        final FrameAllocator counts = frames;
        int taken = 0;
        // CAS: w2, before w3.
        while (taken < found && counts.tryGet(pinned[offset + taken])) {
            taken++;
        }
        final SpaceTable entries = table;
        final PhysicalMemory memory = counts.memory();
        int kept = 0;
        // Volatile: w3; partner: the exchange u1, before u2.
        while (kept < taken && isShown(entries.get(startPage + kept), memory.nativeAddress(pinned[offset + kept]), check)) {
            kept++;
        }
        for (int i = kept; i < taken; i++) {
            frames.put(cpu, pinned[offset + i]);
        }
        return kept;
    }

    /** Whether an entry shows a frame, to be accessed so. */
    private static boolean isShown(final long entry, final long nativePage, final long check) {
        return (entry & (check | SpaceEntry.SPECIAL)) == check && SpaceEntry.nativePage(entry) == nativePage;
    }

    /** Marks an entry that lacks no more than that, as an access would; false if it lacks more, or has just changed. */
    private boolean isMade(final long page, final long entry, final long check) {
        final long marks = check & (SpaceEntry.ACCESSED | SpaceEntry.DIRTY);
        return (entry & (check & ~marks | SpaceEntry.SPECIAL)) == (check & ~marks) && table.mark(page, entry, marks);
    }

    /**
     * Pins pages, faulting them in where need be. As the kernel does, it stops at the first page that it cannot pin, and the error is the
     * caller's only if that is the very first: else it asks again from there.
     *
     * @param startPage the first, any number.
     * @param count how many are wanted.
     * @param write whether they will be stored to.
     * @param pinned where the numbers of the frames are put.
     * @param offset of the first.
     * @return how many are pinned, from the first on: at least one, if any was wanted.
     * @throws IndexOutOfBoundsException if they do not fit the array.
     * @throws PageFaultException if the first page is not accessible so.
     * @throws SpecialPageException if the first page is special, and cannot be made an ordinary one.
     * @throws RuntimeException whatever else the fault of the first page throws.
     */
    public int pin(final long startPage, final int count, final boolean write, final long[] pinned, final int offset) {
        final int done = pinFast(startPage, count, write, pinned, offset);
        return done == count ? done : pinSlow(startPage, done, count, write, pinned, offset);
    }

    /** {@link #pin} of those from the first that are not done. */
    int pinSlow(final long startPage, final int first, final int count, final boolean write, final long[] pinned, final int offset) {
        int done = first;
        try {
            for (; done < count; done++) {
                pinned[offset + done] = pinLocked(startPage + done, write);
                outstanding.increment();
            }
        } catch (final RuntimeException e) {
            if (done == 0) {
                throw e;
            }
        } catch (final Error e) {
            unpin(pinned, offset, done, false);
            throw e;
        }
        return done;
    }

    /** Faults first: what the fast way could not pin was hardly there. */
    private long pinLocked(final long page, final boolean write) {
        if (!isInside(page)) {
            throw new PageFaultException(page << Pages.SHIFT, "beyond the address space: page=" + page + " pages=" + table.pages());
        }
        StackReserve.ensureOperation();
        final long check = write ? SpaceEntry.WRITE_CHECK : SpaceEntry.READ_CHECK;
        while (true) {
            faults.fault(page, write);
            final long entry = look(page, check);
            if (SpaceEntry.has(entry, check) && SpaceEntry.isCounted(entry)) {
                return frames.memory().frameOf(SpaceEntry.nativePage(entry));
            }
            if (SpaceEntry.has(entry, SpaceEntry.PRESENT | SpaceEntry.SPECIAL)) {
                faultSpecial(page, entry);
            }
        }
    }

    /** The entry under its lock; with a reference taken if it is counted and allows the access. */
    private long look(final long page, final long check) {
        final SpinLock lock = table.lockOf(page);
        // Surely: whoever holds it does a bounded number of steps.
        lock.acquireSurely();
        try {
            long entry = table.get(page);
            if (!SpaceEntry.has(entry, check) && isMade(page, entry, check)) {
                entry = table.get(page);
            }
            if (SpaceEntry.has(entry, check) && SpaceEntry.isCounted(entry)) {
                frames.get(frames.memory().frameOf(SpaceEntry.nativePage(entry)));
            }
            return entry;
        } finally {
            lock.unlock();
        }
    }

    private void faultSpecial(final long page, final long entry) {
        final long address = page << Pages.SHIFT;
        if (!SpaceEntry.has(entry, SpaceEntry.ZERO)) {
            throw new SpecialPageException(address, "the frame is its owner's, and not counted: page=" + page, null);
        }
        try {
            faults.fault(page, true);
        } catch (final PageFaultException e) {
            throw new SpecialPageException(address, "shows zeroes, and may not be written: page=" + page, e);
        }
    }

    /**
     * Drops pins: one of each frame that is named. Never waits.
     *
     * @param pinned what was pinned in this memory.
     * @param offset of the first.
     * @param count how many.
     * @param dirty whether they have been stored to.
     * @throws IndexOutOfBoundsException if there are not so many in the array.
     * @throws IllegalArgumentException if one is no frame that could be pinned: then none is dropped.
     */
    public void unpin(final long[] pinned, final int offset, final int count, final boolean dirty) {
        Objects.checkFromIndexSize(offset, count, pinned.length);
        requirePinnable(pinned, offset, count);
        StackReserve.ensureOperation();
        final Cpu cpu = cpus.enter();
        int done = 0;
        try {
            for (; done < count; done++) {
                final long frame = pinned[offset + done];
                if (dirty) {
                    tellOwner(frame);
                }
                frames.put(cpu, frame);
            }
        } finally {
            cpu.exit();
            outstanding.add(-done);
        }
    }

    private void requirePinnable(final long[] pinned, final int offset, final int count) {
        for (int i = offset; i < offset + count; i++) {
            if (frames.table().mark(pinned[i]) != 0) {
                throw new IllegalArgumentException("not pinned: frame=" + pinned[i] + " state=" + frames.table().state(pinned[i]));
            }
        }
    }

    private void tellOwner(final long frame) {
        final long mapper = frames.table().mapper(frame);
        if (mapper != 0) {
            owners.dirtied(mapper, frame);
        }
    }

    /** @return pins of all spaces of this memory that have not been dropped. Exact when quiet. */
    public long outstanding() {
        return outstanding.sum();
    }
}
