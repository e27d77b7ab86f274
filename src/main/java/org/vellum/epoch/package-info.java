/**
 * Time. Invariant: <b>what was retired at epoch <i>e</i> is released only after every section that began at or before
 * <i>e</i> has ended</b>.
 *
 * <h2>Problem</h2>
 * A mapping is cleared, but some thread computed an address from it a moment ago and still holds it. Until that thread has
 * let go, neither the address nor the frame may serve anybody else. The kernel interrupts every processor to make it forget
 * (a TLB flush); the JVM cannot interrupt anybody. But a thread that translates does so inside a section, and a section
 * announces when it began. So nobody is interrupted: whoever wants to reuse waits, or comes back later.
 *
 * <h2>Vocabulary</h2>
 * <ul>
 * <li><b>clock</b>: the global epoch, odd, advancing by 2. One advance is what the kernel calls a flush: it separates the
 * sections that may have seen a cleared entry from those that cannot.</li>
 * <li><b>stamp</b>: the clock as read after a clear.</li>
 * <li><b>horizon</b>: every stamp below it has passed. It only grows.</li>
 * <li><b>limbo</b>: what is cleared and stamped, and waits for the horizon.</li>
 * </ul>
 *
 * <h2>The argument</h2>
 * Let R read an entry inside a section while T clears it and retires what it named.
 * <pre>
 *   R (reader)                                   T (retirer), then P (whoever polls)
 *   r1: e := clock                               t1: clear the entry
 *   r2: CAS slot word: idle → (R, e)             t2: full fence
 *   r3: load the entry, volatile                 t3: s := clock;  append to limbo with stamp s
 *   r4: use what it names                        p1: g := clock, volatile
 *   r5: slot word := idle, release               p2: load all slot words, volatile; m := least epoch announced
 *                                                p3: release what has s &lt; min(g, m)
 * </pre>
 * Suppose r3 reads the entry as it was before t1. The CAS r2 and the fence t2 are both full fences, and r2 precedes r3 as
 * t1 precedes t2; had t2 come before r2 in their common order, r3 would have seen t1. So r2 came before t2: the announcement
 * is visible to everything after t2, p2 included (p3 demands s &lt; g: t3 read the clock before it became g and p1 after, so t2
 * comes before p2), unless R has left already at r5, and then its uses happen before P's release. The announced epoch e was read before r2, hence before t3, so
 * e &le; s, and while R stays, m &le; e &le; s: P does not release. This is the store-buffering pattern, and both fences
 * are needed: measured on x86 without t2, 10 readers in 6 million got through. {@code AnnounceClearStress} holds the race and
 * both broken twins (no fence; a plain load at r3, which the compiler may move before r2).
 *
 * <p>Why p3 also requires s &lt; g: a token stamped g may have been cleared after p2 read the slots. Read before the scan,
 * g excludes it.
 *
 * <p>Entries are loaded volatile in sections (a plain {@code mov} on x86), because under the Java memory model a CAS orders
 * only other volatile accesses after it; it is not relied on as a fence for plain loads.
 *
 * <h2>Picture</h2>
 * <pre>
 *   clock      1 . . . . . . 3 . . . . . . . . . 5 . . . . . .  time →
 *   cpu 0        [==== section at 1 ====]
 *   cpu 1                        [== section at 3 ==]
 *   retire           x stamp 1       y stamp 3
 *   x released                          ^ horizon may be 3 here: cpu 0 has left, cpu 1 announced 3
 *   y released                                       ^ not before the clock is 5 and cpu 1 has left
 * </pre>
 *
 * <h2>What it is not</h2>
 * Not three-generation epoch reclamation: stamps are 64-bit and never reused, so there is no limit on how far readers
 * lag. Slot words carry 32 bits of the epoch, compared by difference; the clock stops before a lagging reader could be
 * mistaken for one of the future ({@code Epochs.MAX_LAG}).
 *
 * <h2>Who waits, and where</h2>
 * Retiring never waits, allocates or fails. Polling never waits. Only {@code synchronize} waits, parked, and refuses to be
 * called inside a section, always and not only when it would have to wait. No lock that can be taken inside a section is
 * held across that wait. Whoever fights against exhaustion waits in bounded time, for a stamp, and for {@link Releases} that are under way:
 * outside sections, so that no stamp waits for them.
 *
 * <h2>Left out</h2>
 * Expedited grace periods (there is no interrupt to expedite with), callback offloading, and tree-shaped slot scans: 4,096
 * words are the most there are, and a scan of the usual 16 costs less than one contended CAS.
 */
package org.vellum.epoch;
