/**
 * A file system of this machine's kernel on an NBD export: `nbdfuse` shows the export as a file, a
 * loop device makes a disk of it, and ext4 lives there.
 *
 * Only programs in processes of their own touch what lies on the export: this process may be the
 * one that serves it, and would wait for itself.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, watch } from 'node:fs/promises';
import { findProgram, runProgram, type ProgramName } from './programs.js';

export const fileSystemPrograms: readonly ProgramName[] = [
  ...(['nbdfuse', 'losetup', 'mkfs.ext4', 'mount', 'umount', 'e2fsck'] as const),
  ...(['cmp', 'cp', 'mkdir', 'mv', 'sync'] as const),
];
export const fileSystemDevices: readonly string[] = ['/dev/fuse', '/dev/loop-control'];

/** Makes an ext4 there, copies `files` of `folder` to it, and finds them whole after a remount. */
export async function keepFiles(
  uri: string,
  folder: string,
  files: readonly string[],
): Promise<void> {
  await withDisk(uri, folder, async (disk) => {
    await runProgram('mkfs.ext4', '-q', '-F', disk);
    const mounted = `${folder}/mounted`;
    await mkdir(mounted);
    await withMount(disk, mounted, async () => {
      for (const file of files) await runProgram('cp', `${folder}/${file}`, mounted);
      await runProgram('mkdir', `${mounted}/deep`);
      await runProgram('mv', ...files.map((file) => `${mounted}/${file}`), `${mounted}/deep`);
      await runProgram('sync', '-f', mounted);
    });
    await runProgram('e2fsck', '-f', '-n', disk);
    await withMount(disk, mounted, async () => {
      for (const file of files) {
        await runProgram('cmp', `${folder}/${file}`, `${mounted}/deep/${file}`);
      }
    });
  });
}

async function withMount(disk: string, place: string, body: () => Promise<void>): Promise<void> {
  await runProgram('mount', disk, place);
  try {
    await body();
  } finally {
    await runProgram('umount', place);
  }
}

/** Hands over a disk of the kernel's whose bytes are the export's. */
async function withDisk(
  uri: string,
  folder: string,
  body: (disk: string) => Promise<void>,
): Promise<void> {
  const shown = `${folder}/shown`;
  await mkdir(shown);
  const fuse = await showAsFile(uri, folder, shown);
  try {
    const printed = await runProgram('losetup', '--find', '--show', `${shown}/nbd`);
    try {
      await body(printed.trim());
    } finally {
      await runProgram('losetup', '--detach', printed.trim());
    }
  } finally {
    // Whoever still looks at the disk, as programs that watch for new ones do, may finish.
    await runProgram('umount', '--lazy', shown);
    if (fuse.exitCode === null) await new Promise((resolve) => fuse.once('close', resolve));
  }
}

/** Resolves when the export is a file named `nbd` in `shown`. */
async function showAsFile(uri: string, folder: string, shown: string): Promise<ChildProcess> {
  const pidFile = `${folder}/nbdfuse.pid`;
  const words = ['--pidfile', pidFile, shown, uri];
  const watched = new AbortController();
  const changes = watch(folder, { signal: watched.signal });
  const fuse = spawn(findProgram('nbdfuse'), words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<void>((resolve) => fuse.once('close', () => resolve()));
  void ended.then(() => {
    watched.abort();
  });
  try {
    // It writes the file when it is ready.
    for await (const { filename } of changes) if (filename === 'nbdfuse.pid') return fuse;
  } catch (error) {
    assert.ok(watched.signal.aborted, String(error));
  }
  return assert.fail('nbdfuse ended before it was ready');
}
