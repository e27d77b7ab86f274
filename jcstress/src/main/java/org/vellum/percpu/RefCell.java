package org.vellum.percpu;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.mmu.PageTable;
import org.vellum.report.PageFaultException;

/** One reference count for a state, and who was told that none is left. Copies come from one first chunk, round and round. */
final class RefCell {
    private static final int SLOTS = 4;
    private static final int UNIT = 4 << 20;
    private static final long BASE = 1L << 30;
    private static final Copies4 PERCPU = new Copies4();

    final AtomicInteger releases = new AtomicInteger();
    final PerCpuRef ref = new PerCpuRef(PERCPU, this::released);
    private volatile Thread releaser;

    private void released() {
        releaser = Thread.currentThread();
        releases.incrementAndGet();
    }

    /** Whether it was this thread that was told. */
    int toldMe() {
        return releaser == Thread.currentThread() ? 1 : 0;
    }

    int tryGet() {
        return ref.tryGet() ? 1 : 0;
    }

    int tryGetLive() {
        return ref.tryGetLive() ? 1 : 0;
    }

    /** 1, or 2 if it was released although the caller holds a reference. */
    int held() {
        return releases.get() == 0 ? 1 : 2;
    }

    /** Far more pointers than the harness has states at a time. */
    private static final class Copies4 implements Pointers {
        private final AtomicLong next = new AtomicLong();
        private final OwnCopy copies;
        private final Words memory;

        Copies4() {
            final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS));
            final Layout layout = new Layout(new AllocInfo(64, 0, UNIT - 64, UNIT, Pages.SIZE, UNIT,
                List.of(new AllocInfo.Group(0, new int[] {0, 1, 2, 3}))), new int[] {0, 1, 2, 3});
            memory = Words.zeroed((long)SLOTS * UNIT / Long.BYTES);
            final long[] natives = new long[SLOTS];
            for (int slot = 0; slot < SLOTS; slot++) {
                natives[slot] = memory.address((long)slot * UNIT / Long.BYTES);
            }
            final PageTable table = new PageTable(1L << 40, 1);
            table.onFault((address, write) -> new PageFaultException(address, "not mapped"));
            copies = new OwnCopy(cpus, table, layout, BASE, natives, this);
        }

        @Override
        public long allocate(final long bytes, final long align) {
            final long pointer = BASE + next.getAndAdd(Long.BYTES) % UNIT;
            copies.exchangeAllLong(pointer, 0);
            return pointer;
        }

        @Override
        public void free(final long pointer) {
            // Its turn comes again.
        }

        @Override
        public OwnCopy access() {
            return copies;
        }
    }
}
