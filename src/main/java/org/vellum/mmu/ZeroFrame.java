package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * The one frame of zeroes that every page shows which was read and never written. It is allocated at its first use, marked so that nobody else
 * frees it, and mapped by special entries, without a reference: so no gather ever frees it (RG13), however many pages show it.
 *
 * <p>Thread safety: any thread; nothing waits.
 */
public final class ZeroFrame {
    /** What its frame is marked with; tables, batches, the allocator's runs and the slabs have other marks. */
    private static final int MARK = 0x92;
    private static final long NONE_YET = 0;

    private final FrameAllocator frames;
    /** The frame, or 0: there is no frame of that number. */
    private final Words frame = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    /**
     * @param frames where it comes from.
     */
    public ZeroFrame(final FrameAllocator frames) {
        this.frames = frames;
    }

    /**
     * What an entry is that shows zeroes: readable, accessed, never writable.
     *
     * @param cpu the slot that the caller occupies.
     * @return the state, without a version; {@link SpaceEntry#NONE} if there is no memory for the frame.
     */
    public long state(final Cpu cpu) {
        // Acquire: the zeroes; partner: the CAS in make().
        long number = frame.getAcquire(0);
        if (number == NONE_YET) {
            number = make(cpu);
        }
        return number == PhysicalMemory.NO_FRAME ? SpaceEntry.NONE
            : SpaceEntry.present(frames.memory().nativeAddress(number),
                SpaceEntry.READABLE | SpaceEntry.ACCESSED | SpaceEntry.SPECIAL | SpaceEntry.ZERO);
    }

    private long make(final Cpu cpu) {
        final long made = frames.allocate(cpu, 0);
        if (made == PhysicalMemory.NO_FRAME) {
            return made;
        }
        UnsafeApi.setMemory(frames.memory().nativeAddress(made), Pages.SIZE, (byte)0);
        frames.table().compareAndSetMark(made, 0, 0, MARK);
        // Those who read it look at no section.
        frames.memory().keepBank(made);
        // CAS: of two that make one, one wins; partner: the acquire in state().
        if (frame.compareAndSet(0, NONE_YET, made)) {
            return made;
        }
        free(cpu, made);
        return frame.getAcquire(0);
    }

    private void free(final Cpu cpu, final long number) {
        frames.table().compareAndSetMark(number, 0, MARK, 0);
        frames.free(cpu, number, 0);
    }

    /**
     * Gives the frame back, a grace period after the last entry that shows it was cleared. It is made anew at the next use.
     *
     * @param cpu the slot that the caller occupies.
     */
    public void release(final Cpu cpu) {
        final long number = frame.getAndSet(0, NONE_YET);
        if (number != NONE_YET) {
            free(cpu, number);
        }
    }
}
