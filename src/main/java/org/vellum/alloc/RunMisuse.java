package org.vellum.alloc;

import org.vellum.frame.FrameTable;
import org.vellum.mem.Pages;

/** What is wrong with an untagged address of the linear map, in words. */
final class RunMisuse {
    private RunMisuse() {
    }

    /** Another free has won, and whoever took the memory since may have marked it anew. */
    static IllegalStateException freedMeanwhile(final long address) {
        return new IllegalStateException("already free: address=0x" + Long.toHexString(address));
    }

    static RuntimeException of(final FrameTable table, final long address, final int mark) {
        final String what = "address=0x" + Long.toHexString(address);
        final long frame = address >>> Pages.SHIFT;
        final int state = RunMark.state(mark);
        if (address == 0) {
            return new IllegalArgumentException("nothing is allocated at " + what);
        }
        if (mark > 0 && (address & Pages.OFFSET_MASK) == 0
            && (state == RunMark.SPARE || state == RunMark.DEFERRED || state == RunMark.PARTING)) {
            return new IllegalStateException("already free: " + what
                + (state == RunMark.SPARE ? "" : " waits for its grace period"));
        }
        final int frameState = table.state(frame);
        if (frameState == FrameTable.FREE || frameState == FrameTable.CACHED) {
            return new IllegalStateException("already free: " + what);
        }
        if (frameState == FrameTable.ABSENT) {
            return new IllegalArgumentException("nothing is allocated at " + what + ": it is in no present bank");
        }
        return new IllegalArgumentException("not where an allocation of this manager begins: " + what + " frame=" + frame
            + " of the block at head=" + table.head(frame) + " mark=" + mark);
    }
}
