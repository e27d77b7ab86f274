package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.SmallMemory;
import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;

@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class OffHeapBufferTest {
    private final TestBufferMemory memory = new TestBufferMemory();

    @AfterEach
    void everythingComesBack() {
        memory.close();
    }

    private OffHeapBuffer contiguous(final int capacity) {
        memory.scattered = false;
        return new OffHeapBuffer(memory, capacity, 1, false);
    }

    private OffHeapBuffer scattered(final int capacity) {
        memory.scattered = true;
        return new OffHeapBuffer(memory, capacity, 1, false);
    }

    private static byte[] random(final int length) {
        final byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static byte[] content(final DirectBuffer buffer) {
        final byte[] bytes = new byte[buffer.capacity()];
        buffer.getBytes(0, bytes);
        return bytes;
    }

    // ---- size, place, content

    @Test
    void isAsLongAsWasAskedFor() {
        for (final int capacity : new int[] {1, 7, 64, 65, 4_096, 5_001, 100_003}) {
            try (OffHeapBuffer contiguous = contiguous(capacity); OffHeapBuffer scattered = scattered(capacity)) {
                assertEquals(capacity, contiguous.capacity());
                assertEquals(capacity, scattered.capacity());
                contiguous.putByte(capacity - 1, (byte)1);
                scattered.putByte(capacity - 1, (byte)1);
                assertThrows(IndexOutOfBoundsException.class, () -> contiguous.putByte(capacity, (byte)1));
                assertThrows(IndexOutOfBoundsException.class, () -> scattered.putByte(capacity, (byte)1));
                assertEquals(capacity, contiguous.byteBuffer().capacity());
            }
        }
    }

    @Test
    void badArgumentsAllocateNothing() {
        assertThrows(IllegalArgumentException.class, () -> contiguous(0));
        assertThrows(IllegalArgumentException.class, () -> contiguous(-1));
        assertThrows(IllegalArgumentException.class, () -> new OffHeapBuffer(memory, 8, 3, false));
        memory.budget = 0;
        assertThrows(ExhaustedException.class, () -> contiguous(8));
        assertEquals(0, memory.live());
        memory.budget = 2;
        memory.lookFails = true;
        assertThrows(OutOfMemoryError.class, () -> contiguous(8));
        assertThrows(OutOfMemoryError.class, () -> scattered(8));
        assertEquals(2, memory.frees.get());
    }

    @Test
    void contentIsZeroIfAsked() {
        try (OffHeapBuffer dirty = contiguous(5_000)) {
            assertNotEquals(0, dirty.getByte(4_999));
        }
        try (OffHeapBuffer clean = new OffHeapBuffer(memory, 5_000, 1, true)) {
            assertArrayEquals(new byte[5_000], content(clean));
        }
    }

    @Test
    void contiguousMemoryIsAByteBufferToo() {
        try (OffHeapBuffer buffer = contiguous(1_000)) {
            assertTrue(buffer.isContiguous());
            final ByteBuffer bytes = buffer.byteBuffer();
            assertSame(bytes, buffer.byteBuffer());
            assertTrue(bytes.isDirect());
            assertEquals(1_000, bytes.remaining());
            buffer.putByte(999, (byte)77);
            assertEquals(77, bytes.get(999));
            bytes.putInt(0, 0x01020304);
            assertEquals(4, buffer.getByte(3));
            assertEquals(buffer.addressOffset(), new UnsafeBuffer(bytes).addressOffset());
            assertEquals(0, buffer.wrapAdjustment());
            assertNull(buffer.byteArray());
        }
    }

    @Test
    void allThreadsGetOneByteBuffer() throws Exception {
        for (int round = 0; round < 200; round++) {
            try (OffHeapBuffer buffer = contiguous(64)) {
                final ByteBuffer[] seen = new ByteBuffer[2];
                final CyclicBarrier start = new CyclicBarrier(2);
                SmallMemory.inThreads(2, thread -> {
                    start.await();
                    seen[thread] = buffer.byteBuffer();
                });
                assertSame(seen[0], seen[1]);
            }
        }
    }

    @Test
    void scatteredMemoryHasNoNativeAddress() {
        try (OffHeapBuffer buffer = scattered(3 * Pages.SIZE)) {
            assertFalse(buffer.isContiguous());
            assertNull(buffer.byteBuffer());
            assertNull(buffer.byteArray());
            assertEquals(0, buffer.wrapAdjustment());
            assertThrows(UnsupportedOperationException.class, buffer::addressOffset);
            assertThrows(UnsupportedOperationException.class, () -> new UnsafeBuffer(buffer));
            assertThrows(UnsupportedOperationException.class, () -> new UnsafeBuffer(buffer, 8, 8));
        }
    }

    @Test
    void unsafeBuffersWrapContiguousMemory() {
        try (OffHeapBuffer buffer = contiguous(2 * Pages.SIZE)) {
            final UnsafeBuffer whole = new UnsafeBuffer(buffer);
            assertEquals(buffer.capacity(), whole.capacity());
            whole.putLong(4_093, 42);
            assertEquals(42, buffer.getLong(4_093));
            final UnsafeBuffer part = new UnsafeBuffer(buffer, 4_000, 200);
            assertEquals(42, part.getLong(93));
            // As Agrona has it: where index 0 is in what is behind it.
            assertEquals(4_000, part.wrapAdjustment());
            assertSame(buffer.byteBuffer(), part.byteBuffer());
            assertThrows(IndexOutOfBoundsException.class, () -> new UnsafeBuffer(buffer, 4_000, 5_000));
        }
    }

    @Test
    void itIsOverItsOwnMemoryOnly() {
        try (OffHeapBuffer buffer = contiguous(64)) {
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(new byte[8]));
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(new byte[8], 0, 8));
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(ByteBuffer.allocate(8)));
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(ByteBuffer.allocate(8), 0, 8));
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(new UnsafeBuffer(new byte[8])));
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(new UnsafeBuffer(new byte[8]), 0, 8));
            assertThrows(UnsupportedOperationException.class, () -> buffer.wrap(0L, 8));
            assertEquals(64, buffer.capacity());
        }
    }

    // ---- two of them, and others

    @Test
    void anyTwoCopyToEachOther() {
        final int length = 2 * Pages.SIZE + 11;
        final byte[] bytes = random(length);
        try (OffHeapBuffer a = contiguous(length); OffHeapBuffer b = scattered(length);
            OffHeapBuffer c = contiguous(length); OffHeapBuffer d = scattered(length)) {
            final List<MutableDirectBuffer> all = List.of(new UnsafeBuffer(new byte[length]), a, b, c, d);
            for (final MutableDirectBuffer from : all) {
                all.stream().filter(to -> to != from).forEach(to -> copies(bytes, from, to));
            }
        }
    }

    private static void copies(final byte[] bytes, final MutableDirectBuffer from, final MutableDirectBuffer to) {
        final int length = bytes.length;
        from.putBytes(0, bytes);
        to.setMemory(0, length, (byte)0);
        from.getBytes(3, to, 5, length - 5);
        assertEquals(bytes[3], to.getByte(5));
        assertEquals(bytes[length - 3], to.getByte(length - 1));
        assertEquals(0, to.getByte(4));
        assertThrows(IndexOutOfBoundsException.class, () -> from.getBytes(1, to, 0, length));
        if (to instanceof OffHeapBuffer) {
            // An UnsafeBuffer, asked to put, would ask scattered memory for its address.
            to.putBytes(0, from, 0, length);
            assertArrayEquals(bytes, content(to));
            assertThrows(IndexOutOfBoundsException.class, () -> to.putBytes(1, from, 0, length));
            assertThrows(IndexOutOfBoundsException.class, () -> to.putBytes(0, from, 1, length));
        }
    }

    @Test
    void anyTwoCompareAsUnsafeBuffersDo() {
        final Random random = new Random(7);
        for (int round = 0; round < 200; round++) {
            final byte[] left = random(1 + random.nextInt(20));
            final byte[] right = random.nextBoolean() ? random(1 + random.nextInt(20)) : left.clone();
            right[random.nextInt(right.length)] += (byte)random.nextInt(3);
            final UnsafeBuffer that = new UnsafeBuffer(right);
            final int expected = Integer.signum(new UnsafeBuffer(left).compareTo(that));
            try (OffHeapBuffer a = filled(contiguous(left.length), left); OffHeapBuffer b = filled(scattered(left.length), left);
                OffHeapBuffer c = filled(contiguous(right.length), right);
                OffHeapBuffer d = filled(scattered(right.length), right)) {
                for (final OffHeapBuffer mine : List.of(a, b)) {
                    for (final DirectBuffer theirs : List.of(that, c, d)) {
                        assertEquals(expected, Integer.signum(mine.compareTo(theirs)));
                    }
                    assertEquals(expected == 0, mine.equals(c));
                    assertEquals(expected == 0, d.equals(mine));
                    assertEquals(new UnsafeBuffer(left).hashCode(), mine.hashCode());
                    assertEquals(0, mine.compareTo(mine));
                    assertNotEquals(mine, new UnsafeBuffer(left));
                }
                assertEquals(a, b);
            }
        }
    }

    private static OffHeapBuffer filled(final OffHeapBuffer buffer, final byte[] content) {
        buffer.putBytes(0, content);
        return buffer;
    }

    @Test
    void aRingBufferRunsOnEither() {
        final int length = 1_024 + RingBufferDescriptor.TRAILER_LENGTH;
        try (OffHeapBuffer a = contiguous(length); OffHeapBuffer b = scattered(length); OffHeapBuffer message = scattered(16)) {
            for (final OffHeapBuffer buffer : List.of(a, b)) {
                buffer.setMemory(0, length, (byte)0);
                final OneToOneRingBuffer ring = new OneToOneRingBuffer(buffer);
                for (int i = 0; i < 200; i++) {
                    final long expected = i;
                    message.putLong(8, expected);
                    assertTrue(ring.write(1, message, 0, 16));
                    int read = 0;
                    // Two records at most: the message, and the padding before the end of the ring.
                    for (int j = 0; j < 2; j++) {
                        read += ring.read((type, from, index, bytes) -> assertEquals(expected, from.getLong(index + 8)));
                    }
                    assertEquals(1, read);
                }
                assertTrue(ring.producerPosition() > ring.capacity(), "the ring went round");
            }
        }
    }

    // ---- resize

    @Test
    void resizeKeepsTheContent() {
        for (final long alignment : new long[] {1, 8, 64, 4_096}) {
            try (OffHeapBuffer buffer = new OffHeapBuffer(memory, 100, alignment, false)) {
                byte[] before = random(100);
                buffer.putBytes(0, before);
                for (final int capacity : new int[] {100, 5_000, 4_999, 20_001, 3, 64}) {
                    memory.scattered = !memory.scattered;
                    buffer.resize(capacity);
                    assertEquals(capacity, buffer.capacity());
                    assertEquals(0, buffer.address() % Math.max(8, alignment));
                    final byte[] after = content(buffer);
                    for (int i = 0; i < Math.min(before.length, capacity); i++) {
                        assertEquals(before[i], after[i]);
                    }
                    before = random(capacity);
                    buffer.putBytes(0, before);
                    assertEquals(1, memory.live());
                }
            }
        }
    }

    @Test
    void growthIsZeroIfAsked() {
        for (final long alignment : new long[] {1, 64}) {
            for (final boolean scattered : new boolean[] {false, true}) {
                memory.scattered = scattered;
                try (OffHeapBuffer buffer = new OffHeapBuffer(memory, 100, alignment, false)) {
                    buffer.setMemory(0, 100, (byte)1);
                    buffer.resize(5_000);
                    assertNotEquals(0, buffer.getByte(4_999));
                    buffer.resize(60, true);
                    buffer.resize(9_000, true);
                    final byte[] content = content(buffer);
                    for (int i = 0; i < 9_000; i++) {
                        assertEquals(i < 60 ? 1 : 0, content[i]);
                    }
                }
            }
        }
    }

    @Test
    void resizeMakesAnotherByteBuffer() {
        try (OffHeapBuffer buffer = contiguous(100)) {
            final ByteBuffer before = buffer.byteBuffer();
            buffer.resize(100);
            assertSame(before, buffer.byteBuffer());
            buffer.resize(200);
            assertNotSame(before, buffer.byteBuffer());
            assertEquals(200, buffer.byteBuffer().capacity());
            buffer.putByte(150, (byte)9);
            assertEquals(9, buffer.byteBuffer().get(150));
        }
    }

    @Test
    void resizeThatFailsChangesNothing() {
        for (final long alignment : new long[] {1, 64}) {
            memory.budget = 1;
            try (OffHeapBuffer buffer = new OffHeapBuffer(memory, 100, alignment, true)) {
                final long address = buffer.address();
                assertThrows(ExhaustedException.class, () -> buffer.resize(200, true));
                assertThrows(IllegalArgumentException.class, () -> buffer.resize(0));
                assertThrows(IllegalArgumentException.class, () -> buffer.resize(-1, true));
                assertEquals(100, buffer.capacity());
                assertEquals(address, buffer.address());
                assertArrayEquals(new byte[100], content(buffer));
                memory.budget = 1;
                buffer.resize(200);
                assertEquals(200, buffer.capacity());
            }
        }
    }

    @Test
    void aHeapThatFillsUpDuringAResizeLosesNoMemory() {
        final OffHeapBuffer moved = contiguous(100);
        memory.lookFails = true;
        assertThrows(OutOfMemoryError.class, () -> moved.resize(200));
        // Its old memory was another's already.
        assertThrows(IllegalStateException.class, () -> moved.getByte(0));
        assertThrows(IllegalStateException.class, () -> moved.resize(300));
        assertEquals(0, memory.live());
        moved.close();
        memory.lookFails = false;
        final OffHeapBuffer aligned = new OffHeapBuffer(memory, 100, 64, true);
        memory.lookFails = true;
        assertThrows(OutOfMemoryError.class, () -> aligned.resize(200));
        memory.lookFails = false;
        assertEquals(100, aligned.capacity());
        aligned.close();
    }

    @Test
    void nobodyClosesOrResizesWhatIsBeingResized() {
        try (OffHeapBuffer buffer = contiguous(100)) {
            final List<String> refusals = new ArrayList<>();
            memory.duringReallocate = () -> {
                refusals.add(assertThrows(IllegalStateException.class, buffer::close).getMessage());
                refusals.add(assertThrows(IllegalStateException.class, () -> buffer.resize(50)).getMessage());
            };
            buffer.resize(200);
            assertEquals(List.of("the buffer is being resized", "the buffer is being resized"), refusals);
            assertEquals(200, buffer.capacity());
        }
        assertEquals(2, memory.frees.get());
    }

    // ---- close

    @Test
    void aSecondCloseDoesNothing() {
        final OffHeapBuffer buffer = contiguous(100);
        assertTrue(buffer.toString().contains("capacity=100"), buffer.toString());
        buffer.close();
        buffer.close();
        assertEquals(1, memory.frees.get());
        assertEquals("OffHeapBuffer{closed}", buffer.toString());
        assertThrows(IllegalStateException.class, buffer::hashCode);
        assertThrows(IllegalStateException.class, () -> new UnsafeBuffer(buffer));
    }

    @Test
    void aClosedBufferEqualsOnlyItself() {
        try (OffHeapBuffer open = contiguous(8)) {
            final OffHeapBuffer closed = contiguous(8);
            final OffHeapBuffer other = contiguous(8);
            closed.close();
            other.close();
            assertEquals(closed, closed);
            assertNotEquals(closed, other);
            assertNotEquals(closed, open);
            assertNotEquals(open, closed);
            assertThrows(IllegalStateException.class, () -> open.compareTo(closed));
            final List<OffHeapBuffer> list = new ArrayList<>(List.of(closed, other, open));
            assertTrue(list.remove(open));
            assertThrows(IllegalStateException.class, () -> open.putBytes(0, closed, 0, 8));
            assertThrows(IllegalStateException.class, () -> open.getBytes(0, closed, 0, 8));
        }
    }

    @Test
    void twoThreadsCloseAndOneFrees() throws Exception {
        final int rounds = 2_000;
        final CyclicBarrier start = new CyclicBarrier(2);
        final OffHeapBuffer[] buffers = new OffHeapBuffer[rounds];
        SmallMemory.inThreads(2, thread -> {
            for (int round = 0; round < rounds; round++) {
                if (thread == 0) {
                    memory.scattered = round % 2 == 0;
                    buffers[round] = new OffHeapBuffer(memory, 64, 1, false);
                }
                start.await();
                buffers[round].close();
            }
        });
        assertEquals(rounds, memory.frees.get());
        assertEquals(0, memory.live());
    }

    @Test
    void aCloseThatMeetsAResizeFreesAllOrIsRefused() throws Exception {
        final int rounds = 2_000;
        final CyclicBarrier start = new CyclicBarrier(2);
        final OffHeapBuffer[] buffers = new OffHeapBuffer[rounds];
        SmallMemory.inThreads(2, thread -> {
            for (int round = 0; round < rounds; round++) {
                if (thread == 0) {
                    buffers[round] = new OffHeapBuffer(memory, 64, round % 2 == 0 ? 1 : 64, false);
                }
                start.await();
                try {
                    if (thread == 0) {
                        buffers[round].resize(128);
                    } else {
                        buffers[round].close();
                    }
                } catch (final IllegalStateException expected) {
                    assertTrue(expected.getMessage().startsWith("the buffer is "), expected.getMessage());
                }
                start.await();
                if (thread == 0) {
                    buffers[round].close();
                }
            }
        });
        assertEquals(0, memory.live());
    }

    // ---- garbage

    @Test
    void accessMakesNoGarbage() {
        final ThreadMXBean bean = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        assumeTrue(bean.isThreadAllocatedMemorySupported());
        final long id = Thread.currentThread().getId();
        try (OffHeapBuffer a = contiguous(4_096); OffHeapBuffer b = scattered(4_096)) {
            final UnsafeBuffer wrapping = new UnsafeBuffer(a);
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                final long before = bean.getThreadAllocatedBytes(id);
                touch(a, b, wrapping);
                least = Math.min(least, bean.getThreadAllocatedBytes(id) - before);
            }
            assertTrue(least < 4_096, "bytes for 10^5 accesses=" + least);
        }
    }

    private static void touch(final OffHeapBuffer a, final OffHeapBuffer b, final UnsafeBuffer wrapping) {
        for (int i = 0; i < 100_000; i++) {
            final int index = i & 0x7F8;
            a.putLong(index, i);
            b.putLong(index, a.getLong(index));
            b.getAndAddInt(index, a.getIntVolatile(index));
            a.putBytes(index, b, index, 256);
            b.putBytes(index, a, index, 256);
            a.putLongAscii(index, b.getInt(index));
            wrapping.wrap(a);
            assertEquals(a.isContiguous(), a.byteBuffer() == wrapping.byteBuffer());
        }
    }
}
