package org.vellum.frame;

/** What the frame room counts: rare events only, so that counting costs the hot paths nothing. */
public enum FrameEvent {
    /** A free block was cut in two. */
    SPLIT,
    /** Two free buddies were joined. */
    COALESCE,
    /** The list of a slot was filled from the buddy. */
    REFILL,
    /** Blocks of a slot's list were given back, to the buddy or to the overflow stack. */
    DRAIN,
    /** A batch of a slot's full list was put into the depot. */
    DEPOSIT,
    /** The list of a slot was filled from the depot. */
    WITHDRAW,
    /** A batch went on the overflow stack because the buddy was busy. */
    OVERFLOW,
    /** A bank was added. */
    BANK_ADDED,
    /** A bank was taken out of the buddy. */
    BANK_DETACHED,
    /** A bank was given back to the JVM. */
    BANK_RELEASED,
    /** A detached bank was put to use again before it was released. */
    BANK_TAKEN_BACK,
    /** The JVM refused the memory of a bank. */
    BANK_REFUSED
}
