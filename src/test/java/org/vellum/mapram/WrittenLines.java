package org.vellum.mapram;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.UnsafeApi;
import org.vellum.mem.Words;

/**
 * What an operation writes, found by comparing everything before and after: each word of native metadata, and each primitive field of
 * each object of the library that can be reached from its front door. Steady-state writes change values (counters, entries), so none
 * hides by writing what was there already, but for words that go there and back within the operations compared.
 */
final class WrittenLines {
    static final int LINE_BYTES = 64;

    private final List<Words> words;
    private final Object root;
    private final List<long[]> contents = new ArrayList<>();
    private final Map<String, Object> fields;

    /** Takes the picture to compare with. */
    WrittenLines(final List<Words> words, final Object root) {
        this.words = List.copyOf(words);
        this.root = root;
        for (final Words each : words) {
            contents.add(copy(each));
        }
        fields = fields(root);
    }

    private static long[] copy(final Words words) {
        final long[] copy = new long[Math.toIntExact(words.length())];
        UnsafeApi.copyMemory(null, words.address(0), copy, UnsafeApi.arrayBaseOffset(long[].class), (long)copy.length << 3);
        return copy;
    }

    /** Addresses of the native cache lines that have changed. */
    Set<Long> nativeLines() {
        final Set<Long> changed = new TreeSet<>();
        for (int i = 0; i < words.size(); i++) {
            final long[] before = contents.get(i);
            final long[] after = copy(words.get(i));
            for (int j = 0; j < after.length; j++) {
                if (before[j] != after[j]) {
                    changed.add(words.get(i).address(j) & -LINE_BYTES);
                }
            }
        }
        return changed;
    }

    /** Names of the fields that have changed. */
    Set<String> heapFields() {
        final Set<String> changed = new TreeSet<>();
        fields(root).forEach((name, value) -> {
            if (!value.equals(fields.get(name))) {
                changed.add(name + " " + fields.get(name) + " -> " + value);
            }
        });
        return changed;
    }

    private static Map<String, Object> fields(final Object root) {
        final Map<String, Object> values = new TreeMap<>();
        final Map<Object, String> seen = new IdentityHashMap<>();
        final Deque<Object> open = new ArrayDeque<>();
        seen.put(root, root.getClass().getSimpleName());
        open.add(root);
        while (!open.isEmpty()) {
            final Object object = open.poll();
            final String path = seen.get(object);
            if (object instanceof Number || object instanceof java.util.concurrent.atomic.AtomicBoolean) {
                values.put(path, object.toString());
            } else if (object.getClass().isArray()) {
                elements(object, path, values, seen, open);
            } else if (object.getClass().getName().startsWith("org.vellum.")) {
                members(object, path, values, seen, open);
            }
        }
        return values;
    }

    private static void elements(
        final Object array, final String path, final Map<String, Object> values, final Map<Object, String> seen,
        final Deque<Object> open) {
        for (int i = 0; i < Array.getLength(array); i++) {
            visit(Array.get(array, i), path + "[" + i + "]", array.getClass().getComponentType(), values, seen, open);
        }
    }

    private static void members(
        final Object object, final String path, final Map<String, Object> values, final Map<Object, String> seen,
        final Deque<Object> open) {
        for (Class<?> type = object.getClass(); type != Object.class && type != null; type = type.getSuperclass()) {
            for (final Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && type.getName().startsWith("org.vellum.")) {
                    field.setAccessible(true);
                    try {
                        visit(field.get(object), path + "." + field.getName(), field.getType(), values, seen, open);
                    } catch (final IllegalAccessException e) {
                        throw new AssertionError(e);
                    }
                }
            }
        }
    }

    private static void visit(
        final Object value, final String path, final Class<?> type, final Map<String, Object> values,
        final Map<Object, String> seen, final Deque<Object> open) {
        if (type.isPrimitive()) {
            values.put(path, value);
        } else if (value != null && seen.putIfAbsent(value, path) == null) {
            open.add(value);
        }
    }
}
