package org.vellum.kmap;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** A window for one state at a time, over low frames that all share and nobody writes: each frame's content is its number. */
final class KmapCell {
    /** What a look at an address shows. */
    static final int NOT_MAPPED = 0;
    static final int RIGHT = 1;
    static final int WRONG = 2;
    /** A wait that only a lost wake-up outlasts. */
    static final int TIMED_OUT = 3;

    static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(8));
    private static final Epochs EPOCHS = new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT),
        new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));
    private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, FrameOptions.of(1 << 20));
    static final Backing BACKING = new Backing(FRAMES.memory(), new HighCache(CPUS, FRAMES, 1));
    private static final long[] NUMBERS = numbers();
    private static final long START = 1L << 40;
    private static final long PATIENT_NANOS = 5_000_000_000L;
    private static final int LOOKS = 8;
    private static final ConcurrentLinkedQueue<KmapCell> SETTLED_ONE = new ConcurrentLinkedQueue<>();
    private static final ConcurrentLinkedQueue<KmapCell> SETTLED_FOUR = new ConcurrentLinkedQueue<>();

    final KmapWindow window;
    private final PageTable table;
    private final int slots;

    private KmapCell(final int slots) {
        this.slots = slots;
        table = new PageTable(START, slots);
        table.extendTo(slots);
        table.onFault((address, write) -> new PageFaultException(address, "not mapped"));
        window = new KmapWindow(EPOCHS, table, slots, BACKING);
    }

    private static long[] numbers() {
        final long[] numbers = new long[8];
        try (Cpu cpu = CPUS.enter()) {
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = FRAMES.allocate(cpu, 0);
                UnsafeApi.putLong(FRAMES.memory().nativeAddress(numbers[i]), numbers[i]);
            }
        }
        return numbers;
    }

    private static ConcurrentLinkedQueue<KmapCell> settled(final int slots) {
        return slots == 1 ? SETTLED_ONE : SETTLED_FOUR;
    }

    /** A window of one slot or of four. */
    static KmapCell take(final int slots) {
        final KmapCell cell = settled(slots).poll();
        return cell == null ? new KmapCell(slots) : cell;
    }

    static long frame(final int index) {
        return NUMBERS[index];
    }

    /** Maps, and waits for as long as it takes; 0 if a wake-up was lost. */
    long map(final int index) {
        final long deadline = System.nanoTime() + PATIENT_NANOS;
        try {
            final long address = window.map(frame(index), true, PATIENT_NANOS);
            if (System.nanoTime() - deadline < 0) {
                return address;
            }
            // It looked once more when its time was up, and found what nobody had told it of.
            window.unmap(address);
            return 0;
        } catch (final ExhaustedException e) {
            return 0;
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    long mapIfMapped(final int index) {
        return window.mapIfMapped(frame(index), true);
    }

    /** Whether an address, of a map that the caller has, leads to the frame, all the while it looks. */
    int look(final long address, final int index) {
        return look(table, address, index);
    }

    static int look(final PageTable table, final long address, final int index) {
        try {
            for (int i = 0; i < LOOKS; i++) {
                if (UnsafeApi.getLongOpaque(null, table.writable(address)) != frame(index)) {
                    return WRONG;
                }
            }
            return RIGHT;
        } catch (final PageFaultException e) {
            return WRONG;
        }
    }

    /** Maps, looks, unmaps. */
    int use(final int index) {
        final long address = map(index);
        if (address == 0) {
            return TIMED_OUT;
        }
        final int seen = look(address, index);
        return unmap(address) == RIGHT ? seen : WRONG;
    }

    int unmap(final long address) {
        try {
            window.unmap(address);
            return RIGHT;
        } catch (final IllegalStateException e) {
            return WRONG;
        }
    }

    int flush() {
        return window.flush.flushUnused(PATIENT_NANOS);
    }

    /** Unmaps what is still mapped; 1 if the window is whole then, and nobody uses it. Then it serves the next state. */
    int settle(final long... addresses) {
        for (final long address : addresses) {
            if (address != 0 && unmap(address) != RIGHT) {
                return 0;
            }
        }
        flush();
        try {
            window.report.verify();
        } catch (final AssertionError e) {
            return 0;
        }
        if (window.report.users() != 0 || window.report.keepsUnused()) {
            return 0;
        }
        settled(slots).add(this);
        return 1;
    }
}
