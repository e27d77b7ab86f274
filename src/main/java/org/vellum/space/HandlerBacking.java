package org.vellum.space;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.vellum.frame.FrameTable;
import org.vellum.frame.PhysicalMemory;
import org.vellum.mem.Pages;
import org.vellum.report.FaultHandlerException;
import org.vellum.report.FaultHandlerException.Reason;
import org.vellum.report.Listener;

/**
 * Pages that a handler of the user's gives. One for each mapping.
 *
 * <p>What it gives is looked at before anybody else sees it, and made the space's by the mapper word: of two spaces, or pages, that are given one
 * frame, one gets it. Then it is looked at again, so that a frame that was freed just then is not taken.
 *
 * <p>Thread safety: any thread, several at once.
 */
final class HandlerBacking implements Backing {
    private final UserFaultHandler handler;
    private final BackingFrames frames;
    private final long owner;
    private final Listener listener;
    /** Who is in the handler. */
    private final Set<Thread> inside = ConcurrentHashMap.newKeySet();

    /**
     * @param owner what the mapper word of the space's frames says.
     * @param listener hears of a handler that throws when it gets a frame back.
     */
    HandlerBacking(final UserFaultHandler handler, final BackingFrames frames, final long owner, final Listener listener) {
        this.handler = handler;
        this.frames = frames;
        this.owner = owner;
        this.listener = listener;
    }

    @Override
    public long frame(final Region region, final long page, final boolean write, final boolean mayWait) {
        final long address = page << Pages.SHIFT;
        final long frame = call(address, write);
        final Reason refused = refusal(frame);
        if (refused != null) {
            throw refused(address, frame, refused);
        }
        // CAS: of two that are given one frame, one gets it.
        if (!frames.table().compareAndSetMapper(frame, 0, owner)) {
            throw refused(address, frame, Reason.MAPPED);
        }
        final Reason changed = refusal(frame);
        if (changed != null) {
            frames.table().compareAndSetMapper(frame, owner, 0);
            throw refused(address, frame, changed);
        }
        return frame;
    }

    private long call(final long address, final boolean write) {
        final Thread me = Thread.currentThread();
        if (!inside.add(me)) {
            throw new FaultHandlerException(address, Reason.REENTERED, "it touches a page that it is asked for: " + handler, null);
        }
        try {
            return handler.frame(address, write);
        } catch (final Throwable e) {
            // Whatever it is: the access has not happened.
            throw new FaultHandlerException(address, Reason.THREW, e.toString(), e);
        } finally {
            inside.remove(me);
        }
    }

    /** What is wrong with a frame, but for who shows it; null if nothing is. Changes nothing. */
    private Reason refusal(final long frame) {
        if (frame == PhysicalMemory.NO_FRAME || frame == 0) {
            return Reason.NO_FRAME;
        }
        final FrameTable table = frames.table();
        switch (table.state(frame)) {
            case FrameTable.ABSENT:
                return Reason.NO_SUCH_FRAME;
            case FrameTable.TAIL:
                return Reason.INSIDE_BLOCK;
            case FrameTable.ALLOCATED:
                break;
            default:
                return Reason.FREE;
        }
        if (table.mark(frame) != 0) {
            return Reason.MARKED;
        }
        if (table.order(frame) != 0) {
            return Reason.INSIDE_BLOCK;
        }
        return table.count(frame) == 1 ? null : Reason.REFERENCED;
    }

    private FaultHandlerException refused(final long address, final long frame, final Reason reason) {
        return new FaultHandlerException(address, reason, "frame=" + frame + " count=" + frames.count(frame) + " of " + handler, null);
    }

    @Override
    public void giveBack(final Region region, final long page, final long frame) {
        final boolean mine = frames.table().compareAndSetMapper(frame, owner, 0);
        assert mine : "frame=" + frame + " mapper=" + frames.table().mapper(frame);
        final boolean kept;
        try {
            kept = handler.unused(page << Pages.SHIFT, frame);
        } catch (final Throwable e) {
            // The fault has succeeded, and does not fail for this. The handler may have the frame again, or not: rather lost than used twice.
            listener.releaseFailed("unused frame of a fault handler", frame, e);
            return;
        }
        if (!kept) {
            frames.put(frame);
        }
    }

    @Override
    public boolean isCounted() {
        return true;
    }

    @Override
    public boolean isCopiedOnWrite() {
        return false;
    }

    @Override
    public void cleared(final Region region, final long page, final long oldEntry) {
        // The frame and what was stored are the handler's, if it has taken a reference.
    }

    @Override
    public String toString() {
        return "handler " + handler;
    }
}
