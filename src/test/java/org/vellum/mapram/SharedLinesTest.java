package org.vellum.mapram;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;
import org.vellum.mem.WordsObserver;
import org.vellum.vmap.VmallocFlags;
import org.vellum.vmap.VmapBuffer;

/** Counts the cache lines that a steady-state mapping of a block writes and that are not its slot's own: there are none. */
final class SharedLinesTest {
    private static final int PAGE = SmallMemory.PAGE;
    private static final int PAGES = 4;
    private static final int OPERATIONS = 50;

    private final List<Words> words = new ArrayList<>();
    private Vellum memory;
    private long[] frames;
    private VmapBuffer view;

    @BeforeEach
    void open() throws Exception {
        memory = WordsObserver.observe(words, () -> SmallMemory.builder(256, 8192).rangeCaches(true).open());
        frames = SmallMemory.frames(memory, PAGES);
        view = memory.view();
        blocks(3);
    }

    @AfterEach
    void close() {
        SmallMemory.free(memory, frames);
        memory.close();
    }

    private void blocks(final int operations) {
        final MapRam mapRam = memory.mapRam();
        for (int i = 0; i < operations; i++) {
            try (Cpu cpu = memory.enter()) {
                final long address = mapRam.vmMapRam(cpu, frames, 0, PAGES);
                view.wrap(address, PAGES * PAGE);
                for (int page = 0; page < PAGES; page++) {
                    view.putLong(page * PAGE, i);
                }
                mapRam.vmUnmapRam(cpu, address, PAGES);
            }
        }
    }

    private void areas(final int operations) {
        for (int i = 0; i < operations; i++) {
            memory.vmap().vunmap(memory.vmap().vmap(frames, 0, PAGES, VmallocFlags.NONE));
        }
    }

    /** The lines of the caller's slot, and those of the entries of its current block. */
    private boolean isOwn(final long line) {
        final long slot;
        try (Cpu cpu = memory.enter()) {
            slot = cpu.ownWords() & -CacheLine.STRIDE_BYTES;
        }
        return line >= slot && line < slot + CacheLine.STRIDE_BYTES || memory.mapRam().current.isOfCurrentBlock(line);
    }

    @Test
    void blocksWriteNoSharedLine() {
        final WrittenLines before = new WrittenLines(words, memory);
        blocks(OPERATIONS);
        final Set<Long> lines = before.nativeLines();
        assertTrue(lines.stream().filter(this::isOwn).count() >= 3, "the slot's two lines and some of its block's: " + lines);
        lines.removeIf(this::isOwn);
        assertEquals(Set.of(), lines);
        assertEquals(Set.of(), before.heapFields());
    }

    @Test
    void theCountSeesWhatAreasWrite() {
        areas(3);
        final WrittenLines before = new WrittenLines(words, memory);
        areas(OPERATIONS);
        final Set<Long> lines = before.nativeLines();
        lines.removeIf(this::isOwn);
        assertFalse(lines.isEmpty());
    }

    @Test
    void theCountSeesANewBlock() {
        final WrittenLines before = new WrittenLines(words, memory);
        blocks(1024 / PAGES);
        final Set<Long> lines = before.nativeLines();
        lines.removeIf(this::isOwn);
        assertFalse(lines.isEmpty());
        assertFalse(before.heapFields().isEmpty());
    }
}
