package org.vellum.vmap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.vellum.mmu.PageTable;
import org.vellum.report.Listener;

/**
 * RV15, the lazy counter against the drain: exactly {@code lazyMaxPages} are lazy once the first of two frees is done, one area
 * more once both are. Would catch a trigger that compares before it adds, or an ask that the drain does not take
 * back ({@code Reclaimer.beforeAllocation}): no drain, or two.
 */
@JCStressTest
@Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "no drain at the bound, one drain above it, and nothing stays lazy")
@Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "one drain; the other thread was preempted in a section, so some stays lazy")
@Outcome(expect = FORBIDDEN, desc = "the bound was met and nobody drained, or two did")
@State
public class LazyTriggerStress {
    private static final long AREA_PAGES = 2;
    private static final VmapWorld WORLD = new VmapWorld(64, VmapOptions.BLOCK_PAGES);
    private static final ConcurrentLinkedQueue<Window> IDLE = new ConcurrentLinkedQueue<>();

    private final Window window = Window.take();

    /** Frees. */
    @Actor
    public void one() {
        window.free(0);
    }

    /** Frees. */
    @Actor
    public void two() {
        window.free(1);
    }

    /** @param r drains before and after, and whether something stays lazy. */
    @Arbiter
    public void settle(final III_Result r) {
        r.r1 = (int)window.reclaimer.drains();
        window.reclaimer.beforeAllocation();
        window.reclaimer.beforeAllocation();
        r.r2 = (int)window.reclaimer.drains();
        r.r3 = window.empty() ? 0 : 1;
        IDLE.add(window);
    }

    /** A window of its own, used again by a later state: it costs more than a state should. */
    private static final class Window {
        private final VmapSpace space = new VmapSpace(WORLD.epochs, WORLD.frames,
            new PageTable(1L << 30, VmapOptions.BLOCK_PAGES),
            new VmapOptions(VmapOptions.BLOCK_PAGES, 2 * AREA_PAGES, FlushPolicy.LAZY, 0, false), Listener.SILENT);
        private final AtomicFrees atomicFrees = new AtomicFrees(space, null);
        private final long[] areas = new long[2];
        private Reclaimer reclaimer;
        private Vmap vmap;

        /** With two areas, and one lazy already. */
        static Window take() {
            Window window = IDLE.poll();
            if (window == null || !window.empty()) {
                window = new Window();
            }
            // What a reclaimer has learnt of earlier drains is none of this state's business.
            window.reclaimer = new Reclaimer(window.space, null);
            window.vmap = new Vmap(window.space, window.reclaimer,
                new Vmalloc(window.space, window.reclaimer, WORLD.access, window.atomicFrees));
            final long third = window.vmap.sparseArea(1);
            window.areas[0] = window.vmap.sparseArea(1);
            window.areas[1] = window.vmap.sparseArea(1);
            window.vmap.vunmap(third);
            return window;
        }

        /** Polls until nothing is lazy: the other thread may be in a section for a while. */
        boolean empty() {
            for (int i = 0; i < 10_000 && space.lazyPages() != 0; i++) {
                space.poll(true);
                Thread.onSpinWait();
            }
            return space.lazyPages() == 0;
        }

        void free(final int which) {
            vmap.vunmap(areas[which]);
        }
    }
}
