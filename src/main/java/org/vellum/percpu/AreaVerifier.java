package org.vellum.percpu;

/**
 * Recomputes every hint bit by bit, without any of the searches that {@link FreeRuns} uses; the first that is wrong is an
 * {@link AssertionError}.
 */
final class AreaVerifier {
    private final FreeRuns runs;
    private final AreaHints hints;

    AreaVerifier(final FreeRuns runs) {
        this.runs = runs;
        this.hints = runs.hints;
    }

    void verify() {
        int empty = 0;
        for (int block = 0; block < runs.blocks; block++) {
            verify(block, block * FreeRuns.BLOCK_BITS, FreeRuns.BLOCK_BITS);
            empty += hints.contig(block) == FreeRuns.BLOCK_BITS ? 1 : 0;
        }
        verify(runs.whole, 0, runs.bits);
        check(runs.emptyBlocks() == empty, "emptyBlocks=" + runs.emptyBlocks() + " are " + empty);
    }

    private void verify(final int record, final int base, final int size) {
        final int scanStart = hints.scanStart(record);
        int firstFree = size;
        int longest = 0;
        int longestBeforeScan = 0;
        boolean isContig = hints.contig(record) == 0;
        boolean isScan = hints.scan(record) == 0;
        int left = 0;
        int right = 0;
        for (int start = 0; start < size; start += Math.max(right, 1)) {
            right = length(base + start, base + size);
            firstFree = right > 0 ? Math.min(firstFree, start) : firstFree;
            left = start == 0 ? right : left;
            longest = Math.max(longest, right);
            longestBeforeScan = start < scanStart ? longest : longestBeforeScan;
            isContig |= start == hints.contigStart(record) && right == hints.contig(record);
            isScan |= start == scanStart && right == hints.scan(record);
        }
        check(hints.firstFree(record) == firstFree, record, "firstFree", hints.firstFree(record), firstFree);
        check(hints.left(record) == left, record, "left", hints.left(record), left);
        check(hints.right(record) == right, record, "right", hints.right(record), right);
        check(hints.contig(record) == longest, record, "contig", hints.contig(record), longest);
        check(isContig, record, "no free run of the contig hint, start", hints.contigStart(record), longest);
        check(isScan, record, "no free run of the scan hint, start", scanStart, hints.scan(record));
        verifyScan(record, longestBeforeScan);
    }

    private void verifyScan(final int record, final int longestBefore) {
        final int scan = hints.scan(record);
        if (scan > 0) {
            check(longestBefore <= scan, record, "scan hint follows a longer run", scan, longestBefore);
            final boolean isBehind = hints.scanStart(record) > hints.contigStart(record);
            check(isBehind == (scan == hints.contig(record)), record, "scan hint on the wrong side", scan, hints.contig(record));
            check(scan <= hints.contig(record), record, "scan hint above contig hint", scan, hints.contig(record));
        }
    }

    /** The length of the free run that begins at a bit; 0 if that is allocated. */
    private int length(final int from, final int limit) {
        int to = from;
        while (to < limit && !Bitmap.get(runs.allocated, to)) {
            to++;
        }
        return to - from;
    }

    private static void check(final boolean right, final int record, final String what, final int is, final int expected) {
        check(right, "record=" + record + " " + what + "=" + is + " expected=" + expected);
    }

    private static void check(final boolean right, final String message) {
        if (!right) {
            throw new AssertionError(message);
        }
    }
}
