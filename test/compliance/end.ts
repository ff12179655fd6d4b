/**
 * End: one end of a link as the suite sees it, the guarded link and the recording sink in one.
 *
 * It holds the link to the grammar of the contract at every call, in both directions:
 * linkUp, (frame | writable)*, linkDown, closed, and nothing after.
 */
import {
  ClaimRefusal,
  type Fault,
  type Link,
  type LinkSink,
  type PeerIdentity,
} from '../../core/contract.js';
import type { Monitor } from './monitor.js';

const nothing = (): void => undefined;

/** A plain copy, whatever kind of Uint8Array the transport hands out: `Buffer.slice` is a view. */
export function copyBytes(bytes: Uint8Array, offset: number, byteLength: number): Uint8Array {
  return new Uint8Array(bytes.subarray(offset, offset + byteLength));
}

export class End implements LinkSink {
  isBulk = false;
  /** Private copies of the frames, in order, unless `onFrame` was replaced. */
  readonly frames: Uint8Array[] = [];
  identity: PeerIdentity | undefined = undefined;
  fault: Fault | undefined = undefined;
  frameCount = 0;
  writableCount = 0;
  closedCount = 0;
  isCloseCalled = false;

  /** What the client of the link does when told; tests replace these. */
  onUp: () => void = nothing;
  onDown: () => void = nothing;
  onWritable: () => void = nothing;
  onFrame: LinkSink['frame'] = (bytes, offset, byteLength) => {
    this.frames.push(copyBytes(bytes, offset, byteLength));
  };

  readonly #name: string;
  readonly #monitor: Monitor;
  #link: Link | undefined = undefined;
  #claimBytes: Uint8Array | undefined = undefined;
  /** A claim was refused, and neither `writable` nor `linkDown` was told since. */
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

  get claimBytes(): Uint8Array {
    return this.#attached().claimBytes;
  }

  attach(link: Link): void {
    this.#link = link;
    this.#claimBytes = link.claimBytes;
  }

  claim(byteLength: number): number {
    const link = this.#attached();
    const answer = this.#monitor.call('claim', () => link.claim(byteLength));
    this.#expect(link.claimBytes === this.#claimBytes, 'L6 claimBytes is one array for life');
    if (answer >= 0) {
      this.#expect(answer % 4 === 0, `L6 the offset ${String(answer)} is a multiple of 4`);
      this.#expect(answer + byteLength <= link.claimBytes.length, 'L6 a claim is in claimBytes');
    }
    const mayBeOpen = this.isUp && !this.isCloseCalled;
    this.#expect(mayBeOpen || answer === ClaimRefusal.Down, 'L6 a link not up answers Down');
    if (answer === ClaimRefusal.BackPressured) this.#isWritableDue = true;
    return answer;
  }

  commit(): void {
    this.#monitor.call('commit', () => {
      this.#attached().commit();
    });
  }

  abort(): void {
    this.#monitor.call('abort', () => {
      this.#attached().abort();
    });
  }

  close(): void {
    this.isCloseCalled = true;
    this.#isWritableDue = false;
    this.#monitor.call('close', () => {
      this.#attached().close();
    });
  }

  /** Claims, copies and commits; false if the claim was refused. */
  send(frame: Uint8Array): boolean {
    const offset = this.claim(frame.length);
    if (offset < 0) return false;
    this.claimBytes.set(frame, offset);
    this.commit();
    return true;
  }

  /**
   * Sends frames until one is refused, at most `countMax`; answers how many were taken. A medium
   * need not hold more than one frame, so no test may rely on more.
   */
  sendUpTo(countMax: number, makeFrame: (index: number) => Uint8Array): number {
    let count = 0;
    while (count < countMax && this.send(makeFrame(count))) count += 1;
    return count;
  }

  linkUp(identity: PeerIdentity): void {
    this.#told('linkUp', () => {
      this.#expect(this.identity === undefined, 'L2 a link comes up once');
      this.#expect(this.fault === undefined, 'L2 no linkUp after linkDown');
      this.#expect(!this.isCloseCalled, 'L8 no linkUp after close');
      this.identity = identity;
      this.onUp();
    });
  }

  linkDown(fault: Fault): void {
    this.#told('linkDown', () => {
      this.#expect(this.fault === undefined, 'L2 one linkDown');
      this.fault = fault;
      this.#isWritableDue = false;
      this.onDown();
    });
  }

  frame(bytes: Uint8Array, offset: number, byteLength: number): void {
    this.#told('frame', () => {
      this.#expect(this.isUp, 'L3 frames come between linkUp and linkDown');
      this.#expect(!this.isCloseCalled, 'L8 no frame after close');
      this.#expect(byteLength > 0 && offset >= 0, 'L3 a frame has bytes');
      this.#expect(offset + byteLength <= bytes.length, 'L3 a frame lies in its array');
      this.frameCount += 1;
      this.onFrame(bytes, offset, byteLength);
    });
  }

  writable(): void {
    this.#told('writable', () => {
      this.#expect(this.isUp && !this.isCloseCalled, 'L8 no writable unless the link is up');
      this.#expect(this.#isWritableDue, 'L6 one writable for a refused claim');
      this.writableCount += 1;
      this.#isWritableDue = false;
      this.onWritable();
    });
  }

  closed(): void {
    this.#told('closed', () => {
      this.#expect(this.isCloseCalled, 'L8 no closed before close');
      this.#expect(!this.isUp, 'L8 linkDown comes before closed');
      this.closedCount += 1;
    });
  }

  #told(event: string, body: () => void): void {
    this.#expect(!this.isClosed, `L8 silence after closed, but ${event}`);
    this.#monitor.told(this.#name, event, body);
  }

  #expect(holds: boolean, law: string): void {
    if (!holds) this.#monitor.expect(false, `${law} (${this.#name})`);
  }

  #attached(): Link {
    if (this.#link === undefined) throw new Error(`${this.#name}: no link yet`);
    return this.#link;
  }
}
