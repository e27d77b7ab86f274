package org.vellum.alloc;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.vmap.VmapBuffer;

/** The life of a buffer that owns its memory: who frees, and who frees what. */
public final class OffHeapBufferStress {
    private static final int BYTES = 64;

    private OffHeapBufferStress() {
    }

    /** Two blocks, by turns; counts what is allocated and freed, and which. */
    private static final class TwoBlocks implements BufferMemory {
        private static final ByteBuffer BLOCK = ByteBuffer.allocateDirect(2 * BYTES);
        private final AtomicInteger allocated = new AtomicInteger();
        private final AtomicInteger freed = new AtomicInteger();
        /** The sum of the addresses freed: 1 and 2, each once, if all went well. */
        private final AtomicInteger freedAddresses = new AtomicInteger();

        @Override
        public long allocate(final long size, final long alignment, final boolean zeroed) {
            return allocated.incrementAndGet();
        }

        @Override
        public void free(final long address) {
            freed.incrementAndGet();
            freedAddresses.addAndGet((int)address);
        }

        @Override
        public long reallocate(final long address, final long size) {
            final long moved = allocate(size, 1, false);
            free(address);
            return moved;
        }

        @Override
        public boolean isContiguous(final long address) {
            return true;
        }

        @Override
        public void wrap(final long address, final int length, final UnsafeBuffer buffer) {
            buffer.wrap(BLOCK, 0, length);
        }

        @Override
        public VmapBuffer view(final long address, final int length) {
            throw new AssertionError("contiguous");
        }

        @Override
        public ByteBuffer byteBuffer(final long address, final int length) {
            return BLOCK.slice(0, length);
        }
    }

    /**
     * Two threads close. Would catch a close that looks whether the buffer is open and then says that it is not: both would free, and the
     * second free would be of another's memory.
     */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "one of the two freed")
    @Outcome(expect = FORBIDDEN, desc = "both or none freed")
    @State
    public static class TwoCloses {
        private final TwoBlocks memory = new TwoBlocks();
        private final OffHeapBuffer buffer = new OffHeapBuffer(memory, BYTES, 1, false);

        /** Closes. */
        @Actor
        public void one() {
            buffer.close();
        }

        /** Closes. */
        @Actor
        public void other() {
            buffer.close();
        }

        /** @param r how many frees. */
        @Arbiter
        public void count(final I_Result r) {
            r.r1 = memory.freed.get();
        }
    }

    /**
     * A close meets a resize that moves the memory. Would catch a resize that takes the buffer by anything less than close's own
     * compare-and-set (the close would free what the resize has freed), and a return to open that lets the address lag behind: the close
     * that follows would free the old memory again, and never the new. Third number: blocks allocated but not freed; the second is the
     * sum of the addresses freed, 1 and 2.
     */
    @JCStressTest
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "close -> resize: refused, nothing moved")
    @Outcome(id = "1, 3, 0", expect = ACCEPTABLE, desc = "resize -> close: the new memory is freed")
    @Outcome(id = "2, 3, 0", expect = ACCEPTABLE, desc = "close within resize: refused; closed at the end")
    @Outcome(expect = FORBIDDEN, desc = "freed twice, or never")
    @State
    public static class CloseAgainstResize {
        private final TwoBlocks memory = new TwoBlocks();
        private final OffHeapBuffer buffer = new OffHeapBuffer(memory, BYTES, 1, false);
        private boolean resized;
        private boolean refused;

        /** Resizes. */
        @Actor
        public void resize() {
            try {
                buffer.resize(BYTES - 1);
                resized = true;
            } catch (final IllegalStateException closed) {
                resized = false;
            }
        }

        /** Closes. */
        @Actor
        public void close() {
            try {
                buffer.close();
            } catch (final IllegalStateException resizing) {
                refused = true;
            }
        }

        /** @param r who won, which addresses were freed, and how many blocks are left. */
        @Arbiter
        public void settle(final III_Result r) {
            buffer.close();
            r.r1 = resized ? refused ? 2 : 1 : 0;
            r.r2 = memory.freedAddresses.get();
            r.r3 = memory.allocated.get() - memory.freed.get();
        }
    }

    /**
     * Two threads ask for the byte buffer. Would catch a plain publication of it: its address and limit are not final, so the
     * second thread could find a byte buffer of no bytes, and a plain store instead of the exchange: two of them.
     */
    @JCStressTest
    @Outcome(id = "64, 64", expect = ACCEPTABLE, desc = "one and the same byte buffer, whole")
    @Outcome(expect = FORBIDDEN, desc = "two byte buffers, or one that is not made yet")
    @State
    public static class TwoByteBuffers {
        private final OffHeapBuffer buffer = new OffHeapBuffer(new TwoBlocks(), BYTES, 1, false);
        private ByteBuffer one;
        private ByteBuffer other;

        /** @param r its length. */
        @Actor
        public void one(final II_Result r) {
            one = buffer.byteBuffer();
            r.r1 = one.limit();
        }

        /** @param r its length. */
        @Actor
        public void other(final II_Result r) {
            other = buffer.byteBuffer();
            r.r2 = other.limit();
        }

        /** @param r -1 if they are two. */
        @Arbiter
        public void same(final II_Result r) {
            if (one != other) {
                r.r1 = -1;
            }
        }
    }
}
