package org.vellum.vmap;

import java.util.Random;
import org.agrona.concurrent.AtomicBuffer;
import org.vellum.mmu.ScatteredPages;

final class VmapBufferFuzzTest extends AtomicBufferFuzz {
    private ScatteredPages pages;

    @Override
    protected void open(final long pagesSeed) {
        pages = new ScatteredPages(PAGES, pagesSeed);
    }

    @Override
    protected AtomicBuffer newView() {
        return new VmapBuffer(pages.access());
    }

    @Override
    protected long address(final int offset) {
        return pages.address(offset);
    }

    @Override
    protected void fill(final Random source) {
        pages.fill(source);
    }
}
