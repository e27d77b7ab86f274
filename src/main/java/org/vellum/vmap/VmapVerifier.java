package org.vellum.vmap;

import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;

/** The walker of a quiet window: busy, lazy and free ranges partition it, and entries agree with areas. */
final class VmapVerifier {
    private final VmapSpace space;
    private final AreaTree tree;
    private final AreaIndex index;
    private final AreaRecords records;

    VmapVerifier(final VmapSpace space, final AreaTree tree) {
        this.space = space;
        this.tree = tree;
        index = space.index();
        records = space.records();
    }

    void verify() {
        tree.verify();
        index.verify();
        long covered = 0;
        long lazyPages = 0;
        long next = 0;
        for (long page = index.ceiling(0); page >= 0; page = index.ceiling(next)) {
            final long id = space.idAt(page);
            check(page >= next, "overlap", page);
            check(records.start(id) == page, "record elsewhere", page);
            final int state = AreaRecords.stateOf(records.state(id));
            check(state != AreaRecords.FREE, "free area in the index", page);
            check(state != AreaRecords.RESERVED, "area that nobody fills", page);
            lazyPages += state == AreaRecords.LAZY ? records.span(id) : 0;
            verifyEntries(id);
            covered += records.span(id);
            next = page + records.span(id);
            if (next >= space.table.pages()) {
                break;
            }
        }
        check(lazyPages << Pages.SHIFT == space.unmappedLimboBytes(), "lazy areas lost to limbo: lazyPages=" + lazyPages
            + " limbo", space.unmappedLimboBytes());
        check(covered + tree.freePages() == space.table.pages(), "pages lost: covered=" + covered + " free="
            + tree.freePages() + " window", space.table.pages());
    }

    private void verifyEntries(final long id) {
        final long word = records.state(id);
        final long start = records.start(id);
        final boolean lazy = AreaRecords.stateOf(word) == AreaRecords.LAZY;
        for (long page = start, end = start + records.span(id); page < end; page++) {
            final long entry = space.table.get(page);
            check(!Entry.isPresent(entry) || !lazy && page < start + records.pages(id), "present entry", page);
            check(!Entry.isPresent(entry) || AreaRecords.kindOf(word) == AreaKind.BLOCK
                || Entry.tag(entry) == AreaRecords.tagOf(word), "tag of another generation", page);
        }
    }

    private static void check(final boolean holds, final String what, final long value) {
        if (!holds) {
            throw new AssertionError(what + ": " + value);
        }
    }
}
