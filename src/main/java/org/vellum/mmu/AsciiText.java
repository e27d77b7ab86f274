package org.vellum.mmu;

import static org.agrona.AsciiEncoding.INT_MAX_DIGITS;
import static org.agrona.AsciiEncoding.INTEGER_ABSOLUTE_MIN_VALUE;
import static org.agrona.AsciiEncoding.LONG_MAX_DIGITS;
import static org.agrona.AsciiEncoding.MINUS_SIGN;
import static org.agrona.AsciiEncoding.isDigit;

import java.io.IOException;
import org.agrona.AsciiNumberFormatException;
import org.agrona.DirectBuffer;
import org.agrona.LangUtil;
import org.agrona.MutableDirectBuffer;

/**
 * Numbers and strings in ASCII, over any buffer, by its {@code getByte} and {@code putByte}, with the results of Agrona's own
 * implementation (which needs the buffer to be one piece of memory).
 *
 * <p>Callers have checked indexes, and that the range is writable where one is written.
 */
final class AsciiText {
    private AsciiText() {
    }

    static int parseNaturalInt(final DirectBuffer buffer, final int index, final int length) {
        requireText(index, length);
        final long value = digits(buffer, index, length, index, INT_MAX_DIGITS, "int");
        if (value >= INTEGER_ABSOLUTE_MIN_VALUE) {
            throw overflow(buffer, index, length, "int");
        }
        return (int)value;
    }

    static int parseInt(final DirectBuffer buffer, final int index, final int length) {
        requireText(index, length);
        final int sign = sign(buffer, index);
        final long value = digits(buffer, index, length, index + sign, INT_MAX_DIGITS, "int");
        if (value > INTEGER_ABSOLUTE_MIN_VALUE || value == INTEGER_ABSOLUTE_MIN_VALUE && sign == 0) {
            throw overflow(buffer, index, length, "int");
        }
        return (int)(sign == 0 ? value : -value);
    }

    static long parseNaturalLong(final DirectBuffer buffer, final int index, final int length) {
        requireText(index, length);
        final long value = digits(buffer, index, length, index, LONG_MAX_DIGITS, "long");
        if (value < 0) {
            throw overflow(buffer, index, length, "long");
        }
        return value;
    }

    static long parseLong(final DirectBuffer buffer, final int index, final int length) {
        requireText(index, length);
        final int sign = sign(buffer, index);
        final long value = digits(buffer, index, length, index + sign, LONG_MAX_DIGITS, "long");
        if (value < 0 && (sign == 0 || value != Long.MIN_VALUE)) {
            throw overflow(buffer, index, length, "long");
        }
        return sign == 0 ? value : -value;
    }

    private static void requireText(final int index, final int length) {
        if (length <= 0) {
            throw new AsciiNumberFormatException("empty string: index=" + index + " length=" + length);
        }
    }

    private static int sign(final DirectBuffer buffer, final int index) {
        return buffer.getByte(index) == MINUS_SIGN ? 1 : 0;
    }

    /** Up to 19 digits, so the value fits in 64 bits unsigned. */
    private static long digits(
        final DirectBuffer buffer, final int index, final int length, final int start, final int most, final String type) {
        final int end = index + length;
        if (start == end) {
            throw malformed(buffer, index, length, type);
        }
        if (end - start > most) {
            throw overflow(buffer, index, length, type);
        }
        long value = 0;
        for (int i = start; i < end; i++) {
            final byte digit = buffer.getByte(i);
            if (!isDigit(digit)) {
                throw malformed(buffer, index, length, type);
            }
            value = value * 10 + (digit - '0');
        }
        return value;
    }

    private static AsciiNumberFormatException malformed(
        final DirectBuffer buffer, final int index, final int length, final String type) {
        return new AsciiNumberFormatException(
            "error parsing " + type + ": " + buffer.getStringWithoutLengthAscii(index, length));
    }

    private static AsciiNumberFormatException overflow(
        final DirectBuffer buffer, final int index, final int length, final String type) {
        return new AsciiNumberFormatException(
            type + " overflow parsing: " + buffer.getStringWithoutLengthAscii(index, length));
    }

    /** Writes the lowest {@code count} digits of a value that is not negative, or is {@code Long.MIN_VALUE}. */
    static void putDigits(final MutableDirectBuffer buffer, final int index, final int count, final long value) {
        long rest = value;
        for (int i = index + count - 1; i >= index; i--) {
            buffer.putByte(i, (byte)('0' + Math.abs(rest % 10)));
            rest /= 10;
        }
    }

    static void append(
        final DirectBuffer buffer, final int index, final int length, final Appendable target) {
        try {
            for (int i = index; i < index + length; i++) {
                final byte character = buffer.getByte(i);
                target.append(character < 0 ? '?' : (char)character);
            }
        } catch (final IOException e) {
            LangUtil.rethrowUnchecked(e);
        }
    }

    static void put(
        final MutableDirectBuffer buffer, final int index, final CharSequence text, final int offset, final int length) {
        for (int i = 0; i < length; i++) {
            final char character = text.charAt(offset + i);
            buffer.putByte(index + i, character > 127 ? (byte)'?' : (byte)character);
        }
    }
}
