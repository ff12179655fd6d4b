/**
 * Witness: the handlers of one endpoint. Whatever they are given is in the journal before anything
 * else happens with it, and so is each completion.
 */
import type { Endpoint, ReceivedMessage, ReceivedTransaction } from 'idc';

import { between, type Random } from '../compliance/random.js';
import { chooseByteLength, decodeBody, encodeStatus, type Label } from './body.js';
import type { Journal } from './journal.js';
import type { Quiet } from './quiet.js';

/** So many are held in one epoch; the others must still find slots. */
const heldMax = 8;
const slowMsMax = 15;
const lateMsMax = 40;
const failingCode = 7;

interface HeldWork {
  readonly label: Label;
  readonly isLate: boolean;
  readonly complete: () => void;
}

export class Witness {
  /** Given to a handler and not completed. */
  openCount = 0;
  readonly #name: string;
  readonly #link: string;
  readonly #journal: Journal;
  readonly #quiet: Quiet;
  readonly #random: Random;
  #held: HeldWork[] = [];
  #isHolding = true;
  #isOver = false;

  constructor(name: string, link: string, journal: Journal, quiet: Quiet, random: Random) {
    this.#name = name;
    this.#link = link;
    this.#journal = journal;
    this.#quiet = quiet;
    this.#random = random;
  }

  begin(): void {
    this.#isOver = false;
  }

  /** With `false` what is held goes, and nothing is held any more. */
  set isHolding(isHolding: boolean) {
    this.#isHolding = isHolding;
    if (!isHolding) for (const work of this.#held.splice(0)) work.complete();
  }

  message(message: ReceivedMessage, endpoint: Endpoint): void {
    const label = this.#note(message.body, message.sequence, endpoint);
    this.#perform(label, () => {
      message.complete();
    });
  }

  transaction(transaction: ReceivedTransaction, endpoint: Endpoint): void {
    const label = this.#note(transaction.parameters, 0, endpoint);
    const byteLength = chooseByteLength(this.#random, transaction.statusBytesMax);
    this.#perform(label, () => {
      const code = label.behaviour === 'failing' ? failingCode : 0;
      transaction.complete(encodeStatus(label.id, byteLength), code);
    });
  }

  /** The epoch is over: what is held goes, the late ones some time from now. */
  epochEnded(): void {
    this.#isOver = true;
    for (const work of this.#held.splice(0)) {
      if (work.isLate) this.#finishLate(work.label, work.complete);
      else work.complete();
    }
  }

  #note(body: Uint8Array, ordinal: number, endpoint: Endpoint): Label {
    const { epoch } = endpoint;
    const decoded = decodeBody(body);
    const { id = '' } = decoded?.label ?? {};
    const where = { endpoint: this.#name, epoch, id };
    if (decoded?.isWhole !== true) this.#journal.write({ type: 'garbled', ...where });
    this.openCount++;
    if (decoded === undefined) return { id, link: this.#link, epoch, behaviour: 'fast' };
    const { label } = decoded;
    this.#journal.write({ type: 'handled', ...where, ordinal });
    if (label.link !== this.#link || label.epoch !== epoch) {
      const link = `${label.link} ${label.epoch}`;
      this.#journal.write({ type: 'misplaced', ...where, link });
    }
    return label;
  }

  #perform(label: Label, answer: () => void): void {
    const complete = (): void => {
      const { id, epoch } = label;
      if (id !== '') this.#journal.write({ type: 'completed', endpoint: this.#name, epoch, id });
      this.openCount--;
      answer();
      this.#quiet.changed();
    };
    const { behaviour } = label;
    const isHeld = behaviour === 'held' || behaviour === 'late';
    if (behaviour === 'slow') {
      setTimeout(complete, between(this.#random, 1, slowMsMax));
    } else if (isHeld && this.#isHolding && !this.#isOver && this.#held.length < heldMax) {
      this.#held.push({ label, isLate: behaviour === 'late', complete });
    } else {
      complete();
    }
  }

  #finishLate(label: Label, complete: () => void): void {
    const { id, epoch } = label;
    const delayMs = between(this.#random, 1, lateMsMax);
    setTimeout(() => {
      this.#journal.write({ type: 'late', endpoint: this.#name, epoch, id });
      complete();
    }, delayMs);
  }
}
