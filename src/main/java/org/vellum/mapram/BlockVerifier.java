package org.vellum.mapram;

import org.vellum.mem.Words;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;

/** The walker of quiet blocks: each page is free, used or dirty, and the counts say how many. */
final class BlockVerifier {
    private final PageTable table;
    private final Words records;

    BlockVerifier(final PageTable table, final Words records) {
        this.table = table;
        this.records = records;
    }

    /** For each block: pages used + dirty + still free on its slot make 1,024. */
    void verify(final long[] current, final long[] usedOnSlot, final long inLimbo) {
        long complete = 0;
        for (long block = 0, n = records.length() / VmapBlock.STRIDE_WORDS; block < n; block++) {
            if (records.getPlain(block * VmapBlock.STRIDE_WORDS + VmapBlock.AREA) != 0) {
                verify(block, current, usedOnSlot);
                complete += VmapBlock.isComplete(word(block)) ? 1 : 0;
            }
        }
        if (complete != inLimbo) {
            throw new AssertionError("complete blocks=" + complete + " in limbo=" + inLimbo);
        }
    }

    private long word(final long block) {
        return records.getVolatile(block * VmapBlock.STRIDE_WORDS + VmapBlock.WORD);
    }

    private void verify(final long block, final long[] current, final long[] usedOnSlot) {
        final long word = word(block);
        final int present = present(block);
        long expected = VmapBlock.isLeft(word) ? VmapBlock.PAGES - VmapBlock.dirty(word) : 0;
        int owners = 0;
        for (int i = 0; i < current.length; i++) {
            if (current[i] == block) {
                owners++;
                expected = usedOnSlot[i] - VmapBlock.dirty(word);
            }
        }
        if (owners > 1 || owners == 1 && VmapBlock.isLeft(word)) {
            throw new AssertionError("block=" + block + " is current on " + owners + " slots, left=" + VmapBlock.isLeft(word));
        }
        if (present != expected) {
            throw new AssertionError("block=" + block + " present=" + present + " expected=" + expected);
        }
    }

    private int present(final long block) {
        int present = 0;
        final long first = block << VmapBlock.PAGES_SHIFT;
        for (long page = first; page < first + VmapBlock.PAGES; page++) {
            if (Entry.isPresent(table.get(page))) {
                present++;
            }
        }
        return present;
    }

    long mappedPages() {
        long mapped = 0;
        for (long block = 0, n = records.length() / VmapBlock.STRIDE_WORDS; block < n; block++) {
            if (records.getPlain(block * VmapBlock.STRIDE_WORDS + VmapBlock.AREA) != 0) {
                mapped += present(block);
            }
        }
        return mapped;
    }
}
