/**
 * Listener: one service that a domain offers, as its owner sees it. Every remote endpoint that
 * connects gets a local endpoint of its own.
 */
import type { DestroyOptions, ListenerEvent } from './api.js';
import type { Endpoint } from './endpoint.js';
import type { ListenerCore } from './listener-core.js';
import type { Observable } from './observables.js';

export class Listener {
  readonly #core: ListenerCore;

  /** @internal Listeners are made by `Domain.listen`. */
  constructor(core: ListenerCore) {
    this.#core = core;
  }

  /** As asked for; once bound, with the real port or name. */
  get address(): string {
    return this.#core.address;
  }

  /** Resolves with the real address, or rejects with the first cause; trying goes on. */
  get ready(): Promise<string> {
    return this.#core.ready;
  }

  /** The local endpoints that are not destroyed. */
  get endpoints(): readonly Endpoint[] {
    return this.#core.endpoints;
  }

  get lifecycle$(): Observable<ListenerEvent> {
    return this.#core.lifecycle$;
  }

  /** Destroys its endpoints, as `Endpoint.destroy` does, and resolves when nothing is left. */
  close(options: DestroyOptions = {}): Promise<void> {
    return this.#core.close(options);
  }
}
