/**
 * The two ends of a driver over memory: calls, failures, events, flow, and bytes of no protocol.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcError } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  defineProtocol,
  DriverError,
  kitFailures,
  type Context,
  type FrontEnd,
  type FrontEndPeer,
  type ItemFault,
  type SchemaOf,
} from 'idc/drivers/kit';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import { quotaOf } from '../../../drivers/kit/quota-of.js';
import { onPair } from './pair.js';

const schema = {
  name: 'store',
  version: 1,
  errors: { NO_ROOM: 1, NOT_THERE: 7 },
  transactions: {
    put: { parameters: { key: { text: 8 }, data: { bytes: 64 } }, effect: 'idempotent' },
    get: { parameters: { key: { text: 8 } }, status: { data: { bytes: 64 } }, effect: 'none' },
    wait: { parameters: { ticket: 'uint8' } },
  },
  messages: {
    stored: { to: 'front', fields: { key: { text: 8 } } },
    hint: { to: 'back', fields: { key: { text: 8 } } },
  },
} as const;
const store = defineProtocol(schema);
type Peer = FrontEndPeer<typeof schema>;

/** A back end as a class, some of whose handlers are asynchronous. */
class Shelf {
  readonly #data = new Map<string, Uint8Array>();
  readonly #waiting = new Map<number, () => void>();
  readonly hints: string[] = [];
  /** Whoever waits here is let go by `release`. */
  readonly signals: AbortSignal[] = [];

  put({ key, data }: { readonly key: string; readonly data: Uint8Array }) {
    if (this.#data.size >= 3) throw store.failure('NO_ROOM');
    this.#data.set(key, data);
  }

  async get({ key }: { readonly key: string }) {
    await Promise.resolve();
    const data = this.#data.get(key);
    return data === undefined ? store.failure('NOT_THERE') : { data };
  }

  wait({ ticket }: { readonly ticket: number }, { signal }: Context<Peer>): Promise<void> {
    this.signals.push(signal);
    return new Promise((resolve) => this.#waiting.set(ticket, resolve));
  }

  hint({ key }: { readonly key: string }) {
    this.hints.push(key);
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  release(ticket: number): void {
    this.#waiting.get(ticket)?.();
  }
}

/** Lets every promise and every turn that is due happen until `fact` holds. */
async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve));
}

const failsAs = (failure: string, execution: string) => (error: unknown) => {
  assert.ok(error instanceof DriverError, String(error));
  assert.deepEqual([error.failure, error.execution], [failure, execution]);
  return true;
};

it('bytes of a status are read into the memory of who asks, if they fit there', async () => {
  await onPair(async ({ front, back, address }) => {
    const data = Uint8Array.of(1, 2, 3);
    createBackEnd(back, address, store, {
      put: () => undefined,
      get: () => ({ data }),
      wait: () => undefined,
      hint: () => undefined,
    });
    const frontEnd = createFrontEnd(front, address, store);
    for (const byteLength of [2, 3, 5]) {
      const into = Buffer.alloc(byteLength, 9);
      const answer = await frontEnd.get({ key: 'a' }, { into });
      assert.deepEqual([...answer.data], [1, 2, 3]);
      assert.equal(answer.data.buffer === into.buffer, byteLength >= 3);
      assert.equal(answer.data === into, byteLength === 3);
      assert.deepEqual([...into].slice(3), Array<number>(Math.max(0, byteLength - 3)).fill(9));
    }
    // It was for that call alone.
    const { data: other } = await frontEnd.get({ key: 'a' });
    assert.deepEqual([...other], [1, 2, 3]);
  });
});

describe('calls', () => {
  it('are methods with typed values and answers, from before there is a connection', async () => {
    await onPair(async ({ front, back, address }) => {
      const shelf = createFrontEnd(front, address, store);
      const early = shelf.put({ key: 'a', data: Uint8Array.of(1, 2) });
      createBackEnd(back, address, store, new Shelf());
      await early;
      assert.deepEqual(await shelf.get({ key: 'a' }), { data: Uint8Array.of(1, 2) });
      assert.equal(shelf.agreed?.recovery, 'none');
    });
  });

  it('end with the name of the failure that a handler threw or answered', async () => {
    await onPair(async ({ front, back, address }) => {
      createBackEnd(back, address, store, new Shelf());
      const shelf = createFrontEnd(front, address, store);
      const missing = shelf.get({ key: 'a' });
      await assert.rejects(missing, failsAs('NOT_THERE', 'done'));
      await assert.rejects(missing, (error) => error instanceof IdcError && error.remoteCode === 7);
      for (const key of ['a', 'b', 'c']) await shelf.put({ key, data: new Uint8Array(1) });
      await assert.rejects(
        shelf.put({ key: 'd', data: new Uint8Array(1) }),
        failsAs('NO_ROOM', 'done'),
      );
    });
  });

  it('with a value of another type end as BAD_VALUE, and nothing is sent', async () => {
    await onPair(async ({ front, back, address }) => {
      createBackEnd(back, address, store, new Shelf());
      const shelf = createFrontEnd(front, address, store);
      await shelf.ready();
      const long = shelf.put({ key: 'a', data: new Uint8Array(65) });
      await assert.rejects(long, failsAs('BAD_VALUE', 'never'));
      await assert.rejects(long, /put: data is not at most 64 bytes/);
      // @ts-expect-error plain JavaScript may do so
      await assert.rejects(shelf.put({ key: 5, data: new Uint8Array(1) }), /key is not text/);
      assert.equal(shelf.endpoint.statistics().transactionsSubmitted, 1);
    });
  });

  it('that are aborted tell their handler, and end by what was known', async () => {
    await onPair(async ({ front, back, address }) => {
      const handlers = new Shelf();
      createBackEnd(back, address, store, handlers);
      const shelf = createFrontEnd(front, address, store);
      const abort = new AbortController();
      const call = shelf.wait({ ticket: 1 }, { signal: abort.signal });
      await until(() => handlers.waitingCount === 1);
      abort.abort();
      await assert.rejects(call, { code: 'CANCELLED', execution: 'maybe' });
      assert.equal(handlers.signals[0]?.aborted, true);
      handlers.release(1);
      const late = shelf.wait({ ticket: 2 }, { signal: AbortSignal.abort() });
      await assert.rejects(late, { code: 'CANCELLED', execution: 'never' });
    });
  });

  it('that wait end after their time, as never', async () => {
    await onPair(async ({ front, address }) => {
      const shelf = createFrontEnd(front, address, store, { timeoutMs: 30 });
      await assert.rejects(shelf.get({ key: 'a' }), { code: 'TIMEOUT', execution: 'never' });
      const call = shelf.get({ key: 'a' }, { timeoutMs: 1 });
      await assert.rejects(call, { code: 'TIMEOUT', execution: 'never' });
    });
  });

  it('beyond the queue end as QUEUE_FULL; those in it are made in order', async () => {
    await onPair(async ({ front, back, address }) => {
      const handlers = new Shelf();
      createBackEnd(back, address, store, handlers);
      const options = { queueMax: 2, counts: { transactions: 1 } };
      const shelf = createFrontEnd(front, address, store, options);
      await shelf.ready();
      const order: number[] = [];
      const calls = [1, 2, 3].map(async (ticket) => {
        await shelf.wait({ ticket });
        order.push(ticket);
      });
      await assert.rejects(shelf.wait({ ticket: 4 }), failsAs('QUEUE_FULL', 'never'));
      assert.equal(shelf.statistics().queued, 2);
      for (const ticket of [1, 2, 3]) {
        await until(() => handlers.waitingCount === ticket);
        handlers.release(ticket);
      }
      await Promise.all(calls);
      assert.deepEqual(order, [1, 2, 3]);
    });
  });

  it('end as DESTROYED when the front end is closed, or its domain', async () => {
    await onPair(async ({ front, address }) => {
      const one = createFrontEnd(front, address, store);
      const call = assert.rejects(one.get({ key: 'a' }), { code: 'DESTROYED' });
      await one.close();
      await call;
      await assert.rejects(one.get({ key: 'a' }), { code: 'DESTROYED' });
      await assert.rejects(one.ready(), { code: 'DESTROYED' });
      const other = createFrontEnd(front, address, store);
      const late = assert.rejects(other.get({ key: 'a' }), { code: 'DESTROYED' });
      await front.close();
      await late;
    });
  });
});

it('the types of methods follow from the schema', () => {
  const protocol = defineProtocol({
    name: 'types',
    version: 1,
    transactions: { go: { parameters: { far: 'uint8' }, status: { left: 'uint8' } }, stop: {} },
    messages: { arrived: { to: 'front', fields: { at: 'uint8' } }, hurry: { to: 'back' } },
  });
  type Car = FrontEnd<SchemaOf<typeof protocol>>;
  const drive = async (car: Car): Promise<number> => {
    // @ts-expect-error a number is wanted
    await car.go({ far: 'away' });
    // @ts-expect-error something is missing
    await car.go();
    // @ts-expect-error there is no such status
    (await car.go({ far: 3 })).right satisfies unknown;
    await car.stop();
    await car.hurry();
    car.arrived$.subscribe(({ at }) => at.toFixed());
    return (await car.go({ far: 3 })).left;
  };
  assert.equal(typeof drive, 'function');
  assert.equal(protocol.transactions.length, 2);
});

describe('events', () => {
  it('reach observers of every front end, or of the one that is meant', async () => {
    await onPair(async ({ front, back, address }) => {
      const server = createBackEnd(back, address, store, (peer: Peer) => {
        const handlers = new Shelf();
        return {
          put: async (values: { readonly key: string; readonly data: Uint8Array }) => {
            handlers.put(values);
            await peer.stored({ key: values.key });
          },
          get: (values: { readonly key: string }) => handlers.get(values),
          wait: () => Promise.resolve(),
          hint: () => undefined,
        };
      });
      const [one, other] = [1, 2].map(() => createFrontEnd(front, address, store));
      assert.ok(one !== undefined && other !== undefined);
      await Promise.all([one.ready(), other.ready()]);
      const heard = firstValueFrom(one.stored$.pipe(take(2), toArray()));
      const heardByOther = firstValueFrom(other.stored$);
      await one.put({ key: 'mine', data: new Uint8Array(1) });
      await server.stored({ key: 'all' });
      assert.deepEqual(await heard, [{ key: 'mine' }, { key: 'all' }]);
      assert.deepEqual(await heardByOther, { key: 'all' });
      assert.equal(server.frontEnds.length, 2);
    });
  });

  it('wait for a handler that is slow, up to the queue, and none is lost', async () => {
    await onPair(async ({ front, back, address }) => {
      const server = createBackEnd(back, address, store, new Shelf(), { queueMax: 3 });
      const heard: string[] = [];
      let letGo: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const stored = async ({ key }: { readonly key: string }): Promise<void> => {
        heard.push(key);
        await gate;
      };
      const options = { events: { stored }, counts: { messages: 2 } };
      const shelf = createFrontEnd(front, address, store, options);
      await shelf.ready();
      const [peer] = server.frontEnds;
      assert.ok(peer !== undefined);
      const sent = [1, 2, 3, 4, 5].map((number) => peer.stored({ key: `${number}` }));
      await assert.rejects(peer.stored({ key: '6' }), failsAs('QUEUE_FULL', 'never'));
      await until(() => heard.length === 2);
      letGo();
      await Promise.all(sent);
      await until(() => heard.length === 5);
      assert.deepEqual(heard, ['1', '2', '3', '4', '5']);
    });
  });

  it('that wait when the connection ends are known not to have been sent', async () => {
    await onPair(async ({ front, back, address }) => {
      const server = createBackEnd(back, address, store, new Shelf());
      const events = { stored: () => new Promise<void>(() => undefined) };
      const shelf = createFrontEnd(front, address, store, { events, counts: { messages: 1 } });
      await shelf.ready();
      const [peer] = server.frontEnds;
      assert.ok(peer !== undefined);
      await peer.stored({ key: '1' });
      const waiting = assert.rejects(peer.stored({ key: '2' }), {
        code: 'DISCONNECTED',
        execution: 'never',
      });
      await shelf.endpoint.destroy({ drainMs: 0 });
      await waiting;
      await assert.rejects(peer.stored({ key: '3' }), { code: 'NOT_CONNECTED' });
      await server.stored({ key: '4' });
    });
  });
});

describe('messages', () => {
  it('are handled in order with transactions', async () => {
    await onPair(async ({ front, back, address }) => {
      const handlers = new Shelf();
      createBackEnd(back, address, store, handlers);
      const shelf = createFrontEnd(front, address, store);
      void shelf.hint({ key: 'a' });
      void shelf.hint({ key: 'b' });
      await assert.rejects(shelf.get({ key: 'c' }), failsAs('NOT_THERE', 'done'));
      assert.deepEqual(handlers.hints, ['a', 'b']);
    });
  });
});

describe('bytes of no protocol', () => {
  it('are answered with a typed failure, counted, and reach no handler', async () => {
    await onPair(async ({ front, back, address }) => {
      const handlers = new Shelf();
      const server = createBackEnd(back, address, store, handlers);
      const faults: ItemFault[] = [];
      server.faults$.subscribe((fault) => faults.push(fault));
      const good = createFrontEnd(front, address, store);
      await good.ready();
      const raw = front.createEndpoint(address, {}, { quota: quotaOf(store) });
      await firstValueFrom(raw.lifecycle$.pipe(filter(({ type }) => type === 'connect')));
      const codeOf = async (...bytes: number[]): Promise<number> =>
        raw.submitTransaction(Uint8Array.from(bytes)).then(
          () => 0,
          (error: unknown) => (error instanceof IdcError ? (error.remoteCode ?? 0) : 0),
        );
      assert.equal(await codeOf(2, 1, 97), kitFailures.NOT_AGREED.wire);
      assert.equal(await codeOf(), kitFailures.NOT_AGREED.wire);
      assert.equal(await codeOf(0, 1, 200), kitFailures.BAD_PARAMETERS.wire);
      // The greeting of a front end that agrees, by hand.
      const { encodeGreeting, versionsOf } = await import('../../../drivers/kit/greeting.js');
      const frontEnd = new Uint8Array(16);
      const rest = { features: [], frontEnd, writes: true, recovers: false, oldestUnsettled: 1 };
      await raw.submitTransaction(encodeGreeting({ ...versionsOf(store), ...rest }));
      assert.equal(await codeOf(2, 200), kitFailures.BAD_PARAMETERS.wire);
      assert.equal(await codeOf(2, 1, 0xff), kitFailures.BAD_PARAMETERS.wire);
      assert.equal(await codeOf(2, 1, 97, 0), kitFailures.BAD_PARAMETERS.wire);
      assert.equal(await codeOf(9), kitFailures.UNKNOWN_ITEM.wire);
      raw.submitMessage(Uint8Array.of(1, 200));
      raw.submitMessage(Uint8Array.of(7));
      raw.submitMessage(Uint8Array.of(0, 9));
      await raw.whenFlushed();
      assert.deepEqual(
        faults.map(({ item }) => item),
        ['greeting', 'get', 'get', 'get', 'hint', 'message 7', 'notice'],
      );
      assert.equal(raw.state, 'connected');
      assert.deepEqual(handlers.hints, []);
      await good.put({ key: 'a', data: new Uint8Array(1) });
    });
  });

  it('from a back end end a call as BAD_STATUS, and an event as a fault', async () => {
    await onPair(async ({ front, back, address }) => {
      const lamp = defineProtocol({ ...schema, name: 'other' });
      const { agree, decodeGreeting, encodeReply } =
        await import('../../../drivers/kit/greeting.js');
      back.listen(
        address,
        () => ({
          transaction: (request) => {
            if (request.parameters[0] !== 0) {
              request.endpoint.submitMessage(Uint8Array.of(1, 250));
              request.endpoint.submitMessage(Uint8Array.of(99));
              request.complete(Uint8Array.of(1, 2, 3));
              return;
            }
            const greeting = decodeGreeting(request.parameters);
            assert.ok(greeting !== undefined);
            const agreement = agree(lamp, [], greeting);
            assert.ok(typeof agreement === 'object');
            const memory = new Uint8Array(16);
            const standing = { recovery: 'none', isWriter: true, memory, isKnown: false } as const;
            request.complete(encodeReply({ ...agreement, ...standing }));
          },
        }),
        { quota: quotaOf(lamp) },
      );
      const shelf = createFrontEnd(front, address, lamp);
      const faults = firstValueFrom(shelf.faults$.pipe(take(2), toArray()));
      const call = shelf.put({ key: 'a', data: new Uint8Array(1) });
      await assert.rejects(call, failsAs('BAD_STATUS', 'done'));
      assert.deepEqual(
        (await faults).map(({ item }) => item),
        ['stored', 'event 99'],
      );
    });
  });
});
