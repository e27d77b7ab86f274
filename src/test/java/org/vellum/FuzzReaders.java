package org.vellum;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.vellum.cpu.Cpus;

/** Sections of other threads, opened and closed as a fuzz test says, and what was retired while each was open. */
public final class FuzzReaders {
    private record Open(SmallMemory.Reader reader, BitSet pages, BitSet frames) {
    }

    private final Cpus cpus;
    private final List<Open> open = new ArrayList<>();
    public long opened;

    public FuzzReaders(final Vellum memory) {
        this(memory.cpus());
    }

    public FuzzReaders(final Cpus cpus) {
        this.cpus = cpus;
    }

    public boolean none() {
        return open.isEmpty();
    }

    /** Opens or closes one. */
    public void toggle(final Random random) {
        if (open.size() < 2 && random.nextBoolean()) {
            try {
                open.add(new Open(new SmallMemory.Reader(cpus, "fuzz-reader"), new BitSet(), new BitSet()));
                opened++;
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
        } else if (!open.isEmpty()) {
            open.remove(random.nextInt(open.size())).reader.close();
        }
    }

    public void closeAll() {
        while (!open.isEmpty()) {
            open.remove(0).reader.close();
        }
    }

    public void retiredPage(final long page) {
        for (final Open one : open) {
            one.pages.set((int)page);
        }
    }

    public void retiredFrame(final long frame) {
        for (final Open one : open) {
            one.frames.set((int)frame);
        }
    }

    public void requirePageReusable(final long page) {
        for (final Open one : open) {
            if (one.pages.get((int)page)) {
                throw new AssertionError("page=" + page + " reused before its grace period has ended");
            }
        }
    }

    public void requireFrameReusable(final long frame) {
        for (final Open one : open) {
            if (one.frames.get((int)frame)) {
                throw new AssertionError("frame=" + frame + " reused before its grace period has ended");
            }
        }
    }
}
