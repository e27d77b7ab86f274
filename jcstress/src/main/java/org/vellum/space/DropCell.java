package org.vellum.space;

/** One page in memory, for one state. */
final class DropCell {
    private static final BackingFrames FRAMES = new BackingFrames(FileCell.CPUS, FileCell.FRAMES);

    private final CachedPage page = new CachedPage(0, new PendingRead());
    private int given;

    DropCell() {
        page.present(FRAMES.allocate(SpaceFiles.FILE_BIT));
    }

    int get() {
        given = page.tryGet(FRAMES) ? 1 : 0;
        return given;
    }

    /** g2 alone; -1 if the frame was free by then. */
    int getWithoutUser() {
        if (!page.is(CachedPage.PRESENT)) {
            return 0;
        }
        try {
            FRAMES.get(page.frame());
            given = 1;
            return 1;
        } catch (final IllegalStateException | IllegalArgumentException e) {
            return -1;
        }
    }

    int drop() {
        if (!page.tryDrop(FRAMES)) {
            return 0;
        }
        FRAMES.put(page.frame());
        return 1;
    }

    void close() {
        if (page.end()) {
            FRAMES.put(page.frame());
        }
    }

    /** Gives everything up; returns how many references there were. The frame's next owner, if it was free, is another state. */
    int settle() {
        final int count = given == 0 && page.isOver() ? 0 : FRAMES.count(page.frame());
        if (given == 1) {
            FRAMES.put(page.frame());
        }
        if (page.end()) {
            FRAMES.put(page.frame());
        }
        return count;
    }
}
