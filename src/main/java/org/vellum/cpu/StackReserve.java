package org.vellum.cpu;

/**
 * Makes a {@link StackOverflowError} happen before an operation changes anything, instead of in its middle.
 *
 * <p>Each call needs a frame, and any of them may be the one that does not fit. The interpreter's frame of {@link #ensure} is
 * larger than all frames of a short operation together, so if it fits, they do. Compiled code has small frames, but at its
 * entry HotSpot touches the stack as far down as its largest interpreter frame would reach, in case it must fall back to
 * the interpreter there: a place where it may is what the branch that is never taken provides. It does so only for frames
 * above a page of 4 KiB, which is why there are that many variables. Without either a compiled {@code ensure} vanishes, and
 * with it the protection of any caller that is still interpreted.
 */
public final class StackReserve {
    /** Never true, and never final: the compiler must not know. */
    private static boolean fallBack;

    /** At least 700 bytes compiled (some 32 bytes for every two levels), some 4 KiB interpreted. */
    private static final int LEVELS_TO_EXIT = 48;

    private StackReserve() {
    }

    /**
     * Throws {@link StackOverflowError} now if a slow way out might not fit. Takes less than {@link #ensure}, so that what was
     * entered at some depth can be left there; by a descent, because a compiled frame below a page is not looked out for.
     */
    static void ensureForExit() {
        descend(LEVELS_TO_EXIT);
    }

    private static int descend(final int levels) {
        return levels == 0 ? 0 : 1 + descend(levels - 1);
    }

    private static void neverCalled() {
        throw new AssertionError("the stack reserve was used");
    }

    /** Throws {@link StackOverflowError} now if the stack has less than about 6 KiB left. Costs a load and a test. */
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
        long aa0, aa1, aa2, aa3, aa4, aa5, aa6, aa7, aa8, aa9,
            bb0, bb1, bb2, bb3, bb4, bb5, bb6, bb7, bb8, bb9;
        long cc0, cc1, cc2, cc3, cc4, cc5, cc6, cc7, cc8, cc9,
            dd0, dd1, dd2, dd3, dd4, dd5, dd6, dd7, dd8, dd9;
        long ee0, ee1, ee2, ee3, ee4, ee5, ee6, ee7, ee8, ee9,
            ff0, ff1, ff2, ff3, ff4, ff5, ff6, ff7, ff8, ff9;
        long gg0, gg1, gg2, gg3, gg4, gg5, gg6, gg7, gg8, gg9,
            hh0, hh1, hh2, hh3, hh4, hh5, hh6, hh7, hh8, hh9;
        long ii0, ii1, ii2, ii3, ii4, ii5, ii6, ii7, ii8, ii9,
            jj0, jj1, jj2, jj3, jj4, jj5, jj6, jj7, jj8, jj9;
        long kk0, kk1, kk2, kk3, kk4, kk5, kk6, kk7, kk8, kk9,
            ll0, ll1, ll2, ll3, ll4, ll5, ll6, ll7, ll8, ll9;
        long mm0, mm1, mm2, mm3, mm4, mm5, mm6, mm7, mm8, mm9,
            nn0, nn1, nn2, nn3, nn4, nn5, nn6, nn7, nn8, nn9;
        long oo0, oo1, oo2, oo3, oo4, oo5, oo6, oo7, oo8, oo9,
            pp0, pp1, pp2, pp3, pp4, pp5, pp6, pp7, pp8, pp9;
        long qq0, qq1, qq2, qq3, qq4, qq5, qq6, qq7, qq8, qq9,
            rr0, rr1, rr2, rr3, rr4, rr5, rr6, rr7, rr8, rr9;
        long ss0, ss1, ss2, ss3, ss4, ss5, ss6, ss7, ss8, ss9,
            tt0, tt1, tt2, tt3, tt4, tt5, tt6, tt7, tt8, tt9;
        long uu0, uu1, uu2, uu3, uu4, uu5, uu6, uu7, uu8, uu9,
            vv0, vv1, vv2, vv3, vv4, vv5, vv6, vv7, vv8, vv9;
        if (fallBack) {
            neverCalled();
        }
    }

    /**
     * {@link #ensure} for a whole operation of the library's face, before its first change: leaves enough for each
     * {@link #ensure} that it meets further down, so that none of those throws in its middle.
     */
    @SuppressWarnings({"unused", "checkstyle:MultipleVariableDeclarations"})
    public static void ensureOperation() {
        // As in ensure: never assigned, only there.
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
        long aa0, aa1, aa2, aa3, aa4, aa5, aa6, aa7, aa8, aa9,
            bb0, bb1, bb2, bb3, bb4, bb5, bb6, bb7, bb8, bb9;
        long cc0, cc1, cc2, cc3, cc4, cc5, cc6, cc7, cc8, cc9,
            dd0, dd1, dd2, dd3, dd4, dd5, dd6, dd7, dd8, dd9;
        long ee0, ee1, ee2, ee3, ee4, ee5, ee6, ee7, ee8, ee9,
            ff0, ff1, ff2, ff3, ff4, ff5, ff6, ff7, ff8, ff9;
        long gg0, gg1, gg2, gg3, gg4, gg5, gg6, gg7, gg8, gg9,
            hh0, hh1, hh2, hh3, hh4, hh5, hh6, hh7, hh8, hh9;
        long ii0, ii1, ii2, ii3, ii4, ii5, ii6, ii7, ii8, ii9,
            jj0, jj1, jj2, jj3, jj4, jj5, jj6, jj7, jj8, jj9;
        long kk0, kk1, kk2, kk3, kk4, kk5, kk6, kk7, kk8, kk9,
            ll0, ll1, ll2, ll3, ll4, ll5, ll6, ll7, ll8, ll9;
        long mm0, mm1, mm2, mm3, mm4, mm5, mm6, mm7, mm8, mm9,
            nn0, nn1, nn2, nn3, nn4, nn5, nn6, nn7, nn8, nn9;
        long oo0, oo1, oo2, oo3, oo4, oo5, oo6, oo7, oo8, oo9,
            pp0, pp1, pp2, pp3, pp4, pp5, pp6, pp7, pp8, pp9;
        long qq0, qq1, qq2, qq3, qq4, qq5, qq6, qq7, qq8, qq9,
            rr0, rr1, rr2, rr3, rr4, rr5, rr6, rr7, rr8, rr9;
        long ss0, ss1, ss2, ss3, ss4, ss5, ss6, ss7, ss8, ss9,
            tt0, tt1, tt2, tt3, tt4, tt5, tt6, tt7, tt8, tt9;
        long uu0, uu1, uu2, uu3, uu4, uu5, uu6, uu7, uu8, uu9,
            vv0, vv1, vv2, vv3, vv4, vv5, vv6, vv7, vv8, vv9;
        ensure();
        if (fallBack) {
            neverCalled();
        }
    }
}
