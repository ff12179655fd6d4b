/** `npm run bench -- --charts DIR`: measures the sweep, or reads it again, and draws the charts. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { loadLine, machineLine, machineLines } from '../machine.js';
import { reasonOf } from '../narrow.js';
import { UsageError, type Options } from '../options.js';
import { complain, print } from '../report.js';
import { drawCharts } from './charts.js';
import { formatSweep, parseSweep, type SweepFile, type SweepRow } from './sweep-file.js';
import { sweep, sweepNames } from './sweep.js';

export async function runSweep(directory: string, options: Options): Promise<void> {
  const { only, list, from } = options;
  const names = sweepNames(only);
  if (names.length === 0) throw new UsageError(`no case matches ${String(only)}; try --list`);
  if (list) {
    print(names);
    return;
  }
  await makeDirectory(directory);
  const text = formatSweep(from === undefined ? await measure(options) : await readSweep(from));
  const sweepPath = path.join(directory, 'rows.json');
  await writeFile(sweepPath, text);
  // As they were written, so that drawing them again gives the same charts.
  const drawings = await drawCharts(parseSweep(text));
  for (const { fileName, svg } of drawings) await writeFile(path.join(directory, fileName), svg);
  print([sweepPath, ...drawings.map(({ fileName }) => path.join(directory, fileName))]);
}

/** Made before anything is measured, so that a wrong path costs no time. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new UsageError(`--charts: ${reasonOf(error)}`);
  }
}

async function readSweep(from: string): Promise<SweepFile> {
  try {
    return parseSweep(await readFile(from, 'utf8'));
  } catch (error) {
    throw new UsageError(`--from: ${reasonOf(error)}`);
  }
}

async function measure({ only, runs }: Options): Promise<SweepFile> {
  print(machineLines());
  const machine = `${machineLine()}; median of ${runs} runs, ${loadLine()}`;
  const told = new Set<string>();
  const rows = await sweep(only, runs, (name, { rows: more, notes, problems }) => {
    const leftOut = notes.filter((note) => note.includes(': left out, ') && !told.has(note));
    for (const note of leftOut) told.add(note);
    print([name, ...more.map(rowLine), ...leftOut.map((note) => `  # ${note}`)]);
    for (const problem of problems) complain(`${name}: ${problem}`);
  });
  return { machine, rows };
}

function rowLine({ series, metric, value }: SweepRow): string {
  return `  ${series.padEnd(12)} ${metric.padEnd(20)} ${Number(value.toPrecision(4))}`;
}
