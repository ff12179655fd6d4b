/**
 * `npm run bench [-- --help]`: IDC through its public API beside its peers, as a table or charts.
 * Every figure is the median of N runs (default 5; of allocations the least). Exit code 0 only if
 * all of ours, and every peer that is installed, could be measured.
 */
import { open, type FileHandle } from 'node:fs/promises';

import { cases, type Case } from './cases.js';
import { machineLines } from './machine.js';
import { reasonOf } from './narrow.js';
import { helpLines, parseOptions, UsageError, usageExitCode, type Options } from './options.js';
import { peers } from './peers/index.js';
import { complain, print } from './report.js';
import type { Row } from './row.js';
import { peersBeside, runCase } from './run-case.js';
import { runSweep } from './sweep/run-sweep.js';
import { headLines, rowLine } from './table.js';

function chooseCases(only: RegExp): Case[] {
  const chosen = cases.filter((candidate) => only.test(candidate.name));
  if (chosen.length === 0) throw new UsageError(`no case matches ${String(only)}; try --list`);
  return chosen;
}

/** Opened before anything is measured, so that a wrong path costs no time. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w');
  } catch (error) {
    throw new UsageError(`--json: ${reasonOf(error)}`);
  }
}

async function runTable(options: Options): Promise<void> {
  const chosen = chooseCases(options.only);
  if (options.list) {
    print(chosen.map((candidate) => candidate.name));
    return;
  }
  const file = options.json === undefined ? undefined : await openFile(options.json);
  print([...machineLines(), ...headLines()]);
  const rows: Row[] = [];
  const told = new Set<string>();
  for (const candidate of chosen) {
    const beside = peersBeside(candidate, peers);
    const { rows: more, notes, problems } = await runCase(candidate, beside, options.runs);
    const newNotes = notes.filter((note) => !told.has(note));
    for (const note of newNotes) told.add(note);
    print([...more.map(rowLine), ...newNotes.map((note) => `  # ${note}`)]);
    for (const problem of problems) complain(`${candidate.name}: ${problem}`);
    rows.push(...more);
  }
  await file?.writeFile(`${JSON.stringify(rows, undefined, 2)}\n`);
  await file?.close();
}

async function run(options: Options): Promise<void> {
  if (options.help) print(helpLines);
  else if (options.charts !== undefined) await runSweep(options.charts, options);
  else await runTable(options);
}

try {
  await run(parseOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  complain(error.message, usageExitCode);
}
