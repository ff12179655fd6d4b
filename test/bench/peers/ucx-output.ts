/**
 * What `ucx_perftest -f -v` prints: a line of names and a line of numbers. Anything else is an
 * error that shows it, since a figure read from the wrong column would look like any other.
 */

export interface UcxResult {
  readonly items: number;
  /** Of one item in a flood; of one way, half a round trip, in a test of latency. */
  readonly medianUs: number;
  /** Likewise, over the whole run. */
  readonly averageUs: number;
  readonly messagesPerSecond: number;
}

const columns = [
  'iterations',
  '50.0_percentile_lat',
  'avg_lat',
  'overall_lat',
  'avg_bw',
  'overall_bw',
  'avg_mr',
  'overall_mr',
] as const;

const numberForm = /^\d+([.]\d+)?$/;

/** The averages since the last report are `inf` where that was just before the end. */
function isFigure(cell: string, index: number): boolean {
  return numberForm.test(cell) || (cell === 'inf' && (columns[index]?.startsWith('avg_') ?? false));
}

export function parseUcxOutput(output: string): UcxResult {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const [head, figures] = lines.map((line) => line.split(',').map((cell) => cell.trim()));
  const isKnown =
    lines.length === 2 &&
    head?.join() === columns.join() &&
    figures?.length === columns.length &&
    figures.every(isFigure);
  if (!isKnown) {
    throw new Error(`ucx_perftest printed what this bench cannot read: ${JSON.stringify(output)}`);
  }
  const [items = 0, medianUs = 0, , averageUs = 0, , , , messagesPerSecond = 0] =
    figures.map(Number);
  return { items, medianUs, averageUs, messagesPerSecond };
}
