/**
 * Transfers whose way dies (B5): nothing of a former way lands after a retry began, after a fence
 * was answered, or after the lease ran out; and what is held back meanwhile.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, errorTable, IdcError } from '../../core/errors.js';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import { endWithoutOwner } from '../../core/transfer/relay.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { patternBytes } from './fake-link.js';
import { HolderRig, leaseMsOfHolderRig, type Way } from './transfers-rig.js';

const old = new Uint8Array(3_000).fill(0x11);
const fresh = new Uint8Array(3_000).fill(0x22);

interface Scene {
  readonly rig: HolderRig;
  readonly first: Way;
  readonly memory: Uint8Array;
  readonly decoded: RemoteBufferReference;
}

/** A buffer of zeros and ways to it. A lease is known, so that the next write goes at once. */
async function setUp(wayCount: number, byteLength = 3_000): Promise<Scene> {
  const rig = new HolderRig();
  const first = await rig.addWay();
  for (let count = 1; count < wayCount; count++) await rig.addWay();
  const memory = new Uint8Array(byteLength);
  const { decoded } = rig.register(memory);
  await warmUp(rig, decoded);
  return { rig, first, memory, decoded };
}

async function warmUp(rig: HolderRig, decoded: RemoteBufferReference): Promise<void> {
  assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(1))), 'done');
}

/** Lets `way` keep what is under way to the owner, and lose its other end. */
function delay(way: Way): () => void {
  way.ownerEnd?.clog();
  return () => {
    way.ownerEnd?.unclog();
  };
}

/** Nobody answers a fence until the test does. */
function holdFences(rig: HolderRig): ReceivedTransaction[] {
  const held: ReceivedTransaction[] = [];
  rig.intercept = (transaction, op) => op === TransferOp.Fence && held.push(transaction) > 0;
  return held;
}

/** What a relay says of a piece, and how often the owner is asked to fence it. */
const relayed = [
  ['by a relay that lost it: the way is there, and it is fenced all the same', 'maybe', 1],
  ['that was never executed is sent again without a fence', 'never', 0],
] as const;

describe('a write whose way dies', () => {
  it('goes on over another one, and the delayed write of the first never lands', async () => {
    const { rig, first, memory, decoded } = await setUp(2);
    const release = delay(first);
    const sent = rig.watch(rig.transfers.send(decoded, old));
    await rig.settle();
    assert.equal(first.ownerEnd?.keptCount, 3, 'three pieces are under way');
    first.lose();
    await rig.wait(() => sent.ending !== undefined);
    assert.equal(sent.ending, 'done');
    assert.deepEqual(memory, old);
    assert.equal(rig.count(TransferOp.Fence), 1);
    assert.equal(await rig.end(rig.transfers.send(decoded, fresh)), 'done');
    release();
    await rig.settle();
    assert.equal(rig.server.statistics().fencedWrites, 3, 'they arrived, and were refused');
    assert.deepEqual(memory, fresh);
    assert.equal(rig.transfers.statistics().resubmitted, 3);
    await rig.close();
  });

  it('goes on over the same one when it is back, and lands once', async () => {
    const { rig, first: way, memory, decoded } = await setUp(1);
    const counts: number[] = [];
    way.ownerEnd?.clog();
    const sent = rig.watch(
      rig.transfers.send(decoded, fresh, { onProgress: (count) => void counts.push(count) }),
    );
    await rig.settle();
    way.cut();
    await rig.wait(() => sent.ending !== undefined);
    assert.equal(sent.ending, 'done');
    assert.equal(sent.count, 1);
    assert.deepEqual(memory, fresh);
    assert.deepEqual(counts, [952, 1_976, 3_000].slice(-counts.length), 'each byte counts once');
    assert.equal(way.channel.endpoint.epoch, 2);
    await rig.close();
  });

  it('is not sent again before the lease ran out, if nobody answers the fence', async () => {
    const { rig, first, memory, decoded } = await setUp(2);
    const held = holdFences(rig);
    const release = delay(first);
    const submittedMs = rig.nowMs;
    const sent = rig.watch(rig.transfers.send(decoded, old));
    await rig.settle();
    first.lose();
    await rig.pass(leaseMsOfHolderRig - 100);
    assert.equal(rig.count(TransferOp.Write), 1, 'nothing was sent again');
    assert.equal(held.length, 1);
    await rig.wait(() => sent.ending !== undefined, 1);
    assert.equal(sent.ending, 'done');
    assert(sent.endedAtMs >= submittedMs + leaseMsOfHolderRig * 1.01, 'it waited');
    assert.equal(await rig.end(rig.transfers.send(decoded, fresh)), 'done');
    release();
    await rig.settle();
    assert.equal(rig.server.statistics().staleWrites, 3, 'they arrived, and were too late');
    assert.deepEqual(memory, fresh);
    for (const transaction of held) endWithoutOwner(transaction, ErrorCode.Cancelled, 'never');
    await rig.close();
  });

  it('ends as maybe when its time passes first; what overlaps it is fenced first', async () => {
    const { rig, first, memory, decoded } = await setUp(1, 9_000);
    const release = delay(first);
    const sent = rig.transfers.send(decoded, old, { offset: 3_000, timeoutMs: 300 });
    await rig.settle();
    first.lose();
    const error: unknown = await rig.end(sent).then(() => sent.catch((thrown: unknown) => thrown));
    assert(error instanceof IdcError);
    assert.deepEqual([error.code, error.execution], ['TIMEOUT', 'maybe']);
    assert.match(error.reason, /UNREACHABLE/);
    assert.equal(rig.transfers.statistics().unfenced, 1);
    await rig.addWay();
    const beside = rig.transfers.send(decoded, fresh, { offset: 0 });
    assert.equal(await rig.end(beside), 'done');
    assert.equal(rig.count(TransferOp.Fence), 0, 'what does not overlap waits for nothing');
    const narrow = decoded.narrow({ offset: 4_000, byteLength: 1_000 });
    const received = new Uint8Array(10);
    assert.equal(await rig.end(rig.transfers.receive(narrow, received)), 'done');
    assert.equal(rig.count(TransferOp.Fence), 1, 'what is read stays so: it was fenced first');
    assert.equal(rig.transfers.statistics().unfenced, 0);
    release();
    await rig.settle();
    assert.equal(rig.server.statistics().fencedWrites, 3);
    assert.deepEqual(memory.subarray(3_000, 6_000), new Uint8Array(3_000));
    await rig.close();
  });

  it('in doubt, and with nobody to ask: a later one waits until the lease ran out', async () => {
    const { rig, first, decoded } = await setUp(1);
    delay(first);
    const submittedMs = rig.nowMs;
    const sent = rig.watch(rig.transfers.send(decoded, old, { timeoutMs: 100 }));
    await rig.settle();
    first.lose();
    await rig.wait(() => sent.ending !== undefined);
    await rig.addWay();
    const held = holdFences(rig);
    const early = rig.transfers.send(decoded, fresh, { timeoutMs: 200 });
    assert.equal(await rig.end(early), 'TIMEOUT never');
    const late = rig.watch(rig.transfers.send(decoded, fresh));
    await rig.wait(() => late.ending !== undefined, 1);
    assert.equal(late.ending, 'done');
    assert(late.endedAtMs >= submittedMs + leaseMsOfHolderRig * 1.01);
    for (const transaction of held) endWithoutOwner(transaction, ErrorCode.Cancelled, 'never');
    await rig.close();
  });

  it('leaves at most 256 ranges of one owner in doubt: then QUOTA, until they end', async () => {
    const rig = new HolderRig({ outstanding: 300 });
    await rig.addWay(1_024, 300);
    const { decoded } = rig.register(new Uint8Array(300));
    await warmUp(rig, decoded);
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction, op) => {
      if (op === TransferOp.Fence) endWithoutOwner(transaction, ErrorCode.Disconnected, 'never');
      return op === TransferOp.Fence || (op === TransferOp.Write && held.push(transaction) > 0);
    };
    const controller = new AbortController();
    const { signal } = controller;
    const startedMs = rig.nowMs;
    const writes = Array.from({ length: 256 }, (_, offset) =>
      rig.watch(rig.transfers.send(decoded, new Uint8Array(1), { offset, signal })),
    );
    await rig.wait(() => held.length === 256);
    controller.abort();
    await rig.wait(() => writes.every(({ ending }) => ending === 'CANCELLED maybe'));
    assert.equal(rig.transfers.statistics().unfenced, 256);
    const one = new Uint8Array(1);
    const refused = rig.transfers.send(decoded, one, { offset: 299 });
    assert.equal(await rig.end(refused), 'QUOTA never');
    const read = rig.transfers.receive(decoded, one, { offset: 299 });
    assert.equal(await rig.end(read), 'done', 'reads leave nothing in doubt');
    rig.intercept = () => false;
    await rig.pass(startedMs + leaseMsOfHolderRig * 1.01 + 20 - rig.nowMs);
    assert.equal(await rig.end(rig.transfers.send(decoded, one)), 'done');
    assert.equal(rig.transfers.statistics().unfenced, 0);
    for (const transaction of held) transaction.complete();
    await rig.close();
  });

  for (const [fact, execution, fenceCount] of relayed) {
    it(fact, async () => {
      const { rig, memory, decoded } = await setUp(1, 2_048);
      let count = 0;
      rig.intercept = (transaction, op) => {
        if (op !== TransferOp.Write || ++count !== 1) return false;
        endWithoutOwner(transaction, ErrorCode.Disconnected, execution);
        return true;
      };
      const sent = patternBytes(2_048, 5);
      assert.equal(await rig.end(rig.transfers.send(decoded, sent)), 'done');
      assert.equal(rig.count(TransferOp.Fence), fenceCount);
      assert.deepEqual(memory, sent);
      await rig.close();
    });
  }
});

/** A read of 14 pieces whose way died, and which has ended. */
async function loseRead() {
  const rig = new HolderRig();
  const first = await rig.addWay();
  await rig.addWay();
  const memory = patternBytes(20_000, 4);
  const { decoded } = rig.register(memory);
  first.ownerEnd?.clog();
  const received = new Uint8Array(20_000);
  const watched = rig.watch(rig.transfers.receive(decoded, received));
  await rig.settle();
  assert.equal(first.ownerEnd?.keptCount, 14);
  const lostAtMs = rig.nowMs;
  first.lose();
  await rig.wait(() => watched.ending !== undefined);
  assert.equal(watched.ending, 'done');
  return { rig, memory, received, tookMs: watched.endedAtMs - lostAtMs };
}

describe('a read whose way dies', () => {
  it('goes on at once, however many of its pieces were lost together', async () => {
    const { rig, tookMs } = await loseRead();
    assert(tookMs < 10, `${tookMs} ms`);
    await rig.close();
  });

  it('is sent again over another one, without a fence', async () => {
    const { rig, memory, received } = await loseRead();
    assert.deepEqual(received, memory);
    assert.equal(rig.count(TransferOp.Fence), 0);
    await rig.close();
  });
});

describe('an owner that cannot be reached', () => {
  it('UNREACHABLE at once, never, if there never was a way', async () => {
    const rig = new HolderRig();
    rig.routes.failure = new IdcError(ErrorCode.Unreachable, 'never');
    const { decoded } = rig.register(new Uint8Array(10));
    const sent = rig.transfers.send(decoded, new Uint8Array(1));
    assert.equal(await rig.end(sent), 'UNREACHABLE never');
    await rig.close();
  });

  it('UNREACHABLE, never, if a relay says so of the first piece', async () => {
    const rig = new HolderRig();
    await rig.addWay();
    rig.intercept = (transaction) => {
      endWithoutOwner(transaction, ErrorCode.Unreachable, 'never');
      return true;
    };
    const { decoded } = rig.register(new Uint8Array(10));
    const received = rig.transfers.receive(decoded, new Uint8Array(1));
    assert.equal(await rig.end(received), 'UNREACHABLE never');
    await rig.close();
  });

  it('TIMEOUT if there was a way, by the class of what was sent; tried more rarely', async () => {
    const rig = new HolderRig({ timeoutMs: 10_000 });
    const way = await rig.addWay();
    const { decoded } = rig.register(new Uint8Array(3_000));
    await warmUp(rig, decoded);
    way.ownerEnd?.clog();
    const sent = rig.transfers.send(decoded, old);
    const received = rig.transfers.receive(decoded, new Uint8Array(3_000));
    await rig.settle();
    rig.routes.failure = new IdcError(ErrorCode.Unreachable, 'never');
    way.lose();
    assert.equal(await rig.end(Promise.race([sent, received]), 1), 'TIMEOUT maybe');
    await rig.settle();
    assert.equal(await rig.end(sent), 'TIMEOUT maybe');
    assert.equal(await rig.end(received), 'TIMEOUT maybe');
    assert(rig.routes.findCount < 60, `${rig.routes.findCount} attempts in 10 s by two`);
    assert(rig.routes.findCount > 20);
    await rig.close();
  });

  it('that restarted: STALE_REFERENCE by whoever knows', async () => {
    const { rig, first, decoded } = await setUp(2);
    first.ownerEnd?.clog();
    const sent = rig.watch(rig.transfers.send(decoded, old));
    await rig.settle();
    rig.intercept = (transaction, op) => {
      if (op !== TransferOp.Fence) transaction.complete(neverAnswer, wireOfStale);
      return op !== TransferOp.Fence;
    };
    first.lose();
    await rig.wait(() => sent.ending !== undefined);
    assert.equal(sent.ending, 'STALE_REFERENCE maybe');
    await rig.close();
  });
});

const neverAnswer = new Uint8Array(16);
const wireOfStale = errorTable.STALE_REFERENCE.wire;
