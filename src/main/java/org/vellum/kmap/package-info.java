/**
 * Frames brought into reach one page at a time. Invariant: <b>local maps nest; a slot of the shared window is used for another frame only
 * after a flush</b>.
 *
 * <h2>What it is for</h2>
 * The kernel's {@code kmap} reaches memory for which it has no addresses to spare. The JVM has addresses enough, but not memory: here the
 * high frames lie in files ({@link org.vellum.kmap.HighMemory}), larger than what is mapped and than the machine's memory, and reach the
 * process through a bounded number of cache frames. A low frame, which is in memory anyway, has its linear address for nothing; callers
 * need not know which of the two they have.
 *
 * <h2>Vocabulary</h2>
 * <ul>
 * <li><b>low frame</b>: a frame of physical memory. <b>High frame</b>: a page of a file.</li>
 * <li><b>cache frame</b>: the one frame that holds a high frame's bytes while anybody maps it, for all of them ({@link
 * org.vellum.kmap.HighCache}).</li>
 * <li><b>local map</b>: on the stack of the thread's slot ({@link org.vellum.kmap.KmapStack}).</li>
 * <li><b>shared map</b>: in the window that all threads share ({@link org.vellum.kmap.KmapWindow}).</li>
 * </ul>
 *
 * <h2>A local map is a push</h2>
 * The fixed slots of old, one for each purpose, were an agreement that nobody checked: a second user of {@code KM_USER0} further down the
 * call chain overwrote the first one's mapping. With a stack no two users can ask for the same slot, because nobody asks for one: the depth
 * is the index. That needs maps to be undone in reverse order, which is what callers do anyway, and what is checked here at each unmap, for
 * low frames too.
 *
 * <p><b>Why a stack and not a heap?</b> A heap would let maps be undone in any order. But then something has to be searched and marked, by
 * atomic instructions or in a section of its own, fragmentation has to be thought of, and an unmap must prove that what it frees was handed
 * out; of a stack one compare of the top proves it all. What is more, a heap would hide the mistake that matters: a map that outlives its
 * caller. On a stack the caller's own unmap finds it.
 *
 * <h2>Why a thread keeps its slot</h2>
 * The stack belongs to the slot, so the thread must stay on it from its first map to its last unmap. It does, because a map <em>is</em> an
 * open section: the first one enters, each further one nests, each unmap exits. A platform thread may block, a virtual one unmount, with
 * maps open: the slot stays occupied in its name, its stack stays where it is, and its addresses stay good. So there is nothing to clear
 * when the thread is switched out and nothing to restore when it comes back, which is what the kernel's preemptible variant has to do,
 * since its processors cannot wait for threads. The price is that of any section: as long as it is open nothing retired meanwhile is
 * reused. Whoever needs a page for long uses the shared window.
 *
 * <h2>Nobody waits inside a section</h2>
 * So whatever may wait comes first: {@code kmapLocal} of a high frame pins the page, and reads it if need be, before it enters. A nested
 * map is already inside; if its page is not in the cache it is refused ({@link org.vellum.report.WouldWaitException}), and {@code prefetch}
 * exists so that it need not be. Shared maps and flushes are refused inside sections always, not only when they would have to wait.
 *
 * <h2>Same bytes for all</h2>
 * Local and shared maps of a frame have different addresses and the same memory: the cache frame, pinned once for each local map and once
 * for each slot of the window. A pin lasts until no translation can be left: a local map is its thread's own, so its pin goes when the
 * entry is cleared; a shared one may be in use in any section, so its pin goes after the flush.
 *
 * <h2>What of the reference is left out, and why</h2>
 * <ul>
 * <li>The 19 typed slots and the index argument, those for interrupts and NMI among them: they are the mistake that the stack cures. They
 * live on as a baseline among the benchmarks.</li>
 * <li>Flushing translation buffers, and interrupting the other processors for it: what may be stale here is what a thread has translated
 * and still holds, and that is gone when its section has ended. The flush of the window is one grace period.</li>
 * <li>Disabling preemption and page faults around a map (K7): a section does not stop a thread, and needs not, since the slot goes with it.
 * So maps need not be atomic.</li>
 * <li>Clearing and restoring maps at a context switch (K11, RK7 in its kernel form): as above.</li>
 * <li>Guard pages between maps (RK5), and the greater depth that they need: an address bears a tag, and an access is checked against it page
 * by page. Neighbouring pages begin with tags that lie far apart ({@link org.vellum.kmap.KmapTags}), so an access that leaves its map
 * faults, unless one of the two was mapped some 25,000 times more often than the other, and by just the wrong number.</li>
 * <li>Clearing maps in a forked child, and on return to user space (K12): there is neither. What a thread leaves open when it dies is
 * undone and reported.</li>
 * <li>Going from an address back to the page by arithmetic (RK8): callers keep the frame, and where an address leads is told by translating
 * it.</li>
 * <li>The pool of hash entries of older kernels, and the lock of each of its 128 buckets: entries are stored by slot, looked up without a
 * lock, changed under the window's.</li>
 * <li>Retrying a whole round of the window before waiting (K2): a thread looks once and then waits, since whatever may help it wakes it. It waits
 * interruptibly, and not forever (K6).</li>
 * <li>Colours of addresses, flushing of data caches, wider page tables: they serve processors, and no Java program can see them.</li>
 * <li>The four steps by which the kernel's callers were changed over: the first two, a nesting checker and a stack that ignores the index,
 * are among the benchmarks; the others are about signatures that never were here.</li>
 * </ul>
 */
package org.vellum.kmap;
