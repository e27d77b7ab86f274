package org.vellum.alloc;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.vellum.mem.Pages;
import org.vellum.vmap.AtomicBufferContract;

/** The contract of Agrona's buffers, for buffers that own contiguous memory, scattered memory, and memory that was resized to either. */
final class OffHeapBufferContractTest extends AtomicBufferContract {
    private final TestBufferMemory memory = new TestBufferMemory();
    private final List<OffHeapBuffer> buffers = new ArrayList<>();
    private final List<Subject> subjects = new ArrayList<>();

    OffHeapBufferContractTest() {
        for (final long alignment : new long[] {1, 512}) {
            for (final boolean scattered : new boolean[] {false, true}) {
                memory.scattered = scattered;
                add(new OffHeapBuffer(memory, CAPACITY, alignment, false));
                final OffHeapBuffer resized = new OffHeapBuffer(memory, 100, alignment, true);
                memory.scattered = !scattered;
                resized.resize(CAPACITY);
                add(resized);
            }
        }
    }

    private void add(final OffHeapBuffer buffer) {
        buffers.add(buffer);
        subjects.add(new Subject(buffer, (int)(Pages.SIZE - (buffer.address() & Pages.OFFSET_MASK))));
    }

    @AfterEach
    void close() {
        buffers.forEach(OffHeapBuffer::close);
        memory.close();
    }

    @Override
    protected List<Subject> subjects() {
        return subjects;
    }
}
