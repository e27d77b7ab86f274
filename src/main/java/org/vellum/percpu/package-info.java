/**
 * Memory of which every CPU has its own copy. Invariant: <b>one offset means the same object on every CPU</b>.
 *
 * <p>The room {@code cpu} says who runs; this one is the allocator of what each of those has to himself. Its CPUs are the slots that
 * carry caches.
 *
 * <h2>Vocabulary</h2>
 * <ul>
 * <li><b>unit</b>: one CPU's part of a chunk. <b>Chunk</b>: a unit for each CPU, and one {@linkplain org.vellum.percpu.AreaMap map} of what is
 * allocated, since that is the same in all of them.</li>
 * <li><b>group</b>: units that lie side by side. Groups may lie as far apart as memory does, with other things in between, other chunks' units
 * among them.</li>
 * <li><b>percpu pointer</b>: the address of the lowest copy. The copy of slot s is at {@code pointer + unitOffset(s)}, whatever the chunk:
 * chunks are <b>congruent</b>.</li>
 * <li><b>populated</b>: a page that has frames, in all units or in none. <b>Empty</b>: populated, and nothing of it allocated.</li>
 * </ul>
 *
 * <h2>Sparse embedding</h2>
 * The first chunk takes memory as it lies: one piece for each group, wherever its source has it ({@link
 * org.vellum.percpu.FirstChunkKind#EMBED}). Where its units happen to lie is then the shape of all further chunks, whose groups are {@linkplain
 * org.vellum.vmap.Vmap#congruentAreas areas of the window} at just these distances. So nothing is remapped for the sake of a
 * uniform layout, an access to the first chunk costs no translation, and the window must be some times larger than the distances, which addresses
 * are cheap enough for. Pointers carry the tag of the areas, which is why those of one call share it; so a stale pointer faults even when
 * its chunk is gone.
 *
 * <h2>An allocation, step by step</h2>
 * <ol>
 * <li>Under the <b>mutex</b>: {@link org.vellum.percpu.Chunks} looks for the chunk that fits most tightly, and marks the room as taken, under
 * the <b>lock</b>. No chunk has room: one is made, and there is.</li>
 * <li>{@link org.vellum.percpu.ChunkSupply} puts frames under its pages that have none, in every unit or in none, and only then marks
 * them populated. No frames: the room is given back, the mutex let go, memory fought for, and all begins anew.</li>
 * <li>Without any lock: the copies are set to zero. They are the caller's by now.</li>
 * </ol>
 * Who must not wait, as in a section, takes the first step without the mutex, and only in pages that are populated. A free is the first step in
 * reverse, under the lock alone.
 *
 * <h2>Locks</h2>
 * The mutex first, then the lock; under the lock nothing is called that could wait, map or allocate. The mutex is taken outside sections only, and
 * nobody who frees, or who fights for memory on behalf of others, takes it: so it may be held while frames and addresses are waited for. A
 * third lock, of {@link org.vellum.percpu.PendingFrames}, is taken alone.
 *
 * <h2>What is given back</h2>
 * A chunk all of which is free goes, if there is another. A chunk of which a quarter is empty pages is isolated by the free that makes it so:
 * no allocation comes there, until the {@linkplain org.vellum.percpu.Balancer balance} has unmapped them, from the end backwards; afterwards
 * it is used again for want of a better one. Two to four empty pages are kept elsewhere for those that cannot wait. Unlike the kernel's, a
 * frame that was mapped is freed only after the grace period that follows, one for all of a chunk's.
 *
 * <h2>Names of old mistakes, and where they cannot happen</h2>
 * <ul>
 * <li>Work on a chunk that is just being destroyed: chunks are changed and ended by the holder of the mutex, and work that was asked for looks
 * for its chunk itself, under the lock.</li>
 * <li>A lock let go and taken again while the caller believes it was held: maps have their full size from the beginning, so nothing grows
 * under a lock; a method either runs under the lock whole or takes it itself.</li>
 * <li>Freeing address ranges where one may not: a free never ends a chunk, it asks for a balance.</li>
 * <li>A second free, or a free of an interior pointer: refused by a look at two bits.</li>
 * <li>Pages in some units only, after a failure in the middle: undone within one section, in which no slot can be refused any more.</li>
 * <li>Memory that is allocated while memory is fought for: that fight takes place without the mutex, and frees what has
 * passed, but never balances.</li>
 * </ul>
 *
 * <h2>What of the reference is left out, and why</h2>
 * <ul>
 * <li>Linker sections, relocation of static variables, and boot memory: a JVM has none. Static bytes are a number and an image; what is embedded
 * comes from a {@link org.vellum.percpu.UnitSource}.</li>
 * <li>Large-page remapping of the first chunk: the series itself removes it. Atoms of any size remain.</li>
 * <li>Choosing allocators by architecture, and on the kernel's command line: one option.</li>
 * <li>Flushing caches before unmapping, and translation buffers after mapping: nobody caches what is not there. What may be stale is what a thread
 * has translated, and that is gone when its section has ended.</li>
 * <li>From a pointer to its chunk through the page behind it: frames here have no word to spare for that, and the first unit's addresses are
 * a chunk's name anyway: {@link org.vellum.percpu.ChunkIndex}.</li>
 * <li>Allocations that may be killed, or must not fail, and messages about the first ten failures: an exhaustion is an exception with its
 * reasons in it.</li>
 * <li>Accounting to control groups, tags of call sites, tracepoints: not part of the reference, but of what became of it.</li>
 * <li>The limit of an allocation to the least unit there may be: units are an option here, so it is one unit.</li>
 * <li>A look at every chunk of a slot (P3): at a few, then on to the next slot; at all of them before a chunk is made. With a million
 * objects most chunks of the first slot are too full, and thousands of looks would be in vain.</li>
 * <li>Allocations before the first chunk's maps exist: they exist before the first allocation.</li>
 * </ul>
 */
package org.vellum.percpu;
