/**
 * One round: both sides under load, then something happens at a random moment, then both are
 * connected again, work, settle, and the journals are checked.
 */
import assert from 'node:assert/strict';

import { between, createRandom, type Random } from '../compliance/random.js';
import type { Side } from './chaos-proxy.js';
import type { Tally } from './check-round.js';
import type { Bond, Pair } from './pair.js';
import type { Party } from './party.js';
import type { Report } from './setup.js';

/** Links die; both processes stay. */
export const linkRounds = [
  'reset-front',
  'stop-back',
  'half-close-front',
  'destroy-front',
  'pause-back',
  'reset-back',
  'stop-front',
  'silence',
  'half-close-back',
  'destroy-back',
  'pause-front',
  'flap',
] as const;

/** Processes die or close, and new ones come. */
export const processRounds = ['kill-back', 'close-front', 'kill-front', 'close-back'] as const;

export type RoundKind = (typeof linkRounds)[number] | (typeof processRounds)[number];

export interface RoundResult {
  readonly tally: Tally;
  readonly reports: Record<Side, Report>;
}

/** The signals themselves may take so long on a machine under load. */
const graceMs = 30;

/** Submissions of one side before something happens, and of each side afterwards. */
const loadCountMax = 400;
const workCount = 32;
/** A stopped peer is pinged in the second interval of keep-alive and silent three later: 600 ms. */
const pauseMsMin = 200;
const pauseMsMax = 420;

export async function playRound(pair: Pair, kind: RoundKind, seed: number): Promise<RoundResult> {
  const random = createRandom(seed);
  const sides = ['front', 'back'] as const;
  for (const side of sides) await pair.party(side).ask({ command: 'load', seed: random() });
  const watched = pair.party(sides[random() % 2] ?? 'front');
  await submitted(watched, between(random, 0, loadCountMax));
  const bond = pair.bond ?? (await pair.connected());
  await happen(pair, kind, random, bond);
  await pair.connected(kind.startsWith('pause') ? undefined : bond);
  for (const side of sides) await submitted(pair.party(side), workCount);
  const reports = await pair.settle();
  return { tally: pair.check(), reports };
}

/** Waits until `party` has made so many further submissions. */
async function submitted(party: Party, count: number): Promise<void> {
  const target = party.submittedCount + count;
  await party.until(`${count} submissions`, () => party.submittedCount >= target);
}

async function happen(pair: Pair, kind: RoundKind, random: Random, bond: Bond): Promise<void> {
  switch (kind) {
    case 'kill-front':
    case 'kill-back':
      return kill(pair, sideOf(kind), random, bond);
    case 'close-front':
    case 'close-back':
      return close(pair, sideOf(kind), bond);
    case 'stop-front':
    case 'stop-back':
      return stop(pair, sideOf(kind), bond);
    case 'pause-front':
    case 'pause-back':
      return pause(pair, sideOf(kind), random);
    case 'reset-front':
    case 'reset-back':
      pair.proxy.reset(sideOf(kind));
      return;
    case 'half-close-front':
    case 'half-close-back':
      pair.proxy.halfClose(sideOf(kind));
      return;
    case 'silence':
      return silence(pair, bond);
    case 'flap':
      return flap(pair, random);
    case 'destroy-front':
    case 'destroy-back':
      await pair.party(sideOf(kind)).ask({ command: 'replace' });
  }
}

async function kill(pair: Pair, side: Side, random: Random, bond: Bond): Promise<void> {
  const survivor = pair.party(otherOf(side));
  await pair.kill(side);
  // Sometimes the new process comes before the old one is missed, sometimes long after.
  const patience = random() % 3;
  if (patience > 0) await ended(survivor, bond);
  if (patience > 1) {
    await survivor.until('disappear', () => survivor.disappeared.has(bond.link));
  }
  await pair.startParty(side);
  await pair.party(side).ask({ command: 'load', seed: random() });
  await ended(survivor, bond);
}

async function close(pair: Pair, side: Side, bond: Bond): Promise<void> {
  const party = pair.party(side);
  const report = await party.ask({ command: 'close' });
  assertLeft(party, report);
  assert.deepEqual(await party.untilExit(), { code: 0, signal: null }, party.stderr);
  await ended(pair.party(otherOf(side)), bond);
  await pair.startParty(side);
  await pair.party(side).ask({ command: 'load', seed: 1 });
}

/** Longer than the other side's keep-alive waits: until it has given up. */
async function stop(pair: Pair, side: Side, bond: Bond): Promise<void> {
  pair.party(side).signal('SIGSTOP');
  await ended(pair.party(otherOf(side)), bond);
  pair.party(side).signal('SIGCONT');
}

/** Shorter than keep-alive: nobody may be taken for dead. */
async function pause(pair: Pair, side: Side, random: Random): Promise<void> {
  const party = pair.party(side);
  const ends = pair.endCount;
  const startMs = performance.now();
  party.signal('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, between(random, pauseMsMin, pauseMsMax)));
  party.signal('SIGCONT');
  const stoppedMs = performance.now() - startMs;
  await submitted(party, 1);
  // A machine under load may stop us all for longer.
  if (stoppedMs < pauseMsMax + graceMs)
    assert.equal(pair.endCount, ends, 'a short stop ended an epoch');
}

async function silence(pair: Pair, bond: Bond): Promise<void> {
  pair.proxy.isSilent = true;
  await ended(pair.party('front'), bond);
  await ended(pair.party('back'), bond);
  pair.proxy.isSilent = false;
}

/** One reset after the other, each as soon as either side tells of anything: while they greet. */
async function flap(pair: Pair, random: Random): Promise<void> {
  for (let left = between(random, 3, 8); left > 0; left--) {
    const side = random() % 2 === 0 ? 'front' : 'back';
    const party = pair.party(random() % 2 === 0 ? 'front' : 'back');
    const { noteCount } = party;
    pair.proxy.reset(side);
    await party.until('news', () => party.noteCount > noteCount);
  }
}

async function ended(party: Party, { link, epoch }: Bond): Promise<void> {
  await party.until(`end of epoch ${epoch}`, () => party.disconnected.has(`${link} ${epoch}`));
}

/** After `domain.close()` nothing of it is left, in the process that lives on. */
export function assertLeft(party: Party, report: Report): void {
  const left = report.resources.filter((name) => /Timeout|Immediate|TCP|Tick/.test(name));
  assert.deepEqual(left, [], `${party.name} after close: ${report.resources.join(' ')}`);
  assert.equal(report.timersArmed, 0, `${party.name}: timers after close`);
  assert.equal(report.endpoints, 0, `${party.name}: endpoints after close`);
}

function sideOf(kind: RoundKind): Side {
  return kind.endsWith('front') ? 'front' : 'back';
}

function otherOf(side: Side): Side {
  return side === 'front' ? 'back' : 'front';
}
