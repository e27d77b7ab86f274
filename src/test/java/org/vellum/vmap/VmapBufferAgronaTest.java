package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.broadcast.BroadcastBufferDescriptor;
import org.agrona.concurrent.broadcast.BroadcastReceiver;
import org.agrona.concurrent.broadcast.BroadcastTransmitter;
import org.agrona.concurrent.broadcast.CopyBroadcastReceiver;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.agrona.concurrent.status.CountersManager;
import org.agrona.concurrent.status.CountersReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vellum.mem.Pages;
import org.vellum.mmu.ScatteredPages;

/** Agrona's own structures, over scattered pages. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class VmapBufferAgronaTest {
    private static final int MESSAGES = 100_000;
    private static final int MESSAGE_TYPE = 7;

    private final ScatteredPages pages = new ScatteredPages(8, 99);

    /** A range that begins within a page, so that records lie across every boundary. */
    private VmapBuffer view(final int length) {
        return new VmapBuffer(pages.access(), pages.address(Pages.SIZE - 1_000), length);
    }

    private static int ringCapacity() {
        return 2 * Pages.SIZE + RingBufferDescriptor.TRAILER_LENGTH;
    }

    @Test
    void oneToOneRingBuffer() throws InterruptedException {
        ring(new OneToOneRingBuffer(view(ringCapacity())), 1);
    }

    @Test
    void manyToOneRingBuffer() throws InterruptedException {
        ring(new ManyToOneRingBuffer(view(ringCapacity())), 3);
    }

    /** Messages of 16 to 115 bytes: producer, sequence number, and the sequence again in each further byte. */
    private static void ring(final RingBuffer ring, final int producers) throws InterruptedException {
        final List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < producers; p++) {
            final int producer = p;
            threads.add(new Thread(() -> produce(ring, producer)));
        }
        threads.forEach(Thread::start);
        final int[] next = new int[producers];
        int received = 0;
        while (received < producers * MESSAGES) {
            final int read = ring.read((type, buffer, index, length) -> {
                assertEquals(MESSAGE_TYPE, type);
                final int producer = buffer.getInt(index);
                final int sequence = buffer.getInt(index + 4);
                assertEquals(next[producer]++, sequence);
                assertEquals(16 + sequence % 100, length);
                for (int i = 8; i < length; i++) {
                    assertEquals((byte)sequence, buffer.getByte(index + i));
                }
            });
            received += read;
            if (read == 0) {
                Thread.yield();
            }
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        assertEquals(0, ring.size());
        assertTrue(ring.producerPosition() > 100L * ring.capacity(), "the ring went round");
    }

    private static void produce(final RingBuffer ring, final int producer) {
        final UnsafeBuffer message = new UnsafeBuffer(new byte[128]);
        for (int sequence = 0; sequence < MESSAGES; sequence++) {
            final int length = 16 + sequence % 100;
            message.setMemory(0, length, (byte)sequence);
            message.putInt(0, producer);
            message.putInt(4, sequence);
            while (!ring.write(MESSAGE_TYPE, message, 0, length)) {
                Thread.yield();
            }
        }
    }

    @Test
    void ringBufferClaims() {
        final ManyToOneRingBuffer ring = new ManyToOneRingBuffer(view(ringCapacity()));
        for (int i = 0; i < 1_000; i++) {
            final int index = ring.tryClaim(MESSAGE_TYPE, 40);
            ring.buffer().putLong(index, i);
            ring.commit(index);
            final int aborted = ring.tryClaim(MESSAGE_TYPE, 24);
            ring.abort(aborted);
            final int expected = i;
            int read = 0;
            // Two records at most: the message, and the padding that the abort or the end of the ring left.
            for (int j = 0; j < 4; j++) {
                read += ring.read((type, buffer, at, length) -> assertEquals(expected, buffer.getLong(at)));
            }
            assertEquals(1, read);
        }
        assertEquals(0, ring.nextCorrelationId());
        assertEquals(1, ring.nextCorrelationId());
    }

    @Test
    void broadcast() {
        final VmapBuffer view = view(2 * Pages.SIZE + BroadcastBufferDescriptor.TRAILER_LENGTH);
        final BroadcastTransmitter transmitter = new BroadcastTransmitter(view);
        final BroadcastReceiver receiver = new BroadcastReceiver(view);
        final VmapBuffer scratch = new VmapBuffer(pages.access(), pages.address(6 * Pages.SIZE - 50), 1_024);
        final CopyBroadcastReceiver copying = new CopyBroadcastReceiver(new BroadcastReceiver(view), scratch);
        final UnsafeBuffer message = new UnsafeBuffer(new byte[200]);
        for (int i = 0; i < 1_000; i++) {
            final int length = 8 + i % 190;
            message.setMemory(0, length, (byte)i);
            transmitter.transmit(MESSAGE_TYPE, message, 0, length);
            assertTrue(receiver.receiveNext());
            assertEquals(length, receiver.length());
            assertEquals((byte)i, receiver.buffer().getByte(receiver.offset() + length - 1));
            assertTrue(receiver.validate());
            final byte expected = (byte)i;
            assertEquals(1, copying.receive((type, buffer, index, bytes) -> {
                assertEquals(length, bytes);
                assertEquals(expected, buffer.getByte(index));
                assertEquals(expected, buffer.getByte(index + bytes - 1));
            }));
        }
        assertFalse(receiver.receiveNext());
    }

    @Test
    void counters() {
        final VmapBuffer values = new VmapBuffer(pages.access(), pages.address(128), 8 * CountersReader.COUNTER_LENGTH);
        final VmapBuffer metadata = new VmapBuffer(
            pages.access(), pages.address(Pages.SIZE + 64), 8 * CountersReader.METADATA_LENGTH);
        metadata.setMemory(0, metadata.capacity(), (byte)0);
        values.setMemory(0, values.capacity(), (byte)0);
        final CountersManager counters = new CountersManager(metadata, values);
        for (int i = 0; i < 8; i++) {
            assertEquals(i, counters.allocate("counter " + i, 100 + i));
            counters.setCounterValue(i, i * 10L);
            assertEquals(i * 10L, values.getAndAddLong(CountersReader.counterOffset(i), 1));
        }
        final List<String> labels = new ArrayList<>();
        counters.forEach((value, id, label) -> {
            assertEquals(id * 10L + 1, value);
            labels.add(label);
        });
        assertEquals(8, labels.size());
        assertEquals("counter 3", counters.getCounterLabel(3));
        assertEquals(103, counters.getCounterTypeId(3));
        counters.free(3);
        assertEquals(3, counters.allocate("again"));
        // A counter object keeps a native address, which scattered memory does not have: see VmapBuffer.
        counters.free(3);
        assertThrows(UnsupportedOperationException.class, () -> counters.newCounter("object"));
    }

    /** A flyweight as SBE generates them: a fixed block, then a variable-length field. */
    private static final class Car {
        private MutableDirectBuffer buffer;
        private int offset;

        Car wrap(final MutableDirectBuffer newBuffer, final int newOffset) {
            buffer = newBuffer;
            offset = newOffset;
            return this;
        }

        Car serial(final long value) {
            buffer.putLong(offset, value, ByteOrder.LITTLE_ENDIAN);
            return this;
        }

        long serial() {
            return buffer.getLong(offset, ByteOrder.LITTLE_ENDIAN);
        }

        Car year(final int value) {
            buffer.putShort(offset + 8, (short)value, ByteOrder.LITTLE_ENDIAN);
            return this;
        }

        int year() {
            return buffer.getShort(offset + 8, ByteOrder.LITTLE_ENDIAN) & 0xFFFF;
        }

        Car fuel(final float value) {
            buffer.putFloat(offset + 10, value, ByteOrder.LITTLE_ENDIAN);
            return this;
        }

        float fuel() {
            return buffer.getFloat(offset + 10, ByteOrder.LITTLE_ENDIAN);
        }

        int model(final DirectBuffer source, final int length) {
            buffer.putInt(offset + 14, length, ByteOrder.LITTLE_ENDIAN);
            buffer.putBytes(offset + 18, source, 0, length);
            return 18 + length;
        }

        int model(final byte[] target) {
            final int length = buffer.getInt(offset + 14, ByteOrder.LITTLE_ENDIAN);
            buffer.getBytes(offset + 18, target, 0, length);
            return length;
        }
    }

    @Test
    void flyweightsOverUnalignedRecords() {
        final VmapBuffer view = view(4 * Pages.SIZE);
        final Car car = new Car();
        final UnsafeBuffer model = new UnsafeBuffer("a model of some length".getBytes(StandardCharsets.US_ASCII));
        final byte[] target = new byte[64];
        int offset = 1;
        int crossed = 0;
        for (int i = 0; offset + 64 < view.capacity(); i++) {
            final int length = car.wrap(view, offset).serial(i * 0x0101010101L).year(i).fuel(i / 3f)
                .model(model, i % model.capacity());
            crossed += (Pages.SIZE - 1_000 + offset & Pages.OFFSET_MASK) > Pages.SIZE - length ? 1 : 0;
            assertEquals(i * 0x0101010101L, car.serial());
            assertEquals(i & 0xFFFF, car.year());
            assertEquals(i / 3f, car.fuel());
            assertEquals(i % model.capacity(), car.model(target));
            offset += length;
        }
        assertTrue(crossed > 2, "crossed=" + crossed);
    }
}
