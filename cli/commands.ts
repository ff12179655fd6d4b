/** `idc ping`, `idc doctor` and `idc bench` as the command line has them. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { addressForm } from './address-form.js';
import type { BenchOptions } from './bench.js';
import type { DoctorOptions } from './doctor.js';
import { media } from './media.js';
import type { PingOptions } from './ping.js';
import { parseMilliseconds } from './units.js';

export function addPing(program: Command): void {
  program
    .command('ping')
    .description('connect to a service, and measure round trips to its domain')
    .argument('<address>', addressForm)
    .option('-c, --count <n>', 'stop after so many round trips', parseCount, 10)
    .option('-i, --interval-ms <ms>', 'pause between two of them', parseMilliseconds, 100)
    .option('-t, --timeout-ms <ms>', 'how long to wait for the peer', parseMilliseconds, 5_000)
    .option('--json', 'print the summary as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  idc ping tcp://127.0.0.1:7000/hello --count 100')
    .action(async (address: string, options: PingOptions) =>
      (await import('./ping.js')).ping(address, options),
    );
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('tell what works on this machine, and how to get the rest')
    .option('--json', 'print the findings as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  idc doctor --json')
    .action(async (options: DoctorOptions) => (await import('./doctor.js')).doctor(options));
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure messages, transactions and transfers on this machine, for some seconds')
    .addOption(new Option('--only <transport>', 'this one alone').choices(media))
    .option('-r, --run-ms <ms>', 'how long each measurement takes', parseRunMs, 300)
    .option('--json', 'print the figures as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  idc bench --only ring --json')
    .action(async (options: BenchOptions) => (await import('./bench.js')).bench(options));
  program
    .command('bench-peer', { hidden: true })
    .description('what bench measures against')
    .argument('<address>', 'where to listen')
    .addHelpText('after', '\nExample:\n  idc bench-peer tcp://127.0.0.1:0/bench')
    .action(async (address: string) => (await import('./bench-peer.js')).benchPeer(address));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('expected a whole number from 1 on');
}

function parseRunMs(text: string): number {
  const ms = Number(text);
  if (text !== '' && ms >= 1 && ms <= 60_000) return ms;
  throw new InvalidArgumentError('expected a number of milliseconds from 1 to 60000');
}
