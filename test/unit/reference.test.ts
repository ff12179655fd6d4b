/** References: their bytes, what they tell, and what narrowing takes and refuses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { IdcAssertionError } from '../../core/assert.js';
import { createDomain } from '../../core/domain.js';
import { ownerOfReference } from '../../core/transfer/reference-layout.js';
import { RemoteBufferReference } from '../../core/transfer/reference.js';
import { alice, bob, incarnation, Owner, ownerId, throwsCode } from './registration-rig.js';

const address = 'tcp://10.0.0.2:7000/';

function refuses(call: () => unknown): void {
  assert.throws(
    call,
    (error) => error instanceof IdcAssertionError && error.code === 'BAD_ARGUMENT',
  );
}

/** All that anybody can see of it, but for its bytes. */
function tell(reference: RemoteBufferReference): unknown {
  const { ownerIncarnation, byteLength, access, mode, expiresMs, addresses, isWhole } = reference;
  const owner = `${reference.ownerId} ${ownerIncarnation}`;
  return { owner, byteLength, access, mode, expiresMs, addresses, isWhole };
}

describe('a reference', () => {
  it('tells the same after its bytes have travelled', () => {
    const owner = new Owner({ addresses: [address, 'ring://disk/'] });
    const options = { access: 'read', expiresMs: 1_900_000_000_000 } as const;
    const { reference } = owner.register(new Uint8Array(10_000), options);
    const told = {
      owner: `${ownerId} ${incarnation}`,
      byteLength: 10_000,
      access: 'read',
      mode: 'copy',
      expiresMs: 1_900_000_000_000,
      addresses: [address, 'ring://disk/'],
      isWhole: true,
    };
    assert.deepEqual(tell(reference), told);
    assert.deepEqual(tell(RemoteBufferReference.decode(reference.encode())), told);
    const narrowed = reference.narrow({ offset: 1, byteLength: 9, expiresMs: 1_800_000_000_001 });
    const weaker = { ...told, byteLength: 9, expiresMs: 1_800_000_000_001, isWhole: false };
    assert.deepEqual(tell(narrowed), weaker);
    assert.deepEqual(tell(RemoteBufferReference.decode(narrowed.encode())), weaker);
    assert.deepEqual(tell(reference), told);
  });

  it('is made when its bytes are first asked for, and once', () => {
    const owner = new Owner({ addresses: [address] });
    const { reference } = owner.register(new Uint8Array(8));
    assert.equal(reference.byteLength, 8);
    assert.equal(owner.addressesAsked, 0);
    const encoded = reference.encode();
    assert.deepEqual(reference.encode(), encoded);
    assert.deepEqual(reference.addresses, [address]);
    assert.equal(owner.addressesAsked, 1);
  });

  it('encode gives bytes of the caller’s own; decode keeps none of the caller’s', () => {
    const { reference } = new Owner().register(new Uint8Array(8));
    const kept = reference.encode();
    reference.encode().fill(0);
    assert.deepEqual(reference.encode(), kept);
    const given = reference.encode();
    const decoded = RemoteBufferReference.decode(given);
    given.fill(0);
    assert.deepEqual(decoded.encode(), kept);
  });

  it('is decoded wherever its bytes lie', () => {
    const encoded = new Owner().register(new Uint8Array(8)).reference.encode();
    const shared = new Uint8Array(new SharedArrayBuffer(encoded.length + 3), 3);
    shared.set(encoded);
    const pooled = Buffer.concat([Buffer.alloc(5), encoded]).subarray(5);
    for (const bytes of [shared, pooled]) {
      const decoded = RemoteBufferReference.decode(bytes);
      assert.deepEqual(decoded.encode(), encoded);
      assert.equal(decoded.encode().constructor, Uint8Array);
    }
  });

  it('remembers whom it came from, and so does what is narrowed from it', async () => {
    const { reference } = new Owner().register(new Uint8Array(8));
    const domain = createDomain({ name: 'here', transports: [] });
    const endpoint = domain.createEndpoint('memory://hub/disk', {});
    const decoded = RemoteBufferReference.decode(reference.encode(), endpoint);
    assert.equal(decoded.from, endpoint);
    assert.equal(decoded.narrow({ byteLength: 1 }).from, endpoint);
    assert.equal(reference.from, undefined);
    await domain.close();
  });

  it('who passes it on can read whose it is', () => {
    const encoded = new Owner().register(new Uint8Array(8)).reference.encode();
    const owner = { ownerId, ownerIncarnation: incarnation };
    assert.deepEqual(ownerOfReference(encoded), owner);
    assert.equal(ownerOfReference(encoded.subarray(0, 80)), undefined);
    assert.equal(ownerOfReference(new Uint8Array(200)), undefined);
    assert.equal(ownerOfReference(new Uint8Array(0)), undefined);
  });

  it('shows itself in short, and not what makes it work', () => {
    const { reference } = new Owner().register(new Uint8Array(4096));
    const narrowed = reference.narrow({ byteLength: 1 });
    assert.match(reference.toString(), /^buffer [0-9a-f]{8} of 01234567: 4096 bytes, readWrite$/);
    assert.notEqual(reference.toString().slice(0, 15), narrowed.toString().slice(0, 15));
    const code = Buffer.from(reference.encode()).subarray(-32);
    const shown = [String(reference), JSON.stringify(reference), inspect(reference)];
    shown.push(inspect(reference, { showHidden: true, depth: 9, getters: false }));
    for (const text of shown) {
      for (let at = 0; at + 4 <= code.length; at += 4) {
        const part = code.subarray(at, at + 4);
        assert(!text.includes(part.toString('hex')), text);
        assert(!text.includes(part.toString('base64').slice(0, 5)), text);
        assert(!text.includes([...part].join(',')), text);
        assert(!text.includes([...part].join(', ')), text);
      }
    }
  });
});

describe('the length of a reference', () => {
  it('addresses that do not fit are left out, and so is what is no address', () => {
    const long = `tcp://${'a'.repeat(200)}:1/`;
    const owner = new Owner({
      addresses: [address, 'tcp://münchen:1/', long, 'nonsense', '', 'ring://disk/'],
    });
    const { reference } = owner.register(new Uint8Array(8));
    assert.deepEqual(reference.addresses, [address, 'ring://disk/']);
    assert.deepEqual(RemoteBufferReference.decode(reference.encode()).addresses, [
      address,
      'ring://disk/',
    ]);
  });

  it('is at most 256 with as many addresses as fit, to the byte', () => {
    const lengths = new Set<number>();
    for (let addressLength = 8; addressLength < 180; addressLength++) {
      const one = `tcp://${'a'.repeat(addressLength - 6)}`;
      const owner = new Owner({ addresses: Array<string>(20).fill(one) });
      const { reference } = owner.register(new Uint8Array(8));
      const encoded = reference.encode();
      assert(encoded.length <= 256);
      assert(encoded.length + 1 + addressLength > 256 || reference.addresses.length === 20);
      RemoteBufferReference.decode(encoded);
      lengths.add(encoded.length);
    }
    assert(lengths.has(256));
  });

  it('is at most 1,024 narrowed; 8 restrictions of everything fit, and at last TOO_LARGE', () => {
    const owner = new Owner({ addresses: [`tcp://${'a'.repeat(160)}`] });
    let { reference } = owner.register(new Uint8Array(4096));
    assert.equal(reference.encode().length, 256);
    let count = 0;
    const narrow = (): RemoteBufferReference =>
      reference.narrow({
        offset: 1,
        byteLength: 4000 - count,
        ...(count === 0 ? { access: 'read', holder: alice.identity } : {}),
        expiresMs: 2e12 - count,
      });
    for (; count < 16; count++) {
      reference = narrow();
      assert(reference.encode().length <= 1024);
      assert.equal(RemoteBufferReference.decode(reference.encode()).byteLength, 4000 - count);
    }
    throwsCode(narrow, 'TOO_LARGE');
    assert.equal(reference.narrow({}), reference);
  });
});

describe('narrow', () => {
  const { reference } = new Owner().register(new Uint8Array(4096));

  it('what takes nothing away gives the same reference', () => {
    assert.equal(reference.narrow({}), reference);
    assert.equal(reference.narrow({ offset: 0, byteLength: 4096 }), reference);
    assert.equal(reference.narrow({ access: 'readWrite', expiresMs: Infinity }), reference);
    const expiring = reference.narrow({ expiresMs: 5 });
    assert.equal(expiring.narrow({ expiresMs: 6 }), expiring);
    const hers = reference.narrow({ holder: alice.identity });
    assert.equal(hers.narrow({ holder: alice.identity }), hers);
    assert(expiring.isWhole && hers.isWhole);
  });

  it('a range counts from the start of what was left', () => {
    const middle = reference.narrow({ offset: 1000 });
    assert.equal(middle.byteLength, 3096);
    assert.equal(middle.narrow({ byteLength: 0 }).byteLength, 0);
    assert.equal(middle.narrow({ offset: 3095 }).byteLength, 1);
    assert.equal(middle.narrow({ offset: 3096 }).byteLength, 0);
    throwsCode(() => middle.narrow({ offset: 3097 }), 'OUT_OF_RANGE');
    throwsCode(() => middle.narrow({ offset: 3096, byteLength: 1 }), 'OUT_OF_RANGE');
    throwsCode(() => middle.narrow({ byteLength: 3097 }), 'OUT_OF_RANGE');
  });

  it('OUT_OF_RANGE for whatever is no number of bytes', () => {
    for (const value of [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 32, 2 ** 53, 2 ** 53 + 2]) {
      throwsCode(() => reference.narrow({ offset: value }), 'OUT_OF_RANGE');
      throwsCode(() => reference.narrow({ byteLength: value }), 'OUT_OF_RANGE');
      throwsCode(() => reference.narrow({ offset: 1, byteLength: value }), 'OUT_OF_RANGE');
    }
  });

  it('ACCESS_DENIED for access that it does not give', () => {
    const readable = reference.narrow({ access: 'read' });
    assert.equal(readable.access, 'read');
    throwsCode(() => readable.narrow({ access: 'write' }), 'ACCESS_DENIED');
    throwsCode(() => readable.narrow({ access: 'readWrite' }), 'ACCESS_DENIED');
    const writable = reference.narrow({ access: 'write' });
    throwsCode(() => writable.narrow({ access: 'read' }), 'ACCESS_DENIED');
    assert(!readable.isWhole && !writable.isWhole);
  });

  it('ACCESS_DENIED for a second holder, and for one that cannot be told from others', () => {
    const hers = reference.narrow({ holder: alice.identity });
    throwsCode(() => hers.narrow({ holder: bob.identity }), 'ACCESS_DENIED');
    const unproven = { kind: 'unproven', name: '' } as const;
    throwsCode(() => reference.narrow({ holder: unproven }), 'ACCESS_DENIED');
  });

  it('asserts on what is no access and no time', () => {
    for (const expiresMs of [NaN, -1]) refuses(() => reference.narrow({ expiresMs }));
    // reason: a caller without types
    refuses(() => reference.narrow({ access: 'toString' as 'read' }));
  });
});
