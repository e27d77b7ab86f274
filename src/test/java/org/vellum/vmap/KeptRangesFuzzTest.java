package org.vellum.vmap;

import org.junit.jupiter.api.Tag;

/** {@link VmapFuzzTest} with ranges that slots keep, take back from their limbo, and cut ahead. */
@Tag("stress")
final class KeptRangesFuzzTest extends VmapFuzzTest {
    @Override
    boolean keepsRanges() {
        return true;
    }
}
