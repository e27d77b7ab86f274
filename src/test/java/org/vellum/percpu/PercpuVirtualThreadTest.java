package org.vellum.percpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Method;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Virtual threads allocate, wait for each other, and free, many more than there are carriers. */
@Tag("stress")
final class PercpuVirtualThreadTest {
    @Test
    void nothingIsLost() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        final Method startVirtual = Thread.class.getMethod("startVirtualThread", Runnable.class);
        new PercpuStressTest.Run(true).go(20, 500, body -> {
            try {
                return (Thread)startVirtual.invoke(null, body);
            } catch (final ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        });
    }
}
