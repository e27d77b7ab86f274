package org.vellum.percpu;

import org.vellum.frame.FrameTable;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;

/** The walker of quiet per-CPU memory: maps, lists, pages and entries agree, and nothing is counted that is not there. */
final class PercpuVerifier {
    private final Foundation below;
    private final ChunkSupply supply;
    private final Chunks chunks;
    private final Layout layout;
    private int count;
    private long populatedPages;
    private long emptyPages;

    PercpuVerifier(final Foundation below, final ChunkSupply supply, final Layout layout) {
        this.below = below;
        this.supply = supply;
        this.layout = layout;
        chunks = supply.chunks;
    }

    void verify() {
        supply.mutex.lock();
        supply.lock.lock();
        try {
            chunks.slots.verify();
            for (int slot = 0; slot < chunks.slots.count(); slot++) {
                for (Chunk chunk = chunks.slots.first(slot); chunk != null; chunk = chunk.next) {
                    verify(chunk);
                }
            }
            chunks.reserved().verify();
            check(count == chunks.count(), "chunks lost", chunks.count(), count);
            check(populatedPages == chunks.populatedPages(), "populated pages miscounted", chunks.populatedPages(), populatedPages);
            check(emptyPages == chunks.emptyPages(), "empty pages miscounted", chunks.emptyPages(), emptyPages);
        } finally {
            supply.lock.unlock();
            supply.mutex.unlock();
        }
    }

    private void verify(final Chunk chunk) {
        chunk.map.verify();
        count++;
        check(chunks.find(chunk.base) == chunk, "not in the index", chunk.base, 0);
        final int slot = chunks.slots.slotOf(chunk.map.contiguous(), chunk.map.freeBytes());
        final boolean aside = chunk.slot == 0 || chunk.slot == chunks.slots.sidelined() || chunk.slot == chunks.slots.toDepopulate();
        check(chunk.isolated ? aside : chunk.slot == slot || chunk.slot == 0, "in the wrong list", chunk.slot, slot);
        check(!chunk.isolated || !chunk.isImmutable(), "immutable chunk isolated", chunk.slot, slot);
        verifyPages(chunk);
    }

    private void verifyPages(final Chunk chunk) {
        final int empty = chunk.emptyPages(0, chunk.pages);
        final int populated = Bitmap.count(chunk.populated);
        check(chunk.emptyPages == empty, "empty pages of a chunk miscounted", chunk.emptyPages, empty);
        check(chunk.populatedPages == populated, "populated pages of a chunk miscounted", chunk.populatedPages, populated);
        populatedPages += populated;
        emptyPages += chunk.isolated ? 0 : empty;
        for (int page = 0; page < chunk.pages && !chunk.isImmutable(); page++) {
            check(chunk.isPopulated(page) || chunk.map.isPageEmpty(page), "allocated, but not populated: page", page, chunk.base);
            for (int unit = 0; unit < layout.slots(); unit++) {
                verifyEntry(chunk, page, unit);
            }
        }
    }

    private void verifyEntry(final Chunk chunk, final int page, final int unit) {
        final long address = chunk.base + layout.unitOffset(unit) + ((long)page << Pages.SHIFT);
        final long entry = below.space().table().get(below.space().table().pageOf(address));
        check(Entry.isPresent(entry) == chunk.isPopulated(page), "populated in some units only: page", page, address);
        if (Entry.isPresent(entry)) {
            final long frame = below.frames().memory().frameOf(Entry.nativePage(entry));
            check(below.frames().table().state(frame) == FrameTable.ALLOCATED, "mapped, but not allocated: frame", frame, address);
        }
    }

    private static void check(final boolean holds, final String what, final long is, final long expected) {
        if (!holds) {
            throw new AssertionError("percpu: " + what + ": " + is + " expected=" + expected);
        }
    }
}
