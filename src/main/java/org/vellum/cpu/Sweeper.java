package org.vellum.cpu;

import java.util.concurrent.locks.ReentrantLock;
import org.vellum.report.Listener;

/**
 * Frees slots that dead threads left occupied.
 *
 * <p>A slot is force-exited only if all three hold: the stored thread matches the id in the word, that thread is dead, and the
 * CAS of that very word to idle succeeds; the word is read after the thread was seen dead. {@code Thread.isAlive() == false} gives happens-before (JLS 17.4.4), so what the
 * dead thread did in its section is visible to the next occupant. Ids are never reused, so the word cannot mean another
 * thread. While the word stands, only a sweeper writes the record of a dead occupant, and one lock makes that one sweeper.
 */
public final class Sweeper {
    private final Cpus cpus;
    private final Listener listener;
    private final ReentrantLock lock = new ReentrantLock();

    /**
     * @param cpus the slots to sweep.
     * @param listener hears of each force-exit.
     */
    public Sweeper(final Cpus cpus, final Listener listener) {
        this.cpus = cpus;
        this.listener = listener;
    }

    /**
     * Looks at every slot once. Never waits: if another thread is sweeping, leaves it to that one.
     *
     * @return how many slots were freed.
     */
    public int sweep() {
        if (!lock.tryLock()) {
            return 0;
        }
        int freed = 0;
        try {
            for (int i = 0, n = cpus.limit(); i < n; i++) {
                if (sweep(cpus.cpu(i))) {
                    freed++;
                }
            }
        } finally {
            lock.unlock();
        }
        return freed;
    }

    private boolean sweep(final Cpu cpu) {
        final Thread thread = cpu.occupant;
        if (thread == null || thread.isAlive()) {
            return false;
        }
        // Only now, when the thread is known to be dead, are its last words read: a word read before might have been left
        // behind by then, and the slot belong to somebody else. The occupant is read again for ids that do not fit: their
        // words look alike, but such a thread takes itself off the slot before it leaves.
        final long occupancy = cpus.occupancy(cpu.index);
        if (occupancy == SlotLayout.IDLE || !cpus.matches(thread, occupancy) || cpu.occupant != thread) {
            return false;
        }
        giveUp(cpu, thread);
        final long id = ThreadIds.of(thread);
        final long at = (long)cpu.index * SlotLayout.STRIDE_WORDS;
        final boolean displaced = cpus.slots.getPlain(at + SlotLayout.STATE) >>> 32 != 0;
        cpus.slots.putPlain(at + SlotLayout.STATE, 0);
        if (cpus.wordId(id) != id) {
            cpu.occupant = null;
        }
        if (!cpus.slots.compareAndSet(at, occupancy, SlotLayout.IDLE)) {
            throw new AssertionError("the word of a dead thread changed: slot=" + cpu.index);
        }
        if (displaced) {
            cpus.cells.getAndAdd(cpus.cellIndex(id), -SlotLayout.CELL_DISPLACED_ONE);
        }
        report(cpu, thread);
        return true;
    }

    /** While the word still stands: nobody else enters, and what the dead thread wrote is visible. */
    private void giveUp(final Cpu cpu, final Thread thread) {
        try {
            cpus.forcedExit.beforeExit(cpu, thread.getName());
        } catch (final RuntimeException | Error ignored) {
            // The slot is freed all the same: others may be waiting for it.
        }
    }

    private void report(final Cpu cpu, final Thread thread) {
        try {
            listener.sectionForceExited(cpu.index, thread.getName());
        } catch (final RuntimeException | Error ignored) {
            // A listener that throws must not undo the sweep.
        }
    }
}
