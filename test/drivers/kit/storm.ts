/**
 * Storm: front ends that write to one register and read it, several calls at a time, while the back
 * end crashes many times a second and links are cut. What they saw has to be linearizable.
 */
import assert from 'node:assert/strict';
import type { Boot, Place, Simulation } from 'idc/simulation';
import { IdcError } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  createMemoryJournal,
  DriverError,
  type FrontEnd,
  type Journal,
  type RecoveryOptions,
} from 'idc/drivers/kit';
import { RegisterHistory } from './register-history.js';
import { registers, type RegisterSchema } from './test-drivers.js';

export interface StormOptions {
  readonly recovery: (journal: Journal) => RecoveryOptions;
  readonly frontEnds: number;
  readonly faults: NonNullable<Simulation['faults']>;
}

export interface Storm extends Simulation {
  /** Attempts after one that ended `maybe`, of all front ends so far. */
  readonly repeatedUncertain: () => number;
  /** Calls that ended as `maybe`. */
  readonly uncertain: () => number;
}

const address = 'simulated://back/registers';
const callsAtOnce = 3;
const opsWanted = 150;
const isNever = (error: unknown): boolean => error instanceof IdcError && error.retrySafe;

/** A register that takes some time to change; what is in it outlives a crash. */
function bootBackEnd(recovery: StormOptions['recovery'], journal: Journal): Boot {
  let value = 0;
  return (domain, { runtime }) => {
    const later = (): Promise<void> =>
      new Promise((resolve) => {
        runtime.scheduler.after(4 * runtime.prng.fraction(), resolve);
      });
    const write = async (parameters: { readonly value: number }): Promise<void> => {
      await later();
      value = parameters.value;
      await later();
    };
    const handlers = { write, read: () => ({ value }) };
    createBackEnd(domain, address, registers, handlers, { recovery: recovery(journal), runtime });
  };
}

export function makeStorm(seed: number, options: StormOptions): Storm {
  const journal = createMemoryJournal();
  const history = new RegisterHistory();
  const fronts: FrontEnd<RegisterSchema>[] = [];
  const names = Array.from({ length: options.frontEnds }, (_, index) => `front${index}`);
  const back = bootBackEnd(options.recovery, journal);
  let opCount = 0;
  let uncertainCount = 0;

  async function callOnce(front: FrontEnd<RegisterSchema>, place: Place): Promise<void> {
    try {
      if (place.random.chance(0.85)) await history.read(async () => (await front.read(spot)).value);
      else
        await history.write((number) => front.write({ ...spot, count: 1, value: number }), isNever);
      opCount += 1;
    } catch (error) {
      if (!(error instanceof IdcError)) throw error;
      if (error.execution === 'maybe' && !place.isClosing) uncertainCount += 1;
      // Whoever has no lease tries again in a while, and so does whoever is told `maybe`.
      const isExpected = error instanceof DriverError || error.execution === 'maybe';
      if (!isExpected && !place.isClosing) throw error;
    }
  }

  async function callOn(front: FrontEnd<RegisterSchema>, place: Place): Promise<void> {
    const { runtime } = place;
    for (;;) {
      await callOnce(front, place);
      await new Promise<void>((resolve) => {
        runtime.scheduler.after(6 * place.random.fraction(), resolve);
      });
    }
  }

  const boots = names.map((name): [string, Boot] => [
    name,
    (domain, place) => {
      const { runtime } = place;
      const settings = { recover: true, timeoutMs: 60_000, runtime };
      const front = createFrontEnd(domain, address, registers, settings);
      fronts.push(front);
      for (let count = 0; count < callsAtOnce; count++) {
        callOn(front, place).catch((error: unknown) => {
          // Everything that is thrown here is an Error.
          runtime.crash(error as Error);
        });
      }
    },
  ]);
  const count = (): number =>
    fronts.reduce((sum, front) => sum + front.statistics().repeatedUncertain, 0);
  return {
    seed,
    domains: { back, ...Object.fromEntries(boots) },
    faults: options.faults,
    isSettled: () => opCount >= opsWanted,
    check: () => {
      assert.equal(history.problem(), undefined);
    },
    repeatedUncertain: count,
    uncertain: () => uncertainCount,
  };
}

const spot = { place: 0 } as const;
