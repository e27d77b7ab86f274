package org.vellum.space;

import java.util.concurrent.locks.LockSupport;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameTable;

/**
 * Frames as backings need them: those that pages of files are in, and those that handlers give. Each step occupies a slot for itself, or nests in the caller's.
 *
 * <p>Thread safety: any thread.
 */
final class BackingFrames {
    private static final long PARK_NANOS = 20_000;

    private final Cpus cpus;
    private final FrameAllocator frames;

    BackingFrames(final Cpus cpus, final FrameAllocator frames) {
        this.cpus = cpus;
        this.frames = frames;
    }

    FrameTable table() {
        return frames.table();
    }

    long nativeAddress(final long frame) {
        return frames.memory().nativeAddress(frame);
    }

    int count(final long frame) {
        return frames.table().count(frame);
    }

    /**
     * @param owner whom its mapper word shall name.
     * @return a frame, or {@link org.vellum.frame.PhysicalMemory#NO_FRAME}.
     */
    long allocate(final long owner) {
        final Cpu cpu = cpus.enter();
        try {
            final long frame = frames.allocate(cpu, 0);
            if (frame >= 0) {
                final boolean mine = frames.table().compareAndSetMapper(frame, 0, owner);
                assert mine : "a free frame has a mapper: frame=" + frame;
            }
            return frame;
        } finally {
            cpu.exit();
        }
    }

    void get(final long frame) {
        frames.get(frame);
    }

    /** Gives a reference up. Waits, parked, only if every slot is busy: never inside a section, where it nests. */
    void put(final long frame) {
        final Cpu cpu = enter();
        try {
            frames.put(cpu, frame);
        } finally {
            cpu.exit();
        }
    }

    /** A slot, however long it takes: a reference must not be lost. */
    private Cpu enter() {
        Cpu cpu = cpus.tryEnter();
        boolean interrupted = false;
        while (cpu == null) {
            LockSupport.parkNanos(this, PARK_NANOS);
            // With an interrupt pending no park would park: taken off, and put back at the end.
            interrupted |= Thread.interrupted();
            cpu = cpus.tryEnter();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return cpu;
    }
}
