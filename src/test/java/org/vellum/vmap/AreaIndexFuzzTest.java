package org.vellum.vmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

/** Random operations against a sorted map. */
class AreaIndexFuzzTest {
    private static final int ROUNDS = 40;
    private static final int OPERATIONS = 26_000;

    private final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
    private final SplittableRandom random = new SplittableRandom(seed);
    private long found;
    private long foundNothing;
    private long removed;

    @Test
    void everyAnswerEqualsASortedMap() {
        System.out.println("AreaIndexFuzzTest -Dvellum.seed=" + seed);
        for (int round = 0; round < ROUNDS; round++) {
            // From a single word to several chunks, filled densely or with a handful of starts.
            final int pages = random.nextInt(1, 1 << random.nextInt(2, 17));
            final long startPage = random.nextLong(1L << random.nextInt(1, 36) - 1);
            final AreaIndex index = new AreaIndex(startPage, startPage + pages, DirtyWords::reserve);
            round(index, startPage, pages, random.nextInt(35, 60));
        }
        assertTrue(found > 0 && foundNothing > 0 && removed > 0, found + " " + foundNothing + " " + removed);
    }

    private void round(final AreaIndex index, final long startPage, final int pages, final int grow) {
        final TreeMap<Long, Integer> model = new TreeMap<>();
        for (int i = 0; i < OPERATIONS; i++) {
            final long page = startPage + random.nextInt(pages);
            if (random.nextInt(100) < grow) {
                if (!model.containsKey(page)) {
                    final int id = random.nextInt() | 1;
                    index.put(page, id);
                    model.put(page, id);
                }
            } else {
                final Integer id = model.remove(page);
                assertEquals(id == null ? AreaIndex.NO_ID : id, index.remove(page), () -> "seed=" + seed);
                removed += id == null ? 0 : 1;
            }
            compare(index, model, startPage + random.nextLong(-2, pages + 2));
            if (i % 4096 == 0) {
                index.verify();
            }
        }
        index.verify();
        assertEquals(model.size(), index.size());
    }

    private void compare(final AreaIndex index, final TreeMap<Long, Integer> model, final long page) {
        final Integer id = model.get(page);
        assertEquals(id == null ? AreaIndex.NO_ID : id, index.idAt(page), () -> "seed=" + seed);
        same(model.floorEntry(page), index.floor(page));
        same(model.ceilingEntry(page), index.ceiling(page));
        same(model.higherEntry(page), index.next(page));
    }

    private void same(final Map.Entry<Long, Integer> expected, final long page) {
        assertEquals(expected == null ? AreaIndex.NONE : expected.getKey(), page, () -> "seed=" + seed);
        if (expected == null) {
            foundNothing++;
        } else {
            found++;
        }
    }
}
