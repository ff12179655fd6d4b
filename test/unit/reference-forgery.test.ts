/**
 * References that the owner did not make, and old ones that are shown again. Environment:
 *
 *   IDC_FORGERIES=1000000       so many forgeries
 *   IDC_REGISTRATIONS=1000000   so many buffers registered and unregistered
 *   IDC_SEED=1                  the same ones again
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RemoteBufferReference } from '../../core/transfer/reference.js';
import { between, createRandom, seedOfThisRun, type Random } from '../compliance/random.js';
import { forge, forgeries } from './reference-forgery.js';
import { alice, isGrant, Owner } from './registration-rig.js';

const forgeriesDefault = 30_000;
const registrationsDefault = 20_000;
const { IDC_FORGERIES, IDC_REGISTRATIONS } = process.env;
const forgeryCount = Number(IDC_FORGERIES ?? forgeriesDefault);
const registrationCount = Number(IDC_REGISTRATIONS ?? registrationsDefault);
const seed = seedOfThisRun();

/** Narrowed so many times, by chance. */
function narrowed(reference: RemoteBufferReference, count: number, random: Random): Uint8Array {
  let last = reference;
  for (let left = count; left > 0; left--) {
    const { byteLength } = last;
    const offset = between(random, 0, Math.min(3, byteLength));
    const kind = random() % 4;
    if (kind === 0) last = last.narrow({ expiresMs: 2e12 - random() });
    else if (kind === 1) last = last.narrow({ holder: alice.identity, offset });
    else last = last.narrow({ offset, byteLength: between(random, 0, byteLength - offset) });
  }
  return last.encode();
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

describe('a forged reference', () => {
  it('is never accepted, and harms no genuine one', (context) => {
    const random = createRandom(seed);
    const owner = new Owner({ addresses: ['tcp://10.0.0.2:7000/', 'ring://disk/'] });
    const { registrations } = owner;
    const genuine: Uint8Array[] = [];
    for (let count = 0; count < 30; count++) {
      const access = count % 3 === 0 ? 'read' : 'readWrite';
      const { reference } = owner.register(new Uint8Array(4096 + count), { access });
      genuine.push(reference.encode(), narrowed(reference, 1, random));
      genuine.push(narrowed(reference, between(random, 2, 16), random));
    }
    const keys = new Set(genuine.map(keyOf));
    const names = Object.keys(forgeries);
    const seen = new Map<string, number>();
    for (let count = 0, tries = 0; count < forgeryCount; tries++) {
      const name = names[tries % names.length] ?? '';
      const bytes = forge(name, genuine, random);
      // Nothing was left out, or the order was the same: no forgery.
      if (keys.has(keyOf(bytes))) continue;
      const result = registrations.check(bytes, alice, 'read', 0, 0);
      if (isGrant(result)) assert.fail(`seed ${seed}: accepted forgery ${count}, ${name}`);
      count++;
      seen.set(result, (seen.get(result) ?? 0) + 1);
      const shown = genuine[random() % genuine.length];
      if (count % 10 !== 0 || shown === undefined) continue;
      assert(isGrant(registrations.check(shown, alice, 'read', 0, 0)), `seed ${seed}, ${count}`);
    }
    context.diagnostic(`seed ${seed}: ${JSON.stringify(Object.fromEntries(seen))}`);
    const codes = ['BAD_REFERENCE', 'FOREIGN_REFERENCE', 'FORGED_REFERENCE', 'STALE_REFERENCE'];
    assert.deepEqual([...seen.keys()].sort(), codes);
  });

  it('every bit of a reference counts', () => {
    const owner = new Owner({ addresses: ['tcp://10.0.0.2:7000/'] });
    const { reference } = owner.register(new Uint8Array(4096));
    const part = reference.narrow({ offset: 1, holder: alice.identity, expiresMs: 2e12 });
    for (const whole of [reference.encode(), part.narrow({ access: 'read' }).encode()]) {
      for (let bit = 0; bit < 8 * whole.length; bit++) {
        assert(isGrant(owner.read(whole, alice)));
        const bytes = whole.slice();
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert(!isGrant(owner.read(bytes, alice)), `bit ${bit}`);
      }
    }
  });
});

describe('an old reference', () => {
  it('never hits what is registered now, however often its slot was used since', (context) => {
    const random = createRandom(seed);
    const owner = new Owner();
    const stale: Uint8Array[] = [];
    const live: { encoded: Uint8Array; unregister: () => Promise<void> }[] = [];
    const slots = new Set<number>();
    let replayCount = 0;
    for (let count = 0; count < registrationCount; count++) {
      const buffer = owner.register(new Uint8Array(0));
      const { reference } = buffer;
      const encoded = random() % 4 === 0 ? narrowed(reference, 1, random) : reference.encode();
      live.push({ encoded, unregister: () => buffer.unregister() });
      // Those that were never shown while they were good are not remembered by the owner.
      if (random() % 2 === 0) {
        const result = owner.registrations.check(encoded, alice, 'read', 0, 0);
        if (!isGrant(result)) assert.fail(`seed ${seed}: refused ${count} as ${result}`);
        slots.add(result.registration.fields.slot);
      }
      while (live.length > random() % 5) {
        const [ended] = live.splice(random() % live.length, 1);
        if (ended === undefined) break;
        void ended.unregister();
        if (stale.length < 64) stale.push(ended.encoded);
        else stale[random() % stale.length] = ended.encoded;
      }
      for (let shown = 0; shown < 2 && stale.length > 0; shown++) {
        const old = stale[random() % stale.length];
        if (old === undefined) break;
        const result = owner.registrations.check(old, alice, 'read', 0, 0);
        replayCount++;
        if (result !== 'STALE_REFERENCE') {
          assert.fail(`seed ${seed}: an old reference at ${count}: ${String(isGrant(result))}`);
        }
      }
    }
    context.diagnostic(`seed ${seed}: ${replayCount} replays on ${slots.size} slots`);
    assert(slots.size <= 5 && replayCount > registrationCount);
  });
});
