package org.vellum.gather;

import org.vellum.mmu.EntryCopies;
import org.vellum.mmu.HashedTable;
import org.vellum.mmu.SpaceTable;

/**
 * The policy of a space whose translations are also kept in a hash, as powerpc and sparc do in reference 3: an {@link AddressBatch} for
 * each page-table lock.
 *
 * <h2>Why before the lock is let go (G12)</h2>
 * <pre>
 *   U (unmaps)                                 F (faults)                     E (any accessor)
 *   u1: lock; entry := none
 *   u2: batch (page, old entry)
 *   u3: unlock                                 f1: lock; store a new entry; unlock
 *                                                                             e1: finds the new entry, enters a copy
 *   u4: flush                                                                     beside that of the old one
 * </pre>
 * That is Ben Herrenschmidt's objection to gathering these with the pages. So u4 comes before u3, which leaves u1 itself: the lock's holder
 * may store a new entry where it has cleared one, and E needs no lock. Hence it flushes first. Both together: whenever a new entry of a
 * page is stored, no copy of an old one is left, and until then nobody can make one (the argument is in {@link HashedTable}).
 *
 * <p>The flush is one of translations, not of those who use them: for that the gather waits. It comes before the gather's stamp, so the
 * argument of the package documentation holds for who has come in by the hash, too.
 *
 * <p>Thread safety: each batch is that of its lock's holder.
 */
public final class AddressBatches implements EntryCopies {
    private final HashedTable hash;
    /** Made at their first use, by the holder of the lock. */
    private final AddressBatch[] batches;

    /**
     * @param hash where the copies are.
     * @param lockCount of the space's page table: a power of two.
     */
    public AddressBatches(final HashedTable hash, final int lockCount) {
        if (lockCount < 1 || Integer.bitCount(lockCount) != 1) {
            throw new IllegalArgumentException("lockCount=" + lockCount);
        }
        this.hash = hash;
        batches = new AddressBatch[lockCount];
    }

    private int lockOf(final long page) {
        return (int)SpaceTable.leafOf(page) & batches.length - 1;
    }

    private AddressBatch of(final long page) {
        final int lock = lockOf(page);
        AddressBatch batch = batches[lock];
        if (batch == null) {
            batch = new AddressBatch(hash);
            batches[lock] = batch;
        }
        return batch;
    }

    @Override
    public int lockCount() {
        return batches.length;
    }

    @Override
    public void lazyEnter(final long page) {
        of(page).enter();
    }

    @Override
    public void lazyExit(final long page) {
        of(page).exit();
    }

    @Override
    public void entering(final long page) {
        final AddressBatch batch = batches[lockOf(page)];
        if (batch != null) {
            batch.flushIfHolds(page);
        }
    }

    @Override
    public void cleared(final long page, final long old) {
        of(page).add(page, old);
    }

    @Override
    public void beginChange(final long page) {
        hash.beginChange(page);
    }

    @Override
    public void endChange(final long page, final long old) {
        hash.endChange(page, old);
    }

    /** @return how often a batch was flushed because it was full. Exact when quiet. */
    public long fullFlushes() {
        long sum = 0;
        for (final AddressBatch batch : batches) {
            sum += batch == null ? 0 : batch.full();
        }
        return sum;
    }

    /** @return how often a batch was flushed because a new entry came. Exact when quiet. */
    public long earlyFlushes() {
        long sum = 0;
        for (final AddressBatch batch : batches) {
            sum += batch == null ? 0 : batch.early();
        }
        return sum;
    }
}
