/**
 * An initiator and a responder at each end of an epoch, with links that refuse at random, clients
 * that complete in any order, cancel and time out: credits add up, everything settles exactly once
 * by what its handler did, and nothing is corrupt (V3, V4, V5, V7, V12).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import type { ReceivedMessage } from '../../core/message.js';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import { between, createRandom, seedOfThisRun, type Random } from '../compliance/random.js';
import { patternBytes } from '../unit/fake-link.js';
import { SessionPair, type PairEnd, type Settled } from '../unit/session-pair.js';

const worldCount = 300;
const stepsPerWorld = 400;

interface Submitted {
  readonly name: string;
  readonly ticket: number;
  readonly sequence: number;
}

/** What one end has submitted, and what the other end's handlers have seen of it. */
class Direction {
  readonly from: PairEnd;
  readonly to: PairEnd;
  readonly submitted: Submitted[] = [];
  readonly flushes: { readonly ordinal: number; isResolved: boolean }[] = [];
  /** Open items, as the client of `to` holds them. */
  readonly openMessages: ReceivedMessage[] = [];
  readonly openTransactions: { readonly item: ReceivedTransaction; readonly name: string }[] = [];
  /** Names of the transactions that a handler was given, and those that it answered. */
  readonly handled = new Set<string>();
  readonly answered = new Set<string>();
  messageCount = 0;
  completedCount = 0;
  handledSequence = 0;
  #messageLengths: number[] = [];
  #nameCount = 0;
  #checkedCount = 0;
  readonly #settledNames = new Set<string>();

  constructor(from: PairEnd, to: PairEnd) {
    this.from = from;
    this.to = to;
  }

  submitMessage(byteLength: number): void {
    const { initiator } = this.from;
    const before = initiator.uncompletedMessages;
    const sequence = initiator.submitMessage(patternBytes(byteLength, byteLength));
    assert.equal(initiator.uncompletedMessages, before + (sequence < 0 ? 0 : 1));
    if (sequence < 0) return;
    this.messageCount++;
    assert.equal(sequence, this.messageCount + this.submitted.length);
    this.#messageLengths.push(byteLength);
  }

  submitTransaction(byteLength: number, timeoutMs: number): void {
    const name = String(this.#nameCount++);
    // The name travels in the parameters, so that the handler knows which one it has.
    const parameters = patternBytes(byteLength + 4, byteLength);
    new DataView(parameters.buffer).setUint32(0, Number(name), true);
    const ticket = this.from.transact(name, parameters, timeoutMs);
    if (ticket < 0) return;
    const sequence = this.messageCount + this.submitted.length + 1;
    this.submitted.push({ name, ticket, sequence });
  }

  flush(): void {
    const flush = { ordinal: this.messageCount, isResolved: false };
    this.flushes.push(flush);
    this.from.initiator.whenFlushed().then(
      () => (flush.isResolved = true),
      () => undefined,
    );
  }

  cancel(random: Random): void {
    const one = this.submitted[between(random, 0, this.submitted.length - 1)];
    if (one !== undefined) this.from.initiator.transactions.cancel(one.ticket, ErrorCode.Cancelled);
  }

  /** Takes over what the client of `to` has been given since, and checks it. */
  takeGiven(): void {
    for (const message of this.to.messages.splice(0)) {
      const { byteLength } = message;
      assert.equal(byteLength, this.#messageLengths.shift());
      assert.equal(Buffer.compare(message.body, patternBytes(byteLength, byteLength)), 0);
      assert(message.sequence > this.handledSequence, 'in submit order');
      this.handledSequence = message.sequence;
      this.openMessages.push(message);
    }
    for (const item of this.to.transactions.splice(0)) {
      const parameters = item.parameters;
      const name = String(
        new DataView(parameters.buffer, parameters.byteOffset).getUint32(0, true),
      );
      assert(!this.handled.has(name), 'at most once');
      this.handled.add(name);
      const rest = patternBytes(item.byteLength, item.byteLength - 4).subarray(4);
      assert.equal(Buffer.compare(parameters.subarray(4), rest), 0);
      this.openTransactions.push({ item, name });
    }
  }

  completeMessage(random: Random): void {
    const index = between(random, 0, this.openMessages.length - 1);
    const [message] = this.openMessages.splice(index, 1);
    if (message === undefined) return;
    message.complete();
    this.completedCount++;
  }

  completeTransaction(random: Random, statusBytes: number): void {
    const index = between(random, 0, this.openTransactions.length - 1);
    const [one] = this.openTransactions.splice(index, 1);
    if (one === undefined) return;
    this.answered.add(one.name);
    one.item.complete(patternBytes(statusBytes, Number(one.name)), 0);
  }

  check(): void {
    assert.equal(this.from.end, undefined, 'nothing is corrupt');
    const { initiator } = this.from;
    const most = this.messageCount - initiator.statistics.messagesCompleted;
    assert.equal(initiator.uncompletedMessages, most);
    assert(initiator.statistics.messagesCompleted <= this.completedCount);
    assert(initiator.transactions.occupiedCount >= initiator.transactions.unsettledCount);
    for (; this.#checkedCount < this.from.settled.length; this.#checkedCount++) {
      const settled = this.from.settled[this.#checkedCount];
      if (settled !== undefined) this.#checkSettled(settled);
    }
  }

  #checkSettled({ name, code, execution, status }: Settled): void {
    assert(!this.#settledNames.has(name), 'settled at most once');
    this.#settledNames.add(name);
    if (execution === 'never') assert(!this.handled.has(name), `${name} ${code} was handled`);
    if (execution !== 'done') return;
    assert(this.answered.has(name), `${name}: nobody answered it`);
    const expected = patternBytes(status.length, Number(name));
    assert.equal(status, Buffer.from(expected).toString('latin1'));
  }

  /** A flush resolves exactly when the peer has completed all that was submitted before it. */
  checkFlushes(isAtRest: boolean): void {
    const held = this.openMessages.map((message) => message.ordinal);
    const oldest = Math.min(this.messageCount + 1, ...held);
    for (const { ordinal, isResolved } of this.flushes) {
      if (isResolved) assert(oldest > ordinal, 'flushed: nothing before it is open');
      else if (isAtRest) assert(oldest <= ordinal, 'not flushed: something before it is open');
    }
  }
}

class World {
  readonly pair: SessionPair;
  readonly directions: readonly Direction[];
  readonly #random: Random;
  readonly #longest: number;

  constructor(random: Random) {
    this.#random = random;
    const few = (): number => between(random, 1, 6);
    this.#longest = random() % 2 === 0 ? 200 : 3500;
    const most = this.#longest + 4;
    this.pair = new SessionPair({
      messages: few(),
      messageBytes: most,
      transactions: few(),
      parameterBytes: most,
      statusBytes: most,
    });
    const { near, far } = this.pair;
    this.directions = [new Direction(near, far), new Direction(far, near)];
  }

  step(): void {
    const random = this.#random;
    const direction = this.directions[random() & 1];
    assert(direction !== undefined);
    const byteLength = random() % 3 === 0 ? this.#longest : between(random, 0, 40);
    switch (random() % 12) {
      case 0:
      case 1:
        direction.submitMessage(byteLength);
        break;
      case 2:
      case 3:
        direction.submitTransaction(byteLength, random() % 4 === 0 ? between(random, 0, 60) : 1e6);
        break;
      case 4:
        direction.completeMessage(random);
        break;
      case 5:
        direction.completeTransaction(random, byteLength);
        break;
      case 6:
        if (random() % 3 === 0) direction.cancel(random);
        break;
      case 7:
        this.pair.giveRoom(direction.from, between(random, 0, 3));
        break;
      case 8:
        direction.from.endTurn();
        break;
      case 9:
        if (random() % 4 === 0) direction.flush();
        else this.pair.runtime.advance(between(random, 0, 20));
        break;
      default:
        for (let count = random() % 4; count > 0; count--) this.pair.deliverOne(direction.from);
    }
    for (const each of this.directions) each.takeGiven();
    for (const each of this.directions) each.check();
  }

  /** Without any more refusals, everything is completed and comes to rest. */
  rest(): void {
    for (const { from } of this.directions) this.pair.giveRoom(from, Infinity);
    for (let isMoving = true; isMoving;) {
      this.pair.settle();
      isMoving = false;
      for (const direction of this.directions) {
        direction.takeGiven();
        const { openMessages, openTransactions } = direction;
        isMoving ||= openMessages.length + openTransactions.length > 0;
        direction.completeMessage(this.#random);
        direction.completeTransaction(this.#random, 5);
      }
    }
    for (const direction of this.directions) {
      direction.check();
      const { initiator, settled } = direction.from;
      assert.equal(initiator.uncompletedMessages, 0);
      assert.equal(initiator.transactions.occupiedCount, 0);
      assert.equal(settled.length, direction.submitted.length);
      for (const { name, execution } of settled) {
        assert.equal(execution === 'never', !direction.handled.has(name), 'never is final');
      }
      assert.equal(direction.to.responder.openMessages, 0);
      assert.equal(direction.to.responder.openTransactions, 0);
    }
  }

  /** The link is cut, with or without a last word; then the clients drain. */
  cut(): void {
    const isOrderly = this.#random() % 2 === 0;
    const [first] = this.directions;
    assert(first !== undefined);
    const before = this.directions.map(({ from }) => from.settled.length);
    if (isOrderly) this.#leave(first);
    for (const { from } of this.directions) from.session.linkDown('reset');
    for (const [index, direction] of this.directions.entries()) {
      direction.takeGiven();
      // What was given up before the last word was heard could not be judged by it.
      this.#checkEnded(direction, isOrderly ? (before[index] ?? 0) : Infinity);
      while (direction.openMessages.length > 0) direction.completeMessage(this.#random);
      while (direction.openTransactions.length > 0) direction.completeTransaction(this.#random, 1);
      assert.equal(direction.to.responder.openMessages, 0);
      assert.equal(direction.to.responder.openTransactions, 0);
    }
  }

  #leave(direction: Direction): void {
    for (const { from } of this.directions) this.pair.giveRoom(from, Infinity);
    direction.from.session.leave(ErrorCode.Destroyed, false, 1000);
    this.pair.settle();
    for (const { from } of this.directions) assert(from.end !== undefined, 'both have left');
  }

  #checkEnded(direction: Direction, judgedFrom: number): void {
    const { initiator, settled } = direction.from;
    assert.equal(settled.length, direction.submitted.length, 'everything settled');
    assert.equal(new Set(settled.map(({ name }) => name)).size, settled.length);
    assert.equal(initiator.submittedThrough, direction.submitted.length + direction.messageCount);
    for (const [index, { name, execution, code }] of settled.entries()) {
      const isHandled = direction.handled.has(name);
      if (execution === 'never') assert(!isHandled, `${name} ${code} was handled`);
      if (execution === 'done') assert(direction.answered.has(name), `${name} was not answered`);
      const isLazy = execution === 'maybe' && !isHandled && index >= judgedFrom;
      assert(!isLazy, `${name} ${code}: the peer said that it was never handled`);
    }
    const handled = direction.to.responder.handledThrough;
    assert(initiator.handledThrough <= handled, 'handledThrough is never too high');
    assert(initiator.neverFrom > handled, 'neverFrom is never too low');
    if (judgedFrom < Infinity) assert.equal(initiator.neverFrom, initiator.handledThrough + 1);
  }
}

/** How often the worlds of a test came to each outcome, so that a lame generator is seen. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(world: World): void {
    for (const { from } of world.directions) {
      const { lateReplies } = from.initiator.transactions.statistics;
      this.#count('late replies', lateReplies);
      for (const { code, execution } of from.settled) this.#count(`${code} ${execution}`, 1);
    }
  }

  toString(): string {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`).join(', ');
  }

  #count(what: string, count: number): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }
}

describe('two halves', () => {
  const seed = seedOfThisRun();
  const run = async (name: string, finish: (world: World) => void): Promise<string> => {
    const random = createRandom(seed);
    const tally = new Tally();
    for (let index = 0; index < worldCount; index++) {
      const world = new World(random);
      let steps = 0;
      try {
        for (; steps < stepsPerWorld; steps++) {
          world.step();
          if (steps % 20 !== 0) continue;
          await Promise.resolve();
          for (const direction of world.directions) direction.checkFlushes(false);
        }
        finish(world);
        await Promise.resolve();
        await Promise.resolve();
        if (name === 'rest') for (const one of world.directions) one.checkFlushes(true);
        tally.add(world);
      } catch (cause) {
        const message = `IDC_SEED=${seed}: ${name}, world ${index}, step ${steps}`;
        throw new Error(message, { cause });
      }
    }
    return tally.toString();
  };

  it('credits add up, and everything settles once, by what its handler did', async (t) => {
    t.diagnostic(
      await run('rest', (world) => {
        world.rest();
      }),
    );
  });

  it('the end of the epoch at any moment: outcomes are never wrong and never lazy', async (t) => {
    t.diagnostic(
      await run('cut', (world) => {
        world.cut();
      }),
    );
  });
});
