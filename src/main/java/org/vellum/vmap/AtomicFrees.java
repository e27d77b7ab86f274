package org.vellum.vmap;

import org.vellum.cpu.StackReserve;
import org.vellum.cpu.Worker;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * Areas that were freed by callbacks which may hold locks (V43): a lock-free stack through their own records, so pushing
 * needs no memory, and only the push that finds it empty asks the worker.
 *
 * <p>Pushed by CAS, taken whole by one exchange: a recycled record cannot be mistaken for its former self.
 */
public final class AtomicFrees implements Reclaimer.Source {
    private static final long EMPTY = 0;

    private final VmapSpace space;
    private final Worker worker;
    private final Runnable onWorker = this::purge;
    private final Words top = Words.zeroed(2L * CacheLine.STRIDE_WORDS);
    private final Words pendingBytes = Words.zeroed(2L * CacheLine.STRIDE_WORDS);

    /**
     * @param space the window.
     * @param worker unmaps what was pushed; null leaves it to the next allocation or poll.
     */
    public AtomicFrees(final VmapSpace space, final Worker worker) {
        this.space = space;
        this.worker = worker;
    }

    void push(final long id) {
        pendingBytes.getAndAdd(0, space.records().span(id) << Pages.SHIFT);
        space.lazy.count(null, id, 1);
        if (putBack(id) && worker != null) {
            worker.request(onWorker);
        }
    }

    /** Returns whether the stack was empty. */
    private boolean putBack(final long id) {
        long old;
        do {
            old = top.getOpaque(0);
            space.records().link(id, old);
            // CAS: releases the link; partner: the exchange in unmapAll().
        } while (!top.compareAndSet(0, old, id + 1));
        return old == EMPTY;
    }

    @Override
    public int poll(final boolean all) {
        return purge();
    }

    @Override
    public int purge() {
        StackReserve.ensureOperation();
        if (top.getOpaque(0) == EMPTY) {
            return 0;
        }
        final int begun = space.epochs.releases().begin();
        try {
            return unmapAll();
        } finally {
            space.epochs.releases().end(begun);
        }
    }

    private int unmapAll() {
        // Exchange: acquires the links; partner: the CAS in push().
        long next = top.getAndSet(0, EMPTY);
        int unmapped = 0;
        try {
            while (next != EMPTY) {
                final long id = next - 1;
                next = space.records().link(id);
                unmap(id);
                unmapped++;
            }
        } finally {
            // Whatever happens, what was not reached goes back.
            while (next != EMPTY) {
                final long id = next - 1;
                next = space.records().link(id);
                putBack(id);
            }
        }
        return unmapped;
    }

    private void unmap(final long id) {
        final boolean moved = space.records().move(id, space.records().state(id), AreaRecords.LAZY);
        assert moved : "an area on the stack belongs to it";
        pendingBytes.getAndAdd(0, -(space.records().span(id) << Pages.SHIFT));
        space.lazy.retireCounted(id);
    }

    @Override
    public long limboBytes() {
        return pendingBytes.getOpaque(0);
    }
}
