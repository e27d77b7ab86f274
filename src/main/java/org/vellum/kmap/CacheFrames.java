package org.vellum.kmap;

import org.vellum.mem.CacheLine;
import org.vellum.mem.Words;

/**
 * The cache frames, by index: what each holds, who uses it, and where its page is.
 *
 * <p>A record of two cache lines each, so that pins of different frames do not disturb one another:
 * <pre>
 *   0 state   see {@link CacheWord}; changed by compare-and-set
 *   1 page    native address; written before the index is published, then constant
 *   2 frame   the frame of physical memory that it is; as 1
 * </pre>
 *
 * <h2>Whoever may change the state</h2>
 * Pins, and the bits that come with them: anyone who finds the frame in it and no A. A: who took the cache frame for another high
 * frame. W: who set it. Free: the directory, under its lock.
 *
 * <h2>Eviction against a new pin</h2>
 * <pre>
 *   T (tryPin)                                    U (replace, under the lock)
 *   t1: index of f in the hash                    u1: word: f, no pins, no A, W, D
 *   t2: CAS word: (f, n) → (f, n + 1)             u2: CAS word: that very one → (g, A)
 *                                                 u3: hash: f out, g in
 * </pre>
 * One word: if t2 comes first u2 fails, for it expects no pins. If u2 comes first t2 fails or does not happen: the word has
 * another frame, so T has a miss, whether or not the hash still says otherwise. That the word may hold f again when T comes back to it
 * does no harm: it is f's content then.
 *
 * <h2>Write-back against a new writable pin</h2>
 * <pre>
 *   T (stores)                                    U (writes back)
 *   t1: CAS word: + pin, D, S                     u1: CAS word: + W; − D if there is no S
 *   t2: stores                                    u2: copies the page, writes the copy
 *   t3: CAS word: − pin, − S if it was the last   u3: CAS word: − W; + D if it could not be written
 * </pre>
 * The claim: if a store of T is not in the copy, D is set after both are done. If t1 precedes u1 and t3 does not, u1 finds S and leaves D.
 * If t3 precedes u1, and with it T's stores, u1 reads from t3 or a later change of the word, so that u2 sees them all; if other pins
 * keep S, D stays anyhow. If t1 follows u1, t1 sets D, and u3 only ever adds it. D may stay set for a page that is on
 * the disk, and is written once more then. Had u1 not cleared D before the copy, but u3 after the write, a t1 between them would be
 * undone: the stores would be lost with the next eviction. W keeps the next writer out, so that an older copy does not overwrite a
 * newer one, and keeps the frame from eviction, so that nobody reads the file before the copy is there.
 *
 * <p>Any thread; never waits.
 */
final class CacheFrames {
    private static final int PAGE = 1;
    private static final int FRAME = 2;

    private final Words records;

    /** @param capacity how many there can be. */
    CacheFrames(final int capacity) {
        records = Words.zeroed((long)capacity * CacheLine.STRIDE_WORDS);
    }

    private static long at(final int index) {
        return (long)index * CacheLine.STRIDE_WORDS;
    }

    /** Puts memory under an index that nobody knows yet, or nobody uses. Under the directory's lock. */
    void back(final int index, final long nativePage, final long physicalFrame) {
        // Plain: whoever reads them has found the index in a word that was changed by CAS since.
        records.putPlain(at(index) + PAGE, nativePage);
        records.putPlain(at(index) + FRAME, physicalFrame);
    }

    long nativePage(final int index) {
        return records.getPlain(at(index) + PAGE);
    }

    long physicalFrame(final int index) {
        return records.getPlain(at(index) + FRAME);
    }

    /** @return the state now, in the order of synchronisation actions: who looks before he parks relies on it. */
    long word(final int index) {
        return records.getVolatile(at(index));
    }

    /** Pins, if the index holds that very frame with its content. */
    boolean tryPin(final int index, final long frame, final boolean writable) {
        final long at = at(index);
        while (true) {
            // Opaque: only a guess at what the CAS expects.
            final long word = records.getOpaque(at);
            // Frame and A in one compare: whatever differs above W is another frame, or one without content.
            if ((word ^ CacheWord.of(frame)) >>> CacheWord.FRAME_SHIFT - 1 != 0) {
                return false;
            }
            if (CacheWord.pins(word) == CacheWord.MAX_PINS) {
                throw new IllegalStateException("there can be no more pins: pins=" + CacheWord.MAX_PINS + " frame=" + frame);
            }
            // CAS: acquires the content (partner: finishRead), and is t1 and t2 of the arguments above.
            if (records.compareAndSet(at, word, CacheWord.pinned(word, writable))) {
                return true;
            }
        }
    }

    /**
     * Drops a pin.
     *
     * @return whether it was the last.
     * @throws IllegalStateException if there is none.
     */
    boolean unpin(final int index) {
        final long at = at(index);
        while (true) {
            final long word = records.getOpaque(at);
            if (CacheWord.pins(word) == 0) {
                throw new IllegalStateException("not pinned: index=" + index + " " + CacheWord.describe(word));
            }
            // CAS: releases the stores (partner: the CAS in startWrite); t3 above. Volatile, because who was waiting looks afterwards.
            if (records.compareAndSet(at, word, CacheWord.unpinned(word))) {
                return CacheWord.pins(word) == 1;
            }
        }
    }

    /** Gives a frame that was seen idle and clean to another one, whose content is to be read now. u2 of the first argument. */
    boolean replace(final int index, final long seen, final long frame) {
        assert CacheWord.isIdleAndClean(seen) : CacheWord.describe(seen);
        return records.compareAndSet(at(index), seen, CacheWord.of(frame) | CacheWord.READING);
    }

    /** Empties a frame that was seen idle and clean. */
    boolean clear(final int index, final long seen) {
        assert CacheWord.isIdleAndClean(seen) : CacheWord.describe(seen);
        return records.compareAndSet(at(index), seen, CacheWord.FREE);
    }

    /** The content is there; the reader takes the first pin with it, if it wants one. */
    void finishRead(final int index, final long frame, final boolean pin, final boolean writable) {
        final long valid = CacheWord.of(frame) | CacheWord.REFERENCED;
        assert word(index) == (CacheWord.of(frame) | CacheWord.READING) : CacheWord.describe(word(index));
        // Volatile: releases the content (partner: the CAS in tryPin), and precedes the look for who waits for it.
        records.putVolatile(at(index), pin ? CacheWord.pinned(valid, writable) : valid);
    }

    /** The content could not be read. Under the directory's lock. */
    void failRead(final int index) {
        assert CacheWord.is(word(index), CacheWord.READING) : CacheWord.describe(word(index));
        records.putVolatile(at(index), CacheWord.FREE);
    }

    /** The clock came by. */
    void forgetReference(final int index, final long seen) {
        // A failed CAS means that somebody has just used it: then it is referenced again.
        records.compareAndSet(at(index), seen, seen & ~CacheWord.REFERENCED);
    }

    /**
     * Begins to write a dirty frame back, or, while somebody may be storing to it, a copy of what it is now: u1.
     *
     * @return false if it holds another frame by now, is clean, or somebody else is writing it.
     */
    boolean startWrite(final int index, final long frame) {
        final long at = at(index);
        while (true) {
            final long word = records.getOpaque(at);
            if (CacheWord.frame(word) != frame || !CacheWord.is(word, CacheWord.DIRTY) || CacheWord.is(word, CacheWord.WRITING)) {
                return false;
            }
            // CAS: acquires what was stored before the last unpin.
            if (records.compareAndSet(at, word, CacheWord.writing(word))) {
                return true;
            }
        }
    }

    /** Ends it: u3. Who could not write leaves it dirty. */
    void finishWrite(final int index, final boolean written) {
        final long at = at(index);
        long word;
        do {
            word = records.getOpaque(at);
            assert CacheWord.is(word, CacheWord.WRITING) : CacheWord.describe(word);
        } while (!records.compareAndSet(at, word, word & ~CacheWord.WRITING | (written ? 0 : CacheWord.DIRTY)));
    }

    /** Makes a frame with content dirty again: what was written of it may not have reached the disk. */
    void redirty(final int index, final long frame) {
        final long at = at(index);
        long word;
        do {
            word = records.getOpaque(at);
        } while (CacheWord.frame(word) == frame && !CacheWord.is(word, CacheWord.READING)
            && !records.compareAndSet(at, word, word | CacheWord.DIRTY));
    }
}
