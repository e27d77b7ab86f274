package org.vellum.space;

/**
 * Where the pages of a region come from, if the user says so: the kernel's {@code nopage}.
 *
 * <p>Called on the thread that touches a page for the first time, without locks, and outside sections unless the user has one open around the
 * access. Any number of threads at once, for one page too: then one frame is installed, and the others come back by {@link #unused}.
 *
 * <p>It may block, allocate, and touch pages of other regions; not the pages that it is itself asked for.
 */
@FunctionalInterface
public interface UserFaultHandler {
    /**
     * Gives a frame, filled with what the page shows.
     *
     * @param address first of the page, in bytes of the space.
     * @param write whether for a store.
     * @return a single frame that the handler owns: allocated by itself, not marked, with a count of 1, and shown by no space. Its one reference
     *     passes to the space, which gives it up a grace period after the page is unmapped: whoever wants the frame to stay takes another one
     *     then, while it is mapped. Anything else is refused, and stays whose it is. What is thrown is the cause of the exception that the
     *     faulting thread gets.
     */
    long frame(long address, boolean write);

    /**
     * Gets a frame back that was not needed, since another thread's was faster, or the page has been unmapped. On the same thread,
     * right after {@link #frame}; must not wait.
     *
     * @param address that it was given for.
     * @param frame with its one reference.
     * @return true if the handler has it again; false if the library shall free it. If it throws it has it, too, and the listener hears.
     */
    default boolean unused(final long address, final long frame) {
        return false;
    }
}
