package org.vellum.mem;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;

/** Finds out which words something reserves. Not for two tests at once: it sees what any thread reserves meanwhile. */
public final class WordsObserver {
    private WordsObserver() {
    }

    /** Runs {@code body} and adds what is reserved meanwhile to {@code reserved}. */
    public static <T> T observe(final List<Words> reserved, final Callable<T> body) throws Exception {
        final List<Words> seen = new CopyOnWriteArrayList<>();
        Words.observer = seen::add;
        try {
            return body.call();
        } finally {
            Words.observer = null;
            reserved.addAll(seen);
        }
    }
}
