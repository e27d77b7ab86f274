package org.vellum.kmap;

import java.io.EOFException;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.vellum.mem.Pages;

/**
 * Which pages of a file were lost when somebody else cut it off. Remembered, because whatever is written behind the cut later makes the file
 * as long as it was, and what lies between reads as zeros then, as if it had never been written.
 *
 * <p>Any thread. Costs a look at a flag, and at the file's size before each write, until it happens. The lock is held for a call that
 * tells the size of a file, never to read or write one.
 */
final class LostPages {
    /** Tells how long the file is now, and how long it was known to be; the latter is asked first. */
    interface Sizes {
        long known();

        long now() throws IOException;
    }

    private final ReentrantLock lock = new ReentrantLock();
    /** Volatile: set before anything is written behind a cut; partner: the look after each read, which may have found zeros for that. */
    private volatile boolean any;

    // Under the lock: these bytes, but for the pages that were written again.
    private long from = Long.MAX_VALUE;
    private long to;
    private final Set<Long> rewritten = new HashSet<>();

    /** Looks, and remembers what it sees: before each write, and after a read that found less than there should have been. */
    void look(final Sizes sizes) throws IOException {
        if (sizes.known() <= sizes.now()) {
            return;
        }
        lock.lock();
        try {
            // Again: others may have seen it, too, and written since.
            final long known = sizes.known();
            final long now = sizes.now();
            if (now < known) {
                from = Math.min(from, now);
                to = Math.max(to, known);
                rewritten.removeIf(page -> Math.min(page + 1 << Pages.SHIFT, to) > now);
                any = true;
            }
        } finally {
            lock.unlock();
        }
    }

    /** These are there again. */
    void written(final long page, final int count) {
        if (any) {
            lock.lock();
            try {
                for (long at = page; at < page + count; at++) {
                    if (isCutOff(at)) {
                        rewritten.add(at);
                    }
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private boolean isCutOff(final long page) {
        return page + 1 << Pages.SHIFT > from && page << Pages.SHIFT < to;
    }

    /** Throws if one of these is lost. */
    void require(final long page, final int count) throws EOFException {
        if (any) {
            lock.lock();
            try {
                for (long at = page; at < page + count; at++) {
                    if (isCutOff(at) && !rewritten.contains(at)) {
                        throw exception(from, to);
                    }
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** @return what to throw if anything is lost, or null. */
    EOFException loss() {
        if (!any) {
            return null;
        }
        lock.lock();
        try {
            return Pages.of(to) - (from >>> Pages.SHIFT) > rewritten.size() ? exception(from, to) : null;
        } finally {
            lock.unlock();
        }
    }

    static EOFException exception(final long size, final long known) {
        return new EOFException("the file has been truncated by somebody else: size=" + size + " and it had " + known);
    }
}
