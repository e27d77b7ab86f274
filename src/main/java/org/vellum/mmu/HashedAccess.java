package org.vellum.mmu;

import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/**
 * {@link SpaceAccess} to a space whose translations are also kept in a hash, as on powerpc and sparc: each access looks there first, and walks the table
 * only when it misses.
 *
 * <p>A load that hits is optimistic, as ever: the copy, the data, the group once more. One that misses enters the copy, for which it needs a
 * section, and loads in that. Stores are in one anyway.
 *
 * <p>Where there is no such space in a JVM, this class is not loaded, and the compiler sees but one way of walking.
 */
public final class HashedAccess extends SpaceAccess {
    private final HashedTable hash;
    private final HashedWalk walk;
    private final long pages;

    /**
     * @param table of the space.
     * @param hash of its entries.
     * @param faults asked when a page does not translate.
     * @param cpus whose sections protect stores.
     */
    public HashedAccess(final SpaceTable table, final HashedTable hash, final SpaceFaults faults, final Cpus cpus) {
        super(table, faults, cpus);
        this.hash = hash;
        walk = new HashedWalk(table, hash);
        pages = table.pages();
    }

    @Override
    long load(final long address, final Load load) {
        final long page = address >>> Pages.SHIFT;
        while (page < pages) {
            final long sequence = hash.sequence(page);
            final long copy = hash.lookup(page);
            if (SpaceEntry.isLoadable(copy)) {
                final long value = load.from(SpaceEntry.nativePage(copy) + (address & Pages.OFFSET_MASK));
                // The data before the group; partner: the exchange in HashedTable.tryLock().
                UnsafeApi.loadFence();
                if (hash.isUnchanged(page, sequence)) {
                    return value;
                }
            } else {
                final Cpu own = enter(null);
                final long at = walk(address, SpaceEntry.LOADABLE);
                if (at != NONE) {
                    final long value = load.from(at);
                    leave(own);
                    return value;
                }
                leave(own);
                resolve(address, false);
            }
        }
        resolve(address, false);
        throw new AssertionError("beyond the space: address=" + address);
    }

    @Override
    long update(final Cpu hint, final long address, final Update update, final long first, final long second) {
        while (true) {
            final Cpu own = enter(hint);
            final long at = walk(address, SpaceEntry.STORABLE);
            if (at != NONE) {
                final long result = update.at(at, first, second);
                leave(own);
                return result;
            }
            leave(own);
            resolve(address, true);
        }
    }

    @Override
    long walk(final long address, final long allowed) {
        final long page = address >>> Pages.SHIFT;
        if (page < pages) {
            final long entry = walk.get(page, allowed | SpaceEntry.PRESENT);
            if ((entry & allowed) != 0) {
                return SpaceEntry.nativePage(entry) + (address & Pages.OFFSET_MASK);
            }
        }
        return NONE;
    }
}
