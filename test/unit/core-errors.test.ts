/** The list of errors: numbers that are on the wire for good, and what an error carries. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcAssertionError, assert as assertFact, fail, unreachable } from '../../core/assert.js';
import { ErrorCode, errorFromWire, errorTable, IdcError } from '../../core/errors.js';

/** Frozen: a number once given away keeps its meaning, and a new code gets the next number. */
const wireNumbers: readonly string[] = [
  'OK',
  'NOT_CONNECTED',
  'DISCONNECTED',
  'REFUSED',
  'TOO_LARGE',
  'QUOTA',
  'BACK_PRESSURED',
  'CANCELLED',
  'TIMEOUT',
  'REMOTE',
  'ACCESS_DENIED',
  'CORRUPT',
  'DESTROYED',
  'UNSUPPORTED',
  'BAD_ADDRESS',
  'ADDRESS_IN_USE',
  'UNREACHABLE',
  'WRONG_VERSION',
  'SILENT',
  'SUPERSEDED',
  'EXHAUSTED',
  'STALE_REFERENCE',
  'OUT_OF_RANGE',
  'EXPIRED_REFERENCE',
  'FORGED_REFERENCE',
  'BAD_REFERENCE',
  'FOREIGN_REFERENCE',
  'STALE_LEASE',
];

describe('error list', () => {
  it('each code has the number that it always had', () => {
    const byNumber = Object.entries(errorTable).sort(([, a], [, b]) => a.wire - b.wire);
    assert.deepEqual(
      byNumber.map(([code, { wire }]) => [wire, code]),
      [...wireNumbers.entries()],
    );
  });

  it('names, table and numbers list the same codes', () => {
    assert.deepEqual(Object.values(ErrorCode).sort(), Object.keys(errorTable).sort());
    for (const code of Object.values(ErrorCode)) {
      assert.equal(errorFromWire(errorTable[code].wire), code);
    }
  });

  it('each meaning is one sentence', () => {
    for (const { meaning } of Object.values(errorTable)) assert.match(meaning, /^[A-Z`].*[^.][.]$/);
  });

  it('an unknown number is a later version’s code: REFUSED', () => {
    for (const wire of [wireNumbers.length, -1, 2 ** 31 - 1, 1.5, NaN]) {
      assert.equal(errorFromWire(wire), 'REFUSED');
    }
  });
});

describe('IdcError', () => {
  it('retrySafe: exactly if the work was never executed', () => {
    for (const execution of ['never', 'maybe', 'done'] as const) {
      const error = new IdcError('TIMEOUT', execution);
      assert.equal(error.retrySafe, execution === 'never');
      assert.equal(error.execution, execution);
    }
  });

  it('says what its code means, unless it has a reason of its own', () => {
    const plain = new IdcError('QUOTA', 'never');
    assert.equal(plain.message, `QUOTA (never): ${errorTable.QUOTA.meaning}`);
    assert.equal(plain.name, 'IdcError');
    assert.deepEqual([plain.remoteCode, plain.status], [undefined, undefined]);
    const status = Uint8Array.of(1);
    const remote = new IdcError('REMOTE', 'done', { reason: 'why', remoteCode: 5, status });
    assert.equal(remote.reason, 'why');
    assert.deepEqual([remote.remoteCode, remote.status], [5, status]);
    assert(remote instanceof Error);
  });
});

describe('assertions', () => {
  it('a fact that holds costs nothing; one that does not is an IdcAssertionError', () => {
    assertFact(true, 'unused');
    assert.throws(
      () => {
        assertFact(false, 'the fact');
      },
      new IdcAssertionError('INVARIANT', 'the fact'),
    );
    assert.throws(() => fail('it', 'BAD_ARGUMENT'), {
      code: 'BAD_ARGUMENT',
      message: /^BAD_ARG.*it$/,
    });
    // reason: what the compiler proves impossible is called on purpose
    assert.throws(() => unreachable('value' as never), { code: 'INVARIANT' });
  });
});
