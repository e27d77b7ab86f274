package org.vellum.mmu;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteOrder;
import org.agrona.AsciiEncoding;

/**
 * Strings, and numbers as text, by index, with the bytes and results of Agrona's {@code UnsafeBuffer}. What is written is encoded
 * or measured first and its range checked whole, so that a fault changes nothing.
 */
public abstract class ScatteredText extends ScatteredBuffer {
    private static final byte[] NULL_BYTES = "null".getBytes(UTF_8);

    ScatteredText() {
    }

    /**
     * Checks a range whole, so that the several stores that follow are all or nothing.
     *
     * @param index of the first byte.
     * @param length in bytes.
     */
    protected abstract void requireWritable(int index, int length);

    // ---- strings

    @Override
    public final String getStringAscii(final int index) {
        return getStringWithoutLengthAscii(index + STR_HEADER_LEN, getInt(index));
    }

    @Override
    public final String getStringAscii(final int index, final ByteOrder order) {
        return getStringWithoutLengthAscii(index + STR_HEADER_LEN, getInt(index, order));
    }

    @Override
    public final String getStringAscii(final int index, final int length) {
        return getStringWithoutLengthAscii(index + STR_HEADER_LEN, length);
    }

    @Override
    public final int getStringAscii(final int index, final Appendable target) {
        return getStringWithoutLengthAscii(index + STR_HEADER_LEN, getInt(index), target);
    }

    @Override
    public final int getStringAscii(final int index, final Appendable target, final ByteOrder order) {
        return getStringWithoutLengthAscii(index + STR_HEADER_LEN, getInt(index, order), target);
    }

    @Override
    public final int getStringAscii(final int index, final int length, final Appendable target) {
        check(index, STR_HEADER_LEN + length);
        AsciiText.append(this, index + STR_HEADER_LEN, length, target);
        return length;
    }

    @Override
    public final String getStringWithoutLengthAscii(final int index, final int length) {
        return new String(bytes(index, length), US_ASCII);
    }

    @Override
    public final int getStringWithoutLengthAscii(final int index, final int length, final Appendable target) {
        check(index, length);
        AsciiText.append(this, index, length, target);
        return length;
    }

    @Override
    public final int putStringAscii(final int index, final String text) {
        return putStringAscii(index, (CharSequence)text, NATIVE);
    }

    @Override
    public final int putStringAscii(final int index, final CharSequence text) {
        return putStringAscii(index, text, NATIVE);
    }

    @Override
    public final int putStringAscii(final int index, final String text, final ByteOrder order) {
        return putStringAscii(index, (CharSequence)text, order);
    }

    @Override
    public final int putStringAscii(final int index, final CharSequence text, final ByteOrder order) {
        final int length = text == null ? 0 : text.length();
        requireWritable(index, STR_HEADER_LEN + length);
        putInt(index, length, order);
        if (length != 0) {
            AsciiText.put(this, index + STR_HEADER_LEN, text, 0, length);
        }
        return STR_HEADER_LEN + length;
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final String text) {
        return putStringWithoutLengthAscii(index, (CharSequence)text);
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final CharSequence text) {
        return text == null ? 0 : putStringWithoutLengthAscii(index, text, 0, text.length());
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final String text, final int offset, final int length) {
        return putStringWithoutLengthAscii(index, (CharSequence)text, offset, length);
    }

    @Override
    public final int putStringWithoutLengthAscii(
        final int index, final CharSequence text, final int offset, final int length) {
        if (text == null) {
            return 0;
        }
        final int count = Math.min(text.length() - offset, length);
        requireWritable(index, count);
        AsciiText.put(this, index, text, offset, count);
        return count;
    }

    @Override
    public final String getStringUtf8(final int index) {
        return getStringWithoutLengthUtf8(index + STR_HEADER_LEN, getInt(index));
    }

    @Override
    public final String getStringUtf8(final int index, final ByteOrder order) {
        return getStringWithoutLengthUtf8(index + STR_HEADER_LEN, getInt(index, order));
    }

    @Override
    public final String getStringUtf8(final int index, final int length) {
        return getStringWithoutLengthUtf8(index + STR_HEADER_LEN, length);
    }

    @Override
    public final String getStringWithoutLengthUtf8(final int index, final int length) {
        return new String(bytes(index, length), UTF_8);
    }

    @Override
    public final int putStringUtf8(final int index, final String text) {
        return putStringUtf8(index, text, NATIVE, Integer.MAX_VALUE);
    }

    @Override
    public final int putStringUtf8(final int index, final String text, final ByteOrder order) {
        return putStringUtf8(index, text, order, Integer.MAX_VALUE);
    }

    @Override
    public final int putStringUtf8(final int index, final String text, final int maxEncodedLength) {
        return putStringUtf8(index, text, NATIVE, maxEncodedLength);
    }

    @Override
    public final int putStringUtf8(final int index, final String text, final ByteOrder order, final int maxEncodedLength) {
        final byte[] bytes = utf8(text);
        if (bytes.length > maxEncodedLength) {
            throw new IllegalArgumentException("Encoded string larger than maximum size: " + maxEncodedLength);
        }
        requireWritable(index, STR_HEADER_LEN + bytes.length);
        putInt(index, bytes.length, order);
        putBytes(index + STR_HEADER_LEN, bytes);
        return STR_HEADER_LEN + bytes.length;
    }

    @Override
    public final int putStringWithoutLengthUtf8(final int index, final String text) {
        final byte[] bytes = utf8(text);
        putBytes(index, bytes);
        return bytes.length;
    }

    private static byte[] utf8(final String text) {
        return text == null ? NULL_BYTES : text.getBytes(UTF_8);
    }

    private byte[] bytes(final int index, final int length) {
        check(index, length);
        final byte[] bytes = new byte[length];
        getBytes(index, bytes);
        return bytes;
    }

    // ---- numbers

    @Override
    public final int parseNaturalIntAscii(final int index, final int length) {
        check(index, length);
        return AsciiText.parseNaturalInt(this, index, length);
    }

    @Override
    public final long parseNaturalLongAscii(final int index, final int length) {
        check(index, length);
        return AsciiText.parseNaturalLong(this, index, length);
    }

    @Override
    public final int parseIntAscii(final int index, final int length) {
        check(index, length);
        return AsciiText.parseInt(this, index, length);
    }

    @Override
    public final long parseLongAscii(final int index, final int length) {
        check(index, length);
        return AsciiText.parseLong(this, index, length);
    }

    @Override
    public final int putIntAscii(final int index, final int value) {
        return putLongAscii(index, value);
    }

    @Override
    public final int putLongAscii(final int index, final long value) {
        if (value >= 0) {
            return putNaturalLongAscii(index, value);
        }
        // Long.MIN_VALUE has no opposite, and as many digits as the number before it.
        final int count = AsciiEncoding.digitCount(value == Long.MIN_VALUE ? Long.MAX_VALUE : -value);
        requireWritable(index, count + 1);
        putByte(index, AsciiEncoding.MINUS_SIGN);
        AsciiText.putDigits(this, index + 1, count, value);
        return count + 1;
    }

    @Override
    public final int putNaturalIntAscii(final int index, final int value) {
        return putNaturalLongAscii(index, value);
    }

    @Override
    public final int putNaturalLongAscii(final int index, final long value) {
        final int count = AsciiEncoding.digitCount(value);
        requireWritable(index, count);
        AsciiText.putDigits(this, index, count, value);
        return count;
    }

    /**
     * {@inheritDoc}
     *
     * <p>Here a number that does not fit changes nothing.
     */
    @Override
    public final void putNaturalPaddedIntAscii(final int index, final int length, final int value) {
        requireWritable(index, length);
        if (value != 0 && AsciiEncoding.digitCount(value) > length) {
            throw new NumberFormatException("Cannot write " + value + " in " + length + " bytes");
        }
        AsciiText.putDigits(this, index, length, value);
    }

    @Override
    public final int putNaturalIntAsciiFromEnd(final int value, final int endExclusive) {
        final int count = AsciiEncoding.digitCount(value);
        final int index = endExclusive - count;
        requireWritable(index, count);
        if (value == 0) {
            // As Agrona has it: nothing is written for 0.
            return endExclusive;
        }
        AsciiText.putDigits(this, index, count, value);
        return index;
    }
}
