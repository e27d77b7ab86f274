package org.vellum.space;

import java.util.concurrent.atomic.AtomicInteger;
import org.vellum.cpu.Cpu;
import org.vellum.frame.PhysicalMemory;

/** New frames for each page, and whatever a test wants to happen on the way. */
final class HookedBacking implements Backing {
    /** What happens at a page. */
    interface Hook {
        void at(long page);

        Hook NONE = page -> { };
    }

    final SpaceWorld world;
    final boolean copied;
    final AtomicInteger clearedPages = new AtomicInteger();
    final AtomicInteger givenBack = new AtomicInteger();
    volatile Hook inFrame = Hook.NONE;
    volatile Hook inCleared = Hook.NONE;

    HookedBacking(final SpaceWorld world) {
        this(world, false);
    }

    HookedBacking(final SpaceWorld world, final boolean copied) {
        this.world = world;
        this.copied = copied;
    }

    MapOptions options() {
        return MapOptions.DEFAULT.from(this, 0, 0);
    }

    @Override
    public long frame(final Region region, final long page, final boolean write, final boolean mayWait) {
        final Cpu cpu = world.cpus.enter();
        final long frame;
        try {
            frame = world.frames.allocate(cpu, 0);
        } finally {
            cpu.exit();
        }
        if (frame != PhysicalMemory.NO_FRAME) {
            world.frames.zero(frame, 0);
            inFrame.at(page);
        }
        return frame;
    }

    @Override
    public void giveBack(final Region region, final long page, final long frame) {
        givenBack.incrementAndGet();
        world.free(frame);
    }

    @Override
    public boolean isCounted() {
        return true;
    }

    @Override
    public boolean isCopiedOnWrite() {
        return copied;
    }

    @Override
    public void cleared(final Region region, final long page, final long oldEntry) {
        clearedPages.incrementAndGet();
        inCleared.at(page);
    }

    @Override
    public String toString() {
        return "hooked";
    }
}
