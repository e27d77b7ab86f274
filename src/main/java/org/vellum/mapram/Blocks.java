package org.vellum.mapram;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.Limbo;
import org.vellum.epoch.Release;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.mmu.Address;
import org.vellum.report.Listener;
import org.vellum.vmap.BlockRanges;
import org.vellum.vmap.VmapOptions;
import org.vellum.vmap.VmapSpace;

/**
 * The life of blocks: fresh from the window or the pool, current on a slot, left, complete, in limbo, and back in the pool.
 *
 * <p>A block keeps its range of the window over many lives; a purge under pressure gives pooled ranges back.
 *
 * <p>Thread safety: all methods may be called by any thread, inside sections or out; none waits.
 */
final class Blocks {
    private static final long BLOCK_BYTES = (long)VmapBlock.PAGES << Pages.SHIFT;
    private static final long TAGS = 0xFFFF;
    /** Odd and large: neighbouring blocks and successive lives get tags far apart. */
    private static final long GENERATION_SPREAD = 0x9E37;

    final Words records;
    private final BlockRanges ranges;
    private final BlockPool pool;
    private final Limbo limbo;
    private final long limboMaxBytes;
    private final Epochs epochs;
    private final AtomicLong retiredAtFlush = new AtomicLong();

    /** Counted for tests that must prove their own coverage, off the fast path. */
    final AtomicLong created = new AtomicLong();
    final AtomicLong retired = new AtomicLong();
    final AtomicLong remoteRetired = new AtomicLong();
    final AtomicLong givenBack = new AtomicLong();

    Blocks(final VmapSpace space, final Epochs epochs, final Listener listener) {
        final long blocks = space.table().pages() >>> VmapBlock.PAGES_SHIFT;
        this.epochs = epochs;
        records = VmapBlock.records(blocks);
        ranges = new BlockRanges(space);
        pool = new BlockPool(records);
        final VmapOptions options = space.options();
        // As for areas: some lazy space is the point, too much wastes addresses. At least one block must fit in limbo.
        limboMaxBytes = Math.max(options.lazyMaxPages() << Pages.SHIFT, BLOCK_BYTES);
        limbo = new Limbo(epochs, records, VmapBlock.STRIDE_WORDS, VmapBlock.LINK, VmapBlock.STAMP, BLOCK_BYTES, new Recycle(),
            listener);
    }

    /** A block with no page in use, or {@link BlockPool#NONE}: from the pool, else from the window. */
    long take() {
        if (limbo.bytesEstimate() >= limboMaxBytes) {
            if (paceFlush()) {
                // Once per flush, also what threads have left behind on slots that are idle now.
                limbo.releasePassedOfAll();
            } else {
                limbo.releasePassed();
            }
        }
        final long block = pool.pop();
        return block == BlockPool.NONE ? create() : block;
    }

    /**
     * One flush for as many blocks as limbo may hold, whichever slots they are of. It is asked for when limbo is full, not when
     * the pool is empty: the section that asks began before the flush and cannot profit from it, the next one does.
     */
    private boolean paceFlush() {
        final long retiredNow = retired.get();
        final long retiredThen = retiredAtFlush.get();
        if ((retiredNow - retiredThen) * BLOCK_BYTES >= limboMaxBytes
            && retiredAtFlush.compareAndSet(retiredThen, retiredNow)) {
            epochs.advanceFrom(epochs.now());
            return true;
        }
        return false;
    }

    private long create() {
        final long area = ranges.reserve();
        if (area < 0) {
            return BlockPool.NONE;
        }
        final long block = ranges.firstPage(area) >>> VmapBlock.PAGES_SHIFT;
        final long at = block * VmapBlock.STRIDE_WORDS;
        // Everything of the record is set before any address of the block exists (V24, RV3).
        records.putOpaque(at + VmapBlock.AREA, area + 1);
        records.putRelease(at + VmapBlock.WORD, VmapBlock.fresh(VmapBlock.generation(records.getPlain(at)) + 1));
        created.incrementAndGet();
        return block;
    }

    /** The tag of the block's present life, in the bits of an address: never 0. */
    long tag(final long block) {
        final long generation = VmapBlock.generation(records.getOpaque(block * VmapBlock.STRIDE_WORDS));
        return ((generation * GENERATION_SPREAD + block) % TAGS + 1) << Address.TAG_SHIFT;
    }

    /**
     * Adds dirty pages to the block's word; retires it if that completes it.
     *
     * @param cpu the slot that the caller occupies, or null.
     * @param delta dirty pages, plus {@link VmapBlock#LEFT} when its slot leaves it.
     */
    void add(final Cpu cpu, final long block, final long delta) {
        // getAndAdd: releases the caller's clears; partner: the getAndAdd of whoever completes the block.
        final long word = records.getAndAdd(block * VmapBlock.STRIDE_WORDS + VmapBlock.WORD, delta) + delta;
        assert VmapBlock.dirty(word) <= VmapBlock.PAGES : "more dirty pages than a block has: block=" + block;
        if (VmapBlock.isComplete(word)) {
            retired.incrementAndGet();
            if ((delta & VmapBlock.LEFT) == 0) {
                remoteRetired.incrementAndGet();
            }
            limbo.retire(cpu, block);
        }
    }

    /** Dirty pages counted in the block's word, not in its slot. */
    int dirtyElsewhere(final long block) {
        return VmapBlock.dirty(records.getVolatile(block * VmapBlock.STRIDE_WORDS + VmapBlock.WORD));
    }

    int poll(final boolean all) {
        return all ? limbo.pollAll() : limbo.poll();
    }

    long limboBytes() {
        return limbo.bytes();
    }

    long inLimbo() {
        return limbo.bytes() / BLOCK_BYTES;
    }

    long pooled() {
        return pool.size();
    }

    /** Gives the ranges of pooled blocks back to the window: nothing of theirs is in use or awaits a flush. */
    int giveBackPooled() {
        int given = 0;
        for (long block = pool.pop(); block != BlockPool.NONE; block = pool.pop()) {
            final long at = block * VmapBlock.STRIDE_WORDS;
            final long area = records.getOpaque(at + VmapBlock.AREA) - 1;
            records.putOpaque(at + VmapBlock.AREA, 0);
            if (!ranges.giveBack(area)) {
                records.putOpaque(at + VmapBlock.AREA, area + 1);
                pool.push(block);
                break;
            }
            givenBack.incrementAndGet();
            given++;
        }
        return given;
    }

    /** The end of a block's grace period: the next generation, every page free. */
    private final class Recycle implements Release {
        @Override
        public String kind() {
            return "block";
        }

        @Override
        public long bytes(final long block) {
            return BLOCK_BYTES;
        }

        @Override
        public boolean release(final Cpu own, final long block) {
            final long at = block * VmapBlock.STRIDE_WORDS + VmapBlock.WORD;
            final long word = records.getVolatile(at);
            assert VmapBlock.isComplete(word) : "recycling block=" + block + " dirty=" + VmapBlock.dirty(word);
            records.putRelease(at, VmapBlock.fresh(VmapBlock.generation(word) + 1));
            pool.push(block);
            return true;
        }
    }
}
