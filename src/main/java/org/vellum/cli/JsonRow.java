package org.vellum.cli;

import java.util.Locale;

/** One flat JSON object on one line, keys in the order in which they were put. */
final class JsonRow {
    private final StringBuilder text = new StringBuilder("{");

    /** Starts with the key by which readers tell rows apart. */
    JsonRow(final String bench) {
        put("bench", bench);
    }

    JsonRow put(final String key, final String value) {
        key(key).append('"');
        value.chars().forEach(this::character);
        text.append('"');
        return this;
    }

    JsonRow put(final String key, final long value) {
        key(key).append(value);
        return this;
    }

    /** Puts a finite number with so many decimals. */
    JsonRow put(final String key, final double value, final int decimals) {
        key(key).append(String.format(Locale.ROOT, "%." + decimals + "f", value));
        return this;
    }

    private void character(final int character) {
        if (character < ' ') {
            text.append(String.format("\\u%04x", character));
        } else {
            text.append(character == '"' || character == '\\' ? "\\" : "").append((char)character);
        }
    }

    private StringBuilder key(final String key) {
        return text.append(text.length() == 1 ? "" : ",").append('"').append(key).append("\":");
    }

    @Override
    public String toString() {
        return text + "}";
    }
}
