package org.vellum.kmap;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.Vellum;
import org.vellum.epoch.Epochs;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/**
 * The shared window of old, {@code kmap}, with everything under one lock, the flush too: a frame that is mapped already gains a user; else
 * the next slot is taken, and each time the window wraps all slots without users are cleared and flushed. The baseline of the stack, and of
 * the window without a lock.
 *
 * <p>As cheap as that can be made: where the kernel looks a page up in a hash, this looks into an array.
 *
 * <p>Waits for the flush, and for a slot if all are in use: outside sections only. Its addresses are everybody's; the type is ignored.
 */
final class GlobalLockKmap implements AtomicKmap {
    private static final int FREE = 0;
    /** Nobody uses it, but it is not flushed. */
    private static final int UNUSED = 1;
    private static final int NONE = -1;

    private final Epochs epochs;
    private final PhysicalMemory memory;
    private final PageTable table;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition unused = lock.newCondition();

    // Under the lock.
    private final int[] counts;
    private final long[] frameOf;
    /** By frame: its slot + 1, or 0. */
    private final int[] slotOf;
    private int last;
    private long flushes;

    /**
     * @param vellum whose frames are mapped; its own kmap is not used.
     * @param slots of the window.
     */
    GlobalLockKmap(final Vellum vellum, final int slots) {
        epochs = vellum.epochs();
        memory = vellum.frames().memory();
        table = BaselineWindow.open(vellum, slots);
        counts = new int[slots];
        frameOf = new long[slots];
        slotOf = new int[(int)(memory.physEnd() >>> Pages.SHIFT)];
        last = slots - 1;
    }

    @Override
    public long kmapAtomic(final long frame, final KmType type) {
        epochs.mightSleep("kmap");
        lock.lock();
        try {
            final int slot = slotOf[(int)frame] != 0 ? slotOf[(int)frame] - 1 : map(frame);
            counts[slot]++;
            return table.addressOf(slot);
        } finally {
            lock.unlock();
        }
    }

    private int map(final long frame) {
        int slot = nextFree();
        while (slot == NONE) {
            unused.awaitUninterruptibly();
            // Another thread may have mapped it meanwhile.
            slot = slotOf[(int)frame] != 0 ? slotOf[(int)frame] - 1 : nextFree();
        }
        if (slotOf[(int)frame] == 0) {
            table.set(slot, BaselineWindow.entry(memory, frame));
            counts[slot] = UNUSED;
            frameOf[slot] = frame;
            slotOf[(int)frame] = slot + 1;
        }
        return slot;
    }

    private int nextFree() {
        for (int budget = counts.length; budget > 0; budget--) {
            last = (last + 1) % counts.length;
            if (last == 0) {
                flushUnused();
                budget = counts.length;
            }
            if (counts[last] == FREE) {
                return last;
            }
        }
        return NONE;
    }

    private void flushUnused() {
        boolean any = false;
        for (int slot = 0; slot < counts.length; slot++) {
            if (counts[slot] == UNUSED) {
                counts[slot] = FREE;
                table.set(slot, Entry.NONE);
                slotOf[(int)frameOf[slot]] = 0;
                any = true;
            }
        }
        if (any) {
            flushes++;
            epochs.flush();
        }
    }

    @Override
    public void kunmapAtomic(final long address, final KmType type) {
        lock.lock();
        try {
            final int slot = (int)table.pageOf(address);
            if (counts[slot] <= UNUSED) {
                throw new IllegalStateException("not mapped: address=0x" + Long.toHexString(address));
            }
            if (--counts[slot] == UNUSED) {
                unused.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    long flushes() {
        lock.lock();
        try {
            return flushes;
        } finally {
            lock.unlock();
        }
    }
}
