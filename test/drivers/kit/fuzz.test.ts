/** The fuzzer finds nothing in a sound back end, and something in one that is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReceivedTransaction } from 'idc';
import { createBackEnd, defineProtocol, fuzzBackEnd } from 'idc/drivers/kit';
import { agree, decodeGreeting, encodeReply } from '../../../drivers/kit/greeting.js';
import { quotaOf } from '../../../drivers/kit/quota-of.js';
import { seedOfThisRun } from '../../compliance/random.js';
import { onPair } from './pair.js';

const everything = defineProtocol({
  name: 'everything',
  version: 2,
  errors: { NO: 3 },
  features: { extra: 'More.' },
  transactions: {
    all: {
      parameters: {
        a: 'boolean',
        b: 'uint8',
        c: 'uint16',
        d: 'uint32',
        e: 'uint53',
        f: 'int32',
        g: 'int53',
        h: 'uint64',
        i: 'float64',
        j: { bytes: 300, lent: true },
        k: { text: 40 },
        l: { choice: ['one', 'two'] },
        m: { list: { record: { x: 'uint8', y: { optional: 'reference' } } }, max: 5 },
        n: { is: 'uint8', since: 2, otherwise: 1 },
      },
      status: { sum: 'float64', j: { bytes: 300 } },
      effect: 'idempotent',
    },
    look: { status: { count: 'uint32' }, effect: 'none' },
    more: { feature: 'extra', parameters: { buffer: 'reference' } },
  },
  messages: {
    told: { to: 'front', fields: { count: 'uint32' } },
    tell: { to: 'back', fields: { word: { text: 20 } } },
  },
});

const seed = seedOfThisRun() % 2 ** 31;

describe(`a sound back end, IDC_SEED=${seed}`, () => {
  for (const kind of ['none', 'lease', 'table'] as const) {
    it(`with recovery ${kind}: every item is answered as it should be`, async () => {
      await onPair(async ({ front, back, address }) => {
        let count = 0;
        const server = createBackEnd(
          back,
          address,
          everything,
          {
            all: async ({ a, b, h, j, k, l, m }) => {
              count += 1;
              await Promise.resolve();
              assert.ok(typeof h === 'bigint' && h >= 0n && Buffer.byteLength(k) <= 40);
              assert.ok(m.length <= 5 && ['one', 'two'].includes(l));
              if (a) throw everything.failure('NO');
              void server.told({ count });
              return { sum: b, j };
            },
            look: () => ({ count }),
            more: ({ buffer }) => {
              assert.equal(buffer.access, 'readWrite');
            },
            tell: ({ word }) => {
              assert.ok(Buffer.byteLength(word) <= 20);
            },
          },
          { recovery: { kind } },
        );
        const options = { protocol: everything, domain: front, address, seed };
        const report = await fuzzBackEnd({ ...options, rounds: 1_500 });
        assert.ok(report.answered > 100 && report.refused > 100 && report.failed > 10);
        assert.ok(report.messages > 100 && count > 50);
      });
    });
  }
});

describe('a back end that is not sound is told, with the seed', () => {
  type Handle = (request: ReceivedTransaction) => void;

  async function fuzzRaw(handle: Handle, answerMs: number): Promise<void> {
    await onPair(async ({ front, back, address }) => {
      const transaction = (request: ReceivedTransaction): void => {
        if (request.parameters[0] !== 0) {
          handle(request);
          return;
        }
        const greeting = decodeGreeting(request.parameters);
        const agreed = greeting === undefined ? 'BAD_PARAMETERS' : agree(everything, [], greeting);
        if (typeof agreed === 'string') {
          request.complete([], -1);
          return;
        }
        const memory = new Uint8Array(16);
        const standing = { recovery: 'none', isWriter: true, memory, isKnown: false } as const;
        request.complete(encodeReply({ ...agreed, ...standing }));
      };
      back.listen(address, () => ({ transaction }), { quota: quotaOf(everything) });
      const options = { protocol: everything, domain: front, address, seed: 5, answerMs };
      await fuzzBackEnd({ ...options, rounds: 300 });
    });
  }

  let isFirst = true;
  const refuseFirst = (request: ReceivedTransaction): boolean => {
    if (isFirst) request.complete([], -3);
    else return false;
    isFirst = false;
    return true;
  };
  const completeOnceGivenUp: Handle = (request) => {
    request.signal.addEventListener('abort', () => request.complete());
  };
  const cases: readonly (readonly [string, Handle, RegExp])[] = [
    ['answers before the greeting', (request) => request.complete(), /before the greeting/],
    ['answers nonsense', (request) => request.complete(Uint8Array.of(1)), /cannot be read|number/],
    ['answers an unknown code', (request) => request.complete([], 999), /unknown code 999/],
    ['does not answer', completeOnceGivenUp, /TIMEOUT/],
  ];
  for (const [what, handle, pattern] of cases) {
    it(what, async () => {
      isFirst = !what.includes('before');
      const answerMs = what === 'does not answer' ? 100 : 10_000;
      const run = fuzzRaw((request) => {
        if (!refuseFirst(request)) handle(request);
      }, answerMs);
      await assert.rejects(run, (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, pattern);
        if (!what.includes('before')) assert.match(error.message, /^seed 5, round \d+: /);
        return true;
      });
    });
  }
});
