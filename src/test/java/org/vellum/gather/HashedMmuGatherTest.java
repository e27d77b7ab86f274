package org.vellum.gather;

import org.junit.jupiter.api.Timeout;

/** The same with a space whose translations are kept in a hash, too. */
@Timeout(120)
final class HashedMmuGatherTest extends MmuGatherTest {
    @Override
    boolean hashed() {
        return true;
    }
}
