package org.vellum.cli;

import java.util.function.Function;
import org.agrona.UnsafeApi;
import org.vellum.Vellum;
import org.vellum.mem.Pages;

/**
 * Allocate, touch and free memory of one size: one byte of each page is written, and the last.
 *
 * <p>Each thread also holds one allocation of that size all the time, the witness: it keeps allocators from handing out one
 * block for ever, and shows it if they hand out memory that is somebody's.
 */
abstract class AllocHammer extends Hammer {
    final long size;
    /** Whether an allocation is one piece of native memory. */
    final boolean contiguous;

    private final byte mark;
    private long witness;
    private boolean intact = true;

    AllocHammer(final Vellum memory, final long size, final boolean contiguous, final int thread) {
        super(memory);
        this.size = size;
        this.contiguous = contiguous;
        mark = (byte)(thread + 1);
    }

    static AllocHammer of(
        final String impl, final Vellum memory, final Function<Vellum, Allocations> allocator, final long size, final int thread) {
        return switch (impl) {
            case "vellum" -> new Own(memory, allocator.apply(memory), size, thread);
            case "malloc" -> new Malloc(memory, size, thread);
            case "touch" -> new Touch(memory, size, thread);
            default -> throw new IllegalArgumentException("impl=" + impl);
        };
    }

    abstract long allocate();

    abstract void free(long address);

    /** The native address of one byte. */
    abstract long nativeAddress(long address);

    /** Does {@link #BATCH} operations. */
    abstract void work();

    /** One byte of each page of one piece of native memory. */
    static void touch(final long base, final long size, final byte value) {
        for (long offset = 0; offset < size; offset += Pages.SIZE) {
            UnsafeApi.putByte(base + offset, value);
        }
        UnsafeApi.putByte(base + size - 1, value);
    }

    @Override
    final void prepare() {
        if (witness == 0) {
            witness = allocate();
            for (long offset = 0; offset < size; offset++) {
                UnsafeApi.putByte(nativeAddress(witness + offset), mark);
            }
        }
    }

    @Override
    final void batch() {
        work();
        // A sample; finish() looks at all of it.
        intact &= holds(0) && holds(size - 1);
    }

    private boolean holds(final long offset) {
        return UnsafeApi.getByte(nativeAddress(witness + offset)) == mark;
    }

    /** The allocation that is live all the time, or 0 before the first cell. */
    final long witness() {
        return witness;
    }

    /** Whether the witness held all the time; then frees it. */
    boolean finish() {
        if (witness != 0) {
            for (long offset = 0; offset < size && intact; offset++) {
                intact = holds(offset);
            }
            free(witness);
            witness = 0;
        }
        return intact;
    }

    /** The memory's own allocator. */
    private static final class Own extends AllocHammer {
        private final Allocations allocations;

        Own(final Vellum memory, final Allocations allocations, final long size, final int thread) {
            super(memory, size, allocations.isContiguous(size), thread);
            this.allocations = allocations;
        }

        @Override
        long allocate() {
            return allocations.allocate(size);
        }

        @Override
        void free(final long address) {
            allocations.free(address);
        }

        @Override
        long nativeAddress(final long address) {
            return allocations.nativeAddress(address);
        }

        @Override
        void work() {
            for (int i = 0; i < BATCH; i++) {
                final long address = allocations.allocate(size);
                if (contiguous) {
                    touch(allocations.nativeAddress(address), size, (byte)i);
                } else {
                    touchScattered(address, (byte)i);
                }
                allocations.free(address);
            }
        }

        private void touchScattered(final long address, final byte value) {
            for (long offset = 0; offset < size; offset += Pages.SIZE) {
                UnsafeApi.putByte(allocations.nativeAddress(address + offset), value);
            }
            UnsafeApi.putByte(allocations.nativeAddress(address + size - 1), value);
        }
    }

    /** The C library's, as Agrona offers it. */
    private static final class Malloc extends AllocHammer {
        Malloc(final Vellum memory, final long size, final int thread) {
            super(memory, size, true, thread);
        }

        @Override
        long allocate() {
            return UnsafeApi.allocateMemory(size);
        }

        @Override
        void free(final long address) {
            UnsafeApi.freeMemory(address);
        }

        @Override
        long nativeAddress(final long address) {
            return address;
        }

        @Override
        void work() {
            for (int i = 0; i < BATCH; i++) {
                final long address = UnsafeApi.allocateMemory(size);
                touch(address, size, (byte)i);
                UnsafeApi.freeMemory(address);
            }
        }
    }

    /** The floor: memory that was allocated once. */
    private static final class Touch extends AllocHammer {
        private long block;

        Touch(final Vellum memory, final long size, final int thread) {
            super(memory, size, true, thread);
            block = UnsafeApi.allocateMemory(size);
        }

        @Override
        long allocate() {
            return UnsafeApi.allocateMemory(size);
        }

        @Override
        void free(final long address) {
            UnsafeApi.freeMemory(address);
        }

        @Override
        long nativeAddress(final long address) {
            return address;
        }

        @Override
        void work() {
            for (int i = 0; i < BATCH; i++) {
                touch(block, size, (byte)i);
            }
        }

        @Override
        boolean finish() {
            UnsafeApi.freeMemory(block);
            block = 0;
            return super.finish();
        }
    }
}
