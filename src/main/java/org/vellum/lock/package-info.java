/**
 * Locks of address spaces. Invariant: <b>locks are taken in one order, and nobody blocks on one inside a section</b>.
 *
 * <h2>Two kinds</h2>
 * <ul>
 * <li><em>Sleeping</em> ({@link org.vellum.lock.SleepingLock}): held across long work, by virtual threads too. That is what reference 3
 * made of the kernel's {@code i_mmap_lock} and {@code anon_vma->lock}, so that whole teardowns could be preempted.</li>
 * <li><em>Short</em> ({@link org.vellum.lock.PageTableLocks}, {@link org.vellum.cpu.SpinLock}): held for a bounded number of steps, and
 * only tried inside a section.</li>
 * </ul>
 * The order of all of them is {@link org.vellum.lock.LockRank}, and while assertions are on every thread is held to it.
 *
 * <h2>Why nobody may block inside a section</h2>
 * <pre>
 *   T1                                        T2
 *   a1: takes the lock                        b1: enters a section
 *   a2: waits until all sections of           b2: waits for the lock
 *       this moment have ended
 * </pre>
 * After a1 and b1 neither gets on: a2 waits for T2's section, b2 for T1's lock. So b2 is forbidden: {@code lock...} throws inside a
 * section, {@code tryLock...} does not wait. A T2 that cannot leave its section, because the user has opened it, tries for a bounded time
 * and says that it would have had to wait; lest that be the rule, a2 is forbidden too while T1 has a lock that T2 might try: {@link
 * org.vellum.lock.LockOrder#mayAwaitGracePeriod}. Either of the two alone excludes the deadlock; both together exclude the livelock in which
 * T2 leaves, enters, tries and fails while T1 waits for each new section.
 *
 * <h2>Downgrading</h2>
 * Who unmaps changes the regions under the exclusive lock, which takes microseconds, and clears the entries, which takes as long as there
 * are any, with the lock shared:
 * <pre>
 *   T1 (unmaps)                               T2 (faults elsewhere)          T3 (maps something new into the range)
 *   a1: exclusive; the region ends            b1: shared: waits for a2       c1: exclusive: waits for a4
 *   a2: downgrade
 *   a3: clear entries, slice by slice         b2: installs its page
 *   a4: give back
 * </pre>
 * Nobody gets the lock exclusively between a1 and a4, so c1 finds no entry of the old region in its way.
 *
 * <h2>All at once</h2>
 * {@link org.vellum.lock.AllLocks} takes every lock of a space: what the kernel's {@code mm_take_all_locks} nested hundreds of spinlocks for, and
 * the main motive of reference 3. All of them sleep, so it can be preempted, and interrupted, wherever it is.
 *
 * <h2>Left out</h2>
 * Lock classes learned at run time (the kernel's lockdep draws a graph of what it sees; four ranks are easier to read), priority inheritance
 * and spinning on a running owner: the JDK decides how it waits.
 */
package org.vellum.lock;
