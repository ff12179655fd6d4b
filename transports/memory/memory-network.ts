/**
 * MemoryNetwork: the medium by which the domains of one thread meet, by name.
 *
 * It is an object that somebody makes and hands to each domain, not a registry of the module:
 * two networks know nothing of each other, and one goes away with its last user.
 */
import { Fault } from '../../core/transport.js';
import type { MemoryLink } from './memory-link.js';
import type { MemoryListener } from './memory-listener.js';

export class MemoryNetwork {
  readonly #listeners = new Map<string, MemoryListener>();
  /** The dialling end of every link that is not closed; the other end is found through it. */
  readonly #diallers = new Set<MemoryLink>();

  /**
   * Cuts every link to the listening name `name`, or every link: both ends get
   * `linkDown('reset')`, and frames that were not delivered are lost. Listeners stay.
   */
  sever(name?: string): void {
    for (const dialler of this.#diallers) {
      if (name === undefined || dialler.name === name) dialler.cut(Fault.Reset);
    }
  }

  /** False if the name is taken. @internal */
  bind(listener: MemoryListener): boolean {
    if (this.#listeners.has(listener.name)) return false;
    this.#listeners.set(listener.name, listener);
    return true;
  }

  /** Frees the listener's name, if it is its. @internal */
  unbind(listener: MemoryListener): void {
    if (this.#listeners.get(listener.name) === listener) this.#listeners.delete(listener.name);
  }

  /** Sends the dialler to the listener of its name. @internal */
  dial(dialler: MemoryLink): void {
    this.#diallers.add(dialler);
    const listener = this.#listeners.get(dialler.name);
    if (listener === undefined) dialler.cut(Fault.Refused);
    else listener.ring(dialler);
  }

  /** Lets a closed dialler go. @internal */
  forget(dialler: MemoryLink): void {
    this.#diallers.delete(dialler);
    this.#listeners.get(dialler.name)?.withdraw(dialler);
  }
}
