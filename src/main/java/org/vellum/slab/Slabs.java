package org.vellum.slab;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.PhysicalMemory;
import org.vellum.report.Events;

/**
 * Makes slabs, finds owners for those that have room, and gives empty ones back: the drawing in the package documentation.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits.
 */
final class Slabs {
    static final int NONE = PartialSlabs.NONE;

    /** Empty slabs of one class that are kept for the next request: one, so that a thread around the edge does not make and break one
     * each time. */
    private static final int KEPT_EMPTY = 1;

    private final Cpus cpus;
    private final FrameAllocator frames;
    private final Events events;
    final SlabTable table;
    final PartialSlabs partial;
    private final AtomicIntegerArray kept = new AtomicIntegerArray(SizeClasses.COUNT);

    final AtomicLong created = new AtomicLong();
    final AtomicLong released = new AtomicLong();
    /** Slabs that a slot took over from others. */
    final AtomicLong adopted = new AtomicLong();

    Slabs(final Cpus cpus, final FrameAllocator frames, final Events events) {
        this.cpus = cpus;
        this.frames = frames;
        this.events = events;
        table = new SlabTable(cpus, frames.memory());
        partial = new PartialSlabs(table);
    }

    /**
     * Makes a slab, owned by the caller.
     *
     * @param cpu the slot that the caller occupies.
     * @return its number, or {@link #NONE} if there are no frames.
     */
    int create(final Cpu cpu, final int sizeClass) {
        final long frame = frames.allocateRun(cpu, SlabTable.FRAMES, SlabTable.FRAME_MARK);
        if (frame == PhysicalMemory.NO_FRAME) {
            return NONE;
        }
        final int slab = (int)(frame >>> SlabTable.ORDER);
        if (!table.prepare(slab, partial)) {
            frames.freeRun(cpu, frame, SlabTable.FRAME_MARK);
            return NONE;
        }
        assert table.wordOpaque(slab) == SlabWord.NO_SLAB : "slab=" + slab;
        table.clearStates(slab, SizeClasses.objects(sizeClass));
        table.putWordVolatile(slab, SlabWord.owned(table.begin(slab, sizeClass), sizeClass));
        created.getAndIncrement();
        events.slabCreated((long)slab << SlabTable.SHIFT, SizeClasses.size(sizeClass), SizeClasses.objects(sizeClass));
        return slab;
    }

    /**
     * Takes the lowest slab that is listed; it is owned by the caller.
     *
     * @return its number, or {@link #NONE}.
     */
    int claim(final int sizeClass) {
        final int start = partial.start(sizeClass);
        int slab = partial.next(sizeClass, start);
        partial.raiseStart(sizeClass, start, slab == NONE ? table.limit() : slab);
        while (slab != NONE) {
            if (claim(slab, sizeClass)) {
                adopted.getAndIncrement();
                return slab;
            }
            slab = partial.next(sizeClass, slab);
        }
        return NONE;
    }

    private boolean claim(final int slab, final int sizeClass) {
        final long word = table.wordVolatile(slab);
        final boolean won = SlabWord.state(word) == SlabWord.LISTED && SlabWord.sizeClass(word) == sizeClass
            && table.compareAndSetWord(slab, word, SlabWord.withState(word, SlabWord.OWNED));
        if (won && SlabWord.isKeptEmpty(word)) {
            kept.getAndDecrement(sizeClass);
        }
        // Lost, too: the bit may be one that somebody else has left behind.
        partial.remove(sizeClass, slab);
        return won;
    }

    /**
     * Makes a slab nobody's: l1 to l3 of the package documentation.
     *
     * @param cpu the slot that the caller occupies, or null.
     * @param slab owned or claimed by the caller, who has forgotten its free objects.
     */
    void leave(final Cpu cpu, final int slab) {
        long word;
        do {
            word = table.wordVolatile(slab);
            // A deferred free may set its mark meanwhile.
        } while (!table.compareAndSetWord(slab, word, SlabWord.withState(word, SlabWord.LOOSE)));
        // Full fence: l1 before the loads of l2, which only acquire; partner: f1 and f2, both volatile, in SlabAllocator.end.
        UnsafeApi.fullFence();
        final int free = table.countFree(slab, SizeClasses.objects(SlabWord.sizeClass(word)));
        if (free > 0) {
            noteFreed(cpu, slab, word, free);
        }
    }

    /**
     * Counts freed objects of a slab, unless somebody owns it and will find them: f2 of the package documentation.
     *
     * @param cpu the slot that the caller occupies, or null.
     * @param seen a word of the slab from when the objects were live.
     */
    void noteFreed(final Cpu cpu, final int slab, final long seen, final int objects) {
        long word = table.wordVolatile(slab);
        while (SlabWord.isNobodys(word) && SlabWord.tag(word) == SlabWord.tag(seen)) {
            final long next = SlabWord.withFreed(word, objects);
            if (table.compareAndSetWord(slab, word, next)) {
                if (SlabWord.state(next) != SlabWord.state(word)) {
                    partial.add(SlabWord.sizeClass(next), slab);
                }
                if (isPerhapsEmpty(next)) {
                    reclaim(cpu, slab, next);
                }
                return;
            }
            word = table.wordVolatile(slab);
        }
    }

    private static boolean isPerhapsEmpty(final long word) {
        return SlabWord.freed(word) >= SizeClasses.objects(SlabWord.sizeClass(word))
            && !SlabWord.isInLimbo(word) && !SlabWord.isKeptEmpty(word);
    }

    private void reclaim(final Cpu cpu, final int slab, final long seen) {
        final int sizeClass = SlabWord.sizeClass(seen);
        if (!table.compareAndSetWord(slab, seen, SlabWord.withState(seen, SlabWord.CLAIMED))) {
            // Whoever changed it has claimed it, or will count in its turn.
            return;
        }
        partial.remove(sizeClass, slab);
        final int objects = SizeClasses.objects(sizeClass);
        if (table.countFree(slab, objects) < objects || !keep(slab, sizeClass, KEPT_EMPTY) && !release(cpu, slab)) {
            leave(cpu, slab);
        }
    }

    /** Lists an empty slab that the caller has claimed, unless so many of its class are kept or it is in limbo. */
    private boolean keep(final int slab, final int sizeClass, final int most) {
        if (kept.getAndIncrement(sizeClass) < most) {
            final long word = table.wordVolatile(slab);
            final long listed = SlabWord.withFreed(SlabWord.withState(word, SlabWord.LISTED), SizeClasses.objects(sizeClass));
            if (isUnmarked(word) && table.compareAndSetWord(slab, word, listed | SlabWord.EMPTY)) {
                partial.add(sizeClass, slab);
                return true;
            }
        }
        kept.getAndDecrement(sizeClass);
        return false;
    }

    /**
     * Whether a slab that the caller has claimed empty is not in limbo. What follows is a compare-and-set even so: who deferred a free without a
     * section may set the mark after others' passes have freed the object, and limbo must find the slab again.
     */
    private static boolean isUnmarked(final long word) {
        return !SlabWord.isInLimbo(word);
    }

    /** Gives the frames of an empty slab back, unless it is in limbo; keeps the slab if no slot is to be had. */
    private boolean release(final Cpu cpu, final int slab) {
        final long word = table.wordVolatile(slab);
        final Cpu entered = cpu == null ? cpus.tryEnter() : cpu;
        if (entered == null) {
            return keep(slab, SlabWord.sizeClass(word), Integer.MAX_VALUE);
        }
        try {
            if (!isUnmarked(word) || !table.compareAndSetWord(slab, word, SlabWord.NO_SLAB)) {
                return false;
            }
            released.getAndIncrement();
            frames.freeRun(entered, (long)slab << SlabTable.ORDER, SlabTable.FRAME_MARK);
            events.slabReleased((long)slab << SlabTable.SHIFT, SizeClasses.size(SlabWord.sizeClass(word)));
            return true;
        } finally {
            if (cpu == null) {
                entered.exit();
            }
        }
    }

    /**
     * Gives the empty slabs that are kept back, and has every slab found that has room: what memory pressure asks for.
     *
     * @param cpu the slot that the caller occupies.
     * @return how many slabs went back.
     */
    int trim(final Cpu cpu) {
        int count = 0;
        for (int slab = 0; slab < table.limit(); slab++) {
            final long word = table.wordVolatile(slab);
            if (SlabWord.isNobodys(word) && SlabWord.freed(word) > 0
                && table.compareAndSetWord(slab, word, SlabWord.withState(word, SlabWord.CLAIMED))) {
                count += trim(cpu, slab, word);
            }
        }
        return count;
    }

    private int trim(final Cpu cpu, final int slab, final long seen) {
        final int sizeClass = SlabWord.sizeClass(seen);
        partial.remove(sizeClass, slab);
        if (SlabWord.isKeptEmpty(seen)) {
            kept.getAndDecrement(sizeClass);
        }
        final int objects = SizeClasses.objects(sizeClass);
        if (table.countFree(slab, objects) == objects && release(cpu, slab)) {
            return 1;
        }
        list(cpu, slab);
        return 0;
    }

    /** Leaves a slab so that it is found even if little of it is free. */
    private void list(final Cpu cpu, final int slab) {
        leave(cpu, slab);
        long word = table.wordVolatile(slab);
        while (SlabWord.state(word) == SlabWord.LOOSE && SlabWord.freed(word) > 0) {
            final long listed = SlabWord.listed(word);
            if (table.compareAndSetWord(slab, word, listed)) {
                partial.add(SlabWord.sizeClass(listed), slab);
                return;
            }
            word = table.wordVolatile(slab);
        }
    }

    /** @return empty slabs that are kept, of all classes. */
    int keptEmpty() {
        int sum = 0;
        for (int i = 0; i < SizeClasses.COUNT; i++) {
            sum += kept.get(i);
        }
        return sum;
    }
}
