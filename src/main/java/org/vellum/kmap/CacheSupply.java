package org.vellum.kmap;

import java.util.concurrent.atomic.AtomicInteger;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.report.ExhaustedException;

/**
 * Where cache frames come from and go to: single frames of physical memory, one at a time as misses need them. Memory that has none left is
 * not asked again at each miss: the cache makes do with what it has.
 *
 * <p>Outside sections; it opens one of its own for each frame. May wait for a bank.
 */
final class CacheSupply {
    /** Misses between two requests once one was refused. */
    private static final int MISSES_PER_REQUEST = 256;

    private final Cpus cpus;
    private final FrameAllocator allocator;
    private final AtomicInteger patience = new AtomicInteger();

    CacheSupply(final Cpus cpus, final FrameAllocator allocator) {
        this.cpus = cpus;
        this.allocator = allocator;
    }

    /** Whether it is worth asking; asked once a miss. */
    boolean mayAsk() {
        return patience.get() == 0 || patience.decrementAndGet() <= 0;
    }

    /** Adds one frame to the directory, or remembers that there is none. */
    boolean grow(final CacheDirectory directory) {
        final long frame = allocate();
        if (frame == PhysicalMemory.NO_FRAME) {
            patience.set(MISSES_PER_REQUEST);
            return false;
        }
        patience.set(0);
        putAway(directory, frame);
        return true;
    }

    /**
     * Gives all frames of a directory back that holds nothing. If there is no slot to do that by, it keeps them, for the next file.
     */
    void takeBack(final CacheDirectory directory) {
        final long[] frames = directory.takeAll();
        if (frames.length > 0 && !tryFree(frames)) {
            for (final long frame : frames) {
                putAway(directory, frame);
            }
        }
    }

    /** Into the directory; past it if others have filled that. Each of the two may be refused, so by turns, with the wait for a slot in between. */
    private void putAway(final CacheDirectory directory, final long frame) {
        boolean away;
        do {
            away = directory.add(allocator.memory().nativeAddress(frame), frame) || tryFree(frame);
        } while (!away);
    }

    private long allocate() {
        long frame = tryAllocate();
        if (frame == PhysicalMemory.NO_FRAME && allocator.grow(1)) {
            frame = tryAllocate();
        }
        if (frame == PhysicalMemory.NO_FRAME && allocator.drainIdle() > 0) {
            frame = tryAllocate();
        }
        return frame;
    }

    private long tryAllocate() {
        try (Cpu cpu = cpus.enter()) {
            return allocator.allocate(cpu, 0);
        }
    }

    /** False if no slot became idle in time. */
    private boolean tryFree(final long... frames) {
        final Cpu cpu;
        try {
            cpu = cpus.enter();
        } catch (final ExhaustedException e) {
            return false;
        } catch (final IllegalStateException e) {
            // The memory is closed, and with it all of its frames.
            return true;
        }
        try (cpu) {
            allocator.freeBulk(cpu, frames, 0, frames.length);
        }
        return true;
    }

    /** Why there is no frame: the end of a sentence. */
    String reason() {
        final String refused = allocator.exhaustionReason();
        return "free frames=" + allocator.freeFrames() + " of " + allocator.configuredFrames() + (refused == null ? "" : "; " + refused);
    }
}
