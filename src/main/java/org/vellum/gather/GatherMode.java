package org.vellum.gather;

/** What a flush of a {@link MmuGather} does about its grace period. */
public enum GatherMode {
    /**
     * Leaves what it covers to limbo, and goes on: nothing is reused before its grace period has ended, but a section that is open when the
     * gather ends may hold old translations for as long as it stays open. Waits only if limbo is over its bound.
     */
    RETIRE,
    /** As {@link #RETIRE}, and does not even wait when limbo is over its bound: for who holds a lock that others wait for. */
    RETIRE_AT_ONCE,
    /**
     * Waits, parked, as the reference does: when the gather has ended, no section holds a translation of what it cleared, or of what another
     * gather of the space had cleared when it looked. Inside a section it cannot wait, and retires.
     */
    WAIT
}
