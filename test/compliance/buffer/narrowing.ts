/** Narrowing: weaker references, made without the owner, and held to by it. */
import { createRuntime, type NarrowOptions, type Runtime } from '../../../core/index.js';
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { areEqual, handOver, lend, makeSides, outcomeOf, outcomeOfCall } from './sides.js';

const stranger = { kind: 'key', name: 'somebody else' } as const;

/** A runtime whose wall clock stands where it is put. */
function stillClock(): { readonly runtime: Runtime; unixMs: number } {
  const real = createRuntime();
  const still = {
    unixMs: 1_000_000,
    runtime: {
      ...real,
      clock: { now: () => real.clock.now(), unixMs: () => still.unixMs },
    },
  };
  return still;
}

const tooMuch: readonly NarrowOptions[] = [
  { offset: 101 },
  { offset: -1 },
  { offset: 60, byteLength: 41 },
  { byteLength: 101 },
  { offset: 2 ** 32 },
  { offset: 2 ** 53, byteLength: 1 },
];

/** Uses two bytes of a range narrowed eight times, each time by a few bytes at both ends. */
async function narrowDeep(stage: Stage): Promise<void> {
  const sides = await makeSides(stage);
  const { bytes, reference } = await lend(sides, contentOf(1, 1000));
  let narrowed = reference;
  let offset = 0;
  for (let depth = 1; depth <= 8; depth++) {
    offset += depth;
    narrowed = narrowed.narrow({ offset: depth, byteLength: narrowed.byteLength - 2 * depth });
  }
  stage.equal(narrowed.byteLength, 1000 - 2 * offset, 'bytes that are left');
  const local = new Uint8Array(narrowed.byteLength);
  await sides.user.receiveFromRemoteBuffer(narrowed, local);
  stage.check(areEqual(local, bytes.subarray(offset, -offset)), 'received from the middle');
  await sides.user.sendToRemoteBuffer(narrowed, contentOf(2, 3), { offset: 5 });
  const expected = contentOf(1, 1000);
  expected.set(contentOf(2, 3), offset + 5);
  stage.check(areEqual(bytes, expected), 'sent to the middle, and nowhere else');
  const beyond = sides.user.sendToRemoteBuffer(narrowed, local, { offset: 1 });
  stage.note(`a byte more than is left: ${await outcomeOf(beyond)}`);
}

export const narrowingScenarios: readonly Scenario[] = [
  {
    fact: 'a range in a range, eight deep, counts from where each begins',
    play: narrowDeep,
    told: ['a byte more than is left: OUT_OF_RANGE never'],
  },
  {
    fact: 'nothing is widened: a range, an access or a holder that is not given is refused at once',
    play: (stage) => {
      const domain = stage.domain('alone');
      const { reference } = domain.registerBuffer(new Uint8Array(100), { access: 'readWrite' });
      for (const options of tooMuch) {
        stage.note(outcomeOfCall(() => reference.narrow(options)));
      }
      const readable = reference.narrow({ access: 'read' });
      stage.note(outcomeOfCall(() => readable.narrow({ access: 'readWrite' })));
      stage.note(outcomeOfCall(() => readable.narrow({ access: 'write' })));
      const restricted = reference.narrow({ holder: stranger });
      stage.note(outcomeOfCall(() => restricted.narrow({ holder: { kind: 'key', name: 'b' } })));
      stage.note(outcomeOfCall(() => reference.narrow({ holder: { kind: 'unproven', name: '' } })));
      const early = reference.narrow({ expiresMs: 5 });
      stage.equal(early.narrow({ expiresMs: 9 }).expiresMs, 5, 'a later end has no effect');
      return Promise.resolve();
    },
    told: [
      ...tooMuch.map(() => 'OUT_OF_RANGE never'),
      'ACCESS_DENIED never',
      'ACCESS_DENIED never',
      'ACCESS_DENIED never',
      'ACCESS_DENIED never',
    ],
  },
  {
    fact: 'access: who may only read cannot write, and the reverse',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lend(sides, contentOf(1, 100));
      const written = await lend(sides, contentOf(1, 100), { access: 'write' });
      const { user } = sides;
      for (const narrowed of [
        reference.narrow({ access: 'read' }),
        reference.narrow({ access: 'write' }),
        written.reference,
      ]) {
        const received = await outcomeOf(user.receiveFromRemoteBuffer(narrowed, new Uint8Array(9)));
        const sent = await outcomeOf(user.sendToRemoteBuffer(narrowed, contentOf(1, 9)));
        stage.note(`${narrowed.access}: received ${received}, sent ${sent}`);
      }
      stage.check(areEqual(bytes, contentOf(1, 100)), 'what was written is what was there');
    },
    told: [
      'read: received OK, sent ACCESS_DENIED never',
      'write: received ACCESS_DENIED never, sent OK',
      'write: received ACCESS_DENIED never, sent OK',
    ],
  },
  {
    fact: 'expiry is judged by the clock of the owner: EXPIRED_REFERENCE never',
    play: async (stage) => {
      const clock = stillClock();
      const sides = await makeSides(stage, { owner: { runtime: clock.runtime } });
      const loan = await lend(sides, contentOf(1, 100), { expiresMs: clock.unixMs + 20 });
      const early = loan.reference.narrow({ expiresMs: clock.unixMs + 10 });
      for (const sinceMs of [9, 10, 19, 20]) {
        clock.unixMs = 1_000_000 + sinceMs;
        for (const reference of [early, loan.reference]) {
          const local = new Uint8Array(100);
          const received = await outcomeOf(sides.user.receiveFromRemoteBuffer(reference, local));
          const sent = await outcomeOf(sides.user.sendToRemoteBuffer(reference, contentOf(1, 9)));
          stage.note(`after ${sinceMs} ms: received ${received}, sent ${sent}`);
          stage.check(received === 'OK' || local.every((byte) => byte === 0), 'nothing came');
        }
      }
      stage.check(areEqual(loan.bytes, contentOf(1, 100)), 'the buffer is as it was');
    },
    told: [
      'after 9 ms: received OK, sent OK',
      'after 9 ms: received OK, sent OK',
      'after 10 ms: received EXPIRED_REFERENCE never, sent EXPIRED_REFERENCE never',
      'after 10 ms: received OK, sent OK',
      'after 19 ms: received EXPIRED_REFERENCE never, sent EXPIRED_REFERENCE never',
      'after 19 ms: received OK, sent OK',
      'after 20 ms: received EXPIRED_REFERENCE never, sent EXPIRED_REFERENCE never',
      'after 20 ms: received EXPIRED_REFERENCE never, sent EXPIRED_REFERENCE never',
    ],
  },
  {
    fact: 'a holder that the transport does not prove to be it: ACCESS_DENIED never',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lend(sides, contentOf(1, 100));
      const held = await lend(sides, contentOf(1, 100), { holders: [stranger] });
      const nobody = await lend(sides, contentOf(1, 100), { holders: [] });
      const references = [reference.narrow({ holder: stranger }), held.reference, nobody.reference];
      for (const restricted of references) {
        const local = new Uint8Array(9);
        const received = await outcomeOf(sides.user.receiveFromRemoteBuffer(restricted, local));
        const sent = await outcomeOf(sides.user.sendToRemoteBuffer(restricted, contentOf(2, 9)));
        stage.note(`received ${received}, sent ${sent}`);
        stage.check(
          local.every((byte) => byte === 0),
          'nothing came',
        );
      }
      for (const loan of [{ bytes }, held, nobody]) {
        stage.check(areEqual(loan.bytes, contentOf(1, 100)), 'the buffer is as it was');
      }
    },
    told: [
      'received ACCESS_DENIED never, sent ACCESS_DENIED never',
      'received ACCESS_DENIED never, sent ACCESS_DENIED never',
      'received ACCESS_DENIED never, sent ACCESS_DENIED never',
    ],
  },
  {
    fact: 'a holder that the transport proves uses what is for it alone',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const identity = sides.ownerEnd.endpoint.peer?.identity;
      if (identity === undefined) throw new Error('the owner knows its peer');
      const bytes = contentOf(1, 100);
      const register = (): unknown => {
        return sides.owner.registerBuffer(bytes, { access: 'read', holders: [identity] });
      };
      if (identity.kind === 'unproven') {
        stage.equal(outcomeOfCall(register), 'ACCESS_DENIED never', 'to register for nobody');
        stage.note('it is served, or cannot be told from others');
        return;
      }
      const whole = await lend(sides, bytes, { holders: [identity] });
      const restricted = (await lend(sides, bytes)).reference.narrow({ holder: identity });
      for (const reference of [whole.reference, restricted]) {
        const local = new Uint8Array(100);
        await sides.user.receiveFromRemoteBuffer(reference, local);
        stage.check(areEqual(local, bytes), 'it is served');
      }
      stage.note('it is served, or cannot be told from others');
    },
  },
  {
    fact: 'restrictions come to an end: TOO_LARGE, and the reference before still serves',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const loan = await lend(sides, contentOf(1, 1000));
      let reference = loan.reference;
      let depth = 0;
      for (let outcome = 'OK'; outcome === 'OK'; depth++) {
        outcome = outcomeOfCall(() => {
          const byteLength = reference.byteLength - 1;
          reference = reference.narrow({ byteLength, expiresMs: 2 ** 50 - depth });
        });
        if (outcome !== 'OK') stage.note(outcome);
      }
      stage.check(depth > 8, 'at least eight restrictions');
      stage.check(reference.encode().length <= 1024, 'at most 1,024 bytes');
      const arrived = await handOver(sides.ownerEnd, reference);
      const local = new Uint8Array(arrived.byteLength);
      await sides.user.receiveFromRemoteBuffer(arrived, local);
      stage.check(areEqual(local, loan.bytes.subarray(0, local.length)), 'received');
    },
    told: ['TOO_LARGE never'],
  },
];
