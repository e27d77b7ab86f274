package org.vellum.cpu;

import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;
import org.vellum.report.ExhaustedException;

/**
 * The slots, and how threads enter and leave them.
 *
 * <h2>Enter and exit</h2>
 * <pre>
 *   enter:  c = cell(my id)                              exit:  nested? count down, done
 *           w = occupancy(slot of c)                            displaced? see {@link Displacement}
 *           w bears my id   → nest, done                        occupancy := idle (release)
 *           w idle and nobody displaced in c:
 *               CAS w: idle → (me, epoch)     (A)
 *               cell(my id) still c?          (B)  else leave and take the slow way
 * </pre>
 * The CAS (A) is also the announcement of the epoch: it is the partner of the fence in {@code Epochs.stamp}. The epoch
 * may have advanced between its load and the CAS; an older announcement only holds up more than it needs to.
 *
 * <p>The word is loaded before the CAS is tried: a CAS that fails costs some 20 ns, which is what nesting by trial would
 * pay each time.
 *
 * <h2>Why (B): the argument for rule (N) of the package documentation</h2>
 * Threads that share a cell may find its affine slot changed by one of them, at that one's exit
 * ({@link Displacement#exit}). Let U re-home cell c from slot A to slot B while T, of the same cell, enters A:
 * <pre>
 *   T (enter)                                U (exit while displaced, count of c is 1: only U)
 *   a1: CAS occupancy(A): idle → T           b1: CAS c: (A, displaced 1) → (B, displaced 1)
 *   a2: load c, volatile: still A?           b2: load occupancy(A), volatile: a thread of cell c?
 *                                                yes → put A back into c
 *                                            b3: displaced count of c − 1
 * </pre>
 * Both pairs are a volatile write followed by a volatile read of what the other wrote, so in the total order of
 * synchronisation actions either a1 precedes b2, and U sees T and puts A back, or b1 precedes a2, and T sees B and leaves
 * again. Until b3 the count is above zero, so a nested enter of T searches the slots for its own id and cannot be
 * misled by the value of c in between. T displaced elsewhere is counted in c itself, so b1, which needs a count of exactly 1,
 * fails. Hence (N) holds whenever the count is zero. {@code NestedWhileDisplacedStress} runs
 * the race; {@code RehomeTest} plays it step by step, and without (B) finds two slots for one section.
 *
 * <p>Thread safety: all public methods may be called by any thread.
 */
public final class Cpus {
    final CpuOptions options;
    final Words slots;
    final Words cells;
    final Cpu[] cpus;

    private final Words clock = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final Words limit = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final long clockAddress;
    private final long cellsBase;
    private final long slotsBase;
    private final long cellMask;
    private final long idLimit;
    /** Volatile: set once, while the rooms above are put together; read by sweepers. */
    volatile ForcedExit forcedExit = (cpu, thread) -> { };
    private final Displacement displacement;
    private final AtomicLong slotlessClears = new AtomicLong();

    /**
     * @param options how many slots, and the limits.
     */
    public Cpus(final CpuOptions options) {
        this.options = options;
        slots = Words.zeroed((long)options.maxSlots() * SlotLayout.STRIDE_WORDS);
        cells = Words.reserve(options.cells());
        cpus = new Cpu[options.maxSlots()];
        for (int i = 0; i < cpus.length; i++) {
            cpus[i] = new Cpu(this, i, slots.address((long)i * SlotLayout.STRIDE_WORDS), i < options.cachedSlots());
        }
        for (int i = 0; i < options.cells(); i++) {
            cells.putPlain(i, SlotLayout.CELL_UNASSIGNED);
        }
        limit.putPlain(0, 1);
        clock.putPlain(0, options.firstEpoch());
        clockAddress = clock.address(0);
        cellsBase = cells.address(0);
        slotsBase = slots.address(0);
        cellMask = options.cells() - 1;
        idLimit = options.threadIdLimit();
        displacement = new Displacement(this);
        UnsafeApi.fullFence();
    }

    /**
     * Occupies a slot for the calling thread, or nests in the one it occupies. Waits, parked, only if every slot is busy.
     *
     * @return the slot; the caller owes it one {@link Cpu#exit()}.
     * @throws ExhaustedException if no slot became idle in time; the text names the holders.
     * @throws IllegalStateException after {@link #close()}.
     */
    public Cpu enter() {
        final Thread thread = Thread.currentThread();
        final long id = ThreadIds.of(thread);
        final long cellAddress = cellsBase + ((id & cellMask) << 3);
        final long cell = UnsafeApi.getLongOpaque(null, cellAddress);
        if (cell < SlotLayout.CELL_DISPLACED_ONE) {
            // Where the record is follows from the number: the object, which is found by three loads more, is not waited for.
            final Cpu cpu = cpus[(int)cell];
            if (enterAt(cpu, slotsBase + (cell << SlotLayout.STRIDE_SHIFT), thread, id, cellAddress, cell)) {
                return cpu;
            }
        }
        return displacement.enter(thread, id, true);
    }

    /**
     * {@link #enter()} with a guess at the slot: right if the calling thread got this {@code Cpu} from an earlier enter and
     * has not been re-homed since, else ignored.
     *
     * @param hint a slot of this object, or null for no guess.
     * @return the slot; the caller owes it one {@link Cpu#exit()}.
     * @throws ExhaustedException if no slot became idle in time; the text names the holders.
     */
    public Cpu enter(final Cpu hint) {
        if (hint == null || hint.cpus != this) {
            return enter();
        }
        final Thread thread = Thread.currentThread();
        final long id = ThreadIds.of(thread);
        final long cellAddress = cellsBase + ((id & cellMask) << 3);
        // The hint's gain: this load no longer stands before the load of the slot, only beside it.
        if (UnsafeApi.getLongOpaque(null, cellAddress) == hint.index
            && enterAt(hint, hint.record, thread, id, cellAddress, hint.index)) {
            return hint;
        }
        return enter();
    }

    /**
     * {@link #enter()} that never waits.
     *
     * @return the slot, or null if all are busy.
     */
    public Cpu tryEnter() {
        final Thread thread = Thread.currentThread();
        final long id = ThreadIds.of(thread);
        final long cellAddress = cellsBase + ((id & cellMask) << 3);
        final long cell = UnsafeApi.getLongOpaque(null, cellAddress);
        if (cell < SlotLayout.CELL_DISPLACED_ONE) {
            // Where the record is follows from the number: the object, which is found by three loads more, is not waited for.
            final Cpu cpu = cpus[(int)cell];
            if (enterAt(cpu, slotsBase + (cell << SlotLayout.STRIDE_SHIFT), thread, id, cellAddress, cell)) {
                return cpu;
            }
        }
        return displacement.enter(thread, id, false);
    }

    /**
     * {@link #enter(Cpu)} for a step so short that it ends before anything of the caller's does: in a section of the caller's it need not nest.
     *
     * @param hint a slot of this object, or null for no guess.
     * @return the slot, owed one {@link Cpu#exit()}; null if the caller is inside a section, and nothing is owed.
     * @throws ExhaustedException if no slot became idle in time; the text names the holders.
     * @throws IllegalStateException after {@link #close()}.
     */
    public Cpu enterUnlessInside(final Cpu hint) {
        if (hint != null && isOccupant(hint)) {
            return null;
        }
        final Thread thread = Thread.currentThread();
        final long id = ThreadIds.of(thread);
        final long cellAddress = cellsBase + ((id & cellMask) << 3);
        final long cell = UnsafeApi.getLongOpaque(null, cellAddress);
        if (cell < SlotLayout.CELL_DISPLACED_ONE) {
            final long record = slotsBase + (cell << SlotLayout.STRIDE_SHIFT);
            if (SlotLayout.threadIdOf(UnsafeApi.getLongOpaque(null, record)) == id) {
                return null;
            }
            final Cpu cpu = cpus[(int)cell];
            if (enterAt(cpu, record, thread, id, cellAddress, cell)) {
                return cpu;
            }
        }
        return displacement.enter(thread, id, true);
    }

    /** Tries one slot; {@code cell} is what the caller saw in its cell, perhaps a while ago. Package-private for tests. */
    boolean enterAt(
        final Cpu cpu, final long record, final Thread thread, final long id, final long cellAddress, final long cell) {
        // Nested or not: an enter that just fits must leave room for its exit. Ids that do not fit the word take the slow way.
        if (StackReserve.ensure(id, idLimit)) {
            return false;
        }
        final long occupancy = UnsafeApi.getLongOpaque(null, record);
        if (occupancy == SlotLayout.IDLE) {
            final long announced = SlotLayout.occupied(id, UnsafeApi.getLongOpaque(null, clockAddress));
            // Volatile: announces the epoch (partner: the fence in Epochs.stamp) and is a1 of the argument above.
            if (UnsafeApi.compareAndSetLong(null, record, SlotLayout.IDLE, announced)) {
                // Volatile: a2 of the argument above; partner: the CAS of the cell in Displacement.exit.
                if (UnsafeApi.getLongVolatile(null, cellAddress) == cell) {
                    if (cpu.occupant != thread) {
                        cpu.occupant = thread;
                    }
                    return true;
                }
                UnsafeApi.putLongRelease(null, record, SlotLayout.IDLE);
            }
            return false;
        }
        if (SlotLayout.threadIdOf(occupancy) == id) {
            final long state = record + SlotLayout.STATE * Long.BYTES;
            UnsafeApi.putLong(state, UnsafeApi.getLong(state) + 1);
            return true;
        }
        return false;
    }

    void exit(final Cpu cpu) {
        final long record = cpu.record;
        final Thread thread = Thread.currentThread();
        final long id = ThreadIds.of(thread);
        // An id that does not fit is in no word.
        if (SlotLayout.threadIdOf(UnsafeApi.getLongOpaque(null, record)) != id) {
            displacement.requireOccupant(cpu, thread, id);
        }
        final long state = record + SlotLayout.STATE * Long.BYTES;
        final long nested = UnsafeApi.getLong(state);
        if (nested == 0) {
            // Release: what the section did precedes its end; partner: the acquire scan of the slots in Epochs.
            UnsafeApi.putLongRelease(null, record, SlotLayout.IDLE);
        } else if ((int)nested != 0) {
            UnsafeApi.putLong(state, nested - 1);
        } else {
            displacement.exit(cpu, id);
        }
    }

    /**
     * Whether the calling thread is inside a section on this very slot: the cheap question of methods that are called inside
     * a section with its slot, and need not nest because they leave before it ends.
     *
     * @param cpu a slot of this object.
     * @return whether the caller occupies it; false, too, for threads whose id does not fit the word.
     */
    public boolean isOccupant(final Cpu cpu) {
        final long id = ThreadIds.of(Thread.currentThread());
        return cpu.cpus == this && SlotLayout.threadIdOf(UnsafeApi.getLongOpaque(null, cpu.record)) == id;
    }

    /**
     * @param cpu any slot.
     * @return whether it is one of this object's.
     */
    public boolean owns(final Cpu cpu) {
        return cpu.cpus == this;
    }

    /**
     * The slot that the calling thread occupies.
     *
     * @return the slot, or null outside a section.
     */
    public Cpu current() {
        final Thread thread = Thread.currentThread();
        return displacement.held(thread, ThreadIds.of(thread));
    }

    /** @return whether the calling thread is inside a section. */
    public boolean inSection() {
        return current() != null;
    }

    /**
     * The kernel's might_sleep: every method that may wait calls this first, whether or not it will have to.
     *
     * @param what the method, for the message.
     * @throws IllegalStateException inside a section: a wait there could wait for the caller itself.
     */
    public void mightSleep(final String what) {
        final Cpu held = current();
        if (held != null) {
            throw new IllegalStateException(what + " may wait, and the calling thread is inside a section: slot="
                + held.index);
        }
    }

    /**
     * Occupies one given slot, to drain its caches, if it is idle. Never waits. Allowed inside a section of the caller's, too:
     * a visit is not a section, and ends before anything else; the caller must not enter while it lasts.
     *
     * @param index of the slot, below {@link #limit()}.
     * @return the slot, owed an exit, or null.
     */
    public Cpu tryVisit(final int index) {
        final Thread thread = Thread.currentThread();
        return displacement.visit(cpus[index], thread, ThreadIds.of(thread));
    }

    /**
     * Sets what a thread does that finds every slot busy, before it waits: freeing the slots of the dead.
     *
     * @param action called outside sections; must not wait.
     */
    public void onSlotsBusy(final Runnable action) {
        displacement.onSlotsBusy(action);
    }

    /**
     * Sets what is done about the words of a slot whose occupant has died, before the slot is freed.
     *
     * @param action called by the one sweeper there is at a time, on whatever thread sweeps, perhaps inside a section of its; must not wait,
     *               nor enter. What it throws is swallowed.
     */
    public void onForcedExit(final ForcedExit action) {
        forcedExit = action;
    }

    /** Hears of slots that dead threads have left occupied. */
    @FunctionalInterface
    public interface ForcedExit {
        /**
         * @param cpu the slot, which nobody else can enter meanwhile.
         * @param thread name of the dead thread.
         */
        void beforeExit(Cpu cpu, String thread);
    }

    /**
     * Lets nobody enter any more; who is inside may nest and leave. Costs the fast path nothing: every cell counts one
     * displaced thread for good, so each enter takes the slow way, and is told there.
     */
    public void close() {
        if (displacement.close()) {
            for (int i = 0; i < options.cells(); i++) {
                cells.getAndAdd(i, SlotLayout.CELL_DISPLACED_ONE);
            }
        }
    }

    /** @return how many slots carry caches. */
    public int cachedSlots() {
        return options.cachedSlots();
    }

    /** @return how many slots there can ever be. */
    public int maxSlots() {
        return options.maxSlots();
    }

    /** @return how many of the slots that carry caches are in use or were: only those can have anything in their caches. */
    public int usedCachedSlots() {
        return Math.min(limit(), options.cachedSlots());
    }

    /** @return how many slots are in use or were: who scans announcements scans these. */
    public int limit() {
        // Volatile: partner of the CAS in cover(). A slot is entered only after the limit covers it, so a reader that a scan misses
        // because it read the limit before, entered after the scan as if that slot had been seen idle.
        return (int)limit.getVolatile(0);
    }

    /**
     * @param index of a slot, below {@link #limit()}.
     * @return the object of that slot.
     */
    public Cpu cpu(final int index) {
        return cpus[index];
    }

    /**
     * The global epoch. This room carries the word because entering announces it; only {@code Epochs} advances it.
     *
     * @return the word, at index 0; its neighbours share no cache line with it.
     */
    public Words clock() {
        return clock;
    }

    /**
     * What a slot announces, in the order of synchronisation actions.
     *
     * @param index of the slot.
     * @return 0 if idle, else thread id (high half) and epoch (low half).
     */
    public long occupancy(final int index) {
        return slots.getVolatile((long)index * SlotLayout.STRIDE_WORDS);
    }

    /**
     * @param occupancy of a slot, not 0.
     * @return the low 32 bits of the epoch in which its section began.
     */
    public static int epochOf(final long occupancy) {
        return SlotLayout.epochOf(occupancy);
    }

    /**
     * Notes that the occupant has cleared mappings: a count per slot, so that whoever must wait for all translations of
     * cleared entries knows whether there are any, without a shared word.
     *
     * @param cpu a slot that the caller occupies, or null if it could get none.
     */
    public void noteClear(final Cpu cpu) {
        if (cpu == null) {
            // Volatile: the entries were cleared before; partner: the load in slotlessClears().
            slotlessClears.incrementAndGet();
            return;
        }
        final long clears = cpu.record + SlotLayout.CLEARS * Long.BYTES;
        // Release: the entries were cleared before; partner: the acquire in clears().
        UnsafeApi.putLongRelease(null, clears, UnsafeApi.getLong(clears) + 1);
    }

    /** @return how often threads without a slot noted a clear, ever. */
    public long slotlessClears() {
        return slotlessClears.get();
    }

    /**
     * @param index of a slot.
     * @return how often its occupants noted a clear, ever.
     */
    public long clears(final int index) {
        // Acquire: partner of the release in noteClear.
        return slots.getAcquire((long)index * SlotLayout.STRIDE_WORDS + SlotLayout.CLEARS);
    }

    /**
     * The thread that occupies a slot, for reports.
     *
     * @param index of the slot.
     * @return the thread if it is certain, else null.
     */
    public Thread occupant(final int index) {
        final long occupancy = occupancy(index);
        final Thread thread = cpus[index].occupant;
        return occupancy != SlotLayout.IDLE && thread != null && matches(thread, occupancy) ? thread : null;
    }

    /** The slow way, whose counters let tests prove that they took it. */
    Displacement displacement() {
        return displacement;
    }

    boolean matches(final Thread thread, final long occupancy) {
        return wordId(ThreadIds.of(thread)) == SlotLayout.threadIdOf(occupancy);
    }

    /** The id as the occupancy word bears it: 0 stands for all ids that do not fit. */
    long wordId(final long id) {
        return id < idLimit ? id : 0;
    }

    long cellIndex(final long id) {
        return id & cellMask;
    }

    /** Makes the limit cover a slot, before it is entered: whoever scans must not miss it. */
    void cover(final int index) {
        for (int covered = limit(); covered <= index; covered = limit()) {
            // CAS: partner of the volatile load in limit().
            limit.compareAndSet(0, covered, index + 1);
        }
    }

    /**
     * Says who occupies the slots, for the message of an exhaustion.
     *
     * @param most how many to name.
     * @return one line.
     */
    public String describeHolders(final int most) {
        final StringBuilder text = new StringBuilder();
        int busy = 0;
        for (int i = 0, n = limit(); i < n; i++) {
            final long occupancy = occupancy(i);
            if (occupancy != SlotLayout.IDLE && busy++ < most) {
                final Thread thread = occupant(i);
                text.append(busy == 1 ? "" : ", ").append("slot ").append(i).append(": ")
                    .append(thread == null ? "unknown thread" : thread.getName());
            }
        }
        return busy == 0 ? "no slot is occupied" : busy + " of " + limit() + " slots are occupied (" + text + ")";
    }

    /**
     * Walks the slots and cells of a quiet system: every slot idle, nobody displaced.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verifyQuiet() {
        for (int i = 0, n = limit(); i < n; i++) {
            final long at = (long)i * SlotLayout.STRIDE_WORDS;
            if (slots.getVolatile(at) != SlotLayout.IDLE || slots.getPlain(at + SlotLayout.STATE) != 0) {
                throw new AssertionError("slot=" + i + " occupancy=" + Long.toHexString(slots.getVolatile(at))
                    + " state=" + Long.toHexString(slots.getPlain(at + SlotLayout.STATE)) + " " + describeHolders(4));
            }
        }
        for (int i = 0; i < options.cells(); i++) {
            final long cell = cells.getVolatile(i);
            if (SlotLayout.isAssigned(cell)
                && (SlotLayout.displacedOf(cell) != 0 || SlotLayout.slotOf(cell) >= options.cachedSlots())) {
                throw new AssertionError("cell=" + i + " value=" + Long.toHexString(cell));
            }
        }
    }
}
