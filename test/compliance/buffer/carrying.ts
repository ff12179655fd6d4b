/** Carrying: bytes that are sent to a remote buffer and received from it, whole and in place. */
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { between, randomBytes, type Random } from '../random.js';
import {
  areEqual,
  Framed,
  isFilledWith,
  joinParts,
  lend,
  makeSides,
  outcomeOf,
  pieceBytes,
  type Loan,
  type Sides,
} from './sides.js';

/** Nothing, one byte, and around the borders of one piece and of several. */
const byteLengths = [0, 1, 63, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes + 5];

/** Sends and receives so many bytes, and looks at each of them and at those around. */
async function carry(stage: Stage, sides: Sides, byteLength: number): Promise<void> {
  const remote = new Framed(1, byteLength);
  const { buffer, reference } = await lend(sides, remote.bytes);
  const received = new Framed(2, byteLength);
  const got = await outcomeOf(sides.user.receiveFromRemoteBuffer(reference, received.bytes));
  stage.check(areEqual(received.bytes, remote.first), `${byteLength} bytes were received`);
  const sent = new Framed(3, byteLength);
  const given = await outcomeOf(sides.user.sendToRemoteBuffer(reference, sent.bytes));
  stage.check(areEqual(remote.bytes, sent.first), `${byteLength} bytes were sent`);
  stage.check(areEqual(sent.bytes, sent.first), 'what is sent stays as it is');
  for (const framed of [remote, received, sent]) {
    stage.check(framed.isIntactAround(), `nothing around ${byteLength} bytes is touched`);
  }
  await buffer.unregister();
  stage.note(`${byteLength} bytes: received ${got}, sent ${given}`);
}

/** The same bytes in parts of random lengths, empty ones among them. */
function cut(bytes: Uint8Array, random: Random): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = Math.min(bytes.length, from + between(random, 0, 3000));
    parts.push(bytes.subarray(from, end));
    from = end;
  }
  return [new Uint8Array(0), ...parts];
}

/** Transfers at once, each to or from a stripe of its own. */
async function carryStripes(stage: Stage, sides: Sides, loan: Loan): Promise<void> {
  const stripeBytes = loan.bytes.length / 32;
  const before = new Uint8Array(loan.bytes);
  const transfers = Array.from({ length: 32 }, async (_, stripe) => {
    const byteLength = between(stage.random, 1, stripeBytes);
    const offset = stripe * stripeBytes + between(stage.random, 0, stripeBytes - byteLength);
    const local = randomBytes(stage.random, byteLength);
    const inRemote = loan.bytes.subarray(offset, offset + byteLength);
    if (stripe % 2 === 0) {
      await sides.user.sendToRemoteBuffer(loan.reference, local, { offset });
      before.set(local, offset);
    } else {
      await sides.user.receiveFromRemoteBuffer(loan.reference, local, { offset });
    }
    stage.check(areEqual(local, inRemote), `stripe ${stripe} is the same on both sides`);
  });
  await Promise.all(transfers);
  stage.check(areEqual(loan.bytes, before), 'nothing else was written');
}

export const carryingScenarios: readonly Scenario[] = [
  {
    fact: 'any length is sent and received to the byte, and nothing around it is touched',
    play: async (stage) => {
      const sides = await makeSides(stage);
      for (const byteLength of byteLengths) await carry(stage, sides, byteLength);
    },
    told: [...byteLengths.map((byteLength) => `${byteLength} bytes: received OK, sent OK`)],
  },
  {
    fact: 'an owner that only dials is reached as well',
    play: async (stage) => {
      const sides = await makeSides(stage, { dials: 'owner' });
      for (const byteLength of [1, 2 * pieceBytes + 1]) await carry(stage, sides, byteLength);
      stage.equal(sides.owner.statistics().listeners, 0, 'listeners of the owner');
    },
    told: ['1 bytes: received OK, sent OK', '8193 bytes: received OK, sent OK'],
  },
  {
    fact: 'megabytes go in pieces as long as the medium takes them',
    play: async (stage) => {
      const sides = await makeSides(stage, { owner: { transfers: {} }, user: { transfers: {} } });
      await carry(stage, sides, 3 * 2 ** 20 + 7);
    },
    told: ['3145735 bytes: received OK, sent OK'],
  },
  {
    fact: 'sides that choose different piece lengths agree',
    play: async (stage) => {
      const sides = await makeSides(stage, {
        owner: { transfers: { pieceBytes: 1024 } },
        user: { transfers: { pieceBytes: 50_000 } },
      });
      await carry(stage, sides, 100_001);
    },
    told: ['100001 bytes: received OK, sent OK'],
  },
  {
    fact: 'lists at both sides are as if their parts were joined',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const remote = contentOf(1, 5 * pieceBytes + 11);
      const parts = cut(remote, stage.random);
      const buffer = sides.owner.registerBuffer(parts, { access: 'readWrite' });
      const { reference } = buffer;
      const local = cut(new Uint8Array(remote.length - 100), stage.random);
      await sides.user.receiveFromRemoteBuffer(reference, local, { offset: 100 });
      stage.check(areEqual(joinParts(local), remote.subarray(100)), 'received');
      const sent = cut(contentOf(2, remote.length - 9), stage.random);
      await sides.user.sendToRemoteBuffer(reference, sent, { offset: 9 });
      stage.check(areEqual(remote.subarray(9), joinParts(sent)), 'sent');
      stage.check(areEqual(remote.subarray(0, 9), contentOf(1, 9)), 'bytes before the offset');
      stage.note('lists were carried');
    },
  },
  {
    fact: 'offsets: the first byte, the last one, one past it, and far beyond',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lend(sides, contentOf(1, 100));
      const { user } = sides;
      for (const offset of [0, 99, 100, 101, -1, 2 ** 32, 2 ** 53]) {
        for (const byteLength of [0, 1]) {
          const local = Uint8Array.from({ length: byteLength }, () => 0);
          const received = await outcomeOf(
            user.receiveFromRemoteBuffer(reference, local, { offset }),
          );
          const sent = await outcomeOf(user.sendToRemoteBuffer(reference, local, { offset }));
          stage.note(`${byteLength} bytes from ${offset} on: ${received}, ${sent}`);
          const isInside = byteLength === 1 && (offset === 0 || offset === 99);
          if (isInside) stage.check(local[0] === contentOf(1, 100)[offset], 'the byte there');
        }
      }
      stage.check(areEqual(bytes, contentOf(1, 100)), 'the buffer is as it was');
    },
    told: [
      ...[
        '0 bytes from 0',
        '1 bytes from 0',
        '0 bytes from 99',
        '1 bytes from 99',
        '0 bytes from 100',
      ].map((where) => `${where} on: OK, OK`),
      ...[
        '1 bytes from 100',
        ...[101, -1, 2 ** 32, 2 ** 53].flatMap((offset) => [
          `0 bytes from ${offset}`,
          `1 bytes from ${offset}`,
        ]),
      ].map((where) => `${where} on: OUT_OF_RANGE never, OUT_OF_RANGE never`),
    ],
  },
  {
    fact: 'both sides own and use at once',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const mirrored = {
        ...sides,
        owner: sides.user,
        user: sides.owner,
        ownerEnd: sides.userEnd,
        userEnd: sides.ownerEnd,
      };
      const loans = [
        await lend(sides, contentOf(1, 64 * pieceBytes)),
        await lend(mirrored, contentOf(2, 64 * pieceBytes)),
      ] as const;
      await Promise.all([
        carryStripes(stage, sides, loans[0]),
        carryStripes(stage, mirrored, loans[1]),
      ]);
      stage.note('both were carried');
    },
  },
  {
    fact: 'a domain uses its own buffer by its reference, without anybody else',
    play: async (stage) => {
      const domain = stage.domain('alone');
      const bytes = contentOf(1, 10_000);
      const { reference } = domain.registerBuffer(bytes, { access: 'readWrite' });
      const local = new Uint8Array(100);
      stage.note(await outcomeOf(domain.receiveFromRemoteBuffer(reference, local, { offset: 50 })));
      stage.check(areEqual(local, contentOf(1, 10_000).subarray(50, 150)), 'received');
      stage.note(await outcomeOf(domain.sendToRemoteBuffer(reference, contentOf(2, 10_000))));
      stage.check(areEqual(bytes, contentOf(2, 10_000)), 'sent');
    },
    told: ['OK', 'OK'],
  },
  {
    fact: 'progress only grows, and ends with the last byte',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { reference } = await lend(sides, contentOf(1, 40 * pieceBytes + 1));
      const local = new Uint8Array(reference.byteLength);
      for (const call of ['sendToRemoteBuffer', 'receiveFromRemoteBuffer'] as const) {
        const counts: number[] = [];
        await sides.user[call](reference, local, { onProgress: (count) => counts.push(count) });
        const isGrowing = counts.every((count, index) => count > (counts[index - 1] ?? 0));
        stage.check(isGrowing, `growing: ${counts.join()}`);
        stage.equal(counts.at(-1), local.length, 'told of the last byte');
        // How long its pieces are is the medium's business: on a bulk lane many times as long.
        stage.check(counts.length > 1, `told after each piece: ${counts.join()}`);
      }
      stage.note('progress was told');
    },
  },
  {
    fact: 'the source may change as soon as it was sent; the owner never sees that',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lend(sides, new Uint8Array(20 * pieceBytes));
      const source = new Uint8Array(bytes.length);
      for (let round = 1; round <= 10; round++) {
        source.fill(round);
        const transfer = sides.user.sendToRemoteBuffer(reference, source);
        void transfer.then(() => source.fill(0xff));
        await transfer;
        stage.check(isFilledWith(bytes, round), `round ${round} is there`);
        await stage.turns(3);
        stage.check(isFilledWith(bytes, round), `round ${round} stays`);
      }
      stage.note('no poison was seen');
    },
  },
  {
    fact: 'a message after a transfer is handled when the bytes are there',
    play: async (stage) => {
      const sides = await makeSides(stage);
      const { bytes, reference } = await lend(sides, new Uint8Array(10 * pieceBytes));
      sides.ownerEnd.onMessage = (message) => {
        const isThere = isFilledWith(bytes, message.sequence);
        sides.ownerEnd.note(`round ${message.sequence}: ${isThere ? 'there' : 'not there'}`);
        message.complete();
      };
      for (let round = 1; round <= 10; round++) {
        const source = new Uint8Array(bytes.length).fill(round);
        await sides.user.sendToRemoteBuffer(reference, source);
        sides.userEnd.send(contentOf(round, 1));
        await sides.userEnd.endpoint.whenFlushed();
        stage.check(sides.ownerEnd.has(`round ${round}: there`), `round ${round} was there`);
      }
      stage.note('it was there in each round');
    },
  },
];
