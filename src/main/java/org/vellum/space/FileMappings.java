package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import org.vellum.cpu.Cpus;
import org.vellum.lock.LockRank;
import org.vellum.lock.SleepingLock;

/**
 * Which pages of which spaces show a file: the kernel's {@code i_mmap}, as runs of pages. What regions are made of these, joined, cut or protected,
 * does not matter here, so a change of regions only tells what came and what went.
 *
 * <p>Runs are in no order, and found by looking at all of them: few spaces map one file. (The kernel has an interval tree, for a library that
 * every process maps.)
 *
 * <p>Thread safety: any thread; each method takes the file-mapping lock, and may wait, parked. Outside sections, holding at most the space lock.
 */
final class FileMappings {
    /** Pages of one space that show pages of the file. */
    record Run(FileMapper space, long startPage, long endPage, long filePage, boolean shared) {
        /** The part of it that shows some pages of the file; null if none does. */
        Run ofFile(final long from, final long to) {
            final long first = Math.max(from, filePage);
            final long end = Math.min(to, filePage + endPage - startPage);
            return first < end ? slice(startPage + first - filePage, startPage + end - filePage) : null;
        }

        Run slice(final long from, final long to) {
            return new Run(space, from, to, filePage + from - startPage, shared);
        }

        long pages() {
            return endPage - startPage;
        }
    }

    private final SleepingLock lock;
    // Under the lock.
    private List<Run> runs = new ArrayList<>();
    private boolean closed;

    FileMappings(final Cpus cpus, final String name) {
        lock = new SleepingLock(cpus, LockRank.FILE_MAPPING, name);
    }

    /** For whoever takes all locks of a space. */
    SleepingLock lock() {
        return lock;
    }

    /** False if the file is closed, or about to be. */
    boolean add(final Run run) {
        lock.lockExclusive();
        try {
            return !closed && runs.add(run);
        } finally {
            lock.unlockExclusive();
        }
    }

    /** Whatever of these pages shows the file does so no more. */
    void remove(final FileMapper space, final long startPage, final long endPage) {
        lock.lockExclusive();
        try {
            final List<Run> left = new ArrayList<>(runs.size() + 2);
            for (final Run run : runs) {
                if (run.space == space && run.startPage < endPage && startPage < run.endPage) {
                    if (run.startPage < startPage) {
                        left.add(run.slice(run.startPage, startPage));
                    }
                    if (endPage < run.endPage) {
                        left.add(run.slice(endPage, run.endPage));
                    }
                } else {
                    left.add(run);
                }
            }
            // Only now: if there was no memory for the pieces, nothing has changed.
            runs = left;
        } finally {
            lock.unlockExclusive();
        }
    }

    /** How many runs there are: joined regions count as they were mapped. */
    int count() {
        lock.lockShared();
        try {
            return runs.size();
        } finally {
            lock.unlockShared();
        }
    }

    /** Waits until what was to be unmapped when this was called is. */
    void awaitUnmapped() {
        for (final Run run : all()) {
            run.space.awaitUnmapped(run.startPage, run.endPage);
        }
    }

    private List<Run> all() {
        lock.lockShared();
        try {
            return List.copyOf(runs);
        } finally {
            lock.unlockShared();
        }
    }

    /** Nothing is added any more; if there is anything, nothing happens. Returns how many runs there are. */
    int close() {
        lock.lockExclusive();
        try {
            closed = runs.isEmpty();
            return runs.size();
        } finally {
            lock.unlockExclusive();
        }
    }

    /** The file could not be closed. */
    void reopen() {
        lock.lockExclusive();
        closed = false;
        lock.unlockExclusive();
    }

    /** Has the entries of some pages of the file made clean, wherever they are shared. */
    void cleanNoFlush(final SpaceFile file, final long from, final long to) {
        lock.lockShared();
        try {
            for (final Run run : runs) {
                final Run part = run.shared ? run.ofFile(from, to) : null;
                if (part != null) {
                    part.space.cleanNoFlush(file, part.startPage, part.pages(), part.filePage);
                }
            }
        } finally {
            lock.unlockShared();
        }
    }
}
