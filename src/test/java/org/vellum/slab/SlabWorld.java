package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.agrona.UnsafeApi;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;

/** The room over a small memory, and what its tests need around it. */
final class SlabWorld {
    static final int FRAMES_PER_SLAB = 1 << SlabTable.ORDER;
    static final CpuOptions SLOTS = CpuOptions.forThisMachine().withCachedSlots(4).withFirstEpoch(SmallMemory.NEAR_WRAP);

    private static final long BANK = FrameOptions.MIN_BANK_BYTES;
    private static final long ADDRESS_MASK = -1L >>> Short.SIZE;

    final SmallMemory.Ear ear = new SmallMemory.Ear();
    final Cpus cpus;
    final Epochs epochs;
    final FrameAllocator frames;
    final SlabAllocator slabs;

    SlabWorld(final int slabsThatFit) {
        this(SLOTS, slabsThatFit);
    }

    SlabWorld(final CpuOptions options, final int slabsThatFit) {
        this(options, new FrameOptions((long)slabsThatFit * SlabTable.BYTES, BANK));
    }

    SlabWorld(final CpuOptions options, final FrameOptions memory) {
        cpus = new Cpus(options);
        epochs = new Epochs(cpus, new Sweeper(cpus, ear), new StallDetector(cpus, ear, Long.MAX_VALUE));
        frames = new FrameAllocator(cpus, memory);
        slabs = new SlabAllocator(epochs, frames, ear);
    }

    long allocate(final int sizeClass, final int owner) {
        try (Cpu cpu = cpus.enter()) {
            return slabs.allocate(cpu, sizeClass, owner);
        }
    }

    /** Allocates objects that there must be. */
    long[] allocateAll(final int sizeClass, final int count) {
        final long[] addresses = new long[count];
        for (int i = 0; i < count; i++) {
            addresses[i] = allocate(sizeClass, 0);
            assertTrue(addresses[i] != 0, "object " + i + " of " + count);
        }
        return addresses;
    }

    void freeAll(final long... addresses) {
        for (final long address : addresses) {
            slabs.free(address);
        }
    }

    long freeDeferred(final long address) {
        try (Cpu cpu = cpus.enter()) {
            return slabs.freeDeferred(cpu, address);
        }
    }

    void drainAll() {
        for (int i = 0; i < cpus.cachedSlots(); i++) {
            try (Cpu cpu = cpus.tryVisit(i)) {
                slabs.drain(cpu);
            }
        }
    }

    static int slabOf(final long address) {
        return (int)((address & ADDRESS_MASK) >>> SlabTable.SHIFT);
    }

    static int tagOf(final long address) {
        return (int)(address >>> 48);
    }

    static long untagged(final long address) {
        return address & ADDRESS_MASK;
    }

    long nativeAddress(final long address) {
        final long linear = untagged(address);
        return frames.memory().nativeAddress(linear >>> 12) + (linear & 4095);
    }

    /** Writes a pattern over an object that only its address tells. */
    void write(final long address, final int size) {
        final long at = nativeAddress(address);
        for (int i = 0; i < size; i += Long.BYTES) {
            UnsafeApi.putLong(at + i, address * 31 + i);
        }
    }

    void requireContent(final long address, final int size) {
        final long at = nativeAddress(address);
        for (int i = 0; i < size; i += Long.BYTES) {
            if (UnsafeApi.getLong(at + i) != address * 31 + i) {
                throw new AssertionError("address=0x" + Long.toHexString(address) + " offset=" + i + " was written by others");
            }
        }
    }

    /** The state of a quiet system; the frames that are out are those of its slabs, by a walk of the frame table. */
    void verify() {
        slabs.verify();
        assertEquals(slabs.count().slabs() * (long)FRAMES_PER_SLAB, frames.allocatedFrames(), "frames of slabs");
        assertTrue(ear.heard.isEmpty(), () -> "heard " + ear.heard);
    }

    /** Nothing is live: after deferred frees are through and all is drained, every frame is back. */
    void requireEmpty() {
        verify();
        for (int i = 0; i < 4 && slabs.limboBytes() > 0; i++) {
            slabs.poll();
        }
        assertEquals(0, slabs.limboBytes());
        slabs.drainIdle();
        verify();
        final SlabCounts counts = slabs.count();
        assertEquals(0, counts.liveBytes() + counts.deferredBytes());
        assertEquals(0, counts.slabs(), "slabs left");
        assertEquals(0, frames.allocatedFrames());
        frames.verify();
        cpus.verifyQuiet();
    }
}
