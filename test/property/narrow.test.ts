/** Chains of `narrow`, and what the owner makes of them, against a model of plain ranges. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ErrorCode, IdcError } from '../../core/errors.js';
import type { BufferAccess } from '../../core/shared-memory.js';
import type { NarrowOptions } from '../../core/transfer/reference-narrow.js';
import { RemoteBufferReference } from '../../core/transfer/reference.js';
import type { Holder } from '../../core/transfer/registrations.js';
import { alice, bob, holderOf, isGrant, Owner, somebody } from '../unit/registration-rig.js';
import { unixStartMs } from '../unit/virtual-runtime.js';
import { check } from './check.js';

const restrictionsMax = 16;
const holders: readonly Holder[] = [
  alice,
  bob,
  somebody,
  holderOf({ kind: 'key', name: 'alice' }),
  holderOf(alice.identity, true),
  holderOf(bob.identity, true),
];
const letters: Readonly<Record<BufferAccess, string>> = { read: 'r', write: 'w', readWrite: 'rw' };

function covers(granted: string, wanted: BufferAccess): boolean {
  return ['r', 'w'].every((each) => granted.includes(each) || !letters[wanted].includes(each));
}

/** A whole number from 0 to `most`. */
function isCountUpTo(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

/** What is left of a reference, in the simplest terms. */
interface Model {
  readonly start: number;
  readonly end: number;
  readonly letters: string;
  readonly holder: Holder | undefined;
  readonly expiresMs: number;
  readonly restrictionCount: number;
}

/** What narrowing has to lead to. */
function narrowModel(model: Model, options: NarrowOptions): Model | ErrorCode {
  const { offset = 0, access, holder, expiresMs = Infinity } = options;
  const left = model.end - model.start;
  const { byteLength = left - offset } = options;
  if (access !== undefined && !covers(model.letters, access)) return ErrorCode.AccessDenied;
  if (!isCountUpTo(offset, left) || !isCountUpTo(byteLength, left - offset)) {
    return ErrorCode.OutOfRange;
  }
  const only = holders.find(({ identity }) => identity === holder);
  if (only !== undefined && only.identity.kind === 'unproven') return ErrorCode.AccessDenied;
  const isAnother = model.holder !== undefined && !isSameParty(only ?? model.holder, model.holder);
  if (isAnother) return ErrorCode.AccessDenied;
  const next: Model = {
    start: model.start + offset,
    end: model.start + offset + byteLength,
    letters: access === undefined ? model.letters : letters[access],
    holder: model.holder ?? only,
    expiresMs: Math.min(model.expiresMs, expiresMs),
    restrictionCount: model.restrictionCount,
  };
  if (isSameModel(next, model)) return model;
  const restrictionCount = model.restrictionCount + 1;
  return restrictionCount > restrictionsMax ? ErrorCode.TooLarge : { ...next, restrictionCount };
}

function isSameParty(one: Holder, other: Holder): boolean {
  return one.identity.kind === other.identity.kind && one.identity.name === other.identity.name;
}

function isSameModel(one: Model, other: Model): boolean {
  const isSameRange = one.start === other.start && one.end === other.end;
  const isSameRest = one.letters === other.letters && one.expiresMs === other.expiresMs;
  return isSameRange && isSameRest && one.holder === other.holder;
}

interface Access {
  readonly holder: Holder;
  readonly access: BufferAccess;
  readonly offset: number;
  readonly byteLength: number;
}

/** Where the access begins, or why there is none. */
function judgeModel(model: Model, use: Access, unixMs: number): number | ErrorCode {
  if (model.holder !== undefined && !isSameParty(use.holder, model.holder)) {
    return ErrorCode.AccessDenied;
  }
  if (unixMs >= model.expiresMs) return ErrorCode.ExpiredReference;
  if (!covers(model.letters, use.access)) return ErrorCode.AccessDenied;
  const left = model.end - model.start;
  const isWithin = isCountUpTo(use.offset, left) && isCountUpTo(use.byteLength, left - use.offset);
  return isWithin ? model.start + use.offset : ErrorCode.OutOfRange;
}

const bufferBytesMax = 40;
const accesses = fc.constantFrom<BufferAccess>('read', 'write', 'readWrite');
const numbers = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 4, arbitrary: fc.integer({ min: -2, max: bufferBytesMax + 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, 0.5, 2 ** 32, 2 ** 53, -(2 ** 53)) },
);
const times = fc.integer({ min: 0, max: 30 }).map((ms) => unixStartMs + ms);
const anyNarrowings = fc.record(
  {
    offset: numbers,
    byteLength: fc.oneof(numbers, fc.integer({ min: 20, max: bufferBytesMax })),
    access: accesses,
    holder: fc.constantFrom(...holders).map(({ identity }) => identity),
    expiresMs: fc.oneof(times, fc.constant(Infinity)),
  },
  { requiredKeys: [] },
);
/** Mostly what leaves nearly all, or no chain would ever be long. */
const narrowings = fc.oneof(
  { weight: 1, arbitrary: anyNarrowings },
  { weight: 4, arbitrary: fc.constant({ offset: 1 }) },
);
const uses = fc.record({
  /** Which of the references, counted from the weakest. */
  which: fc.nat({ max: 4 }),
  holder: fc.constantFrom(...holders),
  access: accesses,
  offset: numbers,
  byteLength: numbers,
  passesMs: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { arbitrary: fc.nat({ max: 6 }), weight: 1 },
  ),
});
const cases = fc.record({
  byteLength: fc.integer({ min: 0, max: bufferBytesMax }),
  access: accesses,
  expiresMs: fc.oneof(fc.constant(Infinity), times),
  steps: fc.array(fc.record({ options: narrowings, travels: fc.boolean() }), {
    maxLength: 40,
    size: 'max',
  }),
  uses: fc.array(uses, { maxLength: 30 }),
});

interface Pair {
  readonly reference: RemoteBufferReference;
  readonly model: Model;
}

function codeOf(call: () => RemoteBufferReference): RemoteBufferReference | ErrorCode {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof IdcError) || error.execution !== 'never') throw error;
    return error.code;
  }
}

/** The next pair; none if both refuse alike. */
function narrowBoth(
  { reference, model }: Pair,
  options: NarrowOptions,
  note: (kind: string) => void,
): Pair | undefined {
  const expected = narrowModel(model, options);
  const got = codeOf(() => reference.narrow(options));
  if (typeof expected === 'string' || typeof got === 'string') {
    assert.equal(typeof got === 'string' ? got : 'OK', expected);
    note(`narrow ${String(got)}`);
    return undefined;
  }
  assert.equal(got === reference, expected === model, 'the same exactly if nothing is taken away');
  return { reference: got, model: expected };
}

describe('narrow', () => {
  it('leaves what a plain range would have left, and never more', () => {
    const seen = new Map<string, number>();
    const countOf = (kind: string): number => seen.get(kind) ?? 0;
    const note = (kind: string): void => {
      seen.set(kind, countOf(kind) + 1);
    };
    check(
      cases,
      ({ byteLength, access, expiresMs, steps, uses: all }) => {
        const owner = new Owner();
        const options = { access, expiresMs };
        const { reference } = owner.register(new Uint8Array(byteLength), options);
        const whole = { start: 0, end: byteLength, letters: letters[access], expiresMs };
        const first = { ...whole, holder: undefined, restrictionCount: 0 };
        const pairs: Pair[] = [{ reference, model: first }];
        for (const { options: narrowing, travels } of steps) {
          const last = pairs.at(-1);
          assert(last !== undefined);
          const next = narrowBoth(last, narrowing, note);
          if (next === undefined) continue;
          const { reference: made, model } = next;
          assert.equal(made.byteLength, model.end - model.start);
          assert.equal(made.expiresMs, model.expiresMs);
          assert.equal(letters[made.access], model.letters);
          const isWhole = made.byteLength === byteLength && made.access === access;
          assert.equal(made.isWhole, isWhole);
          const kept = travels ? RemoteBufferReference.decode(made.encode()) : made;
          pairs.push({ reference: kept, model });
        }
        for (const use of all) {
          owner.runtime.advance(use.passesMs);
          const pair = pairs.at(-1 - Math.min(use.which, pairs.length - 1));
          assert(pair !== undefined);
          const encoded = pair.reference.encode();
          const { holder, access: wanted, offset } = use;
          const result = owner.registrations.check(encoded, holder, wanted, offset, use.byteLength);
          const expected = judgeModel(pair.model, use, owner.runtime.clock.unixMs());
          assert.equal(isGrant(result) ? result.offset : result, expected);
          note(typeof expected === 'number' ? 'granted' : expected);
        }
      },
      1000,
    );
    for (const code of ['ACCESS_DENIED', 'OUT_OF_RANGE', 'EXPIRED_REFERENCE']) {
      assert(countOf(code) > 50, `${code}: ${countOf(code)}`);
    }
    assert(countOf('granted') > 50 && countOf('narrow TOO_LARGE') > 5);
  });
});
