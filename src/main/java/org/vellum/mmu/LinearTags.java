package org.vellum.mmu;

/** Knows the generations of what the linear map holds: slabs, in a room above. */
@FunctionalInterface
public interface LinearTags {
    /**
     * Called with each checked access by a tagged address of the linear map, inside sections or out; must not wait.
     *
     * @param address a Vellum address with a tag.
     * @return whether what is there now is of that generation.
     */
    boolean isCurrent(long address);
}
