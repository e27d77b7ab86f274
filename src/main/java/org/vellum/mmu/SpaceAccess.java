package org.vellum.mmu;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Objects;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;

/**
 * Typed access by address of one address space. Addresses count bytes from the start of the space; any {@code long} is safe: what is not
 * mapped, not allowed or not in the space is a {@link org.vellum.report.PageFaultException}, and changes nothing.
 *
 * <p>The library itself changes mappings under the feet of those who use them, so accesses protect themselves:
 * <ul>
 * <li><b>Loads</b> look twice and open no section: they wait for nobody and nobody for them.</li>
 * <li><b>Stores and atomics</b> are made in a section: the caller's, if it has one open, which is cheapest if it hands in its slot, or one that
 * is opened for the store alone, which costs several times the store. Hot loops open one around many.</li>
 * <li><b>Bulk operations</b> go run by run in sections of at most 1 MiB. One that faults in the middle leaves what it has moved.</li>
 * </ul>
 *
 * <p>An access that has to wait, for a page or a lock, does so outside its own section. Inside a section of the caller's it may not wait: it
 * throws {@link org.vellum.report.WouldWaitException} then.
 *
 * <p>Values may begin in one page and end in the next, for every width and order; they are not atomic then, and volatile, acquire, release,
 * opaque and read-modify-write access across a page is an {@link IllegalArgumentException}. Not crossing but misaligned, they do what the
 * processor does. Order is native, unless said.
 *
 * <p>Where a section has to be opened and every slot is busy, {@link Cpus#enter()} says what happens. Copies to and from the window, or a
 * space of another memory, allocate an array to go through, and a target that expands may; nothing else here allocates. All methods may be
 * called by any thread.
 */
public class SpaceAccess extends SpaceOrderedLongs {
    private final SpaceBulk bulk = new SpaceBulk(this);

    /**
     * @param table of the space.
     * @param faults asked when a page does not translate.
     * @param cpus whose sections protect what the table shows.
     */
    public SpaceAccess(final SpaceTable table, final SpaceFaults faults, final Cpus cpus) {
        super(table, faults, cpus);
    }

    /**
     * @param address of the first byte.
     * @param target to copy to.
     * @param offset in {@code target}, in bytes.
     * @param length in bytes.
     */
    public void getBytes(final long address, final byte[] target, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        bulk.get(address, target, BufferUtil.ARRAY_BASE_OFFSET + offset, length);
    }

    /**
     * @param address of the first byte.
     * @param target to copy to; may be a view of this or another space, or of the window. If it is expandable, it expands.
     * @param index in {@code target}.
     * @param length in bytes.
     */
    public void getBytes(final long address, final MutableDirectBuffer target, final int index, final int length) {
        requireInside(address, length, false);
        if (target.isExpandable()) {
            target.setMemory(index, length, (byte)0);
        } else if (DirectBuffer.SHOULD_BOUNDS_CHECK) {
            target.boundsCheck(index, length);
        }
        if (target instanceof SpaceRange view) {
            copyMemory(address, view.access(), view.address() + index, length);
        } else if (target instanceof ScatteredBuffer) {
            HeapPieces.copy(length, (done, between, bytes) -> {
                getBytes(address + done, between, 0, bytes);
                target.putBytes(index + (int)done, between, 0, bytes);
            });
        } else {
            bulk.get(address, target.byteArray(), target.addressOffset() + index, length);
            Reference.reachabilityFence(target);
        }
    }

    /**
     * @param address of the first byte.
     * @param target to copy to, heap or direct; its position and limit stay as they are.
     * @param offset in {@code target}, in bytes from its start.
     * @param length in bytes.
     */
    public void getBytes(final long address, final ByteBuffer target, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, target.capacity());
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        bulk.get(address, MappedAccess.arrayOf(target), MappedAccess.baseOf(target) + offset, length);
        Reference.reachabilityFence(target);
    }

    /**
     * @param address of the first byte.
     * @param source to copy from.
     * @param offset in {@code source}, in bytes.
     * @param length in bytes.
     */
    public void putBytes(final long address, final byte[] source, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, source.length);
        bulk.put(address, source, BufferUtil.ARRAY_BASE_OFFSET + offset, length);
    }

    /**
     * @param address of the first byte.
     * @param source to copy from; may be a view of this or another space, or of the window.
     * @param index in {@code source}.
     * @param length in bytes.
     */
    public void putBytes(final long address, final DirectBuffer source, final int index, final int length) {
        requireInside(address, length, true);
        if (DirectBuffer.SHOULD_BOUNDS_CHECK) {
            source.boundsCheck(index, length);
        }
        if (source instanceof SpaceRange view) {
            view.access().copyMemory(view.address() + index, this, address, length);
        } else if (source instanceof ScatteredBuffer) {
            HeapPieces.copy(length, (done, between, bytes) -> {
                source.getBytes(index + (int)done, between, 0, bytes);
                putBytes(address + done, between, 0, bytes);
            });
        } else {
            bulk.put(address, source.byteArray(), source.addressOffset() + index, length);
            Reference.reachabilityFence(source);
        }
    }

    /**
     * @param address of the first byte.
     * @param source to copy from, heap or direct; its position and limit stay as they are.
     * @param offset in {@code source}, in bytes from its start.
     * @param length in bytes.
     */
    public void putBytes(final long address, final ByteBuffer source, final int offset, final int length) {
        Objects.checkFromIndexSize(offset, length, source.capacity());
        bulk.put(address, MappedAccess.arrayOf(source), MappedAccess.baseOf(source) + offset, length);
        Reference.reachabilityFence(source);
    }

    /**
     * @param address of the first byte.
     * @param length in bytes.
     * @param value for each byte.
     */
    public void setMemory(final long address, final long length, final byte value) {
        bulk.set(address, length, value);
    }

    /**
     * Copies within the space. The ranges may overlap: what arrives is what the source held before. (Only by address: where two
     * addresses map one frame, the order of the bytes' moves is not defined.)
     *
     * @param source address of the first byte to read.
     * @param target address of the first byte to write.
     * @param length in bytes.
     */
    public void copyMemory(final long source, final long target, final long length) {
        bulk.copyTo(source, bulk, target, length);
    }

    /**
     * Copies to another space, or within this one.
     *
     * @param source address of the first byte to read, in this space.
     * @param other the space to write to, of whatever memory.
     * @param target address of the first byte to write, in the other space.
     * @param length in bytes.
     */
    public void copyMemory(final long source, final SpaceAccess other, final long target, final long length) {
        if (cpus() == other.cpus()) {
            bulk.copyTo(source, other.bulk, target, length);
            return;
        }
        requireInside(source, length, false);
        other.requireInside(target, length, true);
        HeapPieces.copy(length, (done, between, bytes) -> {
            getBytes(source + done, between, 0, bytes);
            other.putBytes(target + done, between, 0, bytes);
        });
    }

    /**
     * Makes every page of a range writable, or faults: so that of several stores that follow, one that cannot be made shows before the first.
     * (Unless the range changes meanwhile.)
     *
     * @param address of the first byte.
     * @param length in bytes.
     * @throws org.vellum.report.PageFaultException at the first page that cannot be stored to.
     */
    public void requireWritable(final long address, final long length) {
        requireInside(address, length, true);
        for (long done = 0; done < length; done += SpaceBulk.pageRest(address + done)) {
            resolve(address + done, true);
        }
    }

    /**
     * Translates for loads at native speed in a section of the caller's. What is returned is valid to the end of the page, until that section
     * ends. Faults in it, so where that would have to wait, it throws {@link org.vellum.report.WouldWaitException} instead.
     *
     * @param section the slot that the caller occupies.
     * @param address of the first byte, in bytes.
     * @return its native address.
     * @throws IllegalStateException if the caller does not occupy it.
     * @throws org.vellum.report.PageFaultException if the page may not be read.
     */
    public long readable(final Cpu section, final long address) {
        return translate(section, address, false);
    }

    /**
     * Translates for loads and stores at native speed in a section of the caller's. What is returned is valid to the end of the page, until that
     * section ends. Faults in it, so where that would have to wait, it throws {@link org.vellum.report.WouldWaitException} instead.
     *
     * @param section the slot that the caller occupies.
     * @param address of the first byte, in bytes.
     * @return its native address.
     * @throws IllegalStateException if the caller does not occupy it.
     * @throws org.vellum.report.PageFaultException if the page may not be written.
     */
    public long writable(final Cpu section, final long address) {
        return translate(section, address, true);
    }

    private long translate(final Cpu section, final long address, final boolean write) {
        if (section == null || !cpus().isOccupant(section) && cpus().current() != section) {
            throw new IllegalStateException("native addresses are valid inside a section only: section=" + section);
        }
        while (true) {
            final long at = translateOrNone(address, write);
            if (at != NONE) {
                return at;
            }
            resolve(address, write);
        }
    }
}
