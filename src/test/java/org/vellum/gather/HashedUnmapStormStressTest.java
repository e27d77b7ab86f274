package org.vellum.gather;

import org.junit.jupiter.api.Tag;

/** The same with a space whose translations are kept in a hash, too. */
@Tag("stress")
final class HashedUnmapStormStressTest extends UnmapStormStressTest {
    @Override
    boolean hashed() {
        return true;
    }
}
