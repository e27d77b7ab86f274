package org.vellum.percpu;

import java.util.Arrays;
import java.util.Objects;
import org.vellum.mem.Pages;

/**
 * The shape of per-CPU memory.
 *
 * @param staticBytes at the start of each unit of the first chunk, for what is there from the beginning: 1 up to 16 MiB; rounds up to 4.
 * @param staticImage what each CPU's static bytes begin with, at most as long; null: zero.
 * @param reservedBytes behind them, for {@code allocateReserved}: 0 up to 16 MiB; rounds up to 4.
 * @param dynamicBytes the least that the first chunk has besides: 0 up to 16 MiB, or {@link #FILL}.
 * @param atomBytes what a group's memory is aligned to and comes in multiples of: a power of two, a page up to 16 MiB.
 * @param cpuIds for each slot that carries caches the id of its CPU, distinct, 0 up to {@link #MAX_CPU_ID}; null: its own number.
 * @param distance which CPUs are near each other; null: all.
 * @param source memory for an embedded first chunk; null: contiguous frames.
 * @param firstChunk how the first chunk gets its memory.
 */
public record PercpuOptions(
    long staticBytes, byte[] staticImage, long reservedBytes, long dynamicBytes, long atomBytes, int[] cpuIds, CpuDistance distance,
    UnitSource source, FirstChunkKind firstChunk) {

    /** As {@code dynamicBytes}: what the static and reserved bytes leave of a unit of 32 KiB. */
    public static final long FILL = -1;
    /** The largest id of a CPU. */
    public static final int MAX_CPU_ID = (1 << 16) - 1;
    /** Units of 32 KiB on contiguous frames, one cache line of each static, the rest dynamic. */
    public static final PercpuOptions DEFAULT =
        new PercpuOptions(64, null, 0, FILL, Pages.SIZE, null, null, null, FirstChunkKind.AUTO);

    /** Checks the ranges above and copies the arrays. */
    public PercpuOptions {
        require(staticBytes > 0 && staticBytes <= AllocInfo.MAX_UNIT_BYTES, "staticBytes", staticBytes);
        require(reservedBytes >= 0 && reservedBytes <= AllocInfo.MAX_UNIT_BYTES, "reservedBytes", reservedBytes);
        require(dynamicBytes >= FILL && dynamicBytes <= AllocInfo.MAX_UNIT_BYTES, "dynamicBytes", dynamicBytes);
        require(atomBytes >= Pages.SIZE && atomBytes <= AllocInfo.MAX_UNIT_BYTES && Long.bitCount(atomBytes) == 1, "atomBytes", atomBytes);
        if (staticImage != null) {
            require(staticImage.length <= staticBytes, "staticBytes=" + staticBytes + " staticImage.length", staticImage.length);
            staticImage = staticImage.clone();
        }
        if (cpuIds != null) {
            cpuIds = cpuIds.clone();
            requireIds(cpuIds);
        }
        Objects.requireNonNull(firstChunk, "firstChunk");
        final long bytes = staticBytes + reservedBytes + Math.max(0, dynamicBytes);
        require(bytes <= AllocInfo.MAX_UNIT_BYTES, "staticBytes + reservedBytes + dynamicBytes", bytes);
    }

    private static void requireIds(final int[] cpuIds) {
        final int[] sorted = cpuIds.clone();
        Arrays.sort(sorted);
        for (int i = 0; i < sorted.length; i++) {
            require(sorted[i] >= 0 && sorted[i] <= MAX_CPU_ID, "cpuId", sorted[i]);
            require(i == 0 || sorted[i] != sorted[i - 1], "twice: cpuId", sorted[i]);
        }
    }

    private static void require(final boolean holds, final String name, final long value) {
        if (!holds) {
            throw new IllegalArgumentException(name + "=" + value);
        }
    }

    /** @return a copy, or null. */
    @Override
    public byte[] staticImage() {
        return staticImage == null ? null : staticImage.clone();
    }

    /** @return a copy, or null. */
    @Override
    public int[] cpuIds() {
        return cpuIds == null ? null : cpuIds.clone();
    }

    /** The ids of so many slots' CPUs. */
    int[] idsOf(final int slots) {
        if (cpuIds == null) {
            final int[] ids = new int[slots];
            Arrays.setAll(ids, slot -> slot);
            return ids;
        }
        require(cpuIds.length == slots, "not one for each slot that carries caches: cachedSlots=" + slots + " cpuIds.length", cpuIds.length);
        return cpuIds.clone();
    }

    /** The plan for so many slots whose groups lie that far apart, or all in one group. */
    AllocInfo plan(final int slots, final long atom, final CpuDistance far) {
        final long fixed = AllocInfo.roundUp(staticBytes, AllocInfo.GRANULE_BYTES) + AllocInfo.roundUp(reservedBytes, AllocInfo.GRANULE_BYTES);
        final long dynamic = dynamicBytes == FILL ? Math.max(0, AllocInfo.MIN_UNIT_BYTES - fixed) : dynamicBytes;
        return AllocInfo.build(staticBytes, reservedBytes, dynamic, atom, idsOf(slots), far);
    }

    /**
     * @param bytes as above.
     * @return these, but for that.
     */
    public PercpuOptions withStaticBytes(final long bytes) {
        return new PercpuOptions(bytes, staticImage, reservedBytes, dynamicBytes, atomBytes, cpuIds, distance, source, firstChunk);
    }

    /**
     * @param image as above.
     * @return these, but for that.
     */
    public PercpuOptions withStaticImage(final byte[] image) {
        return new PercpuOptions(staticBytes, image, reservedBytes, dynamicBytes, atomBytes, cpuIds, distance, source, firstChunk);
    }

    /**
     * @param bytes as above.
     * @return these, but for that.
     */
    public PercpuOptions withReservedBytes(final long bytes) {
        return new PercpuOptions(staticBytes, staticImage, bytes, dynamicBytes, atomBytes, cpuIds, distance, source, firstChunk);
    }

    /**
     * @param bytes as above.
     * @return these, but for that.
     */
    public PercpuOptions withDynamicBytes(final long bytes) {
        return new PercpuOptions(staticBytes, staticImage, reservedBytes, bytes, atomBytes, cpuIds, distance, source, firstChunk);
    }

    /**
     * @param bytes as above.
     * @return these, but for that.
     */
    public PercpuOptions withAtomBytes(final long bytes) {
        return new PercpuOptions(staticBytes, staticImage, reservedBytes, dynamicBytes, bytes, cpuIds, distance, source, firstChunk);
    }

    /**
     * @param ids as above.
     * @return these, but for that.
     */
    public PercpuOptions withCpuIds(final int... ids) {
        return new PercpuOptions(staticBytes, staticImage, reservedBytes, dynamicBytes, atomBytes, ids, distance, source, firstChunk);
    }

    /**
     * @param far as above.
     * @return these, but for that.
     */
    public PercpuOptions withDistance(final CpuDistance far) {
        return new PercpuOptions(staticBytes, staticImage, reservedBytes, dynamicBytes, atomBytes, cpuIds, far, source, firstChunk);
    }

    /**
     * @param from as above.
     * @return these, but for that.
     */
    public PercpuOptions withSource(final UnitSource from) {
        return new PercpuOptions(staticBytes, staticImage, reservedBytes, dynamicBytes, atomBytes, cpuIds, distance, from, firstChunk);
    }

    /**
     * @param kind as above.
     * @return these, but for that.
     */
    public PercpuOptions withFirstChunk(final FirstChunkKind kind) {
        return new PercpuOptions(staticBytes, staticImage, reservedBytes, dynamicBytes, atomBytes, cpuIds, distance, source, kind);
    }
}
