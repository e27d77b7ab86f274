package org.vellum.mmu;

import java.util.Random;
import org.agrona.BufferUtil;
import org.agrona.UnsafeApi;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;
import org.vellum.report.PageFaultException;

/**
 * A small address space for tests, without the rooms that normally fill it: some pages from page 1 on, whose content is in frames or put away.
 * A fault brings it back, in whatever frame is free, and makes it readable or writable; a page of another number faults for good.
 */
public final class SpacePages implements SpaceFaults {
    private static final long RIGHTS = SpaceEntry.READABLE | SpaceEntry.WRITABLE;

    final SpaceWorld world;
    private final int pages;
    private final byte[][] away;
    private final boolean[] forbidden;
    private final boolean[] readOnly;
    private final SpaceAccess access;
    private int faults;

    /**
     * @param pages how many there are, from page 1.
     * @param seed of the order of their frames.
     */
    public SpacePages(final int pages, final long seed) {
        this.pages = pages;
        world = new SpaceWorld(pages + 2L, 2);
        away = new byte[pages][];
        forbidden = new boolean[pages];
        readOnly = new boolean[pages];
        for (long page = 0; page < pages + 2L; page += SpaceTable.LEAF_PAGES) {
            world.attach(page, world.newFrame(0));
        }
        final Random random = new Random(seed);
        final long[] skipped = new long[2 * pages];
        for (int i = 0; i < skipped.length; i++) {
            skipped[i] = world.newFrame(0);
        }
        for (int i = skipped.length; i > 0; i--) {
            final int j = random.nextInt(i);
            world.free(skipped[j]);
            skipped[j] = skipped[i - 1];
        }
        for (int i = 0; i < pages; i++) {
            away[i] = new byte[Pages.SIZE];
        }
        access = new SpaceAccess(world.table, this, world.cpus);
    }

    /** @return access to the space. */
    public SpaceAccess access() {
        return access;
    }

    /** @return whose sections protect it. */
    public Cpus cpus() {
        return world.cpus;
    }

    /**
     * @param offset in bytes from the start of page 1.
     * @return the address.
     */
    public long address(final long offset) {
        return Pages.SIZE + offset;
    }

    /** @return bytes of the pages. */
    public int bytes() {
        return pages * Pages.SIZE;
    }

    /** @return how many faults there were. */
    public int faults() {
        return faults;
    }

    /** Takes a page's frame away, as reclaim does, whatever it holds. */
    public void putAway(final int page) {
        final long old = world.replace(page + 1L, SpaceEntry.NONE);
        if (!SpaceEntry.isNone(old)) {
            away[page] = new byte[Pages.SIZE];
            UnsafeApi.copyMemory(null, SpaceEntry.nativePage(old), away[page], BufferUtil.ARRAY_BASE_OFFSET, Pages.SIZE);
            final long frame = world.frames.memory().frameOf(SpaceEntry.nativePage(old));
            // What is read from it now is not the page's.
            world.fill(frame, -1);
            world.free(frame);
        }
    }

    /** Lets every access to a page fault for good, or the stores. */
    public void forbid(final int page, final boolean loadsToo) {
        putAway(page);
        forbidden[page] = loadsToo;
        readOnly[page] = true;
    }

    @Override
    public void fault(final long page, final boolean write) {
        faults++;
        final int i = (int)page - 1;
        if (i < 0 || i >= pages || forbidden[i] || write && readOnly[i]) {
            throw new PageFaultException(page << Pages.SHIFT, "refused", write, "a region");
        }
        final long old = world.table.get(page);
        final long rights = readOnly[i] || !write ? SpaceEntry.READABLE : RIGHTS;
        if (SpaceEntry.isNone(old)) {
            final long frame = world.newFrame(0);
            UnsafeApi.copyMemory(away[i], BufferUtil.ARRAY_BASE_OFFSET, null, world.frames.memory().nativeAddress(frame), Pages.SIZE);
            world.set(page, world.present(frame, rights));
        } else {
            world.replace(page, SpaceEntry.present(SpaceEntry.nativePage(old), rights));
        }
    }

    /** @return the content of all pages, without a fault. */
    public byte[] snapshot() {
        final byte[] bytes = new byte[bytes()];
        for (int i = 0; i < pages; i++) {
            final long entry = world.table.get(i + 1L);
            if (SpaceEntry.isNone(entry)) {
                System.arraycopy(away[i], 0, bytes, i * Pages.SIZE, Pages.SIZE);
            } else {
                UnsafeApi.copyMemory(null, SpaceEntry.nativePage(entry), bytes, BufferUtil.ARRAY_BASE_OFFSET + (long)i * Pages.SIZE,
                    Pages.SIZE);
            }
        }
        return bytes;
    }

    /** Gives the pages other content. */
    public void fill(final Random random) {
        for (int i = 0; i < pages; i++) {
            putAway(i);
            random.nextBytes(away[i]);
        }
    }
}
