/** Where the NBD server listens, how it begins and how it ends. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { IdcAssertionError, IdcError } from '../../../core/index.js';
import {
  createMemoryDevice,
  serveNbd,
  type NbdServer,
  type NbdServerOptions,
} from '../../../drivers/block/index.js';
import {
  formatNbdUri,
  isLoopback,
  parseListenPlace,
} from '../../../drivers/block/nbd/listen-place.js';
import { Command, Option } from '../../../drivers/block/nbd/nbd-protocol.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { HeldDevice } from './held-device.js';
import { check, deviceBytes } from './nbd-rig.js';
import { exportQuestion, RawClient } from './raw-client.js';

const device = createMemoryDevice({ byteLength: 4096 });

function serve(listen: string, options: Partial<NbdServerOptions> = {}): NbdServer {
  return serveNbd({ exports: [{ device }], listen, ...options });
}

async function flushOnce(place: string | number): Promise<void> {
  const client = await RawClient.connect(place);
  await client.greet();
  await client.ask(Option.Go, exportQuestion(''));
  assert.equal(await client.perform({ command: Command.Flush }), 0);
  client.disconnect();
  await client.end();
}

/** The code with which the server says that it cannot listen. */
async function refusalOf(server: NbdServer): Promise<string> {
  const refusal = await server.ready.catch((error: unknown) => error);
  await server.close();
  assert.ok(refusal instanceof IdcError, String(refusal));
  return refusal.code;
}

describe('where a server listens', () => {
  it('HOST:PORT is a port, all else a path', () => {
    for (const [text, place] of [
      ['/run/nbd.sock', { path: '/run/nbd.sock' }],
      ['nbd.sock', { path: 'nbd.sock' }],
      ['./odd:1', { path: './odd:1' }],
      ['localhost:10809', { host: 'localhost', port: 10809 }],
      ['10.0.0.1:0', { host: '10.0.0.1', port: 0 }],
      ['[::1]:99', { host: '::1', port: 99 }],
      [':10809', { host: '127.0.0.1', port: 10809 }],
      ['host:65536', { path: 'host:65536' }],
    ] as const) {
      assert.deepEqual(parseListenPlace(text), place);
    }
  });

  it('has a URI that clients know', () => {
    assert.equal(formatNbdUri({ path: '/a b?' }, ''), 'nbd+unix:///?socket=%2Fa%20b%3F');
    assert.equal(formatNbdUri({ host: '::1', port: 5 }, 'x/y'), 'nbd://[::1]:5/x%2Fy');
  });

  it('knows which hosts are this machine alone', () => {
    const inside = ['127.0.0.1', '127.9.9.9', '::1', 'localhost'];
    for (const host of inside) assert.ok(isLoopback(host), host);
    const outside = ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'fe80::1%eth0', 'example.org'];
    for (const host of outside) assert.ok(!isLoopback(host), host);
  });

  it('a port that is free is found and told', async () => {
    const server = serve('127.0.0.1:0');
    const [, port] = /^nbd:\/\/127[.]0[.]0[.]1:(\d+)\/$/.exec(await server.ready) ?? [];
    await flushOnce(Number(port));
    const other = serve(`127.0.0.1:${port ?? ''}`);
    assert.equal(await refusalOf(other), 'ADDRESS_IN_USE');
    await server.close();
  });

  it('beyond this machine it must be told so', async () => {
    assert.equal(await refusalOf(serve('0.0.0.0:0')), 'ACCESS_DENIED');
    const server = serve('0.0.0.0:0', { plaintextBeyondLoopback: 'allow' });
    await server.ready;
    await server.close();
  });

  it('a name that is unknown and a folder that is not there are told', async () => {
    assert.equal(await refusalOf(serve('no-such-host.invalid:1')), 'UNREACHABLE');
    const folder = '/nonexistent/folder/nbd.sock';
    assert.ok(['ACCESS_DENIED', 'BAD_ADDRESS'].includes(await refusalOf(serve(folder))));
  });

  it('a socket file in use is left alone, one left behind is taken over', async (context) => {
    const path = `${await makeTemporaryFolder(context)}/nbd.sock`;
    const server = serve(path);
    await server.ready;
    assert.equal(await refusalOf(serve(path)), 'ADDRESS_IN_USE');
    await flushOnce(path);
    await server.close();
    await leaveBehind(path);
    const next = serve(path);
    await next.ready;
    await flushOnce(path);
    await next.close();
  });

  it('a file that is no socket is left alone', async (context) => {
    const path = `${await makeTemporaryFolder(context)}/nbd.sock`;
    await writeFile(path, 'precious');
    assert.equal(await refusalOf(serve(path)), 'ADDRESS_IN_USE');
  });
});

describe('how a server ends', () => {
  it('clients find nobody, and the socket file is gone', async (context) => {
    const path = `${await makeTemporaryFolder(context)}/nbd.sock`;
    const server = serve(path);
    await server.ready;
    const closing = server.close();
    assert.equal(server.close(), closing);
    await closing;
    await assert.rejects(RawClient.connect(path), { code: 'ENOENT' });
  });

  it('closed before it listens it still ends', async (context) => {
    await serve(`${await makeTemporaryFolder(context)}/nbd.sock`).close();
  });

  const held = new HeldDevice(createMemoryDevice({ byteLength: deviceBytes }));
  check(
    'what was taken on is answered, then connections end',
    async (rig) => {
      const [busy, idle, early] = [await rig.client(), await rig.client(), await rig.connect()];
      await early.receive(18);
      busy.request({ command: Command.Write, cookie: 1n, data: Buffer.alloc(512) });
      const operation = await held.take();
      const closing = rig.server.close();
      await idle.end();
      await early.end();
      operation.begin();
      assert.deepEqual(await busy.simpleReply(), { error: 0, cookie: 1n });
      await busy.end();
      await closing;
    },
    { device: held },
  );

  check(
    'a device that does not answer ends connections after drainMs, not itself',
    async (rig) => {
      const client = await rig.client();
      client.request({ command: Command.Flush });
      const operation = await held.take();
      const closing = rig.server.close({ drainMs: 10 });
      await client.end();
      assert.equal(rig.server.statistics().connections, 1);
      operation.begin();
      await closing;
    },
    { device: held },
  );

  it('options that make no sense are asserted', () => {
    const options = { exports: [{ device }], listen: '/nonexistent/x' };
    const twice = [{ device }, { device }];
    for (const wrong of [
      { exports: [] },
      { exports: twice },
      { exports: [{ device, name: 'a'.repeat(4097) }] },
      { requestsMax: 0 },
      { heldBytesMax: NaN },
      { payloadBytesMax: 1024 },
      { payloadBytesMax: 2 ** 31 },
      { connectionsMax: 0 },
      { handshakeMs: 2 ** 31 },
    ]) {
      assert.throws(() => serveNbd({ ...options, ...wrong }), IdcAssertionError);
    }
  });
});

/** As a process that was killed leaves it: the file stays, and nobody listens. */
async function leaveBehind(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  await rename(path, `${path}.kept`);
  await new Promise((resolve) => server.close(resolve));
  await rename(`${path}.kept`, path);
}
