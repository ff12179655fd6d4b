/** `idc block nbd` as its users run it. What clients make of it: `test/clients`. */
import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { createMemoryDevice, type BlockDevice } from '../../drivers/block/index.js';
import { Command, NbdError, Option } from '../../drivers/block/nbd/nbd-protocol.js';
import { Stage } from '../drivers/block-remote/stage.js';
import { exportQuestion, RawClient } from '../drivers/block/raw-client.js';
import type { Program } from '../unit/program.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';
import { start } from './idc.js';

function nbd(...words: string[]): Program {
  return start('block', 'nbd', ...words);
}

/** A device of 1 MiB and the command that serves it. */
async function serve(
  scheme: 'ring' | 'tcp',
  device: BlockDevice,
  words: string[],
  body: (address: string, command: Program) => Promise<void>,
): Promise<void> {
  const stage = new Stage(scheme, `cli-${words.join('-')}`);
  const backEnd = await stage.serve(device);
  const command = nbd(stage.address, ...words);
  try {
    await body(stage.address, command);
  } finally {
    if (command.hasProcesses()) command.interrupt('SIGKILL');
    await command.ended;
    await backEnd.close();
    await stage.close();
  }
}

async function enter(place: string | number, name = ''): Promise<RawClient> {
  const client = await RawClient.connect(place);
  await client.greet();
  await client.ask(Option.Go, exportQuestion(name));
  return client;
}

const word = { command: Command.Write, offset: 4096, data: Buffer.from('through it all') };

describe('idc block nbd', () => {
  it('serves a device over ring on a socket file until SIGTERM', async (context) => {
    const path = `${await makeTemporaryFolder(context)}/nbd.sock`;
    const device = createMemoryDevice({ byteLength: 1 << 20 });
    await serve('ring', device, ['--listen', path], async (address, command) => {
      const [, uri, text] = await command.untilOutput(/^(\S+) (serves .*)$/mu);
      assert.equal(uri, `nbd+unix:///?socket=${encodeURIComponent(path)}`);
      assert.equal(text, `serves 1 MiB of ${address}`);
      const client = await enter(path);
      assert.equal(await client.perform(word), NbdError.None);
      const held = Buffer.alloc(word.data.byteLength);
      await device.read(word.offset, held);
      assert.deepEqual(held, word.data);
      command.interrupt('SIGTERM');
      await client.end();
      assert.deepEqual(await command.ended, { code: 0, signal: null });
      await assert.rejects(access(path), { code: 'ENOENT' });
    });
  });

  it('serves a device over TCP on a port, by a name, to be read alone', async () => {
    const device = createMemoryDevice({ byteLength: 1 << 20, blockBytes: 512 });
    const words = ['--listen', ':0', '--name', 'a disk', '--read-only', '--json'];
    await serve('tcp', device, words, async (address, command) => {
      const [line] = await command.untilOutput(/^\{.*\}$/mu);
      // reason: what is looked at is compared
      const { uri, ...facts } = JSON.parse(line) as { uri: string };
      assert.deepEqual(facts, { address, byteLength: 1 << 20, blockBytes: 512, isReadOnly: true });
      const [, port] = /^nbd:\/\/127[.]0[.]0[.]1:(\d+)\/a%20disk$/u.exec(uri) ?? [];
      const client = await enter(Number(port), 'a disk');
      assert.equal(await client.perform(word), NbdError.NotPermitted);
      client.disconnect();
      await client.end();
      command.interrupt('SIGINT');
      assert.deepEqual(await command.ended, { code: 0, signal: null });
    });
  });

  it('says in one line that no device is there, with a code of its own', async () => {
    const command = nbd('tcp://127.0.0.1:1/disk', '--listen', ':0', '--connect-ms', '50');
    assert.equal((await command.ended).code, 3);
    assert.equal(command.output, '');
    const line = /^idc: tcp:\/\/127[.]0[.]0[.]1:1\/disk: .*; is a block device served there\?\n$/u;
    assert.match(command.errors, line);
  });

  it('says in one line where it cannot listen, and what to do', async () => {
    const device = createMemoryDevice({ byteLength: 4096 });
    for (const [place, line] of [
      ['/nonexistent/nbd.sock', /^idc: [A-Z_]+ .*; see --listen\n$/u],
      ['0.0.0.0:0', /^idc: ACCESS_DENIED .*; see --plaintext-beyond-loopback\n$/u],
    ] as const) {
      await serve('tcp', device, ['--listen', place], async (_, command) => {
        assert.equal((await command.ended).code, 1);
        assert.match(command.errors, line);
      });
    }
  });

  it('takes no address that leads nowhere, and must be told where to listen', async () => {
    const nowhere = nbd('nowhere', '--listen', ':0');
    assert.equal((await nowhere.ended).code, 2);
    assert.match(nowhere.errors, /^idc: nowhere: not an address; expected tcp:/u);
    const nobody = nbd('tcp://127.0.0.1:1/disk');
    assert.notEqual((await nobody.ended).code, 0);
    assert.match(nobody.errors, /required option '-l, --listen <place>' not specified/u);
  });
});
