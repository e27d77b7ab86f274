package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.agrona.AsciiNumberFormatException;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.vellum.mem.Pages;

/**
 * What an {@link AtomicBuffer} does, said once and run against Agrona's own and ours. Every index near a page boundary is tried:
 * for Agrona's they are indexes like any other.
 */
public abstract class AtomicBufferContract {
    /** Bytes of each buffer to test. */
    public static final int CAPACITY = 3 * Pages.SIZE;
    private static final List<ByteOrder> ORDERS = List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN);
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private final Random random = new Random(42);

    /** A buffer to test, and the index of its first page boundary. */
    public record Subject(AtomicBuffer buffer, int boundary) {
    }

    /** The buffers to test, of {@link #CAPACITY} bytes each. */
    protected abstract List<Subject> subjects();

    private interface Check {
        void at(AtomicBuffer buffer, int index);
    }

    /** Runs a check at every index within 9 bytes of either page boundary, on a buffer of random content. */
    private void nearBoundaries(final Check check) {
        for (final Subject subject : subjects()) {
            final byte[] content = new byte[CAPACITY];
            random.nextBytes(content);
            subject.buffer.putBytes(0, content);
            for (final int boundary : new int[] {subject.boundary, subject.boundary + Pages.SIZE}) {
                for (int index = Math.max(0, boundary - 9); index <= boundary + 9; index++) {
                    check.at(subject.buffer, index);
                }
            }
        }
    }

    /** That the bytes at an index are those, and that their neighbours are the ones from before. */
    private static void assertBytes(
        final AtomicBuffer buffer, final int index, final byte[] before, final ByteBuffer expected, final String what) {
        final byte[] after = new byte[CAPACITY];
        buffer.getBytes(0, after);
        final byte[] wanted = before.clone();
        System.arraycopy(expected.array(), 0, wanted, index, expected.capacity());
        assertArrayEquals(wanted, after, what + " index=" + index);
    }

    private static byte[] content(final AtomicBuffer buffer) {
        final byte[] bytes = new byte[CAPACITY];
        buffer.getBytes(0, bytes);
        return bytes;
    }

    @Test
    void longsAndDoubles() {
        nearBoundaries((buffer, index) -> {
            for (final ByteOrder order : ORDERS) {
                final long value = random.nextLong();
                byte[] before = content(buffer);
                buffer.putLong(index, value, order);
                assertBytes(buffer, index, before, ByteBuffer.allocate(8).order(order).putLong(value), "long " + order);
                assertEquals(value, buffer.getLong(index, order));
                final double number = random.nextGaussian();
                before = content(buffer);
                buffer.putDouble(index, number, order);
                assertBytes(buffer, index, before, ByteBuffer.allocate(8).order(order).putDouble(number), "double " + order);
                assertEquals(number, buffer.getDouble(index, order));
            }
            buffer.putLong(index, 0x0123456789ABCDEFL);
            assertEquals(0x0123456789ABCDEFL, buffer.getLong(index, NATIVE));
            assertEquals(0x0123456789ABCDEFL, buffer.getLong(index));
            buffer.putDouble(index, Math.PI);
            assertEquals(Math.PI, buffer.getDouble(index));
            assertEquals(Math.PI, buffer.getDouble(index, NATIVE));
        });
    }

    @Test
    void intsAndFloats() {
        nearBoundaries((buffer, index) -> {
            for (final ByteOrder order : ORDERS) {
                final int value = random.nextInt();
                byte[] before = content(buffer);
                buffer.putInt(index, value, order);
                assertBytes(buffer, index, before, ByteBuffer.allocate(4).order(order).putInt(value), "int " + order);
                assertEquals(value, buffer.getInt(index, order));
                final float number = random.nextFloat();
                before = content(buffer);
                buffer.putFloat(index, number, order);
                assertBytes(buffer, index, before, ByteBuffer.allocate(4).order(order).putFloat(number), "float " + order);
                assertEquals(number, buffer.getFloat(index, order));
            }
            buffer.putInt(index, 0x89ABCDEF);
            assertEquals(0x89ABCDEF, buffer.getInt(index, NATIVE));
            assertEquals(0x89ABCDEF, buffer.getInt(index));
            buffer.putFloat(index, 2.5f);
            assertEquals(2.5f, buffer.getFloat(index));
        });
    }

    @Test
    void shortsCharsAndBytes() {
        nearBoundaries((buffer, index) -> {
            for (final ByteOrder order : ORDERS) {
                final short value = (short)random.nextInt();
                byte[] before = content(buffer);
                buffer.putShort(index, value, order);
                assertBytes(buffer, index, before, ByteBuffer.allocate(2).order(order).putShort(value), "short " + order);
                assertEquals(value, buffer.getShort(index, order));
                before = content(buffer);
                buffer.putChar(index, (char)~value, order);
                assertBytes(buffer, index, before, ByteBuffer.allocate(2).order(order).putChar((char)~value), "char " + order);
                assertEquals((char)~value, buffer.getChar(index, order));
            }
            buffer.putShort(index, (short)-2);
            assertEquals((short)-2, buffer.getShort(index));
            buffer.putChar(index, '\u20AC');
            assertEquals('\u20AC', buffer.getChar(index));
            buffer.putByte(index, (byte)-3);
            assertEquals((byte)-3, buffer.getByte(index));
            assertEquals((byte)-3, buffer.getByteVolatile(index));
        });
    }

    @Test
    @SuppressWarnings("removal")
    void orderedLongs() {
        nearBoundaries((buffer, unaligned) -> {
            final int index = aligned(buffer, unaligned, Long.BYTES);
            buffer.putLongVolatile(index, 10);
            assertEquals(10, buffer.getLongVolatile(index));
            buffer.putLongRelease(index, 11);
            assertEquals(11, buffer.getLongAcquire(index));
            buffer.putLongOpaque(index, 12);
            assertEquals(12, buffer.getLongOpaque(index));
            buffer.putLongOrdered(index, 13);
            assertEquals(13, buffer.addLongOrdered(index, 1));
            assertEquals(14, buffer.addLongRelease(index, 1));
            assertEquals(15, buffer.addLongOpaque(index, 1));
            assertEquals(16, buffer.getAndAddLong(index, -6));
            assertEquals(10, buffer.getAndSetLong(index, Long.MIN_VALUE));
            assertFalse(buffer.compareAndSetLong(index, 10, 1));
            assertTrue(buffer.compareAndSetLong(index, Long.MIN_VALUE, 1));
            assertEquals(1, buffer.compareAndExchangeLong(index, 2, 3));
            assertEquals(1, buffer.compareAndExchangeLong(index, 1, 3));
            assertEquals(3, buffer.getLong(index));
        });
    }

    @Test
    @SuppressWarnings("removal")
    void orderedIntsShortsChars() {
        nearBoundaries((buffer, unaligned) -> {
            final int index = aligned(buffer, unaligned, Integer.BYTES);
            buffer.putIntVolatile(index, 10);
            assertEquals(10, buffer.getIntVolatile(index));
            buffer.putIntRelease(index, 11);
            assertEquals(11, buffer.getIntAcquire(index));
            buffer.putIntOpaque(index, 12);
            assertEquals(12, buffer.getIntOpaque(index));
            buffer.putIntOrdered(index, 13);
            assertEquals(13, buffer.addIntOrdered(index, 1));
            assertEquals(14, buffer.addIntRelease(index, 1));
            assertEquals(15, buffer.addIntOpaque(index, 1));
            assertEquals(16, buffer.getAndAddInt(index, -6));
            assertEquals(10, buffer.getAndSetInt(index, Integer.MIN_VALUE));
            assertFalse(buffer.compareAndSetInt(index, 10, 1));
            assertTrue(buffer.compareAndSetInt(index, Integer.MIN_VALUE, 1));
            assertEquals(1, buffer.compareAndExchangeInt(index, 2, 3));
            assertEquals(1, buffer.compareAndExchangeInt(index, 1, 3));
            assertEquals(3, buffer.getInt(index));
            buffer.putShortVolatile(index, (short)-7);
            assertEquals((short)-7, buffer.getShortVolatile(index));
            buffer.putCharVolatile(index, '\uFFFE');
            assertEquals('\uFFFE', buffer.getCharVolatile(index));
        });
    }

    /** The nearest index below at which the subject's memory is aligned. */
    private int aligned(final AtomicBuffer buffer, final int index, final int width) {
        final int boundary = subjects().stream().filter(s -> s.buffer == buffer).findFirst().orElseThrow().boundary;
        final int below = boundary + Math.floorDiv(index - boundary, width) * width;
        return below < 0 ? boundary : below;
    }

    @Test
    void textAcrossBoundaries() {
        nearBoundaries((buffer, index) -> {
            assertEquals(4 + 12, buffer.putStringAscii(index, "plain\u20ACascii!"));
            assertEquals("plain?ascii!", buffer.getStringAscii(index));
            assertEquals("plain?ascii!", buffer.getStringAscii(index, 12));
            assertEquals(4 + 3, buffer.putStringAscii(index, (CharSequence)"xyz", ByteOrder.BIG_ENDIAN));
            assertEquals(3, buffer.getInt(index, ByteOrder.BIG_ENDIAN));
            final StringBuilder text = new StringBuilder();
            assertEquals(3, buffer.getStringAscii(index, text, ByteOrder.BIG_ENDIAN));
            assertEquals("xyz", text.toString());
            assertEquals(4 + 9, buffer.putStringUtf8(index, "\u20ACuro \u00FC"));
            assertEquals("\u20ACuro \u00FC", buffer.getStringUtf8(index));
            assertEquals(4 + 4, buffer.putStringUtf8(index, null, ByteOrder.BIG_ENDIAN));
            assertEquals("null", buffer.getStringUtf8(index, ByteOrder.BIG_ENDIAN));
            assertEquals(4, buffer.putStringAscii(index, null));
            assertEquals("", buffer.getStringAscii(index));
            assertEquals(3, buffer.putStringWithoutLengthAscii(index, "abcdef", 1, 3));
            assertEquals("bcd", buffer.getStringWithoutLengthAscii(index, 3));
            assertThrows(IllegalArgumentException.class, () -> buffer.putStringUtf8(index, "abc", 2));
        });
    }

    @Test
    void numbersAsText() {
        nearBoundaries((buffer, index) -> {
            for (final long value : new long[] {0, 7, -7, 1_234_567, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                final int length = buffer.putIntAscii(index, (int)value);
                assertEquals(Long.toString(value), buffer.getStringWithoutLengthAscii(index, length));
                assertEquals((int)value, buffer.parseIntAscii(index, length));
            }
            for (final long value : new long[] {0, 9, -10, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 40}) {
                final int length = buffer.putLongAscii(index, value);
                assertEquals(Long.toString(value), buffer.getStringWithoutLengthAscii(index, length));
                assertEquals(value, buffer.parseLongAscii(index, length));
            }
            assertEquals(10, buffer.putNaturalIntAscii(index, Integer.MAX_VALUE));
            assertEquals(Integer.MAX_VALUE, buffer.parseNaturalIntAscii(index, 10));
            buffer.putNaturalPaddedIntAscii(index, 6, 42);
            assertEquals("000042", buffer.getStringWithoutLengthAscii(index, 6));
            assertThrows(NumberFormatException.class, () -> buffer.putNaturalPaddedIntAscii(index, 2, 123));
            final int end = index + 10;
            assertEquals(end - 3, buffer.putNaturalIntAsciiFromEnd(321, end));
            assertEquals(321, buffer.parseNaturalLongAscii(end - 3, 3));
            buffer.putStringWithoutLengthAscii(index, "9223372036854775808");
            assertThrows(AsciiNumberFormatException.class, () -> buffer.parseLongAscii(index, 19));
            buffer.putStringWithoutLengthAscii(index, "2147483648");
            assertThrows(AsciiNumberFormatException.class, () -> buffer.parseIntAscii(index, 10));
            buffer.putStringWithoutLengthAscii(index, "12x");
            assertThrows(AsciiNumberFormatException.class, () -> buffer.parseIntAscii(index, 3));
            assertThrows(AsciiNumberFormatException.class, () -> buffer.parseIntAscii(index, 0));
        });
    }

    @Test
    void bulk() {
        for (final Subject subject : subjects()) {
            final AtomicBuffer buffer = subject.buffer;
            final byte[] bytes = new byte[CAPACITY];
            random.nextBytes(bytes);
            buffer.putBytes(0, bytes);
            final UnsafeBuffer whole = new UnsafeBuffer(new byte[CAPACITY]);
            buffer.getBytes(0, whole, 0, CAPACITY);
            assertArrayEquals(bytes, whole.byteArray());
            final ExpandableArrayBuffer expanding = new ExpandableArrayBuffer(16);
            buffer.getBytes(5, expanding, 7, CAPACITY - 5);
            assertEquals(bytes[CAPACITY - 1], expanding.getByte(7 + CAPACITY - 6));
            final ByteBuffer direct = ByteBuffer.allocateDirect(CAPACITY);
            buffer.getBytes(0, direct, CAPACITY);
            assertEquals(CAPACITY, direct.position());
            assertEquals(ByteBuffer.wrap(bytes), direct.flip());
            buffer.setMemory(1, CAPACITY - 2, (byte)7);
            assertEquals(bytes[0], buffer.getByte(0));
            assertEquals(7, buffer.getByte(CAPACITY - 2));
            assertEquals(bytes[CAPACITY - 1], buffer.getByte(CAPACITY - 1));
            buffer.putBytes(0, direct, CAPACITY);
            buffer.getBytes(0, whole.byteArray());
            assertArrayEquals(bytes, whole.byteArray());
            // Overlapping, both ways: as if through a copy.
            buffer.putBytes(9, whole, 0, CAPACITY - 9);
            assertEquals(bytes[0], buffer.getByte(9));
        }
    }

    @Test
    void boundsAndIdentity() {
        for (final Subject subject : subjects()) {
            final AtomicBuffer buffer = subject.buffer;
            assertEquals(CAPACITY, buffer.capacity());
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.getByte(-1));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.getLong(CAPACITY - 7));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.putLong(CAPACITY - 7, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.getLongVolatile(CAPACITY));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.setMemory(1, CAPACITY, (byte)0));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.getBytes(0, new byte[4], 2, 3));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.boundsCheck(Integer.MAX_VALUE, 8));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.checkLimit(CAPACITY + 1));
            buffer.checkLimit(CAPACITY);
            buffer.boundsCheck(0, CAPACITY);
            assertFalse(buffer.isExpandable());
            final UnsafeBuffer copy = new UnsafeBuffer(content(buffer));
            assertEquals(copy.hashCode(), buffer.hashCode());
            assertEquals(0, buffer.compareTo(copy));
            copy.putByte(CAPACITY - 1, (byte)(copy.getByte(CAPACITY - 1) + 1));
            assertNotEquals(0, buffer.compareTo(copy));
        }
    }
}
