package org.vellum.alloc;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.frame.MemoryBank;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;
import org.vellum.vmap.VmapBuffer;

/**
 * Memory for buffers out of a real Vellum, contiguous or scattered as the test wants it: runs of frames, or vmalloc. Knows what is live,
 * and fails a free of anything else. Nothing is aligned more than it was asked to be, content is dirty unless asked to be zero.
 */
final class TestBufferMemory implements BufferMemory, AutoCloseable {
    private static final byte DIRT = (byte)0xA5;

    /** Whether what is allocated from now on is scattered. */
    volatile boolean scattered;
    /** How many of the coming allocations, counted down, succeed. */
    volatile int budget = Integer.MAX_VALUE;
    /** Whether the next look at memory fails, as it does when the heap is full. */
    volatile boolean lookFails;
    /** Runs in the middle of the next reallocation. */
    volatile Runnable duringReallocate;
    final AtomicInteger frees = new AtomicInteger();

    private record Live(long start, long size, boolean scattered) {
    }

    private final Vellum memory = SmallMemory.open(1_024, 16_384);
    private final Map<Long, Live> live = new ConcurrentHashMap<>();

    int live() {
        return live.size();
    }

    private Live require(final long address) {
        final Live found = live.get(address);
        if (found == null) {
            throw new AssertionError("not live: address=0x" + Long.toHexString(address));
        }
        return found;
    }

    @Override
    public long allocate(final long size, final long alignment, final boolean zeroed) {
        if (size <= 0 || Long.bitCount(alignment) != 1) {
            throw new IllegalArgumentException("size=" + size + " alignment=" + alignment);
        }
        if (budget-- <= 0) {
            throw new ExhaustedException(ExhaustedException.Resource.FRAMES, "the test's budget");
        }
        final long offset = Math.max(alignment, MIN_ALIGNMENT) & Pages.OFFSET_MASK;
        final long start = scattered ? memory.vmalloc(size + offset) : run(size + offset);
        final long address = start + offset;
        memory.access().setMemory(address, size, zeroed ? 0 : DIRT);
        live.put(address, new Live(start, size, scattered));
        return address;
    }

    private static int orderOf(final long bytes) {
        final long pages = Pages.of(bytes);
        return pages == 1 ? 0 : Long.SIZE - Long.numberOfLeadingZeros(pages - 1);
    }

    private long run(final long bytes) {
        try (Cpu cpu = memory.enter()) {
            final long frame = memory.frames().allocate(cpu, orderOf(bytes));
            if (frame == PhysicalMemory.NO_FRAME) {
                throw new ExhaustedException(ExhaustedException.Resource.FRAMES, "bytes=" + bytes);
            }
            return frame << Pages.SHIFT;
        }
    }

    @Override
    public void free(final long address) {
        final Live freed = live.remove(address);
        if (freed == null) {
            throw new AssertionError("freed twice: address=0x" + Long.toHexString(address));
        }
        frees.incrementAndGet();
        if (freed.scattered) {
            memory.vfree(freed.start);
        } else {
            try (Cpu cpu = memory.enter()) {
                memory.access().setMemory(freed.start, freed.size, DIRT);
                memory.frames().free(cpu, freed.start >>> Pages.SHIFT, orderOf(freed.size + (address - freed.start)));
            }
        }
    }

    /** Always moves, so that what still looks at the old place shows. */
    @Override
    public long reallocate(final long address, final long size) {
        final Live before = require(address);
        final Runnable during = duringReallocate;
        duringReallocate = null;
        if (during != null) {
            during.run();
        }
        final long moved = allocate(size, MIN_ALIGNMENT, false);
        final byte[] content = new byte[(int)Math.min(before.size, size)];
        memory.access().getBytes(address, content, 0, content.length);
        memory.access().putBytes(moved, content, 0, content.length);
        free(address);
        return moved;
    }

    @Override
    public boolean isContiguous(final long address) {
        return !require(address).scattered;
    }

    private void look(final long address, final int length) {
        if (lookFails) {
            throw new OutOfMemoryError("Java heap space, says the test");
        }
        if (length > require(address).size) {
            throw new AssertionError("length=" + length + " live=" + require(address));
        }
    }

    @Override
    public void wrap(final long address, final int length, final UnsafeBuffer buffer) {
        look(address, length);
        memory.wrap(address, length, buffer);
    }

    @Override
    public VmapBuffer view(final long address, final int length) {
        look(address, length);
        return memory.buffer(address, length);
    }

    @Override
    public ByteBuffer byteBuffer(final long address, final int length) {
        look(address, length);
        final PhysicalMemory frames = memory.frames().memory();
        final MemoryBank bank = frames.bank((int)(address >>> frames.bankShift() + Pages.SHIFT));
        return bank.slice((int)(address - (bank.firstFrame() << Pages.SHIFT)), length);
    }

    /** Everything must have come back. */
    @Override
    public void close() {
        if (!live.isEmpty()) {
            throw new AssertionError("live=" + live);
        }
        SmallMemory.requireQuiet(memory, 0, 0);
        memory.close();
    }
}
