package org.vellum.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.UnsafeApi;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.epoch.Epochs;
import org.vellum.epoch.StallDetector;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** Frames and banks. */
public final class FrameStress {
    private static final Cpus CPUS = new Cpus(CpuOptions.forThisMachine().withCachedSlots(2).withMaxSlots(4));
    private static final Epochs EPOCHS = new Epochs(CPUS, new Sweeper(CPUS, Listener.SILENT),
        new StallDetector(CPUS, Listener.SILENT, Long.MAX_VALUE));

    private FrameStress() {
    }

    /** One wholly free bank of its own, whose content is known. */
    @State
    public static class Bank {
        private static final int LOOKS = 24;
        private static final long CONTENT = 0x0102030405060708L;
        private static final PageTable NO_WINDOW = noWindow();
        private final FrameAllocator frames =
            new FrameAllocator(CPUS, new FrameOptions(FrameOptions.MIN_BANK_BYTES, FrameOptions.MIN_BANK_BYTES));
        private final MappedAccess access = new MappedAccess(NO_WINDOW, frames.memory(), CPUS);
        /** The harness bounds the heap that its states take, but knows nothing of their direct memory. */
        private final byte[] ballast = new byte[(int)FrameOptions.MIN_BANK_BYTES];
        private final long address;

        /** Adds the bank. */
        public Bank() {
            final Cpu cpu = CPUS.enter();
            try {
                final long frame = frames.allocate(cpu, 0);
                if (frame < 0) {
                    throw new OutOfMemoryError(frames.exhaustionReason() + ballast.length);
                }
                UnsafeApi.putLong(frames.memory().nativeAddress(frame), CONTENT);
                address = frame << 12;
                frames.free(cpu, frame, 0);
            } finally {
                cpu.exit();
            }
        }

        private static PageTable noWindow() {
            final PageTable table = new PageTable(1L << 40, 1024);
            table.onFault((address, write) -> new PageFaultException(address, "no window"));
            return table;
        }

        /** In a section: 0 a fault, 1 the content throughout, 2 the bank was released meanwhile. */
        int use() {
            final Cpu cpu = CPUS.enter();
            try {
                final long nativeAddress = access.readable(address);
                for (int i = 0; i < LOOKS; i++) {
                    if (frames.events(FrameEvent.BANK_RELEASED) != 0) {
                        return 2;
                    }
                    if (UnsafeApi.getLongOpaque(null, nativeAddress) != CONTENT) {
                        return 3;
                    }
                }
                return 1;
            } catch (final PageFaultException e) {
                return 0;
            } finally {
                cpu.exit();
            }
        }
    }

    /**
     * A reader of the linear map in a section against the release of its bank. Would catch {@code Banks.detach} leaving the bank
     * translatable, {@code PhysicalMemory.remove} storing by less than volatile with no fence before the stamp, and a release
     * without the grace period between: the reader would look at unmapped memory, and the JVM with it.
     */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "detach, then read: a page fault")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "read, then release: the content throughout the section")
    @Outcome(expect = FORBIDDEN, desc = "the bank was released under a section that uses it")
    public static class BankRelease {
        /**
         * @param s the bank.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Bank s, final II_Result r) {
            r.r1 = s.use();
        }

        /**
         * @param s the bank.
         * @param r the bank's number.
         */
        @Actor
        public void trimmer(final Bank s, final II_Result r) {
            final long ticket = s.frames.detachFreeBank();
            r.r2 = (int)ticket;
            EPOCHS.synchronize();
            s.frames.releaseBank(ticket);
        }
    }

    /**
     * Broken on purpose: the bank counts as released at once. Its memory stays, or the JVM would not. Seen to fail on JDK 17, x86:
     * 490 of 85,000 samples.
     */
    @JCStressTest
    @Outcome(id = {"0", "1"}, expect = ACCEPTABLE, desc = "one after the other")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "released under a section that uses it")
    public static class BrokenTwinWithoutGracePeriod {
        /**
         * @param s the bank.
         * @param r what it saw.
         */
        @Actor
        public void reader(final Bank s, final I_Result r) {
            r.r1 = s.use();
        }

        /** @param s the bank. */
        @Actor
        public void trimmer(final Bank s) {
            // Exported: releasing it only drops it.
            s.frames.memory().bank(1).buffer();
            s.frames.releaseBank(s.frames.detachFreeBank());
        }
    }

    /**
     * Two threads free one frame. Would catch {@code FrameAllocator.claim} without its CAS: the frame would be in two lists, and then
     * have two owners.
     */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "one frees, the other is told")
    @Outcome(expect = FORBIDDEN, desc = "both freed, or neither")
    @State
    public static class DoubleFree {
        private static final int RING = 1 << 14;
        private static final FrameAllocator FRAMES = new FrameAllocator(CPUS, new FrameOptions(128L << 20, 16L << 20));
        private static final AtomicInteger NEXT = new AtomicInteger();
        private static final long[] LIVE = new long[RING];
        private final int index = NEXT.getAndIncrement() & RING - 1;
        private final long frame = again(index);

        /** The harness also makes states that it does not run: what they took serves the next with their index. */
        private static long again(final int index) {
            if (LIVE[index] == 0 || FRAMES.table().state(LIVE[index]) != FrameTable.ALLOCATED) {
                do {
                    FRAMES.grow(1);
                    final Cpu cpu = CPUS.enter();
                    LIVE[index] = FRAMES.allocate(cpu, 0);
                    cpu.exit();
                } while (LIVE[index] < 0);
            }
            return LIVE[index];
        }

        /** @param r whether it freed. */
        @Actor
        public void one(final II_Result r) {
            r.r1 = free();
        }

        /** @param r whether it freed. */
        @Actor
        public void two(final II_Result r) {
            r.r2 = free();
        }

        private int free() {
            final Cpu cpu = CPUS.enter();
            try {
                FRAMES.free(cpu, frame, 0);
                LIVE[index] = 0;
                return 1;
            } catch (final IllegalStateException | IllegalArgumentException e) {
                // Free already, or by now a part of a larger free block.
                return 0;
            } finally {
                cpu.exit();
            }
        }
    }
}
