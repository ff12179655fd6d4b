/**
 * Station: one domain of a soak with its endpoints, those that it dials and those that it accepts.
 * All of them carry traffic while it is busy; at rest only the lasting ones are left, and idle.
 */
import type { Domain, Listener } from 'idc';

import { between, createRandom, type Random } from '../compliance/random.js';
import { Quiet } from '../process/quiet.js';
import { noTally, type Holder, type Tally } from './sample.js';
import { Traffic } from './traffic.js';

/** Pause between two short-lived endpoints. */
const pauseMsMax = 30;
const livesMsMax = 60;

export class Station implements Holder {
  readonly domain: Domain;
  readonly tally: Tally = noTally();
  readonly #quiet = new Quiet();
  readonly #random: Random;
  readonly #traffics = new Set<Traffic>();
  #listener: Listener | undefined = undefined;
  #isBusy = false;
  #visitor: Promise<void> | undefined = undefined;
  #connectedCount = 0;

  constructor(domain: Domain, seed: number) {
    this.domain = domain;
    this.#random = createRandom(seed);
  }

  get acceptedCount(): number {
    return this.#listener?.endpoints.length ?? 0;
  }

  /** Whoever comes gets traffic of its own; answers the real address. */
  listen(address: string, forgetMs: number): Promise<string> {
    this.#listener = this.domain.listen(
      address,
      () => {
        const traffic = this.#addTraffic();
        return {
          ...traffic.handlers,
          appear: (endpoint) => {
            endpoint.lifecycle$.subscribe((event) => {
              if (event.type !== 'destroyed') return;
              this.#traffics.delete(traffic);
              this.tally.destroyed++;
              this.#quiet.changed();
            });
          },
        };
      },
      { forgetMs },
    );
    return this.#listener.ready;
  }

  /** `count` endpoints that last. */
  dial(address: string, count: number): void {
    for (let index = 0; index < count; index++) {
      const { handlers } = this.#addTraffic();
      this.domain.createEndpoint(address, {
        ...handlers,
        connect: (endpoint) => {
          this.#connectedCount++;
          void handlers.connect?.(endpoint);
          this.#quiet.changed();
        },
        disconnect: (endpoint, event) => {
          this.#connectedCount--;
          return handlers.disconnect?.(endpoint, event);
        },
      });
    }
  }

  /** With `visits` an address to which endpoints are made and destroyed all the time. */
  begin(visits?: string): void {
    this.#isBusy = true;
    for (const traffic of this.#traffics) traffic.start();
    if (visits !== undefined) this.#visitor = this.#visit(visits);
  }

  /** Resolves when nothing is outstanding, and `dialledCount` lasting endpoints are connected. */
  async rest(dialledCount: number): Promise<void> {
    this.#isBusy = false;
    for (const traffic of this.#traffics) traffic.stop();
    await this.#visitor;
    await this.#quiet.until(() => [...this.#traffics].every(({ isQuiet }) => isQuiet));
    await this.#quiet.until(() => this.#connectedCount === dialledCount);
  }

  #addTraffic(): Traffic {
    const traffic = new Traffic(createRandom(this.#random()), this.#quiet, this.tally);
    this.#traffics.add(traffic);
    if (this.#isBusy) traffic.start();
    return traffic;
  }

  /** One endpoint after the other: some are destroyed before they are connected. */
  async #visit(address: string): Promise<void> {
    while (this.#isBusy) {
      const traffic = this.#addTraffic();
      const endpoint = this.domain.createEndpoint(address, traffic.handlers);
      await pause(between(this.#random, 0, livesMsMax));
      await endpoint.destroy();
      this.tally.destroyed++;
      await this.#quiet.until(() => traffic.isQuiet);
      this.#traffics.delete(traffic);
      await pause(between(this.#random, 0, pauseMsMax));
    }
  }
}

/** How long an endpoint lives is the work itself. */
function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
