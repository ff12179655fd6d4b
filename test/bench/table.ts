/** The table on the terminal: a line per row, printed case by case. */
import { ratioMeaning, type Row } from './row.js';
import type { Unit } from './workload.js';

const widths = { case: 44, transport: 12, peer: 11, metric: 14, value: 12, unit: 5, ratio: 8 };

export function headLines(): string[] {
  const head = joinCells('case', 'transport', 'peer', 'metric', 'value', 'unit', 'ratio');
  return [ratioMeaning, head, '-'.repeat(head.length)];
}

export function rowLine(row: Row): string {
  const { metric, unit, transport } = row;
  const value = formatValue(row.value, unit);
  return joinCells(row.case, transport, row.peer ?? '-', metric, value, unit, format(row.ratio, 3));
}

function joinCells(
  name: string,
  transport: string,
  peer: string,
  metric: string,
  value: string,
  unit: string,
  ratio: string,
): string {
  return [
    name.padEnd(widths.case),
    transport.padEnd(widths.transport),
    peer.padEnd(widths.peer),
    metric.padEnd(widths.metric),
    value.padStart(widths.value),
    unit.padEnd(widths.unit),
    ratio.padStart(widths.ratio),
  ].join(' ');
}

function formatValue(value: number, unit: Unit): string {
  return unit === 'msg/s' ? Math.round(value).toLocaleString('en-US') : format(value, 3);
}

/** So many significant digits, never as a power of ten. */
function format(value: number, digits: number): string {
  if (value === 0) return '0';
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.min(Math.max(digits - whole, 0), 4));
}
