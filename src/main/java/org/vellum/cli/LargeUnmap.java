package org.vellum.cli;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.vellum.Vellum;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;
import org.vellum.space.AddressSpace;
import org.vellum.space.MapOptions;

/** One thread that maps a large range, touches each page, and unmaps it; only the last is timed. */
final class LargeUnmap {
    private static final double GIB = 1L << 30;
    private static final long STAMP = 0x5EED_5EED_5EED_5EEDL;
    private static final long NAP_NANOS = 1_000_000;

    private final Vellum memory;
    private final AddressSpace space;
    private final long start;
    private final long bytes;
    private final long wantedNanos;
    /** Odd while the range is being unmapped. Volatile: pairs with nothing; others ask when a time of theirs began and ended. */
    private final AtomicInteger phase = new AtomicInteger();
    private long unmaps;
    private long nanos;
    private boolean gone = true;

    LargeUnmap(final Vellum memory, final AddressSpace space, final long start, final long bytes, final int millis) {
        this.memory = memory;
        this.space = space;
        this.start = start;
        this.bytes = bytes;
        wantedNanos = TimeUnit.MILLISECONDS.toNanos(millis);
    }

    AtomicInteger phase() {
        return phase;
    }

    /** Until it has unmapped long enough; then stops the others. */
    void run(final Stop stop) {
        try {
            do {
                once();
            } while (nanos < wantedNanos && !stop.requested());
        } finally {
            stop.request();
        }
    }

    private void once() {
        space.mapFixed(start, bytes, MapOptions.DEFAULT);
        for (long address = start; address < start + bytes; address += Pages.SIZE) {
            space.access().putLong(address, STAMP);
        }
        phase.incrementAndGet();
        final long begun = System.nanoTime();
        space.unmap(start, bytes);
        nanos += System.nanoTime() - begun;
        phase.incrementAndGet();
        unmaps++;
        gone &= isGone(space, start, bytes);
        // The next one finds the frames free, whatever the sections of the others have held up.
        memory.synchronize();
        memory.spaces().poll();
    }

    /** Nothing at all for as long: what the others do meanwhile is what they are compared with. */
    void idle(final Stop stop) {
        phase.incrementAndGet();
        final long end = System.nanoTime() + wantedNanos;
        while (System.nanoTime() < end && !stop.requested()) {
            LockSupport.parkNanos(NAP_NANOS);
        }
        stop.request();
    }

    /** Whether nobody has the first, the last and the middle page of a range, nor can load from them. */
    static boolean isGone(final AddressSpace space, final long start, final long bytes) {
        return isGone(space, start) && isGone(space, start + (bytes >> 1)) && isGone(space, start + bytes - 1);
    }

    private static boolean isGone(final AddressSpace space, final long address) {
        try {
            space.access().getByte(address);
            return false;
        } catch (final PageFaultException e) {
            return space.region(address) == null && e.region() == null;
        }
    }

    boolean isGone() {
        return gone;
    }

    long unmaps() {
        return unmaps;
    }

    double gibPerSecond() {
        return nanos == 0 ? 0 : unmaps * (bytes / GIB) / (nanos * 1e-9);
    }
}
