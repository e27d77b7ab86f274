package org.vellum.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The steps of the argument in {@link Cpus}, one after the other: what a thread does with a cell that it saw too early. */
@Timeout(120)
class RehomeTest {
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(4).withMaxSlots(4).withCells(1));
    private final ExecutorService holder = Executors.newSingleThreadExecutor();
    private final ExecutorService displaced = Executors.newSingleThreadExecutor();

    @AfterEach
    void stop() {
        holder.shutdownNow();
        displaced.shutdownNow();
    }

    private static <T> T on(final ExecutorService thread, final Callable<T> body) throws Exception {
        return thread.submit(body).get();
    }

    /** One thread finds the affine slot busy and leaves its cell at another: the re-homing of the argument. */
    private int rehome() throws Exception {
        final Cpu held = on(holder, cpus::enter);
        final Cpu other = on(displaced, cpus::enter);
        assertNotEquals(held, other);
        on(holder, () -> exit(held));
        on(displaced, () -> exit(other));
        return other.index();
    }

    private static Cpu exit(final Cpu cpu) {
        cpu.exit();
        return cpu;
    }

    @Test
    void threadThatSawTheCellBeforeItMovedLeavesTheOldSlotAgain() throws Exception {
        final long seen = cpus.cells.getVolatile(0);
        final Cpu old = cpus.cpu(SlotLayout.slotOf(seen));
        assertNotEquals(old.index(), rehome());
        final Thread me = Thread.currentThread();
        // Without step (B) this enters the old slot, and a nested enter would take the new one: two slots, one section.
        assertFalse(cpus.enterAt(old, old.record, me, ThreadIds.of(me), cpus.cells.address(0), seen));
        assertEquals(SlotLayout.IDLE, cpus.occupancy(old.index()));
        cpus.verifyQuiet();
    }

    @Test
    void cellStaysWhereAThreadOfItIsInside() throws Exception {
        final Cpu mine = cpus.enter();
        final Cpu other = on(displaced, cpus::enter);
        on(displaced, () -> exit(other));
        assertEquals(1, cpus.displacement().rehomesUndone.get());
        assertSame(mine, cpus.enter());
        mine.exit();
        mine.exit();
        cpus.verifyQuiet();
    }
}
