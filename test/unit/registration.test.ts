/** The owner's check: each way in which a reference fails has a code of its own, to the byte. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcAssertionError } from '../../core/assert.js';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import type { RegisterOptions } from '../../core/transfer/registrations.js';
import {
  alice,
  bob,
  grantOf,
  holderOf,
  isGrant,
  Owner,
  somebody,
  throwsCode,
} from './registration-rig.js';
import { unixStartMs } from './virtual-runtime.js';

describe('check', () => {
  it('grants what the reference covers, to the byte', () => {
    const owner = new Owner();
    const { reference } = owner.register(new Uint8Array(4096));
    const { registrations } = owner;
    const parts: readonly [RemoteBufferReference, number, number][] = [
      [reference, 0, 4096],
      [reference.narrow({ offset: 100, byteLength: 50 }), 100, 50],
      [reference.narrow({ offset: 4095 }), 4095, 1],
      [reference.narrow({ offset: 100 }).narrow({ offset: 7, byteLength: 5 }), 107, 5],
      [reference.narrow({ byteLength: 0 }), 0, 0],
    ];
    for (const [part, start, length] of parts) {
      const encoded = part.encode();
      const check = (offset: number, byteLength: number): unknown => {
        const result = registrations.check(encoded, somebody, 'read', offset, byteLength);
        return isGrant(result) ? result.offset : result;
      };
      assert.equal(check(0, length), start);
      assert.equal(check(length, 0), start + length);
      if (length > 0) assert.equal(check(length - 1, 1), start + length - 1);
      const beyond: readonly (readonly [number, number])[] = [
        [0, length + 1],
        [length, 1],
        [length + 1, 0],
        [1, length],
        [-1, 1],
        [-1, 0],
        [-start, 1 - start],
        [0, -1],
        [0.5, 0],
        [0, 0.5],
        [NaN, 0],
        [0, NaN],
        [Infinity, 0],
        [0, Infinity],
        [-Infinity, Infinity],
        [2 ** 31, 1],
        [2 ** 32, 1],
        [0, 2 ** 32],
        [2 ** 53, 1],
        [0, 2 ** 53],
        [2 ** 53 - 1, 2 ** 53 - 1],
        [2 ** 53 - 1, 2],
        [Number.MAX_VALUE, Number.MAX_VALUE],
      ];
      for (const [offset, byteLength] of beyond) {
        if (start === 0 && Object.is(offset, -0)) continue;
        assert.equal(check(offset, byteLength), 'OUT_OF_RANGE', `${byteLength} at ${offset}`);
      }
    }
  });

  it('the same for a reference seen before and for one that is new', () => {
    const owner = new Owner();
    const { reference } = owner.register(new Uint8Array(100), { access: 'read' });
    const part = reference.narrow({ offset: 10, byteLength: 10 });
    for (let round = 0; round < 3; round++) {
      assert.equal(grantOf(owner.read(part)).offset, 10);
      const encoded = part.encode();
      const { registrations } = owner;
      assert.equal(registrations.check(encoded, somebody, 'write', 0, 1), 'ACCESS_DENIED');
      assert.equal(registrations.check(encoded, somebody, 'read', 10, 1), 'OUT_OF_RANGE');
    }
  });

  it('ACCESS_DENIED for access that was not given or was taken away', () => {
    const owner = new Owner();
    const granted = (reference: RemoteBufferReference): string =>
      (['read', 'write', 'readWrite'] as const)
        .filter((access) => {
          const result = owner.registrations.check(reference.encode(), somebody, access, 0, 1);
          assert(isGrant(result) || result === 'ACCESS_DENIED');
          return isGrant(result);
        })
        .join(' ');
    const made = (access: RegisterOptions['access']): RemoteBufferReference =>
      owner.register(new Uint8Array(1), { access }).reference;
    assert.equal(granted(made('readWrite')), 'read write readWrite');
    assert.equal(granted(made('read')), 'read');
    assert.equal(granted(made('write')), 'write');
    assert.equal(granted(made('readWrite').narrow({ access: 'read' })), 'read');
    assert.equal(granted(made('readWrite').narrow({ access: 'write' })), 'write');
  });

  it('FOREIGN_REFERENCE for the buffer of another domain', () => {
    const owner = new Owner();
    const other = new Owner({ seed: 2, domainId: 'f'.repeat(32) });
    const { reference } = other.register(new Uint8Array(8));
    owner.register(new Uint8Array(8));
    assert.equal(owner.read(reference), 'FOREIGN_REFERENCE');
    assert(isGrant(other.read(reference)));
  });

  it('STALE_REFERENCE for another incarnation of this domain', () => {
    const before = new Owner({ incarnation: '0000000000000001' });
    const now = new Owner({ incarnation: '0000000000000002' });
    const { reference } = before.register(new Uint8Array(8));
    now.register(new Uint8Array(8));
    assert.equal(now.read(reference), 'STALE_REFERENCE');
  });

  it('FORGED_REFERENCE with another key, all else being equal', () => {
    const owner = new Owner({ seed: 1 });
    const other = new Owner({ seed: 2 });
    owner.register(new Uint8Array(8));
    const { reference } = other.register(new Uint8Array(8));
    assert.equal(owner.read(reference), 'FORGED_REFERENCE');
    assert.equal(owner.read(reference.narrow({ byteLength: 1 })), 'FORGED_REFERENCE');
  });

  it('who has no reference learns nothing: FORGED_REFERENCE whatever is registered', () => {
    const owner = new Owner();
    const { reference } = new Owner({ seed: 2 }).register(new Uint8Array(8));
    assert.equal(owner.read(reference), 'FORGED_REFERENCE');
    const registered = owner.register(new Uint8Array(8), { access: 'read', expiresMs: 1 });
    assert.equal(owner.read(reference), 'FORGED_REFERENCE');
    void registered.unregister();
    assert.equal(owner.read(reference), 'FORGED_REFERENCE');
  });

  it('EXPIRED_REFERENCE from its time on, by the wall clock', () => {
    const owner = new Owner();
    const plain = owner.register(new Uint8Array(8)).reference;
    const early = plain.narrow({ expiresMs: unixStartMs + 1000 });
    const late = owner.register(new Uint8Array(8), { expiresMs: unixStartMs + 2000 }).reference;
    const codes = (): unknown[] =>
      [plain, early, late, late.narrow({ byteLength: 1 })].map((reference) => {
        const result = owner.read(reference);
        return isGrant(result) ? 'OK' : result;
      });
    assert.deepEqual(codes(), ['OK', 'OK', 'OK', 'OK']);
    owner.runtime.advance(999.5);
    assert.deepEqual(codes(), ['OK', 'OK', 'OK', 'OK']);
    owner.runtime.advance(0.5);
    assert.deepEqual(codes(), ['OK', 'EXPIRED_REFERENCE', 'OK', 'OK']);
    owner.runtime.advance(1000);
    const expired = 'EXPIRED_REFERENCE';
    assert.deepEqual(codes(), ['OK', expired, expired, expired]);
  });

  it('asserts on illegal options', () => {
    const owner = new Owner();
    const bad: readonly unknown[] = [
      { access: 'all' },
      { access: 'read', mode: 'lend' },
      { access: 'read', expiresMs: NaN },
      { access: 'read', expiresMs: -1 },
      { access: 'read', mode: 'map', trackWrites: true },
    ];
    for (const options of bad) {
      assert.throws(
        // reason: a caller without types
        () => owner.registrations.register(new Uint8Array(1), options as RegisterOptions),
        (error) => error instanceof IdcAssertionError && error.code === 'BAD_ARGUMENT',
      );
    }
    assert.equal(owner.registrations.count, 0);
  });
});

describe('holders', () => {
  const relayedByAlice = holderOf(alice.identity, true);

  it('a reference for one holder is served to it alone, on a link of its own', () => {
    const owner = new Owner();
    const { reference } = owner.register(new Uint8Array(8));
    const hers = reference.narrow({ holder: alice.identity });
    for (const part of [hers, hers.narrow({ byteLength: 1 })]) {
      assert(isGrant(owner.read(part, alice)));
      for (const other of [bob, somebody, holderOf({ kind: 'key', name: 'alice' })]) {
        assert.equal(owner.read(part, other), 'ACCESS_DENIED');
        assert.equal(owner.read(part, holderOf(other.identity, true)), 'ACCESS_DENIED');
      }
      assert(isGrant(owner.read(part, alice)));
    }
    assert(isGrant(owner.read(reference, bob)));
  });

  it('through a relay it is served if the relay is the holder', () => {
    const owner = new Owner();
    const { reference } = owner.register(new Uint8Array(8));
    assert(isGrant(owner.read(reference.narrow({ holder: alice.identity }), relayedByAlice)));
    const his = reference.narrow({ holder: bob.identity });
    assert.equal(owner.read(his, relayedByAlice), 'ACCESS_DENIED');
  });

  it('a registration for some holders is served to them alone, whatever the reference says', () => {
    const owner = new Owner();
    const holders = [alice.identity, { kind: 'process', name: 'uid:7' }] as const;
    const { reference } = owner.register(new Uint8Array(8), { holders });
    assert(isGrant(owner.read(reference, alice)));
    assert(isGrant(owner.read(reference, holderOf({ kind: 'process', name: 'uid:7' }))));
    assert(isGrant(owner.read(reference, relayedByAlice)));
    assert.equal(owner.read(reference, bob), 'ACCESS_DENIED');
    assert.equal(owner.read(reference, somebody), 'ACCESS_DENIED');
    assert.equal(owner.read(reference.narrow({ holder: bob.identity }), bob), 'ACCESS_DENIED');
    assert.equal(owner.read(reference.narrow({ holder: bob.identity }), alice), 'ACCESS_DENIED');
    const nobody = owner.register(new Uint8Array(8), { holders: [] }).reference;
    assert.equal(owner.read(nobody, alice), 'ACCESS_DENIED');
  });

  it('an unproven identity can be no holder', () => {
    const owner = new Owner();
    const holders = [alice.identity, somebody.identity];
    throwsCode(() => owner.register(new Uint8Array(8), { holders }), 'ACCESS_DENIED');
    assert.equal(owner.registrations.count, 0);
  });

  it('another holder does not learn that the buffer was unregistered', () => {
    const owner = new Owner();
    const registered = owner.register(new Uint8Array(8));
    const hers = registered.reference.narrow({ holder: alice.identity });
    assert.equal(owner.read(hers, bob), 'ACCESS_DENIED');
    void registered.unregister();
    assert.equal(owner.read(hers, bob), 'ACCESS_DENIED');
    assert.equal(owner.read(hers, alice), 'STALE_REFERENCE');
  });
});

describe('a slot', () => {
  it('is used again, and never hit by what named it before', () => {
    const owner = new Owner();
    const stale: RemoteBufferReference[] = [];
    for (let round = 0; round < 300; round++) {
      const registered = owner.register(new Uint8Array(8));
      // Every other one was never checked before, so that nothing is remembered of it.
      if (round % 2 === 0) assert(isGrant(owner.read(registered.reference)));
      for (const reference of stale) assert.equal(owner.read(reference), 'STALE_REFERENCE');
      assert.equal(owner.registrations.count, 1);
      stale.push(registered.reference);
      if (stale.length > 20) stale.shift();
      void registered.unregister();
    }
  });

  it('is retired when its generations are used up', () => {
    const owner = new Owner({ generationMax: 3 });
    const names = new Set<string>();
    const { registrations } = owner;
    for (let round = 0; round < 20; round++) {
      const registered = owner.register(new Uint8Array(8));
      const { slot, generation } = grantOf(owner.read(registered.reference)).registration.fields;
      assert(generation >= 1 && generation <= 3);
      names.add(`${slot}.${generation}`);
      void registered.unregister();
      assert.equal(owner.read(registered.reference), 'STALE_REFERENCE');
    }
    assert.equal(names.size, 20);
    assert.deepEqual(registrations.list(), []);
  });
});
