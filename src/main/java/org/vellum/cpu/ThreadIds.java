package org.vellum.cpu;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.agrona.UnsafeApi;

/**
 * The identity of a thread that no subclass can forge.
 *
 * <p>{@code Thread.getId()} can be overridden, and two threads that answer alike would occupy one slot together. From JDK
 * 19 on the final {@code threadId()} is used, before that the field behind {@code getId()}. Ids are unique for the life of
 * the JVM: they are never reused.
 */
final class ThreadIds {
    private static final MethodHandle THREAD_ID = findThreadId();
    private static final long FIELD_OFFSET = THREAD_ID == null ? UnsafeApi.objectFieldOffset(Thread.class, "tid") : 0;

    private ThreadIds() {
    }

    /**
     * @param thread any thread.
     * @return its id, positive.
     */
    static long of(final Thread thread) {
        if (THREAD_ID == null) {
            return UnsafeApi.getLong(thread, FIELD_OFFSET);
        }
        try {
            return (long)THREAD_ID.invokeExact(thread);
        } catch (final Error | RuntimeException e) {
            throw e;
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle findThreadId() {
        try {
            return MethodHandles.publicLookup().findVirtual(Thread.class, "threadId", MethodType.methodType(long.class));
        } catch (final NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }
}
