package org.vellum.alloc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** Every method that an {@link AtomicBuffer} has, found by reflection so that none is forgotten. */
final class OffHeapBufferMethodsTest {
    private static final int CAPACITY = 256;
    private static final int INTERFACE_METHODS = 120;
    /** What differs from an UnsafeBuffer of other memory on purpose: where it is, and what it may be pointed at. */
    private static final Set<String> OF_THE_PLACE =
        Set.of("wrap", "addressOffset", "byteArray", "byteBuffer", "wrapAdjustment", "capacity", "verifyAlignment");
    private static final Set<String> WORK_WHEN_CLOSED = Set.of("close", "equals", "toString");

    /** Arguments made anew for each call, and what a call did to them. */
    private static final class Arguments {
        private final Object[] values;

        Arguments(final Method method, final Random random) {
            final Class<?>[] types = method.getParameterTypes();
            values = new Object[types.length];
            for (int i = 0; i < types.length; i++) {
                values[i] = value(types[i], i, method.getName(), random);
            }
        }

        private static Object value(final Class<?> type, final int position, final String name, final Random random) {
            if (type == int.class) {
                return number(position, name, random);
            } else if (type == long.class) {
                return random.nextInt(4) == 0 ? 12_345L : random.nextLong() >>> 1;
            } else if (type == byte.class) {
                return (byte)random.nextInt();
            } else if (type == short.class) {
                return (short)random.nextInt();
            } else if (type == char.class) {
                return (char)random.nextInt();
            } else if (type == float.class) {
                return random.nextFloat();
            } else if (type == double.class) {
                return random.nextDouble();
            } else if (type == boolean.class) {
                return random.nextBoolean();
            }
            return object(type, random);
        }

        /** The first is an index, but for two methods; further ones are lengths, offsets or numbers: small, so that all fit. */
        private static Object number(final int position, final String name, final Random random) {
            if (name.equals("putNaturalIntAsciiFromEnd")) {
                return position == 0 ? random.nextInt(1_000_000) : 16 + random.nextInt(100);
            } else if (position == 0) {
                return 8 * random.nextInt(16);
            }
            return 1 + random.nextInt(8);
        }

        private static Object object(final Class<?> type, final Random random) {
            final byte[] bytes = new byte[16];
            random.nextBytes(bytes);
            if (type == byte[].class) {
                return bytes;
            } else if (type == ByteBuffer.class) {
                return ByteBuffer.wrap(bytes);
            } else if (type == String.class || type == CharSequence.class) {
                return "text of 19 letters " + random.nextInt(10);
            } else if (type == Appendable.class) {
                return new StringBuilder();
            } else if (type == ByteOrder.class) {
                return random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
            } else if (type.isAssignableFrom(UnsafeBuffer.class)) {
                return new UnsafeBuffer(bytes);
            }
            throw new AssertionError("no value for " + type);
        }

        /** What a call may have changed. */
        String changed() {
            final List<String> texts = new ArrayList<>();
            for (final Object value : values) {
                if (value instanceof byte[] bytes) {
                    texts.add(Arrays.toString(bytes));
                } else if (value instanceof ByteBuffer buffer) {
                    texts.add(buffer.position() + Arrays.toString(buffer.array()));
                } else if (value instanceof UnsafeBuffer buffer) {
                    texts.add(Arrays.toString(buffer.byteArray()));
                } else {
                    texts.add(Objects.toString(value));
                }
            }
            return texts.toString();
        }
    }

    private static Object call(final Method method, final Object buffer, final Arguments arguments) {
        try {
            return method.invoke(buffer, arguments.values);
        } catch (final InvocationTargetException e) {
            return e.getCause();
        } catch (final IllegalAccessException e) {
            throw new AssertionError(method.toString(), e);
        }
    }

    private static List<Method> interfaceMethods() {
        final List<Method> methods = new ArrayList<>();
        for (final Method method : AtomicBuffer.class.getMethods()) {
            if (!Modifier.isStatic(method.getModifiers()) && !method.isBridge()) {
                methods.add(method);
            }
        }
        // Comparable's own is the one bridge: through it, a buffer is an Object.
        methods.removeIf(method -> method.getDeclaringClass() == Comparable.class);
        assertTrue(methods.size() >= INTERFACE_METHODS, "methods=" + methods.size());
        return methods;
    }

    /** The interface's, and what the class has beside it. */
    private static List<Method> allMethods() {
        final List<Method> methods = new ArrayList<>(interfaceMethods());
        for (final Method method : OffHeapBuffer.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers()) && !WORK_WHEN_CLOSED.contains(method.getName())) {
                methods.add(method);
            }
        }
        return methods;
    }

    private static boolean isRefusal(final Object result) {
        return result instanceof IllegalStateException exception && exception.getMessage().equals("the buffer is closed");
    }

    @Test
    void everyMethodThrowsOnceClosed() {
        for (final boolean scattered : new boolean[] {false, true}) {
            try (TestBufferMemory memory = new TestBufferMemory()) {
                memory.scattered = scattered;
                final OffHeapBuffer buffer = new OffHeapBuffer(memory, CAPACITY, 8, true);
                for (final Method method : allMethods()) {
                    final Object open = call(method, buffer, new Arguments(method, new Random(1)));
                    assertTrue(!isRefusal(open), "open: " + method);
                    if (method.getName().equals("resize")) {
                        buffer.resize(CAPACITY);
                    }
                }
                buffer.close();
                for (final Method method : allMethods()) {
                    final Object result = call(method, buffer, new Arguments(method, new Random(1)));
                    assertTrue(isRefusal(result), method + " gave " + result);
                }
            }
        }
    }

    @Test
    void everyMethodDoesWhatUnsafeBufferDoes() {
        final long seed = 20_261_125;
        final Random random = new Random(seed);
        int succeeded = 0;
        try (TestBufferMemory memory = new TestBufferMemory()) {
            final OffHeapBuffer contiguous = new OffHeapBuffer(memory, CAPACITY, 8, true);
            memory.scattered = true;
            final OffHeapBuffer scattered = new OffHeapBuffer(memory, CAPACITY, 8, true);
            for (int round = 0; round < 50; round++) {
                for (final Method method : interfaceMethods()) {
                    if (!OF_THE_PLACE.contains(method.getName())) {
                        final long each = random.nextLong();
                        succeeded += same(method, contiguous, each) + same(method, scattered, each);
                    }
                }
            }
            contiguous.close();
            scattered.close();
        }
        assertTrue(succeeded > 50 * 2 * (INTERFACE_METHODS - 30), "succeeded=" + succeeded);
    }

    /** One call of each on the same content, with the same arguments; 1 if they returned, 0 if they threw. */
    private static int same(final Method method, final OffHeapBuffer buffer, final long seed) {
        final byte[] content = content(new Random(seed));
        final UnsafeBuffer model = new UnsafeBuffer(ByteBuffer.allocateDirect(CAPACITY));
        model.putBytes(0, content);
        buffer.putBytes(0, content);
        final Arguments expectedArguments = new Arguments(method, new Random(seed));
        final Arguments arguments = new Arguments(method, new Random(seed));
        final Object expected = call(method, model, expectedArguments);
        final Object result = call(method, buffer, arguments);
        final String what = method + " seed=" + seed + " " + buffer;
        if (expected instanceof Throwable) {
            assertNotNull(result, what);
            assertEquals(expected.getClass(), result.getClass(), what);
            return 0;
        }
        assertEquals(expected, result, what);
        assertEquals(expectedArguments.changed(), arguments.changed(), what);
        final byte[] wanted = new byte[CAPACITY];
        final byte[] found = new byte[CAPACITY];
        model.getBytes(0, wanted);
        buffer.getBytes(0, found);
        assertArrayEquals(wanted, found, what);
        return 1;
    }

    /** Digits, or strings with their lengths before them: something for every getter. */
    private static byte[] content(final Random random) {
        final byte[] content = new byte[CAPACITY];
        if (random.nextBoolean()) {
            Arrays.fill(content, (byte)'7');
            return content;
        }
        final UnsafeBuffer buffer = new UnsafeBuffer(content);
        for (int i = 0; i < CAPACITY; i += 8) {
            buffer.putInt(i, random.nextInt(5), random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
            buffer.putBytes(i + 4, "text".getBytes(StandardCharsets.US_ASCII));
        }
        return content;
    }
}
