package org.vellum.cli;

import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.UnsafeApi;

/** An allocator to test with: the C library's, with books, and with the mistakes that subclasses make. */
class NativeAllocations implements Allocations {
    /** Sizes by address. */
    final ConcurrentSkipListMap<Long, Long> live = new ConcurrentSkipListMap<>();
    final AtomicLong allocations = new AtomicLong();
    final AtomicLong reserved = new AtomicLong();
    private final boolean contiguous;

    NativeAllocations(final boolean contiguous) {
        this.contiguous = contiguous;
    }

    @Override
    public long allocate(final long size) {
        final long address = UnsafeApi.allocateMemory(size);
        live.put(address, size);
        allocations.incrementAndGet();
        reserved.addAndGet(2 * size);
        return address;
    }

    @Override
    public void free(final long address) {
        final Long size = live.remove(address);
        if (size == null) {
            throw new AssertionError("not live: address=" + address);
        }
        reserved.addAndGet(-2 * size);
        UnsafeApi.freeMemory(address);
    }

    @Override
    public long nativeAddress(final long address) {
        final var block = live.floorEntry(address);
        if (block == null || address >= block.getKey() + block.getValue()) {
            throw new AssertionError("not live: address=" + address);
        }
        return address;
    }

    @Override
    public boolean isContiguous(final long size) {
        return contiguous;
    }

    @Override
    public long liveBytes() {
        return live.values().stream().mapToLong(size -> size).sum();
    }

    /** Twice what is live. */
    @Override
    public long reservedBytes() {
        return reserved.get();
    }
}
