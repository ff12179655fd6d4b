/**
 * RingListener: one name, at which diallers arrive; with each of them a rendezvous is held, and who
 * comes out of it becomes a link.
 *
 * Whom the policy does not let in, by the kernel's word about its user, is turned away before
 * anything is read of it.
 */
import type { Address } from '../../core/address.js';
import type { Timer } from '../../core/runtime.js';
import { Fault, type Accept, type TransportListener } from '../../core/transport.js';
import type { LinkGroup, Visitable } from './link-group.js';
import type { Doorway } from './medium.js';
import { Rendezvous, type Encounter } from './rendezvous.js';
import { identityOf, nameOf } from './ring-name.js';
import { RingLink } from './ring-link.js';
import type { Wire } from './wire.js';

/** Diallers that are let in at one visit. */
const acceptedPerVisit = 64;
/** Rendezvous of one transport at a time. Who comes then is turned away. */
const pendingMax = 1024;
/** After no descriptor was left for a dialler. */
const retryMs = 100;

export class RingListener implements TransportListener, Visitable {
  readonly #group: LinkGroup;
  readonly #address: Address;
  readonly #accept: Accept;
  readonly #pending = new Set<Rendezvous>();
  #door: Doorway | undefined = undefined;
  #isKnocked = false;
  #isClosed = false;
  #retry: Timer | undefined = undefined;

  constructor(group: LinkGroup, address: Address, accept: Accept) {
    this.#group = group;
    this.#address = address;
    this.#accept = accept;
    const name = nameOf(address);
    const knock = (): void => this.#knock();
    const door = name === undefined ? Fault.Unsupported : group.medium.listen(name, knock);
    if (typeof door === 'string') {
      group.tellSoon(() => this.#fail(door));
      return;
    }
    this.#door = door;
    group.addDoor(this);
    group.tellSoon(() => this.#begin());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#release();
    this.#group.tellSoon(() => {
      this.#accept.closed();
    });
  }

  visit(): void {
    this.#isKnocked = false;
    for (let count = 0; count < acceptedPerVisit; count++) {
      const door = this.#door;
      if (door?.isBroken === true) this.#fail(Fault.AddressInUse);
      const wire = this.#door?.accept();
      if (wire === undefined) return;
      if (typeof wire === 'string') {
        this.#retry ??= this.#group.runtime.scheduler.after(retryMs, () => {
          this.#retry = undefined;
          this.#knock();
        });
        return;
      }
      this.#admit(wire);
    }
    this.#knock();
  }

  /** A door that broke at once was never open. */
  #begin(): void {
    if (this.#isClosed || this.#door === undefined) return;
    if (this.#door.isBroken) this.#fail(Fault.AddressInUse);
    else this.#accept.listening(this.#address);
  }

  #fail(fault: Fault): void {
    if (this.#isClosed) return;
    this.#release();
    this.#accept.failed(fault);
  }

  #knock(): void {
    if (this.#isKnocked || this.#door === undefined) return;
    this.#isKnocked = true;
    this.#group.tellSoon(() => {
      this.visit();
    });
  }

  #admit(wire: Wire): void {
    const { settings, medium, pendingCount } = this.#group;
    const { credentials } = wire;
    const isWelcome = credentials === undefined || settings.mayConnect(credentials.uid);
    if (!isWelcome || pendingCount >= pendingMax) {
      wire.close();
      return;
    }
    const { ringBytes } = settings;
    const rendezvous = new Rendezvous(medium, wire, ringBytes, undefined, (result) => {
      this.#pending.delete(rendezvous);
      if (typeof result !== 'string') this.#welcome(result);
    });
    this.#pending.add(rendezvous);
    this.#group.pursue(rendezvous, () => this.#pending.delete(rendezvous));
  }

  #welcome({ wire, own, memory }: Encounter): void {
    const link = new RingLink(this.#group, own.memory);
    link.join({ wire, memory, identity: identityOf(this.#address, wire.credentials) });
    link.attach(this.#accept.accept(link));
  }

  #release(): void {
    this.#retry?.cancel();
    this.#door?.close();
    this.#door = undefined;
    this.#group.removeDoor(this);
    for (const rendezvous of this.#pending) this.#group.drop(rendezvous);
    this.#pending.clear();
  }
}
