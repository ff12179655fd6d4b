/**
 * A hostile process at the other end of a ring writes whatever it can write, while we read: nothing
 * hangs, crashes or leaks, and a bystander at the same listener is served all the time.
 * `IDC_MUTATIONS=10000` for so many structured changes, and a hundred times as many random ones.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { seedOfThisRun } from '../../compliance/random.js';
import { turnEventLoop } from '../../compliance/harness.js';
import { lookAtHoldings } from '../../unit/ring-memory-rig.js';
import { Bystander, Victim, type HostileOptions } from './victim.js';

const main = fileURLToPath(new URL('hostile-main.js', import.meta.url));
const structuredDefault = 1500;
const structuredCount = Number(process.env['IDC_MUTATIONS'] ?? structuredDefault);
const counts = {
  structured: structuredCount,
  random: 60 * structuredCount,
  raw: 60 * structuredCount,
};
/** The longest that the bystander waits, on a machine that is busy otherwise. */
const servedMsMax = 5000;
/** What may end an epoch with such a peer. */
const expectedReasons =
  /^(CORRUPT|DISCONNECTED|DESTROYED|TIMEOUT|SILENT|REFUSED|WRONG_VERSION|UNREACHABLE)$/;

for (const task of ['structured', 'random', 'raw'] as const) {
  const count = counts[task];
  test(`${task}: ${count} words changed under our eyes harm nobody else`, async (context) => {
    const seed = seedOfThisRun();
    context.diagnostic(`IDC_SEED=${seed}`);
    await turnEventLoop();
    const before = lookAtHoldings();
    const victim = new Victim();
    const address = `ring://test-${randomBytes(8).toString('hex')}/any`;
    await victim.domain.listen(address, () => victim.handlers, { forgetMs: 5 }).ready;
    const bystander = new Bystander(address);
    const options: HostileOptions = { address, task, count, seed };
    const hostile = fork(main, [JSON.stringify(options)]);
    // reason: what `exit` of a child process carries
    const [code, signal] = (await once(hostile, 'exit')) as [number | null, string | null];
    assert.deepEqual([code, signal], [0, null], 'the hostile process did what it wanted');
    const { servedCount } = bystander;
    while (bystander.servedCount < servedCount + 10) await turnEventLoop(1);
    assert.ok(bystander.longestMs < servedMsMax, `waited for ${bystander.longestMs} ms`);
    await bystander.close();
    await victim.domain.close();
    await turnEventLoop();
    const { reasons, messageCount, transactionCount, statusCount } = victim;
    const told = [...reasons].map(([reason, times]) => `${times} ${reason}`).join(', ');
    context.diagnostic(`epochs: ${told}; bystander: ${servedCount}`);
    context.diagnostic(`${messageCount} messages, ${transactionCount}, ${statusCount} statuses`);
    for (const reason of reasons.keys()) assert.match(reason, expectedReasons);
    if (task !== 'raw') assert.ok((reasons.get('CORRUPT') ?? 0) > 0);
    if (task !== 'raw') assert.ok(Math.min(messageCount, transactionCount, statusCount) > 0);
    assert.equal(lookAtHoldings().memfdMappings, before.memfdMappings);
    const sockets = lookAtHoldings().descriptors.filter((line) => line.includes('socket:'));
    assert.equal(sockets.length, before.descriptors.filter((l) => l.includes('socket:')).length);
  });
}
