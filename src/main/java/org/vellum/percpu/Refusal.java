package org.vellum.percpu;

import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;

/**
 * Why units cannot be embedded.
 *
 * @param resource what there is too little of; null if the source did not do what it was asked for.
 * @param reason for a person.
 */
record Refusal(Resource resource, String reason) {
    RuntimeException exception() {
        final String text = "firstChunk=EMBED, but " + reason;
        return resource == null ? new IllegalArgumentException(text) : new ExhaustedException(resource, text);
    }
}
