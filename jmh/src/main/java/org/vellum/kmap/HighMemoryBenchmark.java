package org.vellum.kmap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.ThreadParams;
import org.vellum.LazyMemory;
import org.vellum.OwnedFrames;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mmu.MappedAccess;

/**
 * Reads one word of a random page of a file, which the operating system has in its memory: what a window over a file is good for.
 *
 * <table>
 * <caption>Rows, by {@code policy}</caption>
 * <tr><td>{@code touch}</td><td>the floor: as many low frames with the same content, by their linear addresses</td></tr>
 * <tr><td>{@code high-local}</td><td>{@code kmapLocalReadOnly}, the word, {@code kunmapLocal}</td></tr>
 * <tr><td>{@code high-shared}</td><td>{@code kmapReadOnly}, the word, {@code kunmap}</td></tr>
 * <tr><td>{@code channel}</td><td>the page by one positioned read of a {@link FileChannel}, into a direct buffer, and the word from
 * there</td></tr>
 * </table>
 * All rows draw the same sequence of pages. With {@code hit} 100 there are as many pages as the window holds, with 99 so many more
 * that one in a hundred is not there. {@code hits} and {@code misses}, of all iterations together, tell what it was:
 * a miss is a page that was read into the window, so the floor and the channel have none. Each word that is read is compared with what the
 * file has there.
 *
 * <p>Run: {@code java -jar jmh/target/benchmarks.jar '\.HighMemoryBenchmark\.' -t 1 -prof gc}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class HighMemoryBenchmark {
    private static final long MULTIPLIER = 6364136223846793005L;
    private static final long INCREMENT = 1442695040888963407L;

    /** Of a page's word: not the same in all, which would drive each other out of the cache. */
    private static int offset(final int page) {
        return page % (Pages.SIZE / CacheLine.BYTES) * CacheLine.BYTES;
    }

    /** A file, and one way to its pages. */
    @State(Scope.Benchmark)
    public static class Pool extends LazyMemory {
        /** Which. */
        @Param({"touch", "high-local", "high-shared", "channel"})
        public String policy;
        /** Of a hundred pages, how many are in the window. */
        @Param({"99", "100"})
        public int hit;

        private int pages;
        private Path file;
        private HighMemory high;
        private FileChannel channel;
        private long[] frames;

        /** @throws IOException if there is no place for a temporary file. */
        @Setup(Level.Trial)
        public void prepare() throws IOException {
            pages = (int)(KmapOptions.DEFAULT.windowBytes() >>> Pages.SHIFT) * 100 / hit;
            file = Files.createTempFile("vellum-kmap", ".high");
            final ByteBuffer content = ByteBuffer.allocate(pages << Pages.SHIFT).order(ByteOrder.nativeOrder());
            for (int page = 0; page < pages; page++) {
                content.putLong((page << Pages.SHIFT) + offset(page), page);
            }
            Files.write(file, content.array());
            switch (policy) {
                case "touch" -> fillFrames();
                case "channel" -> channel = FileChannel.open(file, StandardOpenOption.READ);
                default -> openHigh();
            }
        }

        private void fillFrames() {
            frames = new OwnedFrames(vellum, pages).numbers;
            for (int page = 0; page < pages; page++) {
                vellum.access().putLong((frames[page] << Pages.SHIFT) + offset(page), page);
            }
        }

        private void openHigh() {
            high = vellum.kmap().openHigh(file, (long)pages << Pages.SHIFT);
            frames = new long[pages];
            for (int page = 0; page < pages; page++) {
                frames[page] = high.frame(page);
            }
            high.prefetch(frames);
        }

        @Override
        protected void finish() throws IOException {
            if (high != null) {
                high.close();
            }
            if (channel != null) {
                channel.close();
            }
            Files.delete(file);
        }
    }

    /** What a thread reads with; counts, too. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Reader {
        /** Pages that were there, in an iteration; JMH resets it. */
        public long hits;
        /** Pages that were read into the window, likewise. */
        public long misses;
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(Pages.SIZE).order(ByteOrder.nativeOrder());
        private Pool pool;
        private Kmap kmap;
        private MappedAccess access;
        private Source source;
        private boolean first;
        private long drawn;
        private long reads;
        private long readBefore;

        /** Where a word comes from. */
        private interface Source {
            long word(int page) throws IOException, InterruptedException;
        }

        /**
         * @param from the file.
         * @param thread draws pages of its own.
         */
        @Setup(Level.Trial)
        public void prepare(final Pool from, final ThreadParams thread) {
            pool = from;
            kmap = from.vellum.kmap();
            access = from.vellum.access();
            first = thread.getThreadIndex() == 0;
            drawn = thread.getThreadIndex();
            source = switch (from.policy) {
                case "touch" -> page -> access.getLong((pool.frames[page] << Pages.SHIFT) + offset(page));
                case "high-local" -> this::local;
                case "high-shared" -> this::shared;
                case "channel" -> this::positioned;
                default -> throw new IllegalArgumentException("policy=" + from.policy);
            };
        }

        private long local(final int page) {
            final long address = kmap.kmapLocalReadOnly(pool.frames[page]);
            final long word = access.getLong(address + offset(page));
            kmap.kunmapLocal(address);
            return word;
        }

        private long shared(final int page) throws InterruptedException {
            final long address = kmap.kmapReadOnly(pool.frames[page]);
            final long word = access.getLong(address + offset(page));
            kmap.kunmap(address);
            return word;
        }

        private long positioned(final int page) throws IOException {
            buffer.clear();
            final int bytes = pool.channel.read(buffer, (long)page << Pages.SHIFT);
            if (bytes != Pages.SIZE) {
                throw new IOException("page=" + page + " bytes=" + bytes);
            }
            return buffer.getLong(offset(page));
        }

        /** Counts anew. */
        @Setup(Level.Iteration)
        public void begin() {
            reads = 0;
            readBefore = kmap.stats().pagesRead();
        }

        /** Of all threads together, in the sum of all. */
        @TearDown(Level.Iteration)
        public void end() {
            misses = first ? kmap.stats().pagesRead() - readBefore : 0;
            hits = reads - misses;
        }

        /** Never the same row again: of pages that come in a circle the window learns to keep the wrong ones. */
        private int draw() {
            drawn = drawn * MULTIPLIER + INCREMENT;
            return (int)((drawn >>> 33) * pool.pages >>> 31);
        }

        private long read() throws IOException, InterruptedException {
            final int page = draw();
            reads++;
            final long word = source.word(page);
            if (word != page) {
                throw new IllegalStateException("page=" + page + " word=" + word);
            }
            return word;
        }
    }

    /**
     * @param reader of this thread.
     * @return the word.
     * @throws IOException if the file cannot be read.
     * @throws InterruptedException if interrupted.
     */
    @Benchmark
    public long readWord(final Reader reader) throws IOException, InterruptedException {
        return reader.read();
    }
}
