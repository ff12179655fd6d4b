/**
 * testDriver: declares the tests of a driver: over memory, ring and TCP, with its back end and its
 * front ends given up in the middle of the work; in the simulation, with crashes and cuts of all
 * sorts; and against the fuzzer.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Runtime } from 'idc';
import { simulateSeeds, type Boot, type Place, type Simulation } from 'idc/simulation';
import { fuzzBackEnd } from '../fuzz.js';
import type { FrontEndControl } from '../index.js';
import { makeFraction } from '../sample.js';
import { Bench } from './bench.js';
import type { DriverUnderTest } from './driver-under-test.js';
import { listMedia, type Medium } from './media.js';

export type { DriverUnderTest } from './driver-under-test.js';

const frontEndsDefault = 2;
const stepsDefault = 200;
const seedsDefault = 5;
const fuzzRoundsDefault = 500;
const backRestarts = 5;

/** Call it at the top of a test file, once for each driver. `IDC_SEED` replays a run. */
export function testDriver<D, Front extends FrontEndControl, Kept>(
  driver: DriverUnderTest<D, Front, Kept>,
): void {
  const given = process.env['IDC_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  describe(`driver ${driver.name}, IDC_SEED=${seed}`, () => {
    for (const { name } of listMedia('names')) {
      const run = (label: string, body: (bench: Bench<D, Front, Kept>) => Promise<void>): void => {
        it(`${name}: ${label}`, () => onBench(driver, name, label, body));
      };
      run('does its work', (bench) => workAll(driver, bench, seed, () => Promise.resolve()));
      run('its back end is lost and comes back', (bench) =>
        workAll(driver, bench, seed, () => bench.restartBackEnd()),
      );
      run('a front end is lost and another comes', (bench) => loseFrontEnds(driver, bench, seed));
      run('the fuzzer finds nothing', (bench) => fuzz(driver, bench, seed));
    }
    it('simulation: crashes, cuts and stops of both ends', async () => {
      const { seeds = seedsDefault } = driver;
      await simulateSeeds((each) => makeSimulation(driver, each), { count: seeds, first: seed });
    });
  });
}

async function onBench<D, Front extends FrontEndControl, Kept>(
  driver: DriverUnderTest<D, Front, Kept>,
  name: Medium['name'],
  label: string,
  body: (bench: Bench<D, Front, Kept>) => Promise<void>,
): Promise<void> {
  const medium = listMedia(label.replaceAll(/[^a-z]/g, '-')).find((it) => it.name === name);
  assert(medium !== undefined);
  const bench = new Bench(driver, medium);
  try {
    await bench.startBackEnd();
    await body(bench);
  } finally {
    await bench.close();
  }
}

/** All front ends work; `interfere` is called a few times while they do. */
async function workAll<D, Front extends FrontEndControl, Kept>(
  driver: DriverUnderTest<D, Front, Kept>,
  bench: Bench<D, Front, Kept>,
  seed: number,
  interfere: () => Promise<void>,
): Promise<void> {
  const { frontEnds = frontEndsDefault, steps = stepsDefault } = driver;
  const fraction = makeFraction(seed);
  const medium = bench.kept;
  const pause = pauseBy(bench.runtime);
  let doneCount = 0;
  let waiting: (() => void) | undefined;
  const workers = Array.from({ length: frontEnds }, async (_, frontEnd) => {
    const end = bench.startFrontEnd(frontEnd);
    for (let step = 0; step < steps; step++) {
      await driver.work(end, { medium, fraction, frontEnd, step, pause });
      doneCount += 1;
      waiting?.();
    }
  });
  const all = Promise.all(workers);
  for (let count = 1; count <= backRestarts; count++) {
    const wanted = Math.floor((count * frontEnds * steps) / (backRestarts + 1));
    const isReached = new Promise<void>((resolve) => {
      waiting = () => {
        if (doneCount >= wanted) resolve();
      };
      waiting();
    });
    await Promise.race([isReached, all]);
    await interfere();
  }
  await all;
  driver.check?.(medium);
}

/** Front end 0 is given up in the middle of its work, again and again; the others go on. */
async function loseFrontEnds<D, Front extends FrontEndControl, Kept>(
  driver: DriverUnderTest<D, Front, Kept>,
  bench: Bench<D, Front, Kept>,
  seed: number,
): Promise<void> {
  const { frontEnds = frontEndsDefault, steps = stepsDefault } = driver;
  const fraction = makeFraction(seed);
  const medium = bench.kept;
  const pause = pauseBy(bench.runtime);
  const others = Promise.all(
    Array.from({ length: frontEnds - 1 }, async (_, index) => {
      const end = bench.startFrontEnd(index + 1);
      for (let step = 0; step < steps; step++) {
        await driver.work(end, { medium, fraction, frontEnd: index + 1, step, pause });
      }
    }),
  );
  // Awaited below; until then a failure is nobody's unhandled one.
  others.catch(() => undefined);
  for (let step = 0; step < backRestarts; step++) {
    const end = bench.startFrontEnd(0);
    const site = { medium, fraction, frontEnd: 0, pause };
    await driver.work(end, { ...site, step: 2 * step });
    const cut = driver.work(end, { ...site, step: 2 * step + 1 });
    // Its end is no failure of the driver: it is the work that was given up.
    const ended = cut.catch(() => undefined);
    await bench.dropFrontEnd(0);
    await ended;
  }
  await others;
  driver.check?.(medium);
}

async function fuzz<D, Front extends FrontEndControl, Kept>(
  driver: DriverUnderTest<D, Front, Kept>,
  bench: Bench<D, Front, Kept>,
  seed: number,
): Promise<void> {
  const domain = bench.makeDomain('fuzzer');
  const { protocol, fuzzRounds = fuzzRoundsDefault } = driver;
  try {
    const { address } = bench;
    const report = await fuzzBackEnd({ protocol, domain, address, seed, rounds: fuzzRounds });
    assert.equal(report.rounds, fuzzRounds);
  } finally {
    await domain.close();
  }
}

/** The same driver in a world of its own, one domain for each end. */
function makeSimulation<D, Front extends FrontEndControl, Kept>(
  driver: DriverUnderTest<D, Front, Kept>,
  seed: number,
): Simulation {
  const { frontEnds = frontEndsDefault, steps = stepsDefault, invariant } = driver;
  const address = 'simulated://back/driver';
  const medium = driver.makeMedium();
  const stepsDone = new Array<number>(frontEnds).fill(0);
  const names = stepsDone.map((_, index) => `front${index}`);

  async function workOn(place: Place, end: Front, frontEnd: number): Promise<void> {
    const fraction = (): number => place.random.fraction();
    const pause = pauseBy(place.runtime);
    for (;;) {
      const step = stepsDone[frontEnd] ?? 0;
      await driver.work(end, { medium, fraction, frontEnd, step, pause });
      stepsDone[frontEnd] = step + 1;
      if (step >= steps) await pause(idleMs);
    }
  }

  const boots = names.map((name, frontEnd): [string, Boot] => [
    name,
    (domain, place) => {
      const end = driver.startFrontEnd({ domain, address, runtime: place.runtime });
      workOn(place, end, frontEnd).catch((error: unknown) => {
        // When the world closes, work is given up.
        if (!place.isClosing) place.runtime.crash(asError(error));
      });
    },
  ]);
  const back: Boot = (domain, { runtime }) => {
    driver.startBackEnd({ domain, address, medium, runtime });
  };
  return {
    seed,
    domains: { back, ...Object.fromEntries(boots) },
    faults: { crashes: ['back', ...names], stops: ['back', ...names], severs: true, clogs: true },
    isSettled: () => stepsDone.every((count) => count >= steps),
    ...(invariant === undefined ? {} : { invariant: () => invariant(medium) }),
    check: () => driver.check?.(medium),
  };
}

/** In virtual time; between pieces of work that are beyond what was asked for. */
const idleMs = 50;

function pauseBy({ scheduler }: Runtime): (delayMs: number) => Promise<void> {
  return (delayMs) =>
    new Promise((resolve) => {
      scheduler.after(delayMs, resolve);
    });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
