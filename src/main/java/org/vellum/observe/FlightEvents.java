package org.vellum.observe;

import jdk.jfr.Event;
import org.vellum.report.Events;

/**
 * Hands events to JDK Flight Recorder; {@link EventTypes} lists them.
 *
 * <p>A kind that is not being recorded costs the test of a flag and no garbage: what is asked is one event of each kind that lives as
 * long as its memory and is never committed. A recorded one costs an object and, once compiled, 0.05 to 0.3 microseconds; with a shallow
 * stack 0.3 to 0.8.
 *
 * <p>None of it waits, so it may happen inside a section: a commit writes to a buffer of the thread's own. A full one is
 * exchanged for another by the JVM; if there is none the event is lost, and its writing to disk is another thread's business.
 *
 * <p>Nothing is thrown: whoever reports is in the middle of an operation, which an {@link OutOfMemoryError} or
 * {@link StackOverflowError} of the recorder's must not leave half done. The event is lost then.
 */
final class FlightEvents implements Events {
    private final EventTypes.BankAdded bankAdded = new EventTypes.BankAdded();
    private final EventTypes.BankReleased bankReleased = new EventTypes.BankReleased();
    private final EventTypes.SlabCreated slabCreated = new EventTypes.SlabCreated();
    private final EventTypes.SlabReleased slabReleased = new EventTypes.SlabReleased();
    private final EventTypes.Purge purge = new EventTypes.Purge();
    private final EventTypes.Reclaim reclaim = new EventTypes.Reclaim();
    private final EventTypes.Exhaustion exhaustion = new EventTypes.Exhaustion();
    private final EventTypes.Stall stall = new EventTypes.Stall();
    private final EventTypes.BudgetRefused budgetRefused = new EventTypes.BudgetRefused();
    private final long memory;

    FlightEvents(final long memory) {
        this.memory = memory;
    }

    @Override
    public void bankAdded(final int bank, final long bytes, final long presentBytes) {
        try {
            if (isRecorded(bankAdded)) {
                commit(new EventTypes.BankAdded(), bank, bytes, presentBytes);
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public void bankReleased(final int bank, final long bytes, final long presentBytes) {
        try {
            if (isRecorded(bankReleased)) {
                commit(new EventTypes.BankReleased(), bank, bytes, presentBytes);
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    private void commit(final EventTypes.OfBank event, final int bank, final long bytes, final long presentBytes) {
        event.memory = memory;
        event.bank = bank;
        event.size = bytes;
        event.present = presentBytes;
        event.commit();
    }

    @Override
    public void slabCreated(final long address, final int objectBytes, final int objects) {
        try {
            if (isRecorded(slabCreated)) {
                final EventTypes.SlabCreated event = new EventTypes.SlabCreated();
                event.memory = memory;
                event.address = address;
                event.objectSize = objectBytes;
                event.objects = objects;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public void slabReleased(final long address, final int objectBytes) {
        try {
            if (isRecorded(slabReleased)) {
                final EventTypes.SlabReleased event = new EventTypes.SlabReleased();
                event.memory = memory;
                event.address = address;
                event.objectSize = objectBytes;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public void purged(final String cause, final long pagesBefore, final long pagesAfter) {
        try {
            if (isRecorded(purge)) {
                final EventTypes.Purge event = new EventTypes.Purge();
                event.memory = memory;
                event.cause = cause;
                event.pagesBefore = pagesBefore;
                event.pagesAfter = pagesAfter;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public boolean hearsReclaim() {
        return isRecorded(reclaim);
    }

    @Override
    public void reclaimed(
        final int attempt, final boolean inSection, final long limboBytesBefore, final long limboBytesAfter, final long nanos) {
        try {
            if (isRecorded(reclaim)) {
                final EventTypes.Reclaim event = new EventTypes.Reclaim();
                event.memory = memory;
                event.attempt = attempt;
                event.inSection = inSection;
                event.limboBefore = limboBytesBefore;
                event.limboAfter = limboBytesAfter;
                event.time = nanos;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public void exhausted(final String resource, final long pages, final String text) {
        try {
            if (isRecorded(exhaustion)) {
                final EventTypes.Exhaustion event = new EventTypes.Exhaustion();
                event.memory = memory;
                event.resource = resource;
                event.pages = pages;
                event.text = text;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public void stalled(final int slot, final String thread, final long openNanos) {
        try {
            if (isRecorded(stall)) {
                final EventTypes.Stall event = new EventTypes.Stall();
                event.memory = memory;
                event.slot = slot;
                event.occupant = thread;
                event.open = openNanos;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    @Override
    public void budgetRefused(final String path, final long wantedBytes, final String text) {
        try {
            if (isRecorded(budgetRefused)) {
                final EventTypes.BudgetRefused event = new EventTypes.BudgetRefused();
                event.memory = memory;
                event.budget = path;
                event.wanted = wantedBytes;
                event.text = text;
                event.commit();
            }
        } catch (final Throwable ignored) {
            // Lost: see the class.
        }
    }

    /** False as long as the recorder is not even initialised; asking does not do that. */
    private static boolean isRecorded(final Event kind) {
        return kind.isEnabled();
    }
}
