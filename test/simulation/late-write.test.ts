/**
 * A write that a slow path delivers after its holder went on over another one (B5), with many
 * delays: what was written later stays.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseAddress } from '../../core/address.js';
import { RemoteBufferReference, type Domain, type TransportFactory } from '../../core/index.js';
import { calmWeather } from './weather.js';
import { World } from './world.js';

const bufferBytes = 3_000;
const seeds = 10;
/** Until when whatever was on its way has arrived. */
const restMs = 30_000;
const attemptsMax = 100;
const retryMs = 10;

/** A transport for which `shut` tells the names that nobody can dial now. */
function withShutNames(inner: TransportFactory, shut: ReadonlySet<string>): TransportFactory {
  return {
    scheme: inner.scheme,
    create: (host) => {
      const transport = inner.create(host);
      const open = transport.open.bind(transport);
      transport.open = (address, sink, lane) => {
        const isShut = shut.has(address.authority);
        return open(isShut ? parseAddress('simulated://nobody/x') : address, sink, lane);
      };
      return transport;
    },
  };
}

interface Scene {
  readonly world: World;
  readonly shut: Set<string>;
  readonly memory: Uint8Array;
  readonly owner: Domain;
  /** Settles as text. */
  readonly write: (letter: string, signal?: AbortSignal) => Promise<string>;
}

/** Two names of one owner; the first one is slow, the second one shut. */
async function setUp(seed: number, fenceMs: number): Promise<Scene> {
  const world = new World({ seed });
  const shut = new Set(['spare']);
  const memory = new Uint8Array(bufferBytes);
  const domains: Domain[] = [];
  const addresses = ['simulated://owner/buffers', 'simulated://spare/buffers'];
  const limits = { fenceMs, keepAliveMs: 60_000, flushMs: 50, dialMinMs: 5, dialMaxMs: 50 };
  world.network.weather = { ...calmWeather, delayMs: [20, 100] };
  world.addDomain(
    'owner',
    (domain) => {
      domains.push(domain);
      for (const address of addresses) domain.listen(address, (offer) => offer.refuse());
    },
    { domain: { limits, transfers: { addresses } } },
  );
  world.addDomain('holder', (domain) => domains.push(domain), {
    domain: { limits },
    transports: (inner) => [withShutNames(inner, shut)],
  });
  await world.until('both domains start', 1_000, () => domains.length === 2);
  const [owner, holder] = domains;
  assert.ok(owner !== undefined && holder !== undefined);
  const buffer = owner.registerBuffer(memory, { access: 'readWrite' });
  const reference = RemoteBufferReference.decode(buffer.reference.encode());
  const write = (letter: string, signal?: AbortSignal): Promise<string> => {
    const source = new Uint8Array(bufferBytes).fill(letter.charCodeAt(0));
    const options = signal === undefined ? {} : { signal };
    return holder.sendToRemoteBuffer(reference, source, options).then(
      () => 'done',
      (error: unknown) => String(error),
    );
  };
  return { world, shut, memory, owner, write };
}

async function outcomeOf(world: World, promise: Promise<string>): Promise<string> {
  const settled: string[] = [];
  void promise.then((outcome) => settled.push(outcome));
  await world.until('a transfer settles', 60_000, () => settled.length > 0);
  return settled[0] ?? '';
}

/** A path that was in vain is refused at once until its next dial, so time has to pass between. */
async function insist(scene: Scene, letter: string): Promise<void> {
  const { world } = scene;
  for (let attempts = 0; attempts < attemptsMax; attempts++) {
    if ((await outcomeOf(world, scene.write(letter))) === 'done') return;
    await world.run(retryMs);
  }
  assert.fail(`nothing came of ${attemptsMax} attempts to write ${letter}`);
}

/** X is on the slow path, its end at the holder is dead, and the owner does not know. */
async function loseSlowPath({ world, shut }: Scene): Promise<void> {
  // Pieces of one write arrive far apart, and none before its link is cut.
  world.network.weather = { ...calmWeather, jitterMs: 5_000 };
  await world.run(1);
  shut.add('owner');
  world.network.sever((link) => link.setting.host === 'holder', 0, Infinity);
  world.network.weather = calmWeather;
  shut.delete('spare');
}

async function expectOnly(scene: Scene, letter: string): Promise<number> {
  const { world, memory, owner } = scene;
  world.always(() => {
    assert.ok(
      memory.every((byte) => byte === letter.charCodeAt(0)),
      'an old byte has landed',
    );
  });
  await world.run(restMs);
  const { fencedWrites, staleWrites } = owner.transferStatistics().asOwner;
  await world.close(20_000);
  return fencedWrites + staleWrites;
}

/** Writes `-`; then X goes out on the slow path, which is lost, and `follow` sees to Y. */
async function writeLate(
  fenceMs: number,
  follow: (scene: Scene, late: Promise<string>, abort: AbortController) => Promise<void>,
): Promise<void> {
  let refusedCount = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const scene = await setUp(seed, fenceMs);
    const { world } = scene;
    const abort = new AbortController();
    assert.equal(await outcomeOf(world, scene.write('-')), 'done');
    world.network.weather = { ...calmWeather, jitterMs: 5_000 };
    const late = scene.write('X', abort.signal);
    await loseSlowPath(scene);
    await follow(scene, late, abort);
    refusedCount += await expectOnly(scene, 'Y');
  }
  assert.ok(refusedCount > seeds, `${refusedCount} pieces came too late`);
}

/** With both paths shut nobody can be asked when it ends. */
async function giveUp(
  { world, shut }: Scene,
  late: Promise<string>,
  abort: AbortController,
): Promise<void> {
  shut.add('spare');
  abort.abort();
  assert.match(await outcomeOf(world, late), /^IdcError: CANCELLED \(maybe\)/u);
}

it('a write that went on over another path never lands again', async () => {
  await writeLate(60_000, async ({ world, write }, late) => {
    assert.equal(await outcomeOf(world, late), 'done');
    assert.equal(await outcomeOf(world, write('Y')), 'done');
  });
});

it('a write given up as maybe never lands once its lease is over', async () => {
  await writeLate(1_000, async (scene, late, abort) => {
    await giveUp(scene, late, abort);
    await scene.world.run(1_050);
    scene.shut.delete('spare');
    await insist(scene, 'Y');
    assert.equal(scene.owner.transferStatistics().asOwner.fences, 0);
  });
});

it('a write given up as maybe never lands over a later one of the same place', async () => {
  // Its lease outlasts the whole run.
  await writeLate(60_000, async (scene, late, abort) => {
    await giveUp(scene, late, abort);
    scene.shut.delete('spare');
    await insist(scene, 'Y');
    assert.ok(scene.owner.transferStatistics().asOwner.fences > 0);
  });
});
