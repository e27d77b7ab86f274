package org.vellum.kmap;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Step 1 of the reference's four: makes sure that mappings are created and destroyed in a strictly nested manner, whatever is beneath. It
 * does not see that two of them have one address.
 */
final class NestingChecker implements AtomicKmap {
    private final AtomicKmap beneath;
    private final ThreadLocal<Deque<Open>> open = ThreadLocal.withInitial(ArrayDeque::new);

    /** A mapping that is owed its unmap. */
    private record Open(long address, KmType type) {
        @Override
        public String toString() {
            return type + " at 0x" + Long.toHexString(address);
        }
    }

    NestingChecker(final AtomicKmap beneath) {
        this.beneath = beneath;
    }

    @Override
    public long kmapAtomic(final long frame, final KmType type) {
        final long address = beneath.kmapAtomic(frame, type);
        open.get().push(new Open(address, type));
        return address;
    }

    /** @throws IllegalStateException if it is not the calling thread's last that is open, naming both; nothing was changed. */
    @Override
    public void kunmapAtomic(final long address, final KmType type) {
        final Open asked = new Open(address, type);
        final Open last = open.get().peek();
        if (!asked.equals(last)) {
            throw new IllegalStateException("not nested: unmapped=" + asked + " last=" + (last == null ? "none" : last));
        }
        beneath.kunmapAtomic(address, type);
        open.get().pop();
    }
}
