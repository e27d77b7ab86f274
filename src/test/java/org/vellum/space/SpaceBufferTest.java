package org.vellum.space;

import java.util.ArrayList;
import java.util.List;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpacePages;
import org.vellum.vmap.AtomicBufferContract;

/** The contract of Agrona's buffers, over pages that come at their first touch. */
final class SpaceBufferTest extends AtomicBufferContract {
    private final List<Subject> subjects = new ArrayList<>();

    SpaceBufferTest() {
        for (final int start : new int[] {0, 1, 8, 2_044, Pages.SIZE - 8, Pages.SIZE - 1}) {
            final SpacePages pages = new SpacePages(4, start);
            subjects.add(new Subject(new SpaceBuffer(pages.access(), pages.address(start), CAPACITY), Pages.SIZE - start));
        }
    }

    @Override
    protected List<Subject> subjects() {
        return subjects;
    }
}
