/**
 * Two sessions with an open epoch over two fake links, for tests of initiator and responder.
 *
 * The test moves every frame itself, one at a time, and decides which claims are refused.
 */
import assert from 'node:assert/strict';
import type { Endpoint } from '../../core/endpoint.js';
import type { ErrorCode, Execution } from '../../core/errors.js';
import { Initiator } from '../../core/initiator.js';
import type { ReceivedMessage } from '../../core/message.js';
import { agreeQuota, makeQuota, type Quota } from '../../core/quota.js';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import { Responder } from '../../core/responder.js';
import type { SessionEnd } from '../../core/session-end.js';
import type { SessionOwner } from '../../core/session-owner.js';
import { Session } from '../../core/session.js';
import { TimerWheel } from '../../core/timer-wheel.js';
import { FakeLink } from './fake-link.js';
import { VirtualRuntime } from './virtual-runtime.js';

export interface Settled {
  readonly name: string;
  readonly code: ErrorCode;
  readonly execution: Execution;
  readonly status: string;
  readonly remoteCode: number;
}

const identity = { kind: 'unproven', name: '', origin: 'test' } as const;

/** One end: a session, its two halves, and a client that keeps what it is given. */
export class PairEnd implements SessionOwner {
  readonly link: FakeLink;
  readonly session: Session;
  readonly initiator: Initiator;
  readonly responder: Responder;
  readonly messages: ReceivedMessage[] = [];
  readonly transactions: ReceivedTransaction[] = [];
  readonly settled: Settled[] = [];
  end: SessionEnd | undefined = undefined;
  /** False: nobody listens. */
  isListening = true;
  drainedCount = 0;
  readonly #runtime: VirtualRuntime;
  #isEndTurnOwed = false;

  constructor(runtime: VirtualRuntime, quota: Quota, frameBytesMax: number) {
    this.#runtime = runtime;
    const wheel = new TimerWheel(runtime);
    const endTurnSoon = (): void => {
      this.#isEndTurnOwed = true;
    };
    this.initiator = new Initiator(
      { runtime, wheel, flushMs: 100, stampSoon: endTurnSoon },
      quota,
      frameBytesMax,
    );
    const responderHost = {
      client: {
        get endpoint(): Endpoint {
          return assert.fail('no endpoint here');
        },
      },
      deliverMessage: (message: ReceivedMessage) => {
        if (this.isListening) this.messages.push(message);
        return this.isListening;
      },
      deliverTransaction: (transaction: ReceivedTransaction) => {
        if (this.isListening) this.transactions.push(transaction);
        return this.isListening;
      },
      endTurnSoon,
      drained: () => {
        this.drainedCount++;
      },
    };
    this.responder = new Responder(responderHost, quota, frameBytesMax);
    this.link = new FakeLink(frameBytesMax);
    this.session = new Session('accept', this, wheel, frameBytesMax);
    this.session.attach(this.link);
  }

  open(agreed: Quota, epoch: number): void {
    this.session.linkUp(identity);
    this.session.open(epoch, agreed, this.initiator, this.responder, 1_000);
  }

  /** Ends the turn, if somebody asked for that. */
  endTurn(): void {
    if (!this.#isEndTurnOwed) return;
    this.#isEndTurnOwed = false;
    this.session.endTurn();
    this.initiator.transactions.stamp(this.#runtime.clock.now());
  }

  /** Submits a transaction whose end is recorded under `name`. */
  transact(name: string, parameters: Uint8Array, timeoutMs: number = Infinity): number {
    return this.initiator.transact(parameters, this.#record, name, timeoutMs);
  }

  namesSettled(): string[] {
    return this.settled.map(({ name, code, execution }) => `${name} ${code} ${execution}`);
  }

  /** As the endpoint does it: both halves learn that the epoch is over. */
  sessionEnded(_session: Session, end: SessionEnd): void {
    assert.equal(this.end, undefined, 'a session ends once');
    this.end = end;
    this.initiator.stop(-1);
    this.initiator.end(end.handledThrough);
    this.responder.end();
  }

  sessionUp(): void {
    // The epoch is opened by hand.
  }

  sessionGreeted(): void {
    assert.fail('no greeting here');
  }

  sessionReady(): void {
    assert.fail('no handshake here');
  }

  sessionAccepted(): void {
    assert.fail('no handshake here');
  }

  sessionConfirmed(): void {
    assert.fail('no handshake here');
  }

  sessionSummoned(): void {
    assert.fail('nobody asks for a channel');
  }

  sessionClosed(): void {
    assert.fail('a fake link does not close');
  }

  readonly #record = (
    name: string,
    code: ErrorCode,
    execution: Execution,
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
    remoteCode: number,
  ): void => {
    const status = Buffer.from(bytes.subarray(offset, offset + byteLength)).toString('latin1');
    this.settled.push({ name, code, execution, status, remoteCode });
  };
}

export class SessionPair {
  readonly runtime: VirtualRuntime = new VirtualRuntime();
  readonly quota: Quota;
  readonly near: PairEnd;
  readonly far: PairEnd;
  #deliveries = 0;

  constructor(quota: Partial<Quota>, frameBytesMax = 1024) {
    this.quota = makeQuota(quota);
    this.near = new PairEnd(this.runtime, this.quota, frameBytesMax);
    this.far = new PairEnd(this.runtime, this.quota, frameBytesMax);
    const agreed = agreeQuota(this.quota, this.quota);
    this.near.open(agreed, 1);
    this.far.open(agreed, 1);
  }

  /** Delivers the oldest frame of `from`; false if there is none. Buffers differ in alignment. */
  deliverOne(from: PairEnd): boolean {
    const frame = from.link.sent.shift();
    if (frame === undefined) return false;
    const offset = this.#deliveries++ % 5;
    const bytes = new Uint8Array(offset + frame.length + 3).fill(0xdd);
    bytes.set(frame, offset);
    const to = from === this.near ? this.far : this.near;
    to.session.frame(bytes, offset, frame.length);
    return true;
  }

  /** Gives a link room for `count` more frames, and says so if it was asked. */
  giveRoom(end: PairEnd, count: number): void {
    end.link.room = count;
    if (count <= 0 || !end.link.isWritableOwed) return;
    end.link.isWritableOwed = false;
    end.session.writable();
  }

  /** Delivers and ends turns until nothing moves. */
  settle(): void {
    for (let moved = true; moved;) {
      moved = this.deliverOne(this.near) || this.deliverOne(this.far);
      this.near.endTurn();
      this.far.endTurn();
      moved ||= this.near.link.sent.length + this.far.link.sent.length > 0;
    }
  }
}
