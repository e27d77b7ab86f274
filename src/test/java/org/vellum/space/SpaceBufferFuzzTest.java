package org.vellum.space;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.agrona.concurrent.AtomicBuffer;
import org.junit.jupiter.api.AfterEach;
import org.vellum.mmu.SpacePages;
import org.vellum.vmap.AtomicBufferFuzz;

/** As for the window's views, while pages are put away and come back in other frames. */
final class SpaceBufferFuzzTest extends AtomicBufferFuzz {
    private SpacePages pages;

    @Override
    protected void open(final long pagesSeed) {
        pages = new SpacePages(PAGES, pagesSeed);
    }

    @Override
    protected AtomicBuffer newView() {
        return new SpaceBuffer(pages.access());
    }

    @Override
    protected long address(final int offset) {
        return pages.address(offset);
    }

    @Override
    protected void fill(final Random source) {
        pages.fill(source);
    }

    @Override
    protected void disturb(final Random source) {
        pages.putAway(source.nextInt(PAGES));
    }

    @AfterEach
    void pagesCameAndWent() {
        assertTrue(pages.faults() > 1000, "faults=" + pages.faults());
        pages.cpus().verifyQuiet();
    }
}
