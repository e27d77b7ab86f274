package org.vellum.gather;

/** What gathers count. */
public enum GatherEvent {
    /** Flushes: what was cleared got a stamp. */
    FLUSH,
    /** Flushes that a full gather asked for, before its end. */
    FULL,
    /** Ends of gathers that had recorded nothing, and did not flush. */
    NOTHING,
    /** Ends that flushed although nothing was recorded, because another gather of the space was under way (G9). */
    NESTED,
    /** Flushes that waited for their grace period. */
    WAIT,
    /** Flushes that left what they covered to limbo. */
    RETIRE,
    /** Times that neither a batch was to be had nor a wait allowed, and the Java heap remembered a few frames. */
    HEAP
}
