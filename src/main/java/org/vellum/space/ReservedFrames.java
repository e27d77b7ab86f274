package org.vellum.space;

import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/**
 * Frames of the caller's, one for each page, shown by special entries: not counted, and so never freed, merged or moved by the space. Any allocated
 * frames, those inside blocks and runs too, the same one several times if need be.
 *
 * <p>The caller keeps them until unmapping has returned and a grace period has passed: no longer does anybody see them then. What is freed before
 * that is not shown anew, but whoever saw it may still see it, and what has become of it.
 *
 * <p>Thread safety: any thread.
 */
final class ReservedFrames implements Backing {
    private final FrameTable table;
    private final long[] numbers;

    /**
     * @param table of the frames.
     * @param numbers one frame for each page of the mapping, from its first on; copied.
     * @throws IllegalArgumentException if there is none, or one is not allocated.
     */
    ReservedFrames(final FrameTable table, final long[] numbers) {
        this.table = table;
        this.numbers = numbers.clone();
        if (this.numbers.length == 0) {
            throw new IllegalArgumentException("frames=0");
        }
        for (int i = 0; i < this.numbers.length; i++) {
            if (!isAllocated(this.numbers[i])) {
                throw new IllegalArgumentException("not allocated: frames[" + i + "]=" + this.numbers[i]);
            }
        }
    }

    private boolean isAllocated(final long frame) {
        final long head = table.head(frame);
        return head != PhysicalMemory.NO_FRAME && table.state(head) == FrameTable.ALLOCATED;
    }

    /** How many pages it has frames for. */
    long pages() {
        return numbers.length;
    }

    @Override
    public long frame(final Region region, final long page, final boolean write, final boolean mayWait) {
        final long at = region.filePageOf(page);
        final long frame = at < numbers.length ? numbers[(int)at] : PhysicalMemory.NO_FRAME;
        if (!isAllocated(frame)) {
            final long address = page << Pages.SHIFT;
            throw new PageFaultException(address, "address=0x" + Long.toHexString(address)
                + " has no frame any more: its owner has freed frame=" + frame + " of " + region);
        }
        return frame;
    }

    @Override
    public void giveBack(final Region region, final long page, final long frame) {
        // It was nothing but shown.
    }

    @Override
    public boolean isCounted() {
        return false;
    }

    @Override
    public boolean isCopiedOnWrite() {
        return false;
    }

    @Override
    public void cleared(final Region region, final long page, final long oldEntry) {
        // The frame is the caller's, whatever was stored.
    }

    @Override
    public String toString() {
        return "reserved frames";
    }
}
