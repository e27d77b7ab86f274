package org.vellum.percpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class ChunkSlotsTest {
    private static final int UNIT = 32 << 10;

    private final ChunkSlots<Member> slots = new ChunkSlots<>(UNIT);

    private static final class Member extends ChunkLink<Member> {
    }

    @Test
    void aSlotHoldsRunsOfOnePowerOfTwo() {
        final int[][] expected = {
            {1, 1}, {4, 1}, {15, 1}, {16, 2}, {31, 2}, {32, 3}, {63, 3}, {64, 4}, {1024, 8}, {UNIT - 1, 12}, {UNIT, slots.free()}
        };
        for (final int[] pair : expected) {
            assertEquals(pair[1], slots.slotOfSize(pair[0]), "bytes=" + pair[0]);
            assertEquals(pair[0] < 4 ? 0 : pair[1], slots.slotOf(pair[0], pair[0]), "bytes=" + pair[0]);
        }
    }

    @Test
    void whatHasNothingToGiveIsInSlotZero() {
        assertEquals(0, slots.slotOf(0, 0));
        assertEquals(0, slots.slotOf(0, 100));
        assertEquals(0, slots.slotOf(100, 3));
        assertEquals(1, slots.slotOf(4, 4));
    }

    @Test
    void theOrderOfTheLastSlots() {
        assertTrue(slots.slotOfSize(UNIT - 1) < slots.sidelined());
        assertEquals(slots.sidelined() + 1, slots.free());
        assertEquals(slots.free() + 1, slots.toDepopulate());
        assertEquals(slots.toDepopulate() + 1, slots.count());
    }

    @Test
    void aUnitThatIsNoPowerOfTwo() {
        final ChunkSlots<Member> odd = new ChunkSlots<>(11 << 12);
        assertEquals(odd.free(), odd.slotOfSize(11 << 12));
        assertEquals(odd.sidelined() - 1, odd.slotOfSize((11 << 12) - 4));
    }

    @Test
    void whoGainsRoomGoesToTheFrontWhoLosesRoomToTheBack() {
        final Member a = new Member();
        final Member b = new Member();
        final Member c = new Member();
        slots.relocate(a, 5);
        slots.relocate(b, 5);
        assertOrder(5, b, a);
        slots.relocate(c, 9);
        slots.relocate(c, 5);
        assertOrder(5, b, a, c);
        slots.relocate(b, 5);
        assertOrder(5, b, a, c);
        slots.relocate(c, 7);
        slots.relocate(a, 7);
        assertOrder(7, a, c);
        assertOrder(5, b);
    }

    private void assertOrder(final int slot, final Member... expected) {
        slots.verify();
        Member member = slots.first(slot);
        for (final Member each : expected) {
            assertSame(each, member);
            assertEquals(slot, member.slot);
            member = member.next;
        }
        assertNull(member);
    }

    @Test
    void aListBeginsBehindWhereASearchGaveUp() {
        final Member a = new Member();
        final Member b = new Member();
        final Member c = new Member();
        slots.moveToBack(a, 5);
        slots.rotate(a);
        assertOrder(5, a);
        slots.moveToBack(b, 5);
        slots.moveToBack(c, 5);
        slots.rotate(a);
        assertOrder(5, b, c, a);
        slots.rotate(c);
        assertOrder(5, a, b, c);
        slots.rotate(c);
        assertOrder(5, a, b, c);
        slots.verify();
        slots.remove(b);
        slots.rotate(a);
        assertOrder(5, c, a);
        slots.verify();
    }

    @Test
    void aMemberMayBeRemovedDuringAWalk() {
        for (int i = 0; i < 5; i++) {
            slots.moveToBack(new Member(), 3);
        }
        int walked = 0;
        Member next;
        for (Member member = slots.first(3); member != null; member = next) {
            next = member.next;
            slots.remove(member);
            assertEquals(ChunkLink.UNLISTED, member.slot);
            walked++;
        }
        assertEquals(5, walked);
        assertOrder(3);
        slots.remove(new Member());
    }

    @Test
    void randomMovesEqualThoseOfArrays() {
        final long seed = Long.getLong("vellum.seed", ThreadLocalRandom.current().nextLong());
        System.out.println("ChunkSlotsTest -Dvellum.seed=" + seed);
        final SplittableRandom random = new SplittableRandom(seed);
        final List<List<Member>> model = new ArrayList<>();
        for (int slot = 0; slot < slots.count(); slot++) {
            model.add(new ArrayList<>());
        }
        final Member[] members = new Member[12];
        for (int i = 0; i < members.length; i++) {
            members[i] = new Member();
        }
        for (int i = 0; i < 20_000; i++) {
            final Member member = members[random.nextInt(members.length)];
            final int slot = random.nextInt(4);
            final int old = member.slot;
            final int kind = random.nextInt(4);
            if (kind == 3 && old == slot) {
                slots.relocate(member, slot);
            } else {
                model.forEach(list -> list.remove(member));
                move(model.get(slot), member, slot, kind, old < slot);
            }
            for (int each = 0; each < 4; each++) {
                assertOrder(each, model.get(each).toArray(Member[]::new));
            }
        }
    }

    private void move(final List<Member> list, final Member member, final int slot, final int kind, final boolean isGain) {
        switch (kind) {
            case 0 -> slots.remove(member);
            case 1 -> {
                slots.moveToFront(member, slot);
                list.add(0, member);
            }
            case 2 -> {
                slots.moveToBack(member, slot);
                list.add(member);
            }
            default -> {
                slots.relocate(member, slot);
                list.add(isGain ? 0 : list.size(), member);
            }
        }
    }

    @Test
    void verifySeesALinkThatIsWrong() {
        final Member a = new Member();
        final Member b = new Member();
        slots.moveToFront(a, 3);
        slots.moveToFront(b, 3);
        a.prev = null;
        assertThrows(AssertionError.class, slots::verify);
        a.prev = b;
        a.slot = 4;
        assertThrows(AssertionError.class, slots::verify);
        a.slot = 3;
        b.next = null;
        assertThrows(AssertionError.class, slots::verify);
    }
}
