package org.vellum.kmap;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;
import org.vellum.report.PageFaultException;

/** One slot and the local maps on it, for one state at a time. */
final class StackCell {
    private static final CpuOptions ONE_SLOT = CpuOptions.forThisMachine().withCachedSlots(1).withMaxSlots(1).withCells(1);
    private static final long START = 1L << 40;
    private static final ConcurrentLinkedQueue<StackCell> SETTLED = new ConcurrentLinkedQueue<>();

    private final Cpus cpus = new Cpus(ONE_SLOT);
    private final KmapStack stack = new KmapStack(cpus, Listener.SILENT);
    private final PageTable table = new PageTable(START, KmapStack.MAX_DEPTH);

    private StackCell() {
        table.extendTo(table.pages());
        table.onFault((address, write) -> new PageFaultException(address, "not mapped"));
        stack.setTarget(new KmapStack.Target(table, 0, KmapCell.BACKING));
    }

    static StackCell take() {
        final StackCell cell = SETTLED.poll();
        return cell == null ? new StackCell() : cell;
    }

    /** Maps, looks, unmaps, as soon as the slot is to be had: asks for it all the time, to be there when it is given up. */
    int use(final int index) {
        Cpu cpu = cpus.tryEnter();
        while (cpu == null) {
            Thread.onSpinWait();
            cpu = cpus.tryEnter();
        }
        try {
            final long address = stack.pushEntry(cpu, KmapCell.frame(index), true, Backing.LOW);
            final int seen = KmapCell.look(table, address, index);
            stack.pop(cpu, address);
            return seen;
        } catch (final IllegalStateException e) {
            // Or the other would ask for ever.
            if (cpus.isOccupant(cpu)) {
                cpu.exit();
            }
            return KmapCell.WRONG;
        }
    }

    /** 1 if all is undone, and by whom it was mapped. Then it serves the next state. */
    int settle() {
        try {
            new StackReport(cpus, stack).verify();
            cpus.verifyQuiet();
        } catch (final AssertionError e) {
            return 0;
        }
        if (stack.leftOpen() != 0) {
            return 0;
        }
        SETTLED.add(this);
        return 1;
    }
}
