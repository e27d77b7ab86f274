package org.vellum.gather;

/** The same with a space whose translations are kept in a hash, too. */
final class HashedMmuGatherFuzzTest extends MmuGatherFuzzTest {
    @Override
    boolean hashed() {
        return true;
    }
}
