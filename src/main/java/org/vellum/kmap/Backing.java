package org.vellum.kmap;

import org.vellum.frame.PhysicalMemory;

/**
 * What lies behind a frame: for a low one its bank, for a high one the cache frame that holds its page.
 *
 * <p>A <em>pin</em> is the index of the cache frame, or {@link #LOW}.
 */
final class Backing {
    /** The pin of low frames, which need none. */
    static final int LOW = -1;
    /** No pin: the page is not in the cache. */
    static final int MISS = -2;

    private final PhysicalMemory memory;
    private final HighCache cache;

    Backing(final PhysicalMemory memory, final HighCache cache) {
        this.memory = memory;
        this.cache = cache;
    }

    /** Never waits; {@link #MISS} if it would have to, or there is no such frame. */
    int tryPin(final long frame, final boolean writable) {
        if (!HighFrames.isHigh(frame)) {
            return memory.frameAddressOrZero(frame) == 0 ? MISS : LOW;
        }
        final int index = cache.tryPin(frame, writable);
        return index < 0 ? MISS : index;
    }

    /** Checks that a frame that is a {@link #MISS} could be pinned; throws as {@link HighCache#pin}. */
    void require(final long frame) {
        if (HighFrames.isHigh(frame)) {
            cache.require(frame);
        } else if (memory.frameAddressOrZero(frame) == 0) {
            throw noSuchFrame(frame);
        }
    }

    static IllegalArgumentException noSuchFrame(final long frame) {
        return new IllegalArgumentException("no such frame: frame=" + frame);
    }

    /** A use of a frame has ended whose pin is kept. */
    void unused(final long frame) {
        if (HighFrames.isHigh(frame)) {
            cache.pinUnused();
        }
    }

    /** May read and write the file; outside sections. Throws as {@link HighCache#pin}. */
    int pin(final long frame, final boolean writable, final long deadlineNanos) throws InterruptedException {
        if (HighFrames.isHigh(frame)) {
            return cache.pin(frame, writable, deadlineNanos);
        }
        require(frame);
        return LOW;
    }

    /** {@link #pin}, for callers that do not say they may be interrupted: an interrupt stays pending. */
    int pinUninterruptibly(final long frame, final boolean writable, final long deadlineNanos) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return pin(frame, writable, deadlineNanos);
                } catch (final InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The native address of a frame that is low, or pinned. */
    long nativePage(final long frame, final int pin) {
        return pin == LOW ? memory.nativeAddress(frame) : cache.nativePage(pin);
    }

    void unpin(final int pin) {
        if (pin >= 0) {
            cache.unpin(pin);
        }
    }
}
