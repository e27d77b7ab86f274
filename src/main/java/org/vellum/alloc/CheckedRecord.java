package org.vellum.alloc;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicReference;
import org.vellum.epoch.Retirement;

/** One allocation of the checked mode: where it is, and who did what to it. After its free it waits for its grace period by itself. */
final class CheckedRecord extends Retirement {
    private static final String ROOM_PREFIX = "org.vellum.";

    final long address;
    final long size;
    /** What the plain allocator knows it by. */
    final long block;
    /** Bytes that it takes there. */
    final long blockBytes;
    final Budget budget;
    private final CheckedAllocator owner;
    private final Throwable allocated;
    /** Set once, by the one who has freed it. */
    private final AtomicReference<Throwable> freed = new AtomicReference<>();

    CheckedRecord(
        final CheckedAllocator owner, final long block, final long blockBytes, final long address, final long size,
        final Budget budget) {
        this.owner = owner;
        this.block = block;
        this.blockBytes = blockBytes;
        this.address = address;
        this.size = size;
        this.budget = budget;
        allocated = new Throwable("allocated by " + Thread.currentThread().getName());
    }

    /** Of several frees one gets true; then the others find in the record who it was. */
    boolean noteFreed() {
        return freed.compareAndSet(null, new Throwable("freed by " + Thread.currentThread().getName()));
    }

    boolean isFreed() {
        return freed.get() != null;
    }

    @Override
    protected void released() {
        owner.graceEnded(this);
    }

    /** The first frame that is not the library's. */
    String callSite() {
        for (final StackTraceElement frame : allocated.getStackTrace()) {
            if (!isOurs(frame.getClassName())) {
                return frame.toString();
            }
        }
        return "unknown";
    }

    private static boolean isOurs(final String className) {
        // Tests live in the same packages, and are callers.
        return className.startsWith(ROOM_PREFIX) && !className.endsWith("Test") && !className.contains("Test$");
    }

    String describe() {
        final StringWriter text = new StringWriter();
        final PrintWriter out = new PrintWriter(text);
        out.println("address=0x" + Long.toHexString(address) + " size=" + size + " budget=" + budget.path());
        allocated.printStackTrace(out);
        final Throwable end = freed.get();
        if (end != null) {
            end.printStackTrace(out);
        }
        return text.toString();
    }
}
