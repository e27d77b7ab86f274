package org.vellum.cli;

/** What the user asked for cannot be done as asked: one line for a person, exit status 2. */
final class BadInput extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadInput(final String message) {
        super(message);
    }
}
