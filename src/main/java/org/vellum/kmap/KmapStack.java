package org.vellum.kmap;

import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;

/**
 * The local maps of each slot: a stack. The index is the depth, and nothing has to be chosen, searched or freed.
 *
 * <pre>
 *   record of one slot and depth, 32 bytes                          word of the slot (Cpu.mapWord)
 *   +------------+-----------------------------------------+        63         32 31   17  16  15    0
 *   | address    | as handed out, tag included; 0 = empty   |       +------------+-------+---+--------+
 *   | pin        | of the cache frame, or Backing.LOW       |       | thread id  | 0     | P | depth  |
 *   | generation | last given to an entry here; 0 = none    |       +------------+-------+---+--------+
 *   | high maps  | of high frames here, so far              |        P: the records were made empty once
 *   +------------+-----------------------------------------+
 * </pre>
 *
 * <p>All of it is the occupant's: plain words. A map enters the slot, or nests in it, and its unmap exits; so the slot stays occupied from a
 * thread's first map to its last unmap, and nobody else can touch the stack. Others may look, for reports, at what is of the moment.
 *
 * <h2>The order, and who might come in between (RK1)</h2>
 * The kernel's adversary is an interrupt, ours a callback that runs in the middle. <b>Map</b>: raise the depth, then fill the record: whoever maps in
 * between gets the place above. <b>Unmap</b>: clear entry and record, then drop the depth: whoever maps in between still gets the place above, never one
 * whose old entry is about to be cleared. Records at and above the depth are empty, so an unmap in between that is wrong meets an empty record and is told.
 *
 * <p>A thread that exits more often than it entered can leave a slot with maps open. The word says whose they are: the next thread that maps there
 * finds another id, undoes them and reports them, as the sweeper does for the dead.
 */
final class KmapStack {
    /** Maps that a thread can have open at a time. */
    static final int MAX_DEPTH = 16;

    private static final int ADDRESS = 0;
    private static final int PIN = Long.BYTES;
    private static final int GENERATION = 2 * Long.BYTES;
    private static final int HIGH_MAPS = 3 * Long.BYTES;
    private static final int RECORD_WORDS = 4;
    private static final int RECORD_SHIFT = 5;
    private static final int DEPTH_SHIFT = 4;

    private static final long DEPTH_MASK = 0xFFFF;
    private static final long PREPARED = 1L << 16;
    private static final int ID_SHIFT = 32;

    private final Cpus cpus;
    private final Listener listener;
    private final Words records;
    private final long base;
    private final AtomicLong leftOpen = new AtomicLong();
    /** What entries are installed in, and pins dropped at; null as long as all maps are of low frames by their linear addresses. */
    private volatile Target target;
    /** Runs in the middle of each map and unmap: null but in tests. */
    private Runnable hook;

    /**
     * Where local maps have their entries.
     *
     * @param table of the window.
     * @param firstPage of the local maps in it, {@link #MAX_DEPTH} a slot.
     * @param backing what pins are dropped at.
     */
    record Target(PageTable table, long firstPage, Backing backing) {
    }

    KmapStack(final Cpus cpus, final Listener listener) {
        this.cpus = cpus;
        this.listener = listener;
        records = Words.reserve((long)cpus.maxSlots() * MAX_DEPTH * RECORD_WORDS);
        base = records.address(0);
    }

    /** Pages of a window that all local maps together take. */
    static long pages(final Cpus cpus) {
        return (long)cpus.maxSlots() * MAX_DEPTH;
    }

    void setTarget(final Target where) {
        target = where;
    }

    void setHook(final Runnable action) {
        hook = action;
    }

    private long record(final int slot, final int depth) {
        return base + ((long)slot << DEPTH_SHIFT + RECORD_SHIFT) + ((long)depth << RECORD_SHIFT);
    }

    static int depth(final long word) {
        return (int)(word & DEPTH_MASK);
    }

    /**
     * Maps a low frame by its linear address.
     *
     * @param cpu entered by the caller, once for this map; exited here if it fails.
     * @return the address.
     */
    long pushLow(final Cpu cpu, final long address) {
        final long record = reserve(cpu);
        UnsafeApi.putLong(record + ADDRESS, address);
        return address;
    }

    /**
     * Maps a frame by an entry.
     *
     * @param cpu as for {@link #pushLow}.
     * @param pin of the frame, the stack's from here on unless it throws.
     * @return the address.
     */
    long pushEntry(final Cpu cpu, final long frame, final boolean writable, final int pin) {
        final long record = reserve(cpu);
        final Target at = target;
        final long page = at.firstPage + (record - base >>> RECORD_SHIFT);
        final long generation = nextGeneration(record, page);
        final long tag = KmapTags.tag(generation);
        final long address = at.table.addressOf(page) | tag;
        at.table.set(page, Entry.present(at.backing.nativePage(frame, pin), tag, writable ? Entry.WRITABLE : 0));
        UnsafeApi.putLong(record + GENERATION, generation);
        UnsafeApi.putLong(record + PIN, pin);
        UnsafeApi.putLongOpaque(null, record + HIGH_MAPS, UnsafeApi.getLong(record + HIGH_MAPS) + (pin == Backing.LOW ? 0 : 1));
        UnsafeApi.putLong(record + ADDRESS, address);
        return address;
    }

    private static long nextGeneration(final long record, final long page) {
        final long last = UnsafeApi.getLong(record + GENERATION);
        return KmapTags.next(last == 0 ? KmapTags.before(page) : last);
    }

    /** Raises the depth, and returns the record below it. */
    private long reserve(final Cpu cpu) {
        final long at = cpu.mapWord();
        long word = UnsafeApi.getLong(at);
        final long owner = cpu.occupantBits();
        if ((word ^ owner) >>> ID_SHIFT != 0 || (word & PREPARED) == 0) {
            word = adopt(cpu, word, owner);
        }
        final int depth = depth(word);
        if (depth == MAX_DEPTH) {
            cpu.exit();
            throw new IllegalStateException("too many local maps are open: depth=" + MAX_DEPTH + " slot=" + cpu.index());
        }
        UnsafeApi.putLong(at, word + 1);
        runHook();
        return record(cpu.index(), depth);
    }

    private void runHook() {
        final Runnable action = hook;
        if (action != null) {
            action.run();
        }
    }

    /** The caller's first map here since another thread's, or ever. */
    private long adopt(final Cpu cpu, final long word, final long owner) {
        if ((word & PREPARED) == 0) {
            records.zero((long)cpu.index() * MAX_DEPTH * RECORD_WORDS, (long)MAX_DEPTH * RECORD_WORDS);
        }
        undo(cpu, idOf(word));
        final long adopted = owner | PREPARED;
        // Release: the records were made empty before; partner: the acquire in word().
        UnsafeApi.putLongRelease(null, cpu.mapWord(), adopted);
        return adopted;
    }

    /**
     * Undoes the top map.
     *
     * @param cpu that the caller occupies; exited for the map.
     * @throws IllegalStateException if the address is not of the top map; nothing was changed.
     */
    void pop(final Cpu cpu, final long address) {
        final long at = cpu.mapWord();
        final long word = UnsafeApi.getLong(at);
        final int depth = depth(word);
        if (depth == 0 || (word ^ cpu.occupantBits()) >>> ID_SHIFT != 0) {
            throw misuse(address);
        }
        final long record = record(cpu.index(), depth - 1);
        if (UnsafeApi.getLong(record + ADDRESS) != address || address == 0) {
            throw misuse(address);
        }
        if (Address.tag(address) == 0) {
            UnsafeApi.putLong(record + ADDRESS, 0);
            runHook();
        } else {
            popEntry(record);
        }
        assert UnsafeApi.getLong(at) == word : "a map was left open in the middle of an unmap";
        UnsafeApi.putLong(at, word - 1);
        cpu.exit();
    }

    private void popEntry(final long record) {
        final Target at = target;
        final int pin = (int)UnsafeApi.getLong(record + PIN);
        at.table.set(at.firstPage + (record - base >>> RECORD_SHIFT), Entry.NONE);
        UnsafeApi.putLong(record + ADDRESS, 0);
        runHook();
        // Only now that no translation of it can be left; the thread's own, whose only one it was.
        at.backing.unpin(pin);
    }

    /** Why an address is not that of the caller's top map. */
    RuntimeException misuse(final long address) {
        final String what = "address=0x" + Long.toHexString(address);
        final Cpu own = cpus.current();
        for (int slot = 0; slot < cpus.limit(); slot++) {
            final long word = word(slot);
            for (int depth = 0; depth < depth(word); depth++) {
                if (address(slot, depth) == address) {
                    return new IllegalStateException(own != null && own.index() == slot
                        ? "local maps must be undone in reverse order: " + what + " depth=" + (depth + 1) + " of=" + depth(word)
                        : "not a local map of the calling thread: " + what + " is one of slot=" + slot);
                }
            }
        }
        return new IllegalStateException("not mapped locally, or unmapped already: " + what);
    }

    static String idOf(final long word) {
        return "thread id=" + (word >>> ID_SHIFT);
    }

    /**
     * Undoes what a dead thread has left, or one that was there before it and exited too often.
     *
     * @param cpu whose occupant it is, swept by the caller.
     * @param thread its name.
     */
    void undoDead(final Cpu cpu, final String thread) {
        final long word = UnsafeApi.getLong(cpu.mapWord());
        undo(cpu, (word ^ cpu.occupantBits()) >>> ID_SHIFT == 0 ? thread : idOf(word));
    }

    /** Undoes all maps of a slot and reports them; the occupant is the caller, or dead and swept by it. */
    private void undo(final Cpu cpu, final String thread) {
        final long word = UnsafeApi.getLong(cpu.mapWord());
        for (int depth = depth(word); depth > 0; depth--) {
            final long record = record(cpu.index(), depth - 1);
            // Empty if its thread did not get further than to raise the depth.
            if (Address.tag(UnsafeApi.getLong(record + ADDRESS)) != 0) {
                final Target at = target;
                at.table.set(at.firstPage + (record - base >>> RECORD_SHIFT), Entry.NONE);
                at.backing.unpin((int)UnsafeApi.getLong(record + PIN));
            }
            UnsafeApi.putLong(record + ADDRESS, 0);
        }
        UnsafeApi.putLong(cpu.mapWord(), word & ~DEPTH_MASK);
        if (depth(word) > 0) {
            leftOpen.addAndGet(depth(word));
            report(cpu, thread, depth(word));
        }
    }

    private void report(final Cpu cpu, final String thread, final int count) {
        try {
            listener.mapsLeftOpen(cpu.index(), thread, count);
        } catch (final RuntimeException | Error ignored) {
            // A report must not undo the work it reports on.
        }
    }

    /** Maps of which it was found that their threads had left them open. */
    long leftOpen() {
        return leftOpen.get();
    }

    /** The word of a slot, for who looks from outside. */
    long word(final int slot) {
        // Acquire: partner of the release in adopt().
        return UnsafeApi.getLongAcquire(null, cpus.cpu(slot).mapWord());
    }

    /** Whether there is anything in the records of a slot: until then they are not even zero. */
    static boolean isPrepared(final long word) {
        return (word & PREPARED) != 0;
    }

    /** The address that a record of a prepared slot has, or 0 if it is empty; for who looks from outside. */
    long address(final int slot, final int depth) {
        return UnsafeApi.getLongOpaque(null, record(slot, depth) + ADDRESS);
    }

    /** Maps of high frames so far by a record of a prepared slot. */
    long highMaps(final int slot, final int depth) {
        return UnsafeApi.getLongOpaque(null, record(slot, depth) + HIGH_MAPS);
    }

    /** The entry that belongs to a record. */
    long entry(final int slot, final int depth) {
        final Target at = target;
        return at == null ? Entry.NONE : at.table.get(at.firstPage + (record(slot, depth) - base >>> RECORD_SHIFT));
    }
}
