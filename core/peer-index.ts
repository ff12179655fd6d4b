/** PeerIndex: a domain's endpoints that have an epoch open, by the domain that they lead to. */
import type { EndpointCore } from './endpoint-core.js';

export class PeerIndex {
  readonly #byDomain = new Map<string, Set<EndpointCore>>();
  readonly #domainOf = new Map<EndpointCore, string>();

  get size(): number {
    return this.#domainOf.size;
  }

  /** Those that lead to the domain of that id, whatever its incarnation. */
  endpointsTo(domainId: string): readonly EndpointCore[] {
    return [...(this.#byDomain.get(domainId) ?? [])];
  }

  add(core: EndpointCore): void {
    const domainId = core.peer?.domainId;
    if (domainId === undefined) return;
    this.remove(core);
    this.#domainOf.set(core, domainId);
    const cores = this.#byDomain.get(domainId);
    if (cores === undefined) this.#byDomain.set(domainId, new Set([core]));
    else cores.add(core);
  }

  /** Idempotent. */
  remove(core: EndpointCore): void {
    const domainId = this.#domainOf.get(core);
    if (domainId === undefined) return;
    this.#domainOf.delete(core);
    const cores = this.#byDomain.get(domainId);
    cores?.delete(core);
    if (cores?.size === 0) this.#byDomain.delete(domainId);
  }
}
