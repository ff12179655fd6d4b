/** Judging: references that are not what they say get an error of their own; nothing is touched. */
import { RemoteBufferReference, type Domain } from '../../../core/index.js';
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { between } from '../random.js';
import { areEqual, handOver, lend, makeSides, outcomeOf, outcomeOfCall } from './sides.js';

/** In an encoded reference: see `core/transfer/reference-layout.ts`. */
const fieldsFrom = {
  head: 0,
  access: 6,
  mode: 7,
  owner: 8,
  incarnation: 24,
  slot: 32,
  byteLength: 40,
  expiry: 48,
  addresses: 56,
} as const;
const codeBytes = 32;

/** Receives and sends a byte; both have to end alike, and to leave both sides as they were. */
async function tryByte(
  stage: Stage,
  user: Domain,
  reference: RemoteBufferReference,
  remote: Uint8Array,
): Promise<string> {
  const before = new Uint8Array(remote);
  const local = Uint8Array.of(0x5a);
  const received = await outcomeOf(user.receiveFromRemoteBuffer(reference, local));
  const sent = await outcomeOf(user.sendToRemoteBuffer(reference, Uint8Array.of(0xa5)));
  stage.check(local[0] === 0x5a, 'nothing came');
  stage.check(areEqual(remote, before), 'nothing was written');
  return received === sent ? received : `received ${received}, sent ${sent}`;
}

/** What the code at `at` of a reference with one bit wrong may be answered. */
function expectedOf(at: number, codeAt: number): RegExp {
  if (at >= codeAt) return /^FORGED_REFERENCE never$/u;
  if (at >= fieldsFrom.addresses) return /^BAD_REFERENCE never$/u;
  if (at >= fieldsFrom.slot) return /^(BAD|FORGED)_REFERENCE never$/u;
  if (at >= fieldsFrom.incarnation) return /^STALE_REFERENCE never$/u;
  if (at >= fieldsFrom.owner) return /^UNREACHABLE never$/u;
  if (at >= fieldsFrom.mode) return /^(BAD|FORGED)_REFERENCE never$/u;
  if (at < fieldsFrom.access) return /^BAD_REFERENCE never$/u;
  // One bit less is an access less, which the user's own domain sees.
  return /^BAD_REFERENCE never$|(ACCESS_DENIED|FORGED_REFERENCE) never/u;
}

async function flipBits(stage: Stage): Promise<void> {
  // Without addresses, so that a wrong one is not dialled.
  const sides = await makeSides(stage, { dials: 'owner' });
  const { bytes, reference, buffer } = await lend(sides, contentOf(1, 1000));
  const encoded = reference.encode();
  const codeAt = encoded.length - codeBytes;
  for (let at = 0; at < encoded.length; at++) {
    const wrong = reference.encode();
    const bit = between(stage.random, 0, 7);
    wrong[at] = (wrong[at] ?? 0) ^ (1 << bit);
    let outcome = outcomeOfCall(() => RemoteBufferReference.decode(wrong));
    if (outcome === 'OK') {
      const decoded = RemoteBufferReference.decode(wrong, sides.userEnd.endpoint);
      outcome = await tryByte(stage, sides.user, decoded, bytes);
    }
    const where = `byte ${at} of ${encoded.length}, bit ${bit}: ${outcome}`;
    stage.check(expectedOf(at, codeAt).test(outcome), where);
  }
  stage.equal(buffer.uses(), [], 'uses of the buffer');
  stage.note('no bit was wrong unseen');
}

/** The owner restarts; what it lent before is gone. */
async function restart(stage: Stage): Promise<void> {
  const id = contentOf(7, 16);
  const address = await stage.world.vacantAddress('service');
  const older = stage.domain('older', { id });
  const bytes = contentOf(1, 100);
  const service = await stage.listen(older, 'service', { address });
  const user = stage.domain('user');
  const front = stage.dial(user, 'front', address);
  const back = await stage.connected(front, service);
  const { reference } = older.registerBuffer(bytes, { access: 'readWrite' });
  const fromOlder = await handOver(back, reference);
  stage.note(await outcomeOf(user.receiveFromRemoteBuffer(fromOlder, new Uint8Array(100))));
  await older.close();
  const newer = stage.domain('newer', { id });
  newer.registerBuffer(bytes, { access: 'readWrite' });
  await stage.listen(newer, 'service', { address });
  await stage.until('it is back', () => {
    return front.isConnected && front.endpoint.peer?.incarnation === newer.incarnation;
  });
  stage.note(`after the restart: ${await tryByte(stage, user, fromOlder, bytes)}`);
  const decodedAgain = RemoteBufferReference.decode(fromOlder.encode());
  stage.note(`as bytes from elsewhere: ${await tryByte(stage, user, decodedAgain, bytes)}`);
  stage.note(`at the owner itself: ${await tryByte(stage, newer, decodedAgain, bytes)}`);
  stage.mute();
}

export const judgingScenarios: readonly Scenario[] = [
  {
    fact: 'one wrong bit, wherever it is, has an error of its own',
    play: flipBits,
  },
  {
    fact: 'a reference that is cut off, or too long, is BAD_REFERENCE when it is decoded',
    play: (stage) => {
      const domain = stage.domain('alone');
      const { reference } = domain.registerBuffer(new Uint8Array(9), { access: 'read' });
      const encoded = reference.narrow({ byteLength: 5 }).encode();
      const decode = (bytes: Uint8Array): string => {
        return outcomeOfCall(() => RemoteBufferReference.decode(bytes));
      };
      for (let byteLength = 0; byteLength < encoded.length; byteLength++) {
        const outcome = decode(encoded.subarray(0, byteLength));
        stage.equal(outcome, 'BAD_REFERENCE never', `${byteLength} bytes of it`);
      }
      stage.note(decode(encoded));
      stage.note(decode(Uint8Array.of(...encoded, 0)));
      stage.note(decode(new Uint8Array(5000)));
      return Promise.resolve();
    },
    told: ['OK', 'BAD_REFERENCE never', 'BAD_REFERENCE never'],
  },
  {
    fact: 'a restriction that was taken away, or moved to another reference, is FORGED_REFERENCE',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lend(sides, contentOf(1, 100));
      const other = await lend(sides, contentOf(1, 100));
      const whole = reference.encode();
      const narrowed = reference.narrow({ access: 'read' }).encode();
      const without = new Uint8Array(whole);
      without.set(narrowed.subarray(-codeBytes), whole.length - codeBytes);
      const mixed = other.reference.encode();
      mixed.set(whole.subarray(-codeBytes), mixed.length - codeBytes);
      const moved = new Uint8Array(narrowed);
      moved.set(mixed.subarray(2, -codeBytes), 2);
      for (const forged of [without, mixed, moved]) {
        const decoded = RemoteBufferReference.decode(forged, sides.userEnd.endpoint);
        // Where it reads only, what it says of itself is believed first.
        const outcome = await outcomeOf(
          sides.user.receiveFromRemoteBuffer(decoded, new Uint8Array(1)),
        );
        stage.note(outcome);
      }
      stage.check(areEqual(bytes, contentOf(1, 100)), 'nothing was written');
      stage.equal([other.buffer.uses().length], [0], 'uses');
    },
    told: ['FORGED_REFERENCE never', 'FORGED_REFERENCE never', 'FORGED_REFERENCE never'],
  },
  {
    fact: 'unregistered: STALE_REFERENCE never, also when the place is used again',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const first = await lend(sides, contentOf(1, 100));
      const narrowed = first.reference.narrow({ byteLength: 50 });
      await sides.user.sendToRemoteBuffer(first.reference, contentOf(1, 100));
      await first.buffer.unregister();
      stage.note(await tryByte(stage, sides.user, first.reference, first.bytes));
      const second = await lend(sides, first.bytes);
      for (const reference of [first.reference, narrowed, first.buffer.reference]) {
        stage.note(await tryByte(stage, sides.user, reference, first.bytes));
      }
      stage.note(`at the owner: ${await tryByte(stage, sides.owner, narrowed, first.bytes)}`);
      const sent = sides.user.sendToRemoteBuffer(second.reference, contentOf(2, 100));
      stage.note(`the second one: ${await outcomeOf(sent)}`);
      stage.check(areEqual(first.bytes, contentOf(2, 100)), 'sent');
    },
    told: [
      'STALE_REFERENCE never',
      'STALE_REFERENCE never',
      'STALE_REFERENCE never',
      'STALE_REFERENCE never',
      'at the owner: STALE_REFERENCE never',
      'the second one: OK',
    ],
  },
  {
    fact: 'an owner that restarted: STALE_REFERENCE never',
    play: restart,
    told: [
      'OK',
      'after the restart: STALE_REFERENCE never',
      'as bytes from elsewhere: STALE_REFERENCE never',
      'at the owner itself: STALE_REFERENCE never',
    ],
  },
  {
    fact: 'the reference of somebody to whom there is no way: UNREACHABLE never',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const bytes = contentOf(1, 100);
      const unknown = stage.domain('unknown').registerBuffer(bytes, { access: 'readWrite' });
      stage.note(await tryByte(stage, sides.user, unknown.reference, bytes));
      const throughOwner = await handOver(sides.ownerEnd, unknown.reference);
      stage.note(await tryByte(stage, sides.user, throughOwner, bytes));
    },
    told: ['UNREACHABLE never', 'UNREACHABLE never'],
  },
  {
    fact: 'bytes that name another owner than the one that made them are FORGED_REFERENCE',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const bytes = contentOf(1, 100);
      const { reference } = sides.user.registerBuffer(bytes, { access: 'readWrite' });
      const claimed = reference.encode();
      const own = sides.owner.registerBuffer(bytes, { access: 'readWrite' }).reference.encode();
      claimed.set(own.subarray(fieldsFrom.owner, fieldsFrom.slot), fieldsFrom.owner);
      const decoded = RemoteBufferReference.decode(claimed, sides.userEnd.endpoint);
      stage.note(await tryByte(stage, sides.user, decoded, bytes));
    },
    told: ['FORGED_REFERENCE never'],
  },
];
