/** Transfers at their holder while nothing goes wrong: what is moved, refused and counted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcError } from '../../core/errors.js';
import { RemoteBufferReference } from '../../core/transfer/reference.js';
import { Registrations } from '../../core/transfer/registrations.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { patternBytes } from './fake-link.js';
import { HolderRig } from './transfers-rig.js';

describe('a transfer', () => {
  it('of any length and offset moves those bytes and no others', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = new Uint8Array(40_000);
    const { decoded } = rig.register(memory);
    for (const [offset, byteLength] of [
      [0, 1],
      [39_999, 1],
      [7, 1_024],
      [1, 1_025],
      [0, 40_000],
      [123, 30_001],
    ] as const) {
      memory.fill(0xaa);
      const sent = patternBytes(byteLength, offset + byteLength);
      assert.equal(await rig.end(rig.transfers.send(decoded, sent, { offset })), 'done');
      const expected = new Uint8Array(40_000).fill(0xaa);
      expected.set(sent, offset);
      assert.deepEqual(memory, expected);
      const received = new Uint8Array(byteLength);
      assert.equal(await rig.end(rig.transfers.receive(decoded, received, { offset })), 'done');
      assert.deepEqual(received, sent);
    }
    await rig.close();
  });

  it('gathers from and scatters to lists, with empty parts and views of larger ones', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = new Uint8Array(5_000);
    const { decoded } = rig.register(memory);
    const whole = patternBytes(5_000, 3);
    const cut = (bytes: Uint8Array): Uint8Array[] => [
      bytes.subarray(0, 3),
      bytes.subarray(3, 3),
      bytes.subarray(3, 1_030),
      bytes.subarray(1_030, 1_031),
      bytes.subarray(1_031, 5_000),
    ];
    assert.equal(await rig.end(rig.transfers.send(decoded, cut(whole))), 'done');
    assert.deepEqual(memory, whole);
    const received = new Uint8Array(5_002).fill(0xbb);
    const parts = cut(received.subarray(1, 5_001));
    assert.equal(await rig.end(rig.transfers.receive(decoded, parts)), 'done');
    assert.deepEqual(received, Uint8Array.of(0xbb, ...whole, 0xbb));
    await rig.close();
  });

  it('takes its answers in any order', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = patternBytes(8 * 1_024, 9);
    const { decoded } = rig.register(memory);
    const held: (() => void)[] = [];
    rig.intercept = (transaction) => {
      held.unshift(() => {
        rig.serve(transaction);
      });
      return true;
    };
    const received = new Uint8Array(8 * 1_024);
    const watched = rig.watch(rig.transfers.receive(decoded, received));
    await rig.wait(() => held.length === 8);
    for (const serve of held) {
      assert.equal(watched.ending, undefined);
      serve();
      await rig.settle();
    }
    assert.equal(watched.ending, 'done');
    assert.deepEqual(received, memory);
    await rig.close();
  });

  it('reports progress that only grows, and ends with its length', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(10_000));
    for (const method of ['send', 'receive'] as const) {
      const counts: number[] = [];
      const onProgress = (count: number): void => void counts.push(count);
      await rig.end(rig.transfers[method](decoded, new Uint8Array(10_000), { onProgress }));
      assert.equal(counts.length, 10);
      assert.equal(counts.at(-1), 10_000);
      assert(counts.every((count, index) => count > (counts[index - 1] ?? 0)));
    }
    await rig.close();
  });

  it('has read its source when it is done: what is stored there later goes nowhere', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = new Uint8Array(64 * 1_024);
    const { decoded } = rig.register(memory);
    const sources = Array.from({ length: 16 }, (_, index) => patternBytes(4_096, index));
    const poisoned = sources.map(async (source, index) => {
      await rig.transfers.send(decoded, source, { offset: index * 4_096 });
      source.fill(0xdd);
    });
    await rig.end(Promise.all(poisoned).then(() => undefined));
    await rig.settle();
    for (let index = 0; index < 16; index++) {
      const stored = memory.subarray(index * 4_096, (index + 1) * 4_096);
      assert.deepEqual(stored, patternBytes(4_096, index));
    }
    await rig.close();
  });

  it('of a buffer of the domain itself is one copy, checked as any other', async () => {
    const rig = new HolderRig();
    const memory = new Uint8Array(100);
    const parts = [memory.subarray(0, 30), memory.subarray(30)];
    const buffer = rig.ownRegistrations.register(parts, { access: 'readWrite' });
    const { reference } = buffer;
    const sent = patternBytes(60, 1);
    const counts: number[] = [];
    await rig.transfers.send(reference, [sent.subarray(0, 25), sent.subarray(25)], {
      offset: 10,
      onProgress: (count) => void counts.push(count),
    });
    assert.deepEqual(memory.subarray(10, 70), sent);
    assert.deepEqual(counts, [60]);
    const received = new Uint8Array(60);
    const into = [received.subarray(0, 1), received.subarray(1)];
    await rig.transfers.receive(reference, into, { offset: 10 });
    assert.deepEqual(received, sent);
    assert.deepEqual(
      buffer.uses().map(({ domainId }) => domainId),
      [rig.holder.id],
    );
    await buffer.unregister();
    const late = rig.transfers.send(reference, sent);
    assert.equal(await rig.end(late), 'STALE_REFERENCE never');
    assert.equal(rig.routes.findCount, 0);
    await rig.close();
  });
});

describe('refused at once', () => {
  it('what lies outside the reference, to the byte and whatever the numbers are', async () => {
    const rig = new HolderRig();
    await rig.addWay();
    const { decoded } = rig.register(new Uint8Array(100));
    const one = new Uint8Array(1);
    for (const offset of [100, 101, -1, 2 ** 32, 2 ** 53, -(2 ** 53), 1e300]) {
      const sent = rig.transfers.send(decoded, one, { offset });
      assert.equal(await rig.end(sent), 'OUT_OF_RANGE never', String(offset));
    }
    const long = rig.transfers.receive(decoded, new Uint8Array(101));
    assert.equal(await rig.end(long), 'OUT_OF_RANGE never');
    const narrow = decoded.narrow({ offset: 10, byteLength: 5 });
    const beyond = rig.transfers.send(narrow, one, { offset: 5 });
    assert.equal(await rig.end(beyond), 'OUT_OF_RANGE never');
    assert.equal(await rig.end(rig.transfers.send(narrow, one, { offset: 4 })), 'done');
    assert.equal(rig.count(TransferOp.Write), 1);
    await rig.close();
  });

  it('what the reference does not allow', async () => {
    const rig = new HolderRig();
    await rig.addWay();
    const { decoded } = rig.register(new Uint8Array(100));
    const reading = decoded.narrow({ access: 'read' });
    const writing = decoded.narrow({ access: 'write' });
    const one = new Uint8Array(1);
    assert.equal(await rig.end(rig.transfers.send(reading, one)), 'ACCESS_DENIED never');
    assert.equal(await rig.end(rig.transfers.receive(writing, one)), 'ACCESS_DENIED never');
    assert.equal(rig.requests.length, 0);
    await rig.close();
  });

  it('an aborted signal, and anything after the end of the domain', async () => {
    const rig = new HolderRig();
    await rig.addWay();
    const { decoded } = rig.register(new Uint8Array(100));
    const signal = AbortSignal.abort();
    const one = new Uint8Array(1);
    assert.equal(await rig.end(rig.transfers.send(decoded, one, { signal })), 'CANCELLED never');
    rig.transfers.end();
    assert.equal(await rig.end(rig.transfers.send(decoded, one)), 'DESTROYED never');
    assert.throws(() => rig.transfers.acquire(), { code: 'DESTROYED', execution: 'never' });
    assert.equal(rig.requests.length, 0);
    await rig.close();
  });

  it('a reference of this domain from before it restarted: STALE_REFERENCE, unasked', async () => {
    const rig = new HolderRig();
    const { holder, runtime } = rig;
    const { clock, prng } = runtime;
    const former = new Registrations({
      clock,
      prng,
      domainId: holder.id,
      incarnation: '0123456789abcdef',
      addresses: () => [],
    });
    const { reference } = former.register(new Uint8Array(4), { access: 'readWrite' });
    const sent = rig.transfers.send(reference, new Uint8Array(1));
    assert.equal(await rig.end(sent), 'STALE_REFERENCE never');
    assert.equal(rig.routes.findCount, 0);
    await rig.close();
  });

  it('nothing is nothing: no bytes are done at once, within the range', async () => {
    const rig = new HolderRig();
    const { decoded } = rig.register(new Uint8Array(100));
    assert.equal(await rig.end(rig.transfers.send(decoded, [], { offset: 100 })), 'done');
    const beyond = rig.transfers.send(decoded, new Uint8Array(0), { offset: 101 });
    assert.equal(await rig.end(beyond), 'OUT_OF_RANGE never');
    assert.equal(rig.routes.findCount, 0);
    await rig.close();
  });

  it('what no caller may give is an assertion', async () => {
    const rig = new HolderRig();
    const { decoded } = rig.register(new Uint8Array(100));
    const one = new Uint8Array(1);
    const isBadArgument = { code: 'BAD_ARGUMENT' };
    assert.throws(() => rig.transfers.send(decoded, one, { offset: 0.5 }), isBadArgument);
    assert.throws(() => rig.transfers.send(decoded, one, { offset: NaN }), isBadArgument);
    assert.throws(() => rig.transfers.send(decoded, one, { timeoutMs: -1 }), isBadArgument);
    // reason: what a caller without types may do
    assert.throws(() => rig.transfers.send(decoded, 'text' as never), isBadArgument);
    assert.throws(() => rig.transfers.send({} as never, one), isBadArgument); // reason: as above
    await rig.close();
  });
});

describe('the quota of transfers', () => {
  it('QUOTA at once when all run, and room again when one has ended', async () => {
    const rig = new HolderRig({ outstanding: 2 });
    await rig.addWay();
    const { decoded } = rig.register(new Uint8Array(100));
    const one = new Uint8Array(1);
    const two = [rig.transfers.send(decoded, one), rig.transfers.receive(decoded, one)];
    const third = rig.transfers.send(decoded, one);
    await assert.rejects(third, { code: 'QUOTA', execution: 'never', retrySafe: true });
    assert.throws(() => rig.transfers.acquire(), { code: 'QUOTA', execution: 'never' });
    await rig.end(Promise.all(two).then(() => undefined));
    assert.equal(await rig.end(rig.transfers.send(decoded, one)), 'done');
    await rig.close();
  });

  it('a slot taken beforehand is for one transfer, and nobody else has its place', async () => {
    const rig = new HolderRig({ outstanding: 1 });
    await rig.addWay();
    const { decoded } = rig.register(new Uint8Array(100));
    const one = new Uint8Array(1);
    const slot = rig.transfers.acquire();
    assert.equal(await rig.end(rig.transfers.send(decoded, one)), 'QUOTA never');
    const sent = rig.transfers.send(decoded, one, { slot });
    assert.equal(slot.isHeld, false);
    assert.throws(() => rig.transfers.send(decoded, one, { slot }), { code: 'BAD_ARGUMENT' });
    slot.release();
    assert.equal(rig.transfers.statistics().outstanding, 1, 'used is not released');
    assert.equal(await rig.end(sent), 'done');
    const unused = rig.transfers.acquire();
    unused.release();
    unused.release();
    assert.equal(rig.transfers.statistics().outstanding, 0);
    const refused = rig.transfers.send(decoded, one, {
      offset: 100,
      slot: rig.transfers.acquire(),
    });
    assert.equal(await rig.end(refused), 'OUT_OF_RANGE never');
    assert.equal(rig.transfers.statistics().outstanding, 0, 'a refused one gives its slot back');
    await rig.close();
  });

  it('counts what became of all', async () => {
    const rig = new HolderRig();
    await rig.addWay();
    const buffer = rig.register(new Uint8Array(100));
    const ten = new Uint8Array(10);
    await rig.end(rig.transfers.send(buffer.decoded, ten));
    await rig.end(rig.transfers.receive(buffer.decoded, ten));
    await rig.end(rig.transfers.receive(buffer.decoded, ten, { offset: 91 }));
    await buffer.unregister();
    await rig.end(rig.transfers.receive(buffer.decoded, ten));
    const { done, doneBytes, refused, never, maybe, leasesAsked } = rig.transfers.statistics();
    assert.deepEqual(
      { done, doneBytes, refused, never, maybe, leasesAsked },
      { done: 2, doneBytes: 20, refused: 1, never: 1, maybe: 0, leasesAsked: 1 },
    );
    await rig.close();
  });
});

describe('what the owner refuses', () => {
  it('ends the transfer with its code, never, and touches nothing', async () => {
    const rig = new HolderRig();
    await rig.addWay();
    const memory = new Uint8Array(100);
    const expiring = rig.register(memory, { expiresMs: rig.runtime.clock.unixMs() + 50 });
    const stale = rig.register(memory);
    await stale.unregister();
    const forged = rig.register(memory).reference.encode();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    await rig.pass(60);
    const ones = new Uint8Array(10).fill(1);
    for (const [reference, code] of [
      [expiring.decoded, 'EXPIRED_REFERENCE'],
      [stale.decoded, 'STALE_REFERENCE'],
      [RemoteBufferReference.decode(forged), 'FORGED_REFERENCE'],
    ] as const) {
      assert.equal(await rig.end(rig.transfers.send(reference, ones)), `${code} never`);
      assert.equal(await rig.end(rig.transfers.receive(reference, ones)), `${code} never`);
    }
    assert.deepEqual(memory, new Uint8Array(100));
    assert.deepEqual(ones, new Uint8Array(10).fill(1));
    await rig.close();
  });

  it('is maybe once a part was done', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 1);
    const buffer = rig.register(new Uint8Array(4_096));
    let count = 0;
    rig.intercept = (_transaction, op) => {
      if (op === TransferOp.Write && ++count === 3) void buffer.unregister();
      return false;
    };
    const sent = rig.transfers.send(buffer.decoded, new Uint8Array(4_096));
    const error: unknown = await rig.end(sent).then(() => sent.catch((thrown: unknown) => thrown));
    assert(error instanceof IdcError);
    assert.equal(error.code, 'STALE_REFERENCE');
    assert.equal(error.execution, 'maybe');
    assert.equal(rig.transfers.statistics().unfenced, 0, 'nothing is in doubt');
    await rig.close();
  });
});
