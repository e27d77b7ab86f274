package org.vellum.observe;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/**
 * The events that JDK Flight Recorder is given. Their names and fields are public: the table in the package documentation.
 *
 * <p>Those that come in thousands a second under load take no stack trace. All are enabled unless a recording's settings say otherwise.
 */
final class EventTypes {
    private static final String VELLUM = "Vellum";

    private EventTypes() {
    }

    /** What all have in common. */
    @Category(VELLUM)
    @StackTrace(false)
    abstract static class OfMemory extends Event {
        @Label("Memory")
        @Description("Number of the memory in this JVM, from 1 in the order of opening; 0 is a tiny one that only loads classes")
        long memory;
    }

    /** What both events of a bank tell. */
    abstract static class OfBank extends OfMemory {
        @Label("Bank")
        int bank;

        @Label("Size")
        @DataAmount
        long size;

        @Label("Present")
        @Description("Of all banks that are there now")
        @DataAmount
        long present;
    }

    /** What both events of a slab tell. */
    abstract static class OfSlab extends OfMemory {
        @Label("Address")
        @Description("Vellum address of its first byte, without a tag")
        long address;

        @Label("Object Size")
        @Description("Of its size class")
        @DataAmount
        int objectSize;
    }

    /** vellum.BankAdded. */
    @Name("vellum.BankAdded")
    @Label("Bank Added")
    @Description("A bank was taken from the JVM")
    static final class BankAdded extends OfBank {
    }

    /** vellum.BankReleased. */
    @Name("vellum.BankReleased")
    @Label("Bank Released")
    @Description("A bank was given back to the JVM")
    static final class BankReleased extends OfBank {
    }

    /** vellum.SlabCreated. */
    @Name("vellum.SlabCreated")
    @Label("Slab Created")
    static final class SlabCreated extends OfSlab {
        @Label("Objects")
        @Description("How many it has")
        int objects;
    }

    /** vellum.SlabReleased. */
    @Name("vellum.SlabReleased")
    @Label("Slab Released")
    @Description("An empty slab was given back to the frames")
    static final class SlabReleased extends OfSlab {
    }

    /** vellum.Purge. */
    @Name("vellum.Purge")
    @Label("Purge")
    @Description("Limbo exceeded a bound, and was emptied as far as readers allowed")
    static final class Purge extends OfMemory {
        @Label("Cause")
        @Description("The bound: lazy pages, or frames in limbo")
        String cause;

        @Label("Pages Before")
        @Description("In limbo before, of 4 KiB: of addresses, or of frames if they are the cause; as far as slots had told")
        long pagesBefore;

        @Label("Pages After")
        @Description("In limbo afterwards")
        long pagesAfter;
    }

    /** vellum.Reclaim. */
    @Name("vellum.Reclaim")
    @Label("Reclaim")
    @Description("One step against exhaustion: caches were given up, or a grace period was waited for")
    static final class Reclaim extends OfMemory {
        @Label("Attempt")
        @Description("Steps that the allocation had taken before")
        int attempt;

        @Label("In Section")
        @Description("Whether the caller was inside a section, where it does not wait")
        boolean inSection;

        @Label("Limbo Before")
        @DataAmount
        long limboBefore;

        @Label("Limbo After")
        @DataAmount
        long limboAfter;

        @Label("Time")
        @Description("That the step took")
        @Timespan(Timespan.NANOSECONDS)
        long time;
    }

    /** vellum.Exhaustion. */
    @Name("vellum.Exhaustion")
    @Label("Exhaustion")
    @Description("An allocation of frames or addresses gave up: nothing was left, even after reclaim")
    @StackTrace
    static final class Exhaustion extends OfMemory {
        @Label("Resource")
        @Description("What ran out: FRAMES, DIRECT_MEMORY or WINDOW")
        String resource;

        @Label("Pages")
        @Description("That were asked for, of 4 KiB")
        long pages;

        @Label("Text")
        @Description("Of the exception: what is free, cached and in limbo, and who holds it up")
        String text;
    }

    /** vellum.Stall. */
    @Name("vellum.Stall")
    @Label("Stall")
    @Description("A section was open for too long while somebody waited for its end; once per section")
    static final class Stall extends OfMemory {
        @Label("Slot")
        @Description("Number of the occupied slot")
        int slot;

        @Label("Occupant")
        @Description("Name of the thread in the section")
        String occupant;

        @Label("Open")
        @Description("For at least how long")
        @Timespan(Timespan.NANOSECONDS)
        long open;
    }

    /** vellum.BudgetRefused. */
    @Name("vellum.BudgetRefused")
    @Label("Budget Refused")
    @Description("A budget had no room for an allocation")
    @StackTrace
    static final class BudgetRefused extends OfMemory {
        @Label("Budget")
        @Description("Path of the budget that was asked, from the memory down")
        String budget;

        @Label("Wanted")
        @DataAmount
        long wanted;

        @Label("Text")
        @Description("Of the exception: names the budget without room, its limit and use")
        String text;
    }
}
