package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.vellum.SmallMemory.PAGE;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vellum.SmallMemory;
import org.vellum.StressClock;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/**
 * Areas that are resized by their owners under readers in sections, which hold translations of addresses that are gone. What a
 * reader has translated keeps its content until the section ends, wherever the frame is mapped or waits; by address it finds the same
 * or a fault.
 */
@Tag("stress")
final class VreallocStressTest {
    private static final long MILLIS = 2_000;
    private static final int OWNERS = 2;
    private static final int READERS = 3;
    /** Pages that an area never gets below: the others come and go. */
    private static final int LEAST = 2;
    private static final int MOST = 24;

    /** Of each owner the address of its area, with the number of pages that are filled in the bits of the offset. */
    private final AtomicLongArray published = new AtomicLongArray(OWNERS);
    private final AtomicLong moves = new AtomicLong();
    private final AtomicLong inPlace = new AtomicLong();
    private final AtomicLong shrinks = new AtomicLong();
    private final AtomicLong exhausted = new AtomicLong();
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong movedUnderReader = new AtomicLong();
    private final AtomicLong faults = new AtomicLong();

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readersOfResizedAreasMeetNobodyElse(final boolean caches) throws Exception {
        try (Vellum memory = SmallMemory.builder(512, 2048).rangeCaches(caches).graceNanos(1_000_000).open()) {
            // Every way of resizing, and readers on both sides of a move.
            final StressClock clock = new StressClock(MILLIS, () -> moves.get() > 0 && inPlace.get() > 0 && shrinks.get() > 0
                && reads.get() > 0 && movedUnderReader.get() > 0 && faults.get() > 0);
            for (int i = 0; i < OWNERS; i++) {
                final long address = memory.vmalloc(LEAST * PAGE);
                fill(memory, i, address, 0, LEAST);
                published.set(i, address | LEAST);
            }
            SmallMemory.inThreads(OWNERS + READERS, thread -> {
                while (clock.running()) {
                    if (thread < OWNERS) {
                        resize(memory, thread);
                    } else {
                        read(memory, ThreadLocalRandom.current().nextInt(OWNERS));
                    }
                }
            });
            final String figures = "VreallocStressTest caches=" + caches + " moves=" + moves + " inPlace=" + inPlace + " shrinks="
                + shrinks + " exhausted=" + exhausted + " reads=" + reads + " movedUnderReader=" + movedUnderReader + " faults="
                + faults;
            System.out.println(figures);
            clock.assertCovered(() -> figures);
            for (int i = 0; i < OWNERS; i++) {
                memory.vfree(published.get(i) & -PAGE);
            }
            SmallMemory.requireQuiet(memory, 0, 0);
            assertEquals(memory.stats().windowBytes(), memory.stats().freeWindowBytes());
        }
    }

    private static long pattern(final int owner, final long page) {
        return 0x5EA_0000_0000L + owner * 1_000L + page;
    }

    private static void fill(final Vellum memory, final int owner, final long address, final long from, final long to) {
        for (long i = from; i < to; i++) {
            memory.access().putLong(address + i * PAGE, pattern(owner, i));
        }
    }

    private void resize(final Vellum memory, final int owner) {
        final long word = published.get(owner);
        final long address = word & -PAGE;
        final long pages = word & PAGE - 1;
        final long next = LEAST + ThreadLocalRandom.current().nextInt(MOST - LEAST);
        if (next < pages) {
            // Unpublished first, as whatever is freed.
            published.set(owner, address | next);
        }
        try {
            final long resized = memory.vmalloc().vrealloc(address, next * PAGE);
            for (long i = 0; i < Math.min(pages, next); i++) {
                assertEquals(pattern(owner, i), memory.access().getLong(resized + i * PAGE));
            }
            fill(memory, owner, resized, pages, next);
            published.set(owner, resized | next);
            (resized != address ? moves : next > pages ? inPlace : shrinks).incrementAndGet();
            // Whatever is free is somebody else's at once, and written.
            final long other = memory.vmalloc((1 + ThreadLocalRandom.current().nextInt(8)) * (long)PAGE);
            memory.access().setMemory(other, memory.vmalloc().sizeOf(other), (byte)-1);
            memory.vfree(other);
        } catch (final ExhaustedException e) {
            // A reader that the operating system has preempted holds limbo up.
            exhausted.incrementAndGet();
        }
    }

    private void read(final Vellum memory, final int owner) {
        try (Cpu cpu = memory.enter()) {
            final long word = published.get(owner);
            final long address = word & -PAGE;
            final long page = ThreadLocalRandom.current().nextLong(word & PAGE - 1);
            final long translated = memory.access().readable(address + page * PAGE);
            if (published.get(owner) != word) {
                // A page that was cut off and added again may not be filled yet.
                return;
            }
            long now = word;
            for (int i = 0; i < 200; i++) {
                assertEquals(pattern(owner, page), UnsafeApi.getLongVolatile(null, translated), cpu.toString());
                now = published.get(owner);
            }
            reads.incrementAndGet();
            if ((now & -PAGE) != address) {
                movedUnderReader.incrementAndGet();
                // The first pages are always there: by the new address, if it has not moved again, and by no other.
                assertEquals(pattern(owner, 0), memory.access().getLong(now & -PAGE));
                assertEquals(pattern(owner, 0), memory.access().getLong(address), "an old address that does not fault");
            }
        } catch (final PageFaultException e) {
            faults.incrementAndGet();
        }
    }
}
