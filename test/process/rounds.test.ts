/**
 * Real processes over TCP, through kills, stops, resets, silence and orderly ends, at random
 * moments under load in both directions. Environment:
 *
 *   IDC_ROUNDS=300        so many rounds
 *   IDC_SEED=1            the same rounds again
 *   IDC_ROUND=kind:seed   that one round, as a failure prints it; with IDC_ROUNDS so many times
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { createRandom, seedOfThisRun } from '../compliance/random.js';
import type { Side } from './chaos-proxy.js';
import { Pair } from './pair.js';
import { assertLeft, linkRounds, playRound, processRounds, type RoundKind } from './round.js';
import type { Report } from './setup.js';
import { TallySheet } from './tally-sheet.js';

type Reports = Record<Side, Report>;

interface PlannedRound {
  readonly kind: RoundKind;
  readonly seed: number;
}

const roundCount = Number(process.env['IDC_ROUNDS'] ?? 60);
const replayed = process.env['IDC_ROUND'];
const seed = seedOfThisRun();
/** Memory may still grow into its quotas, caches and pools; not by more, and not for ever. */
const rssGrowthBytesMax = 96 * 1024 * 1024;
const warmUpRounds = 4;
/** With so many rounds every kind was there. */
const kindCountMax = Math.max(linkRounds.length, processRounds.length);

function planRounds(kinds: readonly RoundKind[], count: number): PlannedRound[] {
  if (replayed !== undefined) {
    const [name, text] = replayed.split(':');
    const repeats = Number(process.env['IDC_ROUNDS'] ?? 1);
    const planned = kinds
      .filter((kind) => kind === name)
      .map((kind) => ({ kind, seed: Number(text) }));
    return Array.from({ length: repeats }, () => planned).flat();
  }
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    kind: kinds[index % kinds.length] ?? 'silence',
    seed: random(),
  }));
}

async function withPair(play: (pair: Pair) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'idc-process-'));
  const pair = new Pair(folder);
  try {
    await pair.start();
    await play(pair);
  } catch (error) {
    throw new Error(`${String(error)}\njournals: ${folder}`, { cause: error });
  } finally {
    await pair.dispose();
  }
  // The journals of a failure stay, to be read.
  await rm(folder, { recursive: true });
}

async function play(pair: Pair, round: PlannedRound, sheet: TallySheet): Promise<Reports> {
  const { kind } = round;
  try {
    const { tally, reports } = await playRound(pair, kind, round.seed);
    sheet.add(kind, tally);
    return reports;
  } catch (error) {
    const replay = `IDC_ROUND=${kind}:${round.seed} node dist/test/run.js test/process`;
    const said = await pair.explain().catch(String);
    throw new Error(`${kind}: ${String(error)}\n${said}\nreplay: ${replay}`, { cause: error });
  }
}

async function playAll(
  context: TestContext,
  pair: Pair,
  rounds: readonly PlannedRound[],
): Promise<Reports[]> {
  const sheet = new TallySheet();
  const reports: Reports[] = [];
  try {
    for (const round of rounds) reports.push(await play(pair, round, sheet));
  } finally {
    context.diagnostic(`seed ${seed}, ${reports.length} rounds`);
    for (const line of sheet.lines()) context.diagnostic(line);
  }
  if (replayed === undefined && reports.length >= kindCountMax)
    assert.ok(sheet.late > 0, 'no handler was late');
  return reports;
}

/** Both domains are closed, and both processes end by themselves. */
async function closeBoth(pair: Pair): Promise<void> {
  for (const side of ['front', 'back'] as const) {
    const party = pair.party(side);
    assertLeft(party, await party.ask({ command: 'close' }));
    assert.deepEqual(await party.untilExit(), { code: 0, signal: null }, party.stderr);
  }
  pair.check();
  assert.equal(pair.proxy.lineCount, 0);
}

/** After every round the same descriptors are open, and memory does not grow over the rounds. */
function assertFlat(side: Side, reports: readonly Reports[]): void {
  const counts = new Set(reports.map((report) => report[side].descriptors));
  assert.ok(counts.size <= 1, `${side}: descriptors after rounds: ${[...counts].join(', ')}`);
  const warm = reports[warmUpRounds]?.[side];
  const last = reports.at(-1)?.[side];
  if (warm === undefined || last === undefined) return;
  const grown = last.rssBytes - warm.rssBytes;
  assert.ok(grown < rssGrowthBytesMax, `${side}: RSS grew by ${grown} bytes`);
}

const linkPlan = planRounds(linkRounds, Math.ceil((roundCount * 2) / 3));
const processPlan = planRounds(processRounds, Math.floor(roundCount / 3));

test('links die: outcomes are exact, cycles match, nothing is left', async (context) => {
  if (linkPlan.length === 0) return;
  await withPair(async (pair) => {
    const reports = await playAll(context, pair, linkPlan);
    for (const side of ['front', 'back'] as const) assertFlat(side, reports);
    await closeBoth(pair);
  });
});

test('processes die: outcomes are exact, cycles match, nothing is left', async (context) => {
  if (processPlan.length === 0) return;
  await withPair(async (pair) => {
    await playAll(context, pair, processPlan);
    await closeBoth(pair);
  });
});
