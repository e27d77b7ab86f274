package org.vellum.mmu;

/** The same with a space whose translations are kept in a hash, too. */
final class HashedSpaceTableFuzzTest extends SpaceTableFuzzTest {
    @Override
    boolean hashed() {
        return true;
    }
}
