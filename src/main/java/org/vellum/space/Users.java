package org.vellum.space;

import java.util.concurrent.atomic.AtomicLong;
import org.vellum.cpu.Cpus;

/**
 * Who uses a space: the kernel's {@code mm_users}. It begins with one user, its owner; whoever walks it from outside is one while it does.
 * The last that goes tears the space down, whoever that is. There is no short cut for a space with one user (G13): a count of 1 does not
 * say that nobody else is about to become one, nor that nobody is in a section.
 *
 * <pre>
 *   W (walks)                                  O (the last user, as it seems)
 *   w1: n := count; 0? → no                    o1: count: 1 → 0
 *   w2: CAS count: n → n + 1; failed? → w1     o2: tear down
 * </pre>
 * w2 and o1 change one word by compare-and-set, so they have an order. If w2 comes first, o1 finds more than 1 and is not the last; if o1
 * does, w2 finds another word, and w1 then finds 0, which nothing ever changes again. So nobody is told yes whose space is torn down, and
 * exactly one finds that it was the last.
 *
 * <p>What a user did comes before the tear-down: each release is a release of its CAS, which the last one acquires.
 *
 * <p>Thread safety: any thread.
 */
public final class Users {
    private final Cpus cpus;
    private final Runnable tearDown;
    private final AtomicLong count = new AtomicLong(1);

    /**
     * @param cpus in whose sections nobody may be the last.
     * @param tearDown run once, by the last user, outside sections; it may wait.
     */
    Users(final Cpus cpus, final Runnable tearDown) {
        this.cpus = cpus;
        this.tearDown = tearDown;
    }

    /**
     * Becomes a user, unless there is none any more. Never waits; inside sections, too.
     *
     * @return whether the caller is one now, and must {@link #release}.
     */
    public boolean tryRetain() {
        long users;
        do {
            // Volatile: w1; partner: the CAS in release().
            users = count.get();
            if (users == 0) {
                return false;
            }
            // CAS: w2; acquires what the space was made of; partner: the CAS in release().
        } while (!count.compareAndSet(users, users + 1));
        return true;
    }

    /**
     * Ends the caller's use; the last one tears the space down, and waits as long as that takes. What the tear-down throws this throws; it
     * is not tried again.
     *
     * @throws IllegalStateException inside a section, or if there is no user: then nothing has changed.
     */
    public void release() {
        // Always, not only for the last: who is the last is luck.
        cpus.mightSleep("ceasing to use an address space");
        long users;
        do {
            users = count.get();
            if (users == 0) {
                throw new IllegalStateException("released more often than retained: users=0");
            }
            // CAS: o1; partner: the same, and w2 in tryRetain().
        } while (!count.compareAndSet(users, users - 1));
        if (users == 1) {
            tearDown.run();
        }
    }

    /** @return how many there are just now; 0 once the space is torn down, or about to be. */
    public long count() {
        return count.get();
    }
}
