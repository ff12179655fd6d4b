/**
 * LaneEnd: one end of a bulk lane as the suite sees it, the guarded lane and the recording sink in
 * one. It holds the lane to the grammar of the contract at every call, in both directions.
 */
import {
  ClaimRefusal,
  type BulkLane,
  type Fault,
  type LaneBytes,
  type LaneSink,
  type PeerIdentity,
} from '../../core/contract.js';
import type { Monitor } from './monitor.js';

const nothing = (): void => undefined;

/** A body that has landed. */
export interface Landed {
  readonly header: Uint8Array;
  /** What the target held at that time: copies of its parts, joined. */
  readonly bytes: Uint8Array;
}

export function joined(bytes: LaneBytes): Uint8Array {
  return new Uint8Array(Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes));
}

export class LaneEnd implements LaneSink {
  /** In order, unless `onLanded` was replaced. */
  readonly landings: Landed[] = [];
  /** How many bodies were announced; how many of their targets were refused. */
  targetCount = 0;
  refusedCount = 0;
  landedCount = 0;
  sentCount = 0;
  writableCount = 0;
  closedCount = 0;
  identity: PeerIdentity | undefined = undefined;
  fault: Fault | undefined = undefined;
  isCloseCalled = false;

  /** What the client of the lane does when asked or told; tests replace these. */
  onTarget: LaneSink['target'] = (_, byteLength) => new Uint8Array(byteLength);
  onProceed: LaneSink['proceed'] = () => true;
  onLanded: (landed: Landed) => void = (landed) => void this.landings.push(landed);
  onSent: (header: Uint8Array) => void = nothing;
  onUp: () => void = nothing;
  onDown: () => void = nothing;
  onWritable: () => void = nothing;

  readonly #name: string;
  readonly #monitor: Monitor;
  #lane: BulkLane | undefined = undefined;
  /** Headers of the bodies that are not `sent`, in the order of `send`. */
  readonly #unsent: Uint8Array[] = [];
  /** The body that arrives: its header, and its target if it has one that may be written to. */
  #header: Uint8Array | undefined = undefined;
  #target: LaneBytes | undefined = undefined;
  #isWritableDue = false;

  constructor(name: string, monitor: Monitor) {
    this.#name = name;
    this.#monitor = monitor;
  }

  get isUp(): boolean {
    return this.identity !== undefined && this.fault === undefined;
  }

  get isClosed(): boolean {
    return this.closedCount > 0;
  }

  get isWritableDue(): boolean {
    return this.#isWritableDue;
  }

  get unsentCount(): number {
    return this.#unsent.length;
  }

  attach(lane: BulkLane): void {
    this.#lane = lane;
  }

  send(header: Uint8Array, source: LaneBytes, isLong = false): number {
    const lane = this.#attached();
    const answer = this.#monitor.call('send', () => lane.send(header, source, isLong));
    const mayBeTaken = this.isUp && !this.isCloseCalled;
    this.#expect(mayBeTaken || answer === ClaimRefusal.Down, 'N6 a lane not up answers Down');
    if (answer === 0) this.#unsent.push(header.slice());
    if (answer === ClaimRefusal.BackPressured) this.#isWritableDue = true;
    return answer;
  }

  close(): void {
    this.isCloseCalled = true;
    this.#isWritableDue = false;
    this.#monitor.call('close', () => {
      this.#attached().close();
    });
  }

  linkUp(identity: PeerIdentity): void {
    this.#told('linkUp', () => {
      this.#expect(this.identity === undefined, 'N2 a lane comes up once');
      this.#expect(this.fault === undefined, 'N2 no linkUp after linkDown');
      this.#expect(!this.isCloseCalled, 'N2 no linkUp after close');
      this.identity = identity;
      this.onUp();
    });
  }

  linkDown(fault: Fault): void {
    this.#told('linkDown', () => {
      this.#expect(this.fault === undefined, 'N2 one linkDown');
      this.fault = fault;
      this.#isWritableDue = false;
      this.onDown();
    });
  }

  target(header: Uint8Array, byteLength: number): LaneBytes | undefined {
    let target: LaneBytes | undefined;
    this.#told('target', () => {
      this.#expectLive('target');
      this.#expect(byteLength >= 0, 'N3 a body has a length');
      this.targetCount += 1;
      this.#header = header.slice();
      target = this.onTarget(header, byteLength);
      this.#target = target;
      if (target === undefined) this.refusedCount += 1;
    });
    return target;
  }

  proceed(header: Uint8Array): boolean {
    let answer = false;
    this.#told('proceed', () => {
      this.#expectLive('proceed');
      this.#expect(this.#target !== undefined, 'N7 no proceed without a target');
      this.#expectHeader(header);
      answer = this.onProceed(header);
      if (!answer) this.#target = undefined;
    });
    return answer;
  }

  landed(header: Uint8Array): void {
    this.#told('landed', () => {
      this.#expectLive('landed');
      this.#expectHeader(header);
      const target = this.#target;
      this.#expect(target !== undefined, 'N7 no landed without a target');
      this.#target = undefined;
      this.landedCount += 1;
      this.onLanded({ header: header.slice(), bytes: joined(target ?? []) });
    });
  }

  sent(header: Uint8Array): void {
    this.#told('sent', () => {
      this.#expectLive('sent');
      const expected = this.#unsent.shift();
      const isNext = expected !== undefined && Buffer.compare(expected, header) === 0;
      this.#expect(isNext, 'N4 sent comes in the order of send');
      this.sentCount += 1;
      this.onSent(header);
      if (expected !== undefined) {
        const isKept = Buffer.compare(expected, header) === 0;
        this.#expect(isKept, 'the header of sent is valid during the call');
      }
    });
  }

  writable(): void {
    this.#told('writable', () => {
      this.#expectLive('writable');
      this.#expect(this.#isWritableDue, 'N6 one writable for a refused send');
      this.writableCount += 1;
      this.#isWritableDue = false;
      this.onWritable();
    });
  }

  closed(): void {
    this.#told('closed', () => {
      this.#expect(this.isCloseCalled, 'N9 no closed before close');
      this.#expect(this.fault !== undefined, 'N9 linkDown comes before closed');
      this.closedCount += 1;
    });
  }

  #told(event: string, body: () => void): void {
    this.#expect(!this.isClosed, `N9 silence after closed, but ${event}`);
    this.#monitor.told(this.#name, event, body);
  }

  #expectLive(event: string): void {
    this.#expect(this.isUp, `N2 ${event} comes between linkUp and linkDown`);
    this.#expect(!this.isCloseCalled, `N9 no ${event} after close`);
  }

  #expectHeader(header: Uint8Array): void {
    const isSame = this.#header !== undefined && Buffer.compare(this.#header, header) === 0;
    this.#expect(isSame, 'a header stays the same while its body arrives');
  }

  #expect(holds: boolean, law: string): void {
    if (!holds) this.#monitor.expect(false, `${law} (${this.#name})`);
  }

  #attached(): BulkLane {
    if (this.#lane === undefined) throw new Error(`${this.#name}: no lane yet`);
    return this.#lane;
  }
}
