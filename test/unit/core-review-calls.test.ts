/** Calls in odd places and with odd arguments: each was a hang or a wrong answer once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  createDomain,
  createRuntime,
  type Domain,
  type Endpoint,
  type Quota,
} from '../../core/index.js';
import type { EndpointHandlers } from '../../core/api.js';
import { ErrorCode, errorTable } from '../../core/errors.js';
import { FrameType, headWord, replyIsError } from '../../core/frame.js';
import { createMemoryNetwork, memory } from '../../transports/memory/index.js';
import { makeFrame } from './fake-link.js';
import { SessionPair } from './session-pair.js';

/** A thread that polls hears no other: it looks at the time itself, for what would never come. */
const watchdogMs = 30_000;

interface Pair {
  readonly back: Domain;
  readonly front: Domain;
  readonly endpoint: Endpoint;
}

function makePair(
  service: EndpointHandlers,
  handlers: EndpointHandlers = {},
  quota: Partial<Quota> = {},
): Pair {
  const options = { transports: [memory({ network: createMemoryNetwork() })], quota };
  const back = createDomain({ name: 'back', ...options });
  const front = createDomain({ name: 'front', ...options });
  back.listen('memory://hub/disk', () => service);
  return { back, front, endpoint: front.createEndpoint('memory://hub/disk', handlers) };
}

async function connected(endpoint: Endpoint): Promise<void> {
  while (endpoint.state !== 'connected') await turn();
}

async function closeBoth({ back, front }: Pair): Promise<void> {
  await Promise.all([front.close(), back.close()]);
}

/** Where a handler keeps what it will never complete. */
async function abandonBoth({ back, front }: Pair): Promise<void> {
  await Promise.all([front.close({ drainMs: 20 }), back.close({ drainMs: 20 })]);
}

describe('calls in odd places', () => {
  it('a message waiter is served while a transaction waiter has no slot', async () => {
    const pair = makePair({ transaction: () => undefined }, {}, { transactions: 1 });
    await connected(pair.endpoint);
    pair.endpoint.submitTransaction([]).catch(() => undefined);
    let isSlotServed = false;
    pair.endpoint.whenWritable({ kind: 'transaction', byteLength: 1 }).then(
      () => (isSlotServed = true),
      () => undefined,
    );
    await pair.endpoint.whenWritable({ kind: 'message', byteLength: 1 });
    assert.equal(isSlotServed, false);
    await abandonBoth(pair);
  });

  it('a signal asked for after complete() does not reach the next transaction', async () => {
    const aborted: boolean[] = [];
    const pair = makePair(
      {
        transaction: (transaction) => {
          const { signal } = transaction;
          aborted.push(signal.aborted);
          const complete = (): void => {
            transaction.complete();
            assert.equal(transaction.signal.aborted, signal.aborted);
          };
          if (aborted.length > 1) complete();
          else signal.addEventListener('abort', complete);
        },
      },
      {},
      { transactions: 1 },
    );
    await connected(pair.endpoint);
    const cancelled = new AbortController();
    const first = pair.endpoint.submitTransaction([], { signal: cancelled.signal });
    while (aborted.length === 0) await turn();
    cancelled.abort();
    await assert.rejects(first, /CANCELLED/u);
    await pair.endpoint.whenWritable({ kind: 'transaction', byteLength: 0 });
    await pair.endpoint.submitTransaction([]);
    assert.deepEqual(aborted, [false, false]);
    await closeBoth(pair);
  });

  it('a handler may answer whatever it likes, and is awaited if it can be', async () => {
    const log: string[] = [];
    // reason: plain JavaScript gives what the types forbid
    const sloppy = {
      appear: () => log.push('appear'),
      connect: () => log.push('connect'),
      disconnect: () => ({
        then: (settle: () => void) => {
          log.push('draining');
          setTimeout(settle, 5);
        },
      }),
      disappear: () => log.push('disappear'),
    } as unknown as EndpointHandlers;
    const pair = makePair({}, sloppy);
    await connected(pair.endpoint);
    await closeBoth(pair);
    assert.deepEqual(log, ['appear', 'connect', 'draining', 'disappear']);
  });

  it('what is not bytes is refused before anything is claimed', async () => {
    const pair = makePair({
      message: (message) => {
        message.complete();
      },
    });
    await connected(pair.endpoint);
    const wrong: unknown[] = ['text', ['text'], [1, 2], new Uint16Array(2), 7];
    for (const body of wrong) {
      // reason: plain JavaScript gives what the types forbid
      assert.throws(() => pair.endpoint.submitMessage(body as Uint8Array), /BAD_ARGUMENT/u);
    }
    assert(pair.endpoint.submitMessage([Uint8Array.of(1), Uint8Array.of(2)]) > 0);
    await pair.endpoint.whenFlushed();
    await closeBoth(pair);
  });

  it('options that would wait for ever, or admit nobody, are refused', async () => {
    const { back, front, endpoint } = makePair({});
    const bad = /BAD_ARGUMENT/u;
    for (const drainMs of [-1, Number.NaN, Infinity]) {
      assert.throws(() => endpoint.destroy({ drainMs }), bad);
      assert.throws(() => front.close({ drainMs }), bad);
    }
    for (const options of [{ peersMax: 0 }, { peersMax: Number.NaN }, { forgetMs: Number.NaN }]) {
      assert.throws(() => back.listen('memory://hub/other', () => ({}), options), bad);
    }
    const transport = memory({ network: createMemoryNetwork() });
    assert.throws(() => createDomain({ name: '', transports: [transport, transport] }), bad);
    await Promise.all([front.close(), back.close()]);
  });

  it('a poll of nothing is refused, and the domain goes on', async () => {
    const { back, front, endpoint } = makePair({});
    assert.throws(() => front.poll(0), /BAD_ARGUMENT/u);
    await connected(endpoint);
    await Promise.all([front.close(), back.close()]);
  });
});

describe('a thread that polls and never yields', () => {
  it('destroys its endpoints', () => {
    const log: string[] = [];
    const { back, front, endpoint } = makePair(
      {},
      {
        disconnect: () => void log.push('disconnect'),
        disappear: () => void log.push('disappear'),
      },
    );
    const pollUntil = (state: string): void => {
      const end = performance.now() + watchdogMs;
      while (endpoint.state !== state && performance.now() < end) {
        back.poll();
        front.poll();
      }
      assert.equal(endpoint.state, state);
    };
    pollUntil('connected');
    void endpoint.destroy();
    assert.equal(endpoint.state, 'connected', 'nobody is called before destroy returns');
    pollUntil('destroyed');
    assert.deepEqual(log, ['disconnect', 'disappear']);
    void front.close();
    void back.close();
  });

  it('sees the time limit of a transaction', () => {
    const { back, front, endpoint } = makePair({ transaction: () => undefined });
    const end = performance.now() + watchdogMs;
    const pollWhile = (isGoingOn: () => boolean): void => {
      while (isGoingOn() && performance.now() < end) {
        back.poll();
        front.poll();
      }
    };
    pollWhile(() => endpoint.state !== 'connected');
    let settledCode: ErrorCode | undefined;
    const startMs = performance.now();
    endpoint.transact(
      Uint8Array.of(1),
      (_context, code) => {
        settledCode = code;
      },
      undefined,
      20,
    );
    pollWhile(() => settledCode === undefined);
    assert.equal(settledCode, ErrorCode.Timeout);
    assert(performance.now() - startMs >= 20, 'not early');
    void front.close();
    void back.close();
  });
});

describe('a reply that lies', () => {
  for (const code of [ErrorCode.Ok, ErrorCode.Remote]) {
    it(`an error of the framework that says ${code} is CORRUPT`, () => {
      const pair = new SessionPair({ transactions: 1 });
      const { near } = pair;
      const ticket = near.transact('a', Uint8Array.of(1));
      const head = headWord(FrameType.Reply, replyIsError, 1);
      const area = makeFrame([head, ticket, errorTable[code].wire]);
      near.session.frame(area.bytes, 0, area.bytes.length);
      assert.equal(near.end?.reason, 'CORRUPT');
      assert.deepEqual(near.namesSettled(), ['a DISCONNECTED maybe']);
    });
  }
});

it('poll: a handler that throws is not lost in a loop that never yields', async () => {
  const crashes: Error[] = [];
  const runtime = { ...createRuntime(), crash: (error: Error) => void crashes.push(error) };
  const network = createMemoryNetwork();
  const back = createDomain({ name: 'back', transports: [memory({ network })], runtime });
  const front = createDomain({ name: 'front', transports: [memory({ network })] });
  back.listen('memory://back/', () => ({
    message: () => {
      throw new Error('mistake');
    },
  }));
  const endpoint = front.createEndpoint('memory://back/', {});
  assert.throws(
    () => {
      for (let turn = 0; turn < 1_000_000; turn++) {
        if (endpoint.state === 'connected') endpoint.submitMessage(new Uint8Array(1));
        front.poll();
        back.poll();
      }
    },
    { code: 'HANDLER_THREW' },
  );
  assert.equal(crashes[0]?.cause instanceof Error && crashes[0].cause.message, 'mistake');
  await Promise.all([front.close({ drainMs: 0 }), back.close({ drainMs: 0 })]);
});
