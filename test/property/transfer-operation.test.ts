/**
 * Transfers under faults, against a model: lists of any shape at any offset, many at a time and
 * overlapping, on ways that stand still, break at either end and come back, through relays that
 * refuse, lose, and deliver late. Each transfer ends exactly once; its class is right; its local
 * bytes are the caller's afterwards; and what each byte of the buffer holds, at the end and in
 * every read, was written by somebody who could have written it last.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import { endWithoutOwner } from '../../core/transfer/relay.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { between, createRandom, seedOfThisRun, type Random } from '../compliance/random.js';
import { HolderRig, leaseMsOfHolderRig, type Watched, type Way } from '../unit/transfers-rig.js';

const worlds = 20;
const stepsPerWorld = 220;
const memoryBytes = 9_000;
const waysMax = 5;
/** Marks are bytes; these two are never written by a transfer that is not over. */
const sourcePoison = 0xff;
const localPoison = 0xfe;
const marksMax = 250;

interface Transfer {
  readonly isWrite: boolean;
  readonly offset: number;
  readonly local: Uint8Array;
  readonly parts: Uint8Array[];
  /** What a write stores. */
  readonly mark: number;
  readonly startedAt: number;
  readonly watched: Watched;
  readonly controller: AbortController;
  /** The step in which it was seen to be over. */
  endedAt: number;
  /** What a read found. */
  found: Uint8Array | undefined;
  progress: number;
}

/** Cuts an array at random places, into parts of which some may be empty. */
function partsOf(random: Random, bytes: Uint8Array): Uint8Array[] {
  const cuts = Array.from({ length: random() % 6 }, () => random() % (bytes.length + 1));
  const edges = [0, ...cuts.sort((one, other) => one - other), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

class World {
  readonly rig: HolderRig;
  readonly counts: Record<string, number> = {};
  readonly #random: Random;
  readonly #memory = new Uint8Array(memoryBytes);
  readonly #buffer: ReturnType<HolderRig['register']>;
  readonly #transfers: Transfer[] = [];
  readonly #held: ReceivedTransaction[] = [];
  /** Requests that a relay lost, and that may still arrive. */
  readonly #lost: Uint8Array[] = [];
  #clock = 0;
  #isFaulty = true;

  constructor(random: Random, seed: number) {
    this.#random = random;
    this.rig = new HolderRig({ seed });
    this.#buffer = this.rig.register(this.#memory);
    this.rig.intercept = (transaction, op) => this.#isFaulty && this.#disturb(transaction, op);
  }

  async run(): Promise<void> {
    await this.rig.addWay(1_024);
    await this.rig.addWay(700, 4);
    for (let step = 0; step < stepsPerWorld; step++) {
      await this.#step();
      this.#look();
    }
    await this.#heal();
    this.#checkAll();
    await this.rig.close();
  }

  #chance(oneIn: number): boolean {
    return this.#random() % oneIn === 0;
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const kind = random() % 100;
    if (kind < 40) this.#start();
    else if (kind < 50) this.#stir();
    else if (kind < 53) this.#cut();
    else if (kind < 54) await this.#replaceWay();
    else if (kind < 60) this.#abortOne();
    else if (kind < 72) this.#serveOne();
    else if (kind < 80) this.#deliverLost();
    else if (kind < 82) await this.rig.pass(between(random, 50, 2 * leaseMsOfHolderRig), 10);
    await this.rig.turn(between(random, 0, 400) / 100);
  }

  #start(): void {
    const random = this.#random;
    if (this.#transfers.length >= marksMax) return;
    const lengthMax = this.#chance(4) ? memoryBytes : 1_500;
    const byteLength = between(random, 1, lengthMax);
    const offset = between(random, 0, memoryBytes - byteLength);
    const isWrite = this.#chance(2);
    const mark = this.#transfers.length + 1;
    const local = new Uint8Array(byteLength + 2).fill(localPoison);
    const inner = local.subarray(1, -1).fill(isWrite ? mark : 0);
    const parts = partsOf(random, inner);
    const controller = new AbortController();
    const { signal } = controller;
    const timeoutMs = this.#chance(4) ? between(random, 0, 400) : 15_000;
    const onProgress = (byteCount: number): void => {
      assert(byteCount > transfer.progress && byteCount <= byteLength, 'progress only grows');
      transfer.progress = byteCount;
    };
    const options = { offset, signal, timeoutMs, onProgress };
    const { transfers } = this.rig;
    const promise = isWrite
      ? transfers.send(this.#buffer.decoded, parts, options)
      : transfers.receive(this.#buffer.decoded, parts, options);
    // Within the continuation, so that not even a microtask passes before the bytes change.
    const poisoned = promise.finally(() => {
      if (!isWrite) transfer.found = inner.slice();
      inner.fill(isWrite ? sourcePoison : localPoison);
      transfer.endedAt = this.#clock;
    });
    const transfer: Transfer = {
      isWrite,
      offset,
      local,
      parts,
      mark,
      startedAt: this.#clock,
      watched: this.rig.watch(poisoned),
      controller,
      endedAt: Infinity,
      found: undefined,
      progress: 0,
    };
    this.#transfers.push(transfer);
    this.#clock++;
  }

  /** The owner, or a relay before it, does something else than to answer at once. */
  #disturb(transaction: ReceivedTransaction, op: TransferOp): boolean {
    const kind = this.#random() % 100;
    if (kind < 10) {
      this.#held.push(transaction);
    } else if (kind < 14) {
      endWithoutOwner(transaction, ErrorCode.Quota, 'never');
    } else if (kind < 17) {
      endWithoutOwner(transaction, ErrorCode.Disconnected, 'never');
    } else if (kind < 20) {
      const { bytes, offset, byteLength } = transaction;
      if (op === TransferOp.Write) this.#lost.push(bytes.slice(offset, offset + byteLength));
      endWithoutOwner(transaction, ErrorCode.Disconnected, 'maybe');
    } else {
      return false;
    }
    return true;
  }

  /** Ends stand still, or go on. */
  #stir(): void {
    const end = this.#anyEnd();
    if (this.#chance(2)) end?.clog();
    else end?.unclog();
  }

  #cut(): void {
    this.#anyEnd()?.cut();
  }

  #anyEnd(): Way['ownerEnd'] {
    const { ways } = this.rig.routes;
    const way = ways[this.#random() % ways.length];
    return this.#chance(2) ? way?.ownerEnd : way?.holderEnd;
  }

  async #replaceWay(): Promise<void> {
    const { ways } = this.rig.routes;
    if (ways.length >= waysMax) return;
    ways[this.#random() % ways.length]?.lose();
    await this.rig.addWay(between(this.#random, 300, 2_000), between(this.#random, 1, 16));
  }

  #abortOne(): void {
    const open = this.#transfers.filter(({ watched }) => watched.ending === undefined);
    open[this.#random() % Math.max(1, open.length)]?.controller.abort();
  }

  #serveOne(): void {
    const [one] = this.#held.splice(this.#random() % Math.max(1, this.#held.length), 1);
    if (one !== undefined) this.rig.serve(one);
  }

  /** What a relay lost arrives after all. */
  #deliverLost(): void {
    const [bytes] = this.#lost.splice(this.#random() % Math.max(1, this.#lost.length), 1);
    if (bytes === undefined) return;
    this.#count('lost requests that came late');
    this.rig.deliver(bytes);
  }

  /** After each step: nothing that is over or was never executed is there. */
  #look(): void {
    assert(!this.#memory.includes(sourcePoison), 'the source was read after its transfer');
    assert(!this.#memory.includes(localPoison));
    for (const { mark, watched } of this.#transfers) {
      if (watched.ending?.endsWith('never') !== true) continue;
      assert(!this.#memory.includes(mark), `${mark} ended ${watched.ending}, and is there`);
    }
  }

  async #heal(): Promise<void> {
    this.#isFaulty = false;
    while (this.#held.length > 0) this.#serveOne();
    for (const { holderEnd, ownerEnd } of this.rig.routes.ways) {
      holderEnd?.unclog();
      ownerEnd?.unclog();
    }
    const isOver = (): boolean => this.#transfers.every(({ watched }) => watched.count > 0);
    for (let turn = 0; !isOver(); turn++) {
      assert(turn < 20_000, 'every transfer ends');
      if (this.#chance(8)) this.#deliverLost();
      this.#look();
      await this.rig.turn(2);
    }
    // Whatever may still land is given its time, while the last read has to see what stays.
    const finalRead = new Uint8Array(memoryBytes);
    const read = this.rig.transfers.receive(this.#buffer.decoded, finalRead);
    assert.equal(await this.rig.end(read, 1), 'done');
    while (this.#lost.length > 0) this.#deliverLost();
    await this.rig.pass(2 * leaseMsOfHolderRig, 100);
    assert.deepEqual(this.#memory, finalRead, 'what was read after everything has ended stays');
  }

  #checkAll(): void {
    for (const transfer of this.#transfers) {
      const { watched, local, isWrite } = transfer;
      assert.equal(watched.count, 1);
      this.#count(`${isWrite ? 'write' : 'read'} ${String(watched.ending)}`);
      const after = new Uint8Array(local.length).fill(isWrite ? sourcePoison : localPoison);
      after[0] = localPoison;
      after[after.length - 1] = localPoison;
      assert.deepEqual(local, after, 'its local bytes are the caller’s');
      const isDone = watched.ending === 'done';
      if (isDone) assert.equal(transfer.progress, local.length - 2);
      if (isDone && transfer.found !== undefined) {
        this.#checkBytes(transfer.found, transfer.offset, transfer.startedAt, transfer.endedAt);
      }
    }
    this.#checkBytes(this.#memory, 0, this.#clock, Infinity);
  }

  /**
   * Each byte was written by a transfer that began before it was seen, was not without effect, and
   * was not followed, from its end to the look, by another one that was done.
   */
  #checkBytes(bytes: Uint8Array, offset: number, from: number, until: number): void {
    for (let index = 0; index < bytes.length; index++) {
      const at = offset + index;
      const mark = bytes[index] ?? 0;
      const writer = mark === 0 ? undefined : this.#transfers[mark - 1];
      if (mark !== 0) {
        assert(writer?.isWrite === true && this.#covers(writer, at), `${mark} at ${at}`);
        assert(writer.startedAt < until, `${mark} was seen before it began`);
        assert(!String(writer.watched.ending).endsWith('never'), `${mark} was never executed`);
      }
      const writtenUntil = writer === undefined ? -1 : writer.endedAt;
      const later = this.#transfers.find(
        (other) =>
          other.isWrite &&
          other.watched.ending === 'done' &&
          other.startedAt > writtenUntil &&
          other.endedAt < from &&
          this.#covers(other, at),
      );
      if (later !== undefined) {
        assert.fail(`at ${at} there is ${mark}, although ${later.mark} was done after it`);
      }
    }
  }

  #covers({ offset, local }: Transfer, at: number): boolean {
    return at >= offset && at < offset + local.length - 2;
  }
}

describe('transfers under faults', () => {
  it('each ends once, by its right class, and nothing of it lands where it may not', async (t) => {
    const seed = seedOfThisRun();
    const totals = new Map<string, number>();
    for (let index = 0; index < worlds; index++) {
      const worldSeed = (seed + index) >>> 0;
      const world = new World(createRandom(worldSeed), worldSeed);
      try {
        await world.run();
      } catch (cause) {
        throw new Error(`IDC_SEED=${seed}: world ${index}`, { cause });
      }
      const { resubmitted, fences, leasesAsked } = world.rig.transfers.statistics();
      const { staleWrites, fencedWrites } = world.rig.server.statistics();
      const counts = {
        ...world.counts,
        resubmitted,
        fences,
        leasesAsked,
        staleWrites,
        fencedWrites,
      };
      for (const [what, count] of Object.entries(counts)) {
        totals.set(what, (totals.get(what) ?? 0) + count);
      }
    }
    t.diagnostic([...totals].map(([what, count]) => `${count} ${what}`).join(', '));
    for (const what of [
      'write done',
      'read done',
      'write TIMEOUT maybe',
      'write CANCELLED maybe',
    ]) {
      assert((totals.get(what) ?? 0) > 0, `the worlds came to: ${what}`);
    }
    assert((totals.get('fencedWrites') ?? 0) > 0 && (totals.get('resubmitted') ?? 0) > 0);
  });
});
