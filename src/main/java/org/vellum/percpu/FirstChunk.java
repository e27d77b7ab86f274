package org.vellum.percpu;

import org.vellum.cpu.StackReserve;
import org.vellum.mem.Pages;

/**
 * The chunk that all others are congruent to: where its units lie decides where everybody's do. It is there from the first to the last
 * moment, wholly populated.
 *
 * <p>Made and closed by one thread, outside sections; in between any thread may ask.
 */
final class FirstChunk {
    private final Foundation below;
    private final UnitMemory memory;
    /** The same, or null if it is not embedded. */
    private final EmbeddedUnits embedded;
    private final String reason;

    private boolean retired;
    private long stamp;
    private boolean freed;

    private FirstChunk(final Foundation below, final UnitMemory memory, final EmbeddedUnits embedded, final String reason) {
        this.below = below;
        this.memory = memory;
        this.embedded = embedded;
        this.reason = reason;
    }

    /**
     * Gets memory for one unit a slot, and says how through the listener. May block.
     *
     * @param options how.
     * @param below the rooms.
     * @return the chunk; {@link #close} gives its memory back.
     * @throws IllegalArgumentException if the options do not suit these slots, or a source that was forced does not do what it is
     *                                  asked for; nothing has changed.
     * @throws org.vellum.report.ExhaustedException if there is no memory, or no room in the window; nothing has changed.
     * @throws IllegalStateException inside a section.
     */
    static FirstChunk setUp(final PercpuOptions options, final Foundation below) {
        below.epochs().mightSleep("setting up per-CPU memory");
        StackReserve.ensureOperations();
        final FirstChunk chunk = choose(options, below);
        try {
            below.listener().percpuLayout(chunk.describe());
            return chunk;
        } catch (final RuntimeException | Error e) {
            chunk.closeAfter(e);
            throw e;
        }
    }

    /** Nobody has had its addresses, so no section holds it up for long. */
    void closeAfter(final Throwable error) {
        try {
            close();
        } catch (final RuntimeException | Error e) {
            error.addSuppressed(e);
        }
    }

    private static FirstChunk choose(final PercpuOptions options, final Foundation below) {
        if (options.firstChunk() == FirstChunkKind.PAGE) {
            return new FirstChunk(below, new PagedUnits(options, below), null, "it was asked for");
        }
        final EmbeddedUnits units = new EmbeddedUnits(options, below);
        final Refusal refusal = units.obtain(options.staticImage());
        if (refusal == null) {
            return new FirstChunk(below, units, units, units.fit());
        }
        if (options.firstChunk() == FirstChunkKind.EMBED) {
            throw refusal.exception();
        }
        return new FirstChunk(below, new PagedUnits(options, below), null, refusal.reason());
    }

    Layout layout() {
        return memory.layout();
    }

    /** The percpu pointer of the chunk's first byte, and the Vellum address of the lowest copy of it. */
    long base() {
        return memory.base();
    }

    /** Whether each unit lies in one piece of native memory. */
    boolean embedded() {
        return embedded != null;
    }

    /**
     * The native address of a slot's unit, valid until the chunk is closed; of an embedded chunk only.
     *
     * @throws IllegalStateException if it is not embedded.
     */
    long nativeUnit(final int slot) {
        if (embedded == null) {
            throw new IllegalStateException("not embedded: slot=" + slot);
        }
        return embedded.nativeUnit(slot);
    }

    /** Why it is embedded, or why not. */
    String reason() {
        return reason;
    }

    /** Bytes of memory that it holds. */
    long bytes() {
        return memory.bytes();
    }

    /** What is told to the listener. */
    String describe() {
        final Layout layout = layout();
        return layout.info().describe("percpu: " + (embedded() ? "embed" : "page") + ", " + (layout.firstBytes() >>> Pages.SHIFT)
            + " pages a CPU, " + layout.slots() + " CPUs, base 0x" + Long.toHexString(base()) + ": " + reason);
    }

    /**
     * Gives the memory back, a grace period after it was last to be reached. Waits for that, parked, for a bounded time.
     *
     * @return whether it was given back, now or before; if not, a section holds it up, and the caller may try again.
     * @throws IllegalStateException inside a section.
     */
    boolean close() {
        below.epochs().mightSleep("closing per-CPU memory");
        StackReserve.ensureOperation();
        if (!retired) {
            memory.retire();
            stamp = below.epochs().stamp();
            retired = true;
        }
        if (!freed && below.epochs().awaitPassed(stamp, below.graceNanos())) {
            memory.free();
            freed = true;
        }
        return freed;
    }
}
