package org.vellum.mem;

import org.agrona.UnsafeApi;

/** Tells at the first step, in one sentence, what the JVM must be started with. */
public final class NativeAccess {
    private static final String PACKAGE = "jdk.internal.misc";

    private NativeAccess() {
    }

    /**
     * Checks that Agrona can reach the JDK's memory accessors.
     *
     * @throws IllegalStateException with the missing flag in its text.
     */
    public static void require() {
        // The class literal loads Agrona's accessor without initialising it: its initialiser is what would fail obscurely.
        final Module agrona = UnsafeApi.class.getModule();
        if (!Object.class.getModule().isExported(PACKAGE, agrona)) {
            throw new IllegalStateException("Vellum's buffers come from Agrona, which needs the JVM flag " + flag(agrona));
        }
    }

    private static String flag(final Module agrona) {
        return "--add-exports java.base/" + PACKAGE + "=" + (agrona.isNamed() ? agrona.getName() : "ALL-UNNAMED");
    }
}
