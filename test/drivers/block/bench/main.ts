/**
 * Compares servers of one file by one client, fio with its nbd engine: rates, and the processor
 * time that a request costs the server, which says more on a machine that is busy otherwise.
 *
 * `node main.js [--rounds N] [--seconds S] [--only TEXT] [--medium unix|tcp] [--file PATH]`. The
 * contenders take turns within a round, and a figure is the median of its rounds. `--only` picks
 * cases, `--contenders a,b` servers; `--medium` is the one between client and server.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram } from '../programs.js';
import { contenderNames, startServer, type ContenderName, type Medium } from './contenders.js';

interface Case {
  readonly pattern: 'read' | 'write' | 'randread' | 'randwrite';
  readonly blockBytes: number;
  readonly depth: number;
}

interface Figure {
  readonly perSecond: number;
  /** Of the server, for each request. */
  readonly cpuUs: number;
}

const fileBytes = 256 << 20;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    medium: { type: 'string', default: 'unix' },
    contenders: { type: 'string', default: contenderNames.join(',') },
    file: { type: 'string' },
  },
});

const medium: Medium = values.medium === 'tcp' ? 'tcp' : 'unix';
const cases: readonly Case[] = [1, 32].flatMap((depth) => [
  { pattern: 'randread', blockBytes: 4096, depth } as const,
  { pattern: 'randwrite', blockBytes: 4096, depth } as const,
  { pattern: 'read', blockBytes: 1 << 20, depth } as const,
  { pattern: 'write', blockBytes: 1 << 20, depth } as const,
]);
const contenders = contenderNames.filter((name) => values.contenders.split(',').includes(name));

function nameOf({ pattern, blockBytes, depth }: Case): string {
  return `${medium} ${pattern} ${blockBytes >> 10}k depth ${depth}`;
}

async function measure(
  contender: ContenderName,
  one: Case,
  folder: string,
  file: string,
): Promise<Figure> {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const server = await startServer(contender, medium, file, join(folder, 'nbd.sock'), port);
  try {
    const before = server.cpuSeconds();
    const printed = await runProgram(
      'fio',
      '--name=compare',
      '--ioengine=nbd',
      `--uri=${server.uri}`,
      `--rw=${one.pattern}`,
      `--bs=${one.blockBytes}`,
      `--iodepth=${one.depth}`,
      `--size=${fileBytes}`,
      '--time_based',
      `--runtime=${values.seconds}`,
      '--output-format=json',
    );
    const { perSecond, count } = readFigures(printed);
    return { perSecond, cpuUs: ((server.cpuSeconds() - before) * 1e6) / count };
  } finally {
    await server.stop();
  }
}

interface FioSide {
  readonly iops: number;
  readonly total_ios: number;
}

function readFigures(printed: string): { perSecond: number; count: number } {
  // fio's own format; anything else makes figures that are no numbers, which is checked.
  const report = JSON.parse(printed.slice(printed.indexOf('{'))) as {
    jobs: { read: FioSide; write: FioSide }[];
  };
  const [job] = report.jobs;
  const side = (job?.read.total_ios ?? 0) > 0 ? job?.read : job?.write;
  const [perSecond, count] = [Number(side?.iops), Number(side?.total_ios)];
  if (!(perSecond > 0 && count > 0)) throw new Error(`fio printed no figures:\n${printed}`);
  return { perSecond, count };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

async function compare(one: Case, folder: string, file: string): Promise<void> {
  const figures = new Map<ContenderName, Figure[]>(contenders.map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of contenders) {
      figures.get(name)?.push(await measure(name, one, folder, file));
    }
  }
  const medians = contenders.map((name) => {
    const all = figures.get(name) ?? [];
    const perSecond = median(all.map((figure) => figure.perSecond));
    return { name, perSecond, cpuUs: median(all.map((figure) => figure.cpuUs)) };
  });
  const yardstick = medians.find(({ name }) => name === 'nbdkit')?.perSecond ?? NaN;
  process.stdout.write(`${nameOf(one)}\n`);
  for (const { name, perSecond, cpuUs } of medians) {
    const ratio = `${(perSecond / yardstick).toFixed(2)} x nbdkit`;
    const rate = `${perSecond.toFixed(0).padStart(8)}/s ${cpuUs.toFixed(1).padStart(8)} us`;
    process.stdout.write(`  ${name.padEnd(10)} ${rate}  ${ratio}\n`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'idc-nbd-'));
try {
  const file = values.file ?? join(folder, 'disk.img');
  if (values.file === undefined) writeFileSync(file, Buffer.alloc(fileBytes, 7));
  for (const one of cases) {
    if (nameOf(one).includes(values.only)) await compare(one, folder, file);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
