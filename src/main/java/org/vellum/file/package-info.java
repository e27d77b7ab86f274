/**
 * Files, by position. Invariant: <b>no operation moves anything that the next one depends on</b>: neither a position nor an open channel
 * that an interrupt might have closed.
 *
 * <p>Whoever keeps pages of files in memory stands above: {@code kmap} its cache of high memory, {@code space} the pages that regions show. What
 * is common to them is here: {@link org.vellum.file.FileIo}, what they ask of a file; {@link org.vellum.file.ChannelIo}, how a real one
 * answers, whatever happens to the thread that asks; {@link org.vellum.file.Staging}, the buffers that pages pass through.
 *
 * <h2>Left out</h2>
 * Mapping files by the JVM: a page that the operating system writes when it likes, and a fault of the process when somebody else cuts the
 * file off.
 */
package org.vellum.file;
