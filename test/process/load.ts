/**
 * Load: keeps a seeded mix of messages and transactions outstanding on one endpoint. The journal
 * has each submission before it is made, and each settlement with its code and class.
 */
import { IdcError, type Endpoint, type ErrorCode, type Execution } from 'idc';

import { between, createRandom, type Random } from '../compliance/random.js';
import { chooseByteLength, encodeBody, isStatusOf, type Behaviour, type Label } from './body.js';
import type { Journal, What } from './journal.js';
import type { Quiet } from './quiet.js';

/** How much is submitted in one tick; which of them is chosen for each epoch. */
const burstChoices = [2, 6, 40] as const;
/** So many epochs have long bodies only, which fill the link. */
const heavyOneIn = 3;
const giveUpMsMax = 20;

/** The pause between two bursts, and the longest burst. */
export interface LoadRate {
  readonly tickMs: number;
  readonly burstMax: number;
}

export class Load {
  /** Transactions without a settlement. */
  unsettledCount = 0;
  readonly #endpoint: Endpoint;
  readonly #name: string;
  readonly #link: string;
  readonly #journal: Journal;
  readonly #quiet: Quiet;
  readonly #nextId: () => string;
  readonly #rate: LoadRate;
  #random: Random = createRandom(0);
  #isWanted = false;
  #isConnected = false;
  #timer: NodeJS.Timeout | undefined = undefined;
  #burstMax = 1;
  #isHeavy = false;
  #ordinal = 0;

  constructor(
    endpoint: Endpoint,
    name: string,
    link: string,
    journal: Journal,
    quiet: Quiet,
    nextId: () => string,
    rate: LoadRate,
  ) {
    this.#endpoint = endpoint;
    this.#name = name;
    this.#link = link;
    this.#journal = journal;
    this.#quiet = quiet;
    this.#nextId = nextId;
    this.#rate = rate;
  }

  start(seed: number): void {
    this.#random = createRandom(seed);
    this.#isWanted = true;
    this.#chooseProfile();
    if (this.#isConnected) this.#tickSoon();
  }

  stop(): void {
    this.#isWanted = false;
    clearTimeout(this.#timer);
  }

  connected(): void {
    this.#isConnected = true;
    this.#ordinal = 0;
    this.#chooseProfile();
    if (!this.#isWanted) return;
    this.#tick();
  }

  disconnected(): void {
    this.#isConnected = false;
    clearTimeout(this.#timer);
  }

  #chooseProfile(): void {
    this.#isHeavy = this.#random() % heavyOneIn === 0;
    const burstMax = burstChoices[this.#random() % burstChoices.length] ?? 1;
    this.#burstMax = Math.min(burstMax, this.#rate.burstMax);
  }

  #tickSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#tick();
    }, this.#rate.tickMs);
  }

  #tick(): void {
    const burst = between(this.#random, 1, this.#burstMax);
    for (let count = 0; count < burst && this.#submit(); count++);
    this.#tickSoon();
  }

  /** False if it was refused. */
  #submit(): boolean {
    const chance = this.#random() % 100;
    const what: What = chance < 45 ? 'message' : chance < 70 ? 'promise' : 'callback';
    const { epoch, quota } = this.#endpoint;
    const id = this.#nextId();
    const label = { id, link: this.#link, epoch, behaviour: chooseBehaviour(this.#random) };
    const mostBytes = what === 'message' ? quota.messageBytes : quota.parameterBytes;
    const isTooLarge = this.#random() % 100 === 0;
    const chosenBytes = chooseByteLength(this.#random, mostBytes, this.#isHeavy);
    const byteLength = isTooLarge ? mostBytes + 1 : chosenBytes;
    this.#journal.write({ type: 'submit', endpoint: this.#name, epoch, id, what });
    if (what === 'message') return this.#submitMessage(label, byteLength);
    this.unsettledCount++;
    if (what === 'promise') return this.#submitPromise(label, byteLength);
    return this.#submitCallback(label, byteLength);
  }

  #submitMessage(label: Label, byteLength: number): boolean {
    const { id } = label;
    const sequence = this.#endpoint.submitMessage(encodeBody(label, byteLength));
    if (sequence < 0) {
      this.#journal.write({ type: 'refused', id, code: sequence });
      return false;
    }
    this.#accepted(id);
    if (sequence !== this.#ordinal) {
      const text = `${id} is number ${this.#ordinal}, answered ${sequence}`;
      this.#journal.write({ type: 'breach', text });
    }
    return true;
  }

  #submitPromise(label: Label, byteLength: number): boolean {
    const { id } = label;
    const giveUpMs = this.#chooseGiveUpMs();
    const abort = new AbortController();
    const before = this.#endpoint.statistics().transactionsSubmitted;
    const answer = this.#endpoint.submitTransaction(encodeBody(label, byteLength), {
      signal: abort.signal,
      timeoutMs: this.#chooseTimeoutMs(),
    });
    const isAccepted = this.#endpoint.statistics().transactionsSubmitted > before;
    if (isAccepted) this.#accepted(id);
    else this.#journal.write({ type: 'refused', id, code: 0 });
    answer.then(
      (status) => {
        this.#settled(id, 'OK', 'done', status);
      },
      (error: unknown) => {
        if (!(error instanceof IdcError)) throw error;
        this.#settled(id, error.code, error.execution, error.status);
      },
    );
    if (isAccepted && giveUpMs >= 0) {
      this.#giveUpLater(id, giveUpMs, () => {
        abort.abort();
      });
    }
    return isAccepted;
  }

  #submitCallback(label: Label, byteLength: number): boolean {
    const { id } = label;
    const giveUpMs = this.#chooseGiveUpMs();
    const ticket = this.#endpoint.transact(
      encodeBody(label, byteLength),
      (context: string, code, execution, bytes, offset, statusBytes) => {
        const hasStatus = code === 'OK' || code === 'REMOTE';
        const status = hasStatus ? bytes.subarray(offset, offset + statusBytes) : undefined;
        this.#settled(context, code, execution, status);
      },
      id,
      this.#chooseTimeoutMs(),
    );
    if (ticket < 0) {
      this.#journal.write({ type: 'refused', id, code: ticket });
      this.unsettledCount--;
      return false;
    }
    this.#accepted(id);
    if (giveUpMs >= 0) {
      this.#giveUpLater(id, giveUpMs, () => {
        this.#endpoint.cancel(ticket);
      });
    }
    return true;
  }

  #accepted(id: string): void {
    this.#ordinal++;
    this.#journal.write({ type: 'accepted', id, ordinal: this.#ordinal });
  }

  #settled(id: string, code: ErrorCode, execution: Execution, status?: Uint8Array): void {
    this.#journal.write({ type: 'settled', id, code, execution });
    if (status !== undefined && !isStatusOf(id, status)) {
      this.#journal.write({ type: 'foreign', id });
    }
    this.unsettledCount--;
    this.#quiet.changed();
  }

  #giveUpLater(id: string, delayMs: number, giveUp: () => void): void {
    const now = (): void => {
      this.#journal.write({ type: 'givenUp', id });
      giveUp();
    };
    if (delayMs === 0) now();
    // It may come after the settlement; what is left after `close` shall be the framework's alone.
    else setTimeout(now, delayMs).unref();
  }

  /** One in ten is given up, at once or later; the others never: -1. */
  #chooseGiveUpMs(): number {
    if (this.#random() % 10 > 0) return -1;
    return between(this.#random, 0, giveUpMsMax);
  }

  #chooseTimeoutMs(): number {
    if (this.#random() % 10 > 0) return 60_000;
    return between(this.#random, 1, giveUpMsMax);
  }
}

function chooseBehaviour(random: Random): Behaviour {
  const chance = random() % 100;
  if (chance < 70) return 'fast';
  if (chance < 86) return 'slow';
  if (chance < 92) return 'failing';
  return chance < 96 ? 'held' : 'late';
}
