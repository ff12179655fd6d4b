/** Who may use a buffer, and who may map it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import type { BufferAccess, SharedMemory, SharedRegion } from '../../core/shared-memory.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import type { RegisteredBuffer } from '../../core/transfer/registration.js';
import { domainIdBytes, requestHeadBytes, TransferOp } from '../../core/transfer/transfer-wire.js';
import { pattern, register, withScene, type Scene } from './transfer-scene.js';

describe('authorisation', () => {
  it('is asked with the peer and the access, and its no is ACCESS_DENIED', () => {
    const asked: string[] = [];
    let isAllowed = true;
    return withScene(
      async (scene) => {
        const { holder, channel } = scene;
        const local = pattern(8);
        const { reference } = register(scene, local);
        await holder.read(channel, reference, 0, 1);
        await holder.write(channel, reference, 0, pattern(1));
        assert.deepEqual(asked, ['holder read', 'holder write']);
        isAllowed = false;
        const read = await holder.read(channel, reference, 0, 1);
        const written = await holder.write(channel, reference, 0, pattern(1, 90));
        assert.equal(read.code, ErrorCode.AccessDenied);
        assert.equal(written.code, ErrorCode.AccessDenied);
        assert.deepEqual(local, pattern(8));
        const fence = await holder.ask(channel, reference, { op: TransferOp.Fence });
        assert.equal(fence.execution, 'done', 'who loses the right may still make sure');
      },
      {
        mayTransfer: (peer, access) => {
          asked.push(`${peer.domainName} ${access}`);
          return isAllowed;
        },
      },
    );
  });

  it('a hook that unregisters the buffer: STALE_REFERENCE', () => {
    let buffer: RegisteredBuffer | undefined;
    return withScene(
      async (scene) => {
        const local = pattern(8);
        buffer = register(scene, local);
        const { reference } = buffer;
        const answer = await scene.holder.write(scene.channel, reference, 0, pattern(1, 90));
        assert.equal(answer.code, ErrorCode.StaleReference);
        assert.deepEqual(local, pattern(8));
      },
      {
        mayTransfer: () => {
          void buffer?.unregister();
          return true;
        },
      },
    );
  });
});

/** Memory that says it is shared. */
class PretendedRegion implements SharedRegion {
  readonly bytes = new Uint8Array(64);
  #isShared = false;
  share(): undefined {
    this.#isShared = true;
  }
  describe(): Uint8Array {
    assert(this.#isShared, 'only what is shared is described');
    return Uint8Array.of(4, 2);
  }
  revoke(): void {
    this.#isShared = false;
  }
  release(): void {
    this.#isShared = false;
  }
}

const pretendedMemory: SharedMemory = {
  allocate: () => new PretendedRegion(),
  map: () => 'unsupported',
};

describe('map', () => {
  function lend(scene: Scene, access: BufferAccess): RemoteBufferReference {
    const region = new PretendedRegion();
    const { registrations } = scene.owner;
    return registrations.register(region.bytes, { access, mode: 'map' }, region).reference;
  }

  for (const access of ['read', 'write', 'readWrite'] as const) {
    it(`for ${access}: the whole buffer is described to who is on the link`, () =>
      withScene(async (scene) => {
        scene.ownerEnd.memory = pretendedMemory;
        const reference = lend(scene, access);
        const answer = await scene.holder.ask(scene.channel, reference, { op: TransferOp.Map });
        assert.equal(answer.execution, 'done');
        assert.deepEqual(answer.data, Uint8Array.of(4, 2));
        assert.equal(scene.owner.server.statistics().maps, 1);
      }));
  }

  const refused: Readonly<Record<string, (reference: RemoteBufferReference) => Uint8Array>> = {
    'narrowed in range': (reference) => reference.narrow({ offset: 1 }).encode(),
    'narrowed in access': (reference) => reference.narrow({ access: 'read' }).encode(),
  };
  for (const [name, narrow] of Object.entries(refused)) {
    it(`${name}: UNSUPPORTED, and served by copy`, () =>
      withScene(async (scene) => {
        scene.ownerEnd.memory = pretendedMemory;
        const bytes = narrow(lend(scene, 'readWrite'));
        const answer = await scene.holder.ask(scene.channel, bytes, { op: TransferOp.Map });
        assert.equal(answer.code, ErrorCode.Unsupported);
        assert.equal(answer.execution, 'never');
        const read = await scene.holder.ask(scene.channel, bytes, { byteLength: 4 });
        assert.equal(read.execution, 'done');
      }));
  }

  it('through a relay: UNSUPPORTED', () =>
    withScene(async (scene) => {
      const { holder, channel, ownerEnd } = scene;
      ownerEnd.memory = pretendedMemory;
      const request = holder.encode(lend(scene, 'readWrite'), { op: TransferOp.Map });
      const path = new Uint8Array(domainIdBytes).fill(3);
      const head = request.subarray(0, requestHeadBytes);
      const passed = Uint8Array.of(...head, ...path, ...request.subarray(requestHeadBytes));
      passed[1] = 1;
      const answer = await holder.submit(channel, passed);
      assert.equal(answer.code, ErrorCode.Unsupported);
      assert.equal(answer.data.length, 0);
    }));

  it('a buffer in copy mode, or a channel without shared memory: UNSUPPORTED', () =>
    withScene(async (scene) => {
      const reference = lend(scene, 'readWrite');
      const request = { op: TransferOp.Map };
      const remote = await scene.holder.ask(scene.channel, reference, request);
      assert.equal(remote.code, ErrorCode.Unsupported);
      scene.ownerEnd.memory = pretendedMemory;
      const copied = register(scene).reference;
      const answer = await scene.holder.ask(scene.channel, copied, request);
      assert.equal(answer.code, ErrorCode.Unsupported);
    }));

  it('authorisation has to allow all that the memory allows', () => {
    let denied = 'write';
    return withScene(
      async (scene) => {
        scene.ownerEnd.memory = pretendedMemory;
        const reference = lend(scene, 'readWrite');
        for (denied of ['write', 'read']) {
          const answer = await scene.holder.ask(scene.channel, reference, { op: TransferOp.Map });
          assert.equal(answer.execution, 'never');
        }
        assert.equal(scene.owner.server.statistics().maps, 0);
      },
      { mayTransfer: (_peer, access) => access !== denied },
    );
  });
});
