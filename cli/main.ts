#!/usr/bin/env node
/** `idc`: the command. Each subcommand has a file of its own; here they are put together. */
import { Command } from 'commander';
import { addBlock } from './block.js';
import { addBench } from './bench.js';
import { addConsole } from './console.js';
import { addDoctor } from './doctor.js';
import { Failure } from './failure.js';
import { addPing } from './ping.js';
import { complain } from './print.js';
import { version } from './version.js';

const program = new Command('idc')
  .description('Inter-domain communication: endpoints, messages, transactions, remote buffers.')
  .version(version())
  .showHelpAfterError('(--help tells what there is)')
  .configureHelp({ showGlobalOptions: true });
addPing(program);
addDoctor(program);
addBlock(program);
addConsole(program);
addBench(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  complain(error.message);
  process.exitCode = error.exitCode;
}
