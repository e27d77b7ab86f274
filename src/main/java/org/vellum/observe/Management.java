package org.vellum.observe;

import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Offers a memory to JMX, if this JVM has it. */
public final class Management {
    private static final String JMX = "java.management";

    private Management() {
    }

    /**
     * Registers a memory at the platform's MBean server as {@code org.vellum:type=Memory,name=...}; a name with other characters than
     * letters, digits, dots, dashes and underscores is quoted as {@code ObjectName.quote} does.
     *
     * @param name of the memory, not blank.
     * @param stats its figures.
     * @param trim gives memory back, and returns how many bytes.
     * @param report its report.
     * @return to be run when the memory is closed: unregisters it.
     * @throws IllegalStateException if something is registered under that name, or the JVM lacks the module; nothing is registered.
     */
    public static Runnable register(
        final String name, final Supplier<Stats> stats, final LongSupplier trim, final Supplier<String> report) {
        // Looked for before a class is touched that needs it.
        if (ModuleLayer.boot().findModule(JMX).isEmpty()) {
            throw new IllegalStateException("this JVM lacks the module " + JMX + ": jmx=" + name);
        }
        return Registration.of(name, new Monitor(stats, trim, report));
    }
}
