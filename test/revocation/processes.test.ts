/** Regions across processes, threads and users, and what deaths leave. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { Fault, type BufferAccess } from '../../core/contract.js';
import type { MappedRegion } from '../../core/shared-memory.js';
import { mapRegion } from '../../transports/ring/mapped-region.js';
import type { OwnRegion } from '../../transports/ring/shared-region.js';
import { isRoot } from '../process-ring/far-process.js';
import { lookAtHoldings } from '../unit/ring-memory-rig.js';
import {
  identityOf,
  isFilledWith,
  makeHost,
  makeRegion,
  residentSharedBytes,
} from '../unit/ring-region-rig.js';
import { lentByte, type Offer, type Report } from './orders.js';
import { ProcessParty, ThreadParty, type Party } from './parties.js';

const regionBytes = 64 * 1024;
const otherUser = 54_321;
const host = makeHost();

function startProcess(context: TestContext): ProcessParty {
  const party = new ProcessParty({ id: 1, isHonest: false });
  context.after(() => party.end());
  return party;
}

function shareFor(access: BufferAccess): { region: OwnRegion; offer: Offer } {
  const region = makeRegion(host, regionBytes);
  region.bytes.fill(1);
  assert.equal(region.share(access), undefined);
  const description = [...region.describe()];
  return { region, offer: { owner: process.pid, description, byteLength: regionBytes, access } };
}

function hold({ offer }: Report): MappedRegion {
  assert.ok(offer);
  const { owner, description, byteLength, access } = offer;
  const bytes = Uint8Array.from(description);
  const held = mapRegion(host, identityOf(owner), bytes, byteLength, access);
  if (typeof held === 'string') assert.fail(held);
  return held;
}

async function lend(party: Party, access: BufferAccess): Promise<Report> {
  const report = await party.ask({ order: 'lend', byteLength: regionBytes, access });
  assert.equal(report.outcome, 'lends');
  return report;
}

test('a store into what was lent for reading kills the offender, and only it', async (context) => {
  const { region, offer } = shareFor('read');
  const party = startProcess(context);
  assert.equal((await party.ask({ order: 'hold', offer })).outcome, 'holds');
  party.send({ order: 'scribble' });
  assert.equal(await party.ended, 'SIGSEGV');
  assert.ok(isFilledWith(region.bytes, 1));
  region.release();
});

test("another user's process cannot reach it, whatever it knows", async (context) => {
  if (!isRoot(context)) return;
  const { region, offer } = shareFor('readWrite');
  const party = startProcess(context);
  await party.ask({ order: 'become', user: otherUser });
  assert.equal((await party.ask({ order: 'hold', offer })).outcome, Fault.Unreachable);
  region.release();
});

test('an owner that is killed leaves its holders with the bytes, and then nothing', async (t) => {
  for (const access of ['read', 'readWrite'] as const) {
    const party = startProcess(t);
    const report = await lend(party, access);
    const before = lookAtHoldings();
    const held = hold(report);
    await party.end();
    assert.ok(held.enter());
    assert.ok(isFilledWith(held.bytes, lentByte));
    if (access === 'readWrite') held.bytes.fill(2);
    assert.ok(held.leave(), 'nobody has taken it back');
    held.release();
    assert.equal(lookAtHoldings().memfdMappings, before.memfdMappings);
    assert.equal(residentSharedBytes(), 0);
  }
});

test('a thread that is terminated while it lends leaves no descriptor', async () => {
  const party = new ThreadParty({ id: 1, isHonest: false });
  const report = await lend(party, 'readWrite');
  const held = hold(report);
  await party.end();
  const left = lookAtHoldings().descriptors.filter((line) => line.includes('memfd'));
  assert.deepEqual(left, []);
  assert.ok(isFilledWith(held.bytes, lentByte));
  held.release();
});

test('a holder that takes the pages away all the time does not hold up taking back', async (t) => {
  const party = startProcess(t);
  const milliseconds: number[] = [];
  const rounds = 30;
  for (let round = 0; round < rounds; round++) {
    const { region, offer } = shareFor('readWrite');
    assert.equal((await party.ask({ order: 'hold', offer })).outcome, 'holds');
    assert.equal((await party.ask({ order: 'punch' })).outcome, 'punches');
    await party.ask({ order: 'pass', count: 3 });
    const startMs = performance.now();
    region.revoke();
    milliseconds.push(performance.now() - startMs);
    const left = region.bytes.slice();
    await party.ask({ order: 'pass', count: 3 });
    assert.equal(Buffer.compare(region.bytes, left), 0);
    region.bytes.fill(0x7e);
    const { secrets } = await party.ask({ order: 'pass', count: 3 });
    assert.equal(secrets, 0);
    assert.ok(isFilledWith(region.bytes, 0x7e));
    await party.ask({ order: 'free' });
    region.release();
  }
  const [median] = milliseconds.toSorted((a, b) => a - b).slice(rounds / 2);
  t.diagnostic(`revoke p50 ${((median ?? 0) * 1000).toFixed(0)} us`);
});
