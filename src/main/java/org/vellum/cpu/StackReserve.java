package org.vellum.cpu;

/**
 * Makes a {@link StackOverflowError} happen before an operation changes anything, instead of in its middle.
 *
 * <p>While code is interpreted, each call needs a frame, and any of them may be the one that does not fit. The frame of
 * {@link #ensure} is larger than all frames of a short operation together, so if it fits, they do. Once compiled, the
 * operation's small callees are inlined, need no frames, and this method vanishes with them.
 *
 * <p>That holds where this method and its caller become hot together. A slow way that is still interpreted while
 * {@code ensure} is long compiled, because others call it, would be left without protection: slow ways descend
 * ({@link #ensureForEntering}), which takes its stack however it is executed, and costs some hundred nanoseconds.
 */
public final class StackReserve {
    /** Levels that take at least 2 KiB compiled (some 32 bytes for every two) and 10 KiB interpreted. */
    private static final int LEVELS_TO_ENTER = 128;

    /** Fewer: what was entered at some depth can be left there. */
    private static final int LEVELS_TO_EXIT = 48;

    private StackReserve() {
    }

    /**
     * Throws {@link StackOverflowError} now if a slow way in might not fit, nor the way out after it; also when this code is
     * compiled and its caller is not.
     */
    public static void ensureForEntering() {
        descend(LEVELS_TO_ENTER);
    }

    /** Throws {@link StackOverflowError} now if a slow way out might not fit; also when only this code is compiled. */
    public static void ensureForExit() {
        descend(LEVELS_TO_EXIT);
    }

    private static int descend(final int levels) {
        return levels == 0 ? 0 : 1 + descend(levels - 1);
    }

    /** Throws {@link StackOverflowError} now if the stack has less than about 4 KiB left. */
    @SuppressWarnings({"unused", "checkstyle:MultipleVariableDeclarations"})
    public static void ensure() {
        // Never assigned: the compiler reserves two interpreter slots for each, which is all they are for.
        long a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9;
        long c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9;
        long e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9;
        long g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9;
        long i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, j0, j1, j2, j3, j4, j5, j6, j7, j8, j9;
        long k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, l0, l1, l2, l3, l4, l5, l6, l7, l8, l9;
        long m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, n0, n1, n2, n3, n4, n5, n6, n7, n8, n9;
        long o0, o1, o2, o3, o4, o5, o6, o7, o8, o9, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9;
        long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9;
        long s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, t0, t1, t2, t3, t4, t5, t6, t7, t8, t9;
        long u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9;
        long w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9;
    }
}
