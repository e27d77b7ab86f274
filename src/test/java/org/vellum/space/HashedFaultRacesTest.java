package org.vellum.space;

/** The same where translations are kept in a hash, too, so small that copies are driven out. */
final class HashedFaultRacesTest extends FaultRacesTest {
    @Override
    int hashGroups() {
        return 8;
    }
}
