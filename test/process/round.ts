/**
 * One round: both sides under load, then something happens at a random moment, then all links are
 * connected again, work, settle, and the journals are checked.
 */
import assert from 'node:assert/strict';

import { between, createRandom, type Random } from '../compliance/random.js';
import type { Side, TamperedLine } from './chaos-proxy.js';
import type { Taint, Tally } from './check-round.js';
import type { Pace } from './flow.js';
import { otherOf, sides, type Bonds, type Pair } from './pair.js';
import type { Party } from './party.js';
import type { Report } from './setup.js';
import { Corruption, Cut, regions, type Region } from './tamper.js';

export interface RoundResult {
  readonly tally: Tally;
  readonly reports: Record<Side, Report>;
  /** From the end of the trouble until every link was connected. */
  readonly returnMs: number;
}

/** What happened: the bonds that have to be replaced, and how far journals can be believed. */
interface Event {
  readonly ended: Bonds;
  readonly taint?: (clean: Bonds) => Taint;
  /** What was done to which records. */
  readonly deeds?: readonly string[];
}

/** Submissions of one side before something happens, and of each side afterwards. */
const loadCountMax = 400;
const workCount = 32;
/** A stopped peer is pinged in the second interval of keep-alive and silent three later: 600 ms. */
const pauseMsMin = 200;
const pauseMsMax = 420;
/** Nobody looks dead who stood still for no longer; a bit is for signals and for looking. */
const standstillMsMax: number = pauseMsMax + 80;
const delayMsMax = 25;
/** Trouble of a line that need not end its epoch. */
const spellMsMin = 100;
const spellMsMax = 700;
const trickleBytesPerMsMax = 6;
/** After the trouble every link is connected within this, on a machine that is busy otherwise. */
const returnMsMax = 60_000;

export async function playRound(pair: Pair, kind: string, seed: number): Promise<RoundResult> {
  const random = createRandom(seed);
  for (const side of sides) await pair.party(side).ask({ command: 'load', seed: random() });
  const watched = pair.party(sides[random() % 2] ?? 'front');
  await submitted(watched, between(random, 0, loadCountMax));
  const before = pair.bonds ?? (await pair.connected());
  const event = await happen(pair, withoutLane(kind), random, before);
  const overMs = performance.now();
  try {
    const clean = await pair.connected(event.ended);
    const returnMs = performance.now() - overMs;
    assert.ok(returnMs < returnMsMax, `connected again after ${returnMs} ms`);
    for (const side of sides) await submitted(pair.party(side), workCount);
    const reports = await pair.settle();
    return { tally: pair.check(event.taint?.(clean)), reports, returnMs };
  } catch (error) {
    const { deeds = [] } = event;
    if (deeds.length === 0) throw error;
    throw new Error(`${String(error)}\nchanged: ${deeds.join('; ')}`, { cause: error });
  }
}

/** `many-kill-back` is `kill-back` in its lane. */
function withoutLane(kind: string): string {
  return kind.replace(/^(process|mutual|many)-/, '');
}

/** Waits until `party` has made so many further submissions. */
async function submitted(party: Party, count: number): Promise<void> {
  const target = party.submittedCount + count;
  await party.until(`${count} submissions`, () => party.submittedCount >= target);
}

async function happen(pair: Pair, kind: string, random: Random, bonds: Bonds): Promise<Event> {
  const side: Side = kind.endsWith('front') ? 'front' : 'back';
  switch (kind.replace(/-(front|back)$/, '')) {
    case 'kill':
      return kill(pair, side, random, bonds);
    case 'close':
      return close(pair, side, bonds);
    case 'destroy':
      await pair.party(side).ask({ command: 'replace' });
      return { ended: bonds };
    case 'stop':
      return stop(pair, side, bonds);
    case 'pause':
      return pause(pair, side, random);
    case 'reset':
      return breakLines(pair, random, bonds, (proxy) => {
        proxy.reset(side);
      });
    case 'half-close':
      return breakLines(pair, random, bonds, (proxy) => {
        proxy.halfClose(side);
      });
    case 'silence':
      return silence(pair, bonds);
    case 'flap':
    case 'storm':
      return flap(pair, random, bonds);
    case 'delay':
      return delay(pair, random);
    case 'slow':
      return slow(pair, random);
    case 'cut':
      return cut(pair, side, random, bonds);
    case 'corrupt-body':
      return corruptBodies(pair, side, random, bonds);
    case 'corrupt-frame':
      return corruptFrames(pair, side, random, bonds);
    case 'corrupt-greeting':
      return corruptGreeting(pair, side, random, bonds);
    default:
      throw new Error(`no such round: ${kind}`);
  }
}

async function kill(pair: Pair, side: Side, random: Random, bonds: Bonds): Promise<Event> {
  const survivor = pair.party(otherOf(side));
  await pair.kill(side);
  // Sometimes the new process comes before the old one is missed, sometimes long after.
  const patience = random() % 3;
  if (patience > 0) await ended(survivor, bonds);
  if (patience > 1) {
    const links = [...bonds.keys()];
    await survivor.until('disappear', () => links.every((link) => survivor.disappeared.has(link)));
  }
  await pair.startParty(side);
  await pair.party(side).ask({ command: 'load', seed: random() });
  await ended(survivor, bonds);
  return { ended: bonds };
}

async function close(pair: Pair, side: Side, bonds: Bonds): Promise<Event> {
  const party = pair.party(side);
  const report = await party.ask({ command: 'close' });
  assertLeft(party, report);
  assert.deepEqual(await party.untilExit(), { code: 0, signal: null }, party.stderr);
  await ended(pair.party(otherOf(side)), bonds);
  await pair.startParty(side);
  await pair.party(side).ask({ command: 'load', seed: 1 });
  return { ended: bonds };
}

/** Longer than the other side's keep-alive waits: until it has given up. */
async function stop(pair: Pair, side: Side, bonds: Bonds): Promise<Event> {
  pair.party(side).signal('SIGSTOP');
  await ended(pair.party(otherOf(side)), bonds);
  pair.party(side).signal('SIGCONT');
  return { ended: bonds };
}

/** Shorter than keep-alive: nobody may be taken for dead. */
async function pause(pair: Pair, side: Side, random: Random): Promise<Event> {
  const party = pair.party(side);
  const verdict = await expectNoEnd(pair);
  party.signal('SIGSTOP');
  await delayFor(between(random, pauseMsMin, pauseMsMax));
  party.signal('SIGCONT');
  await submitted(party, 1);
  await verdict('a short stop ended an epoch');
  return { ended: new Map() };
}

/** From now until the verdict no epoch ends, unless the machine itself made somebody look dead. */
async function expectNoEnd(pair: Pair): Promise<(fact: string) => Promise<void>> {
  await pair.stoodStillMs();
  const before = pair.endCount;
  return async (fact) => {
    const stoodStillMs = await pair.stoodStillMs();
    if (stoodStillMs < standstillMsMax) assert.equal(pair.endCount, before, fact);
  };
}

/** On one proxy or, where there are more, on several. */
function breakLines(
  pair: Pair,
  random: Random,
  bonds: Bonds,
  doIt: (proxy: Pair['proxy']) => void,
): Event {
  const broken = new Map<string, number>();
  const choice = random();
  const dialling = [...pair.proxies.keys()];
  for (const [index, side] of dialling.entries()) {
    const proxy = pair.proxies.get(side);
    const isChosen = choice % dialling.length === index || ((choice >> (8 + index)) & 1) === 1;
    if (!isChosen || proxy === undefined) continue;
    doIt(proxy);
    for (const [link, epoch] of pair.dialledBy(side, bonds)) broken.set(link, epoch);
  }
  return { ended: broken };
}

async function silence(pair: Pair, bonds: Bonds): Promise<Event> {
  setPace(pair, { kind: 'silent' });
  await ended(pair.party('front'), bonds);
  await ended(pair.party('back'), bonds);
  setPace(pair, { kind: 'free' });
  return { ended: bonds };
}

/** One reset after the other, each as soon as either side tells of anything: while they greet. */
async function flap(pair: Pair, random: Random, bonds: Bonds): Promise<Event> {
  for (let left = between(random, 3, 8); left > 0; left--) {
    const side = random() % 2 === 0 ? 'front' : 'back';
    const party = pair.party(random() % 2 === 0 ? 'front' : 'back');
    const { noteCount } = party;
    for (const proxy of pair.proxies.values()) proxy.reset(side);
    await party.until('news', () => party.noteCount > noteCount);
  }
  return { ended: bonds };
}

/** Far below what keep-alive bears: no epoch ends. */
async function delay(pair: Pair, random: Random): Promise<Event> {
  const verdict = await expectNoEnd(pair);
  setPace(pair, { kind: 'delay', random, delayMsMax });
  for (const side of sides) await submitted(pair.party(side), between(random, 1, workCount));
  await delayFor(between(random, spellMsMin, spellMsMax));
  setPace(pair, { kind: 'free' });
  await verdict('short delays ended an epoch');
  return { ended: new Map() };
}

/** A frame may take longer than keep-alive bears: an epoch may end, or not. */
async function slow(pair: Pair, random: Random): Promise<Event> {
  setPace(pair, { kind: 'slow', bytesPerMs: between(random, 1, trickleBytesPerMsMax) });
  await delayFor(between(random, spellMsMin, 2 * spellMsMax));
  setPace(pair, { kind: 'free' });
  return { ended: new Map() };
}

/** Towards `side` the line ends in the middle of a record. */
async function cut(pair: Pair, side: Side, random: Random, bonds: Bonds): Promise<Event> {
  const { proxy } = pair;
  const line = proxy.tamper(side, new Cut(random, 40), 'now');
  await ended(pair.party(side), bonds);
  proxy.endTampering(line);
  assert.ok(line.tamper.isCut, 'the line was cut');
  return { ended: bonds, deeds: line.tamper.deeds };
}

/** Deep in bodies: nobody but the client can see it, and nothing else may suffer. */
async function corruptBodies(pair: Pair, side: Side, random: Random, bonds: Bonds): Promise<Event> {
  const { proxy } = pair;
  const verdict = await expectNoEnd(pair);
  const corruption = new Corruption(random, 'filler', between(random, 1, 4), 3);
  const line = proxy.tamper(side, corruption, 'now');
  await changed(pair, line);
  await verdict('a changed body ended an epoch');
  proxy.endTampering(line);
  return { ended: new Map(), taint: () => taintOf(line, (key) => has(bonds, key), true) };
}

/**
 * Anywhere in frames. What nobody notices may leave the epoch without a credit or an answer, so
 * that it goes on for ever; therefore a reset ends it.
 */
async function corruptFrames(pair: Pair, side: Side, random: Random, bonds: Bonds): Promise<Event> {
  const { proxy } = pair;
  const corruption = new Corruption(random, chooseRegion(random), between(random, 1, 3), 12);
  const line = proxy.tamper(side, corruption, 'now');
  await changed(pair, line);
  await delayFor(between(random, 0, spellMsMax));
  line.reset();
  await ended(pair.party('front'), bonds);
  await ended(pair.party('back'), bonds);
  proxy.endTampering(line);
  // An epoch on the line that came of itself after a noticed corruption is a clean one.
  const taint = (): Taint => taintOf(line, (key) => has(bonds, key));
  return { ended: bonds, taint, deeds: corruption.deeds };
}

/** The first words on a new line. Whatever came of them is reset, and forgotten. */
async function corruptGreeting(
  pair: Pair,
  side: Side,
  random: Random,
  bonds: Bonds,
): Promise<Event> {
  const { proxy } = pair;
  const region = chooseRegion(random);
  const corruption = new Corruption(random, region, between(random, 1, 2), random() % 2);
  const line = proxy.tamper(side, corruption, 'next');
  proxy.reset(side);
  await changed(pair, line);
  await delayFor(between(random, 0, spellMsMax));
  line.reset();
  await proxy.until('end of the line', () => line.isGone);
  proxy.endTampering(line);
  const taint = (clean: Bonds): Taint => ({
    ...taintOf(line, (key) => !has(bonds, key) && !has(clean, key)),
    mayOutlast: (key) => has(bonds, key),
  });
  return { ended: bonds, taint, deeds: corruption.deeds };
}

/** Until everything is changed that was to be, or the line has died of it. */
async function changed(pair: Pair, line: TamperedLine): Promise<void> {
  await pair.proxy.until('changed records', () => line.tamper.isDone || line.isGone);
}

function taintOf(
  line: TamperedLine,
  isTainted: (epochKey: string) => boolean,
  isBodyOnly = false,
): Taint {
  const changeCount = line.tamper.deeds.length;
  return { isBodyOnly, changeCount, speaker: otherOf(line.side), isTainted };
}

function chooseRegion(random: Random): Region {
  const frameRegions = regions.filter((region) => region !== 'filler');
  return frameRegions[random() % frameRegions.length] ?? 'any';
}

function has(bonds: Bonds, epochKey: string): boolean {
  return [...bonds].some(([link, epoch]) => `${link} ${epoch}` === epochKey);
}

function setPace(pair: Pair, pace: Pace): void {
  for (const proxy of pair.proxies.values()) proxy.pace = pace;
}

/** How long trouble lasts is part of it. */
function delayFor(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

async function ended(party: Party, bonds: Bonds): Promise<void> {
  const keys = [...bonds].map(([link, epoch]) => `${link} ${epoch}`);
  await party.until(`end of ${keys.length} epochs`, () => {
    return keys.every((key) => party.disconnected.has(key));
  });
}

/** After `domain.close()` nothing of it is left, in the process that lives on. */
export function assertLeft(party: Party, report: Report): void {
  const left = report.resources.filter((name) => /Timeout|Immediate|TCP|Tick/.test(name));
  assert.deepEqual(left, [], `${party.name} after close: ${report.resources.join(' ')}`);
  assert.equal(report.timersArmed, 0, `${party.name}: timers after close`);
  assert.equal(report.endpoints, 0, `${party.name}: endpoints after close`);
}
