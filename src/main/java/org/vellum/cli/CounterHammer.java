package org.vellum.cli;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.vellum.Vellum;
import org.vellum.cpu.Cpu;
import org.vellum.percpu.PerCpuCounter;

/** Adds 1 to a counter that all threads of a policy share. */
abstract class CounterHammer extends Hammer {
    private final String impl;
    private long added;

    CounterHammer(final Vellum memory, final String impl) {
        super(memory);
        this.impl = impl;
    }

    /** One counter of a policy, and the hammers for it. */
    interface Counter {
        CounterHammer hammer(Vellum memory);

        /** The very counter. */
        Object counter();

        void increment();

        long sum();

        /** Gives back what it has. */
        default void close() {
        }
    }

    static Counter of(final String impl, final Vellum memory) {
        return switch (impl) {
            case "percpu" -> new PerCpu(new PerCpuCounter(memory.percpu()), false);
            case "percpuCpu" -> new PerCpu(new PerCpuCounter(memory.percpu()), true);
            case "longadder" -> new Adder(new LongAdder());
            case "atomiclong" -> new Atomic(new AtomicLong());
            default -> throw new IllegalArgumentException("impl=" + impl);
        };
    }

    /** Whose counter it is. */
    final String impl() {
        return impl;
    }

    /** How often this thread has added. */
    final long added() {
        return added;
    }

    /** Adds {@link #BATCH} times. */
    abstract void work();

    @Override
    final void batch() {
        work();
        added += BATCH;
    }

    private record PerCpu(PerCpuCounter counter, boolean withCpu) implements Counter {
        @Override
        public CounterHammer hammer(final Vellum memory) {
            return withCpu ? new OwnCpu(memory, counter) : new Own(memory, counter);
        }

        @Override
        public void increment() {
            counter.increment();
        }

        @Override
        public long sum() {
            return counter.sum();
        }

        @Override
        public void close() {
            counter.close();
        }
    }

    private record Adder(LongAdder counter) implements Counter {
        @Override
        public CounterHammer hammer(final Vellum memory) {
            return new Jdk(memory, counter);
        }

        @Override
        public void increment() {
            counter.increment();
        }

        @Override
        public long sum() {
            return counter.sum();
        }
    }

    private record Atomic(AtomicLong counter) implements Counter {
        @Override
        public CounterHammer hammer(final Vellum memory) {
            return new OneWord(memory, counter);
        }

        @Override
        public void increment() {
            counter.getAndAdd(1);
        }

        @Override
        public long sum() {
            return counter.get();
        }
    }

    /** {@link PerCpuCounter#add(long)}. */
    private static final class Own extends CounterHammer {
        private final PerCpuCounter counter;

        Own(final Vellum memory, final PerCpuCounter counter) {
            super(memory, "percpu");
            this.counter = counter;
        }

        @Override
        void work() {
            for (int i = 0; i < BATCH; i++) {
                counter.add(1);
            }
        }
    }

    /** {@link PerCpuCounter#add(Cpu, long)}. */
    private static final class OwnCpu extends CounterHammer {
        private final PerCpuCounter counter;

        OwnCpu(final Vellum memory, final PerCpuCounter counter) {
            super(memory, "percpuCpu");
            this.counter = counter;
        }

        @Override
        void work() {
            final Cpu cpu = hint();
            for (int i = 0; i < BATCH; i++) {
                counter.add(cpu, 1);
            }
        }
    }

    /** {@link LongAdder}. */
    private static final class Jdk extends CounterHammer {
        private final LongAdder counter;

        Jdk(final Vellum memory, final LongAdder counter) {
            super(memory, "longadder");
            this.counter = counter;
        }

        @Override
        void work() {
            for (int i = 0; i < BATCH; i++) {
                counter.add(1);
            }
        }
    }

    /** {@link AtomicLong}. */
    private static final class OneWord extends CounterHammer {
        private final AtomicLong counter;

        OneWord(final Vellum memory, final AtomicLong counter) {
            super(memory, "atomiclong");
            this.counter = counter;
        }

        @Override
        void work() {
            for (int i = 0; i < BATCH; i++) {
                counter.getAndAdd(1);
            }
        }
    }
}
