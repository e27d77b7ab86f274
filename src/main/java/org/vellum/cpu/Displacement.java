package org.vellum.cpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.vellum.report.ExhaustedException;

/**
 * The slow way in and out: the affine slot is busy, or the thread's id does not fit the word.
 *
 * <p>A displaced thread is counted in its cell from before it occupies another slot until after it has left it, which is
 * rule (N) of the package documentation. At its exit it offers its cell the slot it was at, so that it finds that slot
 * at once next time: the argument is in {@link Cpus}.
 *
 * <p>Threads whose id does not fit 32 bits are always displaced: the word bears 0 for all of them, and they recognise their
 * slot by the stored {@link Thread}, which they clear before they leave (nobody else ever stores them).
 */
final class Displacement {
    private static final int SPINS_PER_PARK = 64;
    private static final long PARK_NANOS = 50_000;

    private final Cpus cpus;

    /** Counted for tests that must prove their own coverage; off the fast path. */
    final AtomicLong entries = new AtomicLong();
    final AtomicLong rehomed = new AtomicLong();
    final AtomicLong rehomesUndone = new AtomicLong();
    final AtomicLong waits = new AtomicLong();

    private final AtomicLong nextSlot = new AtomicLong();
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile Runnable slotsBusy = () -> { };

    Displacement(final Cpus cpus) {
        this.cpus = cpus;
    }

    void onSlotsBusy(final Runnable action) {
        slotsBusy = action;
    }

    /** Whether this call was the first. */
    boolean close() {
        return closed.compareAndSet(false, true);
    }

    private void requireOpen() {
        if (closed.get()) {
            throw new IllegalStateException("the memory is closed");
        }
    }

    Cpu enter(final Thread thread, final long id, final boolean mayWait) {
        StackReserve.ensure();
        entries.incrementAndGet();
        final Cpu held = held(thread, id);
        if (held != null) {
            addState(held, 1);
            return held;
        }
        requireOpen();
        assign(cpus.cellIndex(id));
        final Cpu cpu = enterAny(thread, id);
        return cpu != null || !mayWait ? cpu : enterWaiting(thread, id);
    }

    private Cpu enterAny(final Thread thread, final long id) {
        final Cpu cpu = enterAffine(thread, id);
        return cpu != null ? cpu : enterElsewhere(thread, id);
    }

    private Cpu enterWaiting(final Thread thread, final long id) {
        final long deadline = System.nanoTime() + cpus.options.slotWaitNanos();
        boolean interrupted = false;
        try {
            for (int attempt = 1;; attempt++) {
                interrupted |= waitForSlot(attempt, deadline);
                final Cpu cpu = enterAny(thread, id);
                if (cpu != null) {
                    return cpu;
                }
            }
        } finally {
            if (interrupted) {
                thread.interrupt();
            }
        }
    }

    /** Returns whether an interrupt was taken off the thread: with it no park would park. The caller puts it back. */
    private boolean waitForSlot(final int attempt, final long deadline) {
        if (attempt % SPINS_PER_PARK != 0) {
            Thread.onSpinWait();
            return false;
        }
        waits.incrementAndGet();
        if (System.nanoTime() - deadline >= 0) {
            throw new ExhaustedException(ExhaustedException.Resource.SLOTS,
                "no CPU slot became idle within " + cpus.options.slotWaitNanos() + " ns: " + cpus.describeHolders(8));
        }
        slotsBusy.run();
        // Parked, never yielded: a virtual thread must let the carrier go on with the one that holds the slot.
        LockSupport.parkNanos(this, PARK_NANOS);
        return Thread.interrupted();
    }

    /** The slot that the thread occupies, or null: exact, because only the thread itself writes its own id. */
    Cpu held(final Thread thread, final long id) {
        final long cell = cpus.cells.getVolatile(cpus.cellIndex(id));
        if (!SlotLayout.isAssigned(cell)) {
            return null;
        }
        final boolean fits = cpus.wordId(id) == id;
        if (fits) {
            final Cpu affine = cpus.cpus[SlotLayout.slotOf(cell)];
            if (SlotLayout.threadIdOf(cpus.occupancy(affine.index)) == id) {
                return affine;
            }
        }
        if (SlotLayout.displacedOf(cell) == 0) {
            return null;
        }
        for (int i = 0, n = cpus.limit(); i < n; i++) {
            final long occupancy = cpus.occupancy(i);
            if (occupancy != SlotLayout.IDLE && SlotLayout.threadIdOf(occupancy) == cpus.wordId(id)
                && (fits || cpus.cpus[i].occupant == thread)) {
                return cpus.cpus[i];
            }
        }
        return null;
    }

    /**
     * The affine slot of a cell that has none yet, or counts somebody as displaced. Nobody need enter for it: dealing a slot to a cell
     * occupies nothing.
     */
    int affineSlot(final long id) {
        requireOpen();
        final long cellIndex = cpus.cellIndex(id);
        assign(cellIndex);
        // Of a cell that close() has just kept from being dealt a slot this is 0, which is one too.
        return SlotLayout.slotOf(cpus.cells.getVolatile(cellIndex));
    }

    private Cpu enterAffine(final Thread thread, final long id) {
        if (cpus.wordId(id) != id) {
            return null;
        }
        final long cellIndex = cpus.cellIndex(id);
        final int slot = SlotLayout.slotOf(cpus.cells.getVolatile(cellIndex));
        final Cpu cpu = cpus.cpus[slot];
        if (!occupy(cpu, id)) {
            return null;
        }
        // Volatile: a2 of the argument in Cpus. Only the slot matters: the count may be somebody else's.
        if (SlotLayout.slotOf(cpus.cells.getVolatile(cellIndex)) == slot) {
            cpu.occupant = thread;
            return cpu;
        }
        vacate(cpu);
        return null;
    }

    private Cpu enterElsewhere(final Thread thread, final long id) {
        // Counted first: a nested enter must find the count above zero as soon as the slot is ours.
        final long cell = cpus.cells.getAndAdd(cpus.cellIndex(id), SlotLayout.CELL_DISPLACED_ONE);
        final Cpu cpu = occupyAny(SlotLayout.slotOf(cell) + 1, id);
        if (cpu == null) {
            cpus.cells.getAndAdd(cpus.cellIndex(id), -SlotLayout.CELL_DISPLACED_ONE);
            return null;
        }
        settle(cpu, thread, SlotLayout.STATE_DISPLACED);
        return cpu;
    }

    private Cpu occupyAny(final int start, final long id) {
        final int cached = cpus.cachedSlots();
        for (int i = 0; i < cached; i++) {
            final Cpu cpu = cpus.cpus[(start + i) & (cached - 1)];
            if (occupy(cpu, id)) {
                return cpu;
            }
        }
        for (int i = cached; i < cpus.options.maxSlots(); i++) {
            if (occupy(cpus.cpus[i], id)) {
                return cpus.cpus[i];
            }
        }
        return null;
    }

    Cpu visit(final Cpu cpu, final Thread thread, final long id) {
        requireOpen();
        if (cpus.occupancy(cpu.index) != SlotLayout.IDLE) {
            return null;
        }
        StackReserve.ensure();
        assign(cpus.cellIndex(id));
        cpus.cells.getAndAdd(cpus.cellIndex(id), SlotLayout.CELL_DISPLACED_ONE);
        if (!occupy(cpu, id)) {
            cpus.cells.getAndAdd(cpus.cellIndex(id), -SlotLayout.CELL_DISPLACED_ONE);
            return null;
        }
        settle(cpu, thread, SlotLayout.STATE_VISITING);
        return cpu;
    }

    private void settle(final Cpu cpu, final Thread thread, final long why) {
        addState(cpu, why);
        cpu.occupant = thread;
    }

    /** Deals the next slot to a cell that has none. Neighbours in time get different slots. */
    private void assign(final long cellIndex) {
        final long cell = cpus.cells.getVolatile(cellIndex);
        if (!SlotLayout.isAssigned(cell)) {
            final int slot = (int)(nextSlot.getAndIncrement() & (cpus.cachedSlots() - 1));
            cpus.cover(slot);
            // CAS: of two threads of a new cell one deals, and the limit covers the slot before it can be entered.
            // What close() added to it stays.
            cpus.cells.compareAndSet(cellIndex, cell, cell - SlotLayout.CELL_UNASSIGNED | slot);
        }
    }

    private boolean occupy(final Cpu cpu, final long id) {
        final long at = (long)cpu.index * SlotLayout.STRIDE_WORDS;
        if (cpus.slots.getOpaque(at) != SlotLayout.IDLE) {
            return false;
        }
        cpus.cover(cpu.index);
        final long announced = SlotLayout.occupied(cpus.wordId(id), cpus.clock().getOpaque(0));
        // Volatile: announces the epoch (partner: the fence in Epochs.stamp) and is a1 of the argument in Cpus.
        return cpus.slots.compareAndSet(at, SlotLayout.IDLE, announced);
    }

    private void vacate(final Cpu cpu) {
        // Release: partner of the scan of the slots in Epochs.
        cpus.slots.putRelease((long)cpu.index * SlotLayout.STRIDE_WORDS, SlotLayout.IDLE);
    }

    private long state(final Cpu cpu) {
        return cpus.slots.getPlain((long)cpu.index * SlotLayout.STRIDE_WORDS + SlotLayout.STATE);
    }

    private void addState(final Cpu cpu, final long delta) {
        final long at = (long)cpu.index * SlotLayout.STRIDE_WORDS + SlotLayout.STATE;
        cpus.slots.putPlain(at, cpus.slots.getPlain(at) + delta);
    }

    /** Outermost exit of a displaced thread: b1, b2, b3 of the argument in Cpus. */
    void exit(final Cpu cpu, final long id) {
        StackReserve.ensureForExit();
        final long why = state(cpu);
        addState(cpu, -why);
        final boolean fits = cpus.wordId(id) == id;
        if (!fits) {
            cpu.occupant = null;
        }
        final long cellIndex = cpus.cellIndex(id);
        if (fits && cpu.cached && why == SlotLayout.STATE_DISPLACED) {
            rehome(cellIndex, cpu, id);
        }
        vacate(cpu);
        cpus.cells.getAndAdd(cellIndex, -SlotLayout.CELL_DISPLACED_ONE);
    }

    private void rehome(final long cellIndex, final Cpu cpu, final long id) {
        final long cell = cpus.cells.getVolatile(cellIndex);
        final int old = SlotLayout.slotOf(cell);
        if (old == cpu.index || SlotLayout.displacedOf(cell) != 1
            || !cpus.cells.compareAndSet(cellIndex, cell, SlotLayout.withSlot(cell, cpu.index))) {
            return;
        }
        rehomed.incrementAndGet();
        final long occupancy = cpus.occupancy(old);
        if (occupancy != SlotLayout.IDLE && cpus.cellIndex(SlotLayout.threadIdOf(occupancy)) == cellIndex) {
            rehomesUndone.incrementAndGet();
            putBack(cellIndex, old);
        }
    }

    private void putBack(final long cellIndex, final int slot) {
        long cell;
        do {
            cell = cpus.cells.getVolatile(cellIndex);
        } while (!cpus.cells.compareAndSet(cellIndex, cell, SlotLayout.withSlot(cell, slot)));
    }

    void requireOccupant(final Cpu cpu, final Thread thread, final long id) {
        final long occupancy = cpus.occupancy(cpu.index);
        final boolean mine = occupancy != SlotLayout.IDLE && SlotLayout.threadIdOf(occupancy) == cpus.wordId(id)
            && (cpus.wordId(id) == id || cpu.occupant == thread);
        if (!mine) {
            throw new IllegalStateException("exit by a thread that does not occupy the slot: slot=" + cpu.index
                + " thread=" + thread.getName());
        }
    }
}
