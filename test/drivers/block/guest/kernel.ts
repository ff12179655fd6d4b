/** Debian's kernel for virtual machines: fetched as a package, unpacked and not installed. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, runProgram } from '../programs.js';
import { folderMode, makeArchive, programMode, type ArchiveFile } from './initramfs.js';

export interface GuestKernel {
  readonly image: string;
  readonly initramfs: string;
}

/** In the order in which they need each other. */
const moduleNames = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_blk',
];

/** `init` is the script that the kernel runs when it is up. */
export async function prepareKernel(folder: string, init: string): Promise<GuestKernel> {
  const root = join(folder, 'kernel');
  await unpackKernel(root);
  const image = readdirSync(join(root, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error('the package has no kernel');
  const initramfs = join(folder, 'initramfs.cpio');
  writeFileSync(initramfs, makeArchive([...makeSystem(init), ...readModules(root)]));
  return { image: join(root, 'boot', image), initramfs };
}

async function unpackKernel(root: string): Promise<void> {
  mkdirSync(root);
  const described = await runProgram('apt-cache', 'depends', 'linux-image-cloud-amd64');
  const name = /^\s*Depends: (linux-image-\S+)$/mu.exec(described)?.[1];
  if (name === undefined) throw new Error(`apt-cache knows no kernel:\n${described}`);
  // It writes to the folder in which it runs.
  await runProgram('env', '-C', root, 'apt-get', 'download', '-qq', name);
  const packed = readdirSync(root).find((file) => file.endsWith('.deb'));
  if (packed === undefined) throw new Error(`apt-get fetched no ${name}`);
  await runProgram('dpkg-deb', '--extract', join(root, packed), root);
}

function makeSystem(init: string): ArchiveFile[] {
  const folders = ['bin', 'dev', 'proc', 'sys', 'mnt', 'modules'];
  const busybox = readFileSync(findProgram('busybox'));
  return [
    ...folders.map((name) => ({ name, mode: folderMode, data: new Uint8Array() })),
    { name: 'bin/busybox', mode: programMode, data: busybox },
    { name: 'init', mode: programMode, data: Buffer.from(init) },
  ];
}

function readModules(root: string): ArchiveFile[] {
  const all = readdirSync(join(root, 'lib', 'modules'), { recursive: true, encoding: 'utf8' });
  return moduleNames.map((name, index) => {
    const path = all.find((file) => file.endsWith(`/${name}.ko`));
    if (path === undefined) throw new Error(`the package has no module ${name}`);
    const data = readFileSync(join(root, 'lib', 'modules', path));
    return { name: `modules/${index}-${name}.ko`, mode: programMode, data };
  });
}
