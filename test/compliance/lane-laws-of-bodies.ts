/** N3, N4, N5 and N7: what travels on a lane, and whose memory is touched when. */
import assert from 'node:assert/strict';
import { laneHeaderBytesMax } from '../../core/contract.js';
import type { LaneEnd } from './lane-end.js';
import type { LaneCheck } from './lane-rig.js';
import { between, createRandom, randomBytes, type Random } from './random.js';

const poison = 0xdd;

export function checkLaneBodies(check: LaneCheck): void {
  checkDelivery(check);
  checkSources(check);
  checkTargets(check);
  checkRevocation(check);
}

/** Quick to make and to tell apart: words that count from a random start. */
export function madeBytes(random: Random, byteLength: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(byteLength / 4));
  let word = random();
  for (let index = 0; index < words.length; index += 1)
    words[index] = word = (word + 0x9e37_79b1) | 0;
  return new Uint8Array(words.buffer, 0, byteLength);
}

/** The same bytes in up to five parts, of which some may be empty. */
export function scattered(random: Random, bytes: Uint8Array): readonly Uint8Array[] {
  const cuts = Array.from({ length: random() % 5 }, () => between(random, 0, bytes.byteLength));
  const edges = [0, ...cuts.sort((a, b) => a - b), bytes.byteLength];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

/** None, short, long, and around powers of 2, where a lane might change its mind. */
function anyLength(random: Random): number {
  const exponent = between(random, 0, 21);
  const edge = 2 ** exponent + between(random, -1, 1);
  return random() % 3 === 0 ? random() % 5 : random() % 2 === 0 ? edge : random() % (2 * edge + 1);
}

function checkDelivery(check: LaneCheck): void {
  check('N3 bodies of any length arrive whole and in order, both ways at once', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const { rig } = lanes;
    const bodyCount = 150;
    for (const [sender, receiver] of [
      [dialler, acceptor],
      [acceptor, dialler],
    ] as const) {
      const random = createRandom(rig.random());
      const expected: { header: Uint8Array; bytes: Uint8Array }[] = [];
      receiver.onTarget = (_, byteLength) =>
        random() % 2 === 0
          ? new Uint8Array(byteLength)
          : scattered(random, new Uint8Array(byteLength));
      receiver.onLanded = (landed) => {
        const body = expected.shift();
        rig.monitor.expect(body !== undefined, 'N3 a body arrives at most once');
        const isHeader = Buffer.compare(landed.header, body?.header ?? landed.bytes) === 0;
        rig.monitor.expect(isHeader, 'N3 a body arrives with its header, in order');
        const isBody = Buffer.compare(landed.bytes, body?.bytes ?? landed.header) === 0;
        rig.monitor.expect(isBody, 'N3 a body arrives whole');
      };
      let count = 0;
      const sendMore = (): void => {
        while (count < bodyCount && sender.unsentCount < 8) {
          const header = randomBytes(random, between(random, 1, laneHeaderBytesMax));
          const bytes = madeBytes(random, anyLength(random));
          expected.push({ header, bytes });
          const source = random() % 2 === 0 ? bytes : scattered(random, bytes);
          rig.monitor.expect(sender.send(header, source) === 0, 'N6 there is room');
          count += 1;
        }
      };
      sender.onSent = sendMore;
      sendMore();
    }
    await rig.until('all landed', () => {
      return dialler.landedCount === bodyCount && acceptor.landedCount === bodyCount;
    });
    await rig.until('all sent', () => dialler.sentCount + acceptor.sentCount === 2 * bodyCount);
  });

  check('N3 a body without bytes lands, with the longest header', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const header = randomBytes(lanes.rig.random, laneHeaderBytesMax);
    assert.equal(dialler.send(header, new Uint8Array(0)), 0);
    assert.equal(dialler.send(header, []), 0);
    await lanes.rig.until('landed', () => acceptor.landedCount === 2);
    const empty = new Uint8Array(0);
    assert.deepEqual(acceptor.landings, [
      { header, bytes: empty },
      { header, bytes: empty },
    ]);
  });

  check('N3 memory that threads share carries bodies, too', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const bytes = madeBytes(lanes.rig.random, 300_000);
    const source = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
    source.set(bytes);
    acceptor.onTarget = (_, byteLength) => new Uint8Array(new SharedArrayBuffer(byteLength));
    assert.equal(dialler.send(Uint8Array.of(1), source), 0);
    await lanes.rig.until('landed', () => acceptor.landedCount === 1);
    assert.deepEqual(acceptor.landings[0]?.bytes, bytes);
  });
}

function checkSources(check: LaneCheck): void {
  check('N4 send: copies the header', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const header = Uint8Array.of(1, 2, 3);
    assert.equal(dialler.send(header, new Uint8Array(5)), 0);
    header.fill(9);
    await lanes.rig.until('landed', () => acceptor.landedCount === 1);
    assert.deepEqual(acceptor.landings[0]?.header, Uint8Array.of(1, 2, 3));
  });

  check('N4 sent: what is stored in the source from then on reaches nobody', async (lanes) => {
    const { dialler, acceptor, listening } = await lanes.pair();
    const { rig } = lanes;
    const bodyCount = 60;
    const sources = Array.from({ length: bodyCount }, (_, index) => {
      return new Uint8Array(between(rig.random, 1, 400_000)).fill(index);
    });
    acceptor.onLanded = ({ header, bytes }) => {
      const isClean = bytes.every((byte) => byte === header[0]);
      rig.monitor.expect(isClean, 'N4 a source is as it was at send');
    };
    dialler.onSent = (header) => sources[header[0] ?? 0]?.fill(poison);
    for (const [index, source] of sources.entries()) {
      assert.equal(dialler.send(Uint8Array.of(index), source), 0);
      // Now and then the peer stops, so that much is under way.
      if (index === 20) listening.pause();
      if (index === 40) await rig.quiet();
    }
    await rig.quiet();
    listening.resume();
    await rig.until('all landed', () => acceptor.landedCount === bodyCount);
    await rig.until('all sent', () => dialler.sentCount === bodyCount);
    assert.ok(sources.every((source) => source[0] === poison));
  });
}

function checkTargets(check: LaneCheck): void {
  check('N7 a refused body is read and forgotten, and the lane goes on', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const { rig } = lanes;
    acceptor.onTarget = ([number = 0], byteLength) => {
      return number % 2 === 0 ? new Uint8Array(byteLength) : undefined;
    };
    for (let number = 0; number < 20; number += 1) {
      const source = new Uint8Array(between(rig.random, 0, 300_000)).fill(number);
      assert.equal(dialler.send(Uint8Array.of(number), source), 0);
    }
    await rig.until('all sent', () => dialler.sentCount === 20);
    await rig.until('half landed', () => acceptor.landedCount === 10);
    await rig.quiet();
    assert.equal(acceptor.refusedCount, 10);
    assert.deepEqual(
      acceptor.landings.map(({ header }) => header[0]),
      [0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
    );
  });

  check('N5 outside its target nothing is written', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    const { rig } = lanes;
    const memory = new Uint8Array(1_000_000).fill(poison);
    const bytes = new Uint8Array(700_001).fill(1);
    acceptor.onTarget = () => [memory.subarray(7, 100_007), memory.subarray(300_000, 900_001)];
    assert.equal(dialler.send(Uint8Array.of(1), bytes), 0);
    assert.equal(dialler.send(Uint8Array.of(2), bytes), 0);
    await rig.until('landed', () => acceptor.landedCount === 2);
    const around = [
      memory.subarray(0, 7),
      memory.subarray(100_007, 300_000),
      memory.subarray(900_001),
    ];
    assert.ok(around.every((part) => part.every((byte) => byte === poison)));
  });
}

/** How the client comes to run the code that gives a target up. */
const moments: readonly (readonly [what: string, run: (task: () => void) => void])[] = [
  ['in a call of the sink', (task) => task()],
  ['in a microtask', (task) => queueMicrotask(task)],
  ['before the next event', (task) => process.nextTick(task)],
  ['in the next turn', (task) => setImmediate(task)],
  ['when a timer fires', (task) => setTimeout(task, 1)],
];

function checkRevocation(check: LaneCheck): void {
  for (const [what, run] of moments) {
    check(`N5 given up ${what}: no byte of the target changes any more`, async (lanes) => {
      const { dialler, acceptor } = await lanes.pair();
      const { rig } = lanes;
      const revoker = new Revoker(acceptor, rig.random);
      const bodyCount = 200;
      let count = 0;
      const sendMore = (): void => {
        for (; count < bodyCount && dialler.unsentCount < 8; count += 1) {
          dialler.send(Uint8Array.of(1), new Uint8Array(between(rig.random, 1, 1_000_000)));
        }
      };
      dialler.onSent = sendMore;
      // What the acceptor sends gives it calls in the midst of what it receives.
      const chatter = (): void => {
        if (acceptor.unsentCount < 4) acceptor.send(Uint8Array.of(2), new Uint8Array(20_000));
        run(() => revoker.giveUp());
      };
      acceptor.onSent = chatter;
      acceptor.onLanded = () => {
        revoker.landed();
        chatter();
      };
      sendMore();
      chatter();
      await rig.until('all arrived', () => {
        return acceptor.landedCount + revoker.goneCount === bodyCount;
      });
      acceptor.onSent = () => undefined;
      await rig.quiet();
      assert.ok(revoker.goneCount > 0, 'some were given up');
      assert.ok(acceptor.landedCount > 0, 'some were not');
      revoker.expectUntouched();
    });
  }
}

/** Gives targets up while their bodies arrive, and poisons them. */
class Revoker {
  goneCount = 0;
  readonly #random: Random;
  readonly #gone: Uint8Array[] = [];
  #current: Uint8Array | undefined = undefined;

  constructor(end: LaneEnd, random: Random) {
    this.#random = random;
    end.onTarget = (_, byteLength) => (this.#current = new Uint8Array(byteLength));
    end.onProceed = () => this.#current !== undefined;
  }

  /** The target is the client's own again, and no longer given up. */
  landed(): void {
    this.#current = undefined;
  }

  /** Often, the target of the body that arrives now. */
  giveUp(): void {
    const target = this.#current;
    if (target === undefined || this.#random() % 2 === 0) return;
    this.#current = undefined;
    target.fill(poison);
    this.#gone.push(target);
    this.goneCount += 1;
  }

  expectUntouched(): void {
    for (const target of this.#gone) {
      const index = target.findIndex((byte) => byte !== poison);
      assert.equal(index, -1, `written at ${String(index)} of ${String(target.byteLength)}`);
    }
  }
}
