package org.vellum.space;

/** Nothing but an identity. */
record NamedBacking(String name) implements Backing {
    @Override
    public long frame(final Region region, final long page, final boolean write, final boolean mayWait) {
        throw new AssertionError("nobody faults here");
    }

    @Override
    public void giveBack(final Region region, final long page, final long frame) {
        throw new AssertionError("nobody faults here");
    }

    @Override
    public boolean isCounted() {
        return true;
    }

    @Override
    public boolean isCopiedOnWrite() {
        return true;
    }

    @Override
    public void cleared(final Region region, final long page, final long oldEntry) {
        throw new AssertionError("nothing is mapped here");
    }

    @Override
    public String toString() {
        return name;
    }
}
