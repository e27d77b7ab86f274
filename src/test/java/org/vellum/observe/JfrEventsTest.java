package org.vellum.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.alloc.Budget;
import org.vellum.cpu.Cpu;
import org.vellum.report.Events;
import org.vellum.report.ExhaustedException;

final class JfrEventsTest {
    private static final int PAGE = SmallMemory.PAGE;
    private static final long BANK = 1 << 20;

    @TempDir
    Path directory;

    private Vellum memory;

    @BeforeEach
    void open() {
        // Before the recorder starts: the classes of the events are there already when it looks for them.
        memory = SmallMemory.builder(4 * BANK / PAGE, 2048).bank(BANK).lazyMaxPages(8).stallNanos(1_000_000).open();
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private interface Action {
        void run() throws Exception;
    }

    /** The events of this memory, of one kind, that an action causes. */
    private List<RecordedEvent> during(final String kind, final Action action) throws Exception {
        final List<RecordedEvent> ofKind = new ArrayList<>();
        for (final RecordedEvent event : during(action)) {
            if (event.getEventType().getName().equals(kind)) {
                ofKind.add(event);
            }
        }
        return ofKind;
    }

    private List<RecordedEvent> during(final Action action) throws Exception {
        try (Recording recording = new Recording()) {
            recording.start();
            action.run();
            recording.stop();
            return read(recording);
        }
    }

    private List<RecordedEvent> read(final Recording recording) throws IOException {
        final Path file = directory.resolve("events.jfr");
        recording.dump(file);
        final List<RecordedEvent> events = new ArrayList<>();
        for (final RecordedEvent event : RecordingFile.readAllEvents(file)) {
            if (event.getEventType().getName().startsWith("vellum.") && event.getLong("memory") > 0) {
                events.add(event);
            }
        }
        return events;
    }

    @Test
    void banksComeAndGo() throws Exception {
        final List<RecordedEvent> events = during(() -> {
            memory.free(memory.allocate(BANK + PAGE));
            memory.quiesce();
            memory.trim();
        });
        final List<String> seen = new ArrayList<>();
        for (final RecordedEvent event : events) {
            final String name = event.getEventType().getName();
            if (name.startsWith("vellum.Bank")) {
                assertEquals(BANK, event.getLong("size"));
                assertNull(event.getStackTrace());
                seen.add(name + " " + event.getInt("bank") + " " + event.getLong("present") / BANK);
            }
        }
        assertEquals(List.of("vellum.BankAdded 1 1", "vellum.BankAdded 2 2", "vellum.BankReleased 2 0", "vellum.BankReleased 1 0"), seen);
    }

    @Test
    void aBankThatIsTakenBackIsNeitherReleasedNorAdded() throws Exception {
        memory.free(memory.allocate(100));
        memory.quiesce();
        memory.allocator().drainIdle();
        memory.frames().drainIdle();
        assertEquals(List.of(), during(() -> {
            assertEquals(1, memory.frames().detachFreeBank());
            memory.free(memory.allocate(PAGE * 3));
            assertFalse(memory.frames().releaseBank(1));
        }));
    }

    @Test
    void slabsComeAndGo() throws Exception {
        final long[] address = new long[1];
        final List<RecordedEvent> created = during("vellum.SlabCreated", () -> address[0] = memory.allocate(100));
        assertEquals(1, created.size());
        assertEquals(104, created.get(0).getInt("objectSize"));
        assertEquals(32768 / 104, created.get(0).getInt("objects"));
        assertEquals(address[0] & 0xFFFF_FFFFL & -32768, created.get(0).getLong("address"));
        assertEquals(Thread.currentThread().getName(), created.get(0).getThread().getJavaName());
        memory.free(address[0]);
        final List<RecordedEvent> released = during("vellum.SlabReleased", memory.allocator()::drainIdle);
        assertEquals(1, released.size());
        assertEquals(104, released.get(0).getInt("objectSize"));
        assertEquals(created.get(0).getLong("address"), released.get(0).getLong("address"));
    }

    @Test
    void purgesOfLazyPages() throws Exception {
        final List<RecordedEvent> purges = during("vellum.Purge", () -> {
            for (int i = 0; i < 10; i++) {
                memory.vfree(memory.vmalloc(PAGE));
            }
        });
        assertFalse(purges.isEmpty());
        for (final RecordedEvent purge : purges) {
            assertEquals("lazy pages", purge.getString("cause"));
            assertTrue(purge.getLong("pagesBefore") > 8, purge.toString());
            assertEquals(0, purge.getLong("pagesAfter"));
        }
    }

    @Test
    void purgesOfFramesInLimbo() throws Exception {
        try (Vellum other = SmallMemory.builder(4 * BANK / PAGE, 2048).bank(BANK).lazyMaxPages(1024).open()) {
            final List<RecordedEvent> purges = during("vellum.Purge", () -> {
                // More than a sixteenth of memory.
                other.vfree(other.vmalloc(BANK));
                other.vfree(other.vmalloc(PAGE));
            });
            assertEquals(1, purges.size());
            assertEquals("frames in limbo", purges.get(0).getString("cause"));
            assertEquals(BANK / PAGE, purges.get(0).getLong("pagesBefore"));
            assertEquals(0, purges.get(0).getLong("pagesAfter"));
        }
    }

    @Test
    void reclaimAndExhaustion() throws Exception {
        final List<RecordedEvent> events = during(() -> {
            memory.vmalloc(PAGE);
            assertThrows(ExhaustedException.class, () -> memory.vmalloc(4 * BANK));
        });
        final List<RecordedEvent> reclaims = new ArrayList<>();
        final List<RecordedEvent> exhaustions = new ArrayList<>();
        for (final RecordedEvent event : events) {
            final String name = event.getEventType().getName();
            if (name.equals("vellum.Reclaim")) {
                reclaims.add(event);
            } else if (name.equals("vellum.Exhaustion")) {
                exhaustions.add(event);
            }
        }
        assertEquals(1, exhaustions.size());
        assertFalse(reclaims.isEmpty());
        assertEquals(0, reclaims.get(0).getInt("attempt"));
        assertFalse(reclaims.get(0).getBoolean("inSection"));
        assertTrue(reclaims.get(0).getDuration("time").toNanos() > 0);
        assertTrue(exhaustions.get(0).getString("text").contains("out of " + exhaustions.get(0).getString("resource")));
        assertEquals(4 * BANK / PAGE, exhaustions.get(0).getLong("pages"));
        assertFalse(exhaustions.get(0).getStackTrace().getFrames().isEmpty());
    }

    @Test
    void insideASectionAsWell() throws Exception {
        final List<RecordedEvent> events = during(() -> {
            try (Cpu cpu = memory.enter()) {
                assertThrows(ExhaustedException.class, () -> {
                    while (true) {
                        memory.allocator().allocate(cpu, 8192);
                    }
                });
            }
        });
        final Set<String> kinds = new TreeSet<>();
        for (final RecordedEvent event : events) {
            kinds.add(event.getEventType().getName());
            if (event.getEventType().getName().equals("vellum.Reclaim")) {
                assertTrue(event.getBoolean("inSection"));
            }
        }
        assertEquals(Set.of("vellum.BankAdded", "vellum.SlabCreated", "vellum.Reclaim", "vellum.Exhaustion"), kinds);
    }

    @Test
    void stalls() throws Exception {
        final CountDownLatch entered = new CountDownLatch(1);
        final CountDownLatch leave = new CountDownLatch(1);
        final List<RecordedEvent> stalls = during("vellum.Stall", () -> {
            final Thread reader = new Thread(() -> {
                final Cpu cpu = memory.enter();
                entered.countDown();
                try {
                    leave.await();
                } catch (final InterruptedException e) {
                    Thread.currentThread().interrupt();
                } finally {
                    cpu.exit();
                }
            }, "slow reader");
            reader.start();
            entered.await();
            final long start = System.nanoTime();
            // Each wait looks for stalls; the section has been open for a millisecond after some of them.
            while (System.nanoTime() - start < 200_000_000L) {
                memory.epochs().awaitPassed(memory.epochs().stamp(), 20_000_000L);
            }
            leave.countDown();
            reader.join();
        });
        assertEquals(1, stalls.size());
        assertEquals("slow reader", stalls.get(0).getString("occupant"));
        assertEquals(1_000_000, stalls.get(0).getDuration("open").toNanos());
    }

    @Test
    void budgetsThatRefuse() throws Exception {
        final Budget cache = memory.child("cache", 10_000);
        final Budget index = cache.child("index", 20_000);
        final List<RecordedEvent> refused = during("vellum.BudgetRefused", () ->
            assertThrows(ExhaustedException.class, () -> memory.allocator().allocate(3 * PAGE, 1, index)));
        assertEquals(1, refused.size());
        assertEquals("memory/cache/index", refused.get(0).getString("budget"));
        assertEquals(3 * PAGE, refused.get(0).getLong("wanted"));
        assertTrue(refused.get(0).getString("text").contains("path=memory/cache limit=10000"), refused.get(0).toString());
        assertFalse(refused.get(0).getStackTrace().getFrames().isEmpty());
    }

    @Test
    void kindsThatAreSwitchedOffAreNotSeen() throws Exception {
        try (Recording recording = new Recording()) {
            recording.disable("vellum.SlabCreated");
            recording.start();
            memory.allocate(100);
            recording.stop();
            final Set<String> kinds = new TreeSet<>();
            read(recording).forEach(event -> kinds.add(event.getEventType().getName()));
            assertEquals(Set.of("vellum.BankAdded"), kinds);
        }
    }

    /** The least of several rounds: compilation and class loading may allocate in some. */
    private static long garbageOf(final Runnable action) {
        final ThreadMXBean threads = (ThreadMXBean)ManagementFactory.getThreadMXBean();
        final long id = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            final long before = threads.getThreadAllocatedBytes(id);
            action.run();
            least = Math.min(least, threads.getThreadAllocatedBytes(id) - before);
        }
        return least;
    }

    @Test
    void makesNoGarbageUnlessRecorded() throws Exception {
        final Events events = Recorders.find();
        final int times = 1000;
        final Runnable all = () -> {
            for (int i = 0; i < times; i++) {
                events.bankAdded(1, BANK, BANK);
                events.bankReleased(1, BANK, 0);
                events.slabCreated(0, 104, 315);
                events.slabReleased(0, 104);
                events.purged("lazy pages", 2, 1);
                events.reclaimed(0, false, 2, 1, 1);
                events.exhausted("FRAMES", 1, "text");
                events.stalled(1, "thread", 1);
                events.budgetRefused("memory", 1, "text");
                assertFalse(events.hearsReclaim());
            }
        };
        assertEquals(0, garbageOf(all));
        // The same measure, of what is recorded: it would tell.
        final long[] recorded = new long[1];
        final List<RecordedEvent> seen = during("vellum.SlabCreated", () -> recorded[0] = garbageOf(() -> {
            for (int i = 0; i < times; i++) {
                events.slabCreated(0, 104, 315);
            }
        }));
        assertEquals(20 * times, seen.size());
        assertTrue(recorded[0] >= 16 * times || Runtime.version().feature() > 17, "bytes=" + recorded[0]);
        // And once it has been recorded and is so no more.
        assertEquals(0, garbageOf(all));
    }
}
