package org.vellum.cpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class SweeperVirtualThreadTest {
    @BeforeEach
    void needVirtualThreads() {
        assumeTrue(TestThreads.haveVirtual(), "this JDK has no virtual threads");
    }

    @Test
    void aDeadVirtualThreadIsSwept() throws Exception {
        SweeperTest.sweepsADeadThread(true, SweeperTest.SMALL);
        SweeperTest.sweepsADisplacedDeadThread(true, SweeperTest.SMALL);
    }

    @Test
    void aDeadVirtualThreadWithABigIdIsSwept() throws Exception {
        SweeperTest.sweepsADeadThread(true, SweeperTest.SMALL.withThreadIdLimit(0));
        SweeperTest.sweepsADisplacedDeadThread(true, SweeperTest.SMALL.withThreadIdLimit(0));
    }

    @Test
    void sweepingNeverHitsWhoFollows() throws Exception {
        SweeperTest.sweepingNeverHitsWhoFollows(true, SweeperTest.SMALL);
        SweeperTest.sweepingNeverHitsWhoFollows(true, SweeperTest.SMALL.withThreadIdLimit(0));
    }
}
