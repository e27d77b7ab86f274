package org.vellum.frame;

import java.util.concurrent.atomic.AtomicBoolean;

/** Calls back once when free memory falls below a mark, and again only after it has been above. */
final class Watermark {
    private final long frames;
    private final Runnable callback;
    private final AtomicBoolean armed = new AtomicBoolean(true);

    Watermark(final long frames, final Runnable callback) {
        this.frames = frames;
        this.callback = callback;
    }

    /**
     * @param free frames that will be free after what the caller is about to do.
     */
    void fall(final long free) {
        if (free < frames && armed.get() && armed.compareAndSet(true, false)) {
            callback.run();
        }
    }

    /**
     * @param free frames that are free now.
     */
    void rise(final long free) {
        if (free >= frames && !armed.get()) {
            armed.set(true);
        }
    }
}
