/**
 * Translation. Invariant: <b>an entry is changed by one owner at a time, and a present entry names a frame that is not
 * free</b>.
 *
 * <p>The vmap window is one flat table of 64-bit entries. There is no cache in front of it: measured, a flat walk (0.9 ns) is
 * faster than any software TLB (1.3 ns) or page-caching flyweight (1.9 ns). What plays the TLB's part, the translation that
 * must be gone before an address or a frame is reused, is whatever a thread computed from the table and still holds.
 *
 * <p>An entry holds the <em>native</em> address of its page, so that an access is one load of the entry, one compare and one
 * access. The present check and the tag check are the same compare: see {@link org.vellum.mmu.Entry}.
 *
 * <h2>Who reads through it</h2>
 * {@link org.vellum.mmu.MappedAccess} by Vellum address, {@link org.vellum.mmu.MappedRange} by index; what both need for values that
 * cross a page and for bytes in bulk is written once, beside them. A single access opens no section: it is checked against what
 * was unmapped before it began. Bulk operations hold translations for longer, and open sections of at most 1 MiB.
 *
 * <h2>Orderings</h2>
 * <ul>
 * <li>Entries are loaded volatile: r3 of the argument in {@code org.vellum.epoch}.</li>
 * <li>Entries are stored release: whoever learns an address, learns it after its entries; and the fence that a clear needs
 * before its stamp belongs to the stamp, not to each clear.</li>
 * <li>The head entry of a {@code vmMapRam} mapping is removed by CAS, so that of two threads that unmap it, one wins.</li>
 * </ul>
 * What lowers permission owes a flush, and is called {@code ...NoFlush}.
 *
 * <h2>Address spaces</h2>
 * Each has a table of its own, of two levels, whose leaves are frames ({@link org.vellum.mmu.SpaceTable}), and entries that know more
 * ({@link org.vellum.mmu.SpaceEntry}): accessed and dirty bits, versions, special frames. There the library changes mappings under the
 * feet of those who use them, so {@link org.vellum.mmu.SpaceAccess} protects itself: loads look twice, stores are made in sections.
 * {@link org.vellum.mmu.SpaceRange} is the ground under views by index.
 *
 * <h2>Views</h2>
 * An Agrona buffer has a hundred methods, and most follow from a few. What follows is the same over every kind of scattered page, and written once
 * here ({@link org.vellum.mmu.ScatteredBuffer}, {@link org.vellum.mmu.ScatteredText}); the views themselves belong to the rooms whose ranges they
 * show.
 *
 * <p>A space may have its translations in a {@linkplain org.vellum.mmu.HashedTable hash}, too, as some processors do: {@link
 * org.vellum.mmu.EntryCopies} is what its table tells then, and {@link org.vellum.mmu.EntryWalk} what accessors ask.
 *
 * <h2>Left out</h2>
 * Huge entries: contiguity is a matter of which frames one maps; the hardware below does the rest. Accessed and dirty bits in the window:
 * nothing reclaims from it. More than two levels: the directory of a space of 64 GiB takes 256 KiB.
 */
package org.vellum.mmu;
