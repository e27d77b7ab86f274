package org.vellum.space;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;

/**
 * Which pages of one file are in memory: two levels of references, of which the lower ones are made when they are needed. Looked up and changed
 * without a lock.
 *
 * <p>Thread safety: any thread; nothing here waits.
 */
final class PageCache {
    /** log2 of {@link #LEAF_PAGES}. */
    private static final int LEAF_SHIFT = 9;
    /** Pages of a lower level. */
    static final int LEAF_PAGES = 1 << LEAF_SHIFT;

    private final AtomicReferenceArray<AtomicReferenceArray<CachedPage>> leaves;
    private final AtomicLong count = new AtomicLong();

    PageCache(final long pages) {
        leaves = new AtomicReferenceArray<>((int)(pages + LEAF_PAGES - 1 >>> LEAF_SHIFT));
    }

    /** @return how many pages there are, those that are just being read included. Exact when quiet. */
    long count() {
        return count.get();
    }

    int leaves() {
        return leaves.length();
    }

    /** @return whether no page of it ever was in memory. */
    boolean isEmpty(final int leaf) {
        return leaves.get(leaf) == null;
    }

    CachedPage get(final long filePage) {
        // Volatile: the page is whole; partner: the CAS in putIfAbsent().
        final AtomicReferenceArray<CachedPage> leaf = leaves.get((int)(filePage >>> LEAF_SHIFT));
        return leaf == null ? null : leaf.get((int)filePage & LEAF_PAGES - 1);
    }

    /** @return the page that is there already, or null: then it is this one. */
    CachedPage putIfAbsent(final CachedPage page) {
        final int number = (int)(page.filePage >>> LEAF_SHIFT);
        AtomicReferenceArray<CachedPage> leaf = leaves.get(number);
        if (leaf == null) {
            final AtomicReferenceArray<CachedPage> made = new AtomicReferenceArray<>(LEAF_PAGES);
            // CAS: of two that make one, one wins.
            leaf = leaves.compareAndSet(number, null, made) ? made : leaves.get(number);
        }
        final int at = (int)page.filePage & LEAF_PAGES - 1;
        // CAS: of two that would read a page, one does; partner: the same, and get().
        final CachedPage other = leaf.compareAndExchange(at, null, page);
        if (other == null) {
            count.incrementAndGet();
        }
        return other;
    }

    /** Takes a page out that is over: by anybody who finds it. */
    void remove(final CachedPage page) {
        final AtomicReferenceArray<CachedPage> leaf = leaves.get((int)(page.filePage >>> LEAF_SHIFT));
        // CAS: by now another page may be in its place.
        if (leaf.compareAndSet((int)page.filePage & LEAF_PAGES - 1, page, null)) {
            count.decrementAndGet();
        }
    }

    void forEach(final Consumer<CachedPage> action) {
        for (int number = 0; number < leaves.length(); number++) {
            forEach(number, action);
        }
    }

    /** Those of one leaf, in order. */
    void forEach(final int number, final Consumer<CachedPage> action) {
        final AtomicReferenceArray<CachedPage> leaf = leaves.get(number);
        for (int at = 0; leaf != null && at < LEAF_PAGES; at++) {
            final CachedPage page = leaf.get(at);
            if (page != null) {
                action.accept(page);
            }
        }
    }
}
