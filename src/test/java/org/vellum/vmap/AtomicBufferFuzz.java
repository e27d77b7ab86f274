package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.mem.Pages;

/**
 * Every method of {@link AtomicBuffer}, found by reflection, with random arguments near page boundaries, on a view of scattered
 * pages and on an {@link UnsafeBuffer} of the same content: results, exceptions and contents must agree.
 */
public abstract class AtomicBufferFuzz {
    private static final int OPERATIONS = 1_000_000;
    /** Pages that the buffers lie over. */
    protected static final int PAGES = 5;
    /** Tested elsewhere: they are not to agree. */
    private static final Set<String> EXCLUDED = Set.of("wrap", "addressOffset", "byteArray", "byteBuffer", "wrapAdjustment",
        "verifyAlignment");

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<Method> methods = new ArrayList<>();
    private final Map<Method, Integer> succeeded = new HashMap<>();
    private final Map<Integer, Integer> crossed = new TreeMap<>();
    private final FuzzSteps steps = new FuzzSteps(OPERATIONS, this::isCovered);
    private int refused;
    private int outOfBounds;
    private int rewraps;

    private AtomicBuffer view;
    /** Another view of the same range, as an argument: bulk operations between views, overlapping ones too. */
    private AtomicBuffer other;
    private UnsafeBuffer model;
    private int start;

    /** Makes {@link #PAGES} pages. */
    protected abstract void open(long pagesSeed);

    /** A view of nothing, of those pages. */
    protected abstract AtomicBuffer newView();

    /** The address of a byte of those pages. */
    protected abstract long address(int offset);

    /** Gives the pages random content. */
    protected abstract void fill(Random source);

    /** Called now and then. */
    protected void disturb(final Random source) {
    }

    @Test
    void agreesWithUnsafeBuffer() throws IllegalAccessException {
        System.out.println(getClass().getSimpleName() + " seed=" + seed);
        for (final Method method : AtomicBuffer.class.getMethods()) {
            if (!EXCLUDED.contains(method.getName())) {
                methods.add(method);
            }
        }
        methods.sort(Comparator.comparing(Method::toGenericString));
        open(seed);
        view = newView();
        other = newView();
        fill(random);
        while (steps.next()) {
            if (steps.every(1_000)) {
                rewrap();
            }
            if (steps.every(100)) {
                disturb(random);
            }
            step(methods.get(random.nextInt(methods.size())));
        }
        compareAll();
        System.out.println(figures());
        assertTrue(methods.size() > 110, "methods=" + methods.size());
        steps.assertCovered(() -> {
            final List<Method> never = new ArrayList<>(methods);
            never.removeAll(succeeded.keySet());
            return "seed=" + seed + " " + figures() + " never succeeded: " + never;
        });
    }

    private String figures() {
        return "methods=" + methods.size() + " crossed=" + crossed + " refused=" + refused + " outOfBounds=" + outOfBounds
            + " rewraps=" + rewraps;
    }

    /** Every method has succeeded, and every width has crossed a page. */
    private boolean isCovered() {
        return succeeded.keySet().containsAll(methods) && crossed.keySet().containsAll(List.of(2, 4, 8)) && refused > 0
            && outOfBounds > 0 && rewraps > 0;
    }

    private void rewrap() {
        if (model != null) {
            compareAll();
        }
        start = random.nextBoolean() ? random.nextInt(64) * 8 : random.nextInt(Pages.SIZE);
        final int length = 2 * Pages.SIZE + random.nextInt(PAGES * Pages.SIZE - start - 2 * Pages.SIZE) + 1;
        view.wrap(address(start), length);
        other.wrap(view);
        final byte[] bytes = new byte[length];
        view.getBytes(0, bytes);
        model = new UnsafeBuffer(bytes);
        rewraps++;
    }

    private void compareAll() {
        final byte[] bytes = new byte[view.capacity()];
        view.getBytes(0, bytes);
        assertArrayEquals(model.byteArray(), bytes, "content, seed=" + seed);
    }

    private void step(final Method method) throws IllegalAccessException {
        final Class<?>[] types = method.getParameterTypes();
        final Object[] mine = new Object[types.length];
        final Object[] its = new Object[types.length];
        final int index = index();
        boolean first = true;
        for (int i = 0; i < types.length; i++) {
            if (types[i] == int.class) {
                final int value = first && !method.getName().endsWith("FromEnd") ? index : small(method);
                mine[i] = value;
                its[i] = value;
                first = false;
            } else {
                argument(types[i], i, mine, its);
            }
        }
        if (method.getName().endsWith("FromEnd")) {
            its[1] = mine[1] = index;
        }
        if (method.getName().startsWith("parse")) {
            writeNumber(index, (int)mine[1]);
        }
        run(method, index, mine, its);
    }

    private void run(final Method method, final int index, final Object[] mine, final Object[] its)
        throws IllegalAccessException {
        final Supplier<String> what =
            () -> method.getName() + Arrays.toString(its) + " start=" + start + " seed=" + seed;
        final int width = width(method);
        final boolean crosses = width > 0 && index >= 0 && index <= view.capacity() - width
            && (start + index & Pages.OFFSET_MASK) > Pages.SIZE - width;
        final Object result = invoke(method, view, mine);
        if (crosses && isOrdered(method)) {
            assertInstanceOf(IllegalArgumentException.class, result, what);
            refused++;
            succeeded.merge(method, 1, Integer::sum);
            return;
        }
        final Object expected = invoke(method, model, its);
        if (expected instanceof Throwable thrown) {
            assertNotNull(result, what);
            if (thrown instanceof IndexOutOfBoundsException) {
                assertInstanceOf(IndexOutOfBoundsException.class, result, what);
                outOfBounds++;
            } else {
                assertEquals(thrown.getClass(), result.getClass(), what);
                assertEquals(thrown.getMessage(), ((Throwable)result).getMessage(), what);
            }
            if (thrown instanceof NumberFormatException && method.getName().startsWith("put")) {
                view.getBytes(0, model.byteArray());
            }
            return;
        }
        assertEquals(String.valueOf(expected), String.valueOf(result), what);
        if (expected instanceof Number) {
            assertEquals(expected, result, what);
        }
        for (int i = 0; i < mine.length; i++) {
            compareArgument(mine[i], its[i], what);
        }
        for (int i = Math.max(0, index - 24); i < Math.min(view.capacity(), index + 48); i++) {
            final int at = i;
            assertEquals(model.getByte(i), view.getByte(i), () -> "byte " + at + " after " + what.get());
        }
        succeeded.merge(method, 1, Integer::sum);
        if (crosses) {
            crossed.merge(width, 1, Integer::sum);
        }
    }

    private static Object invoke(final Method method, final AtomicBuffer buffer, final Object[] arguments)
        throws IllegalAccessException {
        try {
            return method.invoke(buffer, arguments);
        } catch (final InvocationTargetException e) {
            return e.getCause();
        }
    }

    /** Near a page boundary mostly, sometimes anywhere, sometimes beyond. */
    private int index() {
        final int kind = random.nextInt(16);
        if (kind == 0) {
            return random.nextInt(view.capacity() + 64) - 32;
        }
        if (kind == 1) {
            return view.capacity() - random.nextInt(12);
        }
        final int boundary = (1 + random.nextInt(view.capacity() / Pages.SIZE)) * Pages.SIZE - start % Pages.SIZE;
        return boundary - 8 - (kind == 2 ? random.nextInt(32) : 0) + random.nextInt(17);
    }

    private int small(final Method method) {
        final int kind = random.nextInt(16);
        final boolean natural = method.getName().contains("Natural");
        // Not as an index of a target that expands to it.
        if (kind == 0 && !method.getName().equals("getBytes")) {
            return natural ? random.nextInt(Integer.MAX_VALUE) : random.nextInt();
        }
        // Where a length is meant, thousands make a copy of several pages.
        return kind < 4 ? random.nextInt(6_000) : random.nextInt(24) - (kind == 4 && !natural ? 24 : 0);
    }

    private void argument(final Class<?> type, final int i, final Object[] mine, final Object[] its) {
        if (type == DirectBuffer.class || type == Object.class) {
            if (random.nextBoolean()) {
                mine[i] = other;
                its[i] = model;
            } else {
                its[i] = mine[i] = new UnsafeBuffer(randomBytes(random.nextInt(random.nextInt(16) == 0 ? 6_000 : 100)));
            }
        } else if (type == MutableDirectBuffer.class) {
            target(i, mine, its);
        } else if (type == byte[].class) {
            final byte[] bytes = randomBytes(random.nextInt(32) == 0 ? 6_000 : random.nextInt(64));
            mine[i] = bytes;
            its[i] = bytes.clone();
        } else if (type == ByteBuffer.class) {
            final byte[] bytes = randomBytes(random.nextInt(random.nextInt(16) == 0 ? 6_000 : 100));
            final int position = random.nextInt(Math.min(bytes.length + 1, 9));
            mine[i] = byteBuffer(bytes, position);
            its[i] = byteBuffer(bytes, position);
        } else if (type == Appendable.class) {
            mine[i] = new StringBuilder();
            its[i] = new StringBuilder();
        } else {
            its[i] = mine[i] = value(type);
        }
    }

    private void target(final int i, final Object[] mine, final Object[] its) {
        switch (random.nextInt(3)) {
            case 0 -> {
                final int length = random.nextInt(16) == 0 ? 4_096 : 64;
                mine[i] = new UnsafeBuffer(new byte[length]);
                its[i] = new UnsafeBuffer(new byte[length]);
            }
            case 1 -> {
                mine[i] = new ExpandableArrayBuffer(64);
                its[i] = new ExpandableArrayBuffer(64);
            }
            default -> {
                mine[i] = other;
                its[i] = model;
            }
        }
    }

    private Object value(final Class<?> type) {
        if (type == long.class) {
            // Natural numbers must be; small ones so that compare-and-set and parsing meet their cases.
            return random.nextInt(4) == 0 ? Long.valueOf(random.nextInt(3)) : (Long)(random.nextLong() >>> 1 + random.nextInt(62));
        } else if (type == byte.class) {
            return (byte)random.nextInt();
        } else if (type == short.class) {
            return (short)random.nextInt();
        } else if (type == char.class) {
            return (char)random.nextInt();
        } else if (type == float.class) {
            return Float.intBitsToFloat(random.nextInt());
        } else if (type == double.class) {
            return Double.longBitsToDouble(random.nextLong());
        } else if (type == ByteOrder.class) {
            return random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        } else if (type == String.class || type == CharSequence.class) {
            return text();
        }
        throw new AssertionError("no argument for " + type);
    }

    private String text() {
        if (random.nextInt(16) == 0) {
            return null;
        }
        final StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(24); i > 0; i--) {
            text.append((char)(random.nextInt(8) == 0 ? random.nextInt(0xD800) : 32 + random.nextInt(95)));
        }
        return text.toString();
    }

    private byte[] randomBytes(final int length) {
        final byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private ByteBuffer byteBuffer(final byte[] bytes, final int position) {
        final ByteBuffer buffer = bytes.length % 16 == 0 ? ByteBuffer.allocateDirect(bytes.length) : ByteBuffer.allocate(bytes.length);
        return buffer.put(bytes).clear().position(position);
    }

    /** So that parsing meets numbers: of the right length, of both signs, at and around the limits, and malformed ones. */
    private void writeNumber(final int index, final int length) {
        if (index < 0 || length < 1 || length > 24 || index + length > view.capacity()) {
            return;
        }
        final StringBuilder text = new StringBuilder();
        final String[] limits = {"2147483647", "-2147483648", "2147483648", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "-9223372036854775809"};
        for (final String limit : limits) {
            if (limit.length() == length && random.nextBoolean()) {
                text.append(limit);
            }
        }
        text.setLength(Math.min(text.length(), length));
        while (text.length() < length) {
            text.append(text.length() == 0 && random.nextBoolean() ? '-' : (char)('0' + random.nextInt(10)));
        }
        if (length < 19 && random.nextInt(16) == 0) {
            text.setCharAt(random.nextInt(length), 'x');
        }
        final byte[] bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
        view.putBytes(index, bytes);
        model.putBytes(index, bytes);
    }

    private void compareArgument(final Object mine, final Object its, final Supplier<String> what) {
        if (mine instanceof byte[] bytes) {
            assertArrayEquals((byte[])its, bytes, what);
        } else if (mine instanceof StringBuilder) {
            assertEquals(its.toString(), mine.toString(), what);
        } else if (mine instanceof ByteBuffer buffer) {
            assertEquals(((ByteBuffer)its).position(), buffer.position(), what);
            assertEquals(((ByteBuffer)its).duplicate().clear(), buffer.duplicate().clear(), what);
        } else if (mine instanceof UnsafeBuffer || mine instanceof ExpandableArrayBuffer) {
            assertEquals(its, mine, what);
        }
    }

    private static boolean isOrdered(final Method method) {
        final String name = method.getName();
        return name.endsWith("Volatile") || name.endsWith("Acquire") || name.endsWith("Release") || name.endsWith("Ordered")
            || name.endsWith("Opaque") || name.startsWith("compareAnd") || name.startsWith("getAnd");
    }

    private static int width(final Method method) {
        final String name = method.getName();
        if (name.contains("Ascii") || name.contains("Utf8")) {
            return 0;
        }
        return name.contains("Long") || name.contains("Double") ? 8 : name.contains("Int") || name.contains("Float") ? 4
            : name.contains("Short") || name.contains("Char") ? 2 : 0;
    }
}
