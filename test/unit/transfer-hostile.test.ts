/** The server against requests that no legal peer sends: never a throw, never a byte elsewhere. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, errorFromWire } from '../../core/errors.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import {
  domainIdBytes,
  requestHeadBytes,
  RequestReader,
  TransferOp,
} from '../../core/transfer/transfer-wire.js';
import { ByteArea } from '../../core/byte-area.js';
import {
  between,
  createRandom,
  randomBytes,
  seedOfThisRun,
  type Random,
} from '../compliance/random.js';
import { TransferRig, type Party } from './transfer-rig.js';
import { readAnswer, Slots, type Delivered } from './transfer-slots.js';

const bufferBytes = 600;
/** Where the registered buffer lies in its arena; what is around it is nobody's. */
const bufferAt = 1_000;
const arenaBytes = 3_000;
const slotBytes = 8_192;
const slotCount = 16;
const rounds = 20_000;

interface Bench {
  readonly rig: TransferRig;
  readonly owner: Party;
  readonly slots: Slots;
  readonly arena: Uint8Array;
  readonly references: readonly RemoteBufferReference[];
  readonly foreign: RemoteBufferReference;
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const rig = new TransferRig();
  const owner = rig.add('owner');
  const holder = rig.add('holder');
  const stranger = rig.add('stranger');
  const [, ownerEnd] = await rig.connect(holder, owner);
  const arena = new Uint8Array(arenaBytes).fill(0x11);
  const local = arena.subarray(bufferAt, bufferAt + bufferBytes);
  const { reference } = owner.registrations.register(local, { access: 'readWrite' });
  const narrowed = reference.narrow({ offset: 100, byteLength: 200 });
  const references = [reference, narrowed, reference.narrow({ access: 'read' })];
  const foreign = stranger.registrations.register(new Uint8Array(8), { access: 'read' }).reference;
  const slots = new Slots(owner, ownerEnd, slotCount, slotBytes);
  await run({ rig, owner, slots, arena, references, foreign });
  await rig.settle();
  assert.equal(slots.openCount, 0, 'everything is answered');
  await rig.close();
}

/** A request that is legal but for what `spoil` does to it. */
function makeRequest(random: Random, { owner, rig, references, foreign }: Bench): Uint8Array {
  const kind = random() % 16;
  const reference = kind === 0 ? foreign : references[random() % references.length];
  assert(reference !== undefined);
  const op = kind < 12 ? between(random, 1, 2) : between(random, 1, 5);
  const isWrite = op === TransferOp.Write;
  const byteLength = random() % 40;
  return owner.encode(reference, {
    // reason: `op` is in the range of the table
    op: op as TransferOp,
    offset: random() % (reference.byteLength + 10),
    ...(isWrite ? { data: randomBytes(random, byteLength) } : { byteLength }),
    stamp: rig.runtime.clock.now() - (random() % 1_100),
    operation: random() % 50,
  });
}

const words = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as const;
const floats = [-1, -0, 0.5, NaN, Infinity, -Infinity, 2 ** 32, 2 ** 53, 1e308, 5e-324] as const;

/** One thing wrong, or nothing. */
function spoil(random: Random, request: Uint8Array): Uint8Array {
  const view = new DataView(request.buffer, request.byteOffset, request.length);
  const at = random() % request.length;
  switch (random() % 10) {
    case 0:
      request[at] = random() & 0xff;
      return request;
    case 1:
      request[random() % requestHeadBytes] = random() & 0xff;
      return request;
    case 2:
      return request.slice(0, at);
    case 3:
      return Uint8Array.of(...request, ...randomBytes(random, 1 + (random() % 64)));
    case 4:
      view.setUint32(random() % 45, words[random() % words.length] ?? 0, true);
      return request;
    case 5:
      view.setFloat64(8, floats[random() % floats.length] ?? 0, true);
      return request;
    case 6:
      view.setFloat64(16, floats[random() % floats.length] ?? 0, true);
      return request;
    case 7: {
      const hops = random() % 12;
      const path = randomBytes(random, hops * domainIdBytes);
      const passed = [...request.subarray(0, requestHeadBytes), ...path];
      const relayed = Uint8Array.of(...passed, ...request.subarray(requestHeadBytes));
      relayed[1] = random() % 8 === 0 ? random() & 0xff : hops;
      return relayed;
    }
    default:
      return request;
  }
}

/** Judges an answer by the request itself, read apart from the server. */
function checkAnswer(
  request: Uint8Array,
  answer: Delivered,
  before: Uint8Array,
  bench: Bench,
): void {
  const { arena, references } = bench;
  const { execution, dataBytes, dataAt } = readAnswer(answer);
  const reader = new RequestReader();
  const area = ByteArea.allocate(request.length);
  area.bytes.set(request);
  if (execution !== 'done') {
    assert.deepEqual(arena, before, 'nothing is touched by what is refused');
    return;
  }
  assert(reader.read(area, 0, request.length), 'only what is legal is done');
  const { op, referenceAt, referenceBytes, offset, byteLength, dataAt: from } = reader;
  const encoded = Buffer.from(area.bytes.buffer, referenceAt, referenceBytes);
  const reference = references.find((known) => encoded.equals(known.encode()));
  if (op === TransferOp.Fence) return;
  assert(reference !== undefined, 'only what the owner made is honoured');
  if (op === TransferOp.Lease) return;
  assert(offset + byteLength <= reference.byteLength);
  const at = bufferAt + (reference === references[1] ? 100 : 0) + offset;
  if (op === TransferOp.Read) {
    const data = answer.status.subarray(dataAt, dataAt + dataBytes);
    assert.deepEqual(new Uint8Array(data), before.slice(at, at + byteLength));
    assert.deepEqual(arena, before);
    return;
  }
  assert.equal(op, TransferOp.Write);
  assert.notEqual(reference, references[2], 'what may only be read is not written');
  before.set(area.bytes.subarray(from, from + byteLength), at);
  assert.deepEqual(arena, before, 'it wrote its data where it said, and nothing else');
}

describe('hostile requests', () => {
  it('spoilt in every way: one legal answer each, and nothing beyond the reference', () =>
    withBench(async (bench) => {
      const { rig, owner, slots, arena } = bench;
      const seed = seedOfThisRun();
      const random = createRandom(seed);
      const counts = new Map<string, number>();
      const before = arena.slice();
      for (let round = 0; round < rounds; round++) {
        if (round % slotCount === 0) await rig.turn(1);
        const request = spoil(random, makeRequest(random, bench));
        try {
          const answer = slots.deliver(request);
          if (answer === undefined) continue;
          checkAnswer(request, answer, before, bench);
          const code = errorFromWire(answer.wireCode);
          counts.set(code, (counts.get(code) ?? 0) + 1);
        } catch (error) {
          throw new Error(`seed ${seed}, round ${round}: ${String(error)}`, { cause: error });
        }
      }
      const seen = `seed ${seed}: ${JSON.stringify([...counts])}`;
      for (const code of [
        ErrorCode.Ok,
        ErrorCode.Corrupt,
        ErrorCode.OutOfRange,
        ErrorCode.ForgedReference,
        ErrorCode.BadReference,
        ErrorCode.StaleReference,
        ErrorCode.AccessDenied,
        ErrorCode.StaleLease,
        ErrorCode.Unsupported,
      ]) {
        assert((counts.get(code) ?? 0) > 10, `${code} in ${seen}`);
      }
      const { malformed, writes, unrelayedRequests } = owner.server.statistics();
      assert(malformed > 1_000 && writes > 300 && unrelayedRequests > 100, seen);
    }));

  it('random bytes of every length: one legal answer each', () =>
    withBench(async ({ rig, slots, arena }) => {
      const seed = seedOfThisRun();
      const random = createRandom(seed);
      const before = arena.slice();
      for (let byteLength = 0; byteLength < 1_500; byteLength++) {
        if (byteLength % slotCount === 0) await rig.turn();
        const request = randomBytes(random, byteLength);
        // Half of them get past the first look.
        if (byteLength > requestHeadBytes && byteLength % 2 === 0) {
          request.set([between(random, 1, 5), 0, random() & 0xff, random() & 3]);
          new DataView(request.buffer).setFloat64(8, random() % 100, true);
          new DataView(request.buffer).setFloat64(16, 0, true);
        }
        const answer = slots.deliver(request);
        if (answer !== undefined) assert.notEqual(readAnswer(answer).execution, 'done');
      }
      assert.deepEqual(arena, before, `seed ${seed}`);
    }));
});
