/** `idc block …`: the commands for block devices. They are loaded when they run. */
import type { Command } from 'commander';
import { addressForm } from './address-form.js';
import type { CopyOptions } from './block-copy.js';
import type { InfoOptions } from './block-info.js';
import type { NbdOptions } from './block-nbd.js';
import type { ServeOptions } from './block-serve.js';
import { parseBytes, parseMilliseconds } from './units.js';

export function addBlock(program: Command): void {
  const block = program
    .command('block')
    .description('serve, copy and look at block devices')
    .addHelpText('after', '\nExample:\n  idc block copy disk.img tcp://127.0.0.1:7000/disk');
  addServe(block);
  addCopy(block);
  addInfo(block);
  addNbd(block);
}

function addServe(block: Command): void {
  block
    .command('serve')
    .description('serve a file, or memory, as a block device; SIGINT and SIGTERM end it')
    .argument('[file]', 'an image; what front ends flush is in it')
    .requiredOption('-l, --listen <address>', addressForm)
    .option(
      '-m, --memory <size>',
      'memory instead of a file; lost when the command ends',
      parseBytes,
    )
    .option('-c, --create <size>', 'make the file, sparse, if there is none', parseBytes)
    .option('-b, --block-size <size>', 'bytes in a block', parseBytes, 512)
    .option('-r, --read-only', 'front ends can change nothing', false)
    .option('-j, --journal <path>', 'what a restart has to know; default: FILE.journal')
    .option('--json', 'print what is served as one line of JSON', false)
    .addHelpText(
      'after',
      '\nA front end goes on after a restart at the same address, as if nothing had been.\n' +
        '\nExample:\n  idc block serve disk.img --create 1G --listen tcp://127.0.0.1:7000/disk',
    )
    .action(async (file: string | undefined, options: ServeOptions) =>
      (await import('./block-serve.js')).serve(file, options),
    );
}

function addCopy(block: Command): void {
  block
    .command('copy')
    .description('copy all bytes of a block device to another; zeroes are not moved')
    .argument('<source>', `a file, ${addressForm}`)
    .argument('<target>', 'likewise; a file that is not there is made')
    .option('-t, --timeout-ms <ms>', 'how long to wait for a back end', parseMilliseconds, 5_000)
    .option('--json', 'print the summary as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  idc block copy disk.img tcp://127.0.0.1:7000/disk')
    .action(async (source: string, target: string, options: CopyOptions) =>
      (await import('./block-copy.js')).copy(source, target, options),
    );
}

function addInfo(block: Command): void {
  block
    .command('info')
    .description('tell what the block device at an address is')
    .argument('<address>', addressForm)
    .option('-t, --timeout-ms <ms>', 'how long to wait for the back end', parseMilliseconds, 5_000)
    .option('--json', 'print it as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  idc block info tcp://127.0.0.1:7000/disk')
    .action(async (address: string, options: InfoOptions) =>
      (await import('./block-info.js')).info(address, options),
    );
}

function addNbd(block: Command): void {
  block
    .command('nbd')
    .description('serve a block device to NBD clients: qemu, nbdcopy, nbdfuse, fio and others')
    .argument('<address>', addressForm)
    .requiredOption('-l, --listen <place>', 'the path of a socket file, or HOST:PORT')
    .option('-n, --name <name>', 'the name of the export', '')
    .option('--description <text>', 'what clients tell people that it is')
    .option('--read-only', 'let no client change anything', false)
    .option(
      '-c, --connect-ms <ms>',
      'how long to look for the device at first',
      parseMilliseconds,
      10_000,
    )
    .option(
      '-t, --timeout-ms <ms>',
      'how long a request waits for a device that is away before it fails',
      parseMilliseconds,
      120_000,
    )
    .option(
      '--plaintext-beyond-loopback',
      'listen for other machines, all of which may read and write',
      false,
    )
    .option('--json', 'print where it is served as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  idc block nbd ring://disks/a --listen /run/a.sock')
    .action(async (address: string, options: NbdOptions) =>
      (await import('./block-nbd.js')).nbd(address, options),
    );
}
