package org.vellum.space;

/** What else there is to be done when memory runs out: the rooms above this one know. */
@FunctionalInterface
public interface Relief {
    /** Nothing has been done yet. */
    long BEGIN = 0;
    /** It is not worth trying again. */
    long LOST = -1;

    /**
     * One step against exhaustion, after a try that has failed. May wait, parked, for a bounded time, outside sections; inside it does not.
     *
     * @param fight what the step before has returned, or {@link #BEGIN}.
     * @return {@link #LOST}, or another value: then it is worth trying again.
     */
    long relieve(long fight);
}
