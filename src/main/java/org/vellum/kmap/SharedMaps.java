package org.vellum.kmap;

import org.vellum.cpu.StackReserve;
import org.vellum.epoch.Epochs;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;

/**
 * The way to the shared window, for the frames that need it.
 *
 * <p>Thread safety: all methods may be called by any thread.
 */
final class SharedMaps {
    private final Epochs epochs;
    private final PhysicalMemory memory;
    private final Windows windows;
    private final boolean force;
    private final long waitNanos;

    SharedMaps(final Epochs epochs, final PhysicalMemory memory, final Windows windows, final KmapOptions options) {
        this.epochs = epochs;
        this.memory = memory;
        this.windows = windows;
        force = options.force();
        waitNanos = options.waitNanos();
    }

    /** See {@link Kmap#kmap(long)}; {@code writable}: whether stores are wanted, too. */
    long map(final long frame, final boolean writable) throws InterruptedException {
        return map(frame, writable, waitNanos);
    }

    /** See {@link Kmap#kmap(long, long)}. */
    long map(final long frame, final boolean writable, final long timeoutNanos) throws InterruptedException {
        epochs.mightSleep("kmap");
        StackReserve.ensureOperation();
        if (windows.needsEntry(frame)) {
            return windows.require(frame).shared().map(frame, writable, timeoutNanos);
        }
        windows.requireLow(frame);
        return frame << Pages.SHIFT;
    }

    /** See {@link Kmap#kmapIfMapped(long)}. */
    long mapIfMapped(final long frame) {
        StackReserve.ensureOperation();
        if (!windows.needsEntry(frame)) {
            windows.requireLow(frame);
            return frame << Pages.SHIFT;
        }
        final Windows.Parts there = windows.require(frame);
        final long address = there.shared().mapIfMapped(frame, true);
        if (address == KmapWindow.NOT_MAPPED) {
            there.backing().require(frame);
        }
        return address;
    }

    /** See {@link Kmap#kunmap(long)}. */
    void unmap(final long address) {
        StackReserve.ensure();
        final Windows.Parts there = windows.parts();
        if (!force && Address.tag(address) == 0) {
            if ((address & Pages.OFFSET_MASK) != 0 || memory.frameAddressOrZero(address >>> Pages.SHIFT) == 0) {
                throw KmapWindow.notOurs(address);
            }
        } else if (there == null) {
            throw KmapWindow.notOurs(address);
        } else {
            there.shared().unmap(address);
        }
    }

    /** See {@link Kmap#flushUnused}. */
    int flushUnused() {
        epochs.mightSleep("flushUnused");
        StackReserve.ensureOperation();
        return flushLast();
    }

    /** {@link #flushUnused} of a memory that is being closed. */
    int flushLast() {
        final Windows.Parts there = windows.parts();
        return there == null ? 0 : there.shared().flush.flushUnused(waitNanos);
    }

    /** See {@link Kmap#forgetUnused}. */
    void forgetUnused() {
        epochs.mightSleep("forgetUnused");
        StackReserve.ensureOperation();
        final Windows.Parts there = windows.parts();
        if (there != null) {
            there.shared().flush.forgetUnused();
        }
    }
}
