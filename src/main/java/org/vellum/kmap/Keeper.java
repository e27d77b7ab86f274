package org.vellum.kmap;

/** Who keeps pins of pages that nobody uses, in case somebody wants them again: gives them up when cache frames are short. */
interface Keeper {
    /** Keeps nothing. */
    Keeper NOBODY = new Keeper() {
        @Override
        public boolean mayGiveUp() {
            return false;
        }

        @Override
        public boolean giveUp(final long deadlineNanos) {
            return false;
        }

        @Override
        public boolean giveUp() {
            return false;
        }

        @Override
        public String describeHolders() {
            return "";
        }
    };

    /** Whether there is anything to give up. Looks at volatile state, since waiters ask before they park; never waits. */
    boolean mayGiveUp();

    /**
     * Gives all up; outside sections and locks.
     *
     * @param deadlineNanos by {@link System#nanoTime}: until when it may wait for that.
     * @return whether it gave anything up.
     */
    boolean giveUp(long deadlineNanos);

    /** {@link #giveUp(long)}, with its own patience. */
    boolean giveUp();

    /** Says which threads keep it from giving up more, for the message of an exhaustion: the end of a sentence. */
    String describeHolders();
}
