package org.vellum.epoch;

import java.util.ArrayList;
import java.util.List;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.cpu.Sweeper;
import org.vellum.mem.Words;
import org.vellum.report.Listener;

/** A limbo over bare records, whose releases are written down. */
final class TestLimbo implements Release, Listener {
    static final int STRIDE = 4;

    final Cpus cpus;
    final Epochs epochs;
    final Limbo limbo;
    final List<Long> released = new ArrayList<>();
    /** For each released token the slot that took it back for itself, or null. */
    final List<Cpu> owners = new ArrayList<>();
    final List<Throwable> failures = new ArrayList<>();
    final List<Integer> stalls = new ArrayList<>();
    final List<Integer> forced = new ArrayList<>();
    boolean refuse;
    RuntimeException toThrow;
    Runnable inRelease = () -> { };

    TestLimbo(final CpuOptions options, final int records, final long stallNanos) {
        cpus = new Cpus(options);
        epochs = new Epochs(cpus, new Sweeper(cpus, this), new StallDetector(cpus, this, stallNanos));
        limbo = new Limbo(epochs, Words.zeroed((long)records * STRIDE), STRIDE, 1, 2, 1, this, this);
    }

    TestLimbo() {
        // Just below the wrap of the 32 bits that a slot word carries: every test crosses it.
        this(CpuOptions.forThisMachine().withCachedSlots(4).withMaxSlots(8).withFirstEpoch(0xFFFF_FFFDL), 64, 1_000_000_000L);
    }

    void retire(final long token) {
        try (var cpu = cpus.enter()) {
            limbo.retire(cpu, token);
        }
    }

    @Override
    public String kind() {
        return "test token";
    }

    @Override
    public long bytes(final long token) {
        return 100 + token;
    }

    @Override
    public synchronized boolean release(final Cpu own, final long token) {
        inRelease.run();
        if (toThrow != null && token == 0) {
            throw toThrow;
        }
        if (refuse) {
            return false;
        }
        released.add(token);
        owners.add(own);
        return true;
    }

    @Override
    public synchronized void releaseFailed(final String what, final long token, final Throwable error) {
        failures.add(error);
    }

    @Override
    public synchronized void sectionStalled(final int slot, final String thread, final long nanos, final String stack) {
        stalls.add(slot);
    }

    @Override
    public synchronized void sectionForceExited(final int slot, final String thread) {
        forced.add(slot);
    }
}
