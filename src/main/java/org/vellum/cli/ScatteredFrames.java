package org.vellum.cli;

import java.util.SplittableRandom;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mem.Pages;
import org.vellum.report.ExhaustedException;

/** Frames of the caller's that are not neighbours: what is worth mapping. */
final class ScatteredFrames {
    private ScatteredFrames() {
    }

    /** Takes zeroed frames in an order that a seed decides. */
    static long[] take(final Vellum memory, final int count, final long seed) {
        final long[] taken = new long[2 * count];
        memory.frames().grow(taken.length);
        final Cpu cpu = memory.enter();
        try {
            final int got = memory.frames().allocateBulk(cpu, taken, 0, taken.length);
            if (got < taken.length) {
                memory.frames().freeBulk(cpu, taken, 0, got);
                throw new ExhaustedException(ExhaustedException.Resource.FRAMES,
                    taken.length + " frames were asked for, " + got + " were left");
            }
            shuffle(taken, new SplittableRandom(seed));
            memory.frames().freeBulk(cpu, taken, count, count);
        } finally {
            cpu.exit();
        }
        final long[] frames = new long[count];
        System.arraycopy(taken, 0, frames, 0, count);
        for (final long frame : frames) {
            memory.frames().zero(frame, 0);
        }
        return frames;
    }

    private static void shuffle(final long[] values, final SplittableRandom random) {
        for (int i = values.length - 1; i > 0; i--) {
            final int other = random.nextInt(i + 1);
            final long value = values[i];
            values[i] = values[other];
            values[other] = value;
        }
    }

    /** Gives them back, once nothing maps them any more. */
    static void give(final Vellum memory, final long[] frames) {
        memory.unmapAliases();
        final Cpu cpu = memory.enter();
        try {
            memory.frames().freeBulk(cpu, frames, 0, frames.length);
        } finally {
            cpu.exit();
        }
    }

    /** The word at the start of a frame, by its address in the linear map. */
    static long firstWord(final Vellum memory, final long frame) {
        return memory.access().getLong(frame << Pages.SHIFT);
    }
}
