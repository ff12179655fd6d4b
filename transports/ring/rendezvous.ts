/**
 * Rendezvous: two strangers on a wire become the ends of a link, or part.
 *
 *     introduction ->    <- introduction     what memory each side owns
 *     ready | pass ->    <- ready | pass     it could be opened, or has to be passed
 *                  passed + memory           only to who asked
 *     ready ->                               then both may use the rings
 *
 * It is asked to go on by `step`, which never blocks, and does not know what time it is: its owner
 * gives up on those that take too long. A listener's side makes its memory only for a peer that
 * introduced itself and whom the policy lets in: a stranger costs a wire and these few bytes.
 */
import { assert, unreachable } from '../../core/assert.js';
import { Fault } from '../../core/transport.js';
import { decodeIntroduction, encodeIntroduction, introductionBytes } from './introduction.js';
import type { Introduction } from './introduction.js';
import { Word, type Exchange, type Medium, type Presentation } from './medium.js';
import { tokenBytes, type PeerMemory } from './region.js';
import { WireRefusal, type Wire } from './wire.js';

/** In the order of a rendezvous. */
const Stage = {
  /** The peer's introduction is awaited. */
  Greeting: 0,
  /** Words are exchanged. */
  Showing: 1,
  Over: 2,
} as const;
type Stage = (typeof Stage)[keyof typeof Stage];

/** Both memories are in view. */
export interface Encounter {
  readonly wire: Wire;
  readonly own: Presentation;
  readonly memory: PeerMemory;
}

export class Rendezvous {
  readonly #medium: Medium;
  readonly #wire: Wire;
  readonly #ringBytes: number;
  readonly #done: (result: Encounter | Fault) => void;
  readonly #heard: Uint8Array = new Uint8Array(introductionBytes);
  #heardBytes = 0;
  #stage: Stage = Stage.Greeting;
  #own: Presentation | undefined;
  readonly #isOwnLent: boolean;
  #exchange: Exchange | undefined = undefined;
  #peer: Introduction | undefined = undefined;
  #memory: PeerMemory | undefined = undefined;
  /** Each word has its place and comes once: who repeats it would keep us listening for ever. */
  #isSeen = false;
  #isPassed = false;

  /**
   * Owns `wire`. `own` is lent by a dialler, whose link already has it; a listener's is made later.
   * `done` is called once, from `step`; never after `cancel`. After a fault nothing is held.
   */
  constructor(
    medium: Medium,
    wire: Wire,
    ringBytes: number,
    own: Presentation | undefined,
    done: (result: Encounter | Fault) => void,
  ) {
    this.#medium = medium;
    this.#wire = wire;
    this.#ringBytes = ringBytes;
    this.#own = own;
    this.#isOwnLent = own !== undefined;
    this.#done = done;
  }

  /** True once `done` was called, or `cancel`. */
  get isOver(): boolean {
    return this.#stage === Stage.Over;
  }

  /** Goes on as far as it can; answers whether anything happened. */
  step(): boolean {
    let isProgress = this.#introduce();
    while (this.#stage !== Stage.Over && this.#advance()) isProgress = true;
    return isProgress;
  }

  /** Idempotent. */
  cancel(): void {
    if (this.#stage === Stage.Over) return;
    this.#stage = Stage.Over;
    this.#wire.close();
    this.#memory?.release();
    if (!this.#isOwnLent) this.#own?.memory.release();
  }

  /** A dialler speaks first. */
  #introduce(): boolean {
    const own = this.#own;
    if (own === undefined || this.#exchange !== undefined) return false;
    this.#exchange = this.#medium.exchange(this.#wire, own);
    // Nobody is there any more to be introduced to.
    if (!this.#wire.send(encodeIntroduction(own.introduction))) this.#fail(Fault.Refused);
    return true;
  }

  #advance(): boolean {
    switch (this.#stage) {
      case Stage.Greeting:
        return this.#hearIntroduction();
      case Stage.Showing:
        return this.#hearWord();
      case Stage.Over:
        return false;
      default:
        return unreachable(this.#stage);
    }
  }

  #hearIntroduction(): boolean {
    const count = this.#wire.receive(this.#heard.subarray(this.#heardBytes));
    if (count === WireRefusal.Nothing) return false;
    if (count === WireRefusal.Ended) return this.#fail(Fault.Refused);
    this.#heardBytes += count;
    if (this.#heardBytes < introductionBytes) return true;
    const peer = decodeIntroduction(this.#heard);
    if (peer === undefined) return this.#fail(Fault.Corrupt);
    if (peer.kind !== this.#medium.kind) return this.#differ();
    return this.#meet(peer);
  }

  /** A dialler is told what kind is used here, so that it fails as unsupported, not as refused. */
  #differ(): boolean {
    const { kind } = this.#medium;
    const token = new Uint8Array(tokenBytes);
    const nothing = { kind, token, descriptor: 0, pid: 0, ringBytes: 0, byteLength: 0 };
    if (this.#own === undefined) this.#wire.send(encodeIntroduction(nothing));
    return this.#fail(Fault.Unsupported);
  }

  #meet(peer: Introduction): boolean {
    this.#peer = peer;
    if (this.#own === undefined) {
      const own = this.#medium.present(this.#ringBytes);
      if (typeof own === 'string') return this.#fail(own);
      this.#own = own;
      this.#introduce();
    }
    if (this.isOver) return true;
    this.#stage = Stage.Showing;
    return this.#look(this.#exchange?.open(peer));
  }

  #hearWord(): boolean {
    const exchange = this.#exchange;
    const peer = this.#peer;
    assert(exchange !== undefined && peer !== undefined, 'words follow introductions');
    const word = exchange.hear();
    switch (word) {
      case WireRefusal.Nothing:
        return false;
      case WireRefusal.Ended:
        return this.#fail(Fault.Reset);
      case Word.Ready:
        if (this.#isSeen) return this.#fail(Fault.Corrupt);
        this.#own?.shown();
        this.#isSeen = true;
        return this.#finish();
      case Word.Pass:
        if (this.#isSeen || this.#isPassed) return this.#fail(Fault.Corrupt);
        this.#isPassed = true;
        return exchange.say(Word.Passed) || this.#fail(Fault.Reset);
      case Word.Passed:
        return this.#takePassed(exchange.take(peer));
      default:
        return this.#fail(Fault.Corrupt);
    }
  }

  /** What comes unasked, or a second time, no legal peer passes; nothing of it may remain. */
  #takePassed(passed: PeerMemory | Fault): boolean {
    if (this.#memory === undefined) return this.#look(passed);
    if (typeof passed !== 'string') passed.release();
    return this.#fail(Fault.Corrupt);
  }

  /** The peer's memory is in view, has to be asked for, or is refused. */
  #look(memory: PeerMemory | Fault | undefined): boolean {
    if (typeof memory === 'string') return this.#fail(memory);
    this.#memory = memory;
    const isSaid = this.#exchange?.say(memory === undefined ? Word.Pass : Word.Ready) === true;
    return isSaid ? this.#finish() : this.#fail(Fault.Reset);
  }

  #finish(): boolean {
    const memory = this.#memory;
    const own = this.#own;
    if (memory === undefined || own === undefined || !this.#isSeen) return true;
    this.#stage = Stage.Over;
    this.#done({ wire: this.#wire, own, memory });
    return true;
  }

  #fail(fault: Fault): true {
    if (this.isOver) return true;
    this.cancel();
    this.#done(fault);
    return true;
  }
}
