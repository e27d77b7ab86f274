package org.vellum.vmap;

import org.vellum.cpu.SpinLock;
import org.vellum.epoch.Epochs;

/**
 * The baseline that reference 1 replaced: one global lock around every map and unmap, and a flush inside it at each unmap.
 *
 * <p>Waits for every section that is open, spinning before it parks; hence refuses to be called inside one. The lock is never
 * taken inside a section, so holding it across the wait cannot keep a section from ending. It is as cheap as a lock can be, so
 * that the comparison shows the policy, not the lock.
 */
public final class EagerFlush {
    private final Epochs epochs;
    private final SpinLock lock;

    EagerFlush(final Epochs epochs) {
        this.epochs = epochs;
        lock = SpinLock.outsideSections(epochs.cpus());
    }

    /**
     * Enters the global lock, to map.
     *
     * @param call the method, for the message.
     * @throws IllegalStateException inside a section.
     */
    public void lock(final String call) {
        epochs.cpus().mightSleep(call);
        lock.lock();
    }

    /** Leaves the global lock. */
    public void unlock() {
        lock.unlock();
    }

    /** Waits until no section can still use what was cleared before; under the global lock. */
    public void flush() {
        epochs.flush();
    }
}
