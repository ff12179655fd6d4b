/** The owner's side of transfers: what is asked of a registered buffer, and what becomes of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import { TransferOp } from '../../core/transfer/transfer-wire.js';
import { leaseMsOfRig, pieceBytesOfRig } from './transfer-rig.js';
import { bufferBytes, pattern, register, withScene, type Scene } from './transfer-scene.js';

describe('write', () => {
  it('lands where it says, to the byte, and nowhere else', () =>
    withScene(async (scene) => {
      const { holder, channel, owner, rig } = scene;
      const local = pattern(bufferBytes);
      const expected = local.slice();
      const { reference } = register(scene, local);
      for (const [offset, byteLength] of [
        [0, 1],
        [1, 3],
        [4095, 2],
        [5000, pieceBytesOfRig],
        [bufferBytes - 1, 1],
        [bufferBytes, 0],
      ] as const) {
        const data = pattern(byteLength, 0x80 + byteLength);
        const answer = await holder.write(channel, reference, offset, data);
        assert.equal(answer.code, ErrorCode.Ok);
        assert.equal(answer.execution, 'done');
        assert.equal(answer.leaseMs, leaseMsOfRig);
        assert(answer.stamp <= rig.runtime.clock.now() && answer.stamp > 100 * leaseMsOfRig);
        expected.set(data, offset);
        assert.deepEqual(local, expected);
      }
      const { writes, writtenBytes, refused } = owner.server.statistics();
      assert.deepEqual([writes, writtenBytes, refused], [6, 7 + pieceBytesOfRig, 0]);
    }));

  it('into a scattered buffer: over the ends of its parts', () =>
    withScene(async (scene) => {
      const parts = [new Uint8Array(5), new Uint8Array(0), new Uint8Array(3), new Uint8Array(9)];
      const { reference } = register(scene, parts);
      await scene.holder.write(scene.channel, reference, 3, pattern(8));
      const joined = Uint8Array.of(...parts.flatMap((part) => [...part]));
      const expected = new Uint8Array(17);
      expected.set(pattern(8), 3);
      assert.deepEqual(joined, expected);
    }));

  it('is noted under the holder’s name, and marks what it wrote', () =>
    withScene(async (scene) => {
      const buffer = register(scene, new Uint8Array(3 * 4096), { trackWrites: true });
      await scene.holder.write(scene.channel, buffer.reference, 4096, pattern(10));
      await scene.holder.read(scene.channel, buffer.reference, 0, 20);
      const [use] = buffer.uses();
      assert.equal(use?.domainId, scene.holder.domain.id);
      assert.equal(use.domainName, 'holder');
      assert.equal(use.isRelayed, false);
      assert.deepEqual([use.writes, use.writtenBytes], [1, 10]);
      assert.deepEqual([use.reads, use.readBytes], [1, 20]);
      assert.deepEqual(buffer.takeWrittenBlocks(), [{ offset: 4096, byteLength: 4096 }]);
    }));
});

describe('read', () => {
  it('answers the bytes of the buffer, to the byte', () =>
    withScene(async (scene) => {
      const local = pattern(bufferBytes);
      const { reference } = register(scene, local);
      for (const [offset, byteLength] of [
        [0, 1],
        [17, 100],
        [4000, pieceBytesOfRig],
        [bufferBytes - 1, 1],
        [bufferBytes, 0],
      ] as const) {
        const answer = await scene.holder.read(scene.channel, reference, offset, byteLength);
        assert.equal(answer.execution, 'done');
        assert.deepEqual(answer.data, local.slice(offset, offset + byteLength));
      }
    }));

  it('of a scattered buffer: its parts joined', () =>
    withScene(async (scene) => {
      const { reference } = register(scene, [pattern(5), pattern(3, 100), pattern(9, 200)]);
      const answer = await scene.holder.read(scene.channel, reference, 3, 8);
      const expected = [...pattern(5), ...pattern(3, 100), ...pattern(9, 200)].slice(3, 11);
      assert.deepEqual([...answer.data], expected);
    }));

  it('needs no stamp', () =>
    withScene(async (scene) => {
      const { reference } = register(scene);
      const request = { byteLength: 4, stamp: 0 };
      const answer = await scene.holder.ask(scene.channel, reference, request);
      assert.equal(answer.execution, 'done');
    }));

  it('of more than the answer can carry: TOO_LARGE, and how much it can', () =>
    withScene(async (scene) => {
      const { reference } = register(scene);
      const byteLength = pieceBytesOfRig + 1;
      const answer = await scene.holder.read(scene.channel, reference, 0, byteLength);
      assert.equal(answer.code, ErrorCode.TooLarge);
      assert.equal(answer.execution, 'never');
      assert.equal(answer.pieceBytes, pieceBytesOfRig);
    }));
});

describe('a reference that is not good', () => {
  type Spoil = (reference: RemoteBufferReference, scene: Scene) => Promise<Uint8Array> | Uint8Array;
  const flip = (reference: RemoteBufferReference, index: number): Uint8Array => {
    const bytes = reference.encode();
    const at = index < 0 ? bytes.length + index : index;
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    return bytes;
  };
  const cases: Readonly<Record<string, readonly [ErrorCode, Spoil]>> = {
    'its last byte flipped': [ErrorCode.ForgedReference, (reference) => flip(reference, -1)],
    'its length flipped': [ErrorCode.BadReference, (reference) => flip(reference, 0)],
    'its incarnation flipped': [ErrorCode.StaleReference, (reference) => flip(reference, 25)],
    'cut off': [ErrorCode.BadReference, (reference) => reference.encode().subarray(0, -1)],
    'one byte': [ErrorCode.BadReference, () => Uint8Array.of(7)],
    expired: [
      ErrorCode.ExpiredReference,
      (reference, { rig }) => reference.narrow({ expiresMs: rig.runtime.clock.unixMs() }).encode(),
    ],
    'for somebody else': [
      ErrorCode.AccessDenied,
      (reference) => reference.narrow({ holder: { kind: 'process', name: '7' } }).encode(),
    ],
  };
  for (const [name, [code, spoil]] of Object.entries(cases)) {
    it(`${name}: ${code}, and nothing is touched`, () =>
      withScene(async (scene) => {
        const local = pattern(bufferBytes);
        const buffer = register(scene, local);
        const bytes = await spoil(buffer.reference, scene);
        const stamp = scene.rig.runtime.clock.now();
        for (const op of [TransferOp.Write, TransferOp.Read, TransferOp.Lease, TransferOp.Map]) {
          const data = op === TransferOp.Write ? pattern(8, 77) : new Uint8Array(0);
          const request = { op, data, stamp };
          const answer = await scene.holder.ask(scene.channel, bytes, request);
          assert.equal(answer.code, code);
          assert.equal(answer.execution, 'never');
          assert.equal(answer.data.length, 0);
        }
        assert.deepEqual(local, pattern(bufferBytes));
        assert.deepEqual(buffer.uses(), []);
      }));
  }

  it('unregistered: STALE_REFERENCE, also when the slot is used again', () =>
    withScene(async (scene) => {
      const buffer = register(scene);
      const { reference } = buffer;
      assert.equal((await scene.holder.read(scene.channel, reference, 0, 4)).execution, 'done');
      await buffer.unregister();
      const other = new Uint8Array(bufferBytes);
      register(scene, other);
      const answer = await scene.holder.write(scene.channel, reference, 0, pattern(4));
      assert.equal(answer.code, ErrorCode.StaleReference);
      const read = await scene.holder.read(scene.channel, reference, 0, 4);
      assert.equal(read.code, ErrorCode.StaleReference);
      assert.deepEqual(other, new Uint8Array(bufferBytes));
    }));

  it('of the owner before it restarted: STALE_REFERENCE', () =>
    withScene(
      async (scene) => {
        const before = scene.rig.add('before', { id: new Uint8Array(16).fill(5) });
        assert.equal(before.domain.id, scene.owner.domain.id);
        const { reference } = before.registrations.register(new Uint8Array(8), { access: 'write' });
        const answer = await scene.holder.write(scene.channel, reference, 0, pattern(4));
        assert.equal(answer.code, ErrorCode.StaleReference);
        for (const op of [TransferOp.Fence, TransferOp.Lease, TransferOp.Map]) {
          const other = await scene.holder.ask(scene.channel, reference, { op });
          assert.equal(other.code, ErrorCode.StaleReference);
        }
      },
      { id: new Uint8Array(16).fill(5) },
    ));
});

describe('bounds', () => {
  for (const [name, offset, byteLength] of [
    ['one past the end', bufferBytes, 1],
    ['over the end', bufferBytes - 1, 2],
    ['2^32', 2 ** 32, 1],
    ['2^53 - 1', Number.MAX_SAFE_INTEGER, 4],
    ['2^53', 2 ** 53, 0],
    ['1e308', 1e308, 4],
  ] as const) {
    it(`${name}: OUT_OF_RANGE`, () =>
      withScene(async (scene) => {
        const local = pattern(bufferBytes);
        const { reference } = register(scene, local);
        const data = pattern(byteLength, 99);
        const write = await scene.holder.write(scene.channel, reference, offset, data);
        const read = await scene.holder.read(scene.channel, reference, offset, byteLength);
        assert.equal(write.code, ErrorCode.OutOfRange);
        assert.equal(read.code, ErrorCode.OutOfRange);
        assert.deepEqual(local, pattern(bufferBytes));
      }));
  }

  it('narrowed: offsets count from its start, and its end is the end', () =>
    withScene(async (scene) => {
      const local = pattern(bufferBytes);
      const { reference } = register(scene, local);
      const narrow = reference.narrow({ offset: 100, byteLength: 50, access: 'read' });
      const { holder, channel } = scene;
      const good = await holder.read(channel, narrow, 49, 1);
      assert.deepEqual(good.data, local.slice(149, 150));
      const beyond = await holder.read(channel, narrow, 49, 2);
      assert.equal(beyond.code, ErrorCode.OutOfRange);
      const written = await holder.write(channel, narrow, 0, pattern(1));
      assert.equal(written.code, ErrorCode.AccessDenied);
    }));

  for (const [access, isRead, isWritten] of [
    ['read', true, false],
    ['write', false, true],
    ['readWrite', true, true],
  ] as const) {
    it(`registered for ${access}: nothing else is done`, () =>
      withScene(async (scene) => {
        const local = pattern(16);
        const { reference } = register(scene, local, { access });
        const read = await scene.holder.read(scene.channel, reference, 0, 4);
        const written = await scene.holder.write(scene.channel, reference, 0, pattern(4, 50));
        assert.equal(read.code, isRead ? ErrorCode.Ok : ErrorCode.AccessDenied);
        assert.equal(written.code, isWritten ? ErrorCode.Ok : ErrorCode.AccessDenied);
        assert.equal(local[0], isWritten ? 50 : 1);
      }));
  }
});

describe('lease and fence', () => {
  it('a write whose stamp is older than the lease is refused; a fresh stamp helps', () =>
    withScene(async (scene) => {
      const { rig, holder, channel, owner } = scene;
      const local = new Uint8Array(8);
      const { reference } = register(scene, local);
      const lease = await holder.ask(channel, reference, { op: TransferOp.Lease });
      assert.equal(lease.execution, 'done');
      const { stamp } = lease;
      const request = { op: TransferOp.Write, data: pattern(4), stamp };
      rig.runtime.advance(leaseMsOfRig - 1);
      assert.equal((await holder.ask(channel, reference, request)).code, ErrorCode.Ok);
      local.fill(0);
      await rig.turn(2);
      const stale = await holder.ask(channel, reference, request);
      assert.equal(stale.code, ErrorCode.StaleLease);
      assert.equal(stale.execution, 'never');
      assert.deepEqual(local, new Uint8Array(8));
      const again = { ...request, stamp: stale.stamp };
      assert.equal((await holder.ask(channel, reference, again)).code, ErrorCode.Ok);
      assert.deepEqual(local.subarray(0, 4), pattern(4));
      assert.equal(owner.server.statistics().staleWrites, 1);
    }));

  it('is judged when the write is executed, not when it arrived', () =>
    withScene(async (scene) => {
      const { rig, holder, channel, owner, ownerEnd } = scene;
      const local = new Uint8Array(8);
      const { reference } = register(scene, local);
      owner.isHolding = true;
      const written = holder.write(channel, reference, 0, pattern(4));
      await rig.settle();
      const [transaction] = owner.held;
      assert(transaction !== undefined);
      rig.runtime.stall(leaseMsOfRig + 1);
      owner.server.serve(transaction, ownerEnd);
      assert.equal((await written).code, ErrorCode.StaleLease);
      assert.deepEqual(local, new Uint8Array(8));
    }));

  it('a lease needs a reference that may write', () =>
    withScene(async (scene) => {
      const { reference } = register(scene, new Uint8Array(8), { access: 'read' });
      const answer = await scene.holder.ask(scene.channel, reference, { op: TransferOp.Lease });
      assert.equal(answer.code, ErrorCode.AccessDenied);
    }));

  it('a fenced operation writes no more; others do, and it may read', () =>
    withScene(async (scene) => {
      const { holder, channel, owner } = scene;
      const local = new Uint8Array(8);
      const { reference } = register(scene, local);
      assert.equal((await holder.write(channel, reference, 0, pattern(2), 5)).code, ErrorCode.Ok);
      const fence = await holder.ask(channel, reference, { op: TransferOp.Fence, operation: 5 });
      assert.equal(fence.execution, 'done');
      const late = await holder.write(channel, reference, 2, pattern(2), 5);
      assert.equal(late.code, ErrorCode.Cancelled);
      assert.equal(late.execution, 'never');
      assert.equal((await holder.write(channel, reference, 4, pattern(2), 6)).code, ErrorCode.Ok);
      const read = { byteLength: 6, operation: 5 };
      const { data } = await holder.ask(channel, reference, read);
      assert.deepEqual([...data], [...pattern(2), 0, 0, ...pattern(2)]);
      const { fences, fencesHeld, fencedWrites } = owner.server.statistics();
      assert.deepEqual([fences, fencesHeld, fencedWrites], [1, 1, 1]);
    }));

  it('nobody fences the operation of another holder', () =>
    withScene(async (scene) => {
      const { rig, owner, holder, channel } = scene;
      const stranger = rig.add('stranger');
      const [other] = await rig.connect(stranger, owner);
      const { reference } = register(scene, new Uint8Array(8));
      const request = { op: TransferOp.Fence, operation: 5 };
      assert.equal((await stranger.ask(other, reference, request)).execution, 'done');
      assert.equal((await holder.write(channel, reference, 0, pattern(2), 5)).code, ErrorCode.Ok);
    }));

  it('an operation on a buffer that is gone, or out of date, is fenced as well', () =>
    withScene(async (scene) => {
      const { rig, holder, channel } = scene;
      const buffer = register(scene, new Uint8Array(8));
      const { reference } = buffer;
      const expired = reference.narrow({ expiresMs: rig.runtime.clock.unixMs() });
      const request = { op: TransferOp.Fence, operation: 9 };
      assert.equal((await holder.ask(channel, expired, request)).execution, 'done');
      assert.equal(
        (await holder.write(channel, reference, 0, pattern(2), 9)).code,
        ErrorCode.Cancelled,
      );
      await buffer.unregister();
      assert.equal((await holder.ask(channel, reference, request)).execution, 'done');
      const none = await holder.ask(channel, Uint8Array.of(1, 2, 3), request);
      assert.equal(none.code, ErrorCode.BadReference);
    }));
});
