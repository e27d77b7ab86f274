package org.vellum.kmap;

import org.vellum.cpu.Cpus;
import org.vellum.mmu.Address;
import org.vellum.mmu.Entry;

/** What the local maps are: figures, and whether they are whole. Any thread; never waits; exact when quiet. */
final class StackReport {
    private final Cpus cpus;
    private final KmapStack stack;

    StackReport(final Cpus cpus, final KmapStack stack) {
        this.cpus = cpus;
        this.stack = stack;
    }

    /** Maps that are open, in all slots. */
    long open() {
        long open = 0;
        for (int slot = 0; slot < cpus.limit(); slot++) {
            open += KmapStack.depth(stack.word(slot));
        }
        return open;
    }

    /** Of those, maps by an entry. */
    long openEntries() {
        long entries = 0;
        for (int slot = 0; slot < cpus.limit(); slot++) {
            for (int depth = KmapStack.depth(stack.word(slot)) - 1; depth >= 0; depth--) {
                entries += Address.tag(stack.address(slot, depth)) == 0 ? 0 : 1;
            }
        }
        return entries;
    }

    /** Maps of high frames so far. */
    long highMaps() {
        long maps = 0;
        for (int slot = 0; slot < cpus.limit(); slot++) {
            if (KmapStack.isPrepared(stack.word(slot))) {
                for (int depth = 0; depth < KmapStack.MAX_DEPTH; depth++) {
                    maps += stack.highMaps(slot, depth);
                }
            }
        }
        return maps;
    }

    /** Maps so far of which it was found that their threads had left them open. */
    long leftOpen() {
        return stack.leftOpen();
    }

    /** Walks a quiet system: no map is open, and what is not open is empty. */
    void verify() {
        for (int slot = 0; slot < cpus.limit(); slot++) {
            final long word = stack.word(slot);
            if (KmapStack.depth(word) != 0) {
                throw new AssertionError("kmap slot=" + slot + " depth=" + KmapStack.depth(word) + " left open by " + KmapStack.idOf(word));
            }
            for (int depth = KmapStack.isPrepared(word) ? 0 : KmapStack.MAX_DEPTH; depth < KmapStack.MAX_DEPTH; depth++) {
                if (stack.address(slot, depth) != 0 || stack.entry(slot, depth) != Entry.NONE) {
                    throw new AssertionError("kmap slot=" + slot + " depth=" + depth + " address=0x"
                        + Long.toHexString(stack.address(slot, depth)) + " entry=0x" + Long.toHexString(stack.entry(slot, depth)));
                }
            }
        }
    }
}
