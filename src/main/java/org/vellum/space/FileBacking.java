package org.vellum.space;

import org.vellum.lock.SleepingLock;
import org.vellum.mem.Pages;
import org.vellum.mmu.SpaceEntry;

/** Pages of a file: those of shared regions are the file's own, those of private ones too, until they are stored to. */
final class FileBacking implements Backing {
    private final SpaceFile file;

    FileBacking(final SpaceFile file) {
        this.file = file;
    }

    SpaceFile file() {
        return file;
    }

    @Override
    public long frame(final Region region, final long page, final boolean write, final boolean mayWait) {
        return file.frame(region.filePageOf(page), page << Pages.SHIFT, mayWait);
    }

    @Override
    public void giveBack(final Region region, final long page, final long frame) {
        file.giveBack(frame);
    }

    @Override
    public boolean isCounted() {
        return true;
    }

    @Override
    public boolean isCopiedOnWrite() {
        return true;
    }

    @Override
    public void cleared(final Region region, final long page, final long oldEntry) {
        // A private page that was stored to is a copy, and none of the file's business.
        if (region.has(Region.SHARED) && SpaceEntry.has(oldEntry, SpaceEntry.PRESENT | SpaceEntry.DIRTY)) {
            file.dirtied(region.filePageOf(page));
        }
    }

    @Override
    public void mapped(final MemoryDescriptor mm, final Region region) {
        file.mapped(mm, region.startPage(), region.endPage(), region.filePage(), region.has(Region.SHARED));
    }

    @Override
    public void ending(final MemoryDescriptor mm, final Region region) {
        if (region.has(Region.SHARED)) {
            FileCleaner.endNoFlush(mm.table, file, region.startPage(), region.pages(), region.filePage());
        }
    }

    @Override
    public void unmapped(final MemoryDescriptor mm, final Region region) {
        file.unmapped(mm, region.startPage(), region.endPage());
    }

    @Override
    public SleepingLock mappingLock() {
        return file.mappingLock();
    }

    @Override
    public void willNeed(final Region region, final long startPage, final long endPage) {
        file.readAhead(region.filePageOf(startPage), endPage - startPage);
    }

    @Override
    public String toString() {
        return file.path();
    }
}
