/** Lending memory: when it is lent, to whom it is described, and that it is taken back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcAssertionError } from '../../core/assert.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import type { RegisterOptions, RegisteredBuffer } from '../../core/transfer/registrations.js';
import { Fault } from '../../core/transport.js';
import { alice, FakeRegion, grantOf, holderOf, Owner, somebody } from './registration-rig.js';
import { unixStartMs } from './virtual-runtime.js';

function lend(
  owner: Owner,
  region: FakeRegion,
  options: Partial<RegisterOptions> = {},
): RegisteredBuffer {
  const all: RegisterOptions = { access: 'readWrite', mode: 'map', ...options };
  return owner.registrations.register(region.bytes, all, region);
}

function describeTo(
  owner: Owner,
  reference: RemoteBufferReference,
  holder = somebody,
): Uint8Array | undefined {
  const encoded = reference.encode();
  const grant = grantOf(owner.registrations.check(encoded, holder, reference.access, 0, 0));
  return grant.registration.describe(grant);
}

describe('mode map', () => {
  it('shares the memory at once, and takes it back within the call of unregister', async () => {
    const owner = new Owner();
    const region = new FakeRegion();
    const buffer = lend(owner, region, { access: 'read' });
    assert.equal(buffer.mode, 'map');
    assert.equal(buffer.reference.mode, 'map');
    assert.deepEqual(region.calls, ['share read']);
    const over = buffer.unregister();
    assert.deepEqual(region.calls, ['share read', 'revoke']);
    await over;
    await buffer.unregister();
    assert.deepEqual(region.calls, ['share read', 'revoke']);
  });

  it('is copy where nothing can be lent, and says so', () => {
    const owner = new Owner();
    const region = new FakeRegion();
    const { registrations } = owner;
    const options = { access: 'read', mode: 'map' } as const;
    const { bytes } = region;
    const buffers = [
      registrations.register(new Uint8Array(8), options),
      registrations.register(new Uint8Array(8192), options, region),
      registrations.register(bytes.subarray(1), options, region),
      registrations.register(bytes.subarray(0, -1), options, region),
      registrations.register([bytes], options, region),
      registrations.register(bytes, { access: 'read' }, region),
      registrations.register(bytes, { ...options, expiresMs: unixStartMs + 1 }, region),
    ];
    region.fault = Fault.Exhausted;
    assert.deepEqual(region.calls, []);
    buffers.push(registrations.register(bytes, options, region));
    for (const buffer of buffers) {
      assert.equal(buffer.mode, 'copy');
      assert.equal(describeTo(owner, buffer.reference), undefined);
      void buffer.unregister();
    }
    assert.deepEqual(region.calls, ['share read']);
  });

  it('any array over all of the memory is all of it', () => {
    const region = new FakeRegion();
    const same = new Uint8Array(region.bytes.buffer);
    const options = { access: 'read', mode: 'map' } as const;
    assert.equal(new Owner().registrations.register(same, options, region).mode, 'map');
  });

  it('one registration at a time, until the last access of it is over', async () => {
    const owner = new Owner();
    const region = new FakeRegion();
    const buffer = lend(owner, region);
    const again = (): RegisteredBuffer => lend(owner, region);
    const isRefused = (): void => {
      assert.throws(
        again,
        (error) => error instanceof IdcAssertionError && error.code === 'BAD_ARGUMENT',
      );
    };
    isRefused();
    const { registration } = grantOf(owner.read(buffer.reference));
    const open = registration.begin(alice, 'read', 0, 1, () => undefined);
    const over = buffer.unregister();
    assert.deepEqual(region.calls, ['share readWrite', 'revoke']);
    isRefused();
    open?.end();
    await over;
    assert.equal(again().mode, 'map');
    assert.equal(owner.registrations.count, 1);
  });

  it('is described to who has all of it, on a link of its own, for good', () => {
    const owner = new Owner();
    const region = new FakeRegion();
    const { reference } = lend(owner, region);
    assert.deepEqual(describeTo(owner, reference), Uint8Array.of(1, 2, 3));
    const hers = reference.narrow({ holder: alice.identity });
    assert.deepEqual(describeTo(owner, hers, alice), Uint8Array.of(1, 2, 3));
    const parts = [
      reference.narrow({ access: 'read' }),
      reference.narrow({ byteLength: 8191 }),
      reference.narrow({ offset: 1 }),
      reference.narrow({ expiresMs: unixStartMs + 1000 }),
    ];
    for (const part of parts) assert.equal(describeTo(owner, part), undefined);
    assert.equal(describeTo(owner, reference, holderOf(alice.identity, true)), undefined);
  });

  it('is not described under an older grant once it was unregistered', () => {
    const owner = new Owner();
    const buffer = lend(owner, new FakeRegion());
    const grant = grantOf(owner.read(buffer.reference));
    void buffer.unregister();
    assert.equal(grant.registration.describe(grant), undefined);
  });
});
