/**
 * SweepFile: what a sweep measured, as it is kept beside the charts, so that they can be drawn
 * again without measuring.
 */
import { hasField, isOneOf } from '../narrow.js';
import type { Medium } from '../peers/peer.js';

export type SweepMetric = 'messages-per-second' | 'round-trip-us';

export interface SweepRow {
  readonly medium: Medium;
  /** A line of a chart: `IDC` and a transport, or a peer. */
  readonly series: string;
  readonly metric: SweepMetric;
  /** Bytes of each message. */
  readonly bytes: number;
  readonly value: number;
}

export interface SweepFile {
  /** Processor, cores, system, Node version, runs and load: the caption of the charts. */
  readonly machine: string;
  readonly rows: readonly SweepRow[];
}

const media: readonly Medium[] = ['tcp', 'local'];
const metrics: readonly SweepMetric[] = ['messages-per-second', 'round-trip-us'];

/** Figures keep five digits: more than a run repeats. */
export function formatSweep({ machine, rows }: SweepFile): string {
  const rounded = rows.map((row) => ({ ...row, value: Number(row.value.toPrecision(5)) }));
  return `${JSON.stringify({ machine, rows: rounded }, undefined, 2)}\n`;
}

/** Throws what is wrong with it, in one line. */
export function parseSweep(text: string): SweepFile {
  const value: unknown = JSON.parse(text);
  if (!hasField(value, 'machine') || typeof value.machine !== 'string') {
    throw new Error('no sweep: it names no machine');
  }
  if (!hasField(value, 'rows') || !Array.isArray(value.rows)) {
    throw new Error('no sweep: it has no rows');
  }
  const rows = value.rows.map((row: unknown, index) => {
    if (!isSweepRow(row)) throw new Error(`row ${index} is not one of a sweep`);
    return row;
  });
  return { machine: value.machine, rows };
}

function isSweepRow(row: unknown): row is SweepRow {
  return (
    hasField(row, 'medium') &&
    isOneOf(media, row.medium) &&
    hasField(row, 'series') &&
    typeof row.series === 'string' &&
    hasField(row, 'metric') &&
    isOneOf(metrics, row.metric) &&
    hasField(row, 'bytes') &&
    isPositive(row.bytes) &&
    hasField(row, 'value') &&
    isPositive(row.value)
  );
}

/** A logarithm needs no less. */
function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value < Infinity;
}
