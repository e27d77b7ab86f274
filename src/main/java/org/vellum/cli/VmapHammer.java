package org.vellum.cli;

import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mapram.MapRam;
import org.vellum.mem.Pages;
import org.vellum.vmap.VmallocFlags;
import org.vellum.vmap.Vmap;
import org.vellum.vmap.VmapBuffer;

/**
 * The loop of reference 1: map, touch and unmap four pages. All policies touch through the same checked view inside a section;
 * the loops differ in the mapping alone.
 */
abstract class VmapHammer extends Hammer {
    static final int PAGES = 4;
    static final int BYTES = PAGES << Pages.SHIFT;

    final long[] frames;
    private long touches;
    private boolean arrived = true;

    VmapHammer(final Vellum memory, final long seed) {
        super(memory);
        frames = ScatteredFrames.take(memory, PAGES, seed);
    }

    /** One word of each page is written. */
    static void touch(final VmapBuffer view, final long value) {
        for (int index = 0; index < BYTES; index += Pages.SIZE) {
            view.putLong(index, value);
        }
    }

    /** Does {@link #BATCH} operations, the first of which touches with {@code first}, the next with one more, and so on. */
    abstract void batch(long first);

    @Override
    final void batch() {
        final long first = touches + 1;
        touches += BATCH;
        batch(first);
        // A sample of whether touches meet their frames: the last of each batch.
        arrived &= allFramesHold(touches);
    }

    private boolean allFramesHold(final long value) {
        for (final long frame : frames) {
            if (ScatteredFrames.firstWord(memory, frame) != value) {
                return false;
            }
        }
        return true;
    }

    /** Whether the touches arrived in every one of the frames, then gives them back. */
    boolean finish() {
        final long last = ScatteredFrames.firstWord(memory, frames[0]);
        // The last batch may have been cut short.
        final boolean held = arrived && touches - last <= BATCH && last <= touches && allFramesHold(last);
        ScatteredFrames.give(memory, frames);
        return held;
    }

    static VmapHammer of(final String policy, final Vellum memory, final long seed) {
        return switch (policy) {
            case "touch" -> new Touch(memory, seed);
            case "blocks" -> new Blocks(memory, seed);
            case "lazy" -> new Lazy(memory, seed);
            case "eager" -> new Eager(memory, seed);
            default -> throw new IllegalArgumentException("policy=" + policy);
        };
    }

    /** The floor: the pages are mapped once. */
    private static final class Touch extends VmapHammer {
        private final long address;

        Touch(final Vellum memory, final long seed) {
            super(memory, seed);
            address = memory.vmap().vmap(frames, 0, PAGES, VmallocFlags.NONE);
        }

        @Override
        void prepare() {
            view.wrap(address, BYTES);
        }

        @Override
        void batch(final long first) {
            Cpu cpu = hint();
            for (int i = 0; i < BATCH; i++) {
                cpu = cpus.enter(cpu);
                try {
                    touch(view, first + i);
                } finally {
                    cpu.exit();
                }
            }
            hint(cpu);
        }

        @Override
        boolean finish() {
            memory.vmap().vunmap(address);
            return super.finish();
        }
    }

    /** {@code vmMapRam}: blocks of the slot, lazily flushed. */
    private static final class Blocks extends VmapHammer {
        private final MapRam mapRam;

        Blocks(final Vellum memory, final long seed) {
            super(memory, seed);
            mapRam = memory.mapRam();
        }

        @Override
        void batch(final long first) {
            Cpu cpu = hint();
            for (int i = 0; i < BATCH; i++) {
                cpu = cpus.enter(cpu);
                try {
                    final long address = mapRam.vmMapRam(cpu, frames, 0, PAGES);
                    view.wrap(address, BYTES);
                    touch(view, first + i);
                    mapRam.vmUnmapRam(cpu, address, PAGES);
                } finally {
                    cpu.exit();
                }
            }
            hint(cpu);
        }
    }

    /** {@code vmap}: areas of the window, lazily flushed. The section is around the touch: mapping an area takes the window's lock. */
    private static final class Lazy extends VmapHammer {
        private final Vmap vmap;

        Lazy(final Vellum memory, final long seed) {
            super(memory, seed);
            vmap = memory.vmap();
        }

        @Override
        void batch(final long first) {
            Cpu cpu = hint();
            for (int i = 0; i < BATCH; i++) {
                final long address = vmap.vmap(frames, 0, PAGES, VmallocFlags.NONE);
                view.wrap(address, BYTES);
                cpu = cpus.enter(cpu);
                try {
                    touch(view, first + i);
                } finally {
                    cpu.exit();
                }
                vmap.vunmap(address);
            }
            hint(cpu);
        }
    }

    /** {@code vmMapRam} with the global lock and a flush at each unmap; mapping inside a section is refused there. */
    private static final class Eager extends VmapHammer {
        private final MapRam mapRam;

        Eager(final Vellum memory, final long seed) {
            super(memory, seed);
            mapRam = memory.mapRam();
        }

        @Override
        void batch(final long first) {
            Cpu cpu = hint();
            for (int i = 0; i < BATCH; i++) {
                final long address = mapRam.vmMapRam(cpu, frames, 0, PAGES);
                view.wrap(address, BYTES);
                cpu = cpus.enter(cpu);
                try {
                    touch(view, first + i);
                } finally {
                    cpu.exit();
                }
                mapRam.vmUnmapRam(cpu, address, PAGES);
            }
            hint(cpu);
        }
    }
}
