package org.vellum.epoch;

import java.util.concurrent.locks.LockSupport;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.SpinLock;
import org.vellum.cpu.Sweeper;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * The clock, the horizon, and waiting for it. The argument is in the package documentation.
 *
 * <p>Thread safety: all methods may be called by any thread; only those that say so may wait.
 */
public final class Epochs {
    /** Epochs are odd and advance by this. */
    public static final long STEP = 2;

    /**
     * The clock never runs further than this ahead of the horizon, so that the 32 bits in a slot word tell past from
     * future. It takes a reader that stays for a billion flushes to get here; then the clock stands until it leaves. A thread
     * that is stopped for a billion flushes between loading the clock and announcing it is not seen; at the highest rate of
     * flushes measured that is some minutes inside two instructions.
     */
    public static final long MAX_LAG = 1L << 30;

    private static final int SPINS = 256;
    private static final int EAGER_SPINS = 4096;
    private static final long FIRST_PARK_NANOS = 20_000;
    private static final long LAST_PARK_NANOS = 1_000_000;

    private final Cpus cpus;
    private final Words clock;
    private final Words horizon = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final Sweeper sweeper;
    private final StallDetector stalls;
    private final long firstEpoch;
    private final Releases releases = new Releases();

    /**
     * @param cpus whose sections are waited for.
     * @param sweeper frees the slots of the dead while somebody waits.
     * @param stalls told whenever somebody is held up.
     */
    public Epochs(final Cpus cpus, final Sweeper sweeper, final StallDetector stalls) {
        this.cpus = cpus;
        this.sweeper = sweeper;
        this.stalls = stalls;
        clock = cpus.clock();
        firstEpoch = clock.getVolatile(0);
        horizon.putVolatile(0, firstEpoch);
    }

    /** @return the slots whose sections count here. */
    public Cpus cpus() {
        return cpus;
    }

    /** @return the releases of whatever waits for this clock. */
    public Releases releases() {
        return releases;
    }

    /** @return the clock now. */
    public long now() {
        return clock.getVolatile(0);
    }

    /**
     * The stamp for what the caller has just cleared.
     *
     * @return an epoch; what was cleared before this call may be reused once {@link #hasPassed} says so of it.
     */
    public long stamp() {
        // Full fence: the clear comes before the stamp; partner: the CAS of a slot word in Cpus.enter and the volatile
        // load of an entry after it (t2 against r2 in the package documentation).
        UnsafeApi.fullFence();
        return clock.getVolatile(0);
    }

    /**
     * Whether every section that began at or before the stamp has ended. Never waits; scans the slots if the known
     * horizon does not answer.
     *
     * @param stamp from {@link #stamp()}.
     * @return whether what bears it may be reused.
     */
    public boolean hasPassed(final long stamp) {
        // Acquire: partner of the CAS in refreshHorizon; the sections it accounts for happened before.
        return horizon.getAcquire(0) - stamp > 0 || refreshHorizon() - stamp > 0;
    }

    /**
     * The horizon without a scan.
     *
     * @return an epoch; every stamp below it has passed.
     */
    public long horizon() {
        // Acquire: partner of the CAS in refreshHorizon.
        return horizon.getAcquire(0);
    }

    /**
     * Scans the slots: p1 and p2 of the package documentation.
     *
     * @return the horizon: every stamp below it has passed.
     */
    public long refreshHorizon() {
        return raiseHorizon(oldestSection(clock.getVolatile(0)));
    }

    /** The least epoch that an open section announces, or {@code now} if none is older; {@code now} was read before. */
    private long oldestSection(final long now) {
        long least = now;
        for (int i = 0, n = cpus.limit(); i < n; i++) {
            final long occupancy = cpus.occupancy(i);
            if (occupancy != 0) {
                final long epoch = now - ((int)now - Cpus.epochOf(occupancy));
                if (epoch - least < 0) {
                    least = epoch;
                }
            }
        }
        return least;
    }

    private long raiseHorizon(final long to) {
        long known = horizon.getVolatile(0);
        while (to - known > 0) {
            // CAS: releases what the scan acquired; partner: the acquire in hasPassed.
            if (horizon.compareAndSet(0, known, to)) {
                return to;
            }
            known = horizon.getVolatile(0);
        }
        return known;
    }

    /**
     * Advances the clock from {@code seen}, so that requests that saw the same epoch cause one flush together.
     *
     * @param seen the epoch the caller wants to see end.
     * @return whether this call advanced it; false also if a reader lags by {@link #MAX_LAG}.
     */
    public boolean advanceFrom(final long seen) {
        if (seen - horizon.getVolatile(0) >= MAX_LAG && seen - refreshHorizon() >= MAX_LAG) {
            return false;
        }
        return clock.compareAndSet(0, seen, seen + STEP);
    }

    /**
     * How often the clock has advanced: the flushes.
     *
     * @return a count that only grows.
     */
    public long flushes() {
        return (now() - firstEpoch) / STEP;
    }

    /**
     * Waits, parked, until every section that began before this call has ended. Requests of several threads share one
     * flush.
     *
     * @throws IllegalStateException inside a section, whether or not there is anything to wait for.
     */
    public void synchronize() {
        mightSleep("synchronize");
        await(stamp(), Long.MAX_VALUE, SPINS);
    }

    /**
     * {@link #synchronize()} for the eager policy, which does nothing else and has checked that it may wait: goes straight to the
     * scan, since nothing but a flush of its own could have made its stamp pass, and spins longer before it parks. Under the
     * policy's lock, so that the clock cannot run away from a section: each flush waits for those that the one before has left.
     */
    public void flush() {
        // Volatile: stamp and advance in one, and the full fence between the clear and the stamp (see stamp()).
        final long stamp = clock.getAndAdd(0, STEP);
        for (int i = 0; i < EAGER_SPINS; i++) {
            if (oldestSection(clock.getVolatile(0)) - stamp > 0) {
                return;
            }
            Thread.onSpinWait();
        }
        await(stamp, Long.MAX_VALUE, 0);
    }

    /**
     * Waits, parked, until a stamp has passed or the time is up.
     *
     * @param stamp from {@link #stamp()}.
     * @param nanos the most to wait, in nanoseconds.
     * @return whether it has passed.
     * @throws IllegalStateException inside a section.
     */
    public boolean awaitPassed(final long stamp, final long nanos) {
        mightSleep("waiting for a grace period");
        return await(stamp, nanos, SPINS);
    }

    /**
     * Checks that the caller may wait for a grace period here.
     *
     * @param what the method, for the message.
     * @throws IllegalStateException inside a section.
     */
    public void mightSleep(final String what) {
        cpus.mightSleep(what);
        assert SpinLock.noneHeld() : what + " while holding a lock that sections may need";
    }

    private boolean await(final long stamp, final long nanos, final int spins) {
        if (hasPassed(stamp)) {
            return true;
        }
        advanceFrom(stamp);
        for (int i = 0; i < spins; i++) {
            if (hasPassed(stamp)) {
                return true;
            }
            Thread.onSpinWait();
        }
        return awaitParked(stamp, nanos);
    }

    private boolean awaitParked(final long stamp, final long nanos) {
        final long start = System.nanoTime();
        long park = FIRST_PARK_NANOS;
        boolean interrupted = false;
        boolean passed = hasPassed(stamp);
        while (!passed && System.nanoTime() - start < nanos) {
            heldUp();
            advanceFrom(stamp);
            LockSupport.parkNanos(this, park);
            // With an interrupt pending no park would park: taken off, and put back at the end.
            interrupted |= Thread.interrupted();
            park = Math.min(2 * park, LAST_PARK_NANOS);
            passed = hasPassed(stamp);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return passed;
    }

    /**
     * To be called when a poll found that nothing could be released: looks for dead occupants and for stalls. Never waits.
     */
    public void heldUp() {
        sweeper.sweep();
        stalls.observe(now());
    }

    /**
     * Says who holds up the horizon, for the message of an exhaustion.
     *
     * @return one line.
     */
    public String describeHolders() {
        return cpus.describeHolders(4);
    }
}
