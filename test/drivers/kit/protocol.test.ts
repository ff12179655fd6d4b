/** Definitions: what is refused, how items are numbered, what digests tell, which types follow. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcAssertionError } from 'idc';
import { defineProtocol, type ProtocolSchema, type ValuesOf } from 'idc/drivers/kit';

const base = { name: 'thing', version: 2 } as const;

describe('a definition is refused', () => {
  const field = (schema: unknown): ProtocolSchema => ({
    ...base,
    // What plain JavaScript may bring.
    transactions: { go: { parameters: { field: schema as 'uint8' } } },
  });
  const cases: readonly (readonly [string, ProtocolSchema, RegExp])[] = [
    ['without a name', { name: '', version: 1 }, /name/],
    ['with version 0', { name: 'a', version: 0 }, /whole numbers from 1/],
    ['that speaks what it does not know', { name: 'a', version: 1, oldest: 2 }, /versions/],
    ['that speaks too many versions', { name: 'a', version: 40 }, /at most 32/],
    ['with a reserved name', { ...base, transactions: { then: {} } }, /reserved/],
    ['with a name of every object', { ...base, transactions: { toString: {} } }, /reserved/],
    [
      'with a field of every object',
      { ...base, transactions: { go: { parameters: { constructor: 'uint8' as const } } } },
      /parameters\.constructor/,
    ],
    ['with an odd name', { ...base, transactions: { 'a-b': {} } }, /camelCase/],
    [
      'with an odd field',
      { ...base, transactions: { go: { status: { A: 'uint8' } } } },
      /status\.A/,
    ],
    [
      'with one name twice',
      { ...base, transactions: { a: {} }, messages: { a: { to: 'back' } } },
      /own/,
    ],
    ['with an item of the future', { ...base, transactions: { a: { since: 3 } } }, /since/],
    ['with an unknown feature', { ...base, transactions: { a: { feature: 'x' } } }, /feature/],
    ['with an error twice', { ...base, errors: { A: 1, B: 1 } }, /code of its own/],
    ['with an error of code 0', { ...base, errors: { A: 0 } }, /from 1/],
    ['with an unknown kind', field('uint7'), /uint7/],
    ['with no bytes', field({ bytes: 0 }), /number of bytes/],
    ['with an empty choice', field({ choice: [] }), /choice/],
    ['with an endless list', field({ list: 'uint8' }), /largest count/],
    ['with an item of a terabyte', field({ list: { bytes: 2 ** 20 }, max: 2 ** 20 }), /at most/],
    [
      'with a part that is newer than the whole',
      field({ list: { is: 'uint8', since: 2, otherwise: 1 }, max: 3 }),
      /whole field/,
    ],
    ['with a new field without default', field({ is: 'uint8', since: 2 }), /otherwise/],
    [
      'with a default that does not fit',
      field({ is: 'uint8', since: 2, otherwise: 300 }),
      /otherwise/,
    ],
    [
      'with a range of nothing',
      { ...base, transactions: { a: { range: { from: 'x', length: 'y' } } } },
      /two parameters/,
    ],
    [
      'with a range of words',
      {
        ...base,
        transactions: {
          a: { parameters: { x: 'uint8', y: { text: 3 } }, range: { from: 'x', length: 'y' } },
        },
      },
      /two parameters/,
    ],
  ];
  for (const [what, schema, pattern] of cases) {
    it(what, () => {
      assert.throws(
        () => defineProtocol(schema),
        (error) => {
          assert.ok(error instanceof IdcAssertionError);
          assert.equal(error.code, 'BAD_ARGUMENT');
          assert.match(error.message, pattern);
          return true;
        },
      );
    });
  }
});

describe('numbers and digests', () => {
  const first = defineProtocol({
    name: 'disk',
    version: 1,
    transactions: { read: { parameters: { at: 'uint53' } }, write: {} },
    messages: { done: { to: 'front' }, hint: { to: 'back' } },
  });
  const second = defineProtocol({
    name: 'disk',
    version: 2,
    transactions: {
      discard: { since: 2 },
      read: { parameters: { at: 'uint53', deep: { is: 'boolean', since: 2, otherwise: false } } },
      write: { note: 'a note is nothing to the wire' },
    },
    messages: {
      gone: { to: 'front', since: 2 },
      done: { to: 'front' },
      hint: { to: 'back' },
    },
  });

  it('an item keeps its number when a later version puts another before it', () => {
    const numbers = second.transactions.map(({ name, number }) => `${name} ${number}`);
    assert.deepEqual(numbers, ['read 1', 'write 2', 'discard 3']);
    const events = second.messages.map(({ name, to, number }) => `${name} ${to} ${number}`);
    assert.deepEqual(events, ['done front 1', 'gone front 2', 'hint back 1']);
  });

  it('the digest of a version is the same in every definition that has it, and of no other', () => {
    assert.equal(first.layoutAt(1).digest, second.layoutAt(1).digest);
    assert.notEqual(second.layoutAt(2).digest, second.layoutAt(1).digest);
  });

  it('a change without a range is one of everything, where something may be done again', () => {
    const extentsOf = (effect: 'idempotent' | 'once'): unknown[] =>
      defineProtocol({
        name: 'a',
        version: 1,
        transactions: {
          put: {
            parameters: { at: 'uint8', count: 'uint8' },
            range: { from: 'at', length: 'count' },
            effect,
          },
          add: { effect: 'once' },
          look: { effect: 'none' },
        },
      }).transactions.map(({ range }) => range);
    const range = { from: 'at', length: 'count' };
    assert.deepEqual(extentsOf('idempotent'), [range, 'everything', undefined]);
    assert.deepEqual(extentsOf('once'), [range, undefined, undefined]);
  });

  it('any change of a version changes its digest', () => {
    const digestOf = (schema: ProtocolSchema): number => defineProtocol(schema).layoutAt(1).digest;
    const named = { name: 'a', version: 1 };
    const digests = [
      { ...named, transactions: { a: {} } },
      { ...named, transactions: { b: {} } },
      { ...named, transactions: { a: { effect: 'idempotent' } } },
      { ...named, transactions: { a: { parameters: { x: 'uint8' } } } },
      { ...named, transactions: { a: { status: { x: 'uint8' } } } },
      { ...named, transactions: { a: { parameters: { y: 'uint8' } } } },
      { ...named, transactions: { a: { parameters: { x: 'uint16' } } } },
      { ...named, transactions: { a: { parameters: { x: { bytes: 1 } } } } },
      { ...named, transactions: { a: { parameters: { x: { bytes: 2 } } } } },
      { ...named, transactions: { a: { parameters: { x: 'uint8', y: 'uint8' } } } },
      {
        ...named,
        transactions: {
          a: { parameters: { x: 'uint8', y: 'uint8' }, range: { from: 'x', length: 'y' } },
        },
      },
      { ...named, messages: { a: { to: 'front' } } },
      { ...named, messages: { a: { to: 'back' } } },
      { name: 'b', version: 1, transactions: { a: {} } },
      // reason: each of them is a schema
    ].map((schema) => digestOf(schema as ProtocolSchema));
    assert.equal(new Set(digests).size, digests.length);
  });
});

describe('types', () => {
  it('follow from the schema', () => {
    interface Expected {
      readonly count: number;
      readonly large: bigint;
      readonly word: 'on' | 'off';
      readonly data: Uint8Array;
      readonly pairs: readonly { readonly left: boolean }[];
      readonly name?: string | undefined;
    }
    type Values = ValuesOf<{
      readonly count: 'uint32';
      readonly large: { readonly is: 'uint64' };
      readonly word: { readonly choice: readonly ['on', 'off'] };
      readonly data: { readonly bytes: 4 };
      readonly pairs: {
        readonly list: { readonly record: { readonly left: 'boolean' } };
        readonly max: 2;
      };
      readonly name: { readonly optional: { readonly text: 3 } };
    }>;
    // Each is assigned to the other, so they are the same.
    const values: Values = { count: 1, large: 2n, word: 'on', data: new Uint8Array(1), pairs: [] };
    const expected: Expected = values;
    const again: Values = expected;
    assert.equal(again, values);
  });
});
