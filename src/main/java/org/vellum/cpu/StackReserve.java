package org.vellum.cpu;

/**
 * Makes a {@link StackOverflowError} happen before an operation changes anything, instead of in its middle.
 *
 * <p>Each call needs a frame, and any of them may be the one that does not fit. The interpreter's frame of {@link #ensure(long, long)} is
 * larger than all frames of a short operation together, so if it fits, they do. Compiled code has small frames, but at its
 * entry HotSpot touches the stack as far down as its largest interpreter frame would reach, in case it must fall back to
 * the interpreter there: a place where it may is what the branch that is never taken provides. It does so in whole pages of
 * 4 KiB, rounded down: that is why there are so many variables, a few more than fill two pages, or four. Without either a compiled {@code ensure} vanishes, and
 * with it the protection of any caller that is still interpreted.
 *
 * <p>The branch that is never taken is best one that the caller needs anyway: {@link #ensure(long, long)} costs nothing then.
 */
public final class StackReserve {
    /** Never anything but 0, and never final: the compiler must not know. */
    private static long fallBack;

    /** At least 700 bytes compiled (some 32 bytes for every two levels), some 4 KiB interpreted. */
    private static final int LEVELS_TO_EXIT = 48;
    /** More than the compiler inlines of a recursion. */
    private static final int LEVELS_OF_CALL = 4;
    /** At least 2 KiB compiled, some 12 KiB interpreted. */
    private static final int LEVELS_TO_OPERATIONS = 128;

    private StackReserve() {
    }

    /**
     * Throws {@link StackOverflowError} now if a slow way out might not fit. Takes less than {@link #ensure()}, so that what was
     * entered at some depth can be left there; by a descent, because a compiled frame below a page is not looked out for.
     */
    static void ensureForExit() {
        descend(LEVELS_TO_EXIT);
    }

    private static int descend(final int levels) {
        return levels == 0 ? 0 : 1 + descend(levels - 1);
    }

    /** For frames that are elsewhere. */
    static boolean taken() {
        return taken(LEVELS_OF_CALL);
    }

    /** A call that stays one, however often it is made: where it returns to, the compiled frame must be able to fall back. */
    private static boolean taken(final int levels) {
        return levels == 0 || taken(levels - 1);
    }

    /** Throws {@link StackOverflowError} now if the stack has less than about 8 KiB left. Costs a load and a test. */
    public static void ensure() {
        ensure(fallBack, 1);
    }

    /**
     * {@link #ensure()} for a whole operation of the library's face, before its first change: leaves enough for each
     * {@link #ensure()} that it meets further down, so that none of those throws in its middle. Some 16 KiB, for the same price.
     */
    public static void ensureOperation() {
        ensureOperation(fallBack, 1);
    }

    /**
     * {@link #ensureOperation()} for an operation that is made of others, and undoes the first if the second fails: at the depth at which it
     * will call them there is still enough for each. Some 28 KiB, for the same price.
     */
    public static void ensureOperations() {
        OperationsReserve.ensure(fallBack, 1);
    }

    /**
     * {@link #ensureOperations()} for what calls others that ask for that in their turn, and must not stop between them. Costs a descent, so not
     * for hot paths.
     */
    public static void ensureOperationsWithin() {
        descendAndEnsure(LEVELS_TO_OPERATIONS);
    }

    private static int descendAndEnsure(final int levels) {
        if (levels == 0) {
            ensureOperations();
            return 0;
        }
        return 1 + descendAndEnsure(levels - 1);
    }

    /**
     * {@link #ensure()} on the back of a comparison that the caller makes anyway. It is made here, not by the caller: a compiler that leaves
     * the caller's branch out would find nothing to fall back for in this frame, and forget it.
     *
     * @param value of the caller, not one that it has compared itself.
     * @param limit what the value does not reach on the caller's fast path: so rarely that the compiler leaves that branch out.
     * @return whether {@code value >= limit}.
     */
    @SuppressWarnings({"unused", "checkstyle:MultipleVariableDeclarations"})
    public static boolean ensure(final long value, final long limit) {
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
        long ww0, ww1, ww2, ww3, ww4, ww5, ww6, ww7, ww8, ww9,
            xx0, xx1, xx2, xx3, xx4, xx5, xx6, xx7, xx8, xx9;
        long yy0, yy1, yy2, yy3, yy4, yy5, yy6, yy7, yy8, yy9,
            zz0, zz1, zz2, zz3, zz4, zz5, zz6, zz7, zz8, zz9;
        long ab0, ab1, ab2, ab3, ab4, ab5, ab6, ab7, ab8, ab9,
            ac0, ac1, ac2, ac3, ac4, ac5, ac6, ac7, ac8, ac9;
        return value >= limit && taken(LEVELS_OF_CALL);
    }

    /**
     * {@link #ensureOperation()} on the back of a comparison that the caller makes anyway.
     *
     * @param value as for {@link #ensure(long, long)}.
     * @param limit likewise.
     * @return whether {@code value >= limit}.
     */
    @SuppressWarnings({"unused", "checkstyle:MultipleVariableDeclarations"})
    public static boolean ensureOperation(final long value, final long limit) {
        // As in ensure: never assigned, only there. Twice as many, in one frame: what this calls need not add to it once compiled.
        long aa0, aa1, aa2, aa3, aa4, aa5, aa6, aa7, aa8, aa9, ab0, ab1, ab2, ab3, ab4, ab5, ab6, ab7, ab8, ab9;
        long ac0, ac1, ac2, ac3, ac4, ac5, ac6, ac7, ac8, ac9, ad0, ad1, ad2, ad3, ad4, ad5, ad6, ad7, ad8, ad9;
        long ae0, ae1, ae2, ae3, ae4, ae5, ae6, ae7, ae8, ae9, af0, af1, af2, af3, af4, af5, af6, af7, af8, af9;
        long ag0, ag1, ag2, ag3, ag4, ag5, ag6, ag7, ag8, ag9, ah0, ah1, ah2, ah3, ah4, ah5, ah6, ah7, ah8, ah9;
        long ai0, ai1, ai2, ai3, ai4, ai5, ai6, ai7, ai8, ai9, aj0, aj1, aj2, aj3, aj4, aj5, aj6, aj7, aj8, aj9;
        long ak0, ak1, ak2, ak3, ak4, ak5, ak6, ak7, ak8, ak9, al0, al1, al2, al3, al4, al5, al6, al7, al8, al9;
        long am0, am1, am2, am3, am4, am5, am6, am7, am8, am9, an0, an1, an2, an3, an4, an5, an6, an7, an8, an9;
        long ao0, ao1, ao2, ao3, ao4, ao5, ao6, ao7, ao8, ao9, ap0, ap1, ap2, ap3, ap4, ap5, ap6, ap7, ap8, ap9;
        long aq0, aq1, aq2, aq3, aq4, aq5, aq6, aq7, aq8, aq9, ar0, ar1, ar2, ar3, ar4, ar5, ar6, ar7, ar8, ar9;
        long as0, as1, as2, as3, as4, as5, as6, as7, as8, as9, at0, at1, at2, at3, at4, at5, at6, at7, at8, at9;
        long au0, au1, au2, au3, au4, au5, au6, au7, au8, au9, av0, av1, av2, av3, av4, av5, av6, av7, av8, av9;
        long aw0, aw1, aw2, aw3, aw4, aw5, aw6, aw7, aw8, aw9, ax0, ax1, ax2, ax3, ax4, ax5, ax6, ax7, ax8, ax9;
        long ay0, ay1, ay2, ay3, ay4, ay5, ay6, ay7, ay8, ay9, az0, az1, az2, az3, az4, az5, az6, az7, az8, az9;
        long ba0, ba1, ba2, ba3, ba4, ba5, ba6, ba7, ba8, ba9, bb0, bb1, bb2, bb3, bb4, bb5, bb6, bb7, bb8, bb9;
        long bc0, bc1, bc2, bc3, bc4, bc5, bc6, bc7, bc8, bc9, bd0, bd1, bd2, bd3, bd4, bd5, bd6, bd7, bd8, bd9;
        long be0, be1, be2, be3, be4, be5, be6, be7, be8, be9, bf0, bf1, bf2, bf3, bf4, bf5, bf6, bf7, bf8, bf9;
        long bg0, bg1, bg2, bg3, bg4, bg5, bg6, bg7, bg8, bg9, bh0, bh1, bh2, bh3, bh4, bh5, bh6, bh7, bh8, bh9;
        long bi0, bi1, bi2, bi3, bi4, bi5, bi6, bi7, bi8, bi9, bj0, bj1, bj2, bj3, bj4, bj5, bj6, bj7, bj8, bj9;
        long bk0, bk1, bk2, bk3, bk4, bk5, bk6, bk7, bk8, bk9, bl0, bl1, bl2, bl3, bl4, bl5, bl6, bl7, bl8, bl9;
        long bm0, bm1, bm2, bm3, bm4, bm5, bm6, bm7, bm8, bm9, bn0, bn1, bn2, bn3, bn4, bn5, bn6, bn7, bn8, bn9;
        long bo0, bo1, bo2, bo3, bo4, bo5, bo6, bo7, bo8, bo9, bp0, bp1, bp2, bp3, bp4, bp5, bp6, bp7, bp8, bp9;
        long bq0, bq1, bq2, bq3, bq4, bq5, bq6, bq7, bq8, bq9, br0, br1, br2, br3, br4, br5, br6, br7, br8, br9;
        long bs0, bs1, bs2, bs3, bs4, bs5, bs6, bs7, bs8, bs9, bt0, bt1, bt2, bt3, bt4, bt5, bt6, bt7, bt8, bt9;
        long bu0, bu1, bu2, bu3, bu4, bu5, bu6, bu7, bu8, bu9, bv0, bv1, bv2, bv3, bv4, bv5, bv6, bv7, bv8, bv9;
        long bw0, bw1, bw2, bw3, bw4, bw5, bw6, bw7, bw8, bw9, bx0, bx1, bx2, bx3, bx4, bx5, bx6, bx7, bx8, bx9;
        long by0, by1, by2, by3, by4, by5, by6, by7, by8, by9, bz0, bz1, bz2, bz3, bz4, bz5, bz6, bz7, bz8, bz9;
        long ca0, ca1, ca2, ca3, ca4, ca5, ca6, ca7, ca8, ca9, cb0, cb1, cb2, cb3, cb4, cb5, cb6, cb7, cb8, cb9;
        long cc0, cc1, cc2, cc3, cc4, cc5, cc6, cc7, cc8, cc9, cd0, cd1, cd2, cd3, cd4, cd5, cd6, cd7, cd8, cd9;
        long ce0, ce1, ce2, ce3, ce4, ce5, ce6, ce7, ce8, ce9, cf0, cf1, cf2, cf3, cf4, cf5, cf6, cf7, cf8, cf9;
        long cg0, cg1, cg2, cg3, cg4, cg5, cg6, cg7, cg8, cg9, ch0, ch1, ch2, ch3, ch4, ch5, ch6, ch7, ch8, ch9;
        long ci0, ci1, ci2, ci3, ci4, ci5, ci6, ci7, ci8, ci9, cj0, cj1, cj2, cj3, cj4, cj5, cj6, cj7, cj8, cj9;
        long ck0, ck1, ck2, ck3, ck4, ck5, ck6, ck7, ck8, ck9, cl0, cl1, cl2, cl3, cl4, cl5, cl6, cl7, cl8, cl9;
        long cm0, cm1, cm2, cm3, cm4, cm5, cm6, cm7, cm8, cm9, cn0, cn1, cn2, cn3, cn4, cn5, cn6, cn7, cn8, cn9;
        long co0, co1, co2, co3, co4, co5, co6, co7, co8, co9, cp0, cp1, cp2, cp3, cp4, cp5, cp6, cp7, cp8, cp9;
        long cq0, cq1, cq2, cq3, cq4, cq5, cq6, cq7, cq8, cq9, cr0, cr1, cr2, cr3, cr4, cr5, cr6, cr7, cr8, cr9;
        long cs0, cs1, cs2, cs3, cs4, cs5, cs6, cs7, cs8, cs9, ct0, ct1, ct2, ct3, ct4, ct5, ct6, ct7, ct8, ct9;
        long cu0, cu1, cu2, cu3, cu4, cu5, cu6, cu7, cu8, cu9, cv0, cv1, cv2, cv3, cv4, cv5, cv6, cv7, cv8, cv9;
        long cw0, cw1, cw2, cw3, cw4, cw5, cw6, cw7, cw8, cw9, cx0, cx1, cx2, cx3, cx4, cx5, cx6, cx7, cx8, cx9;
        long cy0, cy1, cy2, cy3, cy4, cy5, cy6, cy7, cy8, cy9, cz0, cz1, cz2, cz3, cz4, cz5, cz6, cz7, cz8, cz9;
        long da0, da1, da2, da3, da4, da5, da6, da7, da8, da9, db0, db1, db2, db3, db4, db5, db6, db7, db8, db9;
        long dc0, dc1, dc2, dc3, dc4, dc5, dc6, dc7, dc8, dc9, dd0, dd1, dd2, dd3, dd4, dd5, dd6, dd7, dd8, dd9;
        long de0, de1, de2, de3, de4, de5, de6, de7, de8, de9, df0, df1, df2, df3, df4, df5, df6, df7, df8, df9;
        long dg0, dg1, dg2, dg3, dg4, dg5, dg6, dg7, dg8, dg9, dh0, dh1, dh2, dh3, dh4, dh5, dh6, dh7, dh8, dh9;
        long di0, di1, di2, di3, di4, di5, di6, di7, di8, di9, dj0, dj1, dj2, dj3, dj4, dj5, dj6, dj7, dj8, dj9;
        long dk0, dk1, dk2, dk3, dk4, dk5, dk6, dk7, dk8, dk9, dl0, dl1, dl2, dl3, dl4, dl5, dl6, dl7, dl8, dl9;
        long dm0, dm1, dm2, dm3, dm4, dm5, dm6, dm7, dm8, dm9, dn0, dn1, dn2, dn3, dn4, dn5, dn6, dn7, dn8, dn9;
        long do0, do1, do2, do3, do4, do5, do6, do7, do8, do9, dp0, dp1, dp2, dp3, dp4, dp5, dp6, dp7, dp8, dp9;
        long dq0, dq1, dq2, dq3, dq4, dq5, dq6, dq7, dq8, dq9, dr0, dr1, dr2, dr3, dr4, dr5, dr6, dr7, dr8, dr9;
        long ds0, ds1, ds2, ds3, ds4, ds5, ds6, ds7, ds8, ds9, dt0, dt1, dt2, dt3, dt4, dt5, dt6, dt7, dt8, dt9;
        long du0, du1, du2, du3, du4, du5, du6, du7, du8, du9, dv0, dv1, dv2, dv3, dv4, dv5, dv6, dv7, dv8, dv9;
        long dw0, dw1, dw2, dw3, dw4, dw5, dw6, dw7, dw8, dw9, dx0, dx1, dx2, dx3, dx4, dx5, dx6, dx7, dx8, dx9;
        long dy0, dy1, dy2, dy3, dy4, dy5, dy6, dy7, dy8, dy9, dz0, dz1, dz2, dz3, dz4, dz5, dz6, dz7, dz8, dz9;
        return value >= limit && taken(LEVELS_OF_CALL);
    }
}
