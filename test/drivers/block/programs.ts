/**
 * Programs of others that tests use. A machine may lack one: then the test says what it left out.
 * Where `CI` is `true` all were to be installed, and one that is missing is a failure. A device
 * that the kernel does not have is told, too, and is no failure.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { it, type TestContext } from 'node:test';

/** The Debian package that each comes with. */
const packages = {
  'apt-cache': 'apt',
  busybox: 'busybox-static',
  cmp: 'diffutils',
  cp: 'coreutils',
  debugfs: 'e2fsprogs',
  'dpkg-deb': 'dpkg',
  e2fsck: 'e2fsprogs',
  env: 'coreutils',
  fio: 'fio',
  losetup: 'mount',
  mkdir: 'coreutils',
  'mkfs.ext4': 'e2fsprogs',
  mount: 'mount',
  mv: 'coreutils',
  nbdcopy: 'libnbd-bin',
  nbdfuse: 'nbdfuse',
  nbdinfo: 'libnbd-bin',
  nbdkit: 'nbdkit',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  sync: 'coreutils',
  umount: 'mount',
} as const;
export type ProgramName = keyof typeof packages;

/** Administrators' programs are elsewhere, and not every user's path has them. */
const administratorFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Where the program is; undefined if it is not installed. */
function locate(name: ProgramName): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = [...folders, ...administratorFolders].map((folder) => join(folder, name));
  return paths.find((path) => isAccessible(path, constants.X_OK));
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false; // Not there, or not ours to use: all the same here.
  }
}

function describeMissing(name: ProgramName): string {
  return `${name} is not installed; on Debian: apt-get install ${packages[name]}`;
}

/** Which device of the kernel a test lacks here; undefined if none. */
function lackOf(devices: readonly string[]): string | undefined {
  const { R_OK, W_OK } = constants;
  const closed = devices.find((device) => !isAccessible(device, R_OK | W_OK));
  return closed && `${closed} cannot be used here, which needs root and a kernel that has it`;
}

/** Where the program is. Throws if it is not installed. */
export function findProgram(name: ProgramName): string {
  const path = locate(name);
  if (path === undefined) throw new Error(describeMissing(name));
  return path;
}

/** A test that needs programs of others and, maybe, devices of the kernel. */
export function itWith(
  names: readonly ProgramName[],
  fact: string,
  body: (context: TestContext) => Promise<void>,
  devices: readonly string[] = [],
): void {
  it(fact, async (context) => {
    const missing = names.find((name) => locate(name) === undefined);
    const problem = missing && describeMissing(missing);
    // A program can be installed, a kernel is what it is.
    assert.ok(problem === undefined || process.env['CI'] !== 'true', problem);
    const lack = problem ?? lackOf(devices);
    if (lack === undefined) await body(context);
    else context.diagnostic(`left out "${fact}": ${lack}`);
  });
}

/** Runs it to its end, which must be success; answers what it printed. */
export async function runProgram(name: ProgramName, ...words: string[]): Promise<string> {
  const child = spawn(findProgram(name), words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const output = Buffer.concat(printed).toString();
  const said = `${name} ${words.join(' ')}\n${output}${Buffer.concat(complaints).toString()}`;
  assert.equal(code, 0, said);
  return output;
}
