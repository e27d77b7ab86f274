package org.vellum.kmap;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.mem.Pages;
import org.vellum.mmu.Address;
import org.vellum.report.WouldWaitException;

/**
 * The way to the stack of local maps: what may wait comes before the section.
 *
 * <p>Thread safety: all methods may be called by any thread; each is about the caller's own maps.
 */
final class LocalMaps {
    private final Cpus cpus;
    private final KmapStack stack;
    private final Windows windows;
    private final boolean direct;
    /** As the windows have it: one load less on the way of every map. */
    private final long firstWithEntry;
    private final long waitNanos;

    LocalMaps(final Cpus cpus, final KmapStack stack, final Windows windows, final KmapOptions options) {
        this.cpus = cpus;
        this.stack = stack;
        this.windows = windows;
        direct = options.direct();
        firstWithEntry = windows.firstWithEntry;
        waitNanos = options.waitNanos();
    }

    /** See {@link Kmap#kmapLocal(Cpu, long)}; {@code writable}: whether stores are wanted, too. */
    long map(final Cpu hint, final long frame, final boolean writable) {
        if (direct && !HighFrames.isHigh(frame)) {
            return frame << Pages.SHIFT;
        }
        // For all of it: between entering and the map nothing may end the operation.
        if (StackReserve.ensureOperation(HighFrames.fileBits(frame), firstWithEntry)) {
            return mapEntry(hint, frame, writable);
        }
        windows.requireLow(frame);
        return stack.pushLow(cpus.enter(hint), frame << Pages.SHIFT);
    }

    private long mapEntry(final Cpu hint, final long frame, final boolean writable) {
        final Backing backing = windows.require(frame).backing();
        final int pin = pin(backing, frame, writable);
        boolean mapped = false;
        try {
            final long address = stack.pushEntry(cpus.enter(hint), frame, writable, pin);
            mapped = true;
            return address;
        } finally {
            if (!mapped) {
                backing.unpin(pin);
            }
        }
    }

    private int pin(final Backing backing, final long frame, final boolean writable) {
        final int pin = backing.tryPin(frame, writable);
        if (pin != Backing.MISS) {
            return pin;
        }
        if (cpus.inSection()) {
            backing.require(frame);
            throw new WouldWaitException("the page must be read from its file, which waits, inside a section: frame=" + frame
                + "; prefetch it, or map it first");
        }
        return backing.pinUninterruptibly(frame, writable, System.nanoTime() + waitNanos);
    }

    /** See {@link Kmap#kunmapLocal(long)}. */
    void unmap(final long address) {
        // Less than a map takes, so that what was mapped at some depth can be unmapped there; and no unmap ends in its middle.
        StackReserve.ensure();
        if (direct && isLow(address)) {
            return;
        }
        final Cpu cpu = cpus.current();
        if (cpu == null) {
            throw stack.misuse(address);
        }
        stack.pop(cpu, address);
    }

    /** See {@link Kmap#kunmapLocal(Cpu, long)}. */
    void unmap(final Cpu hint, final long address) {
        StackReserve.ensure();
        if (direct && isLow(address)) {
            return;
        }
        if (hint != null && cpus.isOccupant(hint)) {
            stack.pop(hint, address);
        } else {
            unmap(address);
        }
    }

    private static boolean isLow(final long address) {
        return Address.tag(address) == 0;
    }

    /** Pins a page without a map, where it may wait for that. */
    int keep(final long frame) {
        return HighFrames.isHigh(frame) ? pin(windows.require(frame).backing(), frame, false) : Backing.LOW;
    }

    /** Ends what {@link #keep} began. */
    void drop(final int pin) {
        if (pin != Backing.LOW) {
            windows.parts().backing().unpin(pin);
        }
    }
}
