package org.vellum.space;

/** What else there is to be done when memory runs out: the rooms above this one know. */
@FunctionalInterface
public interface Relief {
    /**
     * One step against exhaustion. May wait, parked, for a bounded time, outside sections; inside it does not.
     *
     * @param attempt how many steps were taken before for the same request, from 0.
     * @return whether it is worth trying again.
     */
    boolean relieve(int attempt);
}
