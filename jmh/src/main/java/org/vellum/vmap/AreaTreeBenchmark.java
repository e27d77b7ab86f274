package org.vellum.vmap;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an address range costs as the number of live areas grows, in the window of {@link AreaMix}: the tree should grow
 * like the logarithm, the list that it replaced like the number.
 *
 * <p>{@code pair}: allocate an area and free it again. {@code replace}: free a random live area and allocate another,
 * so that the window ages; the random index into {@code live} areas is part of the cost ({@code pick} is that floor).
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsPrepend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AreaTreeBenchmark {
    private static final long PAIR_PAGES = 4;

    /** The tree, and its areas. */
    @State(Scope.Thread)
    public static class TreeWindow {
        @Param({"1000", "10000", "100000", "1000000"})
        int live;
        private AreaMix mix;
        private AreaTree tree;

        /** Fills the window. */
        @Setup(Level.Trial)
        public void fill() {
            mix = new AreaMix(live);
            tree = new AreaTree(0, mix.endPage());
            mix.place(tree::allocateAt);
        }

        /** What was measured was right. */
        @TearDown(Level.Trial)
        public void verify() {
            tree.verify();
        }
    }

    /** The list, and its areas: beyond 10,000 it is too slow to wait for. */
    @State(Scope.Thread)
    public static class ListWindow {
        @Param({"1000", "10000"})
        int live;
        private AreaMix mix;
        private AreaList list;

        /** Fills the window. */
        @Setup(Level.Trial)
        public void fill() {
            mix = new AreaMix(live);
            list = new AreaList(0, mix.endPage(), live + 1);
            mix.place(list::allocateAt);
        }
    }

    /**
     * @param window the tree.
     * @return where the area was.
     */
    @Benchmark
    public long treePair(final TreeWindow window) {
        final long start = window.tree.allocate(PAIR_PAGES, 1);
        window.tree.free(start, PAIR_PAGES);
        return start;
    }

    /**
     * @param window the list.
     * @return where the area was.
     */
    @Benchmark
    public long listPair(final ListWindow window) {
        final long start = window.list.allocate(PAIR_PAGES);
        window.list.free(start);
        return start;
    }

    /**
     * @param window the tree.
     * @return where the new area is.
     */
    @Benchmark
    public long treeReplace(final TreeWindow window) {
        final AreaMix mix = window.mix;
        final int index = mix.pick();
        window.tree.free(mix.start(index), mix.pages(index));
        final long pages = mix.nextPages();
        final long start = window.tree.allocate(pages, 1);
        mix.set(index, start, pages);
        return start;
    }

    /**
     * @param window the list.
     * @return where the new area is.
     */
    @Benchmark
    public long listReplace(final ListWindow window) {
        final AreaMix mix = window.mix;
        final int index = mix.pick();
        window.list.free(mix.start(index));
        final long pages = mix.nextPages();
        final long start = window.list.allocate(pages);
        mix.set(index, start, pages);
        return start;
    }

    /**
     * @param window for its areas only.
     * @return something of an area.
     */
    @Benchmark
    public long pick(final TreeWindow window) {
        final int index = window.mix.pick();
        return window.mix.start(index) + window.mix.nextPages();
    }
}
