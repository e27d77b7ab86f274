package org.vellum.vmap;

import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;

/**
 * The areas of the allocator: as {@link Vmalloc}'s, but of a kind of their own, so that neither frees or resizes the other's, and each
 * bears the number of its owner. What is known of an area is in its record: no list beside, and no garbage.
 *
 * <p>Calls that look at an area or end it say what it was, packed: {@code bytes << 8 | owner}, the bytes those of whole pages.
 *
 * <p>Thread safety: as {@link Vmalloc}.
 */
public final class AllocationAreas {
    /** The largest owner that an area can bear. */
    public static final int MAX_OWNER = 255;

    private static final int OWNER_BITS = 8;

    private final Vmalloc vmalloc;
    private final AreaRecords records;

    /**
     * @param vmalloc whose window and way of doing things this shares.
     */
    public AllocationAreas(final Vmalloc vmalloc) {
        this.vmalloc = vmalloc.ofKind(AreaKind.ALLOCATION);
        records = vmalloc.space().records();
    }

    /**
     * Allocates an area. Waits as {@link Vmalloc#vmalloc(long, long, int)} does.
     *
     * @param size in bytes, at least 1.
     * @param align in bytes, a power of two.
     * @param owner 0 to {@link #MAX_OWNER}.
     * @param zeroed whether its content is to be zero, and what it grows by as well.
     * @return its address.
     * @throws IllegalArgumentException as {@link Vmalloc#vmalloc(long, long, int)}.
     * @throws ExhaustedException as {@link Vmalloc#vmalloc(long, long, int)}.
     */
    public long allocate(final long size, final long align, final int owner, final boolean zeroed) {
        assert owner >= 0 && owner <= MAX_OWNER : "owner=" + owner;
        final long address = vmalloc.vmalloc(size, align, zeroed ? VmallocFlags.ZERO : VmallocFlags.NONE);
        setOwner(address, owner);
        return address;
    }

    private void setOwner(final long address, final int owner) {
        if (owner != 0) {
            records.owner(vmalloc.find(address, "allocate"), owner);
        }
    }

    /**
     * @param address of the first byte of a live area.
     * @return what it is, packed.
     * @throws IllegalArgumentException if no live area of the allocator's starts there; the text says what does.
     */
    public long look(final long address) {
        return found(vmalloc.find(address, "look"));
    }

    private long found(final long id) {
        return records.pages(id) << Pages.SHIFT << OWNER_BITS | records.owner(id);
    }

    /**
     * Ends an area. Waits as {@link Vmalloc#vfree} does: under the lazy policy never.
     *
     * @param address of the first byte.
     * @param afterGrace whether it stays readable for a grace period.
     * @return what it was, packed.
     * @throws IllegalArgumentException if no live area of the allocator's starts there, with nothing changed; of two threads that free
     *                                  one, one gets this.
     * @throws IllegalStateException under the eager policy inside a section, with nothing changed.
     */
    public long free(final long address, final boolean afterGrace) {
        // Its owner's until the claim inside what follows, which decides; whoever loses that believes nothing.
        final long found = found(vmalloc.find(address, afterGrace ? "freeDeferred" : "free"));
        if (afterGrace) {
            vmalloc.retire(address);
        } else {
            vmalloc.vfree(address);
        }
        return found;
    }

    /**
     * Changes the size of an area as {@link Vmalloc#vrealloc} does; its owner stays.
     *
     * @param address of the first byte, not 0.
     * @param size in bytes, at least 1.
     * @return its address, perhaps another.
     * @throws IllegalArgumentException as {@link Vmalloc#vrealloc}.
     * @throws ExhaustedException as {@link Vmalloc#vrealloc}.
     */
    public long reallocate(final long address, final long size) {
        final int owner = records.owner(vmalloc.find(address, "reallocate"));
        final long moved = vmalloc.vrealloc(address, size);
        if (moved != address) {
            setOwner(moved, owner);
        }
        return moved;
    }

    /**
     * @return how many areas are live; by walking the records, exact when quiet.
     */
    public long count() {
        long count = 0;
        for (long id = 0, n = records.used(); id < n; id++) {
            count += isLive(id) ? 1 : 0;
        }
        return count;
    }

    /**
     * @param owner whose areas are asked for, or -1 for all.
     * @return bytes of the live areas; by walking the records, exact when quiet.
     */
    public long bytes(final int owner) {
        long bytes = 0;
        for (long id = 0, n = records.used(); id < n; id++) {
            bytes += isLive(id) && (owner < 0 || records.owner(id) == owner) ? records.pages(id) << Pages.SHIFT : 0;
        }
        return bytes;
    }

    private boolean isLive(final long id) {
        final long word = records.state(id);
        return AreaRecords.stateOf(word) == AreaRecords.BUSY && AreaRecords.kindOf(word) == AreaKind.ALLOCATION;
    }
}
