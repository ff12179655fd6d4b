/**
 * Processes that are killed at any moment under load: the survivor sees whole records in order or
 * none, one disconnect, and the next peer. `IDC_ROUNDS=1000` plays more; `IDC_SEED` repeats.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';

import { createDomain, type Domain } from 'idc';

import { ring } from '../../transports/ring/index.js';
import { between, createRandom, seedOfThisRun, type Random } from '../compliance/random.js';
import { turnEventLoop } from '../compliance/harness.js';
import { guard } from '../process/watchdog.js';
import { lookAtHoldings, residentBytes } from '../unit/ring-memory-rig.js';
import { Flood } from './transport-flood.js';
import { freshAddress, limits, PeerProcess, quota, ringOptions } from './transport-peer.js';

const roundsDefault = 40;
const roundCount = Number(process.env['IDC_ROUNDS'] ?? roundsDefault);
/** Rounds after which the process has what it needs for ever. */
const warmRounds = 10;
const recordsMax = 600;
const grownBytesMax = 48 * 2 ** 20;

function listFiles(): string[] {
  return [...readdirSync('/dev/shm'), ...readdirSync(tmpdir())].filter((name) =>
    /ring|idc-ring/.test(name),
  );
}

interface Survivor {
  readonly domain: Domain;
  readonly flood: Flood;
  readonly address: string;
  readonly role: 'listen' | 'dial';
}

async function survive(role: 'listen' | 'dial', seed: number): Promise<Survivor> {
  const domain = createDomain({ name: 'survivor', transports: [ring(ringOptions)], quota, limits });
  const flood = new Flood(seed);
  const address = freshAddress();
  if (role === 'listen') await domain.listen(address, () => flood.handlers, { forgetMs: 10 }).ready;
  else domain.createEndpoint(address, flood.handlers);
  return { domain, flood, address, role };
}

async function playRound(survivor: Survivor, next: PeerProcess, random: Random): Promise<void> {
  const { flood, address } = survivor;
  const role = survivor.role === 'listen' ? 'dial' : 'listen';
  const ends = flood.disconnects.length;
  const epochs = flood.connectCount;
  // Parked meanwhile, so that doorbells are what wakes it.
  const told = (what: string, fact: () => boolean): Promise<void> =>
    guard(flood.quiet.until(fact), () => what);
  const yields = role === 'listen' || between(random, 0, 1) === 1;
  await next.start({ role, address, task: 'flood', yields, seed: random() });
  await told('connected', () => flood.connectCount === epochs + 1);
  const records = between(random, 0, recordsMax);
  await told(`${records} records`, () => flood.receivedCount >= records);
  const pauseMs = between(random, 0, 2000) / 1000;
  const startMs = performance.now();
  while (performance.now() - startMs < pauseMs) await turnEventLoop(1);
  await next.kill();
  await told('disconnected', () => !flood.isConnected);
  // The kernel tells of a death at once: by silence it would be SILENT.
  const reasons = flood.disconnects.slice(ends).map(({ reason }) => reason);
  assert.deepEqual(reasons, ['DISCONNECTED'], 'one disconnect');
}

for (const role of ['listen', 'dial'] as const) {
  test(`who ${role}s survives its peer’s death at any moment`, async (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${seed}`);
    const random = createRandom(seed);
    // The first child costs the process some descriptors for good.
    await new PeerProcess().kill();
    const files = listFiles();
    const atFirst = lookAtHoldings();
    const survivor = await survive(role, random());
    let before = atFirst;
    let residentBefore = 0;
    let spare = new PeerProcess();
    try {
      for (let round = 0; round < roundCount / 2; round++) {
        const next = spare;
        spare = new PeerProcess();
        await playRound(survivor, next, random);
        if (round !== warmRounds) continue;
        before = lookAtHoldings();
        globalThis.gc?.();
        residentBefore = residentBytes();
      }
    } finally {
      await spare.kill();
      await survivor.domain.close();
    }
    await turnEventLoop();
    globalThis.gc?.();
    const grownBytes = residentBytes() - residentBefore;
    context.diagnostic(`grown by ${grownBytes} bytes`);
    if (roundCount / 2 > warmRounds) assert.ok(grownBytes < grownBytesMax, `${grownBytes} bytes`);
    const after = lookAtHoldings();
    assert.equal(after.memfdMappings, atFirst.memfdMappings);
    assert.ok(before.memfdMappings <= atFirst.memfdMappings + 4);
    const held = (lines: readonly string[]): string[] =>
      lines.filter((line) => /memfd|socket/u.test(line));
    assert.deepEqual(held(after.descriptors), held(atFirst.descriptors));
    assert.deepEqual(listFiles(), files);
  });
}
