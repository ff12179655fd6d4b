/**
 * Holder: hammers a region that it was lent, flat out, whether or not it may.
 *
 * It leaves its loop for messages alone. A hostile one writes its part and the common one with
 * plain stores, and reads all of the buffer for words that it must never see. It brackets that by
 * `enter` and `leave` like an honest one, so that the owner's test can tell that it was stopped or
 * killed in the middle of an access; but whatever these answer, it goes on.
 */
import assert from 'node:assert/strict';

import { createRuntime, type BufferAccess, type Prng } from '../../core/contract.js';
import type { MappedRegion } from '../../core/shared-memory.js';
import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import { mapRegion } from '../../transports/ring/mapped-region.js';
import type { RegionHost } from '../../transports/ring/region-memory.js';
import { decodeDescription } from '../../transports/ring/region-description.js';
import { tallyWords } from '../../transports/ring/region-layout.js';
import type { OwnRegion } from '../../transports/ring/shared-region.js';
import { requireNative } from '../unit/ring-memory-rig.js';
import { identityOf, makeRegion } from '../unit/ring-region-rig.js';
import { lentByte, type HolderOptions, type Offer, type Order, type Report } from './orders.js';
import { commonPart, isWordOf, makeWord, partsOf, Tag, tagOf } from './words.js';

/** Between two looks for messages. */
const turnMs = 0.5;
const writesPerPass = 8;
const punchesPerTurn = 20;

export class Holder {
  readonly #options: HolderOptions;
  readonly #say: (report: Report) => void;
  readonly #native = requireNative();
  readonly #host: RegionHost;
  readonly #lent: OwnRegion[] = [];
  #offer: Offer | undefined = undefined;
  #held: MappedRegion | undefined = undefined;
  #parts: Int32Array[] = [];
  #punched = -1;
  #isTurning = false;
  /** Passes after which the order 'pass' is answered; Infinity if none is to be. */
  #answerAt = Infinity;
  #number = 0;
  #passes = 0;
  #secrets = 0;
  #broken = 0;
  #landed = 0;
  #refused = 0;

  constructor(options: HolderOptions, say: (report: Report) => void) {
    this.#options = options;
    this.#say = say;
    const runtime = createRuntime();
    // The place in the tally is chosen by chance; here it says who counts there.
    const prng: Prng = {
      fill: (target) => runtime.prng.fill(target),
      fraction: () => options.id / tallyWords,
    };
    const native = this.#native;
    this.#host = { native, ranges: new MappedRanges(native, 8), runtime: { ...runtime, prng } };
  }

  hear(order: Order): void {
    switch (order.order) {
      case 'hold':
        this.#answer(this.#hold(order.offer));
        return;
      case 'pass':
        this.#answerAt = this.#passes + order.count;
        return;
      case 'lend':
        this.#lend(order.byteLength, order.access);
        return;
      case 'free':
        this.#free();
        this.#answer('freed');
        return;
      case 'become':
        process.setgroups?.([]);
        process.setgid?.(order.user);
        process.setuid?.(order.user);
        this.#answer('became');
        return;
      case 'scribble':
        this.#parts[0]?.fill(-1);
        this.#answer('survived');
        return;
      case 'punch':
        this.#answer(this.#openToPunch());
        return;
    }
  }

  #answer(outcome: string, offer?: Offer): void {
    const [passes, secrets, broken] = [this.#passes, this.#secrets, this.#broken];
    const [landed, refused] = [this.#landed, this.#refused];
    const report = { outcome, passes, secrets, broken, landed, refused };
    this.#say(offer === undefined ? report : { ...report, offer });
  }

  #hold(offer: Offer): string {
    assert.equal(this.#held, undefined, 'one region at a time');
    const { owner, description, byteLength, access } = offer;
    const bytes = Uint8Array.from(description);
    const held = mapRegion(this.#host, identityOf(owner), bytes, byteLength, access);
    if (typeof held === 'string') return held;
    this.#offer = offer;
    this.#held = held;
    this.#parts = partsOf(held.bytes);
    this.#number = this.#passes = this.#secrets = this.#broken = this.#landed = this.#refused = 0;
    if (!this.#isTurning) setImmediate(() => this.#turn());
    this.#isTurning = true;
    return 'holds';
  }

  #lend(byteLength: number, access: BufferAccess): void {
    const region = makeRegion(this.#host, byteLength);
    region.bytes.fill(lentByte);
    assert.equal(region.share(access), undefined);
    const description = [...region.describe()];
    // It stays lent for as long as this lives.
    this.#lent.push(region);
    this.#answer('lends', { owner: process.pid, description, byteLength, access });
  }

  #free(): void {
    this.#held?.release();
    this.#held = undefined;
    this.#parts = [];
    if (this.#punched >= 0) this.#native.close(this.#punched);
    this.#punched = -1;
  }

  #openToPunch(): string {
    const description = decodeDescription(Uint8Array.from(this.#offer?.description ?? []));
    assert.ok(description && this.#offer);
    this.#punched = this.#native.open(`/proc/${this.#offer.owner}/fd/${description.tally}`, 2);
    return this.#punched < 0 ? String(this.#punched) : 'punches';
  }

  #turn(): void {
    const untilMs = performance.now() + turnMs;
    while (this.#held !== undefined && performance.now() < untilMs) {
      if (this.#options.isHonest) this.#passHonestly(this.#held);
      else this.#passBy(this.#held);
      this.#passes += 1;
    }
    for (let count = 0; this.#punched >= 0 && count < punchesPerTurn; count++) {
      this.#native.punch(this.#punched, 0, 2 ** 40);
    }
    if (this.#passes >= this.#answerAt) {
      this.#answerAt = Infinity;
      this.#answer('passed');
    }
    this.#isTurning = this.#held !== undefined;
    if (this.#isTurning) setImmediate(() => this.#turn());
  }

  /** Goes over the buffer whatever it is told. */
  #passBy(held: MappedRegion): void {
    const isEntered = held.enter();
    const isWriter = this.#offer?.access !== 'read';
    const [own, common] = [this.#parts[this.#options.id], this.#parts[commonPart]];
    for (let write = 0; isWriter && write < writesPerPass; write++) {
      const word = makeWord(Tag.holder + this.#options.id, ++this.#number);
      own?.fill(word);
      common?.fill(word);
    }
    this.#parts.forEach((words, part) => this.#look(words, part));
    if (!isEntered || !held.leave()) this.#refused += 1;
  }

  #look(words: Int32Array, part: number): void {
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? 0;
      if (tagOf(word) === Tag.secret) this.#secrets += 1;
      // What it was left with after the revocation is zeros, and what holders store there still.
      if (word !== 0 && !isWordOf(part, word)) this.#broken += 1;
    }
  }

  /** Writes one word all over its part, within an access; and stops at the first refusal. */
  #passHonestly(held: MappedRegion): void {
    if (this.#refused > 0) return;
    if (!held.enter()) {
      this.#refused += 1;
      return;
    }
    const number = this.#landed + 1;
    if (this.#offer?.access !== 'read') {
      this.#parts[this.#options.id]?.fill(makeWord(Tag.holder + this.#options.id, number));
    }
    if (held.leave()) this.#landed = number;
    else this.#refused += 1;
  }
}
