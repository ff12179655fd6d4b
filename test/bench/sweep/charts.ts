/** Which charts there are of a sweep, and the drawing of each as SVG text. */
import { parse, View } from 'vega';

import type { Medium } from '../peers/peer.js';
import { chartSpec, type Chart, type Point } from './chart-spec.js';
import type { SweepFile, SweepRow } from './sweep-file.js';

interface Kind {
  readonly name: string;
  readonly metric: SweepRow['metric'];
  readonly title: string;
  readonly valueTitle: string;
  readonly valueOf: (row: SweepRow) => number;
}

const kinds: readonly Kind[] = [
  {
    name: 'rate',
    metric: 'messages-per-second',
    title: 'Messages one way, rate',
    valueTitle: 'messages per second',
    valueOf: ({ value }) => value,
  },
  {
    name: 'throughput',
    metric: 'messages-per-second',
    title: 'Messages one way, throughput',
    valueTitle: 'gigabytes per second',
    valueOf: ({ value, bytes }) => (value * bytes) / 1e9,
  },
  {
    name: 'round-trip',
    metric: 'round-trip-us',
    title: 'Round trip, median; the answer is as long as the request',
    valueTitle: 'microseconds',
    valueOf: ({ value }) => value,
  },
];

const media: readonly { readonly medium: Medium; readonly title: string }[] = [
  { medium: 'tcp', title: 'over TCP on loopback' },
  { medium: 'local', title: 'within one machine, without TCP' },
];

/** A chart as a file. */
export interface Drawing {
  readonly fileName: string;
  readonly svg: string;
}

/** The same rows give the same text. Media without rows have no chart. */
export async function drawCharts({ machine, rows }: SweepFile): Promise<Drawing[]> {
  const drawings: Drawing[] = [];
  for (const { medium, title: where } of media) {
    for (const { name, metric, title, valueTitle, valueOf } of kinds) {
      const chosen = rows.filter((row) => row.medium === medium && row.metric === metric);
      const points: Point[] = chosen.map((row) => ({
        series: row.series,
        bytes: row.bytes,
        value: valueOf(row),
      }));
      if (points.length === 0) continue;
      const chart: Chart = { title: `${title}, ${where}`, valueTitle, caption: machine, points };
      drawings.push({ fileName: `${medium}-${name}.svg`, svg: await draw(chart) });
    }
  }
  return drawings;
}

/** Vega marks its root element with a class and counts clip paths; both are the same each time. */
async function draw(chart: Chart): Promise<string> {
  const view = new View(parse(chartSpec(chart)), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
