package org.vellum.vmap;

/** When an unmapped address may be reused. */
public enum FlushPolicy {
    /** After a flush that serves many unmaps: the policy to use. */
    LAZY,
    /**
     * After a flush of its own at each unmap, under one global lock: what reference 1 replaced. Kept as the baseline to
     * compare with, and for debugging, since a stale access faults at once. Mapping and unmapping wait, and refuse to be
     * called inside a section.
     */
    EAGER
}
