package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.vellum.FuzzSteps;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Words;

/** The queues against a naive model; a record that has left them belongs to somebody else, down to the last bit of its link. */
class LimboQueuesTest {
    private static final int SLOTS = 4;
    private static final int STRIDE = 4;
    private static final int LINK = 1;
    private static final int STAMP = 2;
    private static final int RECORDS = 256;
    private static final int AHEAD = 8;
    private static final int LONGEST = 20;

    /** What a drain gives a slot that stopped looking after itself, in nanoseconds. */
    private static final long ABANDONED = 100_000_000;

    private final Cpus cpus = new Cpus(CpuOptions.forThisMachine().withCachedSlots(SLOTS));
    private final Words records = Words.zeroed((long)RECORDS * STRIDE);
    private final LimboQueues queues = new LimboQueues(cpus, records, STRIDE, LINK, STAMP);

    /** What the queues should hold. */
    private final List<ArrayDeque<Long>> model = new ArrayList<>();
    private final ArrayDeque<Long> free = new ArrayDeque<>();
    /** What whoever got a record wrote over its link. */
    private final long[] scribbled = new long[RECORDS];
    private final Release bytesOf = new Release() {
        @Override
        public String kind() {
            return "record";
        }

        @Override
        public long bytes(final long token) {
            return 1 + 7 * token;
        }

        @Override
        public boolean release(final Cpu own, final long token) {
            throw new AssertionError("queues release nothing");
        }
    };
    private final SplittableRandom scribbles = new SplittableRandom(3);
    private long clock = 1;
    private long detached;

    LimboQueuesTest() {
        for (int slot = 0; slot < SLOTS; slot++) {
            model.add(new ArrayDeque<>());
        }
        for (long token = 0; token < RECORDS; token++) {
            scribble(token);
        }
    }

    private void scribble(final long token) {
        scribbled[(int)token] = scribbles.nextLong();
        records.putPlain(token * STRIDE + LINK, scribbled[(int)token]);
        free.add(token);
    }

    private void requireScribbled(final long token) {
        assertEquals(scribbled[(int)token], records.getPlain(token * STRIDE + LINK), "link of " + token + ", which had left");
    }

    private long stamp(final long token) {
        return records.getPlain(token * STRIDE + STAMP);
    }

    private void append(final int slot) {
        final long token = free.remove();
        requireScribbled(token);
        records.putPlain(token * STRIDE + LINK, LimboQueues.EMPTY);
        records.putPlain(token * STRIDE + STAMP, clock);
        try (Cpu cpu = cpus.tryVisit(slot)) {
            queues.append(cpu, token, bytesOf.bytes(token));
        }
        model.get(slot).add(token);
    }

    /** Detaches from queue and model alike; what comes is overwritten at once, as its new owner might. */
    private void detach(final int slot, final long horizon, final int most) {
        final ArrayDeque<Long> expected = model.get(slot);
        final boolean passed = !expected.isEmpty() && horizon - stamp(expected.peek()) > 0;
        long next;
        try (Cpu cpu = cpus.tryVisit(slot)) {
            assertEquals(passed, queues.oldestHasPassed(cpu, horizon));
            next = queues.detach(cpu, horizon, most, bytesOf);
        }
        int count = 0;
        while (next != LimboQueues.EMPTY) {
            final long token = next - 1;
            assertTrue(++count <= most, "more than " + most);
            assertTrue(horizon - stamp(token) > 0, "stamp=" + stamp(token) + " horizon=" + horizon);
            assertEquals(expected.remove(), token);
            next = LimboQueues.next(records.getPlain(token * STRIDE + LINK));
            scribble(token);
        }
        assertTrue(count == most || expected.isEmpty() || horizon - stamp(expected.peek()) <= 0, "left passed ones behind");
        detached += count;
        requireSame(slot);
    }

    /** The queue and its hints, link by link. */
    private void requireSame(final int slot) {
        final List<Long> expected = List.copyOf(model.get(slot));
        assertEquals(expected.isEmpty() ? LimboQueues.EMPTY : expected.get(0) + 1, queues.oldest(slot));
        try (Cpu cpu = cpus.tryVisit(slot)) {
            assertEquals(expected.stream().mapToLong(bytesOf::bytes).sum(), queues.bytes(cpu));
        }
        for (int i = 0; i < expected.size(); i++) {
            final long link = records.getPlain(expected.get(i) * STRIDE + LINK);
            assertEquals(i + 1 < expected.size() ? expected.get(i + 1) + 1 : LimboQueues.EMPTY, LimboQueues.next(link));
            assertEquals(i + AHEAD < expected.size() ? expected.get(i + AHEAD) + 1 : 0, link >>> Integer.SIZE,
                "hint of place " + i + " of " + expected.size());
        }
    }

    @Test
    void everyLengthSurvivesEveryDetach() {
        for (int length = 0; length <= LONGEST; length++) {
            for (int most = 1; most <= length + 1; most++) {
                for (int refilled = 0; refilled <= AHEAD + 1; refilled++) {
                    for (int i = 0; i < length; i++) {
                        append(0);
                    }
                    requireSame(0);
                    detach(0, clock + 1, most);
                    for (int i = 0; i < refilled; i++) {
                        append(0);
                    }
                    requireSame(0);
                    while (!model.get(0).isEmpty()) {
                        detach(0, clock + 1, most);
                    }
                }
            }
        }
        free.forEach(this::requireScribbled);
    }

    @Test
    void onlyWhatIsOlderThanTheHorizonIsDetached() {
        for (clock = 1; clock <= 9; clock += 2) {
            append(2);
            append(2);
        }
        detach(2, 1, Integer.MAX_VALUE);
        assertEquals(0, detached);
        detach(2, 5, Integer.MAX_VALUE);
        assertEquals(4, detached);
        detach(2, 5, Integer.MAX_VALUE);
        assertEquals(4, detached);
        detach(2, 11, 5);
        assertEquals(9, detached);
        detach(2, 11, 5);
        assertEquals(10, detached);
    }

    @Test
    void fuzzAgainstDeques() {
        final long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("LimboQueuesTest.fuzz seed=" + seed);
        final SplittableRandom random = new SplittableRandom(seed);
        final int[] lengths = new int[RECORDS + 1];
        final FuzzSteps steps = new FuzzSteps(200_000,
            () -> detached > 20_000 && IntStream.rangeClosed(0, LONGEST).allMatch(length -> lengths[length] > 0));
        while (steps.next()) {
            final int slot = random.nextInt(SLOTS);
            // Tides, so that queues grow long and fall empty.
            final boolean rising = (steps.step() >> 9 & 1) == 0;
            switch (random.nextInt(8)) {
                case 0 -> clock += 2;
                case 1 -> detach(slot, clock + random.nextLong(-20, 2), 1 + random.nextInt(12));
                case 2 -> detach(slot, clock, rising ? 3 : Integer.MAX_VALUE);
                default -> {
                    if (!free.isEmpty() && (rising || random.nextInt(4) == 0)) {
                        append(slot);
                    }
                }
            }
            lengths[model.get(slot).size()]++;
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            detach(slot, clock + 1, Integer.MAX_VALUE);
            assertTrue(model.get(slot).isEmpty());
        }
        assertEquals(RECORDS, free.size());
        free.forEach(this::requireScribbled);
        steps.assertCovered(() -> "seed=" + seed + " detached=" + detached + " lengths=" + Arrays.toString(lengths));
    }

    @Test
    void slotThatLooksIsLeftAloneUntilItStopsOrHoldsTooMuch() {
        final long now = -5;
        append(1);
        final long bytes = bytesOf.bytes(model.get(1).peek());
        assertFalse(queues.looksAfterItself(1, bytes, now), "it never looked");
        noteOwn(1);
        assertTrue(queues.looksAfterItself(1, bytes, now));
        assertFalse(queues.looksAfterItself(1, bytes - 1, now), "it holds too much");
        assertFalse(queues.looksAfterItself(0, bytes, now), "another slot");
        assertTrue(queues.looksAfterItself(1, bytes, now + ABANDONED - 1));
        assertFalse(queues.looksAfterItself(1, bytes, now + ABANDONED), "it has stopped");
        noteOwn(1);
        assertTrue(queues.looksAfterItself(1, bytes, now + ABANDONED), "it looks again");
        assertTrue(queues.looksAfterItself(1, bytes, now + 2 * ABANDONED - 1), "counted from when that was seen");
        assertFalse(queues.looksAfterItself(1, bytes, now + 2 * ABANDONED));
        requireSame(1);
    }

    private void noteOwn(final int slot) {
        try (Cpu cpu = cpus.tryVisit(slot)) {
            queues.noteOwn(cpu);
        }
    }
}
