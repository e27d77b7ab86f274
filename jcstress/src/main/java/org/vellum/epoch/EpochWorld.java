package org.vellum.epoch;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.mem.Words;
import org.vellum.report.Listener;

/**
 * What the tests of a class share: slots, epochs, and records of which each state takes the next. A state has a record for itself
 * as long as fewer states live at a time than there are records.
 */
final class EpochWorld {
    static final int STRIDE_WORDS = 8;
    static final int LINK = 1;
    static final int STAMP = 2;
    private static final int ENTRY = 3;
    private static final int PAGE = 4;
    private static final int RELEASES = 5;
    private static final long RECORDS = 1L << 18;
    private static final int LOOKS = 24;
    /** Longer than what a reader waits for takes, unless somebody is preempted. */
    private static final long MOST_NANOS = 50_000;

    final Cpus cpus;
    final Epochs epochs;
    final Words records = Words.zeroed(RECORDS * STRIDE_WORDS);
    final Limbo limbo;
    private final AtomicLong next = new AtomicLong();

    EpochWorld() {
        this(64);
    }

    /** With one cell all threads want one slot. */
    EpochWorld(final int cells) {
        cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(4).withCells(cells));
        epochs = new Epochs(cpus, new Sweeper(cpus, Listener.SILENT),
            new StallDetector(cpus, Listener.SILENT, Long.MAX_VALUE));
        limbo = new Limbo(epochs, records, STRIDE_WORDS, LINK, STAMP, 1, new Rewrite(), Listener.SILENT);
    }

    /** A record whose entry is present and whose page has its old content. */
    long newEntry() {
        final long record = next.getAndIncrement() & RECORDS - 1;
        records.putOpaque(record * STRIDE_WORDS + PAGE, 0);
        records.putOpaque(record * STRIDE_WORDS + RELEASES, 0);
        records.putVolatile(record * STRIDE_WORDS + ENTRY, 1);
        return record;
    }

    void clear(final long record) {
        records.putRelease(record * STRIDE_WORDS + ENTRY, 0);
    }

    /** In a section: 0 if the entry is cleared, 1 if the page kept its old content, 2 if it did not. */
    int use(final long record) {
        return use(record, LOOKS, () -> true);
    }

    /** {@link #use} by a reader that stays until somebody else has done what it must not feel, or for some time. */
    int useUntil(final long record, final BooleanSupplier done) {
        final long start = System.nanoTime();
        return use(record, 0, () -> done.getAsBoolean() || System.nanoTime() - start > MOST_NANOS);
    }

    private int use(final long record, final int least, final BooleanSupplier done) {
        if (records.getVolatile(record * STRIDE_WORDS + ENTRY) == 0) {
            return 0;
        }
        long seen = 0;
        boolean last = false;
        for (int i = 0; i < least || !last; i++) {
            last = done.getAsBoolean();
            seen |= records.getOpaque(record * STRIDE_WORDS + PAGE);
        }
        return seen == 0 ? 1 : 2;
    }

    void rewrite(final long record) {
        records.putOpaque(record * STRIDE_WORDS + PAGE, 1);
    }

    int releases(final long record) {
        return (int)records.getVolatile(record * STRIDE_WORDS + RELEASES);
    }

    /** Polls until a token is released, or gives up: 0 says that it was lost. */
    int releasesAfterPolling(final long record) {
        for (int i = 0; i < 100_000 && releases(record) == 0; i++) {
            limbo.pollAll();
        }
        return releases(record);
    }

    /** The next owner writes at once. */
    private final class Rewrite implements Release {
        @Override
        public String kind() {
            return "record";
        }

        @Override
        public long bytes(final long token) {
            return 1;
        }

        @Override
        public boolean release(final Cpu own, final long token) {
            rewrite(token);
            records.getAndAdd(token * STRIDE_WORDS + RELEASES, 1);
            return true;
        }
    }
}
