/** Relays: requests of others are passed on unchanged, bounded, and never in circles. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, errorTable, IdcError } from '../../core/errors.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import { hopsMax, TransferOp } from '../../core/transfer/transfer-wire.js';
import {
  leaseMsOfRig,
  RigChannel,
  TransferRig,
  type Party,
  type PartyOptions,
  type RigAnswer,
} from './transfer-rig.js';

const bufferBytes = 6_000;

/** A holder, relays in a row, and the owner, whose buffer the holder has a reference of. */
interface Row {
  readonly rig: TransferRig;
  readonly holder: Party;
  readonly relays: readonly Party[];
  readonly owner: Party;
  readonly local: Uint8Array;
  readonly reference: RemoteBufferReference;
  /** From each party to the next one: the dialling ends. */
  readonly channels: readonly RigChannel[];
}

interface RowOptions {
  readonly relayCount?: number;
  readonly relay?: PartyOptions;
  /** Of the channel from the last relay to the owner. */
  readonly lastPieceBytes?: number;
  readonly lastTransactions?: number;
}

async function withRow(options: RowOptions, run: (row: Row) => Promise<void>): Promise<void> {
  const { relayCount = 1, relay, lastPieceBytes, lastTransactions } = options;
  const rig = new TransferRig();
  const holder = rig.add('holder');
  const relays = Array.from({ length: relayCount }, (_, index) => rig.add(`relay${index}`, relay));
  const owner = rig.add('owner');
  const channels: RigChannel[] = [];
  let from = holder;
  for (const [index, to] of [...relays, owner].entries()) {
    const isLast = index === relayCount;
    const [channel] = isLast
      ? await rig.connect(from, to, lastPieceBytes, lastTransactions)
      : await rig.connect(from, to);
    from.routes.known.set(owner.domain.id, channel);
    channels.push(channel);
    from = to;
  }
  const local = Uint8Array.from({ length: bufferBytes }, (_, index) => index * 3);
  const { reference } = owner.registrations.register(local, { access: 'readWrite' });
  await run({ rig, holder, relays, owner, local, reference, channels });
  await rig.close();
}

function first<T>(list: readonly T[]): T {
  const [item] = list;
  assert(item !== undefined);
  return item;
}

function last<T>(list: readonly T[]): T {
  const item = list.at(-1);
  assert(item !== undefined);
  return item;
}

/** What a request sent over the row's first channel comes to. */
function read(
  { holder, channels, reference }: Row,
  offset = 0,
  byteLength = 4,
): Promise<RigAnswer> {
  return holder.read(first(channels), reference, offset, byteLength);
}

function expectNever(answer: RigAnswer, code: ErrorCode): void {
  assert.equal(answer.code, code);
  assert.equal(answer.execution, 'never');
}

describe('through a relay', () => {
  it('reads and writes land to the byte, and their bytes are counted', () =>
    withRow({}, async (row) => {
      const { holder, channels, reference, local, relays, owner } = row;
      const channel = first(channels);
      const data = Uint8Array.from({ length: 4_000 }, (_, index) => 255 - index);
      const written = await holder.write(channel, reference, 1_001, data);
      assert.equal(written.execution, 'done');
      const expected = Uint8Array.from({ length: bufferBytes }, (_, index) => index * 3);
      expected.set(data, 1_001);
      assert.deepEqual(local, expected);
      const answer = await read(row, 999, 2_000);
      assert.deepEqual(answer.data, expected.slice(999, 2_999));
      const statistics = first(relays).server.statistics();
      assert.equal(statistics.relayedRequests, 2);
      assert.equal(statistics.relayedBytes, 6_000);
      assert.equal(owner.server.statistics().relayedBytes, 0);
      assert.equal(owner.server.statistics().writtenBytes, 4_000);
    }));

  it('a direct way counts nothing as relayed', () =>
    withRow({ relayCount: 0 }, async (row) => {
      await read(row);
      const { relayedBytes, relayedRequests, reads } = row.owner.server.statistics();
      assert.deepEqual([relayedBytes, relayedRequests, reads], [0, 0, 1]);
    }));

  it('the owner’s answer comes back unchanged: code, stamp and lease', () =>
    withRow({}, async (row) => {
      const { holder, channels, reference, rig, owner } = row;
      const channel = first(channels);
      const lease = await holder.ask(channel, reference, { op: TransferOp.Lease });
      assert.equal(lease.leaseMs, leaseMsOfRig);
      const { stamp } = lease;
      rig.runtime.advance(leaseMsOfRig + 1);
      const data = Uint8Array.of(1);
      const late = await holder.ask(channel, reference, { op: TransferOp.Write, data, stamp });
      expectNever(late, ErrorCode.StaleLease);
      assert(late.stamp > stamp + leaseMsOfRig);
      assert.equal(owner.server.statistics().staleWrites, 1);
      expectNever(await read(row, bufferBytes, 1), ErrorCode.OutOfRange);
    }));

  it('a fence reaches the owner, whatever way its writes go', () =>
    withRow({}, async (row) => {
      const { holder, channels, reference, rig, owner } = row;
      const [direct] = await rig.connect(holder, owner);
      const fence = { op: TransferOp.Fence, operation: 7 };
      assert.equal((await holder.ask(direct, reference, fence)).execution, 'done');
      const late = await holder.write(first(channels), reference, 0, Uint8Array.of(1), 7);
      expectNever(late, ErrorCode.Cancelled);
      const other = { op: TransferOp.Fence, operation: 8 };
      assert.equal((await holder.ask(first(channels), reference, other)).execution, 'done');
      const late8 = await holder.write(direct, reference, 0, Uint8Array.of(1), 8);
      expectNever(late8, ErrorCode.Cancelled);
    }));

  it('the owner sees the relay as the holder', () =>
    withRow({}, async (row) => {
      const buffer = row.owner.registrations.register(new Uint8Array(4), { access: 'read' });
      await row.holder.read(first(row.channels), buffer.reference, 0, 4);
      const [use] = buffer.uses();
      assert.equal(use?.domainId, first(row.relays).domain.id);
      assert.equal(use.isRelayed, true);
    }));

  it('a reference for one holder alone: ACCESS_DENIED', () =>
    withRow({}, async (row) => {
      const only = row.reference.narrow({ holder: { kind: 'process', name: '1' } });
      const answer = await row.holder.read(first(row.channels), only, 0, 4);
      expectNever(answer, ErrorCode.AccessDenied);
    }));

  it('map: UNSUPPORTED', () =>
    withRow({}, async (row) => {
      const request = { op: TransferOp.Map };
      const answer = await row.holder.ask(first(row.channels), row.reference, request);
      expectNever(answer, ErrorCode.Unsupported);
      assert.equal(answer.leaseMs, 0);
      assert.equal(first(row.relays).server.statistics().relayedRequests, 0);
    }));

  it('authorisation is asked for `relay`, and its no is ACCESS_DENIED', () => {
    const asked: string[] = [];
    const mayTransfer: PartyOptions['mayTransfer'] = (peer, access) => {
      asked.push(`${peer.domainName} ${access}`);
      return access !== 'relay';
    };
    return withRow({ relay: { mayTransfer } }, async (row) => {
      expectNever(await read(row), ErrorCode.AccessDenied);
      assert.equal(asked.at(-1), 'holder relay');
      assert.equal(row.owner.server.statistics().reads, 0);
    });
  });
});

describe('the path', () => {
  it(`${hopsMax} relays pass a request on, byte for byte`, () =>
    withRow({ relayCount: hopsMax }, async (row) => {
      const { holder, channels, reference, local, relays } = row;
      const data = Uint8Array.from({ length: 3_000 }, (_, index) => index ^ 0x55);
      const answer = await holder.write(first(channels), reference, 5, data);
      assert.equal(answer.execution, 'done');
      assert.deepEqual(local.slice(5, 3_005), data);
      assert.deepEqual((await read(row, 5, 3_000)).data, data);
      for (const relay of relays) assert.equal(relay.server.statistics().relayedBytes, 6_000);
    }));

  it('one more: UNREACHABLE, never', () =>
    withRow({ relayCount: hopsMax + 1 }, async (row) => {
      const answer = await read(row);
      expectNever(answer, ErrorCode.Unreachable);
      assert.equal(answer.leaseMs, 0);
      assert.equal(last(row.relays).server.statistics().relayedRequests, 0);
      assert.equal(row.owner.server.statistics().reads, 0);
    }));

  it('holds each relay in the order passed', () =>
    withRow({ relayCount: 3 }, async (row) => {
      const { rig, owner, relays } = row;
      owner.isHolding = true;
      const answered = read(row);
      await rig.settle();
      const transaction = first(owner.held);
      const { parameters } = transaction;
      assert.equal(parameters[1], 3);
      const ids = Buffer.from(parameters.subarray(48, 96)).toString('hex');
      assert.equal(ids, relays.map(({ domain }) => domain.id).join(''));
      owner.server.serve(transaction, first(owner.accepted));
      assert.equal((await answered).execution, 'done');
    }));

  it('a circle of relays: UNREACHABLE, never', () =>
    withRow({ relayCount: 3 }, async (row) => {
      const { rig, relays, owner } = row;
      const [back] = await rig.connect(last(relays), first(relays));
      last(relays).routes.known.set(owner.domain.id, back);
      expectNever(await read(row), ErrorCode.Unreachable);
      assert.equal(last(relays).server.statistics().relayedRequests, 0);
    }));

  it('a request that was here before: UNREACHABLE, never, and not passed on', () =>
    withRow({}, async (row) => {
      const { holder, reference, channels, relays } = row;
      const request = holder.encode(reference, { byteLength: 4 });
      const path = Buffer.from(`${holder.domain.id}${first(relays).domain.id}`, 'hex');
      const passed = Buffer.concat([request.subarray(0, 48), path, request.subarray(48)]);
      passed[1] = 2;
      expectNever(await holder.submit(first(channels), passed), ErrorCode.Unreachable);
      assert.equal(first(relays).server.statistics().relayedRequests, 0);
    }));

  it('the way back is no way: others are asked for, and told whom not to pass', () =>
    withRow({}, async (row) => {
      const { holder, relays, owner } = row;
      const relay = first(relays);
      relay.routes.known.set(owner.domain.id, first(relay.accepted));
      expectNever(await read(row), ErrorCode.Unreachable);
      assert.deepEqual(first(relay.routes.finds).visited, [relay.domain.id, holder.domain.id]);
      assert.equal(holder.server.statistics().relayedRequests, 0);
      assert.equal(relay.server.statistics().unrelayedRequests, 1);
    }));

  it('a way that is found goes on; one that leads back does not', () =>
    withRow({}, async (row) => {
      const { relays, owner, channels } = row;
      const relay = first(relays);
      relay.routes.known.clear();
      relay.routes.found.set(owner.domain.id, last(channels));
      assert.equal((await read(row)).execution, 'done');
      relay.routes.found.set(owner.domain.id, first(relay.accepted));
      expectNever(await read(row), ErrorCode.Unreachable);
    }));
});

describe('what a relay cannot do', () => {
  it('no way: the code of the search, never', () =>
    withRow({}, async (row) => {
      const { routes } = first(row.relays);
      routes.known.clear();
      routes.found.set(
        row.owner.domain.id,
        new IdcError(ErrorCode.WrongVersion, 'never', { reason: 'for the test' }),
      );
      expectNever(await read(row), ErrorCode.WrongVersion);
    }));

  it('no slot onward: QUOTA at once, never, and nothing is kept for later', () =>
    withRow({ lastTransactions: 2 }, async (row) => {
      const { rig, owner, relays } = row;
      owner.isHolding = true;
      const waiting = [read(row, 0, 4), read(row, 4, 4)];
      await rig.settle();
      assert.equal(owner.held.length, 2);
      const full = await read(row);
      expectNever(full, ErrorCode.Quota);
      assert.equal(full.leaseMs, 0);
      owner.isHolding = false;
      for (const transaction of owner.held) {
        owner.server.serve(transaction, first(owner.accepted));
      }
      for (const answer of await Promise.all(waiting)) assert.equal(answer.execution, 'done');
      await rig.settle();
      assert.equal(owner.server.statistics().reads, 2);
      assert.equal((await read(row)).execution, 'done');
      assert.equal(first(relays).server.statistics().unrelayedRequests, 1);
    }));

  it('an onward channel of smaller pieces: TOO_LARGE, never, and how much passes', () =>
    withRow({ lastPieceBytes: 1_024 }, async (row) => {
      const { holder, channels, reference, local } = row;
      for (const answer of [
        await read(row, 0, 1_025),
        await holder.write(first(channels), reference, 0, new Uint8Array(1_025)),
      ]) {
        expectNever(answer, ErrorCode.TooLarge);
        assert.equal(answer.pieceBytes, 1_024);
      }
      assert.deepEqual((await read(row, 0, 1_024)).data, local.slice(0, 1_024));
      const most = new Uint8Array(1_024).fill(9);
      const written = await holder.write(first(channels), reference, 0, most);
      assert.equal(written.execution, 'done');
    }));

  it('an onward channel that is gone: UNREACHABLE, never', () =>
    withRow({}, async (row) => {
      await row.rig.until(last(row.channels).endpoint.destroy({ drainMs: 0 }));
      expectNever(await read(row), ErrorCode.Unreachable);
    }));

  it('nobody serves there: UNSUPPORTED, never', () =>
    withRow({}, async (row) => {
      const { rig, owner, relays } = row;
      owner.domain.listen('memory://owner/deaf', () => ({}));
      const endpoint = first(relays).domain.createEndpoint('memory://owner/deaf', {});
      while (endpoint.state !== 'connected') await rig.turn(1);
      const deaf = new RigChannel(endpoint, bufferBytes);
      first(relays).routes.known.set(owner.domain.id, deaf);
      expectNever(await read(row), ErrorCode.Unsupported);
    }));
});

describe('what becomes of it', () => {
  it('the way onward dies while the owner works: maybe, and no stamp', () =>
    withRow({}, async (row) => {
      const { rig, owner, channels } = row;
      owner.isHolding = true;
      const answered = read(row);
      await rig.settle();
      rig.network.sever('owner');
      const answer = await answered;
      assert.equal(answer.code, ErrorCode.Disconnected);
      assert.equal(answer.execution, 'maybe');
      assert.equal(answer.leaseMs, 0);
      assert.equal(last(channels).endpoint.statistics().outcomes.maybe, 1);
      first(owner.held).complete();
    }));

  it('the owner leaves while it works: DISCONNECTED, maybe', () =>
    withRow({}, async (row) => {
      const { rig, owner } = row;
      owner.isHolding = true;
      const answered = read(row);
      await rig.settle();
      const closed = owner.domain.close({ drainMs: 0 });
      const answer = await answered;
      assert.equal(answer.code, ErrorCode.Disconnected);
      assert.equal(answer.execution, 'maybe');
      assert.equal(answer.leaseMs, 0);
      first(owner.held).complete();
      await rig.until(closed);
    }));

  it('the holder gives up: so does the relay, and both slots are free again', () =>
    withRow({ relayCount: 2 }, async (row) => {
      const { rig, holder, channels, owner, reference } = row;
      owner.isHolding = true;
      const abort = new AbortController();
      const { signal } = abort;
      const answered = holder.ask(first(channels), reference, { byteLength: 4 }, { signal });
      const given = answered.then(
        () => assert.fail('it was given up'),
        (error: unknown) => error,
      );
      await rig.settle();
      const transaction = first(owner.held);
      // Asked for before it can fire, as a server that works for a while does.
      const ownersSignal = transaction.signal;
      assert.equal(ownersSignal.aborted, false);
      abort.abort();
      await rig.settle();
      assert.equal(ownersSignal.aborted, true);
      const error = await given;
      assert(error instanceof IdcError);
      assert.equal(error.code, ErrorCode.Cancelled);
      assert.equal(error.execution, 'maybe');
      transaction.complete();
      await rig.settle();
      for (const { endpoint } of channels) {
        assert.equal(endpoint.statistics().transactionsOutstanding, 0);
      }
      owner.isHolding = false;
      assert.equal((await read(row)).execution, 'done');
    }));

  it('the holder gives up while a way is sought: it is never submitted', () =>
    withRow({}, async (row) => {
      const { rig, holder, channels, owner, reference, relays } = row;
      const { routes } = first(relays);
      routes.known.clear();
      const resolve = routes.search(owner.domain.id);
      const abort = new AbortController();
      const { signal } = abort;
      const answered = holder.ask(first(channels), reference, { byteLength: 4 }, { signal });
      const given = answered.then(
        () => assert.fail('it was given up'),
        (error: unknown) => error,
      );
      await rig.settle();
      abort.abort();
      await rig.settle();
      resolve(last(channels));
      assert((await given) instanceof IdcError);
      await rig.settle();
      assert.equal(owner.server.statistics().reads, 0);
      assert.equal(first(relays).server.statistics().relayedRequests, 0);
      assert.equal(first(channels).endpoint.statistics().transactionsOutstanding, 0);
    }));

  it('the relay’s time limit covers the search and the answer', () =>
    withRow({ relay: { timeoutMs: 500 } }, async (row) => {
      const { rig, owner, relays, channels } = row;
      const { routes } = first(relays);
      routes.known.clear();
      const resolve = routes.search(owner.domain.id);
      owner.isHolding = true;
      const startMs = rig.runtime.clock.now();
      const answered = read(row);
      await rig.settle();
      rig.runtime.advance(400);
      resolve(last(channels));
      await rig.settle();
      assert.equal(owner.held.length, 1);
      assert(first(routes.finds).deadlineMs <= startMs + 501);
      rig.runtime.advance(99);
      await rig.settle();
      rig.runtime.advance(20);
      const answer = await answered;
      assert.equal(answer.code, ErrorCode.Timeout);
      assert.equal(answer.execution, 'maybe');
      first(owner.held).complete();
    }));

  it('a search that outlasts the time limit: TIMEOUT, never', () =>
    withRow({ relay: { timeoutMs: 500 } }, async (row) => {
      const { rig, owner, relays, channels } = row;
      const { routes } = first(relays);
      routes.known.clear();
      const resolve = routes.search(owner.domain.id);
      const answered = read(row);
      await rig.settle();
      rig.runtime.advance(501);
      resolve(last(channels));
      expectNever(await answered, ErrorCode.Timeout);
      assert.equal(owner.server.statistics().reads, 0);
    }));

  it('an owner that answers nonsense: the holder is told, not the relay harmed', () =>
    withRow({}, async (row) => {
      const { rig, owner, holder, channels, reference } = row;
      owner.isHolding = true;
      const parameters = holder.encode(reference, { byteLength: 4 });
      const { endpoint } = first(channels);
      const submitted = endpoint.submitTransaction(parameters);
      await rig.settle();
      first(owner.held).complete(Uint8Array.of(1, 2, 3), errorTable.OK.wire);
      assert.deepEqual(await rig.until(submitted), Uint8Array.of(1, 2, 3));
    }));

  it('an answer longer than the holder takes: CORRUPT, maybe', () =>
    withRow({ lastPieceBytes: 8_192 }, async (row) => {
      const { rig, owner } = row;
      owner.isHolding = true;
      const answered = read(row);
      await rig.settle();
      first(owner.held).complete(new Uint8Array(8_000));
      const answer = await answered;
      assert.equal(answer.code, ErrorCode.Corrupt);
      assert.equal(answer.execution, 'maybe');
    }));
});
