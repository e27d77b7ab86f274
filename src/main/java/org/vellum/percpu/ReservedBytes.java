package org.vellum.percpu;

/**
 * What is allocated of the bytes of the first chunk that are kept for {@code allocateReserved}: between those that are static, and those that
 * anybody may have. A map of its own, so that no search for other room looks here. Under the allocator's lock.
 */
final class ReservedBytes {
    private final int from;
    private final int to;
    /** Null if there are none. */
    private final AreaMap map;

    ReservedBytes(final int unitBytes, final int from, final int to) {
        this.from = from;
        this.to = to;
        map = from == to ? null : new AreaMap(unitBytes);
        if (map != null) {
            map.take(0, from);
            if (to < unitBytes) {
                map.take(to, unitBytes - to);
            }
        }
    }

    /** Whether a place of the first chunk's unit is one of them. */
    boolean covers(final int offset) {
        return offset >= from && offset < to;
    }

    /** Takes room; an offset in the unit, or {@link AreaMap#NONE}. */
    int place(final int length, final int align) {
        final int offset = map == null ? AreaMap.NONE : map.find(length, align, null);
        if (offset != AreaMap.NONE) {
            map.allocate(offset, length);
        }
        return offset;
    }

    /** As {@link AreaMap#bytesAt}, of a place that is covered. */
    int bytesAt(final int offset) {
        return map.bytesAt(offset);
    }

    /** As {@link AreaMap#free}, of a place that is covered. */
    int free(final int offset) {
        return map.free(offset);
    }

    void verify() {
        if (map != null) {
            map.verify();
        }
    }
}
