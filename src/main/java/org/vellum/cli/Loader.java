package org.vellum.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.HdrHistogram.Histogram;
import org.vellum.Vellum;
import org.vellum.mem.Pages;
import org.vellum.vmap.VmapBuffer;

/** Loads files once through one memory on so many threads, with churn beside it, and tells what came of it. */
final class Loader {
    /** What happens to an area between reading and verifying it: nothing, but in tests. */
    static final Consumer<VmapBuffer> NOTHING = view -> { };

    private static final int MAX_PIECE = 64 << 20;
    /** Pieces a thread should get at least, so that all have something to do; but none smaller than this for it. */
    private static final int PIECES_PER_THREAD = 4;
    private static final int FAIR_PIECE = 1 << 20;
    private static final long MIN_PIECE = 64 << 10;
    private static final int CHURNERS = 2;
    private static final long CHURN_BYTES = (long)CHURNERS * (Churn.MAX_PAGES << Pages.SHIFT);

    private final Console console;
    private final List<FilePiece.Source> sources;
    private final int threads;
    private final long memoryBytes;
    private final Consumer<VmapBuffer> afterRead;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicLong loadedBytes = new AtomicLong();

    Loader(
        final Console console, final List<FilePiece.Source> sources, final int threads, final long memoryBytes,
        final Consumer<VmapBuffer> afterRead) {
        this.console = console;
        this.sources = sources;
        this.threads = threads;
        this.memoryBytes = memoryBytes;
        this.afterRead = afterRead;
        checkRoom(memoryBytes, threads);
    }

    /** What one thread may load at a time, in bytes: together a quarter of the memory; as much may wait in limbo. */
    private static long share(final long memoryBytes, final int threads) {
        return (memoryBytes / 4 - CHURN_BYTES) / threads;
    }

    /** Refuses a memory that is too small for so many threads. */
    static void checkRoom(final long memoryBytes, final int threads) {
        if (share(memoryBytes, threads) < MIN_PIECE) {
            throw new BadInput("--memory is too small for " + threads + " loading threads: at least "
                + (4 * (threads * MIN_PIECE + CHURN_BYTES) + (1 << 20) - 1 >> 20) + "m are needed");
        }
    }

    private int pieceBytes(final long bytes) {
        final long share = share(memoryBytes, threads);
        final long fair = Math.max(FAIR_PIECE, bytes / ((long)threads * PIECES_PER_THREAD));
        return (int)(Math.min(MAX_PIECE, Math.min(share, fair)) & -Pages.SIZE);
    }

    /** Returns whether every check held. */
    boolean run() {
        final long bytes = sources.stream().mapToLong(FilePiece.Source::bytes).sum();
        final List<FilePiece> pieces = FilePiece.cut(sources, pieceBytes(bytes));
        console.line("load: %s, %.1f MiB, into vmalloc areas on %s, CRC32C verified through the mapping, %s churning",
            Console.count(sources.size(), "file"), bytes / 1048576.0, Console.count(threads, "thread"),
            Console.count(CHURNERS, "thread"));
        try (Vellum memory = Vellum.open(memoryBytes)) {
            final List<Reader> readers = new ArrayList<>();
            final List<Churn> churners = new ArrayList<>();
            final long begun = System.nanoTime();
            try {
                work(memory, pieces, bytes, readers, churners);
            } finally {
                churners.forEach(Churn::finish);
            }
            final double seconds = (System.nanoTime() - begun) / 1e9;
            return report(memory, bytes, seconds, readers, churners);
        }
    }

    private void work(
        final Vellum memory, final List<FilePiece> pieces, final long bytes, final List<Reader> readers,
        final List<Churn> churners) {
        final Crew loading = new Crew();
        final Crew churning = new Crew();
        final CountDownLatch underWay = new CountDownLatch(1);
        try {
            for (int i = 0; i < CHURNERS; i++) {
                final Churn churn = new Churn(memory, i);
                churners.add(churn);
                churning.add("vellum-churn", () -> {
                    try {
                        churn.run(churning.stop(), underWay::countDown);
                    } finally {
                        underWay.countDown();
                    }
                });
            }
            final CountDownLatch done = new CountDownLatch(threads);
            for (int i = 0; i < threads; i++) {
                final Reader reader = new Reader(memory, afterRead);
                readers.add(reader);
                loading.add("vellum-load", () -> {
                    try {
                        load(reader, pieces, loading.stop());
                    } finally {
                        done.countDown();
                    }
                });
            }
            churning.begin();
            // On a busy machine small files would be loaded before anything churned beside them.
            underWay.await();
            loading.begin();
            await(done, bytes);
        } catch (final InterruptedException e) {
            loading.stop().request();
            Thread.currentThread().interrupt();
        } finally {
            try {
                loading.join();
            } finally {
                churning.stop().request();
                churning.join();
            }
        }
    }

    private void load(final Reader reader, final List<FilePiece> pieces, final Stop stop) {
        for (int i = next.getAndIncrement(); i < pieces.size() && !stop.requested(); i = next.getAndIncrement()) {
            reader.load(pieces.get(i));
            loadedBytes.addAndGet(pieces.get(i).length());
        }
    }

    private void await(final CountDownLatch done, final long bytes) throws InterruptedException {
        while (!done.await(1, TimeUnit.SECONDS)) {
            console.progress("  %d of %d MiB", loadedBytes.get() >> 20, bytes >> 20);
        }
    }

    private boolean report(
        final Vellum memory, final long bytes, final double seconds, final List<Reader> readers, final List<Churn> churners) {
        final long crcErrors = readers.stream().mapToLong(reader -> reader.crcErrors).sum();
        final long churned = churners.stream().mapToLong(churn -> churn.operations).sum();
        final long churnErrors = churners.stream().mapToLong(churn -> churn.errors).sum();
        final LeakReport leaks = LeakReport.of("load", memory);
        console.row(new JsonRow("load").put("files", sources.size()).put("bytes", bytes).put("threads", threads)
            .put("crc_errors", crcErrors).put("leaked_bytes", leaks.bytes())
            .put("churn_ops", churned).put("churn_errors", churnErrors).put("seconds", seconds, 3));
        console.line("  %.2f s, %.0f MiB/s, checksum errors: %d, leaked bytes: %d, churn: %d operations, %d errors",
            seconds, bytes / 1048576.0 / seconds, crcErrors, leaks.bytes(), churned, churnErrors);
        latency("vmalloc", readers, reader -> reader.vmallocNanos);
        latency("vfree", readers, reader -> reader.vfreeNanos);
        final boolean nothingLeft = leaks.print(console);
        console.line("");
        if (crcErrors + churnErrors != 0) {
            console.failure("memory was not what was written: crc_errors=%d churn_errors=%d", crcErrors, churnErrors);
        }
        return nothingLeft && crcErrors + churnErrors == 0;
    }

    private void latency(final String call, final List<Reader> readers, final Function<Reader, Histogram> which) {
        final Histogram all = which.apply(readers.get(0)).copy();
        readers.subList(1, readers.size()).forEach(reader -> all.add(which.apply(reader)));
        if (all.getTotalCount() > 0) {
            console.line("  %-8s %6d calls, microseconds: p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f", call,
                all.getTotalCount(), all.getValueAtPercentile(50) / 1e3, all.getValueAtPercentile(99) / 1e3,
                all.getValueAtPercentile(99.9) / 1e3, all.getMaxValue() / 1e3);
        }
    }
}
