/**
 * The NBD server against clients that say anything, and against many legal ones at once. Whatever
 * is random comes from one seed, which is printed; `IDC_SEED=<seed>` replays.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  createMemoryDevice,
  openFileDevice,
  serveNbd,
  type BlockDevice,
} from '../../../drivers/block/index.js';
import { Command, NbdError, Option } from '../../../drivers/block/nbd/nbd-protocol.js';
import {
  between,
  createRandom,
  randomBytes,
  seedOfThisRun,
  type Random,
} from '../../compliance/random.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { makeHostileSession } from './hostile-session.js';
import { JitterDevice } from './jitter-device.js';
import { exportQuestion, RawClient } from './raw-client.js';

const seed = seedOfThisRun();
const honestName = 'the export of those who mean well';
const partBytes = 65_536;

async function enter(
  place: number | string,
  name: string,
  structured: boolean,
): Promise<RawClient> {
  const client = await RawClient.connect(place);
  await client.greet();
  if (structured) await client.ask(Option.StructuredReply);
  await client.ask(Option.Go, exportQuestion(name));
  return client;
}

describe(`hostile NBD clients (seed ${seed})`, () => {
  for (const medium of ['a socket file', 'TCP']) {
    it(`over ${medium} cost those who mean well nothing but time`, async (context) => {
      const random = createRandom(seed);
      const folder = await makeTemporaryFolder(context);
      const target = new JitterDevice(
        createMemoryDevice({ byteLength: 1 << 20 }),
        createRandom(seed),
      );
      const honestDevice = createMemoryDevice({ byteLength: 4 * partBytes });
      const server = serveNbd({
        exports: [{ device: target }, { device: honestDevice, name: honestName }],
        listen: medium === 'TCP' ? '127.0.0.1:0' : `${folder}/nbd.sock`,
      });
      const place = placeOf(await server.ready);
      const before = process.memoryUsage.rss();
      await playRounds(place, random).finally(() => server.close());
      const grownBytes = process.memoryUsage.rss() - before;
      assert.ok(grownBytes < 400 << 20, `${grownBytes >> 20} MiB`);
      assert.deepEqual(server.statistics(), { connections: 0, turnedAway: 0, payloads: 0 });
    });
  }
});

/** A port or a path. */
function placeOf(uri: string): number | string {
  const { port, searchParams } = new URL(uri);
  return port === '' ? (searchParams.get('socket') ?? '') : Number(port);
}

async function playRounds(place: number | string, random: Random): Promise<void> {
  const honest = await enter(place, honestName, false);
  for (let round = 0; round < 40; round++) {
    // Each has chance of its own, so that what it says does not hang on the others' pace.
    const sessions = Array.from({ length: 8 }, () => playHostile(place, createRandom(random())));
    await Promise.all([...sessions, playHonest(honest, random)]);
  }
  honest.disconnect();
  await honest.end();
}

/** Says it all, without waiting for answers, and goes in one of the ways to go. */
async function playHostile(place: number | string, random: Random): Promise<void> {
  const client = await RawClient.connect(place);
  const end = random() % 3;
  if (random() % 4 === 0) client.socket.pause();
  for (const piece of makeHostileSession(random)) {
    client.socket.write(piece);
    if (random() % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (end === 0 && typeof place === 'number') client.socket.resetAndDestroy();
  else if (end === 1) client.destroy();
  else client.socket.end();
  client.socket.resume();
  await client.closed();
  client.destroy();
}

/** Writes and reads one part, which nobody else does. */
async function playHonest(client: RawClient, random: Random): Promise<void> {
  const data = Buffer.from(randomBytes(random, between(random, 1, partBytes)));
  const offset = between(random, 0, 3) * partBytes;
  assert.equal(await client.perform({ command: Command.Write, offset, data }), NbdError.None);
  client.request({ command: Command.Read, offset, byteLength: data.byteLength });
  assert.equal((await client.simpleReply()).error, NbdError.None);
  assert.ok((await client.receive(data.byteLength)).equals(data));
}

const kinds: readonly (readonly [string, (context: TestContext) => Promise<BlockDevice>])[] = [
  ['memory', () => Promise.resolve(createMemoryDevice({ byteLength: 16 * partBytes }))],
  [
    'a file',
    async (context) => {
      const folder = await makeTemporaryFolder(context);
      return openFileDevice(`${folder}/disk.img`, { createBytes: 16 * partBytes });
    },
  ],
];

describe(`legal NBD clients, many at once (seed ${seed})`, () => {
  for (const [name, make] of kinds) {
    for (const jitter of [false, true]) {
      it(`see an array of bytes in ${name}, jitter ${jitter}`, async (context) => {
        const random = createRandom(seed);
        const below = await make(context);
        const device = jitter ? new JitterDevice(below, createRandom(seed)) : below;
        const place = `${await makeTemporaryFolder(context)}/nbd.sock`;
        const server = serveNbd({ exports: [{ device }], listen: place, heldBytesMax: 300_000 });
        await server.ready;
        const parts = Array.from({ length: 4 }, (_, index) =>
          playLegal(place, 4 * index * partBytes, createRandom(random()), index % 2 === 0),
        );
        await Promise.all(parts).finally(() => server.close());
        assert.equal(server.statistics().payloads, 0);
        await device.close();
      });
    }
  }
});

/** Works on four parts from `base` on, of which each request has one for itself. */
async function playLegal(
  place: string,
  base: number,
  random: Random,
  structured: boolean,
): Promise<void> {
  const client = await enter(place, '', structured);
  const model = Buffer.alloc(4 * partBytes);
  for (let round = 0; round < 25; round++) {
    const expected = new Map<bigint, Buffer | undefined>();
    for (let part = 0; part < 4; part++) {
      const cookie = (BigInt(random()) << 32n) | BigInt(part);
      expected.set(cookie, sendOne(client, base, model, part, cookie, random));
    }
    while (expected.size > 0) await takeOne(client, structured, expected);
  }
  client.disconnect();
  await client.end();
}

/** Sends a request about a part of the model; answers the data that must come back, if any. */
function sendOne(
  client: RawClient,
  base: number,
  model: Buffer,
  part: number,
  cookie: bigint,
  random: Random,
): Buffer | undefined {
  const byteLength = between(random, 1, partBytes);
  const start = part * partBytes + between(random, 0, partBytes - byteLength);
  const range = model.subarray(start, start + byteLength);
  const request = { cookie, offset: base + start, byteLength };
  switch (random() % 4) {
    case 0: {
      range.set(randomBytes(random, byteLength));
      const data = Buffer.from(range);
      client.request({ ...request, command: Command.Write, flags: random() % 2, data });
      return undefined;
    }
    case 1:
      range.fill(0);
      client.request({ ...request, command: Command.WriteZeroes, flags: random() % 4 });
      return undefined;
    case 2:
      client.request({ cookie, command: Command.Flush });
      return undefined;
    default:
      client.request({ ...request, command: Command.Read });
      return Buffer.from(range);
  }
}

/** Takes the next reply, whichever request it is of. */
async function takeOne(
  client: RawClient,
  structured: boolean,
  expected: Map<bigint, Buffer | undefined>,
): Promise<void> {
  const magic = (await client.peek(4)).readUInt32BE(0);
  const isChunk = magic === 0x668e33ef;
  const reply = isChunk ? await client.chunk() : await client.simpleReply();
  const { cookie } = reply;
  assert.ok(expected.has(cookie));
  const data = expected.get(cookie);
  expected.delete(cookie);
  if ('error' in reply) assert.equal(reply.error, NbdError.None);
  if (data === undefined) return;
  assert.equal(isChunk, structured);
  const found = 'data' in reply ? reply.data.subarray(8) : await client.receive(data.byteLength);
  assert.ok(found.equals(data), `${data.byteLength} bytes`);
}
