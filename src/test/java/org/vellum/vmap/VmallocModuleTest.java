package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vellum.SmallMemory.PAGE;

import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.epoch.Retirement;
import org.vellum.mmu.Address;
import org.vellum.report.ExhaustedException;

/**
 * The scenarios of the kernel's public vmalloc test module, but for the one of the per-CPU allocator, each by one thread and by
 * twice as many as there are processors.
 */
@Tag("stress")
final class VmallocModuleTest {
    private static final int LOOPS = 2_000;

    private final Vellum memory = Vellum.builder().memory(512 << 20).window(4L << 30).open();
    private final Vmalloc vmalloc = memory.vmalloc();
    private long owned;

    static int[] threads() {
        return new int[] {1, 2 * Runtime.getRuntime().availableProcessors()};
    }

    @AfterEach
    void nothingIsLost() {
        memory.unmapAliases();
        SmallMemory.requireQuiet(memory, owned, 0);
        memory.close();
    }

    private void touchAndFree(final long address, final long size) {
        memory.access().putByte(address, (byte)1);
        memory.access().putByte(address + size - 1, (byte)1);
        memory.vfree(address);
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case1FixSize(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < LOOPS; i++) {
                touchAndFree(vmalloc.vmalloc(16 * PAGE, PAGE, i % 2 == 0 ? 0 : VmallocFlags.CONTIGUOUS), 16 * PAGE);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case2FullFit(final int threads) throws Exception {
        final int junk = 4_000;
        SmallMemory.inThreads(threads, thread -> {
            final long[] kept = new long[junk];
            final long[] holes = new long[junk];
            for (int i = 0; i < junk; i++) {
                kept[i] = memory.vmalloc(PAGE);
                holes[i] = memory.vmalloc(PAGE);
            }
            for (int i = 0; i < junk; i++) {
                memory.vfree(holes[i]);
            }
            for (int i = 0; i < LOOPS; i++) {
                touchAndFree(memory.vmalloc(PAGE), PAGE);
            }
            for (int i = 0; i < junk; i++) {
                memory.vfree(kept[i]);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case4LongBusyList(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            final long[] busy = new long[15_000];
            for (int i = 0; i < busy.length; i++) {
                busy[i] = memory.vmalloc(PAGE);
            }
            for (int i = 0; i < LOOPS / 2; i++) {
                final long large = memory.vmalloc(100 * PAGE);
                final long small = memory.vmalloc(PAGE);
                touchAndFree(large, 100 * PAGE);
                touchAndFree(small, PAGE);
            }
            for (final long address : busy) {
                memory.vfree(address);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case8RandomSize(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            final Random random = new Random(thread);
            for (int i = 0; i < LOOPS; i++) {
                final long size = (1 + random.nextInt(100)) * PAGE;
                touchAndFree(memory.vmalloc(size), size);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case16FixAlign(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < LOOPS; i++) {
                final long address = vmalloc.vmalloc(5 * PAGE, 32 << 10, VmallocFlags.ZERO);
                assertEquals(0, address & Address.MASK & (32 << 10) - 1);
                assertEquals(0, memory.access().getLong(address + 4 * PAGE));
                memory.access().putLong(address + 4 * PAGE, -1);
                memory.vfree(address);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case32RandomSizeAndAlign(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            final Random random = new Random(thread);
            for (int i = 0; i < LOOPS; i++) {
                final int r = random.nextInt(256);
                final long align = 1L << r % 23;
                final long size = (r % 10 + 1) * PAGE;
                final long address = vmalloc.vmalloc(size, align, VmallocFlags.ZERO);
                assertEquals(0, address & Address.MASK & align - 1);
                assertEquals(0, memory.access().getLong(address + size - 8));
                touchAndFree(address, size);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case64AlignShiftIsExpectedToFailWhereNoAddressIsAligned(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < 64; i++) {
                final long align = 1L << i;
                if (i == 63) {
                    assertThrows(IllegalArgumentException.class, () -> vmalloc.vmalloc(PAGE, align, 0));
                } else if (i > 32) {
                    assertThrows(ExhaustedException.class, () -> vmalloc.vmalloc(PAGE, align, 0), "i=" + i);
                } else if (i < 30) {
                    final long address = vmalloc.vmalloc(PAGE, align, 0);
                    assertEquals(0, address & Address.MASK & align - 1);
                    touchAndFree(address, PAGE);
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case256FreeAfterAGracePeriodMaySleep(final int threads) throws Exception {
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < LOOPS; i++) {
                final long address = memory.vmalloc(PAGE);
                memory.access().putByte(address, (byte)1);
                memory.retire(address);
                if (i % 500 == 0) {
                    memory.synchronize();
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case512FreeAfterAGracePeriodByAnEmbeddedHead(final int threads) throws Exception {
        final AtomicLong released = new AtomicLong();
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < LOOPS; i++) {
                final long address = memory.vmalloc(PAGE);
                memory.access().putByte(address, (byte)1);
                memory.retire(new Retirement() {
                    @Override
                    protected void released() {
                        memory.vfree(address);
                        released.incrementAndGet();
                    }
                });
                if (i % 100 == 0) {
                    memory.poll();
                }
            }
        });
        SmallMemory.settle(memory);
        assertEquals((long)threads * LOOPS, released.get());
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case1024VmMapRam(final int threads) throws Exception {
        final long[] frames = SmallMemory.frames(memory, 16);
        owned = 16;
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < 10 * LOOPS; i++) {
                final long address = memory.vmMapRam(frames, 0, 16);
                memory.access().putByte(address + thread, (byte)'a');
                memory.vmUnmapRam(address, 16);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("threads")
    void case2048NoBlock(final int threads) throws Exception {
        final AtomicLong refused = new AtomicLong();
        SmallMemory.inThreads(threads, thread -> {
            for (int i = 0; i < LOOPS; i++) {
                try (Cpu cpu = memory.enter()) {
                    touchAndFree(memory.vmalloc(16 * PAGE), 16 * PAGE);
                    assertTrue(cpu.index() >= 0);
                } catch (final ExhaustedException e) {
                    // Inside a section nothing waits: with all that is free in limbo it may fail, and says so.
                    assertTrue(e.getMessage().contains("inside a section"), e.getMessage());
                    refused.incrementAndGet();
                    memory.synchronize();
                }
            }
        });
        assertTrue(refused.get() < (long)threads * LOOPS / 10, "refused=" + refused);
    }
}
