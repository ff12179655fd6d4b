#!/usr/bin/env node
/**
 * `idc`: the command, put together of its subcommands.
 *
 * What is imported here only declares them. What a subcommand does is in a file of its own, and is
 * imported when it runs: the library takes most of the time of a start, and help needs none of it.
 */
import { Command } from 'commander';
import { addBlock } from './block.js';
import { addBench, addDoctor, addPing } from './commands.js';
import { addConsole } from './console.js';
import { Failure } from './failure.js';
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
