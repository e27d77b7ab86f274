package org.vellum.alloc;

/** What the JVMs of these benchmarks are started with, the same for every row, so that each peer is at its best. */
final class PeerFlags {
    /** Agrona's, as everywhere. */
    static final String AGRONA = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED";
    /** LWJGL loads libraries, which JDK 24 and later would warn of. */
    static final String NATIVE_ACCESS = "--enable-native-access=ALL-UNNAMED";
    /** Arrow and Netty read the address field of direct buffers. */
    static final String OPENS = "--add-opens=java.base/java.nio=ALL-UNNAMED";
    /** Netty gives up Unsafe of its own accord as of JDK 24. */
    static final String NETTY_UNSAFE = "-Dio.netty.noUnsafe=false";
    static final String NETTY_NO_CLEANER = "-Dio.netty.tryReflectionSetAccessible=true";
    static final String NETTY_LEAKS = "-Dio.netty.leakDetection.level=disabled";
    static final String NETTY_ACCESSIBLE = "-Dio.netty.buffer.checkAccessible=false";
    static final String NETTY_BOUNDS = "-Dio.netty.buffer.checkBounds=false";
    static final String ARROW_BOUNDS = "-Darrow.enable_unsafe_memory_access=true";
    static final String ARROW_NULLS = "-Darrow.enable_null_check_for_get=false";
    /** LWJGL tests arguments unless told otherwise. */
    static final String LWJGL_CHECKS = "-Dorg.lwjgl.util.NoChecks=true";
    static final String EXECUTOR = "-Djmh.executor=CUSTOM";
    static final String EXECUTOR_CLASS = "-Djmh.executor.class=org.vellum.alloc.FastThreads";

    private PeerFlags() {
    }
}
