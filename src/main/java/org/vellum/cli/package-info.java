/**
 * The command line tool. Invariant: <b>runs the systems for a person; none of their logic is here</b>.
 *
 * <p>What is printed was measured or checked in the run that prints it. Exit status 0 means that every check held, 1 that one
 * did not, 2 that the input was bad. Nothing global is changed: streams come in as arguments, threads are joined, memories
 * are verified and closed before a command returns.
 */
package org.vellum.cli;
