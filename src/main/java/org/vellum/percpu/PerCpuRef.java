package org.vellum.percpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.StackReserve;

/**
 * A reference count that is per CPU until it is killed, then one atomic word: for what is referenced all the time by many threads, and
 * ends once. Taking and dropping a reference changes the caller's own copy and no shared line; whether any reference is left can only be told
 * after {@link #kill()}, which drops the reference that the object begins with, its owner's.
 *
 * <h2>Protocol</h2>
 * <pre>
 *   get, tryGet                           kill                                         put
 *   g1  own copy += 1 → v                 k1  each copy := KILLED → w; sum += w        p1  own copy −= 1 → v
 *   g2  v below KILLED / 2:               k2  count += sum − BIAS − 1 → n              p2  v below KILLED / 2: count −= 1 → n
 *       count += 1, unless it is 0        k3  n = 0: released()                        p3  n = 0: released()
 * </pre>
 * KILLED is so far below zero that no number of gets on top of it lead back to where counts are. {@code count} begins as BIAS + 1, for the
 * owner's reference.
 *
 * <h2>Why nothing is lost or counted twice: get or put against kill</h2>
 * g1 (or p1) and the exchange k1 of that copy are read-modify-writes of one word, so one comes first.
 * <pre>
 *   g1 first:  w contains it, and k2 carries it into count;  v was a count, so there is no g2
 *   k1 first:  v shows KILLED, and g2 counts;                what g1 added to KILLED nobody ever looks at
 * </pre>
 *
 * <h2>Why it is released once, and not early</h2>
 * Let R be the references there are, the owner's among them. Until k2
 * <blockquote>R = (count − BIAS) + sum + (the copies that k1 has not come to)</blockquote>
 * since every step changes both sides alike. Puts and gets may meet different copies, so each summand, count − BIAS among them, may
 * pass 0 at any time, and means nothing: what keeps a p2 in between from taking it for the end is BIAS, which is far above all of them. k2
 * takes BIAS away and the owner's reference with it, and from there on count is the number of references. So the step that makes it 0 comes
 * when none is left; it is one step of one thread, k2 or a p2; and no step leads away from 0, because g2 refuses it.
 *
 * <p>What a thread did before its put happens before {@code released()}: p1 before the k1 that saw it, or p2, before k2 or the p2 that came to
 * 0, in the order in which one word was changed.
 *
 * <p>Thread safety: all methods may be called by any thread; none waits. Whoever calls {@link #get()} must hold a reference, or know by other
 * means that one is held: it may be taken on trust, which is what makes it cheap.
 */
public final class PerCpuRef implements AutoCloseable {
    private static final long KILLED = -1L << 62;
    private static final long LOWEST_COUNT = KILLED / 2;
    private static final long BIAS = 1L << 62;

    private static final VarHandle COUNT;
    private static final VarHandle DEAD;
    private static final VarHandle POINTER;

    static {
        try {
            final MethodHandles.Lookup lookup = MethodHandles.lookup();
            COUNT = lookup.findVarHandle(PerCpuRef.class, "count", long.class);
            DEAD = lookup.findVarHandle(PerCpuRef.class, "dead", boolean.class);
            POINTER = lookup.findVarHandle(PerCpuRef.class, "pointer", long.class);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OwnCopy copies;
    private final Runnable released;
    /** {@link Copies#CLOSED} in the end; plain elsewhere, since using and closing must not race. */
    private long pointer;
    /** Until k2: BIAS + 1 and what g2 and p2 have changed. Then: the references there are. */
    private volatile long count = BIAS + 1;
    private volatile boolean dead;

    /** Where an allocator's double will do. */
    PerCpuRef(final Pointers percpu, final Runnable released) {
        this.released = released;
        copies = percpu.access();
        pointer = percpu.allocate(Long.BYTES, Long.BYTES);
    }

    /**
     * A count with one reference, the owner's. May wait outside sections, as {@link PercpuAllocator#allocate} does.
     *
     * @param percpu where its copies are.
     * @param released called once, when the count has been killed and no reference is left, by the thread that drops the last: inside
     *                 whatever that is doing, perhaps in a section. What it throws is thrown there.
     * @throws org.vellum.report.ExhaustedException if memory has run out.
     */
    public PerCpuRef(final PercpuAllocator percpu, final Runnable released) {
        this((Pointers)percpu, released);
    }

    /**
     * Takes a reference, where one is certain to be held.
     *
     * @throws IllegalStateException if the last one was dropped: whoever called was wrong. Before {@link #kill()} that cannot be told.
     */
    public void get() {
        get(null);
    }

    /**
     * {@link #get()} on a given slot's copy.
     *
     * @param cpu of the caller's last section, or null.
     * @throws IllegalStateException as {@link #get()}.
     */
    public void get(final Cpu cpu) {
        if (!tryGet(cpu)) {
            throw new IllegalStateException("no reference was left to vouch for this one: " + this);
        }
    }

    /**
     * Takes a reference, if there is any.
     *
     * @return whether it was taken: always before {@link #kill()}, afterwards as long as others hold one.
     */
    public boolean tryGet() {
        return tryGet(null);
    }

    /**
     * {@link #tryGet()} on a given slot's copy.
     *
     * @param cpu of the caller's last section, or null.
     * @return as {@link #tryGet()}.
     */
    public boolean tryGet(final Cpu cpu) {
        return copies.addReturnLong(cpu, pointer, 1) >= LOWEST_COUNT || change(1) > 0;
    }

    /**
     * Takes a reference, unless the count is dead: what is to end must not be found any more, even if others still hold it.
     *
     * @return whether it was taken; never once {@link #kill()} has returned.
     */
    public boolean tryGetLive() {
        return tryGetLive(null);
    }

    /**
     * {@link #tryGetLive()} on a given slot's copy.
     *
     * @param cpu of the caller's last section, or null.
     * @return as {@link #tryGetLive()}.
     */
    public boolean tryGetLive(final Cpu cpu) {
        // What was added to KILLED nobody looks at.
        return copies.addReturnLong(cpu, pointer, 1) >= LOWEST_COUNT;
    }

    /**
     * Drops a reference; if it is the last of a dead count, calls {@code released}.
     *
     * @throws IllegalStateException if there was none. Before {@link #kill()} that cannot be told.
     */
    public void put() {
        put(null);
    }

    /**
     * {@link #put()} on a given slot's copy, which need not be the one that the reference was taken on.
     *
     * @param cpu of the caller's last section, or null.
     * @throws IllegalStateException as {@link #put()}.
     */
    public void put(final Cpu cpu) {
        if (copies.addReturnLong(cpu, pointer, -1) < LOWEST_COUNT) {
            // What was taken off KILLED nobody looks at: as yet nothing has changed, and there is room for the callback.
            StackReserve.ensureOperation();
            final long left = change(-1);
            if (left < 0) {
                throw new IllegalStateException("more references dropped than taken: " + this);
            }
            if (left == 0) {
                released.run();
            }
        }
    }

    /** g2, p2. Returns the count, or, with nothing changed, −1 if it was 0 or has gone wrong. */
    private long change(final long delta) {
        long old;
        do {
            old = count;
            if (old <= 0) {
                return -1;
            }
            // CAS: partner of k2, of the same in other threads.
        } while (!COUNT.compareAndSet(this, old, old + delta));
        return old + delta;
    }

    /**
     * Drops the owner's reference, and makes the count one atomic word. After this {@code released} is called as soon as no reference is
     * left: perhaps here.
     *
     * @return whether it was killed by this call; false, with nothing changed, if it was before.
     * @throws IllegalStateException if more references have been dropped than taken; {@code released} will not be called.
     */
    public boolean kill() {
        // Before anything is changed: a kill that stopped in its middle would leave the bias for ever. For the exchange, too, which makes sure itself.
        StackReserve.ensureOperations();
        if (!DEAD.compareAndSet(this, false, true)) {
            return false;
        }
        final long change = copies.exchangeAllLong(pointer, KILLED) - BIAS - 1;
        final long left = (long)COUNT.getAndAdd(this, change) + change;
        if (left < 0) {
            throw new IllegalStateException("more references dropped than taken: " + this);
        }
        if (left == 0) {
            released.run();
        }
        return true;
    }

    /** @return whether {@link #kill()} was called; references may be left. */
    public boolean isDead() {
        return dead;
    }

    /** @return whether it was killed, and no reference is left. */
    public boolean isReleased() {
        return count == 0;
    }

    /**
     * Frees the copies of a count that was released. Again: nothing to do. Other threads must not find it any more: what they add would be
     * somebody else's memory.
     *
     * @throws IllegalStateException if it is not released; nothing has changed.
     */
    @Override
    public void close() {
        if (count != 0) {
            throw new IllegalStateException("references are left: " + this);
        }
        final long old = (long)POINTER.getAndSet(this, Copies.CLOSED);
        if (old != Copies.CLOSED) {
            copies.owner().free(old);
        }
    }

    @Override
    public String toString() {
        final long now = count;
        return "PerCpuRef[" + (now > BIAS / 2 ? dead ? "being killed" : "live" : "dead, references=" + now) + "]";
    }
}
