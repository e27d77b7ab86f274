package org.vellum.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

final class GenerationsTest {
    @Test
    void asManyManagersAsTagsBeginEachElsewhere() {
        final BitSet met = new BitSet();
        int before = Generations.first();
        met.set(before);
        for (int i = 1; i < Generations.COUNT; i++) {
            final int first = Generations.first();
            assertTrue(first >= 1 && first <= Generations.COUNT, "first=" + first);
            assertTrue(Math.abs(first - before) > 1000, "first=" + first + " before=" + before);
            met.set(first);
            before = first;
        }
        assertEquals(Generations.COUNT, met.cardinality());
    }
}
