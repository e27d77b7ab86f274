package org.vellum.kmap;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.vellum.file.Staging;
import org.vellum.report.ExhaustedException;

/**
 * Gets a frame for a page that is not in the cache, and the content into it.
 *
 * <p>Outside sections and locks. Only {@link #pin} waits for other threads, and only while it holds nothing that they might wait for.
 */
final class CacheMisses {
    private static final long LOOK_AGAIN_NANOS = 100_000_000L;
    private static final long SLICE_NANOS = 10_000_000L;

    private final CacheDirectory directory;
    private final CacheFrames frames;
    private final CacheSupply supply;
    private final HighFiles files;
    private final WriteBack writeBack;
    private final CacheWaits waits;
    private final Staging staging;
    private final CacheCounts counts;
    /** Volatile: set once, while the room is put together. */
    private volatile Keeper keeper = Keeper.NOBODY;

    CacheMisses(
        final CacheDirectory directory, final CacheSupply supply, final HighFiles files, final WriteBack writeBack,
        final CacheWaits waits, final Staging staging, final CacheCounts counts) {
        this.directory = directory;
        this.frames = directory.frames;
        this.supply = supply;
        this.files = files;
        this.writeBack = writeBack;
        this.waits = waits;
        this.staging = staging;
        this.counts = counts;
    }

    void setKeeper(final Keeper who) {
        keeper = who;
    }

    /** Has pins given up that nobody uses; returns whether there were any. */
    boolean relieve() {
        return keeper.giveUp();
    }

    /** One try after the other to get a frame, each of which remembers what went wrong before. */
    final class Claimer {
        private final HighFile file;
        private Refusals refusals;
        private boolean mayGrow;
        private boolean refused;

        Claimer(final HighFile file) {
            this(file, supply.mayAsk());
        }

        private Claimer(final HighFile file, final boolean mayGrow) {
            this.file = file;
            this.mayGrow = mayGrow;
        }

        /**
         * Writes dirty victims back and adds frames as it needs to; does not wait for anybody else. If a victim cannot be written, another
         * file's perhaps, it takes others.
         *
         * @return an index in state reading, {@link CacheDirectory#PRESENT} or {@link CacheDirectory#FULL}.
         */
        int claim(final long frame) {
            return settle(frame, ask(frame, CacheDirectory.NONE));
        }

        private int ask(final long frame, final int prefer) {
            return directory.claim(file, frame, prefer, mayGrow, refusals);
        }

        /** {@link #claim} from the directory's first answer on. */
        private int settle(final long frame, final int first) {
            int prefer = CacheDirectory.NONE;
            int answer = first;
            while (true) {
                if (answer == CacheDirectory.GROW) {
                    mayGrow = supply.grow(directory);
                    refused = !mayGrow;
                } else if (CacheDirectory.isDirty(answer)) {
                    prefer = CacheDirectory.dirtyIndex(answer);
                    clean(prefer);
                } else if (answer == CacheDirectory.FULL && directory.size() == 0 && !refused) {
                    // Nothing at all, as after the last file was closed: then it asks, however lately that was refused.
                    mayGrow = true;
                } else {
                    return answer;
                }
                answer = ask(frame, prefer);
            }
        }

        private void clean(final int index) {
            final long frame = CacheWord.frame(frames.word(index));
            final HighMemoryException failure = tryWrite(index, frame);
            if (failure != null) {
                refuse(index, frame, failure);
            }
        }

        void refuse(final int index, final long frame, final HighMemoryException failure) {
            refusals = refusals == null ? new Refusals(failure) : refusals;
            refusals.note(index, frame);
        }

        /** Nothing is to be had: whether it is worth waiting, which it is not for a device that is full, or memory that others have. */
        void requireHope() {
            if (refusals != null) {
                throw refusals.first();
            }
            if (directory.size() == 0) {
                throw new ExhaustedException(ExhaustedException.Resource.FRAMES,
                    "high memory has no frame to read into: " + supply.reason());
            }
        }
    }

    /**
     * See {@link HighCache#pin}; of a page that was not there just now. The usual case is that the directory has a frame at once, or once
     * its dirty page is written, and makes no garbage: what there is to be remembered over several tries is made when there are.
     */
    int pin(final HighFile file, final long frame, final boolean writable, final long deadlineNanos) throws InterruptedException {
        final boolean mayGrow = supply.mayAsk();
        int answer = directory.claim(file, frame, CacheDirectory.NONE, mayGrow, null);
        if (CacheDirectory.isDirty(answer)) {
            final int index = CacheDirectory.dirtyIndex(answer);
            final long victim = CacheWord.frame(frames.word(index));
            final HighMemoryException failure = tryWrite(index, victim);
            if (failure != null) {
                final Claimer claimer = new Claimer(file, mayGrow);
                claimer.refuse(index, victim, failure);
                return pin(claimer, claimer.claim(frame), frame, writable, deadlineNanos);
            }
            answer = directory.claim(file, frame, index, mayGrow, null);
        }
        if (answer >= 0) {
            readOne(file, frame, answer, true, writable);
            return answer;
        }
        final Claimer claimer = new Claimer(file, mayGrow);
        return pin(claimer, claimer.settle(frame, answer), frame, writable, deadlineNanos);
    }

    /** Writes a dirty page whose write the caller has begun; what went wrong, or null. */
    private HighMemoryException tryWrite(final int index, final long frame) {
        try {
            writeBack.write(files.of(frame), index);
            return null;
        } catch (final HighMemoryException e) {
            return e;
        }
    }

    private int pin(final Claimer claimer, final int first, final long frame, final boolean writable, final long deadlineNanos)
        throws InterruptedException {
        int claim = first;
        boolean waited = false;
        boolean timeIsUp = false;
        try {
            while (claim < 0) {
                if (claim == CacheDirectory.PRESENT) {
                    awaitRead(frame, deadlineNanos);
                } else if (!keeper.giveUp(slice(deadlineNanos))) {
                    claimer.requireHope();
                    if (timeIsUp) {
                        throw timedOut(frame, "all cache frames are in use: " + directory.describeUsers() + keeper.describeHolders());
                    }
                    if (!waited) {
                        counts.note(CacheEvent.FRAME_WAIT, 1);
                        waited = true;
                    }
                    timeIsUp = !awaitFrame(frame, claimer.mayGrow, deadlineNanos);
                }
                final int found = directory.hash.get(frame);
                if (found != CacheHash.NONE && frames.tryPin(found, frame, writable)) {
                    return found;
                }
                claim = claimer.claim(frame);
            }
            readOne(claimer.file, frame, claim, true, writable);
            return claim;
        } finally {
            if (waited) {
                waits.passOn();
            }
        }
    }

    /** How long the keeper may wait at a time: whoever waits for its flush is in no queue, and sees only afterwards what else there is by now. */
    private static long slice(final long deadlineNanos) {
        final long now = System.nanoTime();
        return now + Math.min(SLICE_NANOS, deadlineNanos - now);
    }

    private void awaitRead(final long frame, final long deadlineNanos) throws InterruptedException {
        if (isReading(frame)) {
            counts.note(CacheEvent.READ_WAIT, 1);
            if (!waits.awaitTransfer(() -> !isReading(frame), deadlineNanos)) {
                throw timedOut(frame, "another thread is still reading it");
            }
        }
    }

    boolean isReading(final long frame) {
        final int index = directory.hash.get(frame);
        if (index == CacheHash.NONE) {
            return false;
        }
        final long word = frames.word(index);
        return CacheWord.frame(word) == frame && CacheWord.is(word, CacheWord.READING);
    }

    /**
     * Waits until there may be a frame, or somebody else has brought the page; or for some time, for nobody says so when a thread dies with
     * pages mapped: it shows when the keeper is asked again.
     *
     * @return false if the time is up; then it is worth one last look.
     */
    private boolean awaitFrame(final long frame, final boolean mayGrow, final long deadlineNanos) throws InterruptedException {
        // Here, for nobody parks while the keeper has something that a section holds up.
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        final long now = System.nanoTime();
        waits.awaitFrame(() -> directory.hash.get(frame) != CacheHash.NONE || directory.hasVictim(mayGrow) || keeper.mayGiveUp(),
            now + Math.min(LOOK_AGAIN_NANOS, deadlineNanos - now));
        return System.nanoTime() - deadlineNanos < 0;
    }

    private static ExhaustedException timedOut(final long frame, final String why) {
        return new ExhaustedException(ExhaustedException.Resource.FRAMES, "timed out: frame=" + frame + ": " + why);
    }

    /** Reads the page into a claimed frame, and ends the claim: with a pin, without, or, if it throws, by giving the frame back. */
    void readOne(final HighFile file, final long frame, final int index, final boolean pin, final boolean writable) {
        boolean read = false;
        try {
            final ByteBuffer buffer = staging.take();
            try {
                file.read(HighFrames.page(frame), 1, buffer);
                Staging.copyOut(buffer, 0, frames.nativePage(index));
                read = true;
            } finally {
                staging.give(buffer);
            }
        } catch (final IOException e) {
            throw new HighMemoryException("cannot read", file.path, frame, e);
        } finally {
            end(index, frame, read, pin, writable);
            note(1, read);
            waits.transferEnded();
        }
    }

    /** Pages in a row by one system call, for whoever wants them: without pins, otherwise as a single one. */
    void read(final HighFile file, final long frame, final int[] indexes, final int count) {
        boolean read = false;
        try {
            final ByteBuffer buffer = staging.take();
            try {
                file.read(HighFrames.page(frame), count, buffer);
                for (int i = 0; i < count; i++) {
                    Staging.copyOut(buffer, i, frames.nativePage(indexes[i]));
                }
                read = true;
            } finally {
                staging.give(buffer);
            }
        } catch (final IOException e) {
            throw new HighMemoryException("cannot read", file.path, frame, e);
        } finally {
            for (int i = 0; i < count; i++) {
                end(indexes[i], frame + i, read, false, false);
            }
            note(count, read);
            waits.transferEnded();
        }
    }

    private void end(final int index, final long frame, final boolean read, final boolean pin, final boolean writable) {
        if (read) {
            frames.finishRead(index, frame, pin, writable);
        } else {
            directory.giveUp(index, frame);
        }
    }

    private void note(final int count, final boolean read) {
        counts.note(read ? CacheEvent.READ : CacheEvent.FAILURE, read ? count : 1);
        if (read && count > 1) {
            counts.note(CacheEvent.GATHERED_READ, 1);
        }
    }
}
