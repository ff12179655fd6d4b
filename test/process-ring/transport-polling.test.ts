/** A domain whose thread never yields lives a whole life over rings by `poll` alone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { createDomain } from 'idc';

import { ring } from '../../transports/ring/index.js';
import { freshAddress, limits, PeerProcess, quota, ringOptions } from './transport-peer.js';

const main = fileURLToPath(new URL('transport-poller-main.js', import.meta.url));

test('it dials, talks, sees time, death and silence, serves, and closes', async (context) => {
  const address = freshAddress();
  const ownAddress = freshAddress();
  const answerer = { role: 'listen', address, task: 'answer', yields: true, seed: 1 } as const;
  const domain = createDomain({ name: 'client', transports: [ring(ringOptions)], quota, limits });
  const [peer, successor] = [new PeerProcess(), new PeerProcess()];
  await peer.start(answerer);
  const poller = spawn(process.execPath, [main, address, ownAddress], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(async () => {
    poller.kill('SIGKILL');
    await Promise.all([peer.kill(), successor.kill()]);
    await domain.close();
  });
  const exited = once(poller, 'exit');
  const lines = createInterface({ input: poller.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    // reason: the iterator's last result has no string
    const { value } = (await lines.next()) as { value: string | undefined };
    return value ?? 'the end';
  };

  assert.equal(await next(), 'connected');
  assert.equal(await next(), 'exchanged');
  assert.equal(await next(), 'timed TIMEOUT');

  assert.equal(await next(), 'kill');
  await peer.kill();
  // The kernel told it: by silence it would be SILENT.
  assert.equal(await next(), 'noticed DISCONNECTED');
  await successor.start(answerer);
  assert.equal(await next(), 'connected again');

  assert.equal(await next(), 'stop');
  successor.signal('SIGSTOP');
  assert.equal(await next(), 'noticed SILENT');

  assert.equal(await next(), 'serving');
  const endpoint = domain.createEndpoint(ownAddress, {
    connect: async () => {
      const status = await endpoint.submitTransaction(Uint8Array.of(1, 2, 3));
      assert.deepEqual(status, Uint8Array.of(1, 2, 3));
    },
  });
  assert.equal(await next(), 'closed');
  assert.deepEqual(await exited, [0, null]);
});
