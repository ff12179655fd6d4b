/** What is no reference: BAD_REFERENCE, from `decode` and from the owner alike. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authenticate } from '../../core/digest.js';
import { IdcAssertionError } from '../../core/assert.js';
import { RemoteBufferReference } from '../../core/transfer/reference.js';
import { grantOf, isGrant, Owner, throwsCode } from './registration-rig.js';

const address = 'tcp://10.0.0.2:7000/';
const owner = new Owner({ addresses: [address] });
const { reference } = owner.register(new Uint8Array(4096), { access: 'read' });
const good = reference.encode();

function isBad(bytes: Uint8Array, what: string): void {
  throwsCode(() => RemoteBufferReference.decode(bytes), 'BAD_REFERENCE');
  assert.equal(owner.read(bytes), 'BAD_REFERENCE', what);
}

/** The reference with something changed in its bytes. */
function changed(change: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(good);
  change(new DataView(bytes.buffer));
  return bytes;
}

/** What a holder can append by itself, with a code that is right. */
function appended(bytes: Uint8Array, restriction: Uint8Array): Uint8Array {
  const longer = new Uint8Array(bytes.length + restriction.length);
  longer.set(bytes.subarray(0, -32));
  longer.set(restriction, bytes.length - 32);
  longer.set(authenticate(bytes.subarray(-32), restriction), longer.length - 32);
  new DataView(longer.buffer).setUint16(0, longer.length, true);
  return longer;
}

function rangeOf(offset: number, byteLength: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(17));
  view.setUint8(0, 1);
  view.setFloat64(1, offset, true);
  view.setFloat64(9, byteLength, true);
  return new Uint8Array(view.buffer);
}

function expiryOf(expiresMs: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(9));
  view.setUint8(0, 8);
  view.setFloat64(1, expiresMs, true);
  return new Uint8Array(view.buffer);
}

describe('BAD_REFERENCE', () => {
  it('the reference that is changed below is a good one', () => {
    assert(isGrant(owner.read(good)));
    assert.deepEqual(RemoteBufferReference.decode(good).addresses, [address]);
  });

  it('cut off anywhere, or with anything behind it', () => {
    const narrowed = reference.narrow({ byteLength: 9 }).narrow({ expiresMs: 2e12 }).encode();
    for (const whole of [good, narrowed]) {
      for (let length = 0; length < whole.length; length++) {
        isBad(whole.subarray(0, length), `cut to ${length}`);
        const padded = new Uint8Array(whole.length);
        padded.set(whole.subarray(0, length));
        if (padded.some((byte, index) => byte !== whole[index])) {
          assert(!isGrant(owner.read(padded)), `zeros from ${length} on`);
        }
      }
      for (const more of [1, 9, 32, 600, 100_000]) {
        const longer = new Uint8Array(whole.length + more);
        longer.set(whole);
        isBad(longer, `${more} bytes behind it`);
      }
    }
  });

  it('a field that no owner writes', () => {
    const changes: Readonly<Record<string, (view: DataView) => void>> = {
      'byteLength of all, less': (view) => view.setUint16(0, good.length - 1, true),
      'byteLength of all, more': (view) => view.setUint16(0, good.length + 1, true),
      'byteLength of all, 0': (view) => view.setUint16(0, 0, true),
      magic: (view) => view.setUint8(2, 0),
      version: (view) => view.setUint8(3, 2),
      'end of the base, before it': (view) => view.setUint16(4, 10, true),
      'end of the base, in the addresses': (view) => view.setUint16(4, good.length - 33, true),
      'end of the base, in the code': (view) => view.setUint16(4, good.length - 31, true),
      'end of the base, far off': (view) => view.setUint16(4, 65_535, true),
      'no access': (view) => view.setUint8(6, 0),
      'another access': (view) => view.setUint8(6, 4),
      'another mode': (view) => view.setUint8(7, 2),
      'byteLength, negative': (view) => view.setFloat64(40, -1, true),
      'byteLength, a fraction': (view) => view.setFloat64(40, 0.5, true),
      'byteLength, NaN': (view) => view.setFloat64(40, NaN, true),
      'byteLength, endless': (view) => view.setFloat64(40, Infinity, true),
      'byteLength, 2^53': (view) => view.setFloat64(40, 2 ** 53, true),
      'expiry, NaN': (view) => view.setFloat64(48, NaN, true),
      'expiry, negative': (view) => view.setFloat64(48, -1, true),
      'fewer addresses': (view) => view.setUint8(56, 0),
      'more addresses': (view) => view.setUint8(56, 2),
      'many addresses': (view) => view.setUint8(56, 255),
      'a longer address': (view) => view.setUint8(57, address.length + 1),
      'a shorter address': (view) => view.setUint8(57, address.length - 1),
      'an address far off': (view) => view.setUint8(57, 255),
    };
    for (const [what, change] of Object.entries(changes)) isBad(changed(change), what);
  });

  it('an address that is none, which the owner calls forged, for it reads none', () => {
    const bytes = changed((view) => view.setUint8(58, 0x20));
    throwsCode(() => RemoteBufferReference.decode(bytes), 'BAD_REFERENCE');
    assert.equal(owner.read(bytes), 'FORGED_REFERENCE');
  });

  it('a restriction that widens, or says nothing, though its code is right', () => {
    const half = appended(good, rangeOf(1024, 2048));
    assert.equal(grantOf(owner.read(half)).offset, 1024);
    for (const [offset, byteLength] of [
      [0, 2049],
      [2048, 1],
      [2049, 0],
      [-1, 1],
      [-1024, 2048],
      [0, -1],
      [0.5, 1],
      [0, 0.5],
      [NaN, 1],
      [0, NaN],
      [Infinity, 0],
      [0, Infinity],
      [2 ** 53, 1],
      [2 ** 53 - 1, 2 ** 53 - 1],
    ] as const) {
      isBad(appended(half, rangeOf(offset, byteLength)), `${byteLength} bytes from ${offset} on`);
    }
    isBad(appended(good, Uint8Array.of(2, 2)), 'write, of a reference to read');
    isBad(appended(good, Uint8Array.of(2, 3)), 'readWrite, of a reference to read');
    isBad(appended(good, Uint8Array.of(2, 0)), 'no access');
    isBad(appended(good, Uint8Array.of(2, 4)), 'another access');
    isBad(appended(good, expiryOf(NaN)), 'expiry NaN');
    isBad(appended(good, expiryOf(-1)), 'expiry before time');
    isBad(appended(good, Uint8Array.of(0)), 'nothing');
    isBad(appended(good, Uint8Array.of(16)), 'another field');
    isBad(appended(good, Uint8Array.of(0x81, ...rangeOf(0, 1).subarray(1))), 'another field, too');
    isBad(appended(good, rangeOf(0, 1).subarray(0, 16)), 'a part of a range');
    isBad(appended(good, Uint8Array.of(4, ...new Uint8Array(16))), 'a part of a holder');
  });

  it('a later expiry has no effect, though its code is right', () => {
    const early = appended(good, expiryOf(5));
    const late = RemoteBufferReference.decode(appended(early, expiryOf(Infinity)));
    assert.equal(late.expiresMs, 5);
    assert.equal(owner.read(late), 'EXPIRED_REFERENCE');
  });

  it('more restrictions than a reference has room for, though their codes are right', () => {
    let bytes = good;
    for (let count = 0; count < 16; count++) bytes = appended(bytes, Uint8Array.of(2, 1));
    assert(isGrant(owner.read(bytes)));
    isBad(appended(bytes, Uint8Array.of(2, 1)), 'one more');
  });

  it('what is not even bytes is the caller’s mistake', () => {
    for (const value of ['', [], {}, undefined, new ArrayBuffer(good.length)]) {
      assert.throws(
        // reason: a caller without types
        () => RemoteBufferReference.decode(value as Uint8Array),
        (error) => error instanceof IdcAssertionError && error.code === 'BAD_ARGUMENT',
      );
    }
  });
});
