package org.vellum.kmap;

import java.util.concurrent.locks.ReentrantLock;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/** What the shared window says of itself: figures, who uses it, and whether it is whole. Any thread; never waits but for the lock. */
final class WindowReport {
    private static final int HOLDERS_NAMED = 8;

    private final PageTable table;
    private final Backing backing;
    private final KmapSlots slots;
    private final KmapHash hash;
    private final WindowFlush flush;
    private final ReentrantLock lock;

    /** @param lock the window's. */
    WindowReport(
        final PageTable table, final Backing backing, final KmapSlots slots, final KmapHash hash, final WindowFlush flush,
        final ReentrantLock lock) {
        this.table = table;
        this.backing = backing;
        this.slots = slots;
        this.hash = hash;
        this.flush = flush;
        this.lock = lock;
    }

    int slots() {
        return slots.count();
    }

    /** Slots that somebody uses. Looks at volatile state, without the lock: waiters ask before they park. */
    int used() {
        int used = 0;
        for (int slot = 0; slot < slots.count(); slot++) {
            used += KmapWord.isUsed(slots.word(slot)) ? 1 : 0;
        }
        return used;
    }

    /** Uses of all slots together: exact when quiet. */
    long users() {
        long users = 0;
        for (int slot = 0; slot < slots.count(); slot++) {
            final long word = slots.word(slot);
            users += KmapWord.isUsed(word) ? KmapWord.count(word) - KmapWord.UNUSED : 0;
        }
        return users;
    }

    /** Slots that nobody uses, but which keep their pins. As {@link #used}. */
    int unused() {
        int unused = 0;
        for (int slot = 0; slot < slots.count(); slot++) {
            unused += keepsPin(slots.word(slot)) ? 1 : 0;
        }
        return unused;
    }

    /** Whether there are any {@link #unused}. */
    boolean keepsUnused() {
        for (int slot = 0; slot < slots.count(); slot++) {
            if (keepsPin(slots.word(slot))) {
                return true;
            }
        }
        return false;
    }

    private static boolean keepsPin(final long word) {
        return word == KmapWord.FLUSHING || KmapWord.isUnused(word);
    }

    /** Who mapped the slots that are in use, and what holds a flush up, for the message of an exhaustion: the end of a sentence. */
    String describeHolders() {
        final StringBuilder text = new StringBuilder();
        lock.lock();
        try {
            int used = 0;
            for (int slot = 0; slot < slots.count(); slot++) {
                final long word = slots.word(slot);
                if (KmapWord.isUsed(word) && used++ < HOLDERS_NAMED) {
                    text.append("; slot=").append(slot).append(" frame=").append(KmapWord.frame(word)).append(" users=")
                        .append(KmapWord.count(word) - KmapWord.UNUSED).append(" mapped by ").append(slots.mapper(slot).getName());
                }
            }
            if (used > HOLDERS_NAMED) {
                text.append("; and ").append(used - HOLDERS_NAMED).append(" more");
            }
            text.append(flush.describe());
        } finally {
            lock.unlock();
        }
        return text.toString();
    }

    /** Walks a quiet window. */
    void verify() {
        lock.lock();
        try {
            int cleared = 0;
            for (int slot = 0; slot < slots.count(); slot++) {
                final long word = slots.word(slot);
                cleared += word == KmapWord.FLUSHING ? 1 : 0;
                verify(slot, word, table.get(slot));
            }
            if (cleared != flush.pending()) {
                throw new AssertionError("flushing=" + flush.pending() + " found=" + cleared);
            }
        } finally {
            lock.unlock();
        }
    }

    private void verify(final int slot, final long word, final long entry) {
        final boolean mapped = KmapWord.isMapped(word);
        boolean right = mapped == Entry.isPresent(entry) && (mapped || entry == Entry.NONE);
        if (mapped) {
            final long frame = KmapWord.frame(word);
            right &= hash.find(frame) == slot && KmapWord.count(word) >= KmapWord.UNUSED
                && KmapWord.isWritable(word) == Entry.isWritable(entry)
                && Entry.nativePage(entry) == backing.nativePage(frame, slots.pin(slot));
        }
        if (!right) {
            throw new AssertionError("kmap slot=" + slot + " word=0x" + Long.toHexString(word) + " entry=0x" + Long.toHexString(entry));
        }
    }
}
