package org.vellum.vmap;

import org.vellum.mem.Words;

/** Native memory at its worst: every bit set. A fresh process seldom sees any, a long-running one nothing else. */
final class DirtyWords {
    private DirtyWords() {
    }

    static Words reserve(final long length) {
        final Words words = Words.reserve(length);
        for (long i = 0; i < length; i++) {
            words.putPlain(i, -1);
        }
        return words;
    }
}
