/** What is done under a grant: bytes in and out, blocks written, who did it, and the end of it. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { Bytes } from '../../core/api.js';
import { IdcAssertionError, type AssertionCode } from '../../core/assert.js';
import type { Registration } from '../../core/transfer/registration.js';
import type { RegisteredBuffer } from '../../core/transfer/registrations.js';
import { between, createRandom, randomBytes, seedOfThisRun } from '../compliance/random.js';
import { alice, bob, grantOf, holderOf, Owner, somebody } from './registration-rig.js';
import { unixStartMs } from './virtual-runtime.js';

const nothing = (): void => undefined;

/** As a request reaches it. */
function registrationOf(owner: Owner, { reference }: RegisteredBuffer): Registration {
  const result = owner.registrations.check(reference.encode(), somebody, reference.access, 0, 0);
  return grantOf(result).registration;
}

function joined(bytes: Bytes): Buffer {
  return Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes);
}

function refuses(call: () => unknown, code: AssertionCode): void {
  assert.throws(call, (error) => error instanceof IdcAssertionError && error.code === code);
}

/** Lets every promise settle that can. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await setImmediate();
  return settled;
}

describe('the bytes of a registered buffer', () => {
  it('a list is one buffer: written and read as if joined, beside nothing else', () => {
    const random = createRandom(seedOfThisRun());
    for (let round = 0; round < 300; round++) {
      const whole = randomBytes(random, between(random, 8, 400));
      const parts: Uint8Array[] = [];
      for (let at = 4; at < whole.length - 4;) {
        const length = Math.min(between(random, 0, 80), whole.length - 4 - at);
        parts.push(whole.subarray(at, at + length));
        at += length;
      }
      const model = whole.slice();
      const owner = new Owner();
      const list = parts.length === 1 && parts[0] !== undefined ? parts[0] : parts;
      const buffer = owner.registrations.register(list, { access: 'readWrite' });
      parts.reverse();
      const registration = registrationOf(owner, buffer);
      const { byteLength } = buffer.reference;
      assert.equal(byteLength, whole.length - 8);
      for (let step = 0; step < 10; step++) {
        const offset = between(random, 0, byteLength);
        const count = between(random, 0, byteLength - offset);
        const source = randomBytes(random, count + 5);
        registration.write(offset, source, 3, count);
        model.set(source.subarray(3, 3 + count), 4 + offset);
        assert.deepEqual(whole, model);
        const from = between(random, 0, byteLength);
        const length = between(random, 0, byteLength - from);
        const read = joined(registration.read(from, length));
        assert.deepEqual(new Uint8Array(read), model.slice(4 + from, 4 + from + length));
      }
    }
  });

  it('one that was detached or resized is told, and touched no more', () => {
    const owner = new Owner();
    const detached = new Uint8Array(100);
    const one = registrationOf(owner, owner.register(detached));
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    refuses(() => one.read(0, 10), 'BAD_ARGUMENT');
    refuses(() => {
      one.write(0, new Uint8Array(10), 0, 10);
    }, 'BAD_ARGUMENT');
  });

  it('can be forgotten once it is unregistered, though its references are not', async () => {
    assert(globalThis.gc !== undefined, 'run with --expose-gc');
    const owner = new Owner();
    const makeAndEnd = async (): Promise<[WeakRef<Uint8Array>, RegisteredBuffer]> => {
      const local = new Uint8Array(1000);
      const buffer = owner.register(local);
      grantOf(owner.read(buffer.reference));
      await buffer.unregister();
      return [new WeakRef(local), buffer];
    };
    const [weak, buffer] = await makeAndEnd();
    for (let round = 0; round < 10 && weak.deref() !== undefined; round++) {
      await setImmediate();
      globalThis.gc();
    }
    assert.equal(weak.deref(), undefined);
    assert.equal(owner.read(buffer.reference), 'STALE_REFERENCE');
  });
});

describe('unregister', () => {
  it('from its call on every check fails, and an older grant is worth nothing', async () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(8));
    const { registration } = grantOf(owner.read(buffer.reference));
    const over = buffer.unregister();
    assert.equal(owner.read(buffer.reference), 'STALE_REFERENCE');
    assert.equal(owner.read(buffer.reference.narrow({ byteLength: 1 })), 'STALE_REFERENCE');
    refuses(() => registration.read(0, 1), 'INVARIANT');
    refuses(() => {
      registration.write(0, new Uint8Array(1), 0, 1);
    }, 'INVARIANT');
    assert.equal(registration.begin(somebody, 'read', 0, 1, nothing), undefined);
    assert.equal(buffer.unregister(), over);
    await over;
    assert.equal(buffer.unregister(), over);
  });

  it('asks every access in flight to end, once, and waits for the last', async () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(8));
    const registration = registrationOf(owner, buffer);
    const asked: string[] = [];
    const begin = (name: string): ReturnType<Registration['begin']> =>
      registration.begin(alice, 'write', 0, 8, () => asked.push(name));
    const [one, two, three] = [begin('one'), begin('two'), begin('three')];
    one?.end();
    const over = buffer.unregister();
    assert.deepEqual(asked, ['two', 'three']);
    refuses(() => registration.read(0, 1), 'INVARIANT');
    assert.equal(await isSettled(over), false);
    two?.end();
    assert.equal(await isSettled(over), false);
    const [info] = owner.registrations.list();
    assert(info?.isUnregistering === true && info.inFlight === 1 && info.buffer === buffer);
    three?.end();
    assert.equal(await isSettled(over), true);
    assert.deepEqual(owner.registrations.list(), []);
    assert.equal(owner.registrations.count, 0);
    assert.deepEqual(asked, ['two', 'three']);
    refuses(() => three?.end(), 'INVARIANT');
  });

  it('an access may end while it is asked to, and end others, and unregister again', async () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(8));
    const registration = registrationOf(owner, buffer);
    const asked: string[] = [];
    const two = registration.begin(alice, 'read', 0, 8, () => asked.push('two'));
    const one = registration.begin(alice, 'read', 0, 8, () => {
      asked.push('one');
      void buffer.unregister();
      one?.end();
    });
    const three = registration.begin(bob, 'read', 0, 8, () => asked.push('three'));
    two?.end();
    const four = registration.begin(alice, 'read', 0, 8, () => {
      asked.push('four');
      five?.end();
      three?.end();
      four?.end();
    });
    const five = registration.begin(alice, 'read', 0, 8, () => asked.push('five'));
    await buffer.unregister();
    assert.deepEqual(asked, ['one', 'three', 'four']);
  });

  it('of all: waits for those, too, that were ending already', async () => {
    const owner = new Owner();
    const buffers = [1, 2, 3].map((byteLength) => owner.register(new Uint8Array(byteLength)));
    const [first, second] = buffers.map((buffer) => registrationOf(owner, buffer));
    const one = first?.begin(alice, 'read', 0, 1, nothing);
    const two = second?.begin(alice, 'read', 0, 1, nothing);
    void buffers[0]?.unregister();
    const all = owner.registrations.unregisterAll();
    for (const { reference } of buffers) assert.equal(owner.read(reference), 'STALE_REFERENCE');
    two?.end();
    assert.equal(await isSettled(all), false);
    one?.end();
    await all;
    assert.equal(owner.registrations.count, 0);
  });
});

describe('takeWrittenBlocks', () => {
  const track = { trackWrites: true };

  it('names what was written since the last call, and nothing else', () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(20_000), track);
    const registration = registrationOf(owner, buffer);
    assert.deepEqual(buffer.takeWrittenBlocks(), []);
    registration.read(0, 20_000);
    registration.write(4095, new Uint8Array(2), 0, 2);
    registration.write(19_999, new Uint8Array(1), 0, 1);
    registration.write(12_288, new Uint8Array(1), 0, 0);
    assert.deepEqual(buffer.takeWrittenBlocks(), [
      { offset: 0, byteLength: 8192 },
      { offset: 16_384, byteLength: 3616 },
    ]);
    assert.deepEqual(buffer.takeWrittenBlocks(), []);
  });

  it('names a block that is being written now and again later', () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(20_000), track);
    const registration = registrationOf(owner, buffer);
    const block = [{ offset: 8192, byteLength: 4096 }];
    const write = registration.begin(alice, 'write', 8200, 10, nothing);
    const read = registration.begin(alice, 'read', 0, 20_000, nothing);
    assert.deepEqual(buffer.takeWrittenBlocks(), block);
    assert.deepEqual(buffer.takeWrittenBlocks(), []);
    write?.end();
    read?.end();
    assert.deepEqual(buffer.takeWrittenBlocks(), block);
    assert.deepEqual(buffer.takeWrittenBlocks(), []);
  });

  it('is answered after unregister, for the last round of a migration', async () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(10), track);
    registrationOf(owner, buffer).write(0, new Uint8Array(1), 0, 1);
    await buffer.unregister();
    assert.deepEqual(buffer.takeWrittenBlocks(), [{ offset: 0, byteLength: 10 }]);
  });

  it('asserts without trackWrites', () => {
    const buffer = new Owner().register(new Uint8Array(10));
    refuses(() => buffer.takeWrittenBlocks(), 'BAD_ARGUMENT');
  });
});

describe('uses', () => {
  it('who used it, how often, how many bytes, when last, and what is in flight', () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(100));
    const registration = registrationOf(owner, buffer);
    assert.deepEqual(buffer.uses(), []);
    registration.note(alice, 'read', 10);
    registration.note(holderOf(alice.identity), 'read', 20);
    owner.runtime.advance(5);
    registration.note(bob, 'map', 0);
    registration.note(holderOf(bob.identity, true), 'write', 7);
    const open = registration.begin(alice, 'write', 0, 100, nothing);
    const none = { reads: 0, writes: 0, maps: 0, readBytes: 0, writtenBytes: 0, inFlight: 0 };
    const late = { ...none, lastUnixMs: unixStartMs + 5 };
    const uses = [
      { ...alice, ...none, reads: 2, readBytes: 30, lastUnixMs: unixStartMs, inFlight: 1 },
      { ...holderOf(bob.identity, true), ...late, writes: 1, writtenBytes: 7 },
      { ...bob, ...late, maps: 1 },
    ];
    assert.deepEqual(buffer.uses(), uses);
    const [info] = owner.registrations.list();
    assert.deepEqual(info, {
      buffer,
      byteLength: 100,
      access: 'readWrite',
      mode: 'copy',
      expiresMs: Infinity,
      registeredUnixMs: unixStartMs,
      isUnregistering: false,
      inFlight: 1,
      uses,
    });
    open?.end();
    assert.equal(buffer.uses()[0]?.inFlight, 0);
  });

  it('remembers the 64 most recent', () => {
    const owner = new Owner();
    const buffer = owner.register(new Uint8Array(100));
    const registration = registrationOf(owner, buffer);
    const holders = Array.from({ length: 70 }, (_, index) =>
      holderOf({ kind: 'key', name: `key ${index}` }),
    );
    const open = registration.begin(holders[0] ?? alice, 'read', 0, 1, nothing);
    for (const holder of holders) registration.note(holder, 'read', 1);
    const [first, second] = holders;
    for (const holder of [first, second, first]) registration.note(holder ?? alice, 'read', 1);
    const names = buffer.uses().map(({ identity }) => identity.name);
    assert.equal(names.length, 64);
    const recent = holders.slice(-62).map(({ identity }) => identity.name);
    assert.deepEqual(names, ['key 0', 'key 1', ...recent.reverse()]);
    open?.end();
  });
});
