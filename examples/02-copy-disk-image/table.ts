/** The table at the end: one row a copy. */
import type { CopyResult } from './copy.js';
import type { MachineRates } from './machine.js';

export interface Row extends CopyResult {
  readonly transport: string;
}

const titles = ['transport', 'bytes', 'seconds', 'GB/s', 'transactions/s'] as const;

export function formatTable(rows: readonly Row[]): string {
  const lines = [titles, ...rows.map(formatRow)];
  const widths = titles.map((_, index) =>
    Math.max(...lines.map((cells) => cells[index]?.length ?? 0)),
  );
  return lines.map((cells) => alignCells(cells, widths)).join('\n');
}

function formatRow({ transport, byteLength, seconds, transactionCount }: Row): readonly string[] {
  return [
    transport,
    byteLength.toLocaleString('en'),
    seconds.toFixed(3),
    (byteLength / seconds / 1e9).toFixed(3),
    Math.round(transactionCount / seconds).toLocaleString('en'),
  ];
}

/** What the copies are to be compared with. */
export function formatMachine({ memory, socket, file }: MachineRates): string {
  const lines = [
    ['this machine, without IDC', 'GB/s'],
    ['memory, 1 MiB blocks', (memory / 1e9).toFixed(3)],
    ['bare TCP, two processes', (socket / 1e9).toFixed(3)],
    ['file to file, one process', (file / 1e9).toFixed(3)],
  ];
  return lines.map((cells) => alignCells(cells, [27, 6])).join('\n');
}

/** Words to the left, numbers to the right. */
function alignCells(cells: readonly string[], widths: readonly number[]): string {
  const aligned = cells.map((cell, index) => {
    const width = widths[index] ?? 0;
    return index === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return aligned.join('  ');
}
