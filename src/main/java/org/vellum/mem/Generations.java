package org.vellum.mem;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Where the generations of one manager's slabs and areas begin to count.
 *
 * <p>All managers lay their memory out alike and hand out the same addresses in the same order. If they counted from the same number as
 * well, an address of one that is freed into another would be taken for what lives there. So each begins elsewhere.
 */
public final class Generations {
    /** Generations that a tag can tell apart: 1 up to this; tag 0 means untagged. */
    public static final int COUNT = 0xFFFF;
    /** The count divided by the golden ratio: managers made one after the other begin far apart. Prime to the count, so all are met. */
    private static final long STRIDE = 40_502;
    private static final AtomicLong MANAGERS = new AtomicLong();

    private Generations() {
    }

    /**
     * Where to begin; of {@link #COUNT} calls in a row no two get the same.
     *
     * @return from 1 to {@link #COUNT}.
     */
    public static int first() {
        return (int)(MANAGERS.getAndIncrement() % COUNT * STRIDE % COUNT) + 1;
    }
}
