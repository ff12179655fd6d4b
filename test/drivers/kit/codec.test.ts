/** The codec: every value comes back, and no bytes make it throw. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FieldSchema, RecordSchema } from 'idc/drivers/kit';
import { compileRecord, decodeRecord, encodeRecord } from '../../../drivers/kit/item-codec.js';
import { RecordCodec } from '../../../drivers/kit/field-codec.js';
import { ItemReader, Scratch } from '../../../drivers/kit/item-codec.js';
import { makeFraction, sampleRecord } from '../../../drivers/kit/sample.js';
import { ValueError } from '../../../drivers/kit/scalar-codec.js';
import { check } from '../../property/check.js';

const scalars = [
  ...['boolean', 'uint8', 'uint16', 'uint32', 'uint53'],
  ...['int32', 'int53', 'uint64', 'float64'],
] as const;

function noReference(): never {
  throw new Error('no field of these tests is a reference');
}

const { field: anyField } = fc.letrec<{ field: FieldSchema; record: RecordSchema }>((tie) => ({
  field: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    // reason: each of them is the name of a field's kind
    fc.constantFrom<FieldSchema>(...(scalars as readonly FieldSchema[])),
    fc.record({ bytes: fc.integer({ min: 1, max: 40_000 }) }),
    fc.record({ text: fc.integer({ min: 1, max: 500 }) }),
    fc.constant<FieldSchema>({ choice: ['one', 'two', 'three'] }),
    fc.record({ list: tie('field'), max: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ record: tie('record') }),
    fc.record({ optional: tie('field') }),
  ),
  record: fc.dictionary(fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,4}$/), tie('field'), { maxKeys: 4 }),
}));

function sampleOf(schema: RecordSchema, seed: number): Record<string, unknown> {
  return sampleRecord(schema, 1, { fraction: makeFraction(seed), reference: noReference });
}

describe('a record', () => {
  it('comes back as it was, whatever its schema and its values', () => {
    check(fc.tuple(anyField, fc.integer()), ([field, seed]) => {
      const codec = compileRecord({ field });
      const values = sampleOf({ field }, seed);
      const bytes = encodeRecord(codec, values);
      assert.ok(bytes.length <= codec.byteLengthMax);
      assert.deepEqual(decodeRecord(codec, bytes), values);
    });
  });

  it('comes back with every integer that is safe, and has no other', () => {
    const codec = compileRecord({ field: 'int53' });
    const safe = [-5_358_855_101_181_312, -8_343_163_413_506_688, -64, -65, 63, 64, -1, 0];
    for (const field of [...safe, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(decodeRecord(codec, encodeRecord(codec, { field })), { field });
    }
    // -2^53, 2^53, and 0 in two bytes.
    const lowest = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 31);
    const beyond = Uint8Array.of(128, 128, 128, 128, 128, 128, 128, 32);
    for (const bytes of [lowest, beyond, Uint8Array.of(128, 0)]) {
      assert.equal(decodeRecord(codec, bytes), undefined);
    }
  });

  it('is refused if a byte is missing or one is too many', () => {
    check(fc.tuple(anyField, fc.integer()), ([field, seed]) => {
      const codec = compileRecord({ field, last: 'uint8' });
      const bytes = encodeRecord(codec, { ...sampleOf({ field }, seed), last: 7 });
      assert.equal(decodeRecord(codec, bytes.subarray(0, -1)), undefined);
      assert.equal(decodeRecord(codec, Buffer.concat([bytes, Uint8Array.of(0)])), undefined);
    });
  });

  it('has one encoding: what is read from damaged bytes is written as the same bytes', () => {
    let readCount = 0;
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    check(
      fc.tuple(anyField, fc.integer(), damage),
      ([field, seed, damages]) => {
        const codec = compileRecord({ field });
        const bytes = encodeRecord(codec, sampleOf({ field }, seed)).slice();
        for (const [at, byte] of damages) bytes[at % Math.max(1, bytes.length)] = byte;
        const values = decodeRecord(codec, bytes);
        if (values === undefined) return;
        readCount += 1;
        // A number that is none has many encodings in IEEE 754, and JavaScript keeps one.
        if (JSON.stringify(values, bigintAsText).includes('null')) return;
        assert.deepEqual(encodeRecord(codec, values), bytes);
      },
      1_000,
    );
    assert.ok(readCount > 100, `only ${readCount} were read`);
  });
});

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('lengths', () => {
  it('of every number of bytes that a prefix can have come back', () => {
    const codec = compileRecord({ data: { bytes: 3_000_000 } });
    for (const byteLength of [0, 1, 127, 128, 16_383, 16_384, 20_000, 2_097_151, 2_097_152]) {
      const data = new Uint8Array(byteLength).fill(byteLength & 0xff);
      const back = decodeRecord(codec, encodeRecord(codec, { data }));
      assert.deepEqual(back, { data });
    }
  });

  it('beyond the schema allocate nothing', () => {
    const data = compileRecord({ data: { bytes: 10 } });
    const list = compileRecord({ list: { list: { record: {} }, max: 10 } });
    const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f);
    const before = process.memoryUsage().arrayBuffers;
    assert.equal(decodeRecord(data, huge), undefined);
    assert.equal(decodeRecord(list, huge), undefined);
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  });

  it('that lead beyond the item are noticed, though the memory goes on', () => {
    const codec = compileRecord({ data: { bytes: 100 } });
    const reader = new ItemReader();
    reader.begin(Uint8Array.of(9, 9, 5, 1, 2, 3, 4, 5, 6), 2, 3);
    assert.equal(reader.takeFields(codec, { from: undefined, lends: true }), undefined);
  });
});

describe('bad values', () => {
  const cases: readonly (readonly [FieldSchema, unknown, RegExp])[] = [
    ['uint8', 256, /field is not a uint8/],
    ['uint8', -1, /uint8/],
    ['uint8', 1.5, /uint8/],
    ['uint32', 2 ** 32, /uint32/],
    ['uint53', -1, /uint53/],
    ['uint53', 2 ** 53, /uint53/],
    ['int32', 2 ** 31, /int32/],
    ['int53', 0.5, /int53/],
    ['uint64', 5, /bigint/],
    ['uint64', -1n, /bigint/],
    ['boolean', 1, /boolean/],
    ['float64', '1', /number/],
    ['reference', new Uint8Array(4), /reference/],
    [{ bytes: 3 }, new Uint8Array(4), /at most 3 bytes/],
    [{ bytes: 3 }, [1, 2], /at most 3 bytes/],
    [{ text: 3 }, 'four', /at most 3 bytes/],
    [{ text: 3 }, '\u20ac\u20ac', /at most 3 bytes/],
    [{ text: 9 }, '\ud800', /text/],
    [{ choice: ['a', 'b'] }, 'c', /one of a, b/],
    [{ list: 'uint8', max: 1 }, [1, 2], /at most 1/],
    [{ record: { inner: 'uint8' } }, { inner: 'x' }, /field inner is not a uint8/],
    [{ record: { inner: 'uint8' } }, undefined, /object/],
  ];

  for (const [field, value, pattern] of cases) {
    const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
    it(`${JSON.stringify(field)} does not take ${shown}`, () => {
      const codec = compileRecord({ field });
      assert.throws(
        () => encodeRecord(codec, { field: value }),
        (error) => {
          assert.ok(error instanceof ValueError);
          assert.match(error.message, pattern);
          return true;
        },
      );
    });
  }
});

describe('bytes', () => {
  const codec = compileRecord({ lent: { bytes: 8, lent: true }, kept: { bytes: 8 } });
  const memory = encodeRecord(codec, { lent: Uint8Array.of(1, 2), kept: Uint8Array.of(3) });

  function read(lends: boolean): Readonly<Record<string, unknown>> {
    const reader = new ItemReader();
    reader.begin(memory, 0, memory.length);
    return reader.takeFields(codec, { from: undefined, lends }) ?? {};
  }

  it('are copied, unless they are lent to who knows how long', () => {
    const [lent, kept] = [read(true), read(false)];
    assert.ok(lent['lent'] instanceof Uint8Array && lent['lent'].buffer === memory.buffer);
    assert.ok(lent['kept'] instanceof Uint8Array && lent['kept'].buffer !== memory.buffer);
    assert.ok(kept['lent'] instanceof Uint8Array && kept['lent'].buffer !== memory.buffer);
  });

  it('of a Buffer are copied, too', () => {
    const reader = new ItemReader();
    const buffer = Buffer.from(memory);
    reader.begin(buffer, 0, buffer.length);
    const values = reader.takeFields(codec, { from: undefined, lends: false });
    buffer.fill(0);
    assert.deepEqual(values?.['kept'], Uint8Array.of(3));
  });
});

describe('versions', () => {
  const schema = {
    old: 'uint8',
    fresh: { is: 'uint32', since: 2, otherwise: 42 },
    last: 'uint8',
  } as const;

  it('a later field takes no byte before its version, and is read as its default', () => {
    const [first, second] = [new RecordCodec(schema, 1), new RecordCodec(schema, 2)];
    const values = { old: 1, fresh: 9, last: 2 };
    assert.deepEqual(encodeRecord(first, values), Uint8Array.of(1, 2));
    assert.deepEqual(encodeRecord(second, values), Uint8Array.of(1, 9, 2));
    const read = decodeRecord(first, Uint8Array.of(1, 2));
    assert.deepEqual(read, { old: 1, fresh: 42, last: 2 });
  });
});

it('the scratch memory answers the same view for the same length, and never grows', () => {
  const scratch = new Scratch(4);
  const codec = compileRecord({ data: { bytes: 3 } });
  codec.write(scratch.begin(), { data: new Uint8Array(3) });
  const view = scratch.end();
  codec.write(scratch.begin(), { data: Uint8Array.of(1, 2, 3) });
  assert.equal(scratch.end(), view);
  const wide = compileRecord({ data: { bytes: 100 } });
  assert.throws(() => {
    wide.write(scratch.begin(), { data: new Uint8Array(50) });
  }, /large/);
});

it('does the same where code from strings is forbidden', () => {
  const program = `
    const { compileRecord, decodeRecord, encodeRecord } = await import(process.argv[1]);
    const codec = compileRecord({ a: 'uint8', b: { text: 9 } });
    const bytes = encodeRecord(codec, { a: 7, b: 'seven' });
    console.log(bytes.join(), JSON.stringify(decodeRecord(codec, bytes)));`;
  const codecPath = new URL('../../../drivers/kit/item-codec.js', import.meta.url).href;
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module'];
  const output = execFileSync(process.execPath, [...flags, '-e', program, codecPath]);
  assert.equal(String(output), '7,5,115,101,118,101,110 {"a":7,"b":"seven"}\n');
});
