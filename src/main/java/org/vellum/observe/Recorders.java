package org.vellum.observe;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.report.Events;

/** Finds what can record the events of a memory in this JVM. */
public final class Recorders {
    private static final String FLIGHT_RECORDER = "jdk.jfr";

    /** From 0: that is the tiny memory which loads what the others need. */
    private static final AtomicLong MEMORIES = new AtomicLong();

    private Recorders() {
    }

    /**
     * A recorder for one more memory: JDK Flight Recorder's, in which events bear the memory's number, or nothing where the JVM lacks that
     * module. Not one of its classes is loaded then.
     *
     * @return what is to hear of this memory's events.
     */
    public static Events find() {
        return ModuleLayer.boot().findModule(FLIGHT_RECORDER).isPresent() ? new FlightEvents(MEMORIES.getAndIncrement()) : Events.NONE;
    }
}
