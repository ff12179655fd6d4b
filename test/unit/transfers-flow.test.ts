/** How transfers share a channel, wait for what is full, and keep their lease. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, errorTable } from '../../core/errors.js';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import { encodePieceBytes, endWithoutOwner } from '../../core/transfer/relay.js';
import { AnswerHead, TransferOp } from '../../core/transfer/transfer-wire.js';
import { patternBytes } from './fake-link.js';
import { HolderRig, leaseMsOfHolderRig } from './transfers-rig.js';

/** Keeps what comes, until it is served. */
class Holding {
  readonly transactions: ReceivedTransaction[] = [];
  readonly #rig: HolderRig;

  constructor(rig: HolderRig) {
    this.#rig = rig;
    rig.intercept = (transaction) => this.transactions.push(transaction) > 0;
  }

  /** Where a request's data lies in its buffer. */
  static offsetOf(transaction: ReceivedTransaction): number {
    const { bytes, offset } = transaction;
    return new DataView(bytes.buffer, bytes.byteOffset + offset).getFloat64(8, true);
  }

  serveOne(): void {
    const first = this.transactions.shift();
    if (first !== undefined) this.#rig.serve(first);
  }

  async serveAll(): Promise<void> {
    this.#rig.intercept = () => false;
    while (this.transactions.length > 0) this.serveOne();
    await this.#rig.settle();
  }
}

describe('one channel', () => {
  it('leaves an eighth of its slots to what is no piece', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 16);
    const { decoded } = rig.register(new Uint8Array(100_000));
    const holding = new Holding(rig);
    const received = rig.transfers.receive(decoded, new Uint8Array(100_000));
    await rig.settle();
    assert.equal(holding.transactions.length, 14);
    await holding.serveAll();
    assert.equal(await rig.end(received), 'done');
    await rig.close();
  });

  it('gives no operation more than half of the rest while there are several', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 16);
    const { decoded } = rig.register(new Uint8Array(200_000));
    const holding = new Holding(rig);
    const options = [{ offset: 0 }, { offset: 100_000 }];
    const large = options.map((option) =>
      rig.transfers.receive(decoded, new Uint8Array(50_000), option),
    );
    await rig.settle();
    for (let turn = 0; turn < 20; turn++) {
      holding.serveOne();
      await rig.settle(5);
    }
    const offsets = holding.transactions.map((transaction) => Holding.offsetOf(transaction));
    const ofFirst = offsets.filter((offset) => offset < 100_000).length;
    assert.deepEqual([ofFirst, offsets.length - ofFirst], [7, 7]);
    const small = rig.watch(
      rig.transfers.receive(decoded, new Uint8Array(10), { offset: 199_990 }),
    );
    holding.serveOne();
    holding.serveOne();
    await rig.settle(5);
    const isSmallThere = holding.transactions.some((one) => Holding.offsetOf(one) === 199_990);
    assert(isSmallThere, 'a short one waits for its turn, and not for the end of the long ones');
    await holding.serveAll();
    await rig.end(Promise.all(large).then(() => undefined));
    assert.equal(small.ending, 'done');
    await rig.close();
  });

  it('of one slot moves everything, one piece at a time', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 1);
    const memory = new Uint8Array(30_000);
    const { decoded } = rig.register(memory);
    const sent = patternBytes(30_000, 2);
    const halves = [sent.subarray(0, 15_000), sent.subarray(15_000)];
    const all = halves.map((half, index) =>
      rig.transfers.send(decoded, half, { offset: index * 15_000 }),
    );
    await rig.end(Promise.all(all).then(() => undefined));
    assert.deepEqual(memory, sent);
    await rig.close();
  });

  it('whose slots are taken by others serves them and the transfers in turn', async () => {
    const rig = new HolderRig();
    const way = await rig.addWay(1_024, 2);
    const { decoded } = rig.register(new Uint8Array(10_000));
    const holding = new Holding(rig);
    const { endpoint } = way.channel;
    const others = [1, 2].map(() => endpoint.submitTransaction(new Uint8Array(64)));
    await rig.settle();
    assert.equal(holding.transactions.length, 2);
    const received = rig.watch(rig.transfers.receive(decoded, new Uint8Array(10_000)));
    await rig.settle();
    assert.equal(received.ending, undefined);
    for (const transaction of holding.transactions.splice(0)) transaction.complete();
    await Promise.all([...others, rig.wait(() => holding.transactions.length === 2)]);
    await holding.serveAll();
    await rig.wait(() => received.ending !== undefined);
    assert.equal(received.ending, 'done');
    await rig.close();
  });

  it('that is full takes the rest when it is writable, while its peer does not read', async () => {
    const rig = new HolderRig();
    const way = await rig.addWay(60_000, 16);
    const memory = new Uint8Array(3_000_000);
    const { decoded } = rig.register(memory);
    const sent = patternBytes(3_000_000, 8);
    assert.equal(await rig.end(rig.transfers.send(decoded, sent)), 'done');
    assert(way.channel.endpoint.statistics().refusals > 0, 'it was full');
    assert.deepEqual(memory, sent);
    await rig.close();
  });
});

describe('what is full on the way', () => {
  it('QUOTA of a relay: comes again, later each time, and nothing is lost', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = new Uint8Array(4_096);
    const { decoded } = rig.register(memory);
    const refusedAtMs: number[] = [];
    rig.intercept = (transaction) => {
      if (refusedAtMs.length === 8) return false;
      refusedAtMs.push(rig.nowMs);
      endWithoutOwner(transaction, ErrorCode.Quota, 'never');
      return true;
    };
    const sent = patternBytes(4_096, 4);
    assert.equal(await rig.end(rig.transfers.send(decoded, sent)), 'done');
    assert.deepEqual(memory, sent);
    const waits = refusedAtMs.slice(1).map((atMs, index) => atMs - (refusedAtMs[index] ?? 0));
    assert(
      waits.slice(0, 4).some((waitMs) => waitMs >= 0.5),
      'the first one waits a little',
    );
    assert(Math.max(...waits) >= 16, 'later ones longer');
    assert.equal(rig.transfers.statistics().maybe, 0);
    await rig.close();
  });

  it('QUOTA now and then: what was done between makes the next wait short again', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 1);
    const { decoded } = rig.register(new Uint8Array(20 * 1_024));
    let count = 0;
    rig.intercept = (transaction) => {
      if (++count % 2 === 0) return false;
      endWithoutOwner(transaction, ErrorCode.Quota, 'never');
      return true;
    };
    const startedMs = rig.nowMs;
    const received = rig.transfers.receive(decoded, new Uint8Array(20 * 1_024));
    assert.equal(await rig.end(received), 'done');
    assert.equal(count, 40);
    assert(rig.nowMs - startedMs < 20 * 10, `${rig.nowMs - startedMs} ms`);
    await rig.close();
  });

  it('TOO_LARGE of a relay: goes on in pieces that pass, and the next ones do', async () => {
    const rig = new HolderRig();
    await rig.addWay(4_096);
    const memory = new Uint8Array(50_000);
    const { decoded } = rig.register(memory);
    let refusedCount = 0;
    const limitBytes = 1_000;
    rig.intercept = (transaction, op) => {
      const { bytes, offset } = transaction;
      const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
      const isData = op === TransferOp.Write || op === TransferOp.Read;
      if (!isData || view.getUint32(4, true) <= limitBytes) return false;
      refusedCount++;
      endWithoutOwner(transaction, ErrorCode.TooLarge, 'never', limitBytes);
      return true;
    };
    const sent = patternBytes(50_000, 4);
    assert.equal(await rig.end(rig.transfers.send(decoded, sent)), 'done');
    assert.deepEqual(memory, sent);
    assert(refusedCount > 0 && refusedCount <= 14, `${refusedCount} refusals`);
    refusedCount = 0;
    const received = new Uint8Array(50_000);
    assert.equal(await rig.end(rig.transfers.receive(decoded, received)), 'done');
    assert.deepEqual(received, sent);
    assert.equal(refusedCount, 0);
    await rig.close();
  });

  it('TOO_LARGE that names no smaller length is the end', async () => {
    const rig = new HolderRig();
    await rig.addWay(4_096);
    const { decoded } = rig.register(new Uint8Array(100));
    for (const pieceBytes of [0, 100, 5_000]) {
      rig.intercept = (transaction) => {
        const head = new AnswerHead();
        head.setWithoutStamp('never');
        const status = [head.bytes, encodePieceBytes(pieceBytes)];
        transaction.complete(status, errorTable.TOO_LARGE.wire);
        return true;
      };
      const received = rig.transfers.receive(decoded, new Uint8Array(100));
      assert.equal(await rig.end(received), 'TOO_LARGE never');
    }
    await rig.close();
  });
});

describe('a lease', () => {
  it('is asked for once, however many writes wait, and not again while they go on', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(10_000));
    const writes = Array.from({ length: 10 }, (_, index) =>
      rig.transfers.send(decoded, new Uint8Array(1_000), { offset: index * 1_000 }),
    );
    await rig.end(Promise.all(writes).then(() => undefined));
    assert.equal(rig.count(TransferOp.Lease), 1);
    for (let index = 0; index < 10; index++) {
      await rig.pass(leaseMsOfHolderRig / 2 - 20);
      assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(10))), 'done');
    }
    assert.equal(rig.count(TransferOp.Lease), 1, 'every answer renews it');
    await rig.pass(leaseMsOfHolderRig / 2 + 10);
    assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(10))), 'done');
    assert.equal(rig.count(TransferOp.Lease), 2);
    assert.equal(rig.server.statistics().staleWrites, 0);
    await rig.close();
  });

  it('is of no interest to a read', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(10), { access: 'read' });
    assert.equal(await rig.end(rig.transfers.receive(decoded, new Uint8Array(10))), 'done');
    assert.deepEqual(rig.requests, [TransferOp.Read]);
    await rig.close();
  });

  it('that ran out on the way: the write comes again with the stamp of the refusal', async () => {
    const rig = new HolderRig();
    const way = await rig.addWay(1_024);
    const memory = new Uint8Array(3_000);
    const { decoded } = rig.register(memory);
    assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(1))), 'done');
    const sent = patternBytes(3_000, 7);
    way.ownerEnd?.clog();
    const watched = rig.watch(rig.transfers.send(decoded, sent));
    await rig.pass(leaseMsOfHolderRig + 50);
    assert.equal(way.ownerEnd?.keptCount, 3);
    way.ownerEnd.unclog();
    await rig.wait(() => watched.ending !== undefined);
    assert.equal(watched.ending, 'done');
    assert.deepEqual(memory, sent);
    assert.equal(rig.server.statistics().staleWrites, 3);
    assert.equal(rig.transfers.statistics().maybe, 0);
    assert.equal(rig.transfers.statistics().fences, 0, 'refused is not in doubt');
    await rig.close();
  });

  it('with a stamp that is not the owner’s is replaced by what the owner says', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(3_000));
    rig.intercept = (transaction, op) => {
      if (op !== TransferOp.Lease) return false;
      const head = new AnswerHead();
      head.set('done', 1_000, 1e300);
      transaction.complete(head.bytes);
      return true;
    };
    for (let index = 0; index < 3; index++) {
      assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(3_000))), 'done');
    }
    assert.equal(rig.server.statistics().staleWrites, 3, 'the pieces of the first one');
    assert.equal(rig.count(TransferOp.Lease), 1);
    await rig.close();
  });

  it('that the owner refuses for good ends who asked, with its code', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const stale = rig.register(new Uint8Array(10));
    const { decoded } = rig.register(new Uint8Array(10));
    await stale.unregister();
    const one = new Uint8Array(1);
    const both = [rig.transfers.send(stale.decoded, one), rig.transfers.send(decoded, one)];
    const watched = both.map((promise) => rig.watch(promise));
    await rig.wait(() => watched.every(({ ending }) => ending !== undefined));
    assert.deepEqual(
      watched.map(({ ending }) => ending),
      ['STALE_REFERENCE never', 'done'],
      'another one that waited asks by itself',
    );
    await rig.close();
  });

  it('is asked for again after a relay was full, and elsewhere if the way dies', async () => {
    const rig = new HolderRig();
    const first = await rig.addWay(1_024);
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(10));
    let count = 0;
    rig.intercept = (transaction, op) => {
      if (op !== TransferOp.Lease || ++count > 2) return false;
      if (count === 1) endWithoutOwner(transaction, ErrorCode.Quota, 'never');
      else first.lose();
      return true;
    };
    assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(1))), 'done');
    assert.equal(rig.count(TransferOp.Lease), 3);
    assert.equal(rig.count(TransferOp.Fence), 0);
    await rig.close();
  });
});

describe('an answer that no owner gives', () => {
  it('CORRUPT, maybe: a wrong length, no head, a contradiction; the local bytes stay', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(100));
    const head = new AnswerHead();
    head.set('done', 1_000, 5);
    const answers: [Uint8Array[], number][] = [
      [[head.bytes.slice()], 0],
      [[head.bytes.slice(), new Uint8Array(9).fill(7)], 0],
      [[head.bytes.slice(), new Uint8Array(11).fill(7)], 0],
      [[head.bytes.slice(0, 15)], 0],
      [[head.bytes.slice()], errorTable.QUOTA.wire],
      [[new Uint8Array(0)], errorTable.STALE_REFERENCE.wire],
    ];
    for (const [status, code] of answers) {
      rig.intercept = (transaction) => {
        transaction.complete(status, code);
        return true;
      };
      const local = new Uint8Array(10);
      assert.equal(await rig.end(rig.transfers.receive(decoded, local)), 'CORRUPT maybe');
      assert.deepEqual(local, new Uint8Array(10));
    }
    await rig.close();
  });
});
