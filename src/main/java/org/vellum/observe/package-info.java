/**
 * What Vellum looks like from outside. Invariant: <b>reads, never changes</b>, and stops nobody: figures that belong together
 * may be a moment apart.
 */
package org.vellum.observe;
