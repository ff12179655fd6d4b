/** Greetings: round trip, truncation, mutation, and bytes that mean nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressLengthMax } from '../../core/address.js';
import { ByteArea } from '../../core/byte-area.js';
import { FrameType, headWord, protocolVersion } from '../../core/frame.js';
import {
  decodeGreeting,
  encodeGreeting,
  nameBytesMax,
  type Greeting,
} from '../../core/greeting.js';
import { isLegalQuota, itemBytesMax, slotsMax, type Quota } from '../../core/quota.js';
import { seedOfThisRun } from '../compliance/random.js';
import { check } from './check.js';

const head = headWord(FrameType.Hello, 0, 0);
const versionAt = 8;
const quotaAt = 56;
/** As long as an address may be. */
const serviceBytesMax = addressLengthMax;
const lengthsAt = 76;

const hex = (digits: number): fc.Arbitrary<string> =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: digits, maxLength: digits })
    .map((values) => values.map((value) => value.toString(16)).join(''));

const text = (bytesMax: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constant('\uFEFFname'),
    )
    .filter((value) => value.isWellFormed() && Buffer.byteLength(value) <= bytesMax);

const slots = fc.integer({ min: 1, max: slotsMax });
const bytes = fc.integer({ min: 0, max: itemBytesMax });

const quotas: fc.Arbitrary<Quota> = fc.record(
  {
    messages: slots,
    messageBytes: bytes,
    transactions: slots,
    parameterBytes: bytes,
    statusBytes: bytes,
  },
  { noNullPrototype: true },
);

const greetings: fc.Arbitrary<Greeting> = fc.record(
  {
    features: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    domainId: hex(32),
    incarnation: hex(16),
    token: hex(32),
    quota: quotas,
    domainName: text(nameBytesMax),
    endpointName: text(nameBytesMax),
    service: text(serviceBytesMax),
  },
  { noNullPrototype: true },
);

/** Decodes `frame` from the middle of a larger buffer, as a transport hands it over. */
function decode(frame: Uint8Array): ReturnType<typeof decodeGreeting> {
  const around = new Uint8Array(frame.length + 16).fill(0xff);
  around.set(frame, 5);
  return decodeGreeting(new ByteArea(around), 5, frame.length);
}

describe('greeting', () => {
  it('what was encoded is decoded', () => {
    check(greetings, (greeting) => {
      const frame = encodeGreeting(head, greeting);
      assert.equal(new ByteArea(frame).getWord(0), head);
      assert.deepEqual(decode(frame), greeting);
    });
  });

  it('every truncation and every extension is corrupt', () => {
    check(
      greetings,
      (greeting) => {
        const frame = encodeGreeting(head, greeting);
        for (let byteLength = 0; byteLength < frame.length; byteLength++) {
          assert.equal(decode(frame.subarray(0, byteLength)) === 'corrupt', true);
        }
        assert.equal(decode(Buffer.concat([frame, Buffer.alloc(1)])), 'corrupt');
      },
      50,
    );
  });

  it('a name or service that is too long is corrupt', () => {
    const [greeting] = fc.sample(greetings, { numRuns: 1, seed: seedOfThisRun() | 0 });
    assert(greeting !== undefined);
    const longest = {
      domainName: nameBytesMax,
      endpointName: nameBytesMax,
      service: serviceBytesMax,
    };
    for (const [key, byteLength] of Object.entries(longest)) {
      const fits: Greeting = { ...greeting, [key]: 'a'.repeat(byteLength) };
      assert.deepEqual(decode(encodeGreeting(head, fits)), fits);
      const long: Greeting = { ...greeting, [key]: 'a'.repeat(byteLength + 1) };
      assert.equal(decode(encodeGreeting(head, long)), 'corrupt', key);
    }
  });

  it('a name that is not UTF-8 is corrupt, or two of them could become one', () => {
    const [sample] = fc.sample(greetings, { seed: 1, numRuns: 1 });
    assert.ok(sample);
    const encoded = encodeGreeting(head, { ...sample, service: 'disk' });
    encoded[encoded.length - 1] = 0xff;
    assert.equal(decodeGreeting(new ByteArea(encoded), 0, encoded.length), 'corrupt');
  });

  it('another magic is corrupt, whatever follows', () => {
    check(fc.tuple(greetings, fc.integer({ min: 0, max: 31 })), ([greeting, bit]) => {
      const area = new ByteArea(encodeGreeting(head, greeting));
      area.setWord(4, area.getWord(4) ^ (1 << bit));
      assert.equal(decode(area.bytes), 'corrupt');
    });
  });

  it('another version is said to be one, whatever follows', () => {
    const other = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const rest = fc.uint8Array({ maxLength: 200 });
    check(fc.tuple(greetings, other, rest), ([greeting, version, bytesAfter]) => {
      fc.pre(version !== protocolVersion);
      const start = new ByteArea(encodeGreeting(head, greeting).slice(0, versionAt + 4));
      start.setWord(versionAt, version);
      assert.equal(decode(Buffer.concat([start.bytes, bytesAfter])), 'wrongVersion');
    });
  });

  it('a changed word of quota or lengths is corrupt unless it is legal, too', () => {
    const at = fc.integer({ min: 0, max: 7 }).map((index) => quotaAt + 4 * index);
    const word = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.integer({ min: -2, max: 600 }),
    );
    check(
      fc.tuple(greetings, at, word),
      ([greeting, offset, value]) => {
        const area = new ByteArea(encodeGreeting(head, greeting));
        const isSame = area.getWord(offset) === value;
        area.setWord(offset, value);
        const decoded = decode(area.bytes);
        assert.notEqual(decoded, 'wrongVersion');
        if (typeof decoded === 'string') return;
        assert(isLegalQuota(decoded.quota));
        // Lengths are settled by the frame's: another one leaves a gap or a rest.
        assert(isSame || offset < lengthsAt);
      },
      500,
    );
  });

  it('bytes that mean nothing never throw', () => {
    check(fc.uint8Array({ maxLength: 700 }), (frame) => {
      decode(frame);
    });
    check(
      fc.tuple(greetings, fc.uint8Array({ maxLength: 9 }), fc.nat()),
      ([greeting, noise, at]) => {
        const frame = encodeGreeting(head, greeting);
        const from = at % frame.length;
        frame.set(noise.subarray(0, frame.length - from), from);
        decode(frame);
      },
    );
  });
});
