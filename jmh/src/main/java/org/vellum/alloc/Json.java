package org.vellum.alloc;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON as JMH writes it: objects to {@link Map}, arrays to {@link List}, numbers to {@link Double}. */
final class Json {
    private static final String ESCAPES = "\"\\/bfnrt";
    private static final String ESCAPED = "\"\\/\b\f\n\r\t";
    private static final int HEX_DIGITS = 4;

    private final String text;
    private int at;

    private Json(final String text) {
        this.text = text;
    }

    /**
     * @param text of one value.
     * @return the value.
     * @throws IllegalArgumentException if the text is none, saying where.
     */
    static Object parse(final String text) {
        final Json json = new Json(text);
        final Object value = json.value();
        if (json.peek() != 0) {
            throw json.bad();
        }
        return value;
    }

    private Object value() {
        switch (peek()) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            default:
                return word();
        }
    }

    private Map<String, Object> object() {
        final Map<String, Object> members = new LinkedHashMap<>();
        expect('{');
        if (!skip('}')) {
            do {
                peek();
                final String name = string();
                expect(':');
                members.put(name, value());
            } while (skip(','));
            expect('}');
        }
        return members;
    }

    private List<Object> array() {
        final List<Object> elements = new ArrayList<>();
        expect('[');
        if (!skip(']')) {
            do {
                elements.add(value());
            } while (skip(','));
            expect(']');
        }
        return elements;
    }

    private String string() {
        final StringBuilder string = new StringBuilder();
        expect('"');
        for (char c = next(); c != '"'; c = next()) {
            string.append(c == '\\' ? escape() : c);
        }
        return string.toString();
    }

    private char escape() {
        final char c = next();
        if (c == 'u' && at + HEX_DIGITS <= text.length()) {
            at += HEX_DIGITS;
            return (char)Integer.parseInt(text, at - HEX_DIGITS, at, 16);
        }
        final int index = ESCAPES.indexOf(c);
        if (index < 0) {
            throw bad();
        }
        return ESCAPED.charAt(index);
    }

    private Object word() {
        final int from = at;
        while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        final String word = text.substring(from, at);
        switch (word) {
            case "null":
                return null;
            case "true":
            case "false":
                return Boolean.valueOf(word);
            default:
                try {
                    return Double.valueOf(word);
                } catch (final NumberFormatException e) {
                    at = from;
                    throw bad();
                }
        }
    }

    /** @return the next character that is no white space, which stays the next; 0 at the end. */
    private char peek() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at < text.length() ? text.charAt(at) : 0;
    }

    private char next() {
        if (at >= text.length()) {
            throw bad();
        }
        return text.charAt(at++);
    }

    private boolean skip(final char wanted) {
        if (peek() != wanted) {
            return false;
        }
        at++;
        return true;
    }

    private void expect(final char wanted) {
        if (!skip(wanted)) {
            throw bad();
        }
    }

    private IllegalArgumentException bad() {
        return new IllegalArgumentException("not JSON at character " + at + " of " + text.length());
    }
}
