package org.vellum.alloc;

import java.nio.ByteOrder;

/** Strings, and numbers as text, by index. */
abstract class TextDelegate extends BulkDelegate {
    @Override
    public final int parseNaturalIntAscii(final int index, final int length) {
        return target().parseNaturalIntAscii(index, length);
    }

    @Override
    public final long parseNaturalLongAscii(final int index, final int length) {
        return target().parseNaturalLongAscii(index, length);
    }

    @Override
    public final int parseIntAscii(final int index, final int length) {
        return target().parseIntAscii(index, length);
    }

    @Override
    public final long parseLongAscii(final int index, final int length) {
        return target().parseLongAscii(index, length);
    }

    @Override
    public final String getStringAscii(final int index) {
        return target().getStringAscii(index);
    }

    @Override
    public final int getStringAscii(final int index, final Appendable appendable) {
        return target().getStringAscii(index, appendable);
    }

    @Override
    public final String getStringAscii(final int index, final ByteOrder order) {
        return target().getStringAscii(index, order);
    }

    @Override
    public final int getStringAscii(final int index, final Appendable appendable, final ByteOrder order) {
        return target().getStringAscii(index, appendable, order);
    }

    @Override
    public final String getStringAscii(final int index, final int length) {
        return target().getStringAscii(index, length);
    }

    @Override
    public final int getStringAscii(final int index, final int length, final Appendable appendable) {
        return target().getStringAscii(index, length, appendable);
    }

    @Override
    public final String getStringWithoutLengthAscii(final int index, final int length) {
        return target().getStringWithoutLengthAscii(index, length);
    }

    @Override
    public final int getStringWithoutLengthAscii(final int index, final int length, final Appendable appendable) {
        return target().getStringWithoutLengthAscii(index, length, appendable);
    }

    @Override
    public final String getStringUtf8(final int index) {
        return target().getStringUtf8(index);
    }

    @Override
    public final String getStringUtf8(final int index, final ByteOrder order) {
        return target().getStringUtf8(index, order);
    }

    @Override
    public final String getStringUtf8(final int index, final int length) {
        return target().getStringUtf8(index, length);
    }

    @Override
    public final String getStringWithoutLengthUtf8(final int index, final int length) {
        return target().getStringWithoutLengthUtf8(index, length);
    }

    @Override
    public final int putIntAscii(final int index, final int value) {
        return target().putIntAscii(index, value);
    }

    @Override
    public final int putNaturalIntAscii(final int index, final int value) {
        return target().putNaturalIntAscii(index, value);
    }

    @Override
    public final void putNaturalPaddedIntAscii(final int index, final int length, final int value) {
        target().putNaturalPaddedIntAscii(index, length, value);
    }

    @Override
    public final int putNaturalIntAsciiFromEnd(final int value, final int endExclusive) {
        return target().putNaturalIntAsciiFromEnd(value, endExclusive);
    }

    @Override
    public final int putNaturalLongAscii(final int index, final long value) {
        return target().putNaturalLongAscii(index, value);
    }

    @Override
    public final int putLongAscii(final int index, final long value) {
        return target().putLongAscii(index, value);
    }

    @Override
    public final int putStringAscii(final int index, final String text) {
        return target().putStringAscii(index, text);
    }

    @Override
    public final int putStringAscii(final int index, final CharSequence text) {
        return target().putStringAscii(index, text);
    }

    @Override
    public final int putStringAscii(final int index, final String text, final ByteOrder order) {
        return target().putStringAscii(index, text, order);
    }

    @Override
    public final int putStringAscii(final int index, final CharSequence text, final ByteOrder order) {
        return target().putStringAscii(index, text, order);
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final String text) {
        return target().putStringWithoutLengthAscii(index, text);
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final CharSequence text) {
        return target().putStringWithoutLengthAscii(index, text);
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final String text, final int offset, final int length) {
        return target().putStringWithoutLengthAscii(index, text, offset, length);
    }

    @Override
    public final int putStringWithoutLengthAscii(final int index, final CharSequence text, final int offset, final int length) {
        return target().putStringWithoutLengthAscii(index, text, offset, length);
    }

    @Override
    public final int putStringUtf8(final int index, final String text) {
        return target().putStringUtf8(index, text);
    }

    @Override
    public final int putStringUtf8(final int index, final String text, final ByteOrder order) {
        return target().putStringUtf8(index, text, order);
    }

    @Override
    public final int putStringUtf8(final int index, final String text, final int maxEncodedLength) {
        return target().putStringUtf8(index, text, maxEncodedLength);
    }

    @Override
    public final int putStringUtf8(final int index, final String text, final ByteOrder order, final int maxEncodedLength) {
        return target().putStringUtf8(index, text, order, maxEncodedLength);
    }

    @Override
    public final int putStringWithoutLengthUtf8(final int index, final String text) {
        return target().putStringWithoutLengthUtf8(index, text);
    }
}
