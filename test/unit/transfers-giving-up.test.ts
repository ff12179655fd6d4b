/** Transfers that are given up: by a signal, by time, by the end of the domain. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReceivedTransaction } from '../../core/received-transaction.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { patternBytes } from './fake-link.js';
import { HolderRig } from './transfers-rig.js';

const local = (): Uint8Array => new Uint8Array(3_000).fill(0x55);

describe('a signal', () => {
  it('CANCELLED, never, while no handler has seen a piece', async () => {
    const rig = new HolderRig();
    const way = await rig.addWay(1_024);
    const memory = new Uint8Array(3_000);
    const { decoded } = rig.register(memory);
    assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(1))), 'done');
    for (const method of ['send', 'receive'] as const) {
      // What is under way comes together with its cancellation, so that the peer has dropped it.
      const held: ReceivedTransaction[] = [];
      rig.intercept = (transaction) => held.push(transaction) > 0;
      const first = rig.transfers[method](decoded, local());
      const controller = new AbortController();
      const { signal } = controller;
      await rig.settle();
      way.ownerEnd?.clog();
      const second = rig.watch(rig.transfers[method](decoded, local(), { signal }));
      controller.abort();
      rig.intercept = () => false;
      way.ownerEnd?.cut();
      way.holderEnd?.cut();
      for (const transaction of held) transaction.complete();
      await rig.wait(() => second.ending !== undefined);
      assert.match(String(second.ending), /^CANCELLED/);
      assert.equal(await rig.end(first), 'done');
    }
    await rig.close();
  });

  it('of one that waits for its way, a lease or its turn: CANCELLED, never, at once', async () => {
    const rig = new HolderRig();
    const { decoded } = rig.register(new Uint8Array(100_000));
    const abort = async (isRead: boolean): Promise<string> => {
      const controller = new AbortController();
      const { signal } = controller;
      const { transfers } = rig;
      const promise = isRead
        ? transfers.receive(decoded, local(), { signal })
        : transfers.send(decoded, local(), { signal });
      const watched = rig.watch(promise);
      await rig.settle(3);
      assert.equal(watched.ending, undefined);
      controller.abort();
      await rig.settle(1);
      return String(watched.ending);
    };
    assert.equal(await abort(true), 'CANCELLED never', 'no way');
    await rig.addWay(1_024, 4);
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction) => held.push(transaction) > 0;
    assert.equal(await abort(false), 'CANCELLED never', 'no lease');
    const long = rig.transfers.receive(decoded, new Uint8Array(100_000));
    await rig.settle();
    assert.equal(await abort(true), 'CANCELLED never', 'no slot');
    rig.intercept = () => false;
    const [channel] = rig.routes.ways.map((way) => way.channel);
    assert(channel !== undefined);
    for (const transaction of held) rig.serve(transaction);
    assert.equal(await rig.end(long), 'done');
    await rig.close();
  });

  it('maybe if a handler had started; the late answer changes nothing here', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = patternBytes(3_000, 1);
    const { decoded } = rig.register(memory);
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction) => held.push(transaction) > 0;
    const controller = new AbortController();
    const into = local();
    const { signal } = controller;
    const counts: number[] = [];
    const onProgress = (count: number): void => void counts.push(count);
    const received = rig.watch(rig.transfers.receive(decoded, into, { signal, onProgress }));
    await rig.wait(() => held.length === 3);
    controller.abort();
    await rig.wait(() => received.ending !== undefined);
    assert.equal(received.ending, 'CANCELLED maybe');
    for (const transaction of held) rig.serve(transaction);
    await rig.settle();
    assert.deepEqual(into, local());
    assert.deepEqual(counts, []);
    assert.equal(received.count, 1);
    await rig.close();
  });

  it('of a write in doubt: it is fenced afterwards, and what comes late is refused', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const memory = new Uint8Array(3_000);
    const { decoded } = rig.register(memory);
    assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(1))), 'done');
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction, op) => op === TransferOp.Write && held.push(transaction) > 0;
    const controller = new AbortController();
    const { signal } = controller;
    const sent = rig.watch(rig.transfers.send(decoded, local(), { signal }));
    await rig.wait(() => held.length === 3);
    controller.abort();
    await rig.wait(() => sent.ending !== undefined);
    assert.equal(sent.ending, 'CANCELLED maybe');
    await rig.settle();
    assert.equal(rig.count(TransferOp.Fence), 1);
    assert.equal(rig.transfers.statistics().unfenced, 0);
    for (const transaction of held) rig.serve(transaction);
    await rig.settle();
    assert.equal(rig.server.statistics().fencedWrites, 3);
    assert.deepEqual(memory, new Uint8Array(3_000));
    await rig.close();
  });

  it('that fires when all answers are under way comes too late: done', async () => {
    const rig = new HolderRig();
    const way = await rig.addWay(1_024);
    const memory = patternBytes(3_000, 2);
    const { decoded } = rig.register(memory);
    const controller = new AbortController();
    const { signal } = controller;
    way.holderEnd?.clog();
    const into = local();
    const received = rig.watch(rig.transfers.receive(decoded, into, { signal }));
    await rig.wait(() => way.holderEnd?.keptCount === 3);
    controller.abort();
    way.holderEnd?.unclog();
    await rig.wait(() => received.ending !== undefined);
    assert.equal(received.ending, 'done');
    assert.deepEqual(into, memory);
    await rig.close();
  });

  it('that fires while progress is told, with the last piece and before it', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 1);
    const { decoded } = rig.register(new Uint8Array(3_000));
    for (const [atBytes, ending] of [
      [1_024, 'CANCELLED maybe'],
      [3_000, 'done'],
    ] as const) {
      const controller = new AbortController();
      const { signal } = controller;
      const onProgress = (count: number): void => {
        if (count === atBytes) controller.abort();
      };
      const received = rig.transfers.receive(decoded, local(), { signal, onProgress });
      assert.equal(await rig.end(received), ending);
    }
    await rig.close();
  });

  it('serves many transfers with one listener, and keeps none of them', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(100));
    const controller = new AbortController();
    const { signal } = controller;
    const all = Array.from({ length: 40 }, () =>
      rig.transfers.receive(decoded, new Uint8Array(10), { signal }),
    );
    await rig.end(Promise.all(all).then(() => undefined));
    controller.abort();
    assert.equal(rig.transfers.statistics().done, 40);
    await rig.close();
  });
});

describe('a time limit', () => {
  it('ends what no owner answers, and what no channel takes', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 2);
    const { decoded } = rig.register(new Uint8Array(3_000));
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction) => held.push(transaction) > 0;
    const startedMs = rig.nowMs;
    const limits = [500, 200, 300];
    const watched = limits.map((timeoutMs) =>
      rig.watch(rig.transfers.receive(decoded, local(), { timeoutMs })),
    );
    await rig.wait(() => watched.every(({ ending }) => ending !== undefined), 0.5);
    for (const [index, one] of watched.entries()) {
      const limitMs = limits[index] ?? 0;
      assert.match(String(one.ending), /^TIMEOUT (maybe|never)$/);
      const tookMs = one.endedAtMs - startedMs;
      assert(tookMs >= limitMs && tookMs < limitMs + 110, `${tookMs} of ${limitMs}`);
    }
    assert.deepEqual(
      watched.map(({ ending }) => ending),
      ['TIMEOUT maybe', 'TIMEOUT never', 'TIMEOUT never'],
      'the first had both slots, so the others were never sent',
    );
    for (const transaction of held) rig.serve(transaction);
    await rig.close();
  });

  it('of Infinity is none', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(3_000));
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction) => held.push(transaction) > 0;
    const received = rig.watch(rig.transfers.receive(decoded, local(), { timeoutMs: Infinity }));
    const limited = rig.watch(rig.transfers.receive(decoded, local(), { timeoutMs: 100 }));
    await rig.wait(() => limited.ending !== undefined);
    assert.equal(limited.ending, 'TIMEOUT maybe');
    assert.equal(rig.wheel.armedCount, 0);
    await rig.pass(60_000, 1_000);
    assert.equal(received.ending, undefined);
    for (const transaction of held) rig.serve(transaction);
    await rig.wait(() => received.ending !== undefined);
    assert.equal(received.ending, 'done');
    await rig.close();
  });
});

describe('the end of the domain', () => {
  it('DESTROYED for everything, by the class of each, and no timer is left', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024, 8);
    const { decoded } = rig.register(new Uint8Array(100_000));
    assert.equal(await rig.end(rig.transfers.send(decoded, new Uint8Array(1))), 'done');
    const held: ReceivedTransaction[] = [];
    const slot = rig.transfers.acquire();
    rig.intercept = (transaction) => held.push(transaction) > 0;
    const started = rig.watch(rig.transfers.send(decoded, local()));
    await rig.wait(() => held.length === 3);
    const partly = rig.watch(rig.transfers.receive(decoded, local()));
    await rig.wait(() => held.length === 6);
    const [, , , firstOfSecond] = held;
    assert(firstOfSecond !== undefined);
    rig.serve(firstOfSecond);
    await rig.settle();
    const crowd = [1, 2, 3].map(() => rig.watch(rig.transfers.receive(decoded, local())));
    await rig.settle();
    rig.transfers.end();
    await rig.settle();
    slot.release();
    await rig.wait(() => [started, partly, ...crowd].every(({ ending }) => ending !== undefined));
    assert.equal(started.ending, 'DESTROYED maybe');
    assert.equal(partly.ending, 'DESTROYED maybe');
    assert.equal(crowd.at(-1)?.ending, 'DESTROYED never');
    assert.equal(rig.transfers.statistics().unfenced, 0);
    for (const transaction of held) {
      if (transaction !== firstOfSecond) rig.serve(transaction);
    }
    await rig.close();
  });

  it('DESTROYED for what backs off, seeks, or waits for a lease', async () => {
    const rig = new HolderRig();
    const way = await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(100_000));
    const held: ReceivedTransaction[] = [];
    rig.intercept = (transaction) => held.push(transaction) > 0;
    const leasing = rig.watch(rig.transfers.send(decoded, local()));
    await rig.wait(() => held.length === 1);
    way.lose();
    await rig.pass(3_000);
    const seeking = rig.watch(rig.transfers.send(decoded, local()));
    rig.transfers.end();
    await rig.settle();
    assert.equal(leasing.ending, 'DESTROYED never');
    assert.equal(seeking.ending, 'DESTROYED never');
    for (const transaction of held) transaction.complete();
    await rig.close();
  });
});

describe('a callback that throws', () => {
  it('is a programmer error, reported as such; the transfer goes on', async () => {
    const rig = new HolderRig();
    await rig.addWay(1_024);
    const { decoded } = rig.register(new Uint8Array(3_000));
    const onProgress = (): void => {
      throw new Error('planted');
    };
    assert.equal(await rig.end(rig.transfers.receive(decoded, local(), { onProgress })), 'done');
    const codes = rig.runtime.crashes.splice(0).map((error) => error.message);
    assert.equal(codes.length, 3);
    assert(codes.every((message) => /HANDLER_THREW.*onProgress.*planted/.test(message)));
    await rig.close();
  });
});
