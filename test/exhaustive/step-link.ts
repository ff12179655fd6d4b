/**
 * StepLink: one end of a link on which nothing happens by itself. Every delivery, every notice of a
 * loss and every acceptance is a choice of the explorer.
 *
 * A severed link needs no choice of its own: frames that are lost are frames that were not
 * delivered before `lose` told their receiver. As that may come after any of them, every suffix is
 * lost in some run, in each direction by itself.
 */
import {
  assert,
  ClaimRefusal,
  Fault,
  type Link,
  type LinkSink,
  type PeerIdentity,
  type Runtime,
} from '../../core/contract.js';

/** The two ends of a link, and the two domains. */
export const Side = { Dialler: 0, Listener: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

export const frameBytesMax = 1024;
/** What a frame's bytes are overwritten with once they are nobody's business any more (law L4). */
const poison = 0xee;

/**
 * Room for the one frame that is being written and the one that is being read. All links of a world
 * share it, and one world after the other: memory for each would cost more than all the rest.
 */
export class FrameRoom {
  readonly claimBytes: Uint8Array = new Uint8Array(frameBytesMax);
  readonly landing: Uint8Array = new Uint8Array(frameBytesMax);
  /** Length of the one claim that is open; 0 if none is. */
  claimedBytes = 0;
}

type WireItem = Uint8Array | 'accepted' | 'finished';
type State = 'dialling' | 'up' | 'down' | 'closed';

export class StepLink implements Link {
  readonly claimBytes: Uint8Array;
  readonly #room: FrameRoom;
  readonly #runtime: Runtime;
  readonly #onDiscarded: (frameCount: number) => void;
  readonly #incoming: WireItem[] = [];
  #sink: LinkSink | undefined = undefined;
  #peer: StepLink | undefined = undefined;
  #state: State;
  #isDownTold = false;
  #isClosedTold = false;
  #isReset = false;

  constructor(
    room: FrameRoom,
    runtime: Runtime,
    side: Side,
    onDiscarded: (frameCount: number) => void,
  ) {
    this.claimBytes = room.claimBytes;
    this.#room = room;
    this.#runtime = runtime;
    this.#state = side === Side.Dialler ? 'dialling' : 'up';
    this.#onDiscarded = onDiscarded;
  }

  get isDialling(): boolean {
    return this.#state === 'dialling';
  }

  /** It may still be told something. */
  get isOpen(): boolean {
    return this.#state === 'dialling' || this.#state === 'up';
  }

  get isClosed(): boolean {
    return this.#isClosedTold;
  }

  /** It was told of a loss, or its domain died: it says nothing more, and no last word either. */
  get isReset(): boolean {
    return this.#isReset;
  }

  /** The other end cannot be reached any more. */
  get isPeerLost(): boolean {
    return this.#peer?.isReset === true;
  }

  /** What the next delivery brings; undefined if nothing is on its way. */
  get nextItem(): WireItem | undefined {
    return this.isOpen ? this.#incoming[0] : undefined;
  }

  attach(sink: LinkSink): void {
    this.#sink = sink;
  }

  /** Joins the accepting end to its dialler, which learns of it when the explorer chooses. */
  join(dialler: StepLink): void {
    this.#peer = dialler;
    dialler.#peer = this;
    this.#send('accepted');
  }

  claim(byteLength: number): number {
    assert(byteLength > 0 && this.#room.claimedBytes === 0, 'one claim at a time');
    if (this.#state !== 'up') return ClaimRefusal.Down;
    if (byteLength > frameBytesMax) return ClaimRefusal.TooLarge;
    this.#room.claimedBytes = byteLength;
    return 0;
  }

  commit(): void {
    assert(this.#room.claimedBytes > 0, 'commit without a claim', 'BAD_ARGUMENT');
    this.#send(this.claimBytes.slice(0, this.#room.claimedBytes));
    this.#forgetClaim();
  }

  abort(): void {
    assert(this.#room.claimedBytes > 0, 'abort without a claim', 'BAD_ARGUMENT');
    this.#forgetClaim();
  }

  close(): void {
    if (this.#state === 'closed') return;
    if (this.isOpen) this.#send('finished');
    this.#state = 'closed';
    this.#discard();
    this.#runtime.scheduler.soon(() => {
      this.#tellDown(Fault.Closed);
      this.#isClosedTold = true;
      this.#sink?.closed();
    });
  }

  /** The listener's domain was told of the link and answered its sink. */
  rise(identity: PeerIdentity): void {
    this.#sink?.linkUp(identity);
  }

  /** Delivers the next item. */
  deliver(identity: PeerIdentity): void {
    const item = this.#incoming.shift();
    assert(item !== undefined && this.isOpen, 'something to deliver');
    if (item === 'accepted') {
      this.#state = 'up';
      this.#sink?.linkUp(identity);
    } else if (item === 'finished') {
      this.#state = 'down';
      this.#tellDown(Fault.Closed);
    } else {
      this.#room.landing.set(item);
      this.#sink?.frame(this.#room.landing, 0, item.length);
      this.#room.landing.fill(poison, 0, item.length);
    }
  }

  /** This end learns that the link is lost, and what was still on its way to it is. */
  lose(fault: Fault): void {
    this.#isReset = true;
    this.#state = 'down';
    this.#discard();
    this.#tellDown(fault);
  }

  /** The domain of this end died: nobody is told anything here any more. */
  die(): void {
    if (this.#state !== 'closed') this.#isReset = true;
    this.#state = 'closed';
    this.#isClosedTold = true;
    this.#incoming.length = 0;
  }

  #send(item: WireItem): void {
    const peer = this.#peer;
    if (peer?.isOpen === true) peer.#incoming.push(item);
  }

  #tellDown(fault: Fault): void {
    if (this.#isDownTold) return;
    this.#isDownTold = true;
    this.#sink?.linkDown(fault);
  }

  #discard(): void {
    const frames = this.#incoming.filter((item) => typeof item !== 'string');
    this.#incoming.length = 0;
    if (frames.length > 0) this.#onDiscarded(frames.length);
  }

  #forgetClaim(): void {
    this.claimBytes.fill(poison, 0, this.#room.claimedBytes);
    this.#room.claimedBytes = 0;
  }
}
