/** How a command that talks to one peer gets to it. */
import type { Domain, Endpoint } from 'idc';
import { ExitCode, Failure } from './failure.js';
import { whenAborted } from './interrupt.js';

export interface ConnectOptions {
  readonly timeoutMs: number;
  /** Gives the waiting up. */
  readonly signal: AbortSignal;
  /** What to do when nobody answers, as the end of a sentence. */
  readonly advice: string;
}

/**
 * Resolves when an epoch is open, or with undefined if the signal fires before. Fails with the last
 * fault if none opens in time. The endpoint is the domain's to destroy in any case.
 */
export function connect(
  domain: Domain,
  address: string,
  { timeoutMs, signal, advice }: ConnectOptions,
): Promise<Endpoint | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const fault = endpoint.lastFault ?? 'no answer';
      const message = `${address}: ${fault} within ${timeoutMs} ms; ${advice}`;
      reject(new Failure(message, ExitCode.Unreachable));
    }, timeoutMs);
    const settle = (connected: Endpoint | undefined): void => {
      clearTimeout(timer);
      resolve(connected);
    };
    void whenAborted(signal).then(() => {
      settle(undefined);
    });
    const endpoint = domain.createEndpoint(address, { connect: settle });
  });
}
