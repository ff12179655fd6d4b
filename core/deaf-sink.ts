/**
 * The sink of a link that has none: before a listener's is known, and after `closed`, so that a
 * link that is kept keeps nothing of who used it.
 */
import type { LinkSink } from './transport.js';

/** Hears nothing. */
export const deafSink: LinkSink = {
  linkUp: () => undefined,
  linkDown: () => undefined,
  frame: () => undefined,
  writable: () => undefined,
  closed: () => undefined,
};
