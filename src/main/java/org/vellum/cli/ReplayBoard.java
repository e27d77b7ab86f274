package org.vellum.cli;

import java.util.concurrent.locks.LockSupport;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * What the workers of a replay tell each other: the address of each allocation, how far each worker is, and how much is live.
 *
 * <p><b>Nobody waits for ever.</b> Each worker goes through its operations in the order of the file, in which an allocation
 * stands before its free. So the first operation of the file that is not done yet can always be done: what it needs stands
 * before it.
 *
 * <p><b>Nobody runs ahead.</b> An operation begins only when all that stand more than {@link #WINDOW} before it in the file
 * are done; else a thread that allocates would be through before the one that frees has begun, and the memory live at a time would be the
 * machine's doing, not the trace's. The worker that is last is never held by this.
 */
final class ReplayBoard {
    static final int WINDOW = 1024;

    private static final int SPINS = 200;
    private static final long PARK_NANOS = 20_000;
    private static final long DONE = Long.MAX_VALUE;
    private static final int LIVE = CacheLine.STRIDE_WORDS;
    private static final int FIRST_POSITION = 2 * CacheLine.STRIDE_WORDS;

    private final int workers;
    private final Stop stop;
    private final Words addresses;
    private final Words shared;

    ReplayBoard(final int allocations, final int workers, final Stop stop) {
        this.workers = workers;
        this.stop = stop;
        addresses = Words.zeroed(allocations);
        shared = Words.zeroed(FIRST_POSITION + (workers + 1L) * CacheLine.STRIDE_WORDS);
    }

    private static long position(final int worker) {
        return FIRST_POSITION + (long)worker * CacheLine.STRIDE_WORDS;
    }

    /** The allocation is there, filled. */
    void publish(final int allocation, final long address) {
        // release: pairs with the acquire in awaitAddress(), so that whoever frees sees what was filled in.
        addresses.putRelease(allocation, address);
    }

    /** Waits until the allocation is there. Returns its address, or 0 if the replay has been stopped. */
    long awaitAddress(final int allocation) {
        // acquire: pairs with the release in publish().
        long address = addresses.getAcquire(allocation);
        for (int tries = 0; address == 0 && !stop.requested(); tries++) {
            pause(tries);
            address = addresses.getAcquire(allocation);
        }
        return address;
    }

    /** The allocation is about to be freed: one free stands in the trace, so nobody waits for it any more. */
    void unpublish(final int allocation) {
        // plain: read when the workers have been joined, and by nobody before.
        addresses.putPlain(allocation, 0);
    }

    /** The address of an allocation that nobody has freed, or 0. After the workers have been joined. */
    long leftLive(final int allocation) {
        return addresses.getPlain(allocation);
    }

    /** Adds to the live bytes. Returns how many they are now. */
    long live(final long bytes) {
        return shared.getAndAdd(LIVE, bytes) + bytes;
    }

    /** The worker has done what stands before this operation. */
    void at(final int worker, final int operation) {
        // release: pairs with the acquire in slowest(): who sees the position sees the work before it.
        shared.putRelease(position(worker), operation);
    }

    void done(final int worker) {
        shared.putRelease(position(worker), DONE);
    }

    /** Where the slowest worker is: all operations before this index are done. */
    long slowest() {
        long least = DONE;
        for (int worker = 0; worker < workers; worker++) {
            // acquire: pairs with the release in at().
            least = Math.min(least, shared.getAcquire(position(worker)));
        }
        return least;
    }

    /** Waits until an operation is within the window. Returns where the slowest is; less only if the replay has been stopped. */
    long awaitWindow(final int operation) {
        long slowest = slowest();
        for (int tries = 0; operation - slowest > WINDOW && !stop.requested(); tries++) {
            pause(tries);
            slowest = slowest();
        }
        return slowest;
    }

    private void pause(final int tries) {
        if (tries < SPINS) {
            Thread.onSpinWait();
        } else {
            LockSupport.parkNanos(this, PARK_NANOS);
        }
    }
}
