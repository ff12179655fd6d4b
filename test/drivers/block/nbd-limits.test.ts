/** What a client can cost: memory, turns and patience have limits, and others do not pay for it. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { createMemoryDevice } from '../../../drivers/block/index.js';
import { Command, NbdError } from '../../../drivers/block/nbd/nbd-protocol.js';
import { HeldDevice } from './held-device.js';
import { check, deviceBytes, type Rig } from './nbd-rig.js';

/** Lets the event loop run until nothing of what was sent is under way any more. */
async function settle(rig: Rig): Promise<void> {
  const probe = await rig.client({ structured: true });
  for (let count = 0; count < 20; count++) {
    probe.request({ command: Command.Read, byteLength: 0 });
    await probe.chunk();
  }
  probe.disconnect();
  await probe.closed();
}

describe('the limits of a connection', () => {
  const held = new HeldDevice(createMemoryDevice({ byteLength: deviceBytes }));

  check(
    'more requests than allowed wait, and are taken on as others are answered',
    async (rig) => {
      const client = await rig.client();
      for (let cookie = 0n; cookie < 10n; cookie++) {
        client.request({ command: Command.Read, cookie, byteLength: 512 });
      }
      await settle(rig);
      assert.equal(held.held.length, 4);
      for (let cookie = 0n; cookie < 10n; cookie++) {
        (await held.take()).begin();
        assert.deepEqual(await client.simpleReply(), { error: 0, cookie });
        await client.receive(512);
      }
    },
    { device: held, requestsMax: 4 },
  );

  check(
    'more data than allowed waits, but one request always goes',
    async (rig) => {
      const client = await rig.client();
      const data = Buffer.alloc(60_000, 1);
      for (let cookie = 0n; cookie < 5n; cookie++) {
        client.request({ command: Command.Write, cookie, offset: 0, data });
      }
      client.request({ command: Command.Read, cookie: 5n, byteLength: 400_000 });
      client.request({ command: Command.Flush, cookie: 6n });
      for (const [count, cookies] of [
        [3, [0n, 1n, 2n]],
        [2, [3n, 4n]],
      ] as const) {
        await settle(rig);
        assert.equal(held.held.length, count);
        for (const operation of held.held.splice(0)) operation.begin();
        for (const cookie of cookies) assert.equal((await client.simpleReply()).cookie, cookie);
      }
      const big = await held.take();
      assert.equal(big.byteLength, 400_000);
      await held.arrived(1);
      big.begin();
      assert.equal((await client.simpleReply()).cookie, 5n);
      await client.receive(400_000);
      (await held.take()).begin();
      assert.equal((await client.simpleReply()).cookie, 6n);
    },
    { device: held, heldBytesMax: 200_000 },
  );

  check('a client that reads no replies is read no more, and others are served', async (rig) => {
    const greedy = await rig.client();
    greedy.socket.pause();
    for (let count = 0; count < 5000; count++) {
      greedy.request({ command: Command.Read, byteLength: 65_536 });
    }
    await settle(rig);
    const { reads } = rig.device.counts();
    assert.ok(reads > 0 && reads <= 600, `${reads} reads`);
    assert.ok(rig.server.statistics().payloads <= 128);
    const other = await rig.client();
    assert.equal(await other.perform({ command: Command.Flush }), NbdError.None);
    greedy.socket.resume();
    for (let count = 0; count < 5000; count++) {
      await greedy.simpleReply();
      await greedy.receive(65_536);
    }
    assert.equal(rig.device.counts().reads, 5000);
  });

  check(
    'reads and writes beyond the longest are refused, whatever they announce',
    async (rig) => {
      const client = await rig.client();
      const { Invalid } = NbdError;
      const read = { command: Command.Read, byteLength: 65_537 };
      assert.equal(await client.perform(read), Invalid);
      assert.equal(await client.perform({ ...read, byteLength: 2 ** 32 - 1 }), Invalid);
      const data = Buffer.alloc(300_000);
      assert.equal(await client.perform({ command: Command.Write, data }), Invalid);
      const longest = { command: Command.Write, data: data.subarray(0, 65_536) };
      assert.equal(await client.perform(longest), NbdError.None);
      assert.equal(rig.device.counts().writes, 1);
    },
    { payloadBytesMax: 65_536 },
  );

  check(
    'a write that is announced and never comes costs an address range',
    async (rig) => {
      const before = process.memoryUsage.rss();
      const clients = await Promise.all(Array.from({ length: 60 }, () => rig.client()));
      for (const client of clients) {
        client.request({ command: Command.Write, byteLength: 32 << 20 });
      }
      await settle(rig);
      assert.equal(rig.server.statistics().payloads, 60);
      const grown = process.memoryUsage.rss() - before;
      assert.ok(grown < 100 << 20, `${grown >> 20} MiB`);
      for (const client of clients) client.destroy();
    },
    { device: createMemoryDevice({ byteLength: 64 << 20 }) },
  );

  check(
    'more clients than allowed are turned away, and come in when others have gone',
    async (rig) => {
      const [first, second] = [await rig.client(), await rig.client()];
      const third = await rig.connect();
      await third.end();
      assert.equal(rig.server.statistics().turnedAway, 1);
      first.disconnect();
      await first.end();
      const fourth = await rig.client();
      assert.equal(await fourth.perform({ command: Command.Flush }), 0);
      assert.equal(await second.perform({ command: Command.Flush }), 0);
    },
    { connectionsMax: 2 },
  );

  check('who floods with requests leaves turns to others', async (rig) => {
    const flood = await rig.client();
    const other = await rig.client();
    let answered = 0;
    flood.socket.on('data', (chunk) => (answered += chunk.byteLength / 16));
    for (let count = 0; count < 20_000; count++) {
      flood.request({ command: Command.WriteZeroes, byteLength: 65_536 });
    }
    assert.equal(await other.perform({ command: Command.Flush }), 0);
    assert.ok(answered < 20_000);
    await flood.receive(20_000 * 16);
  });
});

describe('several connections', () => {
  check('see what the others wrote, and each flushes for all', async (rig) => {
    const writer = await rig.client();
    const reader = await rig.client();
    const data = Buffer.from('seen by all');
    assert.equal(await writer.perform({ command: Command.Write, offset: 77, data }), 0);
    assert.equal(await reader.perform({ command: Command.Flush }), 0);
    reader.request({ command: Command.Read, offset: 77, byteLength: data.byteLength });
    await reader.simpleReply();
    assert.ok((await reader.receive(data.byteLength)).equals(data));
  });

  const held = new HeldDevice(createMemoryDevice({ byteLength: deviceBytes }));
  check(
    'do not wait for each other',
    async (rig) => {
      const [stuck, other] = [await rig.client(), await rig.client()];
      stuck.request({ command: Command.Read, byteLength: 512 });
      const operation = await held.take();
      const flushed = other.perform({ command: Command.Flush });
      (await held.take()).begin();
      assert.equal(await flushed, 0);
      operation.begin();
      await stuck.simpleReply();
    },
    { device: held },
  );
});
