package org.vellum.kmap;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** A window of one slot over the pages of a file, whose cache is full: what leaves the window may go to another page at once. */
final class PageCell {
    private static final CacheWorld WORLD = CacheWorld.filled();
    private static final Epochs EPOCHS = new Epochs(WORLD.cpus, new Sweeper(WORLD.cpus, Listener.SILENT),
        new StallDetector(WORLD.cpus, Listener.SILENT, Long.MAX_VALUE));
    private static final long START = 1L << 40;
    private static final long PATIENT_NANOS = 5_000_000_000L;
    /** Longer than who flushes spins before it gives up, and than another page takes to be read. */
    private static final int LOOKS = 400;
    private static final ConcurrentLinkedQueue<PageCell> SETTLED = new ConcurrentLinkedQueue<>();

    private final PageTable table = new PageTable(START, 1);
    private final KmapWindow window = new KmapWindow(EPOCHS, table, 1, new Backing(null, WORLD.cache));
    private long frame;
    private long address;
    private int index;

    private PageCell() {
        table.extendTo(1);
        table.onFault((where, write) -> new PageFaultException(where, "not mapped"));
    }

    /** With a page in its slot that nobody had. */
    static PageCell take() {
        final PageCell settled = SETTLED.poll();
        final PageCell cell = settled == null ? new PageCell() : settled;
        cell.frame = WORLD.newFrame();
        try {
            cell.address = cell.window.map(cell.frame, false, PATIENT_NANOS);
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
        cell.index = WORLD.cache.directory.hash.get(cell.frame);
        return cell;
    }

    /**
     * Looks through a map that another thread owns, in a section: what it has translated there must last. The clock moves just before, as
     * when others flush: so the section is of a later epoch than a stamp that was taken too early.
     */
    int look() {
        EPOCHS.advanceFrom(EPOCHS.now());
        try (Cpu cpu = WORLD.cpus.enter()) {
            final long page = table.readable(address);
            for (int i = 0; i < LOOKS; i++) {
                // Every page has its number behind its first word.
                if (UnsafeApi.getLongOpaque(null, page + Long.BYTES) != HighFrames.page(frame)) {
                    return KmapCell.WRONG;
                }
                Thread.onSpinWait();
            }
            return cpu.index() >= 0 ? KmapCell.RIGHT : KmapCell.WRONG;
        } catch (final PageFaultException e) {
            return KmapCell.NOT_MAPPED;
        }
    }

    /**
     * Unmaps, flushes, and has another page read into the cache frame as soon as nobody pins it; 1 if it was to be had. It does not wait for
     * the grace period, but looks again and again whether it has passed: there are two places that must not free the slot too early.
     */
    int replace() {
        window.unmap(address);
        final long deadline = System.nanoTime() + PATIENT_NANOS;
        do {
            window.flush.flushUnused(0);
        } while (CacheWord.pins(WORLD.cache.directory.frames.word(index)) != 0 && System.nanoTime() - deadline < 0);
        return evict(false);
    }

    /** The same without the wait: the pin goes with the entry. */
    int replaceAtOnce() {
        window.unmap(address);
        window.flush.forgetUnused();
        WORLD.cache.unpin(index);
        // With a pin, in the place of the one that the slot still has to drop.
        return evict(true);
    }

    private int evict(final boolean pin) {
        final long other = WORLD.newFrame();
        final int claim = WORLD.cache.directory.claim(WORLD.file, other, index, false, null);
        WORLD.cache.misses.readOne(WORLD.file, other, claim, pin, false);
        return claim == index ? 1 : 0;
    }

    /** 1 if the window is whole. Then it serves the next state. */
    int settle() {
        window.flush.flushUnused(PATIENT_NANOS);
        try {
            window.report.verify();
        } catch (final AssertionError e) {
            return 0;
        }
        if (window.report.users() != 0 || window.report.keepsUnused()) {
            return 0;
        }
        SETTLED.add(this);
        return 1;
    }
}
