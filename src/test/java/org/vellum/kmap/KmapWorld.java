package org.vellum.kmap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.vellum.SmallMemory;
import org.vellum.SmallMemory.Ear;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.cpu.CpuOptions;
import org.vellum.mmu.Address;
import org.vellum.report.PageFaultException;

/** A small memory with its kmap, an ear for what is reported, and a look at files past it. */
final class KmapWorld implements AutoCloseable {
    static final int PAGE = SmallMemory.PAGE;
    /** The least window there may be. */
    static final int WINDOW = 4;
    /**
     * Four pages, and more patience than a test may take: who looks once more when its time is up would find what nobody had told it of, and the test
     * only be slow.
     */
    static final KmapOptions SMALL = KmapOptions.DEFAULT.withWindowBytes((long)WINDOW * PAGE).withWaitNanos(TimeUnit.HOURS.toNanos(1));
    static final KmapOptions FORCED = SMALL.withForce(true);
    private static final int FRAMES = 512;
    private static final int WINDOW_PAGES = 1024;

    final Ear ear = new Ear();
    final Vellum memory;
    final Kmap kmap;

    KmapWorld(final KmapOptions options) {
        this(options, builder());
    }

    /** So many slots, for threads to meet on them. */
    KmapWorld(final KmapOptions options, final int slots) {
        this(options, builder()
            .cpus(CpuOptions.forThisMachine().withCachedSlots(slots).withMaxSlots(slots).withFirstEpoch(SmallMemory.NEAR_WRAP)
                .withSlotWaitNanos(SmallMemory.PATIENT_NANOS)));
    }

    static VellumBuilder builder() {
        return SmallMemory.builder(FRAMES, WINDOW_PAGES).graceNanos(SmallMemory.PATIENT_NANOS);
    }

    KmapWorld(final KmapOptions options, final VellumBuilder builder) {
        memory = builder.kmap(options).listener(ear).open();
        kmap = memory.kmap();
    }

    long[] frames(final int count) {
        return SmallMemory.frames(memory, count);
    }

    long get(final long address) {
        return memory.access().getLong(address);
    }

    void put(final long address, final long value) {
        memory.access().putLong(address, value);
    }

    boolean faults(final long address) {
        try {
            memory.access().getLong(address);
            return false;
        } catch (final PageFaultException e) {
            return true;
        }
    }

    boolean faultsForStores(final long address) {
        try {
            memory.access().putLong(address, memory.access().getLong(address));
            return false;
        } catch (final PageFaultException e) {
            return true;
        }
    }

    static long page(final long address) {
        return (address & Address.MASK) / PAGE;
    }

    /** Stores one word of a frame that nobody else uses just now. */
    void fill(final long frame, final long value) {
        final long address = kmap.kmapLocal(frame);
        put(address, value);
        kmap.kunmapLocal(address);
    }

    long look(final long frame) {
        final long address = kmap.kmapLocalReadOnly(frame);
        final long value = get(address);
        kmap.kunmapLocal(address);
        return value;
    }

    /** No map is open, and all structures are whole. */
    void requireQuiet() {
        memory.quiesce();
        memory.verify();
        if (kmap.localMaps() != 0 || kmap.sharedMaps() != 0) {
            throw new AssertionError("local=" + kmap.localMaps() + " shared=" + kmap.sharedMaps());
        }
    }

    @Override
    public void close() {
        memory.close();
    }

    /** A thread of a test's own, whose end and whose waiting can be seen. */
    static final class Task<T> {
        final FutureTask<T> future;
        final Thread thread;

        Task(final String name, final Callable<T> body) {
            future = new FutureTask<>(body);
            thread = new Thread(future, name);
            thread.setDaemon(true);
            thread.start();
        }

        /** Returns once it is parked and waits for something of that class. */
        void awaitParkedIn(final Class<?> type) {
            while (!isParkedIn(type)) {
                if (future.isDone()) {
                    throw new AssertionError("it did not wait: " + thread.getName());
                }
                Thread.yield();
            }
        }

        private boolean isParkedIn(final Class<?> type) {
            final Thread.State state = thread.getState();
            return type.isInstance(LockSupport.getBlocker(thread)) && (state == Thread.State.TIMED_WAITING || state == Thread.State.WAITING);
        }

        T join() throws Exception {
            final T result = SmallMemory.join(future);
            thread.join();
            return result;
        }
    }

    /** What the file itself has at a place, and 0 behind its end. */
    static long plain(final Path path, final long position) {
        final ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.read(buffer, position);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return buffer.getLong(0);
    }

    static long size(final Path path) {
        return path.toFile().length();
    }
}
