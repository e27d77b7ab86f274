package org.vellum.epoch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.vellum.cpu.Cpu;
import org.vellum.cpu.CpuOptions;

class LimboFuzzTest {
    /** Random enters, exits, retires and polls of three slots against the definition of the invariant. */
    @Test
    void fuzzAgainstTheDefinition() {
        final long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("LimboTest.fuzz seed=" + seed);
        final SplittableRandom random = new SplittableRandom(seed);
        long releases = 0;
        long heldBack = 0;
        for (int round = 0; round < 200; round++) {
            final FuzzModel model = new FuzzModel(new TestLimbo(
                CpuOptions.forThisMachine().withCachedSlots(4).withMaxSlots(4).withFirstEpoch(0xFFFF_FFF1L), 32, 1L << 40));
            for (int i = 0; i < 5_000; i++) {
                model.step(random);
            }
            model.finish();
            releases += model.releases;
            heldBack += model.heldBack;
        }
        assertTrue(releases > 100_000, "releases=" + releases);
        assertTrue(heldBack > 1_000, "heldBack=" + heldBack);
    }

    /** One thread plays it all: its own section opens and closes, which is all that limbo can see of a reader. */
    private static final class FuzzModel {
        private final TestLimbo system;
        private final List<Long> free = new ArrayList<>();
        private final Map<Long, Long> retiredAtSection = new HashMap<>();
        private Cpu section;
        private long sections;
        long releases;
        long heldBack;

        FuzzModel(final TestLimbo system) {
            this.system = system;
            for (long token = 0; token < 32; token++) {
                free.add(token);
            }
        }

        void step(final SplittableRandom random) {
            switch (random.nextInt(8)) {
                case 0 -> toggle();
                case 1, 2, 3 -> retire(random);
                case 4 -> check(system.limbo.poll());
                case 5 -> check(releaseOwn(1 + random.nextInt(4), random.nextInt(400)));
                case 6 -> check(system.limbo.drain(random.nextInt(400)));
                default -> check(system.limbo.pollAll());
            }
        }

        private int releaseOwn(final int most, final long flushBytes) {
            try (Cpu cpu = system.cpus.enter()) {
                return system.limbo.releaseOwn(cpu, most, flushBytes);
            }
        }

        private void toggle() {
            if (section == null) {
                section = system.cpus.enter();
                sections++;
            } else {
                section.exit();
                section = null;
            }
        }

        private void retire(final SplittableRandom random) {
            if (!free.isEmpty()) {
                final long token = free.remove(random.nextInt(free.size()));
                retiredAtSection.put(token, section == null ? -1 : sections);
                system.retire(token);
            }
        }

        private void check(final int count) {
            assertEquals(count, system.released.size());
            for (final long token : system.released) {
                final long at = retiredAtSection.remove(token);
                assertTrue(section == null || at != sections, "released inside the section that retired it: " + token);
                free.add(token);
                releases++;
            }
            system.released.clear();
            heldBack += section != null && !retiredAtSection.isEmpty() ? 1 : 0;
            assertEquals(retiredAtSection.keySet().stream().mapToLong(token -> 100 + token).sum(), system.limbo.bytes());
        }

        void finish() {
            if (section != null) {
                toggle();
            }
            // Twice: the first advances the clock only if the oldest token still bears the current epoch.
            check(system.limbo.pollAll());
            check(system.limbo.pollAll());
            assertTrue(retiredAtSection.isEmpty());
            system.cpus.verifyQuiet();
        }
    }
}
