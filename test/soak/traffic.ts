/**
 * Traffic: the work of one endpoint in a soak. It submits messages and transactions of random
 * lengths, gives some of them up, handles what it is given, and counts how all of it ended.
 */
import { IdcError, type Endpoint, type EndpointHandlers, type Execution } from 'idc';
import type { ReceivedTransaction } from 'idc';

import { between, type Random } from '../compliance/random.js';
import type { Quiet } from '../process/quiet.js';
import type { Tally } from './sample.js';

const burstMax = 16;
const tickMs = 1;
const giveUpMsMax = 20;
const lateMsMax = 6;
const failingCode = 7;
const headBytes = 8;

/** What the client forgets once it is settled. */
interface Work {
  readonly id: number;
  isSettled: boolean;
}

export class Traffic {
  readonly handlers: EndpointHandlers;
  readonly #random: Random;
  readonly #quiet: Quiet;
  readonly #tally: Tally;
  #endpoint: Endpoint | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isWanted = false;
  #unsettledCount = 0;
  #openCount = 0;
  #id = 0;

  constructor(random: Random, quiet: Quiet, tally: Tally) {
    this.#random = random;
    this.#quiet = quiet;
    this.#tally = tally;
    this.handlers = {
      connect: (endpoint) => {
        this.#endpoint = endpoint;
        tally.epochs++;
        if (this.#isWanted) this.#tickSoon();
      },
      disconnect: () => {
        this.#endpoint = undefined;
        clearTimeout(this.#timer);
      },
      message: (message) => {
        checkBody(message.body);
        this.#later(() => {
          message.complete();
        });
      },
      transaction: (transaction) => {
        this.#handle(transaction);
      },
    };
  }

  /** Nothing submitted is unsettled, nothing received is uncompleted. */
  get isQuiet(): boolean {
    return this.#unsettledCount === 0 && this.#openCount === 0;
  }

  start(): void {
    this.#isWanted = true;
    if (this.#endpoint !== undefined) this.#tickSoon();
  }

  stop(): void {
    this.#isWanted = false;
    clearTimeout(this.#timer);
  }

  #tickSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const endpoint = this.#endpoint;
      if (endpoint === undefined) return;
      let left = between(this.#random, 1, burstMax);
      while (left > 0 && this.#submit(endpoint)) left--;
      this.#tickSoon();
    }, tickMs);
  }

  /** False if it was refused. */
  #submit(endpoint: Endpoint): boolean {
    const { messageBytes, parameterBytes } = endpoint.quota;
    const chance = this.#random() % 100;
    const id = ++this.#id;
    if (chance < 50) {
      const isTaken = endpoint.submitMessage(this.#makeBody(id, messageBytes)) >= 0;
      if (isTaken) this.#tally.messages++;
      return isTaken;
    }
    const body = this.#makeBody(id, parameterBytes);
    const timeoutMs = this.#random() % 10 === 0 ? between(this.#random, 1, giveUpMsMax) : Infinity;
    const giveUpMs = this.#random() % 10 === 0 ? between(this.#random, 0, giveUpMsMax) : -1;
    if (chance < 75) return this.#submitPromise(endpoint, id, body, timeoutMs, giveUpMs);
    return this.#submitCallback(endpoint, id, body, timeoutMs, giveUpMs);
  }

  #submitPromise(
    endpoint: Endpoint,
    id: number,
    body: Uint8Array,
    timeoutMs: number,
    giveUpMs: number,
  ): boolean {
    const work = { id, isSettled: false };
    const abort = new AbortController();
    const before = endpoint.statistics().transactionsSubmitted;
    this.#unsettledCount++;
    endpoint.submitTransaction(body, { signal: abort.signal, timeoutMs }).then(
      (status) => {
        checkStatus(id, status);
        this.#settle(work, 'done');
      },
      (error: unknown) => {
        if (!(error instanceof IdcError)) throw error;
        this.#settle(work, error.execution);
      },
    );
    const isTaken = endpoint.statistics().transactionsSubmitted > before;
    if (isTaken && giveUpMs >= 0) {
      setTimeout(() => {
        abort.abort();
      }, giveUpMs);
    }
    return isTaken;
  }

  #submitCallback(
    endpoint: Endpoint,
    id: number,
    body: Uint8Array,
    timeoutMs: number,
    giveUpMs: number,
  ): boolean {
    const ticket = endpoint.transact(
      body,
      (work: Work, code, execution, bytes, offset, byteLength) => {
        const hasStatus = code === 'OK' || code === 'REMOTE';
        if (hasStatus) checkStatus(work.id, bytes.subarray(offset, offset + byteLength));
        this.#settle(work, execution);
      },
      { id, isSettled: false },
      timeoutMs,
    );
    if (ticket < 0) return false;
    this.#unsettledCount++;
    if (giveUpMs >= 0) {
      setTimeout(() => {
        endpoint.cancel(ticket);
      }, giveUpMs);
    }
    return true;
  }

  #settle(work: Work, execution: Execution): void {
    if (work.isSettled) throw new Error(`transaction ${work.id} settled twice`);
    work.isSettled = true;
    this.#tally.transactions++;
    this.#tally[execution]++;
    this.#unsettledCount--;
    this.#quiet.changed();
  }

  #handle(transaction: ReceivedTransaction): void {
    const { id } = checkBody(transaction.parameters);
    const code = this.#random() % 20 === 0 ? failingCode : 0;
    const status = this.#makeBody(id, transaction.statusBytesMax);
    this.#later(() => {
      transaction.complete(status, code);
    });
  }

  /** At once, or some time later, after the epoch perhaps. */
  #later(complete: () => void): void {
    if (this.#random() % 8 > 0) {
      complete();
      return;
    }
    this.#openCount++;
    setTimeout(
      () => {
        this.#openCount--;
        complete();
        this.#quiet.changed();
      },
      between(this.#random, 1, lateMsMax),
    );
  }

  /** Mostly small; a few as long as the quota allows. */
  #makeBody(id: number, bytesMax: number): Uint8Array {
    const most = this.#random() % 16 === 0 ? bytesMax : Math.min(bytesMax, 512);
    const body = Buffer.alloc(between(this.#random, headBytes, most), id & 0xff);
    body.writeUInt32LE(id, 0);
    body.writeUInt32LE(body.length, 4);
    return body;
  }
}

function checkBody(body: Uint8Array): { id: number } {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const id = bytes.readUInt32LE(0);
  const isWhole = bytes.readUInt32LE(4) === bytes.length;
  const last = bytes.length > headBytes ? bytes.readUInt8(bytes.length - 1) : id & 0xff;
  if (!isWhole || last !== (id & 0xff)) throw new Error(`body ${id} was changed on its way`);
  return { id };
}

function checkStatus(id: number, status: Uint8Array): void {
  const answered = checkBody(status).id;
  if (answered !== id) throw new Error(`transaction ${id} was given the status of ${answered}`);
}
