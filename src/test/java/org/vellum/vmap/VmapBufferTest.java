package org.vellum.vmap;

import java.util.ArrayList;
import java.util.List;
import org.vellum.mem.Pages;
import org.vellum.mmu.ScatteredPages;

/** The contract over scattered pages, for ranges that begin at, just before and just after a page boundary, and within a page. */
final class VmapBufferTest extends AtomicBufferContract {
    private final List<Subject> subjects = new ArrayList<>();

    VmapBufferTest() {
        for (final int start : new int[] {0, 1, 8, 2_044, Pages.SIZE - 8, Pages.SIZE - 1}) {
            final ScatteredPages pages = new ScatteredPages(4, start);
            subjects.add(new Subject(new VmapBuffer(pages.access(), pages.address(start), CAPACITY), Pages.SIZE - start));
        }
    }

    @Override
    protected List<Subject> subjects() {
        return subjects;
    }
}
