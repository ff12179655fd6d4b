/** The wire of transfers: what is written is read, and what no legal peer sends is refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteArea } from '../../core/byte-area.js';
import { ErrorCode, errorTable } from '../../core/errors.js';
import {
  AnswerHead,
  answerHeadBytes,
  AnswerReader,
  domainIdBytes,
  holderKeyBytes,
  hopsMax,
  operationBytes,
  RequestHead,
  requestHeadBytes,
  requestOverheadBytesMax,
  RequestReader,
  TransferOp,
} from '../../core/transfer/transfer-wire.js';
import { createRandom, randomBytes, seedOfThisRun } from '../compliance/random.js';

const holderKey = Uint8Array.from({ length: holderKeyBytes }, (_, index) => 0xa0 + index);
const reference = Uint8Array.from({ length: 90 }, (_, index) => index);
/** Nothing may rest on a request beginning where its memory does. */
const margin = 24;

interface Fields {
  readonly op?: number;
  readonly hops?: number;
  readonly referenceBytes?: number;
  readonly byteLength?: number;
  readonly offset?: number;
  readonly stamp?: number;
  /** Bytes behind the reference. */
  readonly dataBytes?: number;
}

/** A request of whatever fields, legal or not. */
function encode(fields: Fields): Uint8Array {
  const { op = TransferOp.Read, hops = 0, referenceBytes = 90, byteLength = 0 } = fields;
  const { offset = 0, stamp = 0, dataBytes = 0 } = fields;
  const bytes = new Uint8Array(
    requestHeadBytes + hops * domainIdBytes + referenceBytes + dataBytes,
  );
  const view = new DataView(bytes.buffer);
  view.setUint8(0, op);
  view.setUint8(1, hops);
  view.setUint16(2, referenceBytes, true);
  view.setUint32(4, byteLength, true);
  view.setFloat64(8, offset, true);
  view.setFloat64(16, stamp, true);
  return bytes;
}

function read(bytes: Uint8Array, byteLength = bytes.length): RequestReader | undefined {
  const area = ByteArea.allocate(margin + bytes.length + margin);
  area.bytes.set(bytes, margin);
  const reader = new RequestReader();
  return reader.read(area, margin, byteLength) ? reader : undefined;
}

function isLegal(fields: Fields): boolean {
  return read(encode(fields)) !== undefined;
}

describe('request', () => {
  it('head: every field comes out as it went in', () => {
    const head = new RequestHead(holderKey);
    head.setReference(reference);
    head.set(TransferOp.Write, 2 ** 33 + 5, 7, 1234.5, 2 ** 40 + 9);
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
    const bytes = Uint8Array.of(...head.bytes, ...data);
    const area = ByteArea.allocate(margin + bytes.length);
    area.bytes.set(bytes, margin);
    const reader = new RequestReader();
    assert(reader.read(area, margin, bytes.length));
    assert.equal(reader.op, TransferOp.Write);
    assert.equal(reader.hops, 0);
    assert.equal(reader.byteLength, 7);
    assert.equal(reader.offset, 2 ** 33 + 5);
    assert.equal(reader.stamp, 1234.5);
    const at = (from: number, count: number): Uint8Array => area.bytes.slice(from, from + count);
    assert.deepEqual(at(reader.referenceAt, reader.referenceBytes), reference);
    assert.deepEqual(at(reader.dataAt, 7), data);
    assert.deepEqual(at(reader.operationAt, holderKeyBytes), holderKey);
    const counter = area.view.getBigUint64(reader.operationAt + holderKeyBytes, true);
    assert.equal(counter, 2n ** 40n + 9n);
  });

  it('head: a shorter and then a longer reference', () => {
    const head = new RequestHead(holderKey);
    for (const length of [90, 1, 1024]) {
      const other = new Uint8Array(length).fill(length);
      head.setReference(other);
      head.set(TransferOp.Lease, 0, 0, 0, 1);
      const reader = read(head.bytes);
      assert.equal(reader?.referenceBytes, length);
      assert.deepEqual(head.bytes.subarray(requestHeadBytes), other);
    }
  });

  it('head: counters of one holder differ in every one of their 53 bits', () => {
    const head = new RequestHead(holderKey);
    head.setReference(reference);
    const seen = new Set<string>();
    for (let bit = 0; bit < 53; bit++) {
      head.set(TransferOp.Fence, 0, 0, 0, 2 ** bit);
      seen.add(String(head.bytes.subarray(24, 24 + operationBytes)));
    }
    assert.equal(seen.size, 53);
  });

  it('longest overhead: 8 relays and a reference of 1,024 bytes', () => {
    const longest = encode({ hops: hopsMax, referenceBytes: 1024 });
    assert.equal(longest.length, requestOverheadBytesMax);
    assert(read(longest) !== undefined);
  });

  const legal: Readonly<Record<string, Fields>> = {
    'the lowest op': { op: TransferOp.Write },
    'the highest op': { op: TransferOp.Map },
    'eight relays': { hops: hopsMax },
    'a reference of 1 byte': { referenceBytes: 1 },
    'a reference of 1,024 bytes': { referenceBytes: 1024 },
    'an offset beyond every buffer': { offset: 2 ** 53, byteLength: 1 },
    'data of a Write': { op: TransferOp.Write, byteLength: 3, dataBytes: 3 },
    'a stamp of 0': { op: TransferOp.Write, stamp: 0 },
  };
  for (const [name, fields] of Object.entries(legal)) {
    it(`legal: ${name}`, () => {
      assert(isLegal(fields));
    });
  }

  const illegal: Readonly<Record<string, Fields>> = {
    'op 0': { op: 0 },
    'op 6': { op: 6 },
    'op 255': { op: 255 },
    'nine relays': { hops: hopsMax + 1 },
    '255 relays': { hops: 255 },
    'no reference': { referenceBytes: 0 },
    'a reference of 1,025 bytes': { referenceBytes: 1025 },
    'a negative offset': { offset: -1 },
    'an offset that is no whole number': { offset: 0.5 },
    'an offset that is no number': { offset: NaN },
    'an infinite offset': { offset: Infinity },
    'a stamp that is no number': { stamp: NaN },
    'an infinite stamp': { stamp: Infinity },
    'a negative stamp': { stamp: -1 },
    'a Write with less data': { op: TransferOp.Write, byteLength: 4, dataBytes: 3 },
    'a Write with more data': { op: TransferOp.Write, byteLength: 3, dataBytes: 4 },
    'a Read with data': { byteLength: 3, dataBytes: 3 },
    'a Fence with data': { op: TransferOp.Fence, dataBytes: 1 },
  };
  for (const [name, fields] of Object.entries(illegal)) {
    it(`illegal: ${name}`, () => {
      assert(!isLegal(fields));
    });
  }

  it('an offset of -0 is 0', () => {
    assert(Object.is(read(encode({ offset: -0 }))?.offset, 0));
  });

  it('cut off at every length: refused', () => {
    const bytes = encode({ op: TransferOp.Write, hops: 2, byteLength: 5, dataBytes: 5 });
    for (let byteLength = 0; byteLength < bytes.length; byteLength++) {
      assert.equal(read(bytes, byteLength), undefined, `${byteLength} bytes`);
    }
  });

  it('random bytes: no throw, and what is taken lies inside', () => {
    const seed = seedOfThisRun();
    const random = createRandom(seed);
    let takenCount = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = encode({ hops: random() % 3, referenceBytes: 1 + (random() % 8) });
      bytes.set(randomBytes(random, random() % 4), random() % 24);
      const reader = read(bytes);
      if (reader === undefined) continue;
      takenCount++;
      const endAt = margin + bytes.length;
      const dataBytes = reader.op === TransferOp.Write ? reader.byteLength : 0;
      assert.equal(reader.dataAt + dataBytes, endAt, `seed ${seed}, round ${round}`);
      assert(reader.pathAt <= reader.referenceAt && reader.referenceAt < reader.dataAt);
    }
    assert(takenCount > 1_000, `seed ${seed}: ${takenCount} taken`);
  });
});

describe('answer', () => {
  const wireOf = (code: ErrorCode): number => errorTable[code].wire;
  const noData = new Uint8Array(0);

  function readAnswer(wireCode: number, bytes: Uint8Array): AnswerReader | undefined {
    const padded = new Uint8Array(margin + bytes.length);
    padded.set(bytes, margin);
    const reader = new AnswerReader();
    return reader.read(wireCode, padded, margin, bytes.length) ? reader : undefined;
  }

  function answer(
    execution: 'never' | 'maybe' | 'done',
    data = noData,
    leaseMs = 5000,
  ): Uint8Array {
    const head = new AnswerHead();
    head.set(execution, leaseMs, 77.25);
    return Uint8Array.of(...head.bytes, ...data);
  }

  it('done: code, lease, stamp and data', () => {
    const reader = readAnswer(0, answer('done', Uint8Array.of(9, 8)));
    assert(reader !== undefined);
    assert.equal(reader.code, ErrorCode.Ok);
    assert.equal(reader.execution, 'done');
    assert.equal(reader.leaseMs, 5000);
    assert.equal(reader.stamp, 77.25);
    assert.equal(reader.dataAt, margin + answerHeadBytes);
    assert.equal(reader.dataBytes, 2);
  });

  for (const execution of ['never', 'maybe'] as const) {
    it(`${execution}: every code but Ok and Remote`, () => {
      for (const code of Object.values(ErrorCode)) {
        const reader = readAnswer(wireOf(code), answer(execution));
        const isExpected = code !== ErrorCode.Ok && code !== ErrorCode.Remote;
        assert.equal(reader !== undefined, isExpected, code);
        if (reader === undefined) continue;
        assert.equal(reader.code, code);
        assert.equal(reader.execution, execution);
      }
    });
  }

  it('of a relay: no lease, and so no stamp', () => {
    const head = new AnswerHead();
    head.setWithoutStamp('never');
    const reader = readAnswer(wireOf(ErrorCode.Unreachable), head.bytes);
    assert(reader !== undefined);
    assert.equal(reader.leaseMs, 0);
    assert.equal(reader.code, ErrorCode.Unreachable);
  });

  it('TOO_LARGE: says how many bytes pass', () => {
    const code = wireOf(ErrorCode.TooLarge);
    const reader = readAnswer(code, answer('never', Uint8Array.of(0, 4, 0, 0)));
    assert(reader !== undefined);
    assert.equal(reader.pieceBytes, 1024);
    assert.equal(reader.dataBytes, 0);
    assert.equal(readAnswer(code, answer('never'))?.pieceBytes, 0);
    assert.equal(readAnswer(code, answer('never', Uint8Array.of(1))), undefined);
  });

  const refused: Readonly<Record<string, readonly [number, Uint8Array]>> = {
    'cut off': [0, answer('done').subarray(0, answerHeadBytes - 1)],
    'done with an error': [wireOf(ErrorCode.OutOfRange), answer('done')],
    'never without an error': [0, answer('never')],
    'done without a lease': [0, answer('done', noData, 0)],
    'data of what was not done': [wireOf(ErrorCode.OutOfRange), answer('never', Uint8Array.of(1))],
    'an execution that is none': [0, answer('done').fill(3, 0, 1)],
    'a stamp that is no number': [0, answer('done').fill(0xff, 8, 16)],
  };
  for (const [name, [wireCode, bytes]] of Object.entries(refused)) {
    it(`illegal: ${name}`, () => {
      assert.equal(readAnswer(wireCode, bytes), undefined);
    });
  }
});
