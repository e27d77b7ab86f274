package org.vellum;

import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mmu.MappedAccess;

/** What a thread needs to map its own frames and touch them, the same under every policy. */
public final class OwnedFrames {
    /** Numbers of the frames: never two neighbours in order, so that no mapping is contiguous by luck. */
    public final long[] numbers;
    /** The slot of the section before, as a caller on a hot path would keep it. */
    public Cpu hint;

    private final MappedAccess access;
    private long value;

    /**
     * Allocates the frames.
     *
     * @param vellum where; they go with it.
     * @param count how many.
     */
    public OwnedFrames(final Vellum vellum, final int count) {
        numbers = new long[count];
        access = vellum.access();
        vellum.frames().grow(count);
        final Cpu cpu = vellum.enter();
        try {
            // From the last to the first: the buddy hands out ascending neighbours.
            for (int i = count - 1; i >= 0; i--) {
                numbers[i] = vellum.frames().allocate(cpu, 0);
                if (numbers[i] == PhysicalMemory.NO_FRAME) {
                    throw new IllegalStateException("out of frames: count=" + count);
                }
            }
        } finally {
            cpu.exit();
        }
        hint = cpu;
    }

    /**
     * The touch that every policy has in common: one checked store to each page.
     *
     * @param address where the frames are mapped.
     */
    public void touch(final long address) {
        final long stored = ++value;
        for (int i = 0; i < numbers.length; i++) {
            access.putLong(address + (long)i * Vellum.pageSize(), stored);
        }
    }
}
