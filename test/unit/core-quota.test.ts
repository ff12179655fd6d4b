/** Quotas and time limits: defaults, ranges, and what two ends agree on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitsDefault, makeLimits } from '../../core/limits.js';
import {
  agreeQuota,
  endpointBytesMax,
  isLegalQuota,
  itemBytesMax,
  makeQuota,
  quotaByteLength,
  quotaDefault,
  slotsMax,
  type Quota,
} from '../../core/quota.js';

const ranges: readonly (readonly [keyof Quota, number, number])[] = [
  ['messages', 1, slotsMax],
  ['messageBytes', 0, itemBytesMax],
  ['transactions', 1, slotsMax],
  ['parameterBytes', 0, itemBytesMax],
  ['statusBytes', 0, itemBytesMax],
];

/** So small otherwise that one item may take its largest value. */
const tiny: Quota = {
  messages: 1,
  messageBytes: 0,
  transactions: 1,
  parameterBytes: 0,
  statusBytes: 0,
};

describe('quota', () => {
  it('defaults suit a block driver', () => {
    assert.deepEqual(makeQuota(), {
      messages: 256,
      messageBytes: 4096,
      transactions: 64,
      parameterBytes: 4096,
      statusBytes: 4096,
    });
    assert(isLegalQuota(quotaDefault));
  });

  it('later choices win, what is left out stays', () => {
    const quota = makeQuota({ messages: 1, statusBytes: 8 }, undefined, { messages: 2 });
    assert.deepEqual(quota, { ...quotaDefault, messages: 2, statusBytes: 8 });
    assert(Object.isFrozen(quota));
  });

  for (const [name, least, most] of ranges) {
    it(`${name}: whole numbers from ${least} to ${most}, and nothing else`, () => {
      for (const value of [least, most]) {
        assert.equal(makeQuota(tiny, { [name]: value })[name], value);
        assert(isLegalQuota({ ...tiny, [name]: value }));
      }
      for (const value of [least - 1, most + 1, 1.5, NaN, Infinity, -Infinity]) {
        const expected = { code: 'BAD_ARGUMENT', message: new RegExp(`quota[.]${name} `) };
        assert.throws(() => makeQuota(tiny, { [name]: value }), expected);
        assert(!isLegalQuota({ ...tiny, [name]: value }));
      }
    });
  }

  it('more memory than an endpoint may have: BAD_ARGUMENT', () => {
    const most = { ...tiny, messages: 16, messageBytes: itemBytesMax };
    assert.equal(quotaByteLength(makeQuota(most)), endpointBytesMax);
    assert.throws(() => makeQuota({ ...most, statusBytes: 1 }), { code: 'BAD_ARGUMENT' });
  });

  it('two ends agree on the smaller value of each item', () => {
    const local = makeQuota({ messages: 1, messageBytes: 9, transactions: 3 });
    const peer = makeQuota({ messages: 2, messageBytes: 8, transactions: 3 });
    const agreed = { ...quotaDefault, messages: 1, messageBytes: 8, transactions: 3 };
    assert.deepEqual(agreeQuota(local, peer), agreed);
    assert.deepEqual(agreeQuota(peer, local), agreed);
  });
});

describe('time limits', () => {
  it('defaults are as stated', () => {
    assert.deepEqual(makeLimits(), {
      handshakeMs: 5_000,
      lingerMs: 2_000,
      keepAliveMs: 2_000,
      flushMs: 1_000,
      drainMs: 10_000,
      timeoutMs: 30_000,
      fenceMs: 5_000,
      dialMinMs: 20,
      dialMaxMs: 5_000,
    });
  });

  it('later choices win', () => {
    const limits = makeLimits({ flushMs: 1, drainMs: 2 }, { flushMs: 3 }, undefined);
    assert.deepEqual(limits, { ...limitsDefault, flushMs: 3, drainMs: 2 });
    assert(Object.isFrozen(limits));
  });

  for (const name of Object.keys(limitsDefault)) {
    const upTo = name === 'timeoutMs' ? 'or Infinity' : 'bounded';
    it(`${name}: a number of milliseconds, ${upTo}`, () => {
      makeLimits({ [name]: 1.5 });
      for (const value of [-1, NaN]) {
        assert.throws(() => makeLimits({ [name]: value }), { code: 'BAD_ARGUMENT' });
      }
      if (name === 'timeoutMs') makeLimits({ [name]: Infinity });
      else assert.throws(() => makeLimits({ [name]: Infinity }), { code: 'BAD_ARGUMENT' });
    });
  }
});
