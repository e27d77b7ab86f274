package org.vellum.kmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.vellum.kmap.KmapWorld.PAGE;

import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.cpu.Cpu;

/** Virtual threads unmount with maps open, and come back to the same addresses. */
@Tag("stress")
final class KmapVirtualThreadTest {
    @TempDir
    Path directory;

    private Method startVirtual;

    @BeforeEach
    void needVirtualThreads() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
        startVirtual = Thread.class.getMethod("startVirtualThread", Runnable.class);
    }

    private Thread start(final Runnable body) {
        try {
            return (Thread)startVirtual.invoke(null, body);
        } catch (final ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Many times more than carriers: they are all inside, parked, at the same time. */
    @Test
    void mapsStayWhereTheyAreWhileTheirThreadIsUnmounted() throws Exception {
        for (final boolean force : new boolean[] {false, true}) {
            final int threads = 50 * Runtime.getRuntime().availableProcessors();
            try (KmapWorld world = new KmapWorld(force ? KmapWorld.FORCED : KmapWorld.SMALL);
                HighMemory high = world.kmap.openHigh(directory.resolve("high" + force), PAGE)) {
                final long[] frames = world.frames(threads);
                final CountDownLatch inside = new CountDownLatch(threads);
                final CountDownLatch goOn = new CountDownLatch(1);
                final List<FutureTask<Void>> tasks = new ArrayList<>();
                for (int i = 0; i < threads; i++) {
                    final int me = i;
                    final FutureTask<Void> task = new FutureTask<>(() -> {
                        final long a = world.kmap.kmapLocal(high.frame(0));
                        final long b = world.kmap.kmapLocal(frames[me]);
                        final Cpu cpu = world.memory.cpus().current();
                        final long where = world.kmap.nativeAddress(b);
                        world.put(b, me);
                        inside.countDown();
                        goOn.await();
                        LockSupport.parkNanos(100_000);
                        assertSame(cpu, world.memory.cpus().current());
                        assertEquals(where, world.kmap.nativeAddress(b));
                        assertEquals(me, world.get(b));
                        assertEquals(0, world.get(a));
                        world.kmap.kunmapLocal(b);
                        world.kmap.kunmapLocal(a);
                        return null;
                    });
                    tasks.add(task);
                    start(task);
                }
                inside.await();
                assertEquals(2L * threads, world.kmap.localMaps());
                goOn.countDown();
                for (final FutureTask<Void> task : tasks) {
                    SmallMemory.join(task);
                }
                world.requireQuiet();
            }
        }
    }

    @Test
    void whatADeadVirtualThreadLeavesOpenIsUndone() throws Exception {
        try (KmapWorld world = new KmapWorld(KmapWorld.SMALL, 1);
            HighMemory high = world.kmap.openHigh(directory.resolve("high"), PAGE)) {
            final FutureTask<Void> task = new FutureTask<>(() -> {
                world.put(world.kmap.kmapLocal(high.frame(0)), 4);
                world.kmap.kmapLocal(high.frame(0));
                return null;
            });
            start(task).join();
            SmallMemory.join(task);
            assertEquals(4, world.look(high.frame(0)));
            assertEquals("mapsLeftOpen  count=2", world.ear.heard.get(0));
            world.requireQuiet();
        }
    }

    /** Waiting, too, lets the carrier go on with those who hold what is waited for. */
    @Test
    void moreWaitersThanCarriersWaitParked() throws Exception {
        final int threads = 4 * Runtime.getRuntime().availableProcessors() + 4;
        try (KmapWorld world = new KmapWorld(KmapWorld.FORCED)) {
            final long[] frames = world.frames(KmapWorld.WINDOW + threads);
            final long[] full = new long[KmapWorld.WINDOW];
            for (int i = 0; i < full.length; i++) {
                full[i] = world.kmap.kmap(frames[i]);
            }
            final CountDownLatch begun = new CountDownLatch(threads);
            final List<FutureTask<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                final long frame = frames[KmapWorld.WINDOW + i];
                final FutureTask<Void> task = new FutureTask<>(() -> {
                    begun.countDown();
                    world.kmap.kunmap(world.kmap.kmap(frame));
                    return null;
                });
                tasks.add(task);
                start(task);
            }
            begun.await();
            // The one that lets them go on is such a thread itself.
            final FutureTask<Void> release = new FutureTask<>(() -> {
                for (final long address : full) {
                    world.kmap.kunmap(address);
                }
                return null;
            });
            start(release);
            for (final FutureTask<Void> task : tasks) {
                SmallMemory.join(task);
            }
            SmallMemory.join(release);
            assertTrue(world.kmap.flushes() > 0);
            world.requireQuiet();
        }
    }

    @Test
    void nothingIsLost() throws Exception {
        new KmapStressTest.Run(KmapWorld.SMALL, directory.resolve("plain")).go(24, 500, this::start);
    }
}
