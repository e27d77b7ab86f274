package org.vellum.space;

import org.junit.jupiter.api.Tag;

/** The same where translations are kept in a hash, too, so small that copies are driven out. */
@Tag("stress")
final class HashedAddressSpaceStressTest extends AddressSpaceStressTest {
    @Override
    int hashGroups() {
        return 8;
    }
}
