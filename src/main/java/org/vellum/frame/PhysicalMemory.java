package org.vellum.frame;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.UnsafeApi;
import org.vellum.mem.Pages;
import org.vellum.mem.Words;

/**
 * The linear map: a sparse array of banks, and the translation of frame numbers and linear addresses into native ones.
 *
 * <p>Frame f has the linear addresses from f × 4096. Bank numbers start at 1, so linear addresses below the size of a
 * bank never translate: address 0, and small offsets from it, are traps.
 *
 * <p>A translation stays valid while the caller owns the frame, or until the end of the section in which it was made: a
 * bank disappears from here first, and its memory goes a grace period later.
 *
 * <p>All methods may be called by any thread and never block.
 */
public final class PhysicalMemory {
    /** No frame: what allocation returns when memory is exhausted, and look-ups when nothing is there. */
    public static final long NO_FRAME = -1;

    /** Not page-aligned, so that it shows in whatever is computed from it. */
    private static final long ABSENT = 1;

    private final int bankOrder;
    private final int bankLimit;
    private final long bankMask;
    private final int frameBits;
    private final int byteShift;
    private final long byteMask;

    /**
     * For each bank by number, what is to be added to a linear address of it to get the native one; {@link #ABSENT} if it is not
     * there.
     */
    private final Words distances;
    private final long distancesAddress;
    private final AtomicReferenceArray<MemoryBank> banks;
    /** For each bank by number whether it stays for good. Set while a frame of it is allocated, read under the buddy's lock when all are free. */
    private final boolean[] kept;

    /** Banks sorted by native address. Immutable; replaced under the growth lock. */
    private volatile MemoryBank[] byAddress = new MemoryBank[0];

    PhysicalMemory(final FrameOptions options) {
        bankOrder = options.bankOrder();
        bankLimit = options.banks() + 1;
        byteShift = bankOrder + Pages.SHIFT;
        byteMask = options.bankBytes() - 1;
        // A power of two, so that any number can be masked into it.
        final int bankBits = Integer.SIZE - Integer.numberOfLeadingZeros(bankLimit - 1);
        bankMask = (1L << bankBits) - 1;
        distances = Words.reserve(bankMask + 1);
        distancesAddress = distances.address(0);
        for (int i = 0; i <= bankMask; i++) {
            distances.putPlain(i, ABSENT);
        }
        frameBits = bankOrder + bankBits;
        kept = new boolean[bankLimit];
        banks = new AtomicReferenceArray<>(bankLimit);
    }

    /** @return the exclusive end of the linear map, in bytes, whether or not all banks are present. */
    public long physEnd() {
        return (long)bankLimit << byteShift;
    }

    /**
     * The native address of a frame. Unchecked but for an assertion.
     *
     * @param frame of a present bank.
     * @return the address of its first byte.
     */
    public long nativeAddress(final long frame) {
        assert isPresent(frame) : "frame=" + frame;
        // Plain: who owns the frame got it after its bank was published.
        return distances.getPlain(frame >>> bankOrder) + (frame << Pages.SHIFT);
    }

    /**
     * The native address of a frame, checked.
     *
     * @param frame any number.
     * @return the address of its first byte, or 0 if it is in no present bank.
     */
    public long frameAddressOrZero(final long frame) {
        final long number = frame >>> bankOrder;
        if (number >= bankLimit) {
            return 0;
        }
        // Plain: who owns the frame got it after its bank was published.
        final long distance = distances.getPlain(number);
        return distance == ABSENT ? 0 : distance + (frame << Pages.SHIFT);
    }

    /**
     * The native address of a frame for callers that check several frames together, without a branch each.
     *
     * @param frame any number.
     * @return the address of its first byte; not page-aligned if its bank is absent; meaningless if {@link #isTooLarge}.
     */
    public long uncheckedAddress(final long frame) {
        // Plain: who owns the frame got it after its bank was published.
        return UnsafeApi.getLong(distancesAddress + ((frame >>> bankOrder & bankMask) << 3)) + (frame << Pages.SHIFT);
    }

    /**
     * Whether one of some numbers has bits that no frame's has.
     *
     * @param frames the numbers, or-ed.
     * @return whether {@link #uncheckedAddress} of one of them means nothing.
     */
    public boolean isTooLarge(final long frames) {
        return frames >>> frameBits != 0;
    }

    /**
     * The native address of a linear address, checked.
     *
     * @param linearAddress any value.
     * @return the native address, or 0 if the address lies outside the linear map or in no present bank.
     */
    public long nativeAddressOrZero(final long linearAddress) {
        final long number = linearAddress >>> byteShift;
        if (number >= bankLimit) {
            return 0;
        }
        // Volatile: after the announcement of the section; partner: the volatile store in remove(), before the stamp.
        final long distance = UnsafeApi.getLongVolatile(null, distancesAddress + (number << 3));
        return distance == ABSENT ? 0 : distance + linearAddress;
    }

    /**
     * Finds the frame at a native address.
     *
     * @param nativePageAddress an address; within a page it finds the frame that holds it.
     * @return the frame, or {@link #NO_FRAME}.
     */
    public long frameOf(final long nativePageAddress) {
        final MemoryBank[] sorted = byAddress;
        int low = 0;
        int high = sorted.length - 1;
        while (low <= high) {
            final int middle = low + high >>> 1;
            final MemoryBank bank = sorted[middle];
            final long offset = nativePageAddress - bank.nativeBase();
            if (offset < 0) {
                high = middle - 1;
            } else if (offset > byteMask) {
                low = middle + 1;
            } else {
                return bank.firstFrame() + (offset >>> Pages.SHIFT);
            }
        }
        return NO_FRAME;
    }

    /**
     * @param number of a bank.
     * @return the bank, or null if it is absent or there can be none of that number.
     */
    public MemoryBank bank(final int number) {
        return number < 1 || number >= bankLimit ? null : banks.get(number);
    }

    /**
     * Keeps the bank of a frame from ever being given back: somebody may read it whom no grace period waits for.
     *
     * @param frame allocated, and the caller's.
     */
    public void keepBank(final long frame) {
        final int number = (int)(frame >>> bankOrder);
        if (!kept[number]) {
            // Plain: whoever finds the bank free has it, by way of the buddy's lock, from who freed the frame, and he from the caller.
            kept[number] = true;
        }
    }

    boolean isKept(final int number) {
        return kept[number];
    }

    /** @return the exclusive end of bank numbers, which start at 1. */
    public int bankLimit() {
        return bankLimit;
    }

    /** @return bytes of the banks that are present now. */
    public long presentBytes() {
        return (long)byAddress.length << byteShift;
    }

    /** @return log2 of the frames of a bank: {@code frame >>> bankShift()} is the number of the frame's bank. */
    public int bankShift() {
        return bankOrder;
    }

    boolean isPresent(final long frame) {
        final long number = frame >>> bankOrder;
        return number < bankLimit && UnsafeApi.getLongAcquire(null, distancesAddress + (number << 3)) != ABSENT;
    }

    /** Publishes a bank. Under the growth lock. */
    void add(final MemoryBank bank) {
        final MemoryBank[] old = byAddress;
        final MemoryBank[] sorted = new MemoryBank[old.length + 1];
        int at = 0;
        while (at < old.length && old[at].nativeBase() < bank.nativeBase()) {
            sorted[at] = old[at];
            at++;
        }
        sorted[at] = bank;
        System.arraycopy(old, at, sorted, at + 1, old.length - at);
        banks.set(bank.number(), bank);
        byAddress = sorted;
        // Volatile: the bank's table words are set; partner: the loads in nativeAddressOrZero and isPresent.
        distances.putVolatile(bank.number(), bank.nativeBase() - ((long)bank.number() << byteShift));
    }

    /** Makes a bank untranslatable; its memory is untouched. Under the growth lock. */
    void remove(final MemoryBank bank) {
        final MemoryBank[] old = byAddress;
        final MemoryBank[] sorted = new MemoryBank[old.length - 1];
        int kept = 0;
        for (final MemoryBank other : old) {
            if (other != bank) {
                sorted[kept++] = other;
            }
        }
        // Volatile: before the caller's stamp of the grace period; partner: the load in nativeAddressOrZero.
        distances.putVolatile(bank.number(), ABSENT);
        banks.set(bank.number(), null);
        byAddress = sorted;
    }
}
