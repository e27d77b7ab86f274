package org.vellum.space;

/** How a space takes large ranges away. */
public enum UnmapPolicy {
    /** Slice by slice, with no lock held in between: others map, unmap and fault meanwhile. */
    PREEMPTIBLE,
    /** All of it under the space's lock, as the kernel did before reference 3: for comparison. */
    ATOMIC
}
