/**
 * A whole Linux whose only disk is a block device over IDC: `node main.js`.
 *
 * QEMU boots Debian's kernel, which mounts the disk, an ext4, through `idc block nbd`. It writes
 * files and syncs each; the back end is killed and started again under it, in the middle of the
 * writes and once all is synced. The guest then drops what it has in memory and must find every
 * file, and so must this machine in what is left of the disk. Runs over the ring and over TCP.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '../../../unit/program.js';
import { Chain, farSchemes, makeFile, type FarScheme } from '../chain.js';
import { findProgram, runProgram } from '../programs.js';
import { prepareKernel, type GuestKernel } from './kernel.js';

const diskBytes = 64 << 20;
const fileCount = 24;
/** After so many files the back end is killed; after the last one, too. */
const killsAfter = [3, 9, 15, fileCount];

/** A guest that takes longer has failed. */
const watchdogMs = 240_000;

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module; done
until [ -b /dev/vda ]; do usleep 10000; done
mount -t ext4 /dev/vda /mnt || echo "idc: no disk"
cd /mnt
for index in $(seq 1 ${fileCount}); do
  dd if=/dev/urandom of=file$index bs=64k count=8 2>/dev/null
  sync
  echo "idc: stored $(md5sum file$index)"
done
md5sum file* > sums
sync
echo 3 > /proc/sys/vm/drop_caches
md5sum -c sums > /dev/null && echo "idc: found all"
cd /
umount /mnt && echo "idc: unmounted"
poweroff -f
`;

async function runGuest(scheme: FarScheme, kernel: GuestKernel, folder: string): Promise<void> {
  const disk = makeFile(join(folder, `${scheme}.img`), diskBytes);
  await runProgram('mkfs.ext4', '-q', '-F', disk);
  const listen = scheme === 'ring' ? join(folder, 'guest.sock') : '127.0.0.1:0';
  const chain = await Chain.make(scheme, 'guest', disk, listen);
  const guest = bootGuest(kernel, chain.uri);
  const watchdog = setTimeout(() => guest.killGroup(), watchdogMs);
  try {
    for (const [index, count] of killsAfter.entries()) {
      await guest.untilOutput(new RegExp(`(?:idc: stored [^]*){${count}}`, 'u'));
      await chain.killAndRestart();
      say(`${scheme}: killed and restarted, ${index + 1} of ${killsAfter.length}`);
    }
    await guest.untilOutput(/idc: unmounted/u);
    await guest.ended;
  } finally {
    clearTimeout(watchdog);
    guest.killGroup();
    const ending = await chain.close();
    say(`${scheme}: idc block nbd ended with ${ending.code ?? 'a signal'}`);
  }
  assert.match(guest.output, /idc: found all/u, guest.output);
  await checkDisk(disk, storedSums(guest.output), folder);
  say(`${scheme}: the guest and this machine found all ${fileCount} files`);
}

function bootGuest({ image, initramfs }: GuestKernel, uri: string): Program {
  const machine = ['-accel', 'tcg', '-machine', 'q35', '-m', '256', '-nodefaults', '-no-reboot'];
  const console = ['-display', 'none', '-serial', 'stdio'];
  const system = ['-kernel', image, '-initrd', initramfs];
  const line = ['-append', 'console=ttyS0 quiet panic=-1'];
  const drive = ['-drive', `file=${uri},format=raw,if=virtio,cache=none`];
  const words = [...machine, ...console, ...system, ...line, ...drive];
  return new Program(findProgram('qemu-system-x86_64'), words);
}

/** By file, as the guest saw them when it had written them. */
function storedSums(output: string): Map<string, string> {
  const found = output.matchAll(/idc: stored ([0-9a-f]{32}) {2}(\w+)/gu);
  return new Map([...found].map(([, sum = '', name = '']) => [name, sum]));
}

/** The guest is gone, and what it left on the disk is whole. */
async function checkDisk(
  disk: string,
  sums: ReadonlyMap<string, string>,
  folder: string,
): Promise<void> {
  assert.equal(sums.size, fileCount);
  await runProgram('e2fsck', '-f', '-n', disk);
  for (const [name, sum] of sums) {
    const copy = join(folder, name);
    await runProgram('debugfs', '-R', `dump /${name} ${copy}`, disk);
    assert.equal(createHash('md5').update(readFileSync(copy)).digest('hex'), sum, name);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'idc-guest-'));
try {
  const kernel = await prepareKernel(folder, init);
  for (const scheme of farSchemes) await runGuest(scheme, kernel, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
