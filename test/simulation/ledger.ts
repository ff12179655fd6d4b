/**
 * Ledger: the books of a world. Every item is entered when it is submitted, handled, completed and
 * settled; each entry is checked against the others at once. Nobody but the simulation can see both
 * ends of a connection, so only here can outcome classes be judged.
 */
import { ErrorCode, type Endpoint, type Execution } from '../../core/index.js';
import { readBody } from './body.js';
import type { Watch } from './watch.js';
import type { World } from './world.js';

/** One submission that was taken. */
export interface Item {
  readonly id: number;
  readonly kind: 'message' | 'transaction';
  readonly from: Watch;
  readonly epoch: number;
  /** Counted over messages and transactions of the epoch, from 1. */
  readonly ordinal: number;
  readonly byteLength: number;
  /** Settles by a call inside core; the others by a promise, within the same step. */
  readonly isHot: boolean;
  /** When it has to have settled. */
  readonly dueMs: number;
  /** How long the submitter's domain had been stopped by then. */
  readonly stoppedMs: number;
  isHandled: boolean;
  isCompleted: boolean;
  answer: { readonly code: number; readonly byteLength: number } | undefined;
  execution: Execution | undefined;
}

/** How much of what was seen. */
export interface Tally {
  connects: number;
  submitted: number;
  handled: number;
  never: number;
  maybe: number;
  done: number;
}

/** Timers are late by a tick, and by turns. */
const slackMs = 50;

export class Ledger {
  readonly tally: Tally = { connects: 0, submitted: 0, handled: 0, never: 0, maybe: 0, done: 0 };
  /** True if nothing can destroy evidence, so that what was not handled has to end `never`. */
  isEvidenceSafe = false;
  readonly #world: World;
  readonly #items = new Map<number, Item>();
  #nextId = 1;

  constructor(world: World) {
    this.#world = world;
  }

  /** The id for the next submission; used up by `submitted`. */
  get nextId(): number {
    return this.#nextId;
  }

  /** A submission was taken: everything about it but what the ledger itself knows. */
  submitted(
    watch: Watch,
    kind: Item['kind'],
    byteLength: number,
    isHot: boolean,
    limitMs: number,
  ): Item {
    watch.submittedCount += 1;
    const item: Item = {
      id: this.#nextId,
      kind,
      from: watch,
      epoch: watch.epoch,
      ordinal: watch.submittedCount,
      byteLength,
      isHot,
      dueMs: this.#world.nowMs + limitMs + slackMs,
      stoppedMs: watch.life.stoppedMs,
      isHandled: false,
      isCompleted: false,
      answer: undefined,
      execution: undefined,
    };
    this.#nextId += 1;
    this.#items.set(item.id, item);
    this.tally.submitted += 1;
    (kind === 'transaction' ? watch.unsettled : watch.uncompleted).add(item);
    if (kind === 'transaction') watch.expectSettled(item);
    this.#checkGrant(watch, item);
    if (!watch.isConnected) this.#fail(watch, `item ${item.id} taken while not connected`);
    return item;
  }

  /** A handler got an item; answers it with the hops that it has to go. */
  handled(
    watch: Watch,
    endpoint: Endpoint,
    kind: Item['kind'],
    bytes: Uint8Array,
    offset: number,
    byteLength: number,
  ): { item: Item; hops: number } | undefined {
    const header = readBody(bytes, offset, byteLength);
    const item = header === undefined ? undefined : this.#items.get(header.id);
    if (header === undefined || item?.byteLength !== byteLength || item.kind !== kind) {
      this.#fail(watch, `got ${byteLength} bytes that nobody sent`);
      return undefined;
    }
    const problem = this.#problemOfHandling(watch, endpoint, item);
    if (problem !== undefined) this.#fail(watch, `item ${item.id} handled ${problem}`);
    item.isHandled = true;
    this.tally.handled += 1;
    watch.receivedThrough = item.ordinal;
    item.from.handledThrough = Math.max(item.from.handledThrough, item.ordinal);
    watch.held.add(item);
    this.#checkQuota(watch, endpoint);
    return { item, hops: header.hops };
  }

  /** The handler is done with it. */
  completed(watch: Watch, item: Item, answer: Item['answer']): void {
    item.isCompleted = true;
    item.answer = answer;
    watch.held.delete(item);
    item.from.uncompleted.delete(item);
  }

  /** A transaction settled at its submitter. */
  settled(item: Item, code: ErrorCode, execution: Execution, byteLength: number): void {
    const problem = this.#problemOfSettling(item, code, execution, byteLength);
    if (problem !== undefined) this.#fail(item.from, `item ${item.id} ${code} ${problem}`);
    item.execution = execution;
    item.from.unsettled.delete(item);
    this.tally[execution] += 1;
  }

  /** Every message that was submitted before the wait began is completed. */
  flushed(watch: Watch, epoch: number, throughId: number): void {
    if (watch.epoch !== epoch) return;
    for (const { id } of watch.uncompleted) {
      if (id <= throughId) this.#fail(watch, `flushed, but message ${id} is not completed`);
    }
  }

  #problemOfHandling(watch: Watch, endpoint: Endpoint, item: Item): string | undefined {
    if (item.isHandled) return 'twice (V6)';
    if (watch.isFarewellSaid) return 'after its side had said goodbye (V4)';
    if (item.execution === 'never') return 'after it ended as never (V4)';
    if (!watch.life.isAlive) return 'by a domain that has crashed';
    if (!watch.isConnected || endpoint.state !== 'connected') return `while ${endpoint.state}`;
    if (watch.epoch !== item.epoch || endpoint.epoch !== item.epoch) {
      return `in epoch ${watch.epoch}, but submitted in ${item.epoch} (V2)`;
    }
    if (item.from.pairKey !== watch.pairKey) return `at ${watch.name}, the wrong endpoint`;
    if (item.ordinal <= watch.receivedThrough) return `after ${watch.receivedThrough} (V5)`;
    if (item.ordinal >= item.from.neverFromOf(item.epoch)) return 'beyond neverFrom (V4)';
    return undefined;
  }

  #problemOfSettling(
    item: Item,
    code: ErrorCode,
    execution: Execution,
    byteLength: number,
  ): string | undefined {
    if (item.execution !== undefined) return 'settled twice (V3)';
    if (execution === 'never' && item.isHandled) return 'never, but it was handled (V4)';
    if (execution === 'done' && !item.isHandled) return 'done, but nobody handled it (V4)';
    if (item.ordinal >= item.from.neverFromOf(item.epoch) && execution !== 'never') {
      return `${execution}, but it is beyond neverFrom (V4)`;
    }
    const { evidence } = item.from;
    const least = evidence?.epoch === item.epoch ? evidence.classOf(item.ordinal) : execution;
    if (least !== execution) return `${execution}, but the evidence says ${least} (V4)`;
    if (this.isEvidenceSafe && execution === 'maybe' && !item.isHandled) {
      return 'maybe, but there was evidence that nobody handled it (V4)';
    }
    const stoppedMs = item.from.life.stoppedMs - item.stoppedMs;
    if (this.#world.nowMs > item.dueMs + stoppedMs) return `settled late (V3)`;
    return problemOfAnswer(item, code, execution, byteLength);
  }

  /** V7 at the submitter: it never takes more than it was granted, or longer ones. */
  #checkGrant(watch: Watch, item: Item): void {
    const { quota } = watch.endpoint;
    const isMessage = item.kind === 'message';
    const bytesMax = isMessage ? quota.messageBytes : quota.parameterBytes;
    if (item.byteLength > bytesMax) this.#fail(watch, `V7 took ${item.byteLength} bytes`);
    const open = isMessage ? watch.uncompleted : watch.unsettled;
    const most = isMessage ? quota.messages : quota.transactions;
    if (open.size <= most) return;
    // What settles by a promise may have settled inside core in this very step.
    const count = isMessage ? open.size : [...open].filter(({ isHot }) => isHot).length;
    const isMisled = this.#world.network.hasForgedFor(watch.place.name);
    if (count > most && !isMisled) this.#fail(watch, `V7 ${count} ${item.kind}s are open`);
  }

  /** V7 at the receiver. */
  #checkQuota(watch: Watch, endpoint: Endpoint): void {
    const { quota } = endpoint;
    if (watch.held.size <= Math.min(quota.messages, quota.transactions)) return;
    let messages = 0;
    for (const { kind } of watch.held) if (kind === 'message') messages += 1;
    const transactions = watch.held.size - messages;
    if (messages > quota.messages || transactions > quota.transactions) {
      this.#fail(watch, `V7 holds ${messages} messages and ${transactions} transactions`);
    }
  }

  #fail(watch: Watch, what: string): void {
    this.#world.fail(`${watch.name}: ${what}`);
  }
}

/** Whether what the submitter was told is what the handler answered. */
function problemOfAnswer(
  item: Item,
  code: ErrorCode,
  execution: Execution,
  byteLength: number,
): string | undefined {
  const { answer } = item;
  if (code !== ErrorCode.Ok && code !== ErrorCode.Remote) {
    const isDone = code === ErrorCode.TooLarge && execution === 'done';
    return execution === 'done' && !isDone ? 'done without an answer' : undefined;
  }
  if (execution !== 'done') return `is an answer, but ${execution}`;
  if (answer === undefined) return 'answered by nobody';
  if ((answer.code === 0) !== (code === ErrorCode.Ok)) return `but the answer was ${answer.code}`;
  if (answer.byteLength !== byteLength) return `${byteLength} bytes of ${answer.byteLength}`;
  return undefined;
}
