package org.vellum;

import org.vellum.space.Spaces;
import org.vellum.vmap.Reclaimer;

/** What address spaces have in limbo, or could do without, for whoever is short of memory in the rooms beside them. */
record SpaceSource(Spaces spaces) implements Reclaimer.Source {
    @Override
    public int poll(final boolean all) {
        return spaces.poll();
    }

    @Override
    public int purge() {
        return spaces.purge();
    }

    @Override
    public long limboBytes() {
        return spaces.limboBytes();
    }
}
