/**
 * The allocation budget: what one item leaves on the heap in steady state, over the memory
 * transport in poll mode, by the public API, with random lengths from 1 to 512.
 *
 * A run in which anything was collected counts for nothing and is repeated with half the items.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { createDomain, type Domain, type Endpoint, type EndpointHandlers } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { between, createRandom, seedOfThisRun } from '../compliance/random.js';

/** The aim is 0; measured are 0.01 for a message and 0.75 for a transaction (Node 20.20.2). */
const bytesPerItemMax = 8;
const itemCountMax = 200_000;
const warmUpCount = 300_000;
const payloadCount = 1024;
const payloadBytesMax = 512;

/** Payloads of random lengths, made once, so that the test itself allocates nothing. */
class Payloads {
  readonly #views: readonly Uint8Array[];
  #next = 0;

  constructor(seed: number) {
    const random = createRandom(seed);
    const bytes = new Uint8Array(payloadBytesMax);
    this.#views = Array.from({ length: payloadCount }, () =>
      bytes.subarray(0, between(random, 1, payloadBytesMax)),
    );
  }

  /** The one to submit next. */
  get current(): Uint8Array {
    // reason: the mask keeps the index inside the array that the constructor filled
    return this.#views[this.#next & (payloadCount - 1)]!;
  }

  advance(): void {
    this.#next++;
  }
}

interface Pair {
  readonly front: Domain;
  readonly back: Domain;
  readonly endpoint: Endpoint;
  readonly received: { count: number };
}

async function open(handlers: (received: { count: number }) => EndpointHandlers): Promise<Pair> {
  const transports = [memory({ network: createMemoryNetwork() })];
  const front = createDomain({ name: 'front', transports, wait: 'park' });
  const back = createDomain({ name: 'back', transports, wait: 'park' });
  const received = { count: 0 };
  await back.listen('memory://hub/items', () => handlers(received)).ready;
  const endpoint = await new Promise<Endpoint>((resolve) => {
    front.createEndpoint('memory://hub/items', { connect: resolve });
  });
  return { front, back, endpoint, received };
}

function poll({ front, back }: Pair): void {
  front.poll();
  back.poll();
}

function makeMessageDrive(pair: Pair, payloads: Payloads): (count: number) => void {
  const { endpoint, received } = pair;
  return (count) => {
    const end = received.count + count;
    let left = count;
    while (received.count < end) {
      while (left > 0 && endpoint.submitMessage(payloads.current) >= 0) {
        payloads.advance();
        left--;
      }
      poll(pair);
    }
  };
}

interface Tally {
  settled: number;
  wrong: number;
}

function countCompletion(tally: Tally, code: string): void {
  tally.settled++;
  if (code !== 'OK') tally.wrong++;
}

function makeTransactionDrive(pair: Pair, payloads: Payloads): (count: number) => void {
  const { endpoint } = pair;
  const tally: Tally = { settled: 0, wrong: 0 };
  return (count) => {
    const end = tally.settled + count;
    let left = count;
    while (tally.settled < end) {
      while (left > 0 && endpoint.transact(payloads.current, countCompletion, tally) >= 0) {
        payloads.advance();
        left--;
      }
      poll(pair);
    }
    assert.equal(tally.wrong, 0);
  };
}

function usedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Bytes that one item left behind, in the best run: what else happens only adds to it. */
function measure(drive: (count: number) => void): number {
  drive(warmUpCount);
  let best = Infinity;
  let count = itemCountMax;
  for (let run = 0; run < 12; run++) {
    globalThis.gc?.();
    const profiler = new GCProfiler();
    profiler.start();
    const before = usedBytes();
    drive(count);
    const bytes = usedBytes() - before;
    const isClean = profiler.stop().statistics.length === 0;
    if (isClean) best = Math.min(best, bytes / count);
    else count = Math.max(1000, count >> 1);
  }
  return best;
}

describe('allocation in steady state', () => {
  const seed = seedOfThisRun();

  it('the measure sees an object of 16 bytes and more in each item', () => {
    const kept: { index: number }[] = new Array<{ index: number }>(64);
    const bytes = measure((count) => {
      for (let index = 0; index < count; index++) kept[index & 63] = { index };
    });
    assert(bytes >= 16 && bytes < 64, `${bytes} bytes`);
  });

  for (const [what, handlers, makeDrive] of [
    [
      'message',
      (received: { count: number }): EndpointHandlers => ({
        message: (message) => {
          received.count++;
          message.complete();
        },
      }),
      makeMessageDrive,
    ],
    [
      'callback transaction',
      (): EndpointHandlers => {
        const statuses = new Payloads(1);
        return {
          transaction: (transaction) => {
            transaction.complete(statuses.current);
            statuses.advance();
          },
        };
      },
      makeTransactionDrive,
    ],
  ] as const) {
    it(`a ${what} leaves at most ${bytesPerItemMax} bytes`, async (context) => {
      assert(globalThis.gc !== undefined, 'the tests run with --expose-gc');
      const pair = await open(handlers);
      const bytes = measure(makeDrive(pair, new Payloads(seed)));
      context.diagnostic(`${bytes.toFixed(2)} bytes per ${what}`);
      await Promise.all([pair.front.close(), pair.back.close()]);
      assert(bytes <= bytesPerItemMax, `${bytes.toFixed(2)} bytes, IDC_SEED=${seed}`);
    });
  }
});
