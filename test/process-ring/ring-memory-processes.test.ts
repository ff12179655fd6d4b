/** Memories across processes, users and pid namespaces, and what deaths leave. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import { openPeerMemory } from '../../transports/ring/peer-memory.js';
import { dialUnix, listenUnix } from '../../transports/ring/unix-socket.js';
import {
  lookAtHoldings,
  makeOwn,
  makeToken,
  requireNative,
  ringBytes,
} from '../unit/ring-memory-rig.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';
import { FarProcess, isRoot } from './far-process.js';
import { announcementOf, type Introduced } from './orders.js';

const oneUser = 54_321;
const otherUser = 54_322;
const pidNamespace = ['unshare', '--pid', '--fork', '--kill-child'];

/** What a name of its own begins with. */
const unique = `ring-memory-processes-${process.pid}`;

test('a peer of the same user opens by /proc, and keeps it when the owner is killed', async (t) => {
  const native = requireNative();
  const before = lookAtHoldings();
  const far = new FarProcess(t);
  const place = await far.make(makeToken(1), 77);
  const ranges = new MappedRanges(native);
  const opening = openPeerMemory(native, ranges, place, announcementOf(place));
  assert.equal(opening.outcome, 'opened');
  const { words } = opening.memory.views;
  assert.equal(words[0], 77);
  await far.kill();
  assert.equal(words[0], 77);
  opening.memory.release();
  assert.equal(lookAtHoldings().memfdMappings, before.memfdMappings);
  const again = openPeerMemory(native, ranges, place, announcementOf(place));
  assert.equal(again.outcome, 'unreachable');
});

test("a store into the peer's memory kills the offender, and only it", async (t) => {
  const native = requireNative();
  const own = makeOwn(native, new MappedRanges(native));
  own.views.words[0] = 5;
  const { descriptor, byteLength } = own;
  const token = [...own.token];
  const far = new FarProcess(t);
  const place = { pid: process.pid, descriptor, ringBytes, byteLength, token };
  assert.deepEqual(await far.ask({ order: 'open', place }), { outcome: 'opened', mark: 5 });
  far.send({ order: 'scribble' });
  assert.deepEqual(await far.ended, { code: null, signal: 'SIGSEGV' });
  assert.equal(own.views.words[0], 5);
  own.release();
});

/** Both connect, each fails by /proc and succeeds by passing, in both directions. */
async function linkByPassing(name: string, near: FarProcess, far: FarProcess): Promise<void> {
  assert.equal((await near.ask({ order: 'listen', name })).outcome, 'listening');
  assert.equal((await far.ask({ order: 'dial', name })).outcome, 'connected');
  assert.equal((await near.ask({ order: 'accept' })).outcome, 'connected');
  const places: [FarProcess, FarProcess, Introduced, number][] = [
    [near, far, await far.make(makeToken(2), 22), 22],
    [far, near, await near.make(makeToken(1), 11), 11],
  ];
  for (const [reader, owner, introduced, mark] of places) {
    const { credentials } = await reader.ask({ order: 'credentials' });
    const place = { ...introduced, pid: credentials?.pid ?? -1 };
    const { outcome } = await reader.ask({ order: 'open', place });
    if (outcome !== 'opened') assert.match(outcome, /^unreachable/);
    assert.equal((await owner.ask({ order: 'pass' })).outcome, 'passed');
    assert.deepEqual(await reader.ask({ order: 'take', place }), { outcome: 'opened', mark });
    const stale = { ...place, token: [...makeToken(9)] };
    await owner.ask({ order: 'pass' });
    assert.match((await reader.ask({ order: 'take', place: stale })).outcome, /^corrupt: .*token/);
  }
}

test('two users are unreachable by /proc and reach each other by passing', async (t) => {
  if (!isRoot(t)) return;
  const [near, far] = [new FarProcess(t), new FarProcess(t)];
  await near.ask({ order: 'become', user: oneUser });
  await far.ask({ order: 'become', user: otherUser });
  const place = await far.make(makeToken(2), 22);
  assert.match((await near.ask({ order: 'open', place })).outcome, /^unreachable/);
  await linkByPassing(`${unique}-users`, near, far);
  const { credentials } = await near.ask({ order: 'credentials' });
  assert.equal(credentials?.uid, otherUser);
});

test('pid namespaces are unreachable from within and reach out by passing', async (t) => {
  if (!isRoot(t)) return;
  const [near, far] = [new FarProcess(t), new FarProcess(t, pidNamespace)];
  // In there the process numbers of /proc are another namespace's: none of them may be believed.
  const place = await near.make(makeToken(1), 11);
  assert.match((await far.ask({ order: 'open', place })).outcome, /^unreachable: .*namespace/);
  await linkByPassing(`${unique}-namespaces`, near, far);
  const seen = await far.ask({ order: 'credentials' });
  assert.equal(seen.credentials?.pid, 0);
});

test('two pid namespaces, each with a /proc of its own, reach each other by passing', async (t) => {
  if (!isRoot(t)) return;
  const within = [...pidNamespace, '--mount-proc'];
  const [near, far] = [new FarProcess(t, within), new FarProcess(t, within)];
  // Both are number 1 at home: the number leads to oneself, and must not be taken for the peer.
  const place = await far.make(makeToken(2), 22);
  assert.equal(place.pid, 1);
  assert.match((await near.ask({ order: 'open', place })).outcome, /^(unreachable|corrupt)/);
  await linkByPassing(`${unique}-two-namespaces`, near, far);
});

test('with few descriptors it is exhausted, and serves again after releases', async (t) => {
  const far = new FarProcess(t, ['prlimit', '--nofile=64']);
  const answer = await far.ask({ order: 'exhaust' });
  assert.equal(answer.outcome, 'exhausted');
  assert.ok((answer.count ?? 0) > 10, `${answer.count ?? 0} memories`);
});

function listVisible(): string[] {
  return [...readdirSync('/dev/shm'), ...readdirSync(tmpdir())].filter((name) =>
    /ring|memfd/.test(name),
  );
}

async function killAtRandom(t: TestContext, folder: string, delayMs: number): Promise<void> {
  const native = requireNative();
  const names = [path.join(folder, 'socket'), `${unique}-killed`];
  const far = new FarProcess(t);
  assert.equal((await far.ask({ order: 'churn', names })).outcome, 'churning');
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await far.kill();
  for (const name of names) {
    const dialled = dialUnix(native, name);
    assert.ok(typeof dialled === 'string', 'nobody answers there');
    const listener = listenUnix(native, name);
    if (typeof listener === 'string') assert.fail(`${name}: ${listener}`);
    listener.remove();
    native.close(listener.descriptor);
  }
  assert.deepEqual(readdirSync(folder), []);
}

test('kill -9 at any moment leaves nothing: names serve again, files are gone', async (t) => {
  const seed = Number(process.env['IDC_SEED'] ?? process.hrtime.bigint() % 1_000_000n);
  t.diagnostic(`seed ${seed}`);
  const folder = await makeTemporaryFolder(t);
  const before = listVisible();
  let state = seed;
  for (let round = 0; round < 12; round++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    await killAtRandom(t, folder, (state >>> 8) % 40);
  }
  assert.deepEqual(listVisible(), before);
});
