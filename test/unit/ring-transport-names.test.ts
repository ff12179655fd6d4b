/** Where rings listen: names of the kernel's, socket files, and who gets a contested one. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'node:test';
import { Fault } from '../../core/contract.js';
import { listenUnix } from '../../transports/ring/unix-socket.js';
import { requireNative } from './ring-memory-rig.js';
import { check, dial, expectTraffic, freshName, listen } from './ring-transport-rig.js';
import { makeTemporaryFolder } from './temporary-folder.js';

/** Domains that listen at the same name at the same time. */
const rivals = 8;

describe('ring transport: names', () => {
  check('a name is listened at, dialled, and free again after close', async (rig) => {
    const name = freshName();
    for (let round = 0; round < 2; round++) {
      const listener = await listen(rig, name);
      assert.equal(listener.address?.authority, name);
      await expectTraffic(rig, dial(rig, name), listener);
      listener.close();
      await rig.until('closed', () => listener.closedCount === 1);
    }
    const late = dial(rig, name);
    await rig.until('linkDown', () => late.fault !== undefined);
    assert.equal(late.fault, Fault.Refused);
  });

  check('a name of any characters reaches its listener alone', async (rig) => {
    const plain = freshName();
    const names = [plain, `${plain}%`, `${plain} ä/ö:@`, `${plain}%2F`];
    for (const name of names) {
      const listener = await listen(rig, name);
      await expectTraffic(rig, dial(rig, name), listener);
    }
  });

  check('a path is a socket file, gone after close', async (rig, context) => {
    const file = join(await makeTemporaryFolder(context), 'a disk.sock');
    const listener = await listen(rig, file);
    assert.ok(existsSync(file));
    await expectTraffic(rig, dial(rig, file), listener);
    listener.close();
    await rig.until('closed', () => listener.closedCount === 1);
    assert.ok(!existsSync(file));
    const late = dial(rig, file);
    await rig.until('linkDown', () => late.fault !== undefined);
    assert.equal(late.fault, Fault.NotFound);
  });

  check('what is no name is Unsupported, for both sides', async (rig) => {
    for (const name of ['\0', 'x'.repeat(200)]) {
      const listener = await listen(rig, name);
      assert.equal(listener.fault, Fault.Unsupported);
      const end = dial(rig, name);
      await rig.until('linkDown', () => end.fault !== undefined);
      assert.equal(end.fault, Fault.Unsupported);
    }
  });

  check(
    'a live listener is not disturbed: the second one is AddressInUse',
    async (rig, context) => {
      for (const name of [freshName(), join(await makeTemporaryFolder(context), 'live')]) {
        const first = await listen(rig, name);
        const second = await listen(rig, name);
        assert.equal(second.fault, Fault.AddressInUse);
        await expectTraffic(rig, dial(rig, name), first);
      }
    },
  );

  check('a file that a dead listener left is taken over', async (rig, context) => {
    const native = requireNative();
    const file = join(await makeTemporaryFolder(context), 'stale');
    const dead = listenUnix(native, file);
    assert.ok(typeof dead !== 'string');
    native.close(dead.descriptor);
    assert.ok(existsSync(file));
    const listener = await listen(rig, file);
    assert.equal(listener.fault, undefined);
    await expectTraffic(rig, dial(rig, file), listener);
  });

  check('a file that is no socket stays as it is', async (rig, context) => {
    const file = join(await makeTemporaryFolder(context), 'letter');
    writeFileSync(file, 'dear');
    const listener = await listen(rig, file);
    assert.equal(listener.fault, Fault.AddressInUse);
    assert.ok(existsSync(file));
  });

  check('of domains that race for one name exactly one listens', async (rig, context) => {
    const file = join(await makeTemporaryFolder(context), 'contested');
    for (const name of [freshName(), file]) {
      const records = await Promise.all(Array.from({ length: rivals }, () => listen(rig, name)));
      const winners = records.filter(({ fault }) => fault === undefined);
      assert.equal(winners.length, 1);
      const losers = records.filter(({ fault }) => fault === Fault.AddressInUse);
      assert.equal(losers.length, rivals - 1);
      const [winner] = winners;
      assert.ok(winner);
      await expectTraffic(rig, dial(rig, name), winner);
    }
  });
});
