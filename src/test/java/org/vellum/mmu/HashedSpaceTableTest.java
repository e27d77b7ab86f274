package org.vellum.mmu;

/** The same with a space whose translations are kept in a hash, too. */
final class HashedSpaceTableTest extends SpaceTableTest {
    @Override
    boolean hashed() {
        return true;
    }
}
