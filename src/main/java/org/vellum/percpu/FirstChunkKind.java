package org.vellum.percpu;

/** How the first chunk gets its memory. */
public enum FirstChunkKind {
    /**
     * {@link #EMBED}, unless its groups lie too far apart for the vmap window, or their source does not hand out what they need; then
     * {@link #PAGE}.
     */
    AUTO,
    /** From a {@link UnitSource}, as it lies there, whatever the holes: an access costs no translation. */
    EMBED,
    /** From single frames, mapped page by page into the vmap window. */
    PAGE
}
