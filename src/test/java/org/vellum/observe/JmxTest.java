package org.vellum.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import javax.management.InstanceNotFoundException;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vellum.SmallMemory;
import org.vellum.Vellum;
import org.vellum.VellumBuilder;
import org.vellum.alloc.AllocatorStats;
import org.vellum.alloc.Budget;
import org.vellum.kmap.HighMemory;
import org.vellum.kmap.Kmap;
import org.vellum.kmap.KmapStats;
import org.vellum.percpu.PercpuStats;
import org.vellum.slab.SlabCounts.ClassCounts;
import org.vellum.space.AddressSpace;
import org.vellum.space.SpaceStats;

final class JmxTest {
    private static final MBeanServer SERVER = ManagementFactory.getPlatformMBeanServer();

    @TempDir
    Path directory;

    private static VellumBuilder builder() {
        return SmallMemory.builder(1024, 4096);
    }

    private static ObjectName nameOf(final String name) throws Exception {
        return new ObjectName("org.vellum:type=Memory,name=" + name);
    }

    @Test
    void figuresAreThoseOfTheMemory() throws Exception {
        try (Vellum memory = builder().jmx("figures").open()) {
            final Budget cache = memory.child("cache", 1 << 20);
            cache.child("index", 1 << 19);
            memory.allocator().allocate(100, 1, cache);
            memory.allocate(5000);
            memory.allocate(3 * 4096);
            memory.percpu().allocate(24, 8);
            useKmap(memory);
            useSpaces(memory);
            final Stats stats = memory.stats();
            requireMemory(stats, (CompositeData)SERVER.getAttribute(nameOf("figures"), "Memory"));
            requireAllocator(stats.allocator(), (CompositeData)SERVER.getAttribute(nameOf("figures"), "Allocator"));
            requirePercpu(stats.percpu(), (CompositeData)SERVER.getAttribute(nameOf("figures"), "Percpu"));
            requireKmap(stats.kmap(), (CompositeData)SERVER.getAttribute(nameOf("figures"), "Kmap"));
            requireSpaces(stats.spaces(), (CompositeData)SERVER.getAttribute(nameOf("figures"), "Spaces"));
            final CompositeData[] classes = (CompositeData[])SERVER.getAttribute(nameOf("figures"), "SizeClasses");
            assertEquals(2, classes.length, "those with slabs");
            requireClass(stats.allocator().slabs().classes().stream().filter(c -> c.objectBytes() == 5312).findFirst().orElseThrow(),
                classes[1]);
            final CompositeData[] budgets = (CompositeData[])SERVER.getAttribute(nameOf("figures"), "Budgets");
            assertEquals(2, budgets.length);
            assertEquals("memory/cache", budgets[0].get("path"));
            assertEquals(104L, budgets[0].get("usedBytes"));
            assertEquals(1L << 20, budgets[0].get("limitBytes"));
            assertEquals(cache.highWater(), budgets[0].get("highWaterBytes"));
            assertEquals("memory/cache/index", budgets[1].get("path"));
        }
    }

    private static void useSpaces(final Vellum memory) {
        final AddressSpace space = memory.addressSpace(1 << 24);
        final long at = space.map(10 * 4096);
        space.access().putLong(at, 1);
        space.unmap(at + 5 * 4096, 4096);
    }

    /** All of them, each by its name. */
    private static void requireSpaces(final SpaceStats stats, final CompositeData data) throws Exception {
        assertEquals(SpaceStats.class.getRecordComponents().length, data.getCompositeType().keySet().size());
        for (final RecordComponent component : SpaceStats.class.getRecordComponents()) {
            assertEquals(((Number)component.getAccessor().invoke(stats)).longValue(), ((Number)data.get(component.getName())).longValue(),
                component.getName());
        }
        assertEquals(2, stats.regions());
    }

    private static void requireMemory(final Stats stats, final CompositeData data) {
        assertEquals(16, data.getCompositeType().keySet().size());
        assertEquals(stats.configuredBytes(), data.get("configuredBytes"));
        assertEquals(stats.presentBytes(), data.get("presentBytes"));
        assertEquals(stats.presentHighWaterBytes(), data.get("presentHighWaterBytes"));
        assertEquals(stats.residentBytes(), data.get("residentBytes"));
        assertEquals(stats.usedHighWaterBytes(), data.get("usedHighWaterBytes"));
        assertEquals(stats.freeFrameBytes(), data.get("freeFrameBytes"));
        assertEquals(stats.freeWindowBytes(), data.get("freeWindowBytes"));
        assertEquals(stats.slots(), data.get("slots"));
    }

    private static void requireAllocator(final AllocatorStats stats, final CompositeData data) {
        assertEquals(11, data.getCompositeType().keySet().size());
        assertEquals(stats.liveBytes(), data.get("liveBytes"));
        assertEquals(104L + 5312 + 3 * 4096, data.get("liveBytes"));
        assertEquals(2L, data.get("liveObjects"));
        assertEquals(stats.cachedBytes(), data.get("cachedBytes"));
        assertEquals(stats.strandedBytes(), data.get("strandedBytes"));
        assertEquals(stats.reservedBytes(), data.get("reservedBytes"));
        assertEquals(stats.fragmentation(), data.get("fragmentation"));
    }

    private static void requirePercpu(final PercpuStats stats, final CompositeData data) {
        assertEquals(10, data.getCompositeType().keySet().size());
        assertEquals(1L, data.get("areas"));
        assertEquals(24L, data.get("bytes"));
        assertEquals(1, data.get("chunks"));
        assertEquals(stats.slots(), data.get("slots"));
        assertEquals(stats.populatedPages(), data.get("populatedPages"));
        assertEquals(stats.emptyPages(), data.get("emptyPages"));
        assertEquals(stats.frames(), data.get("frames"));
        assertEquals(stats.balances(), data.get("balances"));
    }

    /** Page 0 stays mapped for all, and page 1 for nobody. */
    private void useKmap(final Vellum memory) throws Exception {
        final Kmap kmap = memory.kmap();
        final HighMemory high = kmap.openHigh(directory.resolve("high"), 1 << 16);
        kmap.kmap(high.frame(0));
        kmap.kunmap(kmap.kmap(high.frame(1)));
        kmap.kunmapLocal(kmap.kmapLocal(high.frame(0)));
    }

    private static void requireKmap(final KmapStats stats, final CompositeData data) {
        assertEquals(18, data.getCompositeType().keySet().size());
        assertEquals(1, data.get("usedSlots"));
        assertEquals(1, data.get("unusedSlots"));
        assertEquals(1, data.get("files"));
        assertEquals(1L, data.get("hits"));
        assertEquals(2L, data.get("misses"));
        assertEquals(stats.localMaps(), data.get("localMaps"));
        assertEquals(stats.localEntries(), data.get("localEntries"));
        assertEquals(stats.leftOpen(), data.get("leftOpen"));
        assertEquals(stats.windowSlots(), data.get("windowSlots"));
        assertEquals(stats.usedSlots(), data.get("usedSlots"));
        assertEquals(stats.unusedSlots(), data.get("unusedSlots"));
        assertEquals(stats.freeSlots(), data.get("freeSlots"));
        assertEquals(stats.flushes(), data.get("flushes"));
        assertEquals(stats.slotWaits(), data.get("slotWaits"));
        assertEquals(stats.files(), data.get("files"));
        assertEquals(stats.cacheFrames(), data.get("cacheFrames"));
        assertEquals(stats.hits(), data.get("hits"));
        assertEquals(stats.misses(), data.get("misses"));
        assertEquals(stats.pagesRead(), data.get("pagesRead"));
        assertEquals(stats.writeBacks(), data.get("writeBacks"));
        assertEquals(stats.evictions(), data.get("evictions"));
        assertEquals(stats.cacheWaits(), data.get("cacheWaits"));
        assertEquals(stats.failures(), data.get("failures"));
    }

    private static void requireClass(final ClassCounts counts, final CompositeData data) {
        assertEquals(7, data.getCompositeType().keySet().size());
        assertEquals(5312, data.get("objectBytes"));
        assertEquals(1, data.get("slabs"));
        assertEquals(1L, data.get("liveObjects"));
        assertEquals(counts.freeObjects(), data.get("freeObjects"));
        assertEquals(counts.wasteBytes(), data.get("wasteBytes"));
    }

    @Test
    void aProxyTrimsAndReports() throws Exception {
        try (Vellum memory = builder().jmx("proxy").open()) {
            final VellumMXBean bean = JMX.newMXBeanProxy(SERVER, nameOf("proxy"), VellumMXBean.class);
            memory.free(memory.allocate(700 * 4096));
            memory.quiesce();
            assertEquals(3 << 20, bean.getMemory().getPresentBytes());
            assertEquals(3 << 20, bean.trim());
            assertEquals(0, bean.getMemory().getPresentBytes());
            assertEquals(3 << 20, bean.getMemory().getPresentHighWaterBytes());
            assertEquals(0, bean.getSizeClasses().length);
            assertEquals(memory.report(), bean.report());
        }
    }

    @Test
    void isThereUntilTheMemoryIsClosed() throws Exception {
        final ObjectName name = nameOf("life");
        final Vellum memory = builder().jmx("life").open();
        assertTrue(SERVER.isRegistered(name));
        memory.close();
        assertFalse(SERVER.isRegistered(name));
        assertThrows(InstanceNotFoundException.class, () -> SERVER.getAttribute(name, "Memory"));
        // And the name is free again; unregistering by others is no error.
        final Vellum again = builder().jmx("life").open();
        SERVER.unregisterMBean(name);
        again.close();
    }

    @Test
    void isNotThereUnlessAskedFor() throws Exception {
        final int before = SERVER.queryNames(nameOf("*"), null).size();
        final Vellum memory = builder().open();
        assertEquals(before, SERVER.queryNames(nameOf("*"), null).size());
        memory.close();
    }

    @Test
    void aNameInUseIsRefused() throws Exception {
        try (Vellum first = builder().jmx("clash").open()) {
            final IllegalStateException refused = assertThrows(IllegalStateException.class, () -> builder().jmx("clash").open());
            assertTrue(refused.getMessage().contains("jmx=clash"), refused.getMessage());
            first.free(first.allocate(100));
            assertTrue(SERVER.isRegistered(nameOf("clash")), "the first one's");
            assertEquals(first.stats().presentBytes(), ((CompositeData)SERVER.getAttribute(nameOf("clash"), "Memory")).get("presentBytes"));
        }
    }

    @Test
    void namesAreCheckedAndQuoted() throws Exception {
        assertThrows(IllegalArgumentException.class, () -> builder().jmx(" "));
        assertThrows(IllegalArgumentException.class, () -> builder().jmx(null));
        final String odd = "a,b=c:*\"\n";
        final Vellum memory = builder().jmx(odd).open();
        assertTrue(SERVER.isRegistered(nameOf(ObjectName.quote(odd))));
        memory.close();
    }

    @Test
    void afterTheCloseABeanThatIsStillHeldSaysSo() {
        final Vellum memory = builder().open();
        final VellumMXBean bean = new Monitor(memory::stats, memory::trim, memory::report);
        memory.close();
        final IllegalStateException closed = assertInstanceOf(IllegalStateException.class,
            assertThrows(RuntimeException.class, bean::getMemory));
        assertTrue(closed.getMessage().contains("closed"), closed.getMessage());
        assertThrows(IllegalStateException.class, bean::trim);
        assertThrows(IllegalStateException.class, bean::report);
    }
}
