package org.vellum.frame;

import java.util.Objects;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;
import org.vellum.report.Events;

/**
 * Allocates and frees blocks of page frames: 2<sup>order</sup> frames, aligned to their size, named by the first.
 *
 * <p>Orders 0..3 come from lists of the slot that the caller occupies, whatever is larger, or what a slot without caches asks for,
 * from the buddy. A hit in the list costs a handful of plain loads and stores; a free one compare-and-set on the block's own word
 * besides, which is what makes exactly one of two frees win. See the package documentation for the protocol.
 *
 * <p>This class is the room's face and the hits; what a list cannot serve is the business of {@link Supply}, many frames at once
 * that of {@link BulkFrames}, several owners that of {@link References}, any number of frames in a row that of {@link FrameRuns}, and
 * figures that of {@link FrameTotals}.
 *
 * <p>Thread safety: methods that take a {@link Cpu} are for its occupant; the others are for any thread. Nothing here
 * parks but {@link #drainIdle} and {@link #grow}. Frames carry no owner: any thread may free what another allocated.
 *
 * <p>Misuse throws {@link IllegalArgumentException} or {@link IllegalStateException} and changes nothing.
 */
public final class FrameAllocator {
    private static final long NO_FRAME = PhysicalMemory.NO_FRAME;

    private final Cpus cpus;
    private final PhysicalMemory memory;
    /** A page of them, never written again. */
    private final Words zeroes = Words.zeroed(Pages.SIZE / Long.BYTES);
    private final FrameTable table;
    private final Counters counters = new Counters();
    private final Buddy buddy;
    private final Banks banks;
    private final SlotLists lists;
    private final Depot depot;
    private final FrameTotals totals;
    private final Supply supply;
    private final BulkFrames bulk;
    private final References references;
    private final FrameRuns runs;

    /**
     * Takes no memory yet: the first allocation adds the first bank.
     *
     * @param cpus the slots whose occupants will allocate.
     * @param options how much memory, in what banks.
     */
    public FrameAllocator(final Cpus cpus, final FrameOptions options) {
        this(cpus, options, Events.NONE);
    }

    /**
     * {@link #FrameAllocator(Cpus, FrameOptions)} that tells of banks.
     *
     * @param cpus the slots whose occupants will allocate.
     * @param options how much memory, in what banks.
     * @param events hears of banks that come and go.
     */
    public FrameAllocator(final Cpus cpus, final FrameOptions options, final Events events) {
        this.cpus = cpus;
        memory = new PhysicalMemory(options);
        table = new FrameTable(memory);
        buddy = new Buddy(cpus, memory, table, counters);
        banks = new Banks(cpus, memory, table, buddy, counters, events);
        final long configuredFrames = options.memoryBytes() >>> Pages.SHIFT;
        lists = new SlotLists(cpus, configuredFrames);
        depot = new Depot(lists);
        totals = new FrameTotals(memory, table, banks, lists, depot, counters, configuredFrames);
        supply = new Supply(cpus, table, buddy, banks, lists, depot, counters, totals, options.bankOrder());
        bulk = new BulkFrames(table, buddy, lists, supply);
        references = new References(memory, table);
        runs = new FrameRuns(memory, table, buddy, lists, supply);
    }

    /** Two threads at one slot's lists would own one frame together: a slot that was kept beyond its section is refused. */
    private void requireOccupant(final Cpu cpu) {
        if (cpu == null || !cpus.isOccupant(cpu) && cpus.current() != cpu) {
            throw new IllegalArgumentException("not a slot that the calling thread occupies: cpu=" + cpu);
        }
    }

    /** @return the linear map. */
    public PhysicalMemory memory() {
        return memory;
    }

    /** @return what is known about each frame, and where blocks are marked. */
    public FrameTable table() {
        return table;
    }

    /**
     * Allocates a block, with a reference count of 1 and undefined content.
     *
     * <p>Never parks; if the buddy or a growing bank is contended beyond patience, that too is reported as exhaustion. Outside
     * sections {@link #grow} sees to it beforehand that there are banks enough.
     *
     * @param cpu the slot that the caller occupies.
     * @param order log2 of the frames, at least 0.
     * @return the first frame, or {@link PhysicalMemory#NO_FRAME} if memory is exhausted or the order above that of a
     *     bank.
     * @throws IllegalArgumentException if the order is negative.
     */
    public long allocate(final Cpu cpu, final int order) {
        StackReserve.ensure();
        requireOccupant(cpu);
        final long frame = lists.take(cpu, order);
        if (frame != NO_FRAME) {
            // Opaque: the word is the occupant's while CACHED; whoever frees learns of the frame from its owner.
            table.putWord(frame, FrameWord.allocated(order));
            return frame;
        }
        return supply.allocate(cpu, order);
    }

    /**
     * Frees a block. Never waits, never allocates, never fails.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame the first frame of an allocated block whose count is 1.
     * @param order the order it was allocated with.
     * @throws IllegalArgumentException if there is no such frame, it is inside a block, or the order is another.
     * @throws IllegalStateException if the block is free already, its count is above 1, it is marked, or shown in an address space, which has the
     * reference.
     */
    public void free(final Cpu cpu, final long frame, final int order) {
        StackReserve.ensure();
        requireOccupant(cpu);
        if (!table.claim(frame, order)) {
            throw table.misuse(frame, order);
        }
        table.requireUnmapped(frame, order);
        if (!lists.offer(cpu, order, frame)) {
            supply.giveBack(cpu, frame, order);
        }
    }

    /**
     * Allocates single frames, scattered.
     *
     * @param cpu the slot that the caller occupies.
     * @param frames where to put them.
     * @param offset of the first.
     * @param count how many are wanted.
     * @return how many there were: fewer than {@code count} only if memory is exhausted; the caller keeps those.
     * @throws IndexOutOfBoundsException if they do not fit the array.
     */
    public int allocateBulk(final Cpu cpu, final long[] frames, final int offset, final int count) {
        StackReserve.ensure();
        requireOccupant(cpu);
        Objects.checkFromIndexSize(offset, count, frames.length);
        return bulk.allocate(cpu, frames, offset, count);
    }

    /**
     * Frees single frames: all, or on misuse none.
     *
     * @param cpu the slot that the caller occupies.
     * @param frames where they are.
     * @param offset of the first.
     * @param count how many.
     * @throws IndexOutOfBoundsException if there are not so many in the array.
     * @throws IllegalArgumentException as {@link #free} does.
     * @throws IllegalStateException as {@link #free} does, and if a frame is there twice.
     */
    public void freeBulk(final Cpu cpu, final long[] frames, final int offset, final int count) {
        StackReserve.ensure();
        requireOccupant(cpu);
        Objects.checkFromIndexSize(offset, count, frames.length);
        bulk.free(cpu, frames, offset, count);
    }

    /**
     * Takes one more reference to an allocated block, of which the caller holds one.
     *
     * @param frame its first frame.
     * @throws IllegalArgumentException if there is no such frame or it is inside a block.
     * @throws IllegalStateException if the block is free or marked, or the count is at its limit.
     */
    public void get(final long frame) {
        references.get(frame);
    }

    /**
     * {@link #get} for who has only found the number, and knows that the block is not another's by now: a walker in a section. Makes no
     * garbage, and is a full fence if it succeeds.
     *
     * @param frame any number.
     * @return false, and nothing has changed, if that is not the first frame of an allocated block without a mark, or its count is at its
     *     limit.
     */
    public boolean tryGet(final long frame) {
        return references.tryGet(frame);
    }

    /**
     * Gives one reference back, and with the last the block. Never waits.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame the first frame of the block.
     * @return whether it was the last.
     * @throws IllegalArgumentException if there is no such frame or it is inside a block.
     * @throws IllegalStateException if the block is free or marked.
     */
    public boolean put(final Cpu cpu, final long frame) {
        StackReserve.ensure();
        requireOccupant(cpu);
        final int order = references.drop(frame);
        if (order < 0) {
            return false;
        }
        supply.giveBack(cpu, frame, order);
        return true;
    }

    /**
     * Turns an allocated block into as many blocks of order 0, each with a count of 1, to be freed one by one.
     *
     * @param frame the first frame of a block whose count is 1, which the caller owns.
     * @param order the order it was allocated with.
     * @throws IllegalArgumentException as {@link #free} does.
     * @throws IllegalStateException as {@link #free} does.
     */
    public void split(final long frame, final int order) {
        StackReserve.ensure();
        references.split(frame, order);
    }

    /**
     * Sets a block to zero with plain stores.
     *
     * @param frame its first frame, owned by the caller.
     * @param order log2 of the frames.
     */
    public void zero(final long frame, final int order) {
        if (order == 0) {
            // Half the time of setMemory, which is a call into the JVM until JDK 23: copying is not.
            UnsafeApi.copyMemory(zeroes.address(0), memory.nativeAddress(frame), Pages.SIZE);
        } else {
            UnsafeApi.setMemory(memory.nativeAddress(frame), (long)Pages.SIZE << order, (byte)0);
        }
    }

    /**
     * Sets contiguous frames to zero with plain stores.
     *
     * @param frame the first, all of them owned by the caller.
     * @param frames how many, up to the end of the bank.
     */
    public void zeroRun(final long frame, final long frames) {
        UnsafeApi.setMemory(memory.nativeAddress(frame), frames << Pages.SHIFT, (byte)0);
    }

    /**
     * Allocates contiguous frames, of any number up to a bank's, with undefined content: exactly so many, cut from a block of the
     * next power of two, to which they are aligned. They are owned as a whole, and marked, from the first moment: only
     * {@link #freeRun} frees them. 1, 2, 4 and 8 come from the slot's lists; what is no power of two always visits the buddy.
     *
     * <p>Does not wait for a bank that another thread is adding: a room that calls this in sections of its own would fill all slots with
     * waiting threads. It leaves the section, calls {@link #awaitBank}, and tries again.
     *
     * @param cpu the slot that the caller occupies.
     * @param frames how many, at least 1.
     * @param mark of the first frame, see {@link FrameTable#mark}: 1..{@link FrameTable#MAX_MARK}.
     * @return the first frame, or {@link PhysicalMemory#NO_FRAME} if memory is exhausted, no block or no bank is large
     *     enough, or a bank is on its way.
     * @throws IllegalArgumentException if the number or the mark is out of range.
     */
    public long allocateRun(final Cpu cpu, final long frames, final int mark) {
        StackReserve.ensure();
        requireOccupant(cpu);
        return runs.allocate(cpu, frames, mark);
    }

    /**
     * Frees a run whole, or a single block that was marked. Never waits, never allocates, never fails. Of two frees of one run one
     * wins; a free does not meet a resize either: the later of them is told.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame its first frame.
     * @param mark that it has, 1..{@link FrameTable#MAX_MARK}.
     * @throws IllegalArgumentException if the mark is out of range, there is no such frame, or it is inside a block or a run.
     * @throws IllegalStateException if the run is free already, just being resized, or its mark is another.
     */
    public void freeRun(final Cpu cpu, final long frame, final int mark) {
        StackReserve.ensure();
        requireOccupant(cpu);
        runs.free(cpu, frame, mark);
    }

    /**
     * Makes a run longer where it is: if the frames behind it are free in the buddy, and in the same bank. Those in lists of slots and
     * in the depot do not count as free. The run keeps its mark, and what alignment its first frame has. While this runs, the mark
     * reads as {@link FrameTable#RUN_CHANGING}.
     *
     * <p>Tries the buddy's lock for as long as {@link #allocate} does; never parks.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame the first frame of a run that the caller owns.
     * @param newFrames how many it shall have: not fewer than now.
     * @return false, and nothing has changed, if the frames behind it could not be had.
     * @throws IllegalArgumentException if there is no such frame, it is inside a block or a run, or the run is longer.
     * @throws IllegalStateException if the run is free, just being resized by others, or not marked.
     */
    public boolean growRun(final Cpu cpu, final long frame, final long newFrames) {
        StackReserve.ensure();
        requireOccupant(cpu);
        return runs.grow(frame, newFrames);
    }

    /**
     * Makes a run shorter: its last frames are free afterwards. It keeps its mark, which reads as {@link FrameTable#RUN_CHANGING}
     * meanwhile. Never waits, never fails.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame the first frame of a run that the caller owns.
     * @param newFrames how many it shall keep: at least 1, not more than now.
     * @throws IllegalArgumentException if there is no such frame, it is inside a block or a run, or the number is out of range.
     * @throws IllegalStateException if the run is free, just being resized by others, or not marked.
     */
    public void shrinkRun(final Cpu cpu, final long frame, final long newFrames) {
        StackReserve.ensure();
        requireOccupant(cpu);
        runs.shrink(frame, newFrames);
    }

    /**
     * Gives everything in the lists of a slot back, and what is in the depot unless the buddy is busy. Never waits.
     *
     * @param cpu the slot that the caller occupies.
     * @return how many frames that were.
     */
    public int drain(final Cpu cpu) {
        StackReserve.ensure();
        requireOccupant(cpu);
        return supply.drain(cpu) + supply.drainDepot(false);
    }

    /**
     * Adds banks until so many frames are free in those that are present, or none can be added: what a caller does outside
     * sections before it allocates inside one, where nobody may wait for a bank that another thread is adding. May block.
     *
     * @param frames how many, at least 0.
     * @return whether so many are free; others may take them.
     * @throws IllegalStateException inside a section.
     */
    public boolean grow(final long frames) {
        cpus.mightSleep("grow");
        StackReserve.ensure();
        return supply.grow(frames);
    }

    /**
     * @param frames how many are wanted.
     * @return whether fewer are free in the banks that are present.
     */
    public boolean isShort(final long frames) {
        return totals.isShort(frames);
    }

    /** @return how many banks were added so far: to be read before an allocation, for {@link #awaitBank}. */
    public long banksAdded() {
        return banks.added();
    }

    /**
     * Waits for a bank that another thread is adding, or else adds one: parked; inside a section of the caller's the former only, for a
     * bounded time, without parking.
     *
     * @param frames how many are wanted: none is added if so many are free in the banks that are present.
     * @param seen {@link #banksAdded} before the allocation that failed.
     * @return whether a bank has come since: then it is worth trying again.
     */
    public boolean awaitBank(final long frames, final long seen) {
        StackReserve.ensure();
        return supply.awaitBank(frames, seen);
    }

    /**
     * Drains the lists of all slots that nobody occupies and the depot, and waits, parked, for a bank that is being added: what a
     * caller does outside sections before it believes in exhaustion.
     *
     * @return how many frames were given back.
     * @throws IllegalStateException inside a section.
     */
    public int drainIdle() {
        cpus.mightSleep("drainIdle");
        StackReserve.ensure();
        return supply.drainIdle();
    }

    /**
     * Takes one wholly free bank, the highest, out of the buddy: its frames become absent, and nobody allocates or
     * newly translates them. Whoever translated before may still look, until a grace period has passed; then comes
     * {@link #releaseBank}. Empty lists first, {@link #drainIdle}, or single cached frames hold banks back; the depot is emptied here.
     *
     * @return a ticket for {@link #releaseBank}, which is the bank's number when it is detached for the first time; or -1 if none is wholly free.
     */
    public long detachFreeBank() {
        StackReserve.ensure();
        supply.drainDepot(true);
        return banks.detach();
    }

    /**
     * Gives the memory of a detached bank back: at once if no view of it was ever handed out, else as soon as the
     * collector finds none. The bank may be added again on demand. Never waits.
     *
     * @param ticket from {@link #detachFreeBank}, a grace period ago.
     * @return whether it was released; false if an allocation took it back meanwhile, whatever became of it since, or it was released before.
     */
    public boolean releaseBank(final long ticket) {
        return banks.release(ticket);
    }

    /**
     * @return why memory is exhausted short of what was configured: a sentence that names {@code -XX:MaxDirectMemorySize}, or null if the JVM has refused nothing lately.
     */
    public String exhaustionReason() {
        return banks.refusal();
    }

    /** @return frames that can still be allocated: in the buddy, lists, depot, and banks not yet added. Exact when quiet. */
    public long freeFrames() {
        return totals.freeFrames();
    }

    /** @return frames in allocated blocks, found by walking the table: the leak figure. Slow; exact when quiet. */
    public long allocatedFrames() {
        return totals.allocatedFrames();
    }

    /** @return frames there may be at most. */
    public long configuredFrames() {
        return totals.configuredFrames();
    }

    /** @return frames of the banks that are present now. */
    public long presentFrames() {
        return totals.presentFrames();
    }

    /** @return the most bytes of banks that were ever present at once; exact. */
    public long mostPresentBytes() {
        return totals.mostPresentBytes();
    }

    /**
     * Bytes of banks that this memory has from the JVM: those present, and those that wait for their release. Views that users still hold of
     * banks that were released are not among them.
     *
     * @return bytes, all of them resident unless the operating system has swapped them out: the JVM zeroes what it hands over.
     */
    public long residentBytes() {
        return totals.residentBytes();
    }

    /**
     * The most frames that ever were in use at once, by anybody. Frames in lists of slots and in the depot count as used: the figure is too
     * high by at most what those held at the time (2 MiB a slot, and 4 MiB). It is noted at each visit to the buddy, so no peak is missed.
     *
     * @return frames.
     */
    public long mostUsedFrames() {
        return totals.mostUsedFrames();
    }

    /** @return free frames in the lists of slots and in the depot. */
    public long cachedFrames() {
        return totals.cachedFrames();
    }

    /**
     * @param event what to count.
     * @return how often it has happened.
     */
    public long events(final FrameEvent event) {
        return counters.events(event) + depot.events(event);
    }

    /**
     * Replaces the low watermark. Frames in lists and in the depot do not count as free for it: lists alone can get at them.
     *
     * @param frames the mark; 0 for none.
     * @param callback called once when fewer frames are free, and again only after that many have been: on the allocating thread, in
     *                 its section, holding no lock of this room; it must not wait, and what it throws the allocation throws.
     */
    public void setLowWatermark(final long frames, final Runnable callback) {
        if (frames < 0) {
            throw new IllegalArgumentException("frames=" + frames);
        }
        supply.watch(new Watermark(frames, Objects.requireNonNull(callback, "callback")));
    }

    /**
     * Walks a quiet system: every frame of a present bank is free exactly once or owned, blocks are aligned and joined
     * as far as they can be, lists and totals agree.
     *
     * @throws AssertionError naming the first thing that is wrong.
     */
    public void verify() {
        if (!buddy.lock()) {
            throw new AssertionError("the buddy's lock is held: not quiet");
        }
        try {
            new FrameVerifier(memory, table, buddy, lists, depot, counters).verify();
        } finally {
            buddy.unlock();
        }
    }

    /** For tests that make the buddy busy. */
    Buddy buddy() {
        return buddy;
    }
}
