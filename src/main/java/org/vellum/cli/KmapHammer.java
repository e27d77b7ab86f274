package org.vellum.cli;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.kmap.Kmap;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mmu.Entry;
import org.vellum.mmu.MappedAccess;
import org.vellum.mmu.PageTable;
import org.vellum.report.ExhaustedException;
import org.vellum.report.PageFaultException;

/**
 * Maps, touches and unmaps pages, {@code depth} of them nested. An operation is one map, touch and unmap at any depth. All policies touch
 * by the same checked access, a load and a store of one word by address; the loops differ in the mapping alone.
 *
 * <p>Each touch adds one to a word of its page, so the words tell how often each page was met.
 */
abstract class KmapHammer extends Hammer {
    /** Pages of a thread; a power of two, a multiple of {@link #BATCH}. */
    static final int FRAMES = 256;

    private static final int LINES = Pages.SIZE / CacheLine.BYTES;

    final Kmap kmap;
    final long[] frames;
    final int depth;
    /** Of the maps that are open: made by each thread that works, as {@link #view} is. */
    long[] addresses;
    private final MappedAccess access;
    private int next;
    private long touches;
    private long flushesBefore;
    private boolean arrived = true;

    KmapHammer(final Vellum memory, final long[] frames, final int depth) {
        super(memory);
        kmap = memory.kmap();
        access = memory.access();
        this.frames = frames;
        this.depth = depth;
        for (final long frame : frames) {
            kmap.zeroFrame(frame);
        }
    }

    /** Places are for {@code fixed} only. */
    static KmapHammer of(
        final String policy, final Vellum memory, final long[] frames, final int depth, final FixedPlaces places) {
        return switch (policy) {
            case "touch" -> new Touch(memory, frames, depth);
            case "local", "high-local" -> new Local(memory, frames, depth);
            case "localCpu" -> new LocalCpu(memory, frames, depth);
            case "fixed" -> new Fixed(memory, frames, depth, places);
            case "shared", "high-shared" -> new Shared(memory, frames, depth);
            default -> throw new IllegalArgumentException("policy=" + policy);
        };
    }

    /** Does {@link #BATCH} operations with the frames from this one on. */
    abstract void batch(int first);

    /** Another cache line in each page: lines at one place of all pages drive each other out of the cache. */
    static long offset(final int index) {
        return (long)(index % LINES) * CacheLine.BYTES;
    }

    final void touch(final long address, final int index) {
        final long word = address + offset(index);
        access.putLong(word, access.getLong(word) + 1);
    }

    /** How many to nest, of a batch of which so many are done: the last nest may be smaller. */
    final int nest(final int done) {
        return Math.min(depth, BATCH - done);
    }

    @Override
    final void reset() {
        super.reset();
        flushesBefore = kmap.flushes();
    }

    /** Of the window, since the cell began. */
    final long flushes() {
        return kmap.flushes() - flushesBefore;
    }

    @Override
    void prepare() {
        addresses = new long[depth];
    }

    @Override
    final void batch() {
        batch(next);
        next = next + BATCH & FRAMES - 1;
        touches += BATCH;
    }

    /** There is room for all: what is mapped by half is a failure, and nothing to wait for. */
    @Override
    final void relieve(final ExhaustedException exhaustion) {
        throw exhaustion;
    }

    @Override
    final void check() {
        arrived &= allHold();
    }

    private long expected(final int index) {
        return touches / FRAMES + (index < touches % FRAMES ? 1 : 0);
    }

    private boolean allHold() {
        boolean held = true;
        for (int i = 0; i < FRAMES; i++) {
            final long address = kmap.kmapLocalReadOnly(frames[i]);
            held &= access.getLong(address + offset(i)) == expected(i);
            kmap.kunmapLocal(address);
        }
        return held;
    }

    /** Whether the pages, which are of high memory and written back, are in its file, which begins with the page of that frame. */
    final boolean isIn(final FileChannel channel, final long firstFrame) throws IOException {
        final ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        boolean held = true;
        for (int i = 0; i < FRAMES; i++) {
            if (channel.read(word.clear(), (frames[i] - firstFrame << Pages.SHIFT) + offset(i)) != Long.BYTES) {
                throw new EOFException("page=" + (frames[i] - firstFrame));
            }
            held &= word.getLong(0) == expected(i);
        }
        return held;
    }

    /** Whether all touches arrived, at the end of each cell and now; gives the frames back. */
    final boolean finish() {
        arrived &= allHold();
        if (memory.frames().memory().frameAddressOrZero(frames[0]) != 0) {
            // The window keeps what nobody uses any more.
            kmap.flushUnused();
            ScatteredFrames.give(memory, frames);
        }
        return arrived;
    }

    /** The floor: the linear address, without anybody being asked. */
    private static final class Touch extends KmapHammer {
        Touch(final Vellum memory, final long[] frames, final int depth) {
            super(memory, frames, depth);
        }

        @Override
        void batch(final int first) {
            for (int i = first; i < first + BATCH; i++) {
                touch(frames[i] << Pages.SHIFT, i);
            }
        }
    }

    /** {@code kmapLocal}: the stack. */
    private static final class Local extends KmapHammer {
        Local(final Vellum memory, final long[] frames, final int depth) {
            super(memory, frames, depth);
        }

        @Override
        void batch(final int first) {
            int nest;
            for (int done = 0; done < BATCH; done += nest) {
                nest = nest(done);
                for (int i = 0; i < nest; i++) {
                    final int index = first + done + i;
                    addresses[i] = kmap.kmapLocal(frames[index]);
                    touch(addresses[i], index);
                }
                for (int i = nest - 1; i >= 0; i--) {
                    kmap.kunmapLocal(addresses[i]);
                }
            }
        }
    }

    /** {@code kmapLocal} by the overload with a {@code Cpu}. */
    private static final class LocalCpu extends KmapHammer {
        LocalCpu(final Vellum memory, final long[] frames, final int depth) {
            super(memory, frames, depth);
        }

        @Override
        void batch(final int first) {
            final Cpu cpu = hint();
            int nest;
            for (int done = 0; done < BATCH; done += nest) {
                nest = nest(done);
                for (int i = 0; i < nest; i++) {
                    final int index = first + done + i;
                    addresses[i] = kmap.kmapLocal(cpu, frames[index]);
                    touch(addresses[i], index);
                }
                for (int i = nest - 1; i >= 0; i--) {
                    kmap.kunmapLocal(cpu, addresses[i]);
                }
            }
        }
    }

    /** {@code kmap}: the window. */
    private static final class Shared extends KmapHammer {
        Shared(final Vellum memory, final long[] frames, final int depth) {
            super(memory, frames, depth);
        }

        @Override
        void batch(final int first) {
            int nest;
            for (int done = 0; done < BATCH; done += nest) {
                nest = nest(done);
                for (int i = 0; i < nest; i++) {
                    final int index = first + done + i;
                    addresses[i] = map(frames[index]);
                    touch(addresses[i], index);
                }
                for (int i = nest - 1; i >= 0; i--) {
                    kmap.kunmap(addresses[i]);
                }
            }
        }

        private long map(final long frame) {
            try {
                return kmap.kmap(frame);
            } catch (final InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /**
     * Places that a map may use, fixed for each slot: what there was before the stack. Callers choose a place, here by the depth, and
     * nobody checks that no one else on the call chain has chosen it. Mapped by entries, in a window of their own; unmapping clears
     * nothing.
     */
    static final class FixedPlaces {
        /** Behind the vmap window of any memory that the tool opens. */
        private static final long START = 1L << 46;

        final PageTable table;

        FixedPlaces(final Vellum memory) {
            table = new PageTable(START, (long)memory.cpus().maxSlots() * Kmap.MAX_DEPTH);
            table.extendTo(table.pages());
            table.onFault((address, write) -> new PageFaultException(address, "page fault: address=0x" + Long.toHexString(address)));
            memory.access().setSecondWindow(table);
        }
    }

    /** See {@link FixedPlaces}. */
    private static final class Fixed extends KmapHammer {
        private final PageTable table;

        Fixed(final Vellum memory, final long[] frames, final int depth, final FixedPlaces places) {
            super(memory, frames, depth);
            table = places.table;
        }

        @Override
        void batch(final int first) {
            Cpu cpu = hint();
            int nest;
            for (int done = 0; done < BATCH; done += nest) {
                nest = nest(done);
                for (int i = 0; i < nest; i++) {
                    final int index = first + done + i;
                    cpu = cpus.enter(cpu);
                    final long place = (long)cpu.index() * Kmap.MAX_DEPTH + i;
                    table.set(place, Entry.present(memory.frames().memory().nativeAddress(frames[index]), 0, Entry.WRITABLE));
                    touch(table.addressOf(place), index);
                }
                for (int i = nest - 1; i >= 0; i--) {
                    cpu.exit();
                }
            }
            hint(cpu);
        }
    }
}
