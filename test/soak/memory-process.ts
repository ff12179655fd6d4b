/**
 * The part of the soak in one process, over the memory transport: two domains under load whose
 * links are cut, and a third that is called by strangers until so many have come and vanished.
 * `node --expose-gc memory-process.js SEED STRANGERS`, made by `Worker`.
 */
import { createDomain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

import { between, createRandom } from '../compliance/random.js';
import { crowdLimits, domainCount, gatherCrowd, hostCrowd } from './crowd.js';
import { countEndpoints, countTimers, noTally, takeSample, untilSettled } from './sample.js';
import { forgetMs, frameBytesMax, lastingCount, limits, quota } from './setup.js';
import type { SoakAnswer, SoakCommand } from './setup.js';
import { Station } from './station.js';
import { Strangers } from './strangers.js';

/** Strangers who are there at one time. */
const crowdCount = 250;

const random = createRandom(Number(process.argv[2]));
const strangersPerTurn = Number(process.argv[3]);
const network = createMemoryNetwork();
const small = { network, frameBytesMax: 1024, ringBytes: 4096 };
const hallAddress = 'memory://hall/soak';

const back = new Station(makeDomain('back'), random());
const front = new Station(makeDomain('front'), random());
await back.listen('memory://back/soak', forgetMs);
front.dial('memory://back/soak', lastingCount);

const tally = noTally();
const hall = createDomain({
  name: 'hall',
  transports: [memory(small)],
  limits: crowdLimits,
});
const listener = hostCrowd(hall, hallAddress, () => {
  tally.diallers++;
});
await listener.ready;
const strangers = new Strangers(memory(small), hallAddress);

const holders = [
  front,
  back,
  {
    domain: hall,
    get acceptedCount(): number {
      return listener.endpoints.length;
    },
  },
];

function makeDomain(name: string): ReturnType<typeof createDomain> {
  const transports = [memory({ network, frameBytesMax, ringBytes: 64 * 1024 })];
  return createDomain({ name, transports, quota, limits });
}

/** Their links are cut, so that nobody hears a goodbye; then nothing of them may be left. */
async function domainsComeAndVanish(): Promise<void> {
  const crowd = await gatherCrowd(hallAddress, () => memory(small), domainCount);
  network.sever('hall');
  await Promise.all(crowd.map((domain) => domain.close()));
}

async function strangersComeAndVanish(count: number): Promise<void> {
  await strangers.come(count);
  network.sever('hall');
  await strangers.gone();
}

async function begin(): Promise<void> {
  back.begin();
  front.begin('memory://back/soak');
  await domainsComeAndVanish();
  for (let left = strangersPerTurn - domainCount; left > 0; left -= crowdCount) {
    await strangersComeAndVanish(Math.min(left, crowdCount));
    if (between(random, 0, 3) === 0) network.sever('back');
  }
}

async function rest(): Promise<SoakAnswer> {
  await front.rest(lastingCount);
  await back.rest(0);
  // A keep-alive for each side of the one pair that stays.
  await untilSettled(
    () => countEndpoints(holders) === 2 * lastingCount && countTimers(holders) === 2,
  );
  const sum = { ...tally };
  for (const station of [front, back]) {
    for (const name of ['messages', 'transactions', 'done', 'never', 'maybe'] as const) {
      sum[name] += station.tally[name];
    }
    sum.epochs += station.tally.epochs;
    sum.destroyed += station.tally.destroyed;
  }
  return { sample: await takeSample(holders, sum) };
}

async function perform(command: SoakCommand): Promise<SoakAnswer> {
  switch (command) {
    case 'begin':
      await begin();
      return {};
    case 'rest':
      return rest();
    case 'close':
      await Promise.all(holders.map(({ domain }) => domain.close()));
      return {};
  }
}

process.on('message', (command: SoakCommand) => {
  void perform(command).then((answer) => process.send?.(answer));
});
process.once('disconnect', () => process.exit());
process.channel?.unref();
process.send?.({ address: 'memory://back/soak' } satisfies SoakAnswer);
