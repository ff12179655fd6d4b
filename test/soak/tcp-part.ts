/**
 * The part of the soak over TCP: two processes under load through a line that breaks in every way,
 * and a third that is called by thousands of strangers who are killed.
 */
import { between, createRandom, type Random } from '../compliance/random.js';
import { ChaosProxy } from '../process/chaos-proxy.js';
import { judge } from './flatness.js';
import type { SoakOptions } from './setup.js';
import { Worker } from './worker.js';

/** Between two checkpoints. */
const busyMs = 2_000;
/** Fewer would prove nothing, however slow the machine is. */
const checkpointsMin = 12;
const troubleEveryMsMax = 300;
/** Longer than keep-alive bears. */
const silenceMs = 1_500;
/** Strangers in one process. */
const crowdCount = 500;

export interface PartResult {
  readonly workers: readonly Worker[];
  /** Fresh ids that came and vanished. */
  readonly strangerCount: number;
  readonly problems: readonly string[];
}

function makeWorker(options: SoakOptions): Worker {
  return new Worker(options.role, 'soak-process.js', [JSON.stringify(options)]);
}

export async function soakTcp(
  untilMs: number,
  seed: number,
  told: (workers: readonly Worker[]) => void,
): Promise<PartResult> {
  const random = createRandom(seed);
  const proxy = new ChaosProxy();
  const started: Worker[] = [];
  const start = (options: SoakOptions): Worker => {
    const worker = makeWorker(options);
    started.push(worker);
    return worker;
  };
  try {
    const proxyPort = await proxy.listen();
    const back = start({ role: 'back', seed: random(), address: '' });
    const hall = start({ role: 'hall', seed: random(), address: '' });
    proxy.targetPort = Number(new URL(await back.listening()).port);
    const address = `tcp://127.0.0.1:${proxyPort}/soak`;
    const front = start({ role: 'front', seed: random(), address });
    const workers = [front, back, hall];
    const hallAddress = await hall.listening();
    let strangerCount = 0;
    for (let count = 0; count < checkpointsMin || performance.now() < untilMs; count++) {
      for (const worker of workers) await worker.ask('begin');
      const overMs = performance.now() + busyMs;
      const [, crowds] = await Promise.all([
        makeTrouble(proxy, random, overMs),
        sendCrowds(hallAddress, overMs),
      ]);
      strangerCount += crowds * crowdCount;
      // The front ends its visits first: the back is not quiet before.
      await front.ask('rest');
      await Promise.all([back.ask('rest'), hall.ask('rest')]);
      told(workers);
    }
    for (const worker of workers) await worker.ask('close');
    for (const worker of workers) await worker.ended();
    const problems = workers.flatMap(({ name, samples }) => judge(name, samples));
    return { workers, strangerCount, problems };
  } finally {
    for (const worker of started) await worker.kill();
    await proxy.close();
  }
}

/** One kind of trouble after the other, each for a while, and none at the end. */
async function makeTrouble(proxy: ChaosProxy, random: Random, overMs: number): Promise<void> {
  while (performance.now() < overMs) {
    const side = random() % 2 === 0 ? 'front' : 'back';
    switch (random() % 7) {
      case 0:
      case 1:
        proxy.reset(side);
        break;
      case 2:
        proxy.halfClose(side);
        break;
      case 3:
        proxy.pace = { kind: 'silent' };
        if (random() % 2 === 0) await pause(silenceMs);
        break;
      case 4:
        proxy.pace = { kind: 'slow', bytesPerMs: between(random, 4, 200) };
        break;
      case 5:
        proxy.pace = { kind: 'delay', random, delayMsMax: 20 };
        break;
      default:
        break;
    }
    await pause(between(random, 0, troubleEveryMsMax));
    proxy.pace = { kind: 'free' };
    await pause(between(random, 0, troubleEveryMsMax));
  }
}

/** Processes full of strangers, killed when all of them are connected; answers how many. */
async function sendCrowds(address: string, overMs: number): Promise<number> {
  let count = 0;
  while (performance.now() < overMs) {
    const crowd = new Worker('crowd', 'crowd-process.js', [address, String(crowdCount)]);
    try {
      await crowd.answered();
    } finally {
      await crowd.kill();
    }
    count++;
  }
  return count;
}

/** How long trouble lasts is part of it. */
function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
