package org.vellum.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class SizeClassesTest {
    @Test
    void everySizeGetsTheSmallestClassThatHoldsIt() {
        for (int size = 1; size <= SizeClasses.MAX_SIZE; size++) {
            final int sizeClass = SizeClasses.of(size);
            assertTrue(SizeClasses.size(sizeClass) >= size, "size=" + size);
            assertTrue(sizeClass == 0 || SizeClasses.size(sizeClass - 1) < size, "size=" + size + " fits a smaller class");
        }
    }

    @Test
    void wasteAbove64BytesIsAnEighthOfTheObjectAtMost() {
        for (int size = 65; size <= SizeClasses.MAX_SIZE; size++) {
            final int object = SizeClasses.size(SizeClasses.of(size));
            assertTrue((object - size) * 8 <= object, "size=" + size + " object=" + object);
        }
    }

    @Test
    void sizesGrowAndAreAligned() {
        for (int i = 0; i < SizeClasses.COUNT; i++) {
            final int size = SizeClasses.size(i);
            assertTrue(i == 0 || size > SizeClasses.size(i - 1));
            assertEquals(0, size % (size >= 128 ? 16 : SizeClasses.MIN_ALIGNMENT), "size=" + size);
        }
        assertEquals(SizeClasses.MAX_SIZE, SizeClasses.size(SizeClasses.COUNT - 1));
        assertTrue(SizeClasses.COUNT <= SlabWord.CLASSES);
    }

    @Test
    void everyPowerOfTwoIsAClass() {
        for (int size = 32; size <= SizeClasses.MAX_SIZE; size *= 2) {
            assertEquals(size, SizeClasses.size(SizeClasses.of(size)));
        }
    }

    @Test
    void alignedClassesAreTheSmallestThatAre() {
        for (int alignment = 1; alignment <= 4096; alignment *= 2) {
            for (int size = 1; size <= SizeClasses.MAX_SIZE; size++) {
                final int sizeClass = SizeClasses.of(size, alignment);
                assertTrue(SizeClasses.size(sizeClass) >= size && SizeClasses.size(sizeClass) % alignment == 0,
                    "size=" + size + " alignment=" + alignment);
                for (int smaller = SizeClasses.of(size); smaller < sizeClass; smaller++) {
                    assertTrue(SizeClasses.size(smaller) % alignment != 0, "size=" + size + " alignment=" + alignment);
                }
            }
        }
    }

    @Test
    void divisionIsExactForEveryOffsetOfASlab() {
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            final long divisor = SizeClasses.divisor(sizeClass);
            final int size = SizeClasses.size(sizeClass);
            assertEquals(size, SizeClasses.sizeOf(divisor));
            for (int offset = 0; offset < SlabTable.BYTES; offset++) {
                if (SizeClasses.index(divisor, offset) != offset / size) {
                    assertEquals(offset / size, SizeClasses.index(divisor, offset), "size=" + size + " offset=" + offset);
                }
            }
        }
    }

    @Test
    void atMostATenthOfASlabIsLeftOver() {
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            final int used = SizeClasses.objects(sizeClass) * SizeClasses.size(sizeClass);
            assertTrue(used <= SlabTable.BYTES && (SlabTable.BYTES - used) * 10 <= SlabTable.BYTES, "class=" + sizeClass);
            assertTrue(SlabTable.windows(SizeClasses.objects(sizeClass)) * SlabTable.WINDOW <= SlabTable.MAX_OBJECTS);
        }
    }

    /** Where a false address could name a state byte, there is one, and it is known to be NONE: never left from an earlier slab. */
    @Test
    void whatIsBehindTheLastObjectIsInItsLastWindowOrRefused() {
        for (int sizeClass = 0; sizeClass < SizeClasses.COUNT; sizeClass++) {
            final int size = SizeClasses.size(sizeClass);
            final int windows = SlabTable.windows(SizeClasses.objects(sizeClass)) * SlabTable.WINDOW;
            for (int object = SizeClasses.objects(sizeClass); object * size < SlabTable.BYTES; object++) {
                assertTrue(object < windows || object >= SlabTable.MAX_OBJECTS, "class=" + sizeClass + " object=" + object);
            }
        }
    }

    @Test
    void aSixteenthIsWorthwhile() {
        assertEquals(1, SizeClasses.worthwhile(SizeClasses.of(8192)));
        assertEquals(60, SizeClasses.worthwhile(SizeClasses.of(32)));
        assertEquals(64, SizeClasses.objects(SizeClasses.of(512)));
        assertEquals(4, SizeClasses.worthwhile(SizeClasses.of(512)));
    }
}
