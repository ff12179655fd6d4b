/**
 * DomainHolder: uses a buffer of another domain flat out, by the public API, whether or not it is
 * registered still: three transfers are under way at any time, and the next one begins at once.
 *
 * It looks at what it received even where the transfer failed: the bytes may be any mixture then,
 * but never hold what the owner stored after it took the buffer back.
 */
import { createDomain, IdcError, RemoteBufferReference, type Domain } from '../../core/index.js';
import { ring } from '../../transports/ring/index.js';
import { tcp } from '../../transports/tcp/index.js';
import type { DomainHolderOptions, DomainOrder, DomainReport } from './domain-orders.js';
import { commonPart, isMixtureOf, makeWord, partCount, partsOf, Tag, tagOf } from './words.js';

/** Between two looks for orders. Where memory is lent, transfers end without the event loop. */
const turnMs = 0.5;
/** Bounds the work of a holder whose owner stands still. */
const timeoutMs = 10_000;

/** One hold, from the order to the next one. */
class Hold {
  readonly reference: RemoteBufferReference;
  isOver = false;
  /** Transfers that begin from now on must fail. */
  isInVain = false;
  done = 0;
  late = 0;
  stale = 0;
  secrets = 0;
  broken = 0;
  landed = 0;
  tried = 0;
  readonly oddities: Record<string, number> = {};

  constructor(reference: RemoteBufferReference) {
    this.reference = reference;
  }
}

export class DomainHolder {
  readonly #options: DomainHolderOptions;
  readonly #say: (report: DomainReport) => void;
  readonly #domain: Domain;
  #hold: Hold | undefined = undefined;
  #mappedBefore = 0;
  /** Begun so far, and the number at which an answer is due. */
  #begun = 0;
  #ended = 0;
  #answerAt = Infinity;
  #turnedMs = 0;
  #lines: Promise<unknown> = Promise.resolve();

  constructor(options: DomainHolderOptions, say: (report: DomainReport) => void) {
    this.#options = options;
    this.#say = say;
    const transports = [options.transport === 'ring' ? ring() : tcp()];
    this.#domain = createDomain({ name: `holder ${options.id}`, transports });
  }

  hear(order: DomainOrder): void {
    switch (order.order) {
      case 'hold':
        this.#begin(RemoteBufferReference.decode(Uint8Array.from(order.reference)));
        this.#answer();
        return;
      case 'passInVain':
        if (this.#hold !== undefined) this.#hold.isInVain = true;
        this.#answerAfter(order.count);
        return;
      case 'pass':
        this.#answerAfter(order.count);
        return;
      case 'free':
        void this.#free();
    }
  }

  /** Those that are under way now do not count. */
  #answerAfter(count: number): void {
    this.#answerAt = this.#begun + count;
  }

  #answer(): void {
    const hold = this.#hold;
    if (hold === undefined) throw new Error('no order came before that');
    const { done, late, stale, secrets, broken, landed, tried, oddities } = hold;
    const mapped = this.#domain.transferStatistics().asHolder.mapped - this.#mappedBefore;
    this.#say({ done, mapped, late, stale, secrets, broken, landed, tried, oddities });
  }

  #begin(reference: RemoteBufferReference): void {
    const hold = new Hold(reference);
    this.#hold = hold;
    this.#mappedBefore = this.#domain.transferStatistics().asHolder.mapped;
    const partBytes = reference.byteLength / partCount;
    const { id } = this.#options;
    this.#lines = Promise.all([
      this.#write(hold, id, partBytes),
      this.#write(hold, commonPart, partBytes),
      this.#read(hold),
    ]);
  }

  async #free(): Promise<void> {
    if (this.#hold !== undefined) this.#hold.isOver = true;
    await this.#lines;
    this.#answer();
  }

  async #write(hold: Hold, part: number, partBytes: number): Promise<void> {
    const { id } = this.#options;
    const words = new Int32Array(partBytes / 4);
    const bytes = new Uint8Array(words.buffer);
    const options = { offset: part * partBytes, timeoutMs };
    for (let number = 1; !hold.isOver; number++) {
      words.fill(makeWord(Tag.holder + id, number));
      if (part === id && hold.stale === 0) hold.tried = number;
      const isDone = await this.#transfer(hold, () =>
        this.#domain.sendToRemoteBuffer(hold.reference, bytes, options),
      );
      if (part === id && isDone) hold.landed = number;
      // The local bytes are this side's again, and nobody may see what they hold now.
      words.fill(makeWord(Tag.secret, number));
    }
  }

  async #read(hold: Hold): Promise<void> {
    const bytes = new Uint8Array(hold.reference.byteLength);
    const parts = partsOf(bytes);
    const options = { timeoutMs };
    while (!hold.isOver) {
      const isDone = await this.#transfer(hold, () =>
        this.#domain.receiveFromRemoteBuffer(hold.reference, bytes, options),
      );
      for (const [part, words] of parts.entries()) look(hold, part, words, isDone);
    }
  }

  /** True if it was done. */
  async #transfer(hold: Hold, transfer: () => Promise<void>): Promise<boolean> {
    const mustFail = hold.isInVain;
    this.#begun += 1;
    const isDone = await this.#outcomeOf(hold, transfer);
    if (isDone) hold.done += 1;
    if (isDone && mustFail) hold.late += 1;
    this.#ended += 1;
    if (this.#ended >= this.#answerAt) {
      this.#answerAt = Infinity;
      this.#answer();
    }
    if (performance.now() - this.#turnedMs > turnMs) {
      await new Promise(setImmediate);
      this.#turnedMs = performance.now();
    }
    return isDone;
  }

  async #outcomeOf(hold: Hold, transfer: () => Promise<void>): Promise<boolean> {
    try {
      await transfer();
      return true;
    } catch (error) {
      if (!(error instanceof IdcError)) throw error;
      const { code } = error;
      if (code === 'STALE_REFERENCE') hold.stale += 1;
      else hold.oddities[code] = (hold.oddities[code] ?? 0) + 1;
      return false;
    }
  }
}

/** Others write while it reads, in lent memory even at the same moment. */
function look(hold: Hold, part: number, words: Int32Array, isDone: boolean): void {
  for (const word of words) {
    if (tagOf(word) === Tag.secret) hold.secrets += 1;
    if (isDone && !isMixtureOf(part, word)) hold.broken += 1;
  }
}
