/**
 * What Vellum looks like from outside. Invariant: <b>reads, never changes</b>, and stops nobody: figures that belong together
 * may be a moment apart.
 *
 * <h2>Events of JDK Flight Recorder</h2>
 * Enabled in every recording whose settings do not say otherwise; free while there is none, and where the JVM has no such module. Each bears
 * the number of its {@code memory}, from 1 in the order of opening. The last two columns say where a stack trace is taken and where it may
 * be inside a section: nothing about an event waits.
 *
 * <pre>
 *   name                  fields, beside memory                                                          stack  section
 *   vellum.BankAdded      bank, size (bytes), present (bytes of all banks)                                      yes
 *   vellum.BankReleased   bank, size (bytes), present (bytes of all banks)
 *   vellum.SlabCreated    address, objectSize (bytes), objects                                                  yes
 *   vellum.SlabReleased   address, objectSize (bytes)                                                           yes
 *   vellum.Purge          cause, pagesBefore, pagesAfter (of 4 KiB, in limbo)                                   yes
 *   vellum.Reclaim        attempt, inSection, limboBefore, limboAfter (bytes), time (nanoseconds)               yes
 *   vellum.Exhaustion     resource, pages (of 4 KiB), text                                               yes    yes
 *   vellum.Stall          slot, occupant, open (nanoseconds)
 *   vellum.BudgetRefused  budget, wanted (bytes), text                                                   yes    yes
 * </pre>
 */
package org.vellum.observe;
