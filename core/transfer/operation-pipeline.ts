/**
 * Pipeline: the operations whose pieces go over one channel, in turns of one piece each.
 *
 * Some slots are left to what is not a piece of this domain's own: questions of operations (leases,
 * fences) and what it relays. While several operations run, none has more than half of the rest.
 * When a piece has settled the next one goes at once, so nobody waits for a turn of the domain.
 */
import { assert } from '../assert.js';
import type { Channel } from './channel.js';
import { LaneCarrier } from './lane-carrier.js';
import { AnswerReader } from './transfer-wire.js';

/** One in so many slots is left to others. */
const slotsPerSpare = 8;

/** What became of an attempt to send a piece. */
export const Submission = {
  Sent: 0,
  /** Nothing to send, or not now: it has left the pipeline's queue. */
  Left: 1,
  /** The channel takes no more; the piece was not sent. */
  Refused: 2,
  /** The channel's lane takes no more until a piece of it has settled. */
  Full: 3,
} as const;
export type Submission = (typeof Submission)[keyof typeof Submission];

/** An operation as its pipeline sees it. The links belong to the pipeline. */
export interface Pipelined {
  /** Pieces that have not settled. */
  readonly inFlightCount: number;
  /** Bytes of the request that was refused last. */
  readonly refusedBytes: number;
  /** HOT: sends one piece. */
  submitNext(): Submission;
  isQueued: boolean;
  previousInQueue: Pipelined | undefined;
  nextInQueue: Pipelined | undefined;
}

export class Pipeline {
  readonly channel: Channel;
  readonly answer: AnswerReader = new AnswerReader();
  readonly carrier: LaneCarrier;
  #first: Pipelined | undefined = undefined;
  #last: Pipelined | undefined = undefined;
  #queuedCount = 0;
  /** Operations that go over this channel, queued or not. */
  #operationCount = 0;
  #inFlightCount = 0;
  #isWaiting = false;
  #isPumping = false;
  readonly #onWritable = (): void => {
    this.#isWaiting = false;
    this.pump();
  };

  constructor(channel: Channel, carrier: LaneCarrier) {
    this.channel = channel;
    this.carrier = carrier;
  }

  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  /** An operation goes this way from now on. */
  attach(): void {
    this.#operationCount++;
  }

  detach(operation: Pipelined): void {
    this.remove(operation);
    this.#operationCount--;
  }

  /** HOT: the operation has pieces to send. */
  enqueue(operation: Pipelined): void {
    if (operation.isQueued) return;
    operation.isQueued = true;
    operation.previousInQueue = this.#last;
    operation.nextInQueue = undefined;
    if (this.#last === undefined) this.#first = operation;
    else this.#last.nextInQueue = operation;
    this.#last = operation;
    this.#queuedCount++;
  }

  /** HOT: idempotent. */
  remove(operation: Pipelined): void {
    if (!operation.isQueued) return;
    const { previousInQueue: previous, nextInQueue: next } = operation;
    if (previous === undefined) this.#first = next;
    else previous.nextInQueue = next;
    if (next === undefined) this.#last = previous;
    else next.previousInQueue = previous;
    operation.isQueued = false;
    operation.previousInQueue = undefined;
    operation.nextInQueue = undefined;
    this.#queuedCount--;
  }

  /** HOT: a piece has settled; `pump` follows. */
  landed(): void {
    this.#inFlightCount--;
    assert(this.#inFlightCount >= 0, 'a piece settles once');
  }

  /** HOT: sends what the channel takes. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const slots = this.#slots();
    let inVainCount = 0;
    for (let turn = this.#first; turn !== undefined; turn = this.#first) {
      if (this.#inFlightCount >= slots || inVainCount >= this.#queuedCount) break;
      const share = this.#operationCount > 1 ? Math.max(1, slots >> 1) : slots;
      const isOver = turn.inFlightCount >= share;
      const submission = isOver ? Submission.Full : turn.submitNext();
      if (submission === Submission.Refused) {
        this.#wait(turn.refusedBytes);
        break;
      }
      if (submission === Submission.Sent) this.#inFlightCount++;
      inVainCount = submission === Submission.Full ? inVainCount + 1 : 0;
      if (turn.isQueued && turn !== this.#last) {
        this.remove(turn);
        this.enqueue(turn);
      }
    }
    this.#isPumping = false;
  }

  /** HOT: those that pieces may take. */
  #slots(): number {
    const { transactions } = this.channel.endpoint.quota;
    return transactions - Math.floor(transactions / slotsPerSpare);
  }

  /** In its turn among all who wait for the channel; at the end of the epoch at the latest. */
  #wait(byteLength: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const request = { kind: 'transaction', byteLength } as const;
    this.channel.endpoint.whenWritable(request).then(this.#onWritable, this.#onWritable);
  }
}
