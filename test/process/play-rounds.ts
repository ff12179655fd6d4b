/** Plays the rounds of a lane, one after the other, on one pair of processes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { createRandom } from '../compliance/random.js';
import type { Side } from './chaos-proxy.js';
import { lanes, type Lane } from './kinds.js';
import { Pair, sides } from './pair.js';
import { assertLeft, playRound } from './round.js';
import type { Report } from './setup.js';
import { TallySheet } from './tally-sheet.js';

type Reports = Record<Side, Report>;

export interface PlannedRound {
  readonly kind: string;
  readonly seed: number;
}

export interface LanePlan {
  readonly lane: Lane;
  readonly rounds: readonly PlannedRound[];
}

/** What a run tells while it goes on and at its end. */
export interface Told {
  /** After each round. */
  played(kind: string): void;
  line(text: string): void;
}

/** Memory may still grow into its quotas, caches and pools; not by more, and not for ever. */
const rssGrowthBytesMax = 96 * 1024 * 1024;
const warmUpRounds = 4;
/** With fewer rounds it may be that none of them has a late handler. */
const lateRoundsMin = 20;

/** `count` rounds in all lanes, each kind in turn, with seeds that follow from `seed`. */
export function planRounds(count: number, seed: number): LanePlan[] {
  const random = createRandom(seed);
  let left = count;
  return lanes.map((lane, index) => {
    const isLast = index === lanes.length - 1;
    const ofLane = isLast ? left : Math.min(left, Math.ceil((count * lane.share) / 100));
    left -= ofLane;
    const rounds = Array.from({ length: ofLane }, (_, turn) => ({
      kind: lane.kinds[turn % lane.kinds.length] ?? 'silence',
      seed: random(),
    }));
    return { lane, rounds };
  });
}

/** `kind:seed`, as a failure prints it, so many times. */
export function planReplay(replayed: string, count: number): LanePlan[] {
  const [kind = '', text] = replayed.split(':');
  const lane = lanes.find(({ kinds }) => kinds.includes(kind));
  if (lane === undefined || text === undefined) throw new Error(`no such round: ${replayed}`);
  return [{ lane, rounds: Array.from({ length: count }, () => ({ kind, seed: Number(text) })) }];
}

/** Throws at the first round that is not clean; the journals of that one are left to be read. */
export async function playLane({ lane, rounds }: LanePlan, told: Told): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'idc-process-'));
  const pair = new Pair(folder, lane.topology);
  try {
    await pair.start();
    await playAll(pair, lane, rounds, told);
    await closeBoth(pair);
  } catch (error) {
    throw new Error(`${String(error)}\njournals: ${folder}`, { cause: error });
  } finally {
    await pair.dispose();
  }
  await rm(folder, { recursive: true });
}

async function playAll(
  pair: Pair,
  lane: Lane,
  rounds: readonly PlannedRound[],
  told: Told,
): Promise<void> {
  const sheet = new TallySheet();
  const reports: Reports[] = [];
  try {
    for (const round of rounds) {
      reports.push(await play(pair, round, sheet));
      told.played(round.kind);
    }
  } finally {
    for (const line of sheet.lines()) told.line(line);
  }
  const names = new Set(rounds.map(({ kind }) => kind));
  // Some handler has to have held back a connect, once every kind was played, and often enough:
  // endpoints of one round that draw alike have such handlers all or none.
  const isAllPlayed = names.size === new Set(lane.kinds).size;
  if (isAllPlayed && rounds.length >= lateRoundsMin) {
    assert.ok(sheet.late > 0, 'no handler was late');
  }
  if (!lane.title.startsWith('links')) return;
  for (const side of sides) assertMemory(side, reports);
}

async function play(pair: Pair, round: PlannedRound, sheet: TallySheet): Promise<Reports> {
  const { kind } = round;
  try {
    const { tally, reports, returnMs } = await playRound(pair, kind, round.seed);
    sheet.add(kind, tally, returnMs);
    return reports;
  } catch (error) {
    const replay = `npm run rounds -- --replay ${kind}:${round.seed}`;
    const said = await pair.explain().catch(String);
    throw new Error(`${kind}: ${String(error)}\n${said}\nreplay: ${replay}`, { cause: error });
  }
}

/** Both domains are closed, and both processes end by themselves. */
async function closeBoth(pair: Pair): Promise<void> {
  for (const side of sides) {
    const party = pair.party(side);
    assertLeft(party, await party.ask({ command: 'close' }));
    assert.deepEqual(await party.untilExit(), { code: 0, signal: null }, party.stderr);
  }
  pair.check();
  for (const proxy of pair.proxies.values()) {
    await proxy.until('end of all lines', () => proxy.lineCount === 0);
  }
}

/** Memory does not grow over the rounds. */
function assertMemory(side: Side, reports: readonly Reports[]): void {
  const warm = reports[warmUpRounds]?.[side];
  const last = reports.at(-1)?.[side];
  if (warm === undefined || last === undefined) return;
  const grown = last.rssBytes - warm.rssBytes;
  assert.ok(grown < rssGrowthBytesMax, `${side}: RSS grew by ${grown} bytes`);
}
