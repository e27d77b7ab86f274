package org.vellum.kmap;

/** Step 2 of the reference's four: the same signature on the stack, which ignores the type. */
final class StackKmap implements AtomicKmap {
    private final Kmap kmap;

    StackKmap(final Kmap kmap) {
        this.kmap = kmap;
    }

    @Override
    public long kmapAtomic(final long frame, final KmType type) {
        return kmap.kmapLocal(frame);
    }

    @Override
    public void kunmapAtomic(final long address, final KmType type) {
        kmap.kunmapLocal(address);
    }
}
