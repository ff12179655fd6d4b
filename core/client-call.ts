/**
 * Guarding client callbacks: a callback that throws is a programmer error and ends the process.
 *
 * The error is reported as uncaught right after the current call instead of flying through the
 * transport, so that the state here stays whole and the peer sees one clean disconnect.
 */
import { IdcAssertionError } from './assert.js';
import type { Runtime } from './runtime.js';

/**
 * Reports `thrown`, which came out of the client's `what`, as HANDLER_THREW; an assertion that
 * failed in there keeps its own name.
 */
export function reportHandlerThrew(runtime: Runtime, what: string, thrown: unknown): void {
  if (thrown instanceof IdcAssertionError) {
    runtime.crash(thrown);
    return;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  runtime.crash(
    new IdcAssertionError('HANDLER_THREW', `the ${what} threw: ${message}`, { cause: thrown }),
  );
}

/** HOT: tells a client, if it wants to know, how many bytes of its transfer are done. */
export function tellProgress(
  runtime: Runtime,
  onProgress: ((byteCount: number) => void) | undefined,
  byteCount: number,
): void {
  if (onProgress === undefined) return;
  try {
    onProgress(byteCount);
  } catch (thrown) {
    reportHandlerThrew(runtime, 'onProgress', thrown);
  }
}
