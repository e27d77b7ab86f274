package org.vellum.kmap;

import org.vellum.cpu.Cpu;
import org.vellum.cpu.Cpus;
import org.vellum.mem.Pages;

/** One way to map a frame. Of each row's process only one is there, so calls of it are inlined. */
abstract class KmapMapper {
    private static final KmType[] TYPES = KmType.values();

    /** {@code depth}: how many the thread has mapped already. */
    abstract long map(long frame, int depth);

    abstract void unmap(long address, int depth);

    /** On the thread that will map. */
    void begin() {
    }

    static KmapMapper of(final KmapRow row) {
        final Kmap kmap = row.vellum.kmap();
        return switch (row.policy()) {
            case "touch" -> new None();
            case "local", "direct", "high-local", "forced-local" -> new Local(kmap);
            case "localCpu", "directCpu" -> new LocalCpu(kmap, row.vellum.cpus());
            case "shared", "high-shared" -> new Shared(kmap);
            case "global-lock", "fixed" -> new Baseline(row.baseline);
            default -> throw new IllegalArgumentException("policy=" + row.policy());
        };
    }

    /** The floor: the linear address, without anybody being asked. */
    private static final class None extends KmapMapper {
        @Override
        long map(final long frame, final int depth) {
            return frame << Pages.SHIFT;
        }

        @Override
        void unmap(final long address, final int depth) {
        }
    }

    private static final class Local extends KmapMapper {
        private final Kmap kmap;

        Local(final Kmap kmap) {
            this.kmap = kmap;
        }

        @Override
        long map(final long frame, final int depth) {
            return kmap.kmapLocal(frame);
        }

        @Override
        void unmap(final long address, final int depth) {
            kmap.kunmapLocal(address);
        }
    }

    private static final class LocalCpu extends KmapMapper {
        private final Kmap kmap;
        private final Cpus cpus;
        /** The thread's slot, as a caller on a hot path would keep it. */
        private Cpu hint;

        LocalCpu(final Kmap kmap, final Cpus cpus) {
            this.kmap = kmap;
            this.cpus = cpus;
        }

        @Override
        void begin() {
            hint = cpus.enter();
            hint.exit();
        }

        @Override
        long map(final long frame, final int depth) {
            return kmap.kmapLocal(hint, frame);
        }

        @Override
        void unmap(final long address, final int depth) {
            kmap.kunmapLocal(hint, address);
        }
    }

    private static final class Shared extends KmapMapper {
        private final Kmap kmap;

        Shared(final Kmap kmap) {
            this.kmap = kmap;
        }

        @Override
        long map(final long frame, final int depth) {
            try {
                return kmap.kmap(frame);
            } catch (final InterruptedException e) {
                // By the end of the trial, if at all: nothing that a figure could come from.
                throw new IllegalStateException(e);
            }
        }

        @Override
        void unmap(final long address, final int depth) {
            kmap.kunmap(address);
        }
    }

    /** Each depth has a type of its own: what the callers of old agreed on. */
    private static final class Baseline extends KmapMapper {
        private final AtomicKmap kmap;

        Baseline(final AtomicKmap kmap) {
            this.kmap = kmap;
        }

        @Override
        long map(final long frame, final int depth) {
            return kmap.kmapAtomic(frame, TYPES[depth]);
        }

        @Override
        void unmap(final long address, final int depth) {
            kmap.kunmapAtomic(address, TYPES[depth]);
        }
    }
}
