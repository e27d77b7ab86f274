package org.vellum.space;

import org.vellum.lock.SleepingLock;

/** Nothing but an identity, and perhaps a lock. */
record NamedBacking(String name, SleepingLock mappingLock) implements Backing {
    NamedBacking(final String name) {
        this(name, null);
    }

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
