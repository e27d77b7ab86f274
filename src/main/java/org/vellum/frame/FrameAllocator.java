package org.vellum.frame;

import java.util.Objects;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.StackReserve;
import org.vellum.mem.Pages;

/**
 * Allocates and frees blocks of page frames: 2<sup>order</sup> frames, aligned to their size, named by the first.
 *
 * <p>Orders 0..3 come from lists of the slot that the caller occupies, whatever is larger, or what a slot without
 * caches asks for, from the buddy. A hit in the list costs a handful of plain loads and stores; a free one
 * compare-and-set on the block's own word besides, which is what makes exactly one of two frees win. See the package
 * documentation for the protocol.
 *
 * <p>Thread safety: methods that take a {@link Cpu} are for its occupant; the others are for any thread. Nothing here
 * parks but {@link #drainIdle} and {@link #grow}. Frames carry no owner: any thread may free what another allocated.
 *
 * <p>Misuse throws {@link IllegalArgumentException} or {@link IllegalStateException} and changes nothing.
 */
public final class FrameAllocator {
    private static final long NO_FRAME = PhysicalMemory.NO_FRAME;

    /** Blocks moved in one go between an array and the buddy: bounds how long the lock is held. */
    private static final int BULK = 64;

    private final Cpus cpus;
    private final PhysicalMemory memory;
    private final FrameTable table;
    private final Counters counters = new Counters();
    private final Buddy buddy;
    private final Banks banks;
    private final SlotLists lists;
    private final int bankOrder;
    private final long configuredFrames;
    private volatile Watermark watermark = new Watermark(0, () -> { });

    /**
     * Takes no memory yet: the first allocation adds the first bank.
     *
     * @param cpus the slots whose occupants will allocate.
     * @param options how much memory, in what banks.
     */
    public FrameAllocator(final Cpus cpus, final FrameOptions options) {
        this.cpus = cpus;
        memory = new PhysicalMemory(options);
        table = new FrameTable(memory);
        buddy = new Buddy(cpus, memory, table, counters);
        banks = new Banks(cpus, memory, table, buddy, counters);
        configuredFrames = options.memoryBytes() >>> Pages.SHIFT;
        lists = new SlotLists(cpus, configuredFrames);
        bankOrder = options.bankOrder();
    }

    /** Two threads at one slot's lists would own one frame together: a slot that was kept beyond its section is refused. */
    private void requireOccupant(final Cpu cpu) {
        if (!cpus.isOccupant(cpu) && cpus.current() != cpu) {
            throw new IllegalArgumentException("not a slot that the calling thread occupies: cpu=" + cpu);
        }
    }

    /** @return the linear map. */
    public PhysicalMemory memory() {
        return memory;
    }

    /** @return what is known about each frame. */
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
        if (isListed(cpu, order)) {
            final long frame = lists.pop(cpu.index(), order);
            if (frame != NO_FRAME) {
                // Opaque: the word is the occupant's while CACHED; whoever frees learns of the frame from its owner.
                table.putWord(frame, FrameWord.allocated(order));
                return frame;
            }
        }
        return allocateSlowly(cpu, order);
    }

    private boolean isListed(final Cpu cpu, final int order) {
        return order >>> 2 == 0 && cpu.carriesCaches();
    }

    private long allocateSlowly(final Cpu cpu, final int order) {
        if (order < 0) {
            throw new IllegalArgumentException("order=" + order);
        }
        if (order > bankOrder) {
            return NO_FRAME;
        }
        // Before anything is taken: should the callback throw, nothing is lost.
        watermark.fall(sharedFreeFrames() - (1L << order));
        while (true) {
            final long seen = banks.added();
            if (!buddy.lock()) {
                return NO_FRAME;
            }
            final long frame;
            try {
                frame = buddy.take(order);
                if (frame != NO_FRAME && isListed(cpu, order)) {
                    refill(cpu.index(), order);
                }
            } finally {
                buddy.unlock();
            }
            if (frame != NO_FRAME) {
                table.putWord(frame, FrameWord.allocated(order));
                return frame;
            }
            // What the slot's own lists hold may be all there is, or complete a larger block.
            if (!banks.add(seen) && drain(cpu) == 0) {
                return NO_FRAME;
            }
        }
    }

    /** Fills the empty list of a slot with what a batch has left after the block just taken. Under the buddy's lock. */
    private void refill(final int slot, final int order) {
        for (int i = 1; i < lists.batch(order); i++) {
            final long frame = buddy.take(order);
            if (frame == NO_FRAME) {
                break;
            }
            lists.push(slot, order, frame);
        }
        if (lists.size(slot, order) != 0) {
            lists.reverse(slot, order);
            counters.count(FrameEvent.REFILL);
        }
    }

    /**
     * Frees a block. Never waits, never allocates, never fails.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame the first frame of an allocated block whose count is 1.
     * @param order the order it was allocated with.
     * @throws IllegalArgumentException if there is no such frame, it is inside a block, or the order is another.
     * @throws IllegalStateException if the block is free already or its count is above 1.
     */
    public void free(final Cpu cpu, final long frame, final int order) {
        StackReserve.ensure();
        requireOccupant(cpu);
        if (!claim(frame, order)) {
            throw misuse(frame, order);
        }
        giveBack(cpu, frame, order);
    }

    /** Makes an allocated block the caller's to put into a list: the step at which one of two frees wins. */
    private boolean claim(final long frame, final int order) {
        return order >= 0 && order <= bankOrder && memory.isPresent(frame)
            // CAS: partner of the same CAS of whoever else frees or references the block.
            && table.compareAndSetWord(frame, FrameWord.allocated(order), FrameWord.cached(order));
    }

    private RuntimeException misuse(final long frame, final int order) {
        final int state = table.state(frame);
        final String what = "frame=" + frame + " order=" + order;
        if (state == FrameTable.ABSENT) {
            return new IllegalArgumentException(what + " is in no present bank");
        }
        if (state == FrameTable.TAIL) {
            return new IllegalArgumentException(what + " is inside the block at head=" + table.head(frame));
        }
        if (state != FrameTable.ALLOCATED) {
            return new IllegalStateException(what + " is already free");
        }
        if (table.order(frame) != order) {
            return new IllegalArgumentException(what + " was allocated with order=" + table.order(frame));
        }
        return new IllegalStateException(what + " is referenced: count=" + table.count(frame));
    }

    private void giveBack(final Cpu cpu, final long frame, final int order) {
        if (isListed(cpu, order) && lists.batch(order) != 0) {
            final int slot = cpu.index();
            if (lists.isFull(slot, order)) {
                drainOldest(slot, order, lists.batch(order));
            }
            lists.push(slot, order, frame);
        } else {
            buddy.giveOrPush(frame, order);
            watermark.rise(sharedFreeFrames());
        }
    }

    /** Gives the blocks that were freed longest ago back: to the buddy, or in one chain to its overflow stack. */
    private void drainOldest(final int slot, final int order, final int count) {
        if (buddy.tryLock()) {
            try {
                for (int i = 0; i < count; i++) {
                    buddy.give(lists.get(slot, order, i), order);
                }
            } finally {
                buddy.unlock();
            }
        } else {
            for (int i = 1; i < count; i++) {
                table.putNext(lists.get(slot, order, i - 1), lists.get(slot, order, i));
            }
            buddy.pushOverflow(lists.get(slot, order, 0), lists.get(slot, order, count - 1), (long)count << order);
        }
        lists.dropOldest(slot, order, count);
        counters.count(FrameEvent.DRAIN);
        watermark.rise(sharedFreeFrames());
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
        Objects.checkFromIndexSize(offset, count, frames.length);
        int got = 0;
        while (got < count) {
            final int taken = count - got < BULK ? 0 : takeBulk(frames, offset + got);
            if (taken == 0) {
                final long frame = allocate(cpu, 0);
                if (frame == NO_FRAME) {
                    break;
                }
                frames[offset + got++] = frame;
            }
            got += taken;
        }
        return got;
    }

    /**
     * Takes up to a batch past the lists; 0 if the buddy is empty or contended: the single allocation knows what to do.
     */
    private int takeBulk(final long[] frames, final int offset) {
        StackReserve.ensure();
        watermark.fall(sharedFreeFrames() - BULK);
        if (!buddy.tryLock()) {
            return 0;
        }
        int taken = 0;
        try {
            for (long frame; taken < BULK && (frame = buddy.take(0)) != NO_FRAME; taken++) {
                frames[offset + taken] = frame;
            }
        } finally {
            buddy.unlock();
        }
        for (int i = 0; i < taken; i++) {
            table.putWord(frames[offset + i], FrameWord.allocated(0));
        }
        return taken;
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
        for (int i = 0; i < count; i++) {
            if (!claim(frames[offset + i], 0)) {
                final RuntimeException misuse = misuse(frames[offset + i], 0);
                for (int claimed = 0; claimed < i; claimed++) {
                    // Ours since the claim, so a store gives it back to its owner.
                    table.putWord(frames[offset + claimed], FrameWord.allocated(0));
                }
                throw misuse;
            }
        }
        for (int i = 0; i < count; i++) {
            giveBack(cpu, frames[offset + i], 0);
        }
    }

    /**
     * Takes one more reference to an allocated block, of which the caller holds one.
     *
     * @param frame its first frame.
     * @throws IllegalArgumentException if there is no such frame or it is inside a block.
     * @throws IllegalStateException if the block is free, or the count is at its limit.
     */
    public void get(final long frame) {
        long word;
        do {
            word = allocatedWord(frame);
            if (FrameWord.count(word) == FrameWord.COUNT_MAX) {
                throw new IllegalStateException("frame=" + frame + " count=" + FrameWord.COUNT_MAX);
            }
            // CAS: partner of the ones in put() and claim(): a block that falls free is not revived.
        } while (!table.compareAndSetWord(frame, word, word + FrameWord.COUNT_ONE));
    }

    /**
     * Gives one reference back, and with the last the block. Never waits.
     *
     * @param cpu the slot that the caller occupies.
     * @param frame the first frame of the block.
     * @return whether it was the last.
     * @throws IllegalArgumentException if there is no such frame or it is inside a block.
     * @throws IllegalStateException if the block is free.
     */
    public boolean put(final Cpu cpu, final long frame) {
        StackReserve.ensure();
        requireOccupant(cpu);
        while (true) {
            final long word = allocatedWord(frame);
            if (FrameWord.count(word) > 1) {
                // CAS: what this owner did precedes the free by the last one; partner: claim().
                if (table.compareAndSetWord(frame, word, word - FrameWord.COUNT_ONE)) {
                    return false;
                }
            } else {
                final int order = FrameWord.order(word);
                if (claim(frame, order)) {
                    giveBack(cpu, frame, order);
                    return true;
                }
            }
        }
    }

    private long allocatedWord(final long frame) {
        final long word = memory.isPresent(frame) ? table.word(frame) : FrameWord.ABSENT;
        if (FrameWord.state(word) != FrameTable.ALLOCATED) {
            throw misuse(frame, table.order(frame));
        }
        return word;
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
        // Claimed as a free would, so that a concurrent free of the whole block wins or fails as a whole.
        if (!claim(frame, order)) {
            throw misuse(frame, order);
        }
        for (long i = (1L << order) - 1; i >= 0; i--) {
            table.putWord(frame + i, FrameWord.allocated(0));
        }
    }

    /**
     * Sets a block to zero with plain stores.
     *
     * @param frame its first frame, owned by the caller.
     * @param order log2 of the frames.
     */
    public void zero(final long frame, final int order) {
        UnsafeApi.setMemory(memory.nativeAddress(frame), (long)Pages.SIZE << order, (byte)0);
    }

    /**
     * Gives everything in the lists of a slot back. Never waits.
     *
     * @param cpu the slot that the caller occupies.
     * @return how many frames that were.
     */
    public int drain(final Cpu cpu) {
        StackReserve.ensure();
        requireOccupant(cpu);
        int frames = 0;
        if (cpu.carriesCaches()) {
            for (int order = 0; order < SlotLists.ORDERS; order++) {
                final int size = lists.size(cpu.index(), order);
                if (size != 0) {
                    drainOldest(cpu.index(), order, size);
                    frames += size << order;
                }
            }
        }
        return frames;
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
        while (isShort(frames)) {
            final long seen = banks.added();
            if (isShort(frames) && !banks.add(seen)) {
                return false;
            }
        }
        return true;
    }

    /**
     * @param frames how many are wanted.
     * @return whether fewer are free in the banks that are present.
     */
    public boolean isShort(final long frames) {
        return counters.buddyFrames() + counters.overflowFrames() + lists.frames() < frames;
    }

    /**
     * Drains the lists of all slots that nobody occupies, and waits, parked, for a bank that is being added: what a
     * caller does outside sections before it believes in exhaustion.
     *
     * @return how many frames were given back.
     * @throws IllegalStateException inside a section.
     */
    public int drainIdle() {
        cpus.mightSleep("drainIdle");
        int frames = 0;
        for (int slot = 0; slot < lists.slots(); slot++) {
            final Cpu cpu = cpus.tryVisit(slot);
            if (cpu != null) {
                try {
                    frames += drain(cpu);
                } finally {
                    cpu.exit();
                }
            }
        }
        banks.awaitGrowth();
        return frames;
    }

    /**
     * Takes one wholly free bank, the highest, out of the buddy: its frames become absent, and nobody allocates or
     * newly translates them. Whoever translated before may still look, until a grace period has passed; then comes
     * {@link #releaseBank}. Empty lists first, {@link #drainIdle}, or single cached frames hold banks back.
     *
     * @return the number of the bank, or -1 if none is wholly free.
     */
    public int detachFreeBank() {
        StackReserve.ensure();
        return banks.detach();
    }

    /**
     * Gives the memory of a detached bank back: at once if no view of it was ever handed out, else as soon as the
     * collector finds none. The bank may be added again on demand. Never waits.
     *
     * @param number of the bank, from {@link #detachFreeBank}, a grace period ago.
     * @return whether it was released; false if it is not detached, or no longer: an allocation took it back meanwhile.
     */
    public boolean releaseBank(final int number) {
        return banks.release(number);
    }

    /**
     * Why memory is exhausted short of what was configured.
     *
     * @return a sentence that names {@code -XX:MaxDirectMemorySize}, or null if the JVM has refused nothing lately.
     */
    public String exhaustionReason() {
        return banks.refusal();
    }

    /** @return frames that can still be allocated: in the buddy, in lists, in banks not yet added. Exact when quiet. */
    public long freeFrames() {
        return sharedFreeFrames() + lists.frames();
    }

    /** Free frames that every slot can get at. */
    private long sharedFreeFrames() {
        return counters.buddyFrames() + counters.overflowFrames()
            + (banks.refusal() == null ? configuredFrames - presentFrames() : 0);
    }

    /** @return frames in allocated blocks, found by walking the table: the leak figure. Slow; exact when quiet. */
    public long allocatedFrames() {
        long frames = 0;
        for (int number = 1; number < memory.bankLimit(); number++) {
            final MemoryBank bank = memory.bank(number);
            final long end = bank == null ? 0 : bank.firstFrame() + bank.frames();
            for (long frame = bank == null ? 0 : bank.firstFrame(); frame < end;) {
                final long word = table.word(frame);
                final long size = 1L << FrameWord.order(word);
                frames += FrameWord.state(word) == FrameTable.ALLOCATED ? size : 0;
                frame += size;
            }
        }
        return frames;
    }

    /** @return frames there may be at most. */
    public long configuredFrames() {
        return configuredFrames;
    }

    /** @return frames of the banks that are present now. */
    public long presentFrames() {
        return memory.presentBytes() >>> Pages.SHIFT;
    }

    /** @return free frames in the lists of slots. */
    public long cachedFrames() {
        return lists.frames();
    }

    /**
     * @param event what to count.
     * @return how often it has happened.
     */
    public long events(final FrameEvent event) {
        return counters.events(event);
    }

    /**
     * Replaces the low watermark. Frames in lists do not count as free for it: only their slots can get at them.
     *
     * @param frames the mark; 0 for none.
     * @param callback called once when fewer frames are free, and again only after that many have been: on the
     *                 allocating thread, in its section, holding no lock of this room; it must not wait, and what it
     *                 throws the allocation throws.
     */
    public void setLowWatermark(final long frames, final Runnable callback) {
        if (frames < 0) {
            throw new IllegalArgumentException("frames=" + frames);
        }
        watermark = new Watermark(frames, Objects.requireNonNull(callback, "callback"));
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
            new FrameVerifier(memory, table, buddy, lists, counters).verify();
        } finally {
            buddy.unlock();
        }
    }

    /** For tests that make the buddy busy. */
    Buddy buddy() {
        return buddy;
    }
}
