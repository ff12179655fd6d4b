/**
 * Strangers: diallers with fresh ids, as many as a machine can bear. Each is no whole domain but a
 * session that shakes hands, is accepted and says no more: what the listener does for it is all
 * the same. They vanish when the network is severed.
 */
import { parseAddress, type Address } from '../../core/address.js';
import { toHex, noToken } from '../../core/greeting.js';
import { makeQuota } from '../../core/quota.js';
import { createRuntime, type Runtime } from '../../core/runtime.js';
import type { SessionOwner } from '../../core/session-owner.js';
import { Session } from '../../core/session.js';
import { TimerWheel } from '../../core/timer-wheel.js';
import type { Transport, TransportFactory } from '../../core/transport.js';
import { Quiet } from '../process/quiet.js';
import { crowdQuota } from './crowd.js';

const quota = makeQuota(crowdQuota);
const pollLimit = 256;
const redialMs = 20;

export class Strangers implements SessionOwner {
  readonly #runtime: Runtime = createRuntime();
  readonly #wheel = new TimerWheel(this.#runtime);
  readonly #quiet = new Quiet();
  readonly #transport: Transport;
  readonly #address: Address;
  /** Whose links are not closed yet. */
  readonly #sessions = new Set<Session>();
  readonly #confirmed = new WeakSet<Session>();
  #confirmedCount = 0;
  #isPollDue = false;

  constructor(factory: TransportFactory, address: string) {
    this.#address = parseAddress(address);
    this.#transport = factory.create({
      runtime: this.#runtime,
      wake: () => {
        this.#pollSoon();
      },
    });
  }

  /** Resolves when the listener has connected so many more. */
  async come(count: number): Promise<void> {
    const target = this.#confirmedCount + count;
    for (let index = 0; index < count; index++) this.#dial();
    await this.#quiet.until(() => this.#confirmedCount >= target);
  }

  /** Resolves when nothing of them is left here. */
  async gone(): Promise<void> {
    await this.#quiet.until(() => this.#sessions.size === 0);
  }

  sessionUp(session: Session): void {
    const { prng } = this.#runtime;
    const domainId = new Uint8Array(16);
    const incarnation = new Uint8Array(8);
    prng.fill(domainId);
    prng.fill(incarnation);
    session.sendHello({
      features: 0,
      domainId: toHex(domainId),
      incarnation: toHex(incarnation),
      token: noToken,
      quota,
      domainName: 'stranger',
      endpointName: '0',
      service: this.#address.service,
    });
    session.sendReady(0);
  }

  sessionGreeted(): void {
    // The listener's `Accept` follows: this side has nothing to drain.
  }

  sessionReady(): void {
    throw new Error('a dialler is not told that its peer is ready');
  }

  sessionAccepted(session: Session, epoch: number): void {
    if (!session.confirm(epoch)) throw new Error('an idle link takes a word');
    this.#confirmed.add(session);
    this.#confirmedCount++;
    this.#quiet.changed();
  }

  sessionConfirmed(): void {
    throw new Error('a dialler confirms, and is not confirmed');
  }

  sessionSummoned(): void {
    throw new Error('nobody asks for a channel');
  }

  /** Severed; or turned away in the crowd, then another one comes in its place. */
  sessionEnded(session: Session): void {
    if (this.#confirmed.has(session)) return;
    this.#runtime.scheduler.after(redialMs, () => {
      this.#dial();
    });
  }

  sessionClosed(session: Session): void {
    this.#sessions.delete(session);
    this.#quiet.changed();
  }

  #dial(): void {
    const { frameBytesMax } = this.#transport.capabilities;
    const session = new Session('dial', this, this.#wheel, frameBytesMax);
    this.#sessions.add(session);
    session.attach(this.#transport.open(this.#address, session, 'message'));
  }

  #pollSoon(): void {
    if (this.#isPollDue) return;
    this.#isPollDue = true;
    setImmediate(() => {
      this.#isPollDue = false;
      this.#transport.poll(pollLimit);
    });
  }
}
