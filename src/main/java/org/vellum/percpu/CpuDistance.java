package org.vellum.percpu;

/**
 * How far one CPU's memory is from another CPU. CPUs that are near each other in both directions share a group, and so one piece of
 * memory; others do not.
 */
@FunctionalInterface
public interface CpuDistance {
    /** Near: at most this. */
    int LOCAL = 10;
    /** Far, as far as it matters: any number above {@link #LOCAL} means the same. */
    int REMOTE = 20;

    /**
     * Called while the layout is planned, on the thread that does; the answers need not be symmetric.
     *
     * @param fromCpu id of a CPU.
     * @param toCpu id of another.
     * @return the distance.
     */
    int distance(int fromCpu, int toCpu);
}
