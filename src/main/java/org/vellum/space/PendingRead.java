package org.vellum.space;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;

/** A read of one or more pages that is under way: one thread reads, others wait, parked. */
final class PendingRead {
    private final CountDownLatch over = new CountDownLatch(1);
    /** Plain: set before the latch opens, read after. */
    private IOException failure;

    /** By the reader, at its end. */
    void end(final IOException why) {
        failure = why;
        over.countDown();
    }

    /**
     * Waits for the reader, however long the device takes; an interrupt is kept for later.
     *
     * @return why nothing could be read, or null: then there is something to be looked at.
     */
    IOException await() {
        boolean interrupted = false;
        while (true) {
            try {
                over.await();
                break;
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return failure;
    }
}
