package org.vellum.cli;

import java.util.Arrays;
import java.util.Locale;
import org.vellum.kmap.Kmap;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How the values of options are read, and their ranges. */
final class Arguments {
    static final int MAX_THREADS = 1024;
    static final int MAX_MILLIS = 3_600_000;
    static final int MAX_ROUNDS = 1000;
    static final long MIN_MEMORY = 16L << 20;
    static final long MAX_MEMORY = 256L << 30;
    static final long MAX_ALLOCATION = 64L << 20;
    static final int MAX_MIB = 65_536;
    /** Of per-CPU memory: what every unit has room for. */
    static final long MAX_COPY = 32L << 10;

    private Arguments() {
    }

    private static long number(final String text, final long low, final long high) {
        try {
            final long value = Long.parseLong(text);
            if (value >= low && value <= high) {
                return value;
            }
        } catch (final NumberFormatException e) {
            // told below, as any other text that is not in the range
        }
        throw new TypeConversionException("'" + text + "' is not a whole number from " + low + " to " + high);
    }

    /** A type of its own: an array would be an option that may be given several times. */
    record ThreadCounts(int[] counts) {
    }

    /** Thread counts, separated by commas; each once, in ascending order. */
    static final class Threads implements ITypeConverter<ThreadCounts> {
        @Override
        public ThreadCounts convert(final String text) {
            return new ThreadCounts(Arrays.stream(text.split(",", -1)).mapToInt(one -> (int)number(one, 1, MAX_THREADS))
                .sorted().distinct().toArray());
        }
    }

    /** A type of its own: an array would be an option that may be given several times. */
    record MapDepths(int[] depths) {
    }

    /** How many maps are nested, separated by commas; each once, in ascending order. */
    static final class Depths implements ITypeConverter<MapDepths> {
        @Override
        public MapDepths convert(final String text) {
            return new MapDepths(Arrays.stream(text.split(",", -1)).mapToInt(one -> (int)number(one, 1, Kmap.MAX_DEPTH))
                .sorted().distinct().toArray());
        }
    }

    /** Milliseconds of one cell of a table. */
    static final class Millis implements ITypeConverter<Integer> {
        @Override
        public Integer convert(final String text) {
            return (int)number(text, 1, MAX_MILLIS);
        }
    }

    /** How often each cell is measured. */
    static final class Rounds implements ITypeConverter<Integer> {
        @Override
        public Integer convert(final String text) {
            return (int)number(text, 1, MAX_ROUNDS);
        }
    }

    /** Mebibytes that are unmapped at a time. */
    static final class Mebibytes implements ITypeConverter<Integer> {
        @Override
        public Integer convert(final String text) {
            return (int)number(text, 1, MAX_MIB);
        }
    }

    private static long size(final String text, final long low, final long high, final String range) {
        final int last = text.length() - 1;
        final int unit = last < 0 ? -1 : "kmg".indexOf(text.toLowerCase(Locale.ROOT).charAt(last));
        final int shift = 10 * (unit + 1);
        final String digits = unit < 0 ? text : text.substring(0, last);
        if (digits.matches("[0-9]{1,15}")) {
            final long value = Long.parseLong(digits);
            if (value <= high >> shift && value << shift >= low) {
                return value << shift;
            }
        }
        throw new TypeConversionException("'" + text + "' is not a size from " + range + " (suffixes: k, m, g)");
    }

    /** A size of memory in bytes with an optional k, m or g. */
    static final class Size implements ITypeConverter<Long> {
        @Override
        public Long convert(final String text) {
            return size(text, MIN_MEMORY, MAX_MEMORY, "16m to 256g");
        }
    }

    /** A type of its own: an array would be an option that may be given several times. */
    record AllocationSizes(long[] bytes) {
    }

    /** Sizes of allocations, each with an optional k or m, separated by commas; each once, in ascending order. */
    static final class Sizes implements ITypeConverter<AllocationSizes> {
        @Override
        public AllocationSizes convert(final String text) {
            return new AllocationSizes(Arrays.stream(text.split(",", -1))
                .mapToLong(one -> size(one, 1, MAX_ALLOCATION, "1 to 64m")).sorted().distinct().toArray());
        }
    }

    /** Sizes of per-CPU allocations, as {@link Sizes}. */
    static final class CopySizes implements ITypeConverter<AllocationSizes> {
        @Override
        public AllocationSizes convert(final String text) {
            return new AllocationSizes(Arrays.stream(text.split(",", -1))
                .mapToLong(one -> size(one, 1, MAX_COPY, "1 to 32k")).sorted().distinct().toArray());
        }
    }
}
