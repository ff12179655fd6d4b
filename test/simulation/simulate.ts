/**
 * simulate: a user's own driver in a simulated world, in a few lines. Its domains start; then
 * faults come over them, from the seed; then the faults stop, and everything has to come right and
 * to go away in bounded time. The grammar of notifications, matched epochs and bounded ends are
 * checked after every step for any driver; what else has to hold is its `invariant`.
 */
import type { Boot } from './place.js';
import type { Random } from './prng.js';
import { calmWeather, type Weather } from './weather.js';
import { World } from './world.js';

export interface Simulation {
  readonly seed: number;
  /**
   * The domains by name, and what each does whenever it starts: set up a back end or a front end at
   * `simulated://NAME/service`, and a workload on `place.runtime`. What is meant to survive a crash
   * (a disk) is made outside of it.
   */
  readonly domains?: Readonly<Record<string, Boot>>;
  /** Makes more domains, with options: `world.addDomain(name, (domain, place) => { … }, …)`. */
  readonly start?: (world: World) => void;
  readonly faults?: SimulationFaults;
  /** What holds after every step; throws if it does not. */
  readonly invariant?: (world: World) => void;
  /** True once the drivers have what they want; asked after the faults have stopped. */
  readonly isSettled?: (world: World) => boolean;
  /** In virtual time. Default 60,000. */
  readonly settleLimitMs?: number;
  /** Called last, after everything was closed; throws if something is not as it should be. */
  readonly check?: (world: World) => void;
  /** True if the network proves to each end who the other is. Default false. */
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
  /** Links stand still for a while. */
  readonly clogs?: boolean;
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

/** A run that failed. `cause` is what failed it. */
export class SimulationError extends Error {
  readonly seed: number;
  readonly reason: string;
  /** The last lines of the trace. */
  readonly trace: readonly string[];
  readonly traceLineCount: number;

  constructor(world: World, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const lines = world.trace.lines.map((line) => `  ${line}`).join('\n');
    super(`seed ${world.seed}: ${reason}\n${lines}`, { cause });
    this.name = 'SimulationError';
    this.seed = world.seed;
    this.reason = reason;
    this.trace = world.trace.lines;
    this.traceLineCount = world.trace.lineCount;
  }
}

/** Rejects with a `SimulationError`: what went wrong, the seed, and the end of the trace. */
export async function simulate(simulation: Simulation): Promise<SimulationResult> {
  const { seed, domains = {}, start, faults = {}, invariant, check } = simulation;
  const { isSettled = () => true, settleLimitMs = settleLimitMsDefault } = simulation;
  const world = new World({ seed, provesIdentity: simulation.provesIdentity ?? false });
  try {
    world.network.weather = { ...calmWeather, ...faults.weather };
    for (const [name, boot] of Object.entries(domains)) world.addDomain(name, boot);
    start?.(world);
    if (invariant !== undefined) {
      world.always(() => {
        invariant(world);
      });
    }
    strikeLater(world, faults, world.random.fork('faults'));
    await world.run(faults.forMs ?? forMsDefault);
    world.heal(calmWeather);
    await world.until('the drivers settle', settleLimitMs, () => isSettled(world));
    await world.close(closeLimitMs);
    check?.(world);
  } catch (error) {
    throw new SimulationError(world, error);
  }
  const { stepCount } = world.time;
  return { stepCount, virtualMs: world.nowMs, traceDigest: world.trace.digest };
}

/** One fault after another, until the world heals. */
function strikeLater(world: World, faults: SimulationFaults, random: Random): void {
  const { gapMs = gapMsDefault } = faults;
  const strikes = listStrikes(world, faults, random);
  if (strikes.length === 0) return;
  world.after(gapMs[0] + (gapMs[1] - gapMs[0]) * random.fraction(), () => {
    if (!world.isFaulty) return;
    random.pick(strikes)();
    strikeLater(world, faults, random);
  });
}

function listStrikes(world: World, faults: SimulationFaults, random: Random): (() => void)[] {
  const { crashes = [], stops = [], severs = false, clogs = false } = faults;
  const strikes: (() => void)[] = [
    ...crashes.map((name) => () => {
      crash(world, name, random);
    }),
    ...stops.map((name) => () => {
      world.place(name).stop(random.pick([5, 100, 3_000]));
    }),
  ];
  if (severs) strikes.push(() => world.network.sever(undefined, 0, random.pick([0, 5, 5_000])));
  if (clogs) {
    strikes.push(() => {
      clog(world, random);
    });
  }
  return strikes;
}

function crash(world: World, name: string, random: Random): void {
  const place = world.place(name);
  place.crash({ learnMs: random.pick([0, 1, 500, Infinity]), isDark: random.chance(0.3) });
  world.after(random.pick([0, 20, 2_000]), () => {
    place.start();
  });
}

function clog(world: World, random: Random): void {
  const source = random.pick(world.places).name;
  const target = random.pick(world.places).name;
  world.network.clog(source, target, world.nowMs + random.pick([20, 400, 3_000]));
}
