/**
 * What Vellum says to its user. Invariant: <b>primitives and strings only, no behaviour</b>: any room may throw or
 * report without learning of any other.
 *
 * <p>Exhaustion is a typed outcome, misuse an {@link java.lang.IllegalArgumentException} or
 * {@link java.lang.IllegalStateException} whose text holds {@code name=value} and which changes nothing, a broken
 * invariant an assertion. Vellum itself prints nothing: what has no caller to throw to goes to the
 * {@link org.vellum.report.Listener}; what a recorder may want to know, problem or not, to {@link org.vellum.report.Events}.
 */
package org.vellum.report;
