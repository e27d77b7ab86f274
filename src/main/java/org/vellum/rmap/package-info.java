/**
 * Reverse mapping: from a frame to whatever shows it. Invariant: <b>a frame's record finds every entry that maps it</b>.
 *
 * <p>At present the room holds what regions need for it to come: the {@link org.vellum.rmap.AnonVma} that a family of anonymous regions has
 * in common, and its lock, which sleeps. {@code space} gives each region its own at the first anonymous fault, and keeps it through splits
 * and joins.
 *
 * <h2>Still to come</h2>
 * The chains by which an AnonVma finds its regions, the same for files, the word of a frame that names one, and the walk over all entries
 * of a frame. Until then nobody takes the lock but who takes all locks of a space.
 */
package org.vellum.rmap;
