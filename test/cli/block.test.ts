/** `idc block` as its users run it: processes, words, output and exit codes. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { createDomain } from '../../core/index.js';
import { createMemoryDevice, openRemoteDevice, serveDevice } from '../../drivers/block/index.js';
import { tcp } from '../../transports/tcp/index.js';
import { HeldDevice } from '../drivers/block/held-device.js';
import type { Program } from '../unit/program.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';
import { idc, idcInTime, start } from './idc.js';

const freePort = 'tcp://127.0.0.1:0/disk';

interface Serving {
  readonly program: Program;
  readonly address: string;
}

/** Serves until the test ends. */
async function serve(context: TestContext, ...words: string[]): Promise<Serving> {
  const serving = start('block', 'serve', ...words);
  context.after(() => serving.killGroup());
  const [, address = ''] = await serving.untilOutput(/^serves .* at (\S+)$/mu);
  return { program: serving, address };
}

/** An image of 3 MiB: data, a hole, and data that ends within a block of 4096. */
function makeImage(path: string): void {
  const data = Buffer.alloc(1_300_512);
  for (let place = 0; place < data.length; place += 4)
    data.writeUInt32LE((place * 2654435761) % 2 ** 32, place);
  writeFileSync(path, data);
  truncateSync(path, 3 << 20);
}

describe('idc block', () => {
  for (const scheme of ['tcp', 'ring'] as const) {
    it(`copies a file there and back over ${scheme}, and leaves holes holes`, async (context) => {
      const folder = await makeTemporaryFolder(context);
      const [image, served, back] = ['a', 'b', 'c'].map((name) => `${folder}/${name}.img`);
      assert.ok(image !== undefined && served !== undefined && back !== undefined);
      makeImage(image);
      const listen = scheme === 'tcp' ? freePort : `ring://idc-cli-${process.pid}/disk`;
      const words = [served, '--create', '3M', '--listen', listen, '--block-size', '4K'];
      const { program: server, address } = await serve(context, ...words);
      const there = await idc('block', 'copy', image, address, '--json');
      assert.equal(there.code, 0, there.errors);
      const summary: unknown = JSON.parse(there.output);
      assert.ok(typeof summary === 'object' && summary !== null && 'copiedBytes' in summary);
      assert.deepEqual(
        { ...summary, seconds: 0 },
        {
          byteLength: 3 << 20,
          copiedBytes: summary.copiedBytes,
          zeroBytes: (3 << 20) - Number(summary.copiedBytes),
          seconds: 0,
        },
      );
      assert.ok(Number(summary.copiedBytes) < 2 << 20);
      const here = await idc('block', 'copy', address, back);
      assert.equal(here.code, 0, here.errors);
      assert.match(here.output, /^3 MiB in [0-9.]+ s \(.*\/s\): .* copied, .* zeroes\n$/u);
      server.interrupt('SIGTERM');
      assert.deepEqual(await server.ended, { code: 0, signal: null }, server.errors);
      assert.equal(server.errors, '');
      for (const copy of [served, back]) {
        assert.ok(readFileSync(copy).equals(readFileSync(image)), copy);
        assert.ok(statSync(copy).blocks * 512 < 2 << 20, 'the hole was filled');
      }
    });
  }

  it('tells what is served, to people and to programs', async (context) => {
    const { program: server, address } = await serve(
      context,
      ...['--memory', '64M', '--listen', freePort, '--read-only'],
    );
    assert.match(server.output, /^serves memory \(64 MiB in blocks of 512, read-only\) at tcp:/u);
    const people = await idc('block', 'info', address);
    assert.equal(people.code, 0, people.errors);
    assert.equal(
      people.output,
      `${address} (read-only)\n  size   64 MiB (67108864 bytes) in blocks of 512\n` +
        '  taken  0 bytes, known zeroes 64 MiB\n',
    );
    const programs = await idc('block', 'info', address, '--json');
    assert.deepEqual(JSON.parse(programs.output), {
      address,
      byteLength: 64 << 20,
      blockBytes: 512,
      isReadOnly: true,
      dataBytes: 0,
      zeroBytes: 64 << 20,
    });
    server.interrupt('SIGINT');
    assert.equal((await server.ended).code, 0);
  });

  it('a copy that is interrupted ends what it began, and says so', async (context) => {
    const folder = await makeTemporaryFolder(context);
    makeImage(`${folder}/a.img`);
    const domain = createDomain({ name: 'back', transports: [tcp()] });
    const device = new HeldDevice(createMemoryDevice({ byteLength: 3 << 20 }));
    const address = await serveDevice(domain, freePort, device).ready;
    const copying = start('block', 'copy', `${folder}/a.img`, address);
    const first = await device.take();
    copying.interrupt('SIGINT');
    first.begin();
    const releasing = (async () => {
      for (;;) (await device.take()).begin();
    })();
    releasing.catch(() => undefined);
    assert.equal((await copying.ended).code, 1);
    assert.match(copying.errors, /^idc: interrupted: tcp:\S+ has a part of \S+a\.img only\n$/u);
    await domain.close();
  });

  it('a killed server that is started again goes on where it was', async (context) => {
    const folder = await makeTemporaryFolder(context);
    const words = [`${folder}/disk.img`, '--create', '1M', '--listen'];
    const first = await serve(context, ...words, freePort);
    const domain = createDomain({ name: 'front', transports: [tcp()] });
    const device = await openRemoteDevice(domain, first.address);
    await device.write(0, Buffer.alloc(512, 1));
    first.program.interrupt('SIGKILL');
    await first.program.ended;
    const written = device.write(512, Buffer.alloc(512, 2));
    await serve(context, ...words, first.address);
    await written;
    const found = Buffer.alloc(1024);
    await device.read(0, found);
    assert.deepEqual(found, Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(512, 2)]));
    await domain.close();
  });
});

describe('idc block says in one line what is wrong, and what to do:', () => {
  it('nobody serves there', async () => {
    const domain = createDomain({ name: 'gone', transports: [tcp()] });
    const address = await domain.listen('tcp://127.0.0.1:0/other', () => ({})).ready;
    await domain.close();
    const told = /^idc: tcp:\S+: \S+; is a block device served there\?\n$/u;
    const { code, output, errors } = await idcInTime(() => told, 'block', 'info', address);
    assert.deepEqual([code, output], [3, '']);
    assert.match(errors, told);
  });

  it('what is served there is no block device', async () => {
    const domain = createDomain({ name: 'other', transports: [tcp()] });
    const address = await domain.listen('tcp://127.0.0.1:0/other', () => ({
      transaction: (request) => request.complete(undefined, 7),
    })).ready;
    const { code, errors } = await idc('block', 'info', address);
    assert.equal(code, 3);
    assert.match(errors, /^idc: tcp:.*another protocol.*; is a block device served there\?\n$/u);
    await domain.close();
  });

  it('the words make no sense', async (context) => {
    const folder = await makeTemporaryFolder(context);
    for (const [words, pattern] of [
      [['info', 'nowhere'], /^idc: nowhere: not an address; expected tcp:/u],
      [['serve', '--listen', freePort], /^idc: what to serve\? either a FILE or --memory SIZE\n$/u],
      [['serve', '--memory', '1000', '--listen', freePort], /whole number of blocks of 512 bytes/u],
      [['serve', '--memory', '1M', '-b', '3', '--listen', freePort], /expected a power of two/u],
      [['copy', `${folder}/a`, `${folder}/a`], /^idc: source and target are the same\n$/u],
    ] as const) {
      const { code, output, errors } = await idc('block', ...words);
      assert.deepEqual([code, output], [2, ''], errors);
      assert.match(errors, pattern);
    }
    const size = await idc('block', 'serve', '--memory', 'much', '--listen', freePort);
    assert.notEqual(size.code, 0);
    assert.match(size.errors, /expected a number of bytes, as in 512, 64M or 1.5G/u);
  });

  it('a file cannot be used', async (context) => {
    const folder = await makeTemporaryFolder(context);
    const missing = await idc('block', 'serve', `${folder}/none`, '--listen', freePort);
    assert.equal(missing.code, 1);
    assert.match(missing.errors, /^idc: opening .*none failed: ENOENT.*\n$/u);
    writeFileSync(`${folder}/odd`, 'odd');
    const odd = await idc('block', 'serve', `${folder}/odd`, '--listen', freePort);
    assert.equal(odd.code, 1);
    assert.match(odd.errors, /^idc: .* 3 bytes more than whole blocks of 512; --block-size 1 /u);
  });

  it('the address is taken', async (context) => {
    const { address } = await serve(context, '--memory', '1M', '--listen', freePort);
    const second = await idc('block', 'serve', '--memory', '1M', '--listen', address);
    assert.deepEqual([second.code, second.output], [1, '']);
    assert.match(
      second.errors,
      /^idc: tcp:.*: ADDRESS_IN_USE; is it free, and of this machine\?\n$/u,
    );
  });

  it('another server has the file, unless that only reads or is gone', async (context) => {
    const path = `${await makeTemporaryFolder(context)}/disk.img`;
    const first = await serve(context, path, '--create', '1M', '--listen', freePort);
    const second = await idc('block', 'serve', path, '--listen', freePort);
    assert.deepEqual([second.code, second.output], [1, '']);
    assert.match(second.errors, /^idc: \S+: another `idc block serve` has it; end that first\n$/u);
    await serve(context, path, '--read-only', '--listen', freePort);
    first.program.interrupt('SIGKILL');
    await first.program.ended;
    await serve(context, path, '--listen', freePort);
  });

  it('the target is too short, or may only be read', async (context) => {
    const folder = await makeTemporaryFolder(context);
    writeFileSync(`${folder}/long`, Buffer.alloc(4096));
    writeFileSync(`${folder}/short`, Buffer.alloc(512));
    const short = await idc('block', 'copy', `${folder}/long`, `${folder}/short`);
    assert.equal(short.code, 1);
    assert.match(short.errors, /: too short; it has 512 bytes, and the source has 4096\n$/u);
    const { address } = await serve(context, '--memory', '1M', '--read-only', '-l', freePort);
    const fixed = await idc('block', 'copy', `${folder}/long`, address);
    assert.equal(fixed.code, 1);
    assert.match(fixed.errors, /: it may only be read\n$/u);
  });
});
