package org.vellum.vmap;

import java.util.List;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.vellum.mem.Pages;

/** That the contract is Agrona's: its own buffer keeps it. */
final class UnsafeBufferContractTest extends AtomicBufferContract {
    private final List<Subject> subjects = List.of(new Subject(
        new UnsafeBuffer(BufferUtil.allocateDirectAligned(CAPACITY, Pages.SIZE)), Pages.SIZE));

    @Override
    protected List<Subject> subjects() {
        return subjects;
    }
}
