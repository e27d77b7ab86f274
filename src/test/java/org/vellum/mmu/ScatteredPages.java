package org.vellum.mmu;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.frame.FrameAllocator;
import org.vellum.frame.FrameOptions;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/**
 * A small window for tests, without the rooms that normally fill it: its pages lie shuffled in one direct buffer, some of them
 * next to each other, with unmapped pages of the buffer between them and an unmapped page of the window at either end.
 */
public final class ScatteredPages {
    /** The generation of all mappings that {@link #mapAll} makes. */
    public static final long TAG = 0x9C3AL << Address.TAG_SHIFT;
    private static final long START = 1L << 40;
    private static final long BANK = FrameOptions.MIN_BANK_BYTES;

    private final int pages;
    private final ByteBuffer memory;
    private final UnsafeBuffer raw;
    private final int[] frames;
    private final PageTable table;
    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine());
    private final FrameAllocator linear = new FrameAllocator(cpus, new FrameOptions(4 * BANK, BANK));
    private final MappedAccess access;

    /**
     * @param pages how many are mapped, from page 1 of the window.
     * @param seed of the shuffle.
     */
    public ScatteredPages(final int pages, final long seed) {
        this.pages = pages;
        memory = BufferUtil.allocateDirectAligned(2 * pages * Pages.SIZE, Pages.SIZE);
        raw = new UnsafeBuffer(memory);
        frames = shuffled(pages, new Random(seed));
        table = new PageTable(START, pages + 2);
        table.onFault((address, write) -> new PageFaultException(address, (write ? "store to 0x" : "load from 0x")
            + Long.toHexString(address)));
        table.extendTo(pages + 2);
        access = new MappedAccess(table, linear.memory(), cpus);
        mapAll(TAG, Entry.WRITABLE);
    }

    /** Runs of 1 to 3 frames, every other frame or so unused. */
    private static int[] shuffled(final int pages, final Random random) {
        final List<int[]> runs = new ArrayList<>();
        int frame = 0;
        for (int page = 0; page < pages;) {
            final int length = Math.min(1 + random.nextInt(3), pages - page);
            runs.add(new int[] {frame, length});
            frame += length + 1;
            page += length;
        }
        Collections.shuffle(runs, random);
        final int[] frames = new int[pages];
        int page = 0;
        for (final int[] run : runs) {
            for (int i = 0; i < run[1]; i++) {
                frames[page++] = run[0] + i;
            }
        }
        return frames;
    }

    /** Maps every page. */
    public void mapAll(final long tag, final long bits) {
        for (int i = 0; i < pages; i++) {
            map(i, tag, bits);
        }
    }

    /** Maps page {@code i} to its frame. */
    public void map(final int i, final long tag, final long bits) {
        table.set(i + 1, Entry.present(nativePage(i), tag, bits));
    }

    /** Unmaps page {@code i}. */
    public void unmap(final int i) {
        table.set(i + 1, Entry.dead(table.get(i + 1)));
    }

    /** Where the bytes of page {@code i} really are. */
    public long nativePage(final int i) {
        return raw.addressOffset() + (long)frames[i] * Pages.SIZE;
    }

    /** The tagged address of a byte of the mapped range. */
    public long address(final long offset) {
        return table.addressOf(1) + offset | TAG;
    }

    public MappedAccess access() {
        return access;
    }

    public PageTable table() {
        return table;
    }

    public Cpus cpus() {
        return cpus;
    }

    /** Frames of the linear map, not of the window. */
    public FrameAllocator linear() {
        return linear;
    }

    /** Bytes of the mapped range. */
    public int bytes() {
        return pages * Pages.SIZE;
    }

    /** All memory behind the window, mapped or not, as it is now. */
    public byte[] snapshot() {
        final byte[] bytes = new byte[raw.capacity()];
        raw.getBytes(0, bytes);
        return bytes;
    }

    /** Fills all memory behind the window. */
    public void fill(final Random random) {
        final byte[] bytes = new byte[raw.capacity()];
        random.nextBytes(bytes);
        raw.putBytes(0, bytes);
    }
}
