/**
 * Run: one seed from its start to its end. First chaos; then the faults stop, and everything has to
 * connect, to drain and to close in bounded time, with nothing left.
 */
import { Chaos } from './chaos.js';
import { Crowd } from './crowd.js';
import { makePlan, type FaultKind, type Plan, type Variant } from './plan.js';
import type { Tally } from './ledger.js';
import { TransferCrowd } from './transfer-crowd.js';
import { makeTransferTally, type TransferTally } from './transfer-ledger.js';
import { calmWeather } from './weather.js';
import type { Boot, PlaceOptions } from './place.js';
import { World } from './world.js';

export interface RunResult {
  readonly seed: number;
  readonly variant: Variant;
  readonly plan: Plan;
  /** The first thing that went wrong. */
  readonly failure: string | undefined;
  readonly stepCount: number;
  readonly virtualMs: number;
  readonly traceDigest: string;
  /** The last lines of the trace. */
  readonly trace: readonly string[];
  readonly tally: Tally;
  /** All zero in a run without remote buffers. */
  readonly transferTally: TransferTally;
}

/** Bounds of what follows once the faults have stopped, in virtual time. */
const connectLimitMs = 60_000;
const drainLimitMs = 45_000;
const closeLimitMs = 20_000;
/** The faults stop after so many steps, so that a busy seed takes no longer than others. */
const chaosStepsMax = 12_000;
/** Faults under which no link is lost, so that everything ends with a goodbye. */
const orderlyFaults = new Set<FaultKind>([
  'dials',
  'listens',
  'offers',
  'relisten',
  'restart',
  'eager',
  'limits',
  'transfers',
]);
/** So long a goodbye or a flush waits for a link that is merely busy; less may be too short. */
const patientFlushMs = 1_000;
/** Longer than anything is on its way. */
const restMs = 4_000;
/** Beyond `forgetMs`: until keep-alive has noticed a death, and `lingerMs`. */
const forgetSlackMs = 20_000;
/** A channel that nobody uses is closed within three sweeps of 15 s. */
const channelIdleMs = 45_000;
/** Clients go on for a while after everything has connected. */
const calmMs = 500;
const calmStepsMax = 3_000;

/** `prepare` may give the new world further checks. */
export async function runSeed(
  seed: number,
  variant: Variant = {},
  keptLines = 40,
  prepare: (world: World) => void = () => undefined,
): Promise<RunResult> {
  const plan = makePlan(seed, variant);
  const world = new World({ seed, keptLines, provesIdentity: plan.provesIdentity });
  const crowd = new Crowd(world, plan);
  const transfers = makeTransfers(world, plan);
  prepare(world);
  let failure: string | undefined;
  try {
    await live(world, plan, crowd, transfers);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return {
    seed,
    variant,
    plan,
    failure,
    stepCount: world.time.stepCount,
    virtualMs: world.nowMs,
    traceDigest: world.trace.digest,
    trace: world.trace.lines,
    tally: crowd.ledger.tally,
    transferTally: transfers?.ledger.tally ?? makeTransferTally(),
  };
}

async function live(
  world: World,
  plan: Plan,
  crowd: Crowd,
  transfers: TransferCrowd | undefined,
): Promise<void> {
  const { quota, limits, wait, frameBytesMax, windowBytes } = plan;
  world.network.weather = plan.weather;
  const isOrderly = [...plan.faults].every((kind) => orderlyFaults.has(kind));
  crowd.ledger.isEvidenceSafe = isOrderly && (limits.flushMs ?? 0) >= patientFlushMs;
  for (let index = 0; index < plan.domainCount; index++) {
    const boot: Boot = (domain, place) => {
      crowd.boot(domain, place);
      transfers?.boot(domain, place);
    };
    world.addDomain(`d${index}`, boot, {
      domain: { quota, limits, wait, ...domainOptionsOf(plan) },
      frameBytesMax,
      windowBytes,
    });
  }
  const chaos = new Chaos(world, plan, crowd);
  chaos.start();
  await world.run(plan.chaosMs, chaosStepsMax);
  chaos.finish();
  world.heal(calmWeather);
  crowd.isPatient = false;
  crowd.giveUpEndless(plan.random.fork('giving up'));
  const isConnected = (): boolean =>
    world.places.every((place) => place.isUp && !place.isClosing) &&
    crowd.diallers.length === plan.dials.length &&
    crowd.diallers.every((watch) => world.watchRoom.isMatched(watch));
  await world.until('both ends of everything are connected', connectLimitMs, isConnected);
  await world.run(calmMs, calmStepsMax);
  transfers?.proveWays();
  const areProven = (): boolean => transfers?.areWaysProven ?? true;
  await world.until('B3 every owner can be reached', connectLimitMs, areProven);
  crowd.isBusy = false;
  transfers?.finish();
  const isDone = (): boolean => transfers?.isDone ?? true;
  await world.until('B4 every transfer settles', drainLimitMs, isDone);
  transfers?.check();
  const isDrained = (): boolean =>
    world.watchRoom.watches.every((watch) => watch.unsettled.size + watch.held.size === 0);
  await world.until('everything settles and is completed', drainLimitMs, isDrained);
  await world.run(restMs);
  await world.until('both ends are connected still', connectLimitMs, isConnected);
  await world.until('V7 every quota is free', drainLimitMs, () => crowd.isQuotaFree);
  crowd.fillQuotas();
  await world.until('everything settles and is completed again', drainLimitMs, isDrained);
  const channelMs = plan.transfers === undefined ? 0 : channelIdleMs;
  const limitMs = plan.forgetMs + forgetSlackMs + channelMs;
  await world.until('V11 nothing is left of the dead', limitMs, () => isTidy(world, plan, crowd));
  await world.close(closeLimitMs);
}

function makeTransfers(world: World, plan: Plan): TransferCrowd | undefined {
  return plan.transfers === undefined ? undefined : new TransferCrowd(world, plan, plan.transfers);
}

/** What transfers need of a domain. */
function domainOptionsOf({ limits, transfers }: Plan): PlaceOptions['domain'] {
  if (transfers === undefined) return {};
  return { transfers: transfers.limits, limits: { ...limits, fenceMs: transfers.fenceMs } };
}

/** V11: who crashed, left or was given up has no endpoint, link or listener any more. */
function isTidy(world: World, plan: Plan, crowd: Crowd): boolean {
  const listenersEach = plan.transfers?.hasSidePaths === true ? 2 : 1;
  const { diallers } = crowd;
  const count = 2 * diallers.length;
  if (world.network.links.length !== count) return false;
  if (world.watchRoom.watches.length !== count) return false;
  return world.places.every((place) => {
    const dialling = diallers.filter((watch) => watch.place === place).length;
    const { endpoints = 0, listeners = 0 } = place.domain?.statistics() ?? {};
    return endpoints === dialling && listeners === listenersEach;
  });
}
