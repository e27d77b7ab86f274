package org.vellum.vmap;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Worker;
import org.vellum.epoch.Releases;
import org.vellum.mem.Pages;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;
import org.vellum.report.ExhaustedException.Resource;

/**
 * When limbo is emptied, and what happens when something runs out.
 *
 * <p>Three thresholds, from gentle to hard:
 * <ol>
 * <li>lazy pages above their bound: one drain is asked for, and the next allocator does it. If none comes before half as much
 * again has gathered, the worker does: whoever resets the flag. Until it is done, allocators poll their own slot.</li>
 * <li>owned frames in limbo above 1/16 of memory: the next allocation first waits for one bounded grace period, if it
 * may.</li>
 * <li>exhaustion: purge, then one bounded grace period, then retry, again as long as limbo holds something and nobody holds it up, then fail
 * with what is in limbo and who holds it up. Inside a section nothing waits: poll, retry, fail.</li>
 * </ol>
 */
public final class Reclaimer {
    static final int LIMBO_SHARE = 16;
    /**
     * How often an allocation is overtaken by others before it gives up. With thirty-two threads on two busy processors each wait is in vain six
     * times in ten: sixteen were too few. One that could never be satisfied finds limbo empty long before.
     */
    private static final int MAX_WAITS = 64;

    /** What else keeps addresses that a purge can give back. */
    public interface Source {
        /**
         * @param all of every idle slot, or only of the caller's own.
         * @return things released.
         */
        int poll(boolean all);

        /**
         * Gives up what is cached or fragmented (V12). Never waits.
         *
         * @return things put into limbo.
         */
        int purge();

        /** @return bytes in limbo. */
        long limboBytes();

        /** @return bytes that nobody uses, in frames that count as allocated: kept for the next request; for reports. */
        default long cachedBytes() {
            return 0;
        }
    }

    private final VmapSpace space;
    private final Releases releases;
    private final Worker worker;
    private final Events events;
    private final Runnable drain = this::drainByWorker;
    /** Replaced whole when one is added; an array, because the iterator of a list would be garbage. */
    private volatile Source[] sources = {};
    private final AtomicBoolean drainAsked = new AtomicBoolean();
    private final AtomicBoolean workerAsked = new AtomicBoolean();
    private final AtomicLong drainAbove = new AtomicLong();
    private final AtomicLong drains = new AtomicLong();
    private final AtomicLong exhaustions = new AtomicLong();
    private final AtomicLong boundedWaits = new AtomicLong();

    /**
     * @param space whose limbo this is about.
     * @param worker does the drains; null leaves them to the next allocator, which tests want.
     */
    public Reclaimer(final VmapSpace space, final Worker worker) {
        this(space, worker, Events.NONE);
    }

    /**
     * {@link #Reclaimer(VmapSpace, Worker)} that tells what it does.
     *
     * @param space whose limbo this is about.
     * @param worker does the drains; null leaves them to the next allocator.
     * @param events hears of purges, of fights against exhaustion, and of those that are lost.
     */
    public Reclaimer(final VmapSpace space, final Worker worker, final Events events) {
        this.space = space;
        releases = space.epochs.releases();
        this.worker = worker;
        this.events = events;
        drainAbove.set(space.options.lazyMaxPages());
    }

    /**
     * Not for several threads at once.
     *
     * @param source to be polled and purged as well.
     */
    public void add(final Source source) {
        final Source[] more = Arrays.copyOf(sources, sources.length + 1);
        more[more.length - 1] = source;
        sources = more;
    }

    /** To be called after something went to limbo: asks for a drain if the bound is exceeded. Never waits. */
    public void afterRetire() {
        final long lazy = space.lazy.lazyPages();
        final long above = drainAbove.get();
        if (lazy > above && !drainAsked.get()) {
            drainAsked.set(true);
        }
        if (worker != null && lazy > above + space.options.lazyMaxPages() / 2 && drainAsked.get() && !workerAsked.get()
            && workerAsked.compareAndSet(false, true) && !worker.request(drain)) {
            workerAsked.set(false);
        }
    }

    /** To be called before an allocation: does a drain that is asked for, and keeps frames in limbo bounded. */
    public void beforeAllocation() {
        if (space.lazy.lazyPages() > space.options.lazyMaxPages()) {
            if (drainAsked.get() && drainAsked.compareAndSet(true, false)) {
                drain(false);
            } else if (!space.options.rangeCaches()) {
                // Otherwise whoever needs a range looks there first.
                space.lazy.releasePassed();
            }
        } else if (drainAbove.get() != space.options.lazyMaxPages() && !drainAsked.get()
            && space.lazy.lazyPages() <= space.options.lazyMaxPages() / 2) {
            // What was held back is gone: the bound is the bound again. Not at once: slots that recycle what they retire stay close
            // to where they are, and would ask for a drain again and again.
            drainAbove.set(space.options.lazyMaxPages());
        }
        if (space.lazy.lazyFrames() > space.frames.configuredFrames() / LIMBO_SHARE) {
            boundFramesInLimbo();
        }
    }

    private void boundFramesInLimbo() {
        final long before = space.lazy.lazyFrames();
        poll(true);
        if (space.lazy.lazyFrames() > space.frames.configuredFrames() / LIMBO_SHARE && !space.cpus.inSection()) {
            boundedWaits.incrementAndGet();
            space.epochs.awaitPassed(space.epochs.stamp(), space.options.graceNanos());
            poll(true);
        }
        events.purged("frames in limbo", before, space.lazy.lazyFrames());
    }

    private void drainByWorker() {
        workerAsked.set(false);
        if (drainAsked.compareAndSet(true, false)) {
            drain(true);
        }
    }

    /**
     * One flush and one look at every slot. If a section holds much of it back, the next drain is asked for only when half as
     * much again has gathered: asking at each free would cost more than the addresses are worth.
     */
    private void drain(final boolean mayWait) {
        drains.incrementAndGet();
        final long before = space.lazy.lazyPages();
        space.lazy.drain();
        pollSources(true);
        final long bound = space.options.lazyMaxPages();
        if (mayWait && space.lazy.lazyPages() > bound) {
            space.epochs.awaitPassed(space.epochs.stamp(), space.options.graceNanos());
            space.lazy.drain();
            pollSources(true);
        }
        drainAbove.set(Math.max(bound, space.lazy.lazyPages() + bound / 2));
        events.purged("lazy pages", before, space.lazy.lazyPages());
    }

    /**
     * Releases what has passed. Never waits.
     *
     * @param all of every idle slot, or only of the caller's own.
     * @return things released.
     */
    public int poll(final boolean all) {
        return space.poll(all) + pollSources(all);
    }

    private int pollSources(final boolean all) {
        int released = 0;
        for (final Source source : sources) {
            released += source.poll(all);
        }
        return released;
    }

    /**
     * One step against exhaustion, after a try that has failed.
     *
     * @param fight what the step before has returned, or {@link Fight#BEGIN}.
     * @return {@link Fight#LOST}, or another value: then it is worth trying again.
     */
    public long reclaim(final long fight) {
        final boolean inSection = space.cpus.inSection();
        if (!events.hearsReclaim()) {
            return reclaim(fight, inSection);
        }
        final long before = limboBytes();
        final long start = System.nanoTime();
        final long next = reclaim(fight, inSection);
        events.reclaimed(Fight.steps(fight), inSection, before, limboBytes(), System.nanoTime() - start);
        return next;
    }

    private long reclaim(final long fight, final boolean inSection) {
        final int steps = Fight.steps(fight);
        boolean heldUp = false;
        if (steps == 0) {
            exhaustions.incrementAndGet();
            purge();
            poll(true);
            // What the poll brought back the slots have kept.
            space.lazy.giveBackKept();
            if (!inSection) {
                space.frames.drainIdle();
            }
        } else if (inSection || steps > 1 && !isWorthAWait(fight)) {
            return Fight.LOST;
        } else {
            heldUp = !waitForLimbo(steps);
        }
        return Fight.next(fight, releases.ended(), heldUp);
    }

    /**
     * Whether there was anything to be had while the try that has just failed was under way. Others may take what a wait brings back before
     * the caller tries again: that is no reason to give up, as long as there are not too many who do.
     *
     * <p>Looked at in this order. Had something been in limbo at the try, and were it neither there nor in anybody's hands any more, then its
     * release would have ended since the last step, which comes to light at the end.
     */
    private boolean isWorthAWait(final long fight) {
        return !Fight.isHeldUp(fight) && Fight.steps(fight) <= MAX_WAITS
            && (limboBytes() > 0 || releases.areUnderWay() || !Fight.isAsItWas(fight, releases.ended()));
    }

    /**
     * One bounded grace period, and what it brings back, to others as well.
     *
     * <p>What others have taken out of limbo comes back without it, but their threads may have lost their processors in the middle: they are
     * waited for if there was nothing else, and in the second half of the fight in any case. Not always, since whoever parks is overtaken.
     *
     * @return whether nobody held anything up.
     */
    private boolean waitForLimbo(final int steps) {
        boolean passed = awaitGrace();
        int released = poll(true);
        if (passed && limboBytes() > 0) {
            // What stayed mapped for its first grace period was unmapped just now, and needs another.
            awaitGrace();
            released += poll(true);
        }
        if (released == 0 || steps > MAX_WAITS / 2) {
            passed &= releases.await(space.options.graceNanos());
        }
        // Blocks that were fragmented are in the pool by now, from which their ranges go back.
        purge();
        space.frames.drainIdle();
        return passed;
    }

    /**
     * Waits for one grace period, for no longer than an allocation would.
     *
     * @return whether it has ended.
     * @throws IllegalStateException inside a section.
     */
    public boolean awaitGrace() {
        return space.epochs.awaitPassed(space.epochs.stamp(), space.options.graceNanos());
    }

    /** Gives up what is cached. */
    void purge() {
        space.lazy.giveBackKept();
        for (final Source source : sources) {
            source.purge();
        }
    }

    /** Gives the ranges that slots keep back to the window. Never waits. */
    public void giveBackRanges() {
        space.lazy.giveBackKept();
    }

    /** @return bytes in limbo, everywhere: of addresses, and of objects and runs that were freed and may still be looked at. */
    public long limboBytes() {
        long bytes = space.limboBytes();
        for (final Source source : sources) {
            bytes += source.limboBytes();
        }
        return bytes;
    }

    /** Bytes that the sources keep for the next request. */
    private long cachedBytes() {
        long bytes = 0;
        for (final Source source : sources) {
            bytes += source.cachedBytes();
        }
        return bytes;
    }

    /** @return drains that were done because the bound of lazy pages was exceeded. */
    public long drains() {
        return drains.get();
    }

    /** @return allocations that met exhaustion and purged. */
    public long exhaustions() {
        return exhaustions.get();
    }

    /** @return allocations that waited because too many frames were in limbo. */
    public long boundedWaits() {
        return boundedWaits.get();
    }

    /**
     * @param call the method that gives up.
     * @param pages what it asked for.
     * @return the exception for a call inside a section that could not get the window's lock in bounded time.
     */
    ExhaustedException busy(final String call, final long pages) {
        return told(pages, new ExhaustedException(Resource.WINDOW, call + " of " + pages
            + " pages: the window's lock stayed busy; called inside a section, so it did not wait: try again outside"));
    }

    /**
     * @param call the method that gives up.
     * @param pages what it asked for.
     * @param frames whether frames ran out, rather than addresses.
     * @return the exception for it.
     */
    public ExhaustedException exhausted(final String call, final long pages, final boolean frames) {
        final String reason = space.frames.exhaustionReason();
        final Resource resource = !frames ? Resource.WINDOW : reason != null ? Resource.DIRECT_MEMORY : Resource.FRAMES;
        // Exact, as the bytes beside it: slots may not have told yet what they have in limbo.
        final long lazyFrames = space.lazyFrames();
        final StringBuilder text = new StringBuilder(256);
        text.append(call).append(" of ").append(pages).append(" pages: out of ").append(resource)
            .append("; free bytes=").append(space.frames.freeFrames() << Pages.SHIFT)
            .append(" of ").append(space.frames.configuredFrames() << Pages.SHIFT)
            .append(" (").append(space.frames.cachedFrames() << Pages.SHIFT).append(" in lists of slots or between them), cached bytes=")
            .append(cachedBytes())
            .append(", free window pages=").append(space.freePages())
            .append(" (largest range ").append(space.largestFree()).append(')')
            .append(", in limbo: ").append(limboBytes()).append(" bytes, of them in areas ")
            .append(lazyFrames).append(" frames, ").append(lazyFrames << Pages.SHIFT).append(" bytes; ")
            .append(space.epochs.describeHolders());
        if (releases.areUnderWay()) {
            text.append("; releases are under way");
        }
        if (reason != null && frames) {
            text.append("; ").append(reason);
        }
        if (space.cpus.inSection()) {
            text.append("; called inside a section, so it did not wait");
        }
        return told(pages, new ExhaustedException(resource, text.toString()));
    }

    private ExhaustedException told(final long pages, final ExhaustedException exhausted) {
        events.exhausted(exhausted.resource().name(), pages, exhausted.getMessage());
        return exhausted;
    }
}
