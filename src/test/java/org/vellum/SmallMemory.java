package org.vellum;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.frame.PhysicalMemory;
import org.vellum.report.Listener;

/** Small memories for tests of the rooms above {@code frame}, and what every such test needs around them. */
public final class SmallMemory {
    /** Bytes of a page. */
    public static final int PAGE = 4096;
    /** Just below the wrap of the 32 bits of the epoch that a slot word carries. */
    public static final long NEAR_WRAP = 0xFFFF_FF01L;

    /** A wait for a grace period that only a failure outlasts: the operating system may preempt whoever is in a section. */
    public static final long PATIENT_NANOS = 30_000_000_000L;

    private SmallMemory() {
    }

    /** Four cached slots, epochs near their wrap, no worker: the next allocation does what a worker would. */
    public static VellumBuilder builder(final long frames, final long windowPages) {
        return Vellum.builder().memory(frames * PAGE).bank(Math.max(64 << 10, Math.min(1 << 20, frames * PAGE)))
            .window(windowPages * PAGE)
            .cpus(CpuOptions.forThisMachine().withCachedSlots(4).withFirstEpoch(NEAR_WRAP))
            .rangeCaches(false)
            .worker(false);
    }

    public static Vellum open(final long frames, final long windowPages) {
        return builder(frames, windowPages).open();
    }

    /** Takes frames that the caller owns. */
    public static long[] frames(final Vellum memory, final int count) {
        final long[] frames = new long[count];
        try (Cpu cpu = memory.enter()) {
            for (int i = 0; i < count; i++) {
                frames[i] = memory.frames().allocate(cpu, 0);
                if (frames[i] == PhysicalMemory.NO_FRAME) {
                    throw new AssertionError("no frame " + i);
                }
            }
        }
        return frames;
    }

    public static void free(final Vellum memory, final long... frames) {
        try (Cpu cpu = memory.enter()) {
            for (final long frame : frames) {
                memory.frames().free(cpu, frame, 0);
            }
        }
    }

    /** Lets everything in limbo go: two grace periods, because a retired area has two. */
    public static void settle(final Vellum memory) {
        memory.quiesce();
    }

    /** Nothing in limbo, structures whole, and exactly these frames allocated, by a walk of the frame table. */
    public static void requireQuiet(final Vellum memory, final long allocatedFrames, final long liveAreas) {
        settle(memory);
        memory.verify();
        if (memory.stats().limboBytes() != 0 || memory.stats().limboFrameBytes() != 0) {
            throw new AssertionError("still in limbo: " + memory.stats());
        }
        if (memory.stats().liveAreas() != liveAreas) {
            throw new AssertionError("live areas=" + memory.stats().liveAreas() + " expected=" + liveAreas + "\n"
                + memory.reader().vmallocInfo());
        }
        if (memory.frames().allocatedFrames() != allocatedFrames) {
            throw new AssertionError("allocated frames=" + memory.frames().allocatedFrames() + " expected="
                + allocatedFrames);
        }
    }

    /** Runs the body in a thread of its own; what it throws is thrown here. */
    public static <T> T inThread(final Callable<T> body) throws Exception {
        final FutureTask<T> task = new FutureTask<>(body);
        final Thread thread = new Thread(task, "other");
        thread.setDaemon(true);
        thread.start();
        final T result = join(task);
        thread.join();
        return result;
    }

    /** Waits for a task; what it threw is thrown here. */
    public static <T> T join(final FutureTask<T> task) throws Exception {
        try {
            return task.get(300, TimeUnit.SECONDS);
        } catch (final java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (Exception)e.getCause();
        }
    }

    /** A body that is told which thread of several it is. */
    public interface Body {
        void run(int thread) throws Exception;
    }

    /** Runs the body in so many threads at once. */
    public static void inThreads(final int count, final Body body) throws Exception {
        final List<FutureTask<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final int index = i;
            final FutureTask<Void> task = new FutureTask<>(() -> {
                body.run(index);
                return null;
            });
            tasks.add(task);
            final Thread thread = new Thread(task, "worker-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        for (final FutureTask<Void> task : tasks) {
            join(task);
        }
    }

    /** A reader that has entered a section and stays in it until closed. */
    public static final class Reader implements AutoCloseable {
        private final CountDownLatch inside = new CountDownLatch(1);
        private final CountDownLatch leave = new CountDownLatch(1);
        private final FutureTask<Void> task;
        private final Thread thread;
        public volatile Cpu cpu;

        public Reader(final Vellum memory, final String name) throws InterruptedException {
            this(memory.cpus(), name);
        }

        public Reader(final Cpus cpus, final String name) throws InterruptedException {
            task = new FutureTask<>(() -> {
                try (Cpu entered = cpus.enter()) {
                    cpu = entered;
                    inside.countDown();
                    leave.await();
                } finally {
                    inside.countDown();
                }
                return null;
            });
            thread = new Thread(task, name);
            thread.setDaemon(true);
            thread.start();
            inside.await();
        }

        @Override
        public void close() {
            leave.countDown();
            try {
                join(task);
                thread.join();
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Remembers what it hears. */
    public static final class Ear implements Listener {
        public final List<String> heard = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void sectionStalled(final int slot, final String thread, final long openNanos, final String stack) {
            heard.add("stalled " + thread);
        }

        @Override
        public void sectionForceExited(final int slot, final String thread) {
            heard.add("forceExited " + thread);
        }

        @Override
        public void mapsLeftOpen(final int slot, final String thread, final int count) {
            heard.add("mapsLeftOpen " + thread + " count=" + count);
        }

        @Override
        public void releaseFailed(final String what, final long token, final Throwable error) {
            heard.add("releaseFailed " + what + " " + error);
        }

        @Override
        public void percpuLayout(final String block) {
            heard.add(block);
        }

        @Override
        public void leakedAtClose(final String what, final long count, final long bytes, final String detail) {
            heard.add("leaked " + what + " count=" + count + " bytes=" + bytes + " " + detail);
        }

        @Override
        public void workerFailed(final String where, final Throwable error) {
            heard.add("workerFailed " + where + " " + error);
        }

        public boolean heard(final String beginning) {
            synchronized (heard) {
                return heard.stream().anyMatch(line -> line.startsWith(beginning));
            }
        }
    }
}
