/**
 * Interrupts: a signal, or that nobody reads the output any more, becomes an abort.
 *
 * Everything that runs is given up in good order then, so that no half copy and no process stays
 * behind. A second interrupt changes nothing, because each step of that is bounded in time; and
 * npm passes a terminal's Ctrl-C on to a program that the terminal has told already.
 */
import { constants } from 'node:os';
import { Failure } from './failure.js';

/** Aborts `program` with a `Failure` at an interrupt. */
export function abortOnInterrupt(program: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // 128 and the signal's number is how a shell reports it, too.
      program.abort(new Failure(`interrupted by ${name}`, 128 + constants.signals[name]));
    });
  }
  process.stdout.on('error', (error: Error) => {
    program.abort(new Failure(`the output is gone: ${error.message}`));
  });
}
