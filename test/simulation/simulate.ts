/**
 * simulate: a user's own driver in a simulated world, in a few lines. `start` makes the domains;
 * then faults come over them, from the seed; then the faults stop, and everything has to come right
 * and to go away in bounded time.
 */
import type { Random } from './prng.js';
import { calmWeather, type Weather } from './weather.js';
import { World } from './world.js';

export interface Simulation {
  readonly seed: number;
  /** Makes the domains: `world.addDomain(name, (domain) => { … })`. */
  readonly start: (world: World) => void;
  readonly faults?: SimulationFaults;
  /** True once the drivers have what they want; asked after the faults have stopped. */
  readonly isSettled?: (world: World) => boolean;
  /** In virtual time. Default 60,000. */
  readonly settleLimitMs?: number;
  /** Called last, after everything was closed; throws if something is not as it should be. */
  readonly check?: (world: World) => void;
  /** True if the network proves to each end who the other is. */
  readonly provesIdentity?: boolean;
}

/** What befalls the world; by default for 10 s of its time. */
export interface SimulationFaults {
  readonly forMs?: number;
  /** Time between two of them. Default 50 to 1,500 ms. */
  readonly gapMs?: readonly [least: number, most: number];
  /** Domains that crash, and start again with a new incarnation. */
  readonly crashes?: readonly string[];
  /** Domains that stop for a while. */
  readonly stops?: readonly string[];
  /** Links are cut; one end may learn it late. */
  readonly severs?: boolean;
  readonly weather?: Partial<Weather>;
}

export interface SimulationResult {
  readonly stepCount: number;
  readonly virtualMs: number;
  /** Equal for equal traces. */
  readonly traceDigest: string;
}

const forMsDefault = 10_000;
const gapMsDefault = [50, 1_500] as const;
const settleLimitMsDefault = 60_000;
const closeLimitMs = 30_000;

/** Rejects with what went wrong, the seed, and the end of the trace. */
export async function simulate(simulation: Simulation): Promise<SimulationResult> {
  const { seed, start, faults = {}, check = () => undefined } = simulation;
  const { isSettled = () => true, settleLimitMs = settleLimitMsDefault } = simulation;
  const world = new World({ seed, provesIdentity: simulation.provesIdentity ?? false });
  try {
    world.network.weather = { ...calmWeather, ...faults.weather };
    start(world);
    strikeLater(world, faults, world.random.fork('faults'));
    await world.run(faults.forMs ?? forMsDefault);
    world.heal(calmWeather);
    await world.until('the drivers settle', settleLimitMs, () => isSettled(world));
    await world.close(closeLimitMs);
    check(world);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const lines = world.trace.lines.map((line) => `  ${line}`).join('\n');
    throw new Error(`seed ${seed}: ${reason}\n${lines}`, { cause: error });
  }
  const { stepCount } = world.time;
  return { stepCount, virtualMs: world.nowMs, traceDigest: world.trace.digest };
}

/** One fault after another, until the world heals. */
function strikeLater(world: World, faults: SimulationFaults, random: Random): void {
  const { crashes = [], stops = [], severs = false, gapMs = gapMsDefault } = faults;
  const strikes: (() => void)[] = [
    ...crashes.map((name) => () => {
      crash(world, name, random);
    }),
    ...stops.map((name) => () => {
      world.place(name).stop(random.pick([5, 100, 3_000]));
    }),
  ];
  if (severs) strikes.push(() => world.network.sever(undefined, 0, random.pick([0, 5, 5_000])));
  if (strikes.length === 0) return;
  world.after(gapMs[0] + (gapMs[1] - gapMs[0]) * random.fraction(), () => {
    if (!world.isFaulty) return;
    random.pick(strikes)();
    strikeLater(world, faults, random);
  });
}

function crash(world: World, name: string, random: Random): void {
  const place = world.place(name);
  place.crash({ learnMs: random.pick([0, 1, 500, Infinity]), isDark: random.chance(0.3) });
  world.after(random.pick([0, 20, 2_000]), () => {
    place.start();
  });
}
