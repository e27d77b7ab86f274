package org.vellum.gather;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many gathers of one space are between their beginning and their end: the kernel's {@code tlb_flush_pending} (G9, RG5).
 *
 * <pre>
 *   A (unmaps a page)                        B (unmaps the same page)
 *   a1: pending + 1                          b1: pending + 1
 *   a2: entry := none                        b2: the entry is none: nothing to gather
 *   a3: flush                                b3: pending &gt; 1? → flush all the same
 *   a4: pending − 1                          b4: pending − 1
 * </pre>
 * If b2 finds none because of a2, and a3 is not over, then a4 is not either: b3 reads more than 1, since a1 comes before a2, a2 before b2 and b2
 * before b3. So B does not return while a section still has what A cleared.
 */
public final class SpaceFlushes {
    private final AtomicInteger pending = new AtomicInteger();

    /** Makes the count of a space without gathers. */
    public SpaceFlushes() {
        // Nothing to be done.
    }

    void begin() {
        // Volatile: a1, b1 above.
        pending.incrementAndGet();
    }

    boolean isNested() {
        // Volatile: b3 above.
        return pending.get() > 1;
    }

    /** The last step of a gather. */
    void end() {
        // Volatile: a4, b4 above.
        final int left = pending.decrementAndGet();
        assert left >= 0 : "a gather ended twice";
    }

    /** @return how many gathers are under way. */
    public int pending() {
        return pending.get();
    }
}
