/**
 * PlainLoop: a far end that owns its thread. From `connect` to `disconnect` it calls
 * `domain.poll()` and nothing else; before and after, the event loop drives the domain. The near
 * end's death, which the domain learns of by polling, ends the loop as well.
 */
import type { Domain, EndpointHandlers } from 'idc';

export class PlainLoop {
  /** For the one endpoint that it serves. */
  readonly handlers: EndpointHandlers;
  readonly #domain: Domain;
  readonly #pollsPerTurn: number;
  #isConnected = false;

  /** `pollsPerTurn`: after so many the event loop turns once; Infinity if it never does. */
  constructor(domain: Domain, pollsPerTurn: number) {
    this.#domain = domain;
    this.#pollsPerTurn = pollsPerTurn;
    this.handlers = {
      connect: () => {
        this.#isConnected = true;
        setImmediate(this.#run);
      },
      disconnect: () => {
        this.#isConnected = false;
      },
    };
  }

  /** A field, so that turns of the event loop make no closures. */
  readonly #run = (): void => {
    for (let polls = 0; this.#isConnected; polls += 1) {
      if (polls === this.#pollsPerTurn) {
        setImmediate(this.#run);
        return;
      }
      this.#domain.poll();
    }
  };
}
