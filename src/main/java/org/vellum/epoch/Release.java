package org.vellum.epoch;

import org.vellum.cpu.Cpu;

/** What a {@link Limbo} does with a token whose grace period has ended. */
public interface Release {
    /** @return what kind of thing the tokens are, for reports. */
    String kind();

    /**
     * @param token a token in limbo, or about to enter it.
     * @return how many bytes it keeps from being reused; the same answer every time while in limbo.
     */
    long bytes(long token);

    /**
     * Makes the thing usable again. Called without locks, by whichever thread polls, possibly inside a section of that
     * thread: it must not wait.
     *
     * @param own the slot that the caller occupies, and that retired the token, if it wants it back there; else null.
     * @param token whose grace period has ended.
     * @return whether it was released; false puts it back into limbo for a later poll.
     */
    boolean release(Cpu own, long token);
}
