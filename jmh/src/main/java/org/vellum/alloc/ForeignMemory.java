package org.vellum.alloc;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.agrona.LangUtil;

/**
 * {@code java.lang.foreign} from code for Java 17: handles that are constants, so that a call compiles to what a direct one
 * does. It exists as of JDK 22.
 */
final class ForeignMemory {
    private static final int FIRST_FEATURE = 22;
    private static final boolean AVAILABLE = Runtime.version().feature() >= FIRST_FEATURE;
    private static final String ARENA = "java.lang.foreign.Arena";
    private static final String SEGMENT = "java.lang.foreign.MemorySegment";

    private static final MethodHandle OF_CONFINED = arena("ofConfined");
    private static final MethodHandle OF_SHARED = arena("ofShared");
    private static final MethodHandle ALLOCATE = method(ARENA, "allocate", SEGMENT, long.class);
    private static final MethodHandle ADDRESS = method(SEGMENT, "address", "long");
    private static final MethodHandle CLOSE = method(ARENA, "close", "void");

    private ForeignMemory() {
    }

    /** @throws UnsupportedOperationException if this JDK does not have it; then nothing else here may be called. */
    static void requireAvailable() {
        if (!AVAILABLE) {
            throw new UnsupportedOperationException("not available on JDK " + Runtime.version().feature()
                + ": java.lang.foreign needs JDK " + FIRST_FEATURE);
        }
    }

    private static MethodHandle arena(final String factory) {
        if (!AVAILABLE) {
            return null;
        }
        try {
            final Class<?> arena = Class.forName(ARENA);
            return MethodHandles.publicLookup().findStatic(arena, factory, MethodType.methodType(arena))
                .asType(MethodType.methodType(Object.class));
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A virtual method with its receiver, and its result if that is a segment, as plain objects. */
    private static MethodHandle method(
        final String owner, final String name, final String result, final Class<?>... parameters) {
        if (!AVAILABLE) {
            return null;
        }
        try {
            final MethodType type = MethodType.methodType(type(result), parameters);
            final MethodHandle method = MethodHandles.publicLookup().findVirtual(Class.forName(owner), name, type);
            return method.asType(method.type().erase());
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static Class<?> type(final String name) throws ClassNotFoundException {
        return name.equals("void") ? void.class : name.equals("long") ? long.class : Class.forName(name);
    }

    /** @return {@code Arena.ofConfined()}. */
    static Object confined() {
        try {
            return (Object)OF_CONFINED.invokeExact();
        } catch (final Throwable e) {
            LangUtil.rethrowUnchecked(e);
            return null;
        }
    }

    /** @return {@code Arena.ofShared()}. */
    static Object shared() {
        try {
            return (Object)OF_SHARED.invokeExact();
        } catch (final Throwable e) {
            LangUtil.rethrowUnchecked(e);
            return null;
        }
    }

    /**
     * @param arena that is open.
     * @param size  in bytes.
     * @return the raw address of that many zeroed bytes.
     */
    static long allocate(final Object arena, final long size) {
        try {
            final Object segment = (Object)ALLOCATE.invokeExact(arena, size);
            return (long)ADDRESS.invokeExact(segment);
        } catch (final Throwable e) {
            LangUtil.rethrowUnchecked(e);
            return 0;
        }
    }

    /** @param arena that is open. */
    static void close(final Object arena) {
        try {
            CLOSE.invokeExact(arena);
        } catch (final Throwable e) {
            LangUtil.rethrowUnchecked(e);
        }
    }
}
